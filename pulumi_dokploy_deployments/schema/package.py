"""The package's schema as a whole."""

from __future__ import annotations

import json
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pydantic import BaseModel

from pulumi_dokploy_deployments.resources import deployment, rollback_target
from pulumi_dokploy_deployments.resources.deployment_model import DeploymentInputs, DeploymentOutputs
from pulumi_dokploy_deployments.resources.rollback_target_model import RollbackTargetInputs, RollbackTargetOutputs
from pulumi_dokploy_deployments.schema import descriptions
from pulumi_dokploy_deployments.schema.function_models import FUNCTIONS, Function
from pulumi_dokploy_deployments.schema.names import DEPLOYMENT, PACKAGE, ROLLBACK_TARGET, camel
from pulumi_dokploy_deployments.schema.provider_model import ProviderInputs
from pulumi_dokploy_deployments.schema.types import Schema, Types, needed_of, required_of


def package_version() -> str:
    """This package's version."""
    try:
        return version("pulumi-dokploy-deployments")
    except PackageNotFoundError:
        return "0.0.0"


@cache
def schema_text() -> str:
    """The schema as JSON, the same text at every call."""
    return json.dumps(build_schema(), indent=2, ensure_ascii=False) + "\n"


def build_schema() -> Schema:
    """The schema from the models."""
    types = Types()
    provider = types.properties_of(ProviderInputs)
    resources = {
        DEPLOYMENT: _resource(
            types, DeploymentInputs, DeploymentOutputs, deployment.REPLACING, descriptions.DEPLOYMENT
        ),
        ROLLBACK_TARGET: _resource(
            types,
            RollbackTargetInputs,
            RollbackTargetOutputs,
            rollback_target.REPLACING,
            descriptions.ROLLBACK_TARGET,
        ),
    }
    functions = {function.token: _function(types, function) for function in FUNCTIONS.values()}
    return {
        "name": PACKAGE,
        "displayName": "Dokploy Deployments",
        "version": package_version(),
        "description": descriptions.PACKAGE,
        "keywords": ["pulumi", "dokploy", "deployment", "rollback", "docker-swarm", "category/infrastructure"],
        "license": "Apache-2.0",
        "publisher": "pulumi-dokploy-deployments",
        "language": descriptions.LANGUAGES,
        "config": {"variables": provider},
        "types": dict(sorted(types.named.items())),
        "provider": {"description": descriptions.PROVIDER, "inputProperties": provider, "type": "object"},
        "resources": resources,
        "functions": functions,
    }


def _resource(
    types: Types,
    inputs: type[BaseModel],
    outputs: type[BaseModel],
    replacing: tuple[str, ...],
    description: str,
) -> Schema:
    given: dict[str, Any] = {}
    for name, field in inputs.model_fields.items():
        extra = {"willReplaceOnChanges": True} if name in replacing else {}
        given[camel(name)] = types.property_of(name, field, **extra)
        if field.default is not None:
            default = field.default.value if hasattr(field.default, "value") else field.default
            given[camel(name)]["description"] += f" Default: `{json.dumps(default).strip(chr(34))}`."
    made = types.properties_of(outputs)
    return {
        "description": description,
        "inputProperties": given,
        "requiredInputs": needed_of(inputs),
        "properties": {**given, **made},
        "required": required_of(outputs),
    }


def _function(types: Types, function: Function) -> Schema:
    return {
        "description": " ".join((function.arguments.__doc__ or "").split()),
        "inputs": {
            "type": "object",
            "properties": types.properties_of(function.arguments),
            "required": needed_of(function.arguments),
        },
        "outputs": {
            "type": "object",
            "description": " ".join((function.result.__doc__ or "").split()),
            "properties": types.properties_of(function.result),
            "required": required_of(function.result),
        },
    }
