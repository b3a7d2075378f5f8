"""The package's schema as a whole."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from pulumi_dokploy_deployments.functions.table import FUNCTIONS, Function
from pulumi_dokploy_deployments.schema import descriptions
from pulumi_dokploy_deployments.schema.fields import Field, fields_of, shown_default
from pulumi_dokploy_deployments.schema.functions import argument_fields
from pulumi_dokploy_deployments.schema.names import PACKAGE, camel, function_token
from pulumi_dokploy_deployments.schema.provider_model import ProviderInputs
from pulumi_dokploy_deployments.schema.resources import RESOURCES, Resource
from pulumi_dokploy_deployments.schema.types import Schema, Types, always_there, described, required
from pulumi_dokploy_deployments.version import package_version


@cache
def schema_text() -> str:
    """The schema as JSON, the same text at every call."""
    return json.dumps(build_schema(), indent=2, ensure_ascii=False) + "\n"


def build_schema() -> Schema:
    """The schema from the models."""
    types = Types()
    provider = types.properties_of(fields_of(ProviderInputs))
    resources = {resource.token: _resource(types, resource) for resource in RESOURCES}
    functions = {function_token(name): _function(types, function) for name, function in FUNCTIONS.items()}
    return {
        "name": PACKAGE,
        "displayName": "Dokploy Deployments",
        "version": package_version(),
        "description": descriptions.PACKAGE,
        "keywords": ["pulumi", "dokploy", "deployment", "rollback", "docker-swarm", "category/infrastructure"],
        "license": "Apache-2.0",
        "publisher": "pulumi-dokploy-deployments",
        # Generated SDKs are whole: the one for Go has its go.mod, with the folders as its imports name them.
        "meta": {"supportPack": True},
        "language": descriptions.LANGUAGES,
        "config": {"variables": provider},
        "types": dict(sorted(types.named.items())),
        "provider": {"description": descriptions.PROVIDER, "inputProperties": provider, "type": "object"},
        "resources": resources,
        "functions": functions,
    }


def _resource(types: Types, resource: Resource) -> Schema:
    given = {camel(field.name): _input(types, field, resource) for field in resource.input_fields}
    made = types.properties_of(resource.output_fields)
    return {
        "description": f"{resource.description.strip()}\n\n## Import\n\n{resource.imports.strip()}\n",
        "inputProperties": given,
        "requiredInputs": required(resource.input_fields),
        "properties": {**given, **made},
        "required": always_there(resource.output_fields),
    }


def _input(types: Types, field: Field, resource: Resource) -> Schema:
    extra = {"willReplaceOnChanges": True} if field.name in resource.replacing else {}
    made = types.property_of(field, **extra)
    if field.default is not None:
        made["description"] += f" Default: `{shown_default(field.default)}`."
    return made


def _function(types: Types, function: Function[Any, Any]) -> Schema:
    arguments, result = argument_fields(function), fields_of(function.result)
    return {
        "description": described(function.arguments.__doc__),
        "inputs": {
            "type": "object",
            "properties": types.properties_of(arguments),
            "required": required(arguments),
        },
        "outputs": {
            "type": "object",
            "description": described(function.result.__doc__),
            "properties": types.properties_of(result),
            "required": always_there(result),
        },
    }
