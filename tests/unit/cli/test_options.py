"""Options that are a model's field take everything from the model, and the command itself adds nothing to it."""

from __future__ import annotations

import re

import pytest
import typer.core
import typer.main
from typer.testing import CliRunner

from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.cli.commands.deploy import checked_inputs
from pulumi_dokploy_deployments.cli.main import app
from pulumi_dokploy_deployments.cli.option_texts import DEPLOYMENT
from pulumi_dokploy_deployments.cli.words import WORDS
from pulumi_dokploy_deployments.functions.filters import InvalidArgument
from pulumi_dokploy_deployments.resources.deployment_model import DeploymentInputs
from pulumi_dokploy_deployments.schema.fields import Field, fields_of

RUNNER = CliRunner()
NOWHERE = {"DOKPLOY_ENDPOINT": "", "DOKPLOY_URL": "", "DOKPLOY_API_KEY": ""}
REF = ServiceRef(ServiceKind.APPLICATION, "a1")
OF_A_RUN = {
    "image",
    "git_ref",
    "env",
    "method",
    "title",
    "description",
    "wait_for",
    "timeout_seconds",
    "stable_seconds",
    "if_unproven",
    "on_failure",
    "on_busy",
    "expect_commit",
}


def group() -> typer.core.TyperGroup:
    found = typer.main.get_command(app)
    assert isinstance(found, typer.core.TyperGroup)
    return found


def test_every_input_that_is_about_one_run_is_an_option_of_deploy() -> None:
    options = {name for option in group().commands["deploy"].params for name in option.opts}
    about_the_resource = {"triggers", "on_delete", "connection", "stream_logs"}
    services = {f"{kind.value}_id" for kind in ServiceKind}
    worked_out = {"found_service"}
    assert set(DeploymentInputs.model_fields) == OF_A_RUN | about_the_resource | services | worked_out
    assert {WORDS.input(name) for name in OF_A_RUN} <= options


@pytest.mark.parametrize("field", [field for field in fields_of(DeploymentInputs) if field.name in OF_A_RUN], ids=str)
def test_an_option_takes_what_its_input_takes(field: Field) -> None:
    def is_read(value: object) -> bool:
        result = RUNNER.invoke(app, ["deploy", "--application", "a", WORDS.input(field.name), str(value)], env=NOWHERE)
        assert result.exit_code == 2
        return "address of the Dokploy server is not configured" in result.stderr

    for choice in field.choices:
        assert all(is_read(value) for value in choice.values)
        assert not is_read("nonsense")
    for bound, beyond in ((field.least, -0.5), (field.most, 0.5)):
        if bound is not None:
            assert is_read(bound)
            assert not is_read(bound + beyond)


@pytest.mark.parametrize("name", ["method", "wait_for", "stable_seconds", "on_busy"])
def test_the_help_shows_the_model_s_default(name: str) -> None:
    told = RUNNER.invoke(app, ["deploy", "--help"], env={"COLUMNS": "900"}).output
    line = next(line for line in told.splitlines() if f" {WORDS.input(name)} " in line)
    default = DeploymentInputs.model_fields[name].default
    assert f"[default: ({default:g})]" in line if isinstance(default, float) else f"[default: ({default})]" in line


def test_without_options_a_deployment_is_what_the_model_makes_of_it() -> None:
    assert checked_inputs(REF, method=None, timeout_seconds=None) == DeploymentInputs(application_id="a1")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"timeout_seconds": 0.0}, "--timeout is 0.0"),
        ({"expect_commit": "main"}, "'main' is not a commit"),
        ({"title": "\0"}, "--title: contains a NUL"),
    ],
)
def test_a_bad_value_is_told_by_the_option_s_name(given: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        checked_inputs(REF, **given)
    assert words in caught.value.told(WORDS)


def test_what_does_not_go_with_a_database_is_refused() -> None:
    with pytest.raises(InvalidArgument) as caught:
        checked_inputs(ServiceRef(ServiceKind.REDIS, "r1"), on_failure="rollback")
    assert "--on-failure does not go with a database" in caught.value.told(WORDS)


@pytest.mark.parametrize("name", sorted(group().commands))
def test_the_help_speaks_of_options_and_of_one_run(name: str) -> None:
    for option in group().commands[name].params:
        told = getattr(option, "help", None) or ""
        assert not re.search(r"`\w+_\w+|(?<!DOKPLOY)\b[a-z]+_[a-z_]+\b", told), told
        assert not re.search(r"the resource|pulumi up|project and stack|change of", told), told


def test_a_sentence_about_the_resource_is_left_out_and_the_rest_stays() -> None:
    assert DEPLOYMENT["method"].meaning.endswith("Databases support only `deploy`.")
    assert "A change deploys again" not in DEPLOYMENT["method"].meaning
    assert DEPLOYMENT["title"].meaning.endswith("the commit's message at the end.")


def test_a_variable_is_given_with_its_value() -> None:
    result = RUNNER.invoke(app, ["deploy", "--application", "a", "--env", "TAG"], env=NOWHERE)
    assert result.exit_code == 2
    assert "Give --env NAME=VALUE." in " ".join(result.stderr.split())
