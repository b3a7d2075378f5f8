"""schema.json, the Python classes of both hosts and the functions say the same: there is one source, the models."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pulumi_dokploy_deployments import plugin
from pulumi_dokploy_deployments.hosts import functions as python_functions
from pulumi_dokploy_deployments.hosts.dynamic.deployment import Deployment as DynamicDeployment
from pulumi_dokploy_deployments.hosts.dynamic.rollback_target import RollbackTarget as DynamicRollbackTarget
from pulumi_dokploy_deployments.hosts.plugin.invokes import INVOKES
from pulumi_dokploy_deployments.hosts.plugin.python_names import output_names
from pulumi_dokploy_deployments.schema.function_models import FUNCTIONS
from pulumi_dokploy_deployments.schema.names import DEPLOYMENT, ROLLBACK_TARGET, camel, camel_path, snake
from pulumi_dokploy_deployments.schema.package import build_schema, schema_text

SCHEMA = Path(__file__).parent.parent.parent.parent / "schema.json"
CLASSES = [
    (DEPLOYMENT, plugin.Deployment),
    (DEPLOYMENT, DynamicDeployment),
    (ROLLBACK_TARGET, plugin.RollbackTarget),
    (ROLLBACK_TARGET, DynamicRollbackTarget),
]
CONNECTING = {"connection", "endpoint", "api_key"}


def test_schema_json_is_what_the_models_give() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema_text(), "run: python -m pulumi_dokploy_deployments.schema"


def described(part: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every property, type, resource and function with its description."""
    if isinstance(part, dict):
        for key in ("properties", "inputProperties", "variables", "resources", "functions", "types"):
            for name, each in (part.get(key) or {}).items():
                yield f"{path}/{name}", each.get("description", "")
                yield from described(each, f"{path}/{name}")
        for key in ("provider", "config", "inputs", "outputs"):
            yield from described(part.get(key), f"{path}/{key}")


def test_everything_in_the_schema_is_described() -> None:
    found = dict(described(build_schema()))

    assert len(found) > 120
    assert [path for path, text in found.items() if not text.strip()] == []


@pytest.mark.parametrize(("token", "resource"), CLASSES)
def test_a_class_takes_the_schema_s_inputs_and_gives_its_outputs(token: str, resource: type) -> None:
    declared = json.loads(schema_text())["resources"][token]
    arguments = set(inspect.signature(resource).parameters) - {"resource_name", "opts"}

    assert {camel(name) for name in arguments} == set(declared["inputProperties"])
    outputs = {camel(name) for name in output_names(resource)}
    assert outputs <= set(declared["properties"])
    assert set(declared["required"]) <= outputs


@pytest.mark.parametrize(
    ("ours", "theirs"), [(plugin.Deployment, DynamicDeployment), (plugin.RollbackTarget, DynamicRollbackTarget)]
)
def test_both_hosts_have_the_same_arguments_and_outputs(ours: type, theirs: type) -> None:
    assert str(inspect.signature(ours)) == str(inspect.signature(theirs))
    assert output_names(ours) == output_names(theirs)
    assert inspect.getdoc(ours) == inspect.getdoc(theirs)


def test_the_provider_s_class_takes_the_schema_s_configuration() -> None:
    arguments = set(inspect.signature(plugin.Provider).parameters) - {"resource_name", "opts"}

    assert {camel(name) for name in arguments} == set(build_schema()["provider"]["inputProperties"])
    assert build_schema()["provider"]["inputProperties"]["apiKey"]["secret"] is True


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_takes_the_same_arguments_in_python_and_as_an_invoke(name: str) -> None:
    in_python = set(inspect.signature(getattr(python_functions, name)).parameters) - CONNECTING

    assert set(FUNCTIONS[name].arguments.model_fields) - CONNECTING == in_python
    assert FUNCTIONS[name].token in INVOKES


def test_every_function_for_python_programs_is_an_invoke_as_well() -> None:
    named = {name for name in vars(python_functions) if name.startswith("get_") and not name.endswith("_output")}

    assert named == set(FUNCTIONS)


def test_names_go_over_the_wire_and_back() -> None:
    names = [name for _, resource in CLASSES for name in inspect.signature(resource).parameters]

    assert [snake(camel(name)) for name in names] == names
    assert camel_path("timeout_seconds") == "timeoutSeconds"
    assert camel_path("triggers.image_tag[0]") == "triggers.image_tag[0]"
