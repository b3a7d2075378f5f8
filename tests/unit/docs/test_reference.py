"""The tables in the docs say what the models say."""

from __future__ import annotations

import re

import pytest

from pulumi_dokploy_deployments.functions.table import FUNCTIONS
from pulumi_dokploy_deployments.resources.deployment_model import DeploymentInputs
from pulumi_dokploy_deployments.resources.rollback_target_model import RollbackTargetInputs
from pulumi_dokploy_deployments.schema.functions import python_fields
from pulumi_dokploy_deployments.schema.python_functions import result_classes
from pulumi_dokploy_deployments.schema.resources import RESOURCES, Resource
from pulumi_dokploy_deployments.schema.tables import (
    argument_tables,
    input_table,
    output_table,
    result_tables,
    spelling_table,
    with_parts,
)


def rows_of(table: str) -> list[tuple[str, str]]:
    """The name and the meaning in each row."""
    return re.findall(r"^\| `(\w+)` \|.*\| (.*) \|$", table, re.MULTILINE)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.name)
def test_every_input_and_output_has_one_row_with_its_description(resource: Resource) -> None:
    for table, fields in (
        (input_table(resource), resource.input_fields),
        (output_table(resource), resource.output_fields),
    ):
        rows = rows_of(table)
        assert [name for name, _ in rows] == [field.name for field in fields]
        assert all(text.strip() for _, text in rows), "a field lacks its description"


def test_defaults_are_those_of_the_models() -> None:
    deployment, release, target = (input_table(resource) for resource in RESOURCES)
    assert "| `on_failure` | `fail`, `rollback` | `rollback` |" in release
    assert "| `services` | map of `ReleasedService` | required |" in release
    assert "| `wait_for` | `healthy`, `done`, `none` | `healthy` |" in deployment
    assert f"| `timeout_seconds` | number | `{DeploymentInputs(application_id='a').timeout_seconds:g}` |" in deployment
    assert f"`{RollbackTargetInputs(application_id='a', version=1).on_delete.value}` |" in target


def test_the_services_are_alternatives_and_every_other_input_has_a_default_of_its_own() -> None:
    for resource in RESOURCES:
        alternatives = set(re.findall(r"^\| `(\w+)` \| \w+ \| one of these \|", input_table(resource), re.MULTILINE))
        assert alternatives == {name for group in resource.choose_one for name in group}
        assert ("application_id" in alternatives) is ("application_id" in resource.inputs.model_fields)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_argument_of_a_function_is_under_its_heading_or_among_those_of_all(name: str) -> None:
    chapters = re.split(r"^### ", argument_tables(), flags=re.MULTILINE)
    (own,) = (chapter for chapter in chapters if chapter.startswith(f"{name}\n"))
    documented = {row[0] for chapter in (chapters[0], own) for row in rows_of(chapter)}
    assert documented == {field.name for field in python_fields(FUNCTIONS[name])}


def test_every_field_of_every_result_has_a_row() -> None:
    chapters = dict(re.findall(r"^### `(\w+)`\n(.*?)(?=^### |\Z)", result_tables(), re.MULTILINE | re.DOTALL))
    assert {name: [row[0] for row in rows_of(text)] for name, text in chapters.items()} == {
        model.__name__: list(model.model_fields) for model in result_classes()
    }


def test_every_input_has_a_row_with_its_spellings() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| `(\w+)` \|$", spelling_table(), re.MULTILINE)
    assert ("application_id", "applicationId", "ApplicationId") in rows
    assert ("api_key", "apiKey", "ApiKey") in rows
    named = [name for name, _, _ in rows]
    assert len(named) == len(set(named))
    assert set(named) >= {field.name for resource in RESOURCES for field in resource.input_fields}


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="needs each of these lines once"):
        with_parts("# Deployment\n", {"inputs": "| input |"})
