"""Tab without a server: nothing is asked where nothing says whom, and no trouble gets into the line."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest
import typer.core
import typer.main
from typer.testing import CliRunner

from pulumi_dokploy_deployments.cli import completing
from pulumi_dokploy_deployments.cli.main import app
from pulumi_dokploy_deployments.cli.option_texts import ServiceKind

KEY = "k" * 70
UNSET = {"DOKPLOY_ENDPOINT": "", "DOKPLOY_URL": "", "DOKPLOY_API_KEY": ""}
SOME = {"DOKPLOY_ENDPOINT": "https://env.example.com", "DOKPLOY_API_KEY": KEY}


def tab(line: str, **environ: str) -> tuple[str, str]:
    """What bash is told where the word after the line is to be completed, and what gets onto the terminal."""
    words = line.split(" ")
    asked = {
        "_DOKPLOY_DEPLOYMENTS_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        **UNSET,
        **environ,
    }
    result = CliRunner().invoke(app, [], env=asked)
    assert result.exit_code == 0
    return result.stdout.strip(), result.stderr


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The address and the key of each time that a server would have been asked."""
    seen: list[tuple[str, str]] = []

    async def answer(_ask: object, connection: Any, *_: object) -> list[object]:
        seen.append((connection.origin, connection.api_key.get_secret_value()))
        return []

    monkeypatch.setattr(completing, "_answer", answer)
    return seen


LINE = "dokploy-deployments list --application "


@pytest.mark.parametrize(
    ("line", "environ"),
    [
        (LINE, {}),
        (LINE, {"DOKPLOY_ENDPOINT": "https://d.example.com"}),
        (LINE, {"DOKPLOY_API_KEY": KEY}),
        (LINE, {**SOME, "DOKPLOY_COMPLETE_OFFLINE": "true"}),
        ("dokploy-deployments list --connection other --application ", SOME),
        ("dokploy-deployments list --connection Not/One --application ", SOME),
        ("dokploy-deployments list --api-key-file - --application ", SOME),
        ("dokploy-deployments list --api-key-file /nowhere --application ", SOME),
        ("dokploy-deployments --env-file /nowhere list --application ", SOME),
        ("dokploy-deployments list --endpoint ftp://x --application ", SOME),
        ("dokploy-deployments list --endpoint http://d.example.com --application ", SOME),
    ],
)
def test_without_address_and_key_nobody_is_asked(
    line: str, environ: dict[str, str], asked: list[tuple[str, str]]
) -> None:
    assert tab(line, **environ) == ("", "")
    assert asked == []


def test_the_line_s_own_options_go_before_the_environment(tmp_path: Path, asked: list[tuple[str, str]]) -> None:
    key, variables = tmp_path / "key", tmp_path / "env"
    key.write_text("f" * 70)
    variables.write_text(f"DOKPLOY_URL=https://file.example.com\nDOKPLOY_API_KEY={'e' * 70}\n")
    start = "dokploy-deployments"
    tab(f"{start} list --application ", **SOME)
    tab(f"{start} list --endpoint line.example.com --api-key-file $FOLDER/key --application ", FOLDER=str(tmp_path))
    tab(f"{start} --env-file {variables} list --application ", **SOME)
    tab(
        f"{start} list --connection eu --application ",
        DOKPLOY_EU_ENDPOINT="https://eu.example.com",
        DOKPLOY_EU_API_KEY=KEY,
    )
    assert asked == [
        ("https://env.example.com", KEY),
        ("https://line.example.com", "f" * 70),
        ("https://file.example.com", "e" * 70),
        ("https://eu.example.com", KEY),
    ]
    assert os.environ.get("DOKPLOY_URL") is None


@pytest.mark.skipif(sys.platform == "win32", reason="pipes have names only elsewhere")
def test_what_can_be_read_only_once_is_left_for_the_command(tmp_path: Path, asked: list[tuple[str, str]]) -> None:
    pipe = tmp_path / "key"
    os.mkfifo(pipe)
    assert tab(f"dokploy-deployments list --api-key-file {pipe} --application ", **SOME) == ("", "")
    assert asked == []


@pytest.mark.parametrize("trouble", [RuntimeError("no"), KeyboardInterrupt()])
def test_whatever_goes_wrong_nothing_is_said(trouble: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*_: object) -> NoReturn:
        sys.stderr.write("a warning of a library\n")
        raise trouble

    monkeypatch.setattr(completing, "_answer", answer)
    assert tab(LINE, **SOME) == ("", "")


def test_connections_are_those_of_the_environment_and_of_the_file(tmp_path: Path, asked: list[tuple[str, str]]) -> None:
    variables = tmp_path / "env"
    variables.write_text("DOKPLOY_FILED_ENDPOINT=https://file.example.com\n")
    environ = {"DOKPLOY_EU_WEST_URL": "https://eu.example.com", "DOKPLOY_EMPTY_ENDPOINT": " "}
    told, _ = tab(f"dokploy-deployments --env-file {variables} queue --connection ", **environ)
    assert told.splitlines() == ["eu-west", "filed"]
    assert asked == []


def test_fish_asks_a_server_only_once_for_a_word(asked: list[tuple[str, str]]) -> None:
    fish = {
        "_DOKPLOY_DEPLOYMENTS_COMPLETE": "complete_fish",
        "_TYPER_COMPLETE_ARGS": "dokploy-deployments list --application w",
        **UNSET,
    }
    first = CliRunner().invoke(app, [], env={**fish, **SOME, "_TYPER_COMPLETE_FISH_ACTION": "is-args"})
    nowhere = CliRunner().invoke(app, [], env={**fish, "_TYPER_COMPLETE_FISH_ACTION": "is-args"})
    assert (first.exit_code, nowhere.exit_code, asked) == (0, 1, [])
    CliRunner().invoke(app, [], env={**fish, **SOME, "_TYPER_COMPLETE_FISH_ACTION": "get-args"})
    assert len(asked) == 1


def test_the_program_s_own_version_does_not_get_into_the_line() -> None:
    told, _ = tab("dokploy-deployments --version list --applic")
    assert told.splitlines() == ["--application"]


def test_every_option_that_names_something_of_the_server_s_is_completed() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    names = {*ServiceKind, "deployment", "server", "project", "environment", "connection", "rollback_id", "commit"}
    names |= {"waiting_of_application", "waiting_of_compose", "to", "previous", "name"}
    missing = [
        f"{command} {parameter.name}"
        for command, found in group.commands.items()
        for parameter in found.params
        if parameter.name in names and getattr(parameter, "_custom_shell_complete", None) is None
    ]
    assert missing == []
