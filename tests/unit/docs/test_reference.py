"""The reference of inputs and outputs says what the models say."""

from __future__ import annotations

import re

import pytest

from pulumi_dokploy_deployments.resources.deployment_model import DeploymentInputs
from pulumi_dokploy_deployments.resources.rollback_target_model import RollbackTargetInputs
from tests.support.reference import DOCUMENTED, Page, with_tables


@pytest.mark.parametrize("page", DOCUMENTED, ids=lambda page: page.file)
def test_the_committed_page_is_what_the_models_give(page: Page) -> None:
    committed = page.path.read_text(encoding="utf-8")
    assert with_tables(committed, page.tables) == committed, "run: python tests/unit/docs/reference.py"


@pytest.mark.parametrize("page", DOCUMENTED, ids=lambda page: page.file)
def test_every_input_and_output_has_one_row_with_its_description(page: Page) -> None:
    for name, model in (("inputs", page.inputs), ("outputs", page.outputs)):
        rows = re.findall(r"^\| `(\w+)` \|.*\| (.*) \|$", page.tables[name], re.MULTILINE)
        assert [row[0] for row in rows] == list(model.model_fields)
        assert all(text.strip() for _, text in rows), "a field lacks its description"


def test_defaults_are_those_of_the_models() -> None:
    deployment, target = (page.tables["inputs"] for page in DOCUMENTED)
    assert "| `wait_for` | `healthy`, `done`, `none` | `healthy` |" in deployment
    assert f"| `timeout_seconds` | number | `{DeploymentInputs(application_id='a').timeout_seconds:g}` |" in deployment
    assert f"`{RollbackTargetInputs(application_id='a', version=1).on_delete.value}` |" in target


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="needs each of these lines once"):
        with_tables("# Deployment\n", {"inputs": "| input |"})
