"""The pages tell what the program does: every command captured, every exit code, every function, every endpoint."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pulumi_dokploy_deployments.cli.exit_codes import MEANINGS
from pulumi_dokploy_deployments.cli.main import app
from pulumi_dokploy_deployments.functions import models
from pulumi_dokploy_deployments.hosts import functions

from .conftest import Server

DOCS = Path(__file__).parents[2] / "docs"
CLI = (DOCS / "cli.md").read_text(encoding="utf-8")
FUNCTIONS = (DOCS / "functions.md").read_text(encoding="utf-8")
MAP = (DOCS / "api-map.md").read_text(encoding="utf-8")
COMMANDS = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
PUBLISHED = ["all", "allByCompose", "allByServer", "allCentralized", "queueList", "allByType", "killProcess"]
ID = re.compile(r"[\w-]{21}|job-\d+")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_chapter_and_its_captured_output(command: str) -> None:
    assert f"\n## {command}\n" in CLI
    chapter = CLI.split(f"\n## {command}\n")[1].split("\n## ")[0]
    captured = re.findall(r"```console\n\$ dokploy-deployments " + command + r"\b.*\n(.+)\n", chapter)
    assert captured
    assert "\x1b" not in CLI


def test_every_option_that_a_page_names_exists() -> None:
    known = {option for command in COMMANDS for option in re.findall(r"--[a-z-]+", _help_of(command))} | {
        "--env-file",
        "--install-completion",
        "--show-completion",
        "--version",
    }
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", CLI + MAP))
    assert named <= known, named - known


def _help_of(command: str) -> str:
    from typer.testing import CliRunner

    return CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).output


def test_the_exit_codes_are_those_of_the_program() -> None:
    assert dict(re.findall(r"^\| (\d+) \| (.+) \|$", CLI, re.MULTILINE)) == {
        str(code.value): meaning for code, meaning in MEANINGS.items()
    }


def test_every_function_result_and_argument_is_on_the_page() -> None:
    for name in (name for name in dir(functions) if name.startswith("get_") and not name.endswith("_output")):
        assert f"`{name}(" in FUNCTIONS
        assert name in MAP
        for argument in getattr(functions, name).__annotations__:
            assert argument in FUNCTIONS or argument == "return"
    for model in (models.DeploymentInfo, models.QueueJobInfo, models.DeploymentLogs, models.RollbackCandidate):
        assert f"`{model.__name__}`" in FUNCTIONS
        for field in model.model_fields:
            assert re.search(rf"\b{field}\b", FUNCTIONS), field


@pytest.mark.parametrize("endpoint", [*PUBLISHED, "removeDeployment", "readLogs"])
def test_every_endpoint_of_the_published_page_is_on_the_map(endpoint: str) -> None:
    assert f"`deployment.{endpoint}`" in MAP


def _documented(row: str) -> set[str]:
    """The names of fields in a row of the tables on JSON."""
    cells = CLI.split("\n### JSON\n")[1].split(f"\n| {row} | ")[1].splitlines()[0]
    return set(re.findall(r"`([a-z_]+)`", cells)) - {"null"}


def test_the_fields_of_each_document_are_on_the_page(server: Server) -> None:
    stays, identity = server.deployed("ok"), server.deployed("ok")
    ok = ("--application", "ok")
    documents = {
        "`services`": server.run("services", "docker", "--json").json,
        "`list`": server.run("list", *ok, "--json").json,
        "`queue`": server.run("queue", "--json").json,
        "`candidates`": server.run("candidates", *ok, "--json").json,
        "`logs`": server.run("logs", identity, "--json").json,
        "`rollback`": server.run("rollback", *ok, "--deployment", identity, "--dry-run", "--json").json,
        "`remove`": server.run("remove", identity, "--yes", "--json").json,
    }
    assert stays != identity
    for row, document in documents.items():
        assert set(document) == _documented(row), row
    diagnosis = server.run("doctor", "--json").json
    assert _documented("`doctor`") == set(diagnosis) | set(diagnosis["findings"][0])
    assert _documented("`simulate`") < set(server.simulator.ready)


def test_the_fields_of_each_event_are_on_the_page(server: Server) -> None:
    seen: dict[str, set[str]] = {}
    for event in server.run("deploy", "--application", "git", "--wait-for", "done", "--json").events:
        seen.setdefault(event.pop("event"), set()).update(event)
    assert set(seen) == {"status", "log", "end"}
    for name, fields in seen.items():
        assert fields == _documented(f"`{name}`"), name


@pytest.mark.parametrize("name", ["services", "list", "candidates", "queue"])
def test_a_captured_table_still_has_the_program_s_columns(server: Server, name: str) -> None:
    block = CLI.split(f"<!-- capture: {name} -->")[1]
    captured = block.splitlines()[3].split()
    server.deployed("ok")
    with server.long_build("git"):
        application = ["--application", server.application("ok")] if name == "candidates" else []
        assert server.run(name, *application).out.splitlines()[0].split() == captured
