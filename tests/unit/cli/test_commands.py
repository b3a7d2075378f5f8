"""What holds for every command: options, exit codes, words, and a quick start."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from pulumi_dokploy_deployments.api.errors import (
    AccessDenied,
    ConfigurationError,
    ConnectionFailed,
    DokployError,
    InvalidRequest,
    NotFound,
    RequestTimeout,
    Unauthorized,
)
from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.api.text import Action, Configured, Setting
from pulumi_dokploy_deployments.cli.commands.deploy import after_interrupt
from pulumi_dokploy_deployments.cli.errors import NotConfirmed, Refused, exit_code_of, told_as_json, words_of
from pulumi_dokploy_deployments.cli.exit_codes import MEANINGS, ExitCode
from pulumi_dokploy_deployments.cli.main import app
from pulumi_dokploy_deployments.functions.filters import InvalidArgument
from pulumi_dokploy_deployments.functions.identity import UnknownId
from pulumi_dokploy_deployments.rollout.errors import (
    DeploymentFailed,
    DeploymentTimedOut,
    ServiceBusy,
    ServiceUnhealthy,
)
from pulumi_dokploy_deployments.waiting.progress import Activity, Progress, Stage

RUNNER = CliRunner()
COMMANDS = [
    "list",
    "services",
    "queue",
    "logs",
    "watch",
    "candidates",
    "deploy",
    "rollback",
    "kill",
    "remove",
    "doctor",
    "simulate",
]
REF = ServiceRef(ServiceKind.APPLICATION, "a1")


def api(kind: type[InvalidRequest | NotFound | Unauthorized | AccessDenied | ConnectionFailed]) -> DokployError:
    return kind("no", operation="x.y", server="https://d.example.com")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DeploymentFailed("x", service="s"), ExitCode.FAILED),
        (ServiceUnhealthy("x", service="s"), ExitCode.FAILED),
        (InvalidArgument("x"), ExitCode.USAGE),
        (UnknownId("x"), ExitCode.USAGE),
        (ConfigurationError("x"), ExitCode.USAGE),
        (api(NotFound), ExitCode.USAGE),
        (api(Unauthorized), ExitCode.NO_ACCESS),
        (api(AccessDenied), ExitCode.NO_ACCESS),
        (api(ConnectionFailed), ExitCode.NO_ACCESS),
        (api(RequestTimeout), ExitCode.NO_ACCESS),
        (DeploymentTimedOut("x", service="s"), ExitCode.TIMED_OUT),
        (ServiceBusy("x", service="s"), ExitCode.REFUSED),
        (api(InvalidRequest), ExitCode.REFUSED),
        (Refused("x"), ExitCode.REFUSED),
        (NotConfirmed("x"), ExitCode.NOT_CONFIRMED),
    ],
)
def test_each_error_has_its_exit_code(error: DokployError, code: ExitCode) -> None:
    assert exit_code_of(error) is code


def test_the_exit_codes_are_explained_in_the_help() -> None:
    text = " ".join(RUNNER.invoke(app, ["--help"]).output.split())
    assert set(MEANINGS) == set(ExitCode)
    for code, meaning in MEANINGS.items():
        assert f"{code.value} {meaning}" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_json_and_says_where_the_key_comes_from(name: str) -> None:
    result = RUNNER.invoke(app, [name, "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    for option in ("--json", "--endpoint", "--api-key-file", "--connection"):
        assert option in result.output
    assert not re.search(r"--api-key(?!-file)", result.output), "a key as an argument shows in process lists"


def test_there_are_no_other_commands() -> None:
    assert [command.name or command.callback.__name__ for command in app.registered_commands if command.callback] == (
        COMMANDS
    )


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["list", "--nonsense"], ["logs"], ["deploy", "--method", "x"]])
def test_a_wrong_usage_is_2(arguments: list[str]) -> None:
    assert RUNNER.invoke(app, arguments).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["deploy"], "No service is named"),
        (["deploy", "--application", "a", "--redis", "b"], "Several services"),
        (["deploy", "--application", "a", "--expect-commit", "main"], "not a commit"),
        (["deploy", "--application", "a", "--title", "\0"], "NUL"),
        (["watch"], "What to watch"),
        (["watch", "d1", "--application", "a"], "What to watch"),
        (["kill"], "What to end"),
        (["kill", "d1", "--waiting-of-compose", "c"], "What to end"),
        (["rollback", "--application", "a"], "exactly one"),
        (["rollback", "--application", "a", "--version", "1", "--previous", "1"], "exactly one"),
        (["list", "--application", " "], "is empty"),
        (["list", "--application", "a", "--server", "s"], "Name one"),
        (["list", "--versions"], "needs a service"),
        (["list", "--status", "queued"], "in the queue"),
        (["list", "--since", "never"], "neither a time nor an age"),
    ],
)
def test_what_can_not_be_meant_is_said_before_a_server_is_asked(arguments: list[str], words: str) -> None:
    result = RUNNER.invoke(app, arguments, env={"DOKPLOY_ENDPOINT": "", "DOKPLOY_URL": "", "DOKPLOY_API_KEY": ""})
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_errors_are_told_in_the_command_line_s_terms() -> None:
    error = DeploymentFailed("It failed", service="s", next_step=("Fix it, then ", Action.RUN_AGAIN, "."))
    assert words_of(error) == "It failed. Fix it, then run the same command again."
    assert told_as_json(error)["message"] == words_of(error)
    denied = ConfigurationError("No key.", next_step=("Set it with ", Configured(Setting.API_KEY, "staging"), "."))
    assert words_of(denied) == (
        "No key. Set it with the environment variable DOKPLOY_STAGING_API_KEY or the option --api-key-file."
    )


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (None, "Nothing was started."),
        (Progress(Activity.READING), "Nothing was started."),
        (Progress(Activity.REQUESTING, detail="deploy"), "may have reached the server"),
        (
            Progress(Activity.RUNNING, Stage.BUILD, usual_seconds=9.0),
            "goes on with the deployment (last seen: running: build). Watch it: ",
        ),
    ],
)
def test_an_interrupted_deploy_says_what_still_runs(last: Progress | None, words: str) -> None:
    text = after_interrupt(REF, last)
    assert words in text
    assert ("watch --application a1" in text) == (words != "Nothing was started.")


HEAVY = ("pulumi", "grpc", "httpx", "websockets")


@pytest.mark.parametrize(
    ("arguments", "word", "avoided"),
    [
        (["--version"], "", [*HEAVY, "pydantic"]),
        (["--help"], "", [*HEAVY, "pydantic"]),
        # Typer itself uses pydantic for the bounds of numbers, in the releases that find it installed.
        (["deploy", "--help"], "", [*HEAVY]),
        (["nonsense"], "", [*HEAVY]),
        ([], "--appl", [*HEAVY]),
    ],
)
def test_help_and_option_names_come_without_pulumi_and_without_the_libraries_for_requests(
    arguments: list[str], word: str, avoided: list[str]
) -> None:
    # Takes as long as an interpreter's start: that is what is tested.
    program = (
        f"import sys; sys.argv = ['dokploy-deployments', *{arguments!r}]\n"
        "from pulumi_dokploy_deployments.cli.start import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {avoided!r} if name in sys.modules])"
    )
    asked = {"COMP_WORDS": f"dokploy-deployments list {word}", "COMP_CWORD": "2"}
    completing = {"_DOKPLOY_DEPLOYMENTS_COMPLETE": "complete_bash", **asked} if word else {}
    ran = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **completing}, capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines()[-1] == "[]"
    assert ("--application" in ran.stdout.splitlines()) == bool(word)


def test_no_command_imports_pulumi() -> None:
    program = (
        "import sys, pkgutil, importlib\n"
        "import pulumi_dokploy_deployments.cli as cli\n"
        "for found in pkgutil.walk_packages(cli.__path__, cli.__name__ + '.'):\n"
        "    importlib.import_module(found.name)\n"
        "print([name for name in ('pulumi', 'grpc') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_completion_is_offered() -> None:
    assert "--install-completion" in RUNNER.invoke(app, ["--help"]).output
    assert isinstance(app, typer.Typer)
