"""Ids that begin with a dash are ids, options stay options, and scripts are told of wrong usage in JSON."""

from __future__ import annotations

import json
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from pulumi_dokploy_deployments.cli.main import app
from pulumi_dokploy_deployments.cli.parsing import DashedIdCommand, Group

ID = "-f3Grms-grjniw3Lk_1Z8"
RUNNER = CliRunner()
NOWHERE = {"DOKPLOY_ENDPOINT": "", "DOKPLOY_URL": "", "DOKPLOY_API_KEY": ""}


def words_of(*given: str) -> dict[str, object]:
    """What a command with an id, a flag and an option reads."""
    program = typer.Typer(cls=Group)
    told: dict[str, object] = {}

    @program.command(cls=DashedIdCommand)
    def watch(
        identity: Annotated[str | None, typer.Argument()] = None,
        follow: Annotated[bool, typer.Option("--follow", "-f")] = False,
        application: str = "",
    ) -> None:
        told.update(identity=identity, follow=follow, application=application)

    @program.command()
    def other() -> None:
        """Makes a group of the program."""

    result = RUNNER.invoke(program, ["watch", *given])
    assert result.exit_code == 0, result.output
    return told


@pytest.mark.parametrize("identity", [ID, "--3Grms-grjniw3Lk_1Z8", "vMFCM6Ab28ZkAW337PiA9"])
def test_an_id_may_begin_with_a_dash(identity: str) -> None:
    alone = {"identity": identity, "follow": False, "application": ""}
    assert words_of(identity) == alone
    assert words_of("--", identity) == alone
    assert words_of(identity, "-f") == words_of("-f", identity) == {**alone, "follow": True}


def test_an_id_that_is_an_option_s_value_stays_that() -> None:
    assert words_of("--application", ID) == {"identity": None, "follow": False, "application": ID}
    assert words_of(f"--application={ID}", ID)["identity"] == ID


@pytest.mark.parametrize(
    "command", [["logs"], ["watch"], ["kill", "--yes"], ["remove", "--yes"], ["logs", "--container"]]
)
def test_the_commands_that_take_a_deployment_take_such_an_id(command: list[str]) -> None:
    result = RUNNER.invoke(app, [*command, ID], env=NOWHERE)
    assert result.exit_code == 2
    assert "address of the Dokploy server is not configured" in result.stderr, "it came as far as the server"


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["list", "--nonsense"],
        ["remove"],
        ["deploy", "--method", "x"],
        ["deploy", "--stable-seconds", "many"],
        ["watch", "a", "b"],
        ["--nonsense"],
    ],
)
def test_wrong_usage_is_a_json_document_too(arguments: list[str]) -> None:
    result = RUNNER.invoke(app, [*arguments, "--json"])
    error = json.loads(result.stdout)["error"]
    assert (result.exit_code, error["type"], error["exit_code"]) == (2, "UsageError", 2)
    assert error["message"]
    assert result.stderr, "people read it as before"
    assert RUNNER.invoke(app, arguments).stdout == ""


def test_an_argument_that_can_not_be_meant_is_one_json_document() -> None:
    result = RUNNER.invoke(app, ["deploy", "--json"], env=NOWHERE)
    assert (result.exit_code, json.loads(result.stdout)["error"]["type"]) == (2, "InvalidArgument")
