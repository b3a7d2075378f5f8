"""One message, in the words of whoever shows it: a Python program, another language's program, the command line."""

from __future__ import annotations

import re

import pytest
import typer.core
import typer.main

from pulumi_dokploy_deployments.api.errors import ConfigurationError, DokployError
from pulumi_dokploy_deployments.api.text import (
    PLAIN,
    Action,
    ActionOn,
    Configured,
    Deadline,
    DeadlineSource,
    Input,
    Setting,
    Text,
    Vocabulary,
    clause,
    inputs,
    joined,
    spell,
)
from pulumi_dokploy_deployments.cli.main import app
from pulumi_dokploy_deployments.cli.words import WORDS
from pulumi_dokploy_deployments.functions.arguments import AllDeployments
from pulumi_dokploy_deployments.functions.filters import InvalidArgument
from pulumi_dokploy_deployments.hosts.words import PLUGIN, PYTHON
from pulumi_dokploy_deployments.resources.deployment_model import DeploymentInputs
from pulumi_dokploy_deployments.resources.rollback_target_model import RollbackTargetInputs
from pulumi_dokploy_deployments.rollout import failures
from pulumi_dokploy_deployments.waiting.progress import Stage
from tests.support.builders import EPOCH, job, row, service

EVERY = (PLAIN, PYTHON, PLUGIN, WORDS)


@pytest.mark.parametrize(
    ("text", "python", "plugin", "command_line"),
    [
        (
            ("Raise ", Input("timeout_seconds"), "."),
            "Raise timeout_seconds.",
            "Raise timeoutSeconds.",
            "Raise --timeout.",
        ),
        (
            ("Set it with ", Configured(Setting.API_KEY), "."),
            "Set it with `pulumi config set --secret dokploy:apiKey` (or the environment variable DOKPLOY_API_KEY).",
            "Set it with `pulumi config set --secret dokploy-deployments:apiKey` (or the environment variable "
            "DOKPLOY_API_KEY or apiKey of an explicit provider).",
            "Set it with the environment variable DOKPLOY_API_KEY or the option --api-key-file.",
        ),
        (
            (Configured(Setting.API_KEY, "staging"),),
            "`pulumi config set --secret dokploy-staging:apiKey` (or the environment variable DOKPLOY_STAGING_API_KEY)",
            "the environment variable DOKPLOY_STAGING_API_KEY, or as apiKey of a provider with connection 'staging'",
            "the environment variable DOKPLOY_STAGING_API_KEY or the option --api-key-file",
        ),
        (
            (Configured(Setting.ENDPOINT),),
            "`pulumi config set dokploy:endpoint https://dokploy.example.com` (or the environment variable "
            "DOKPLOY_ENDPOINT)",
            "`pulumi config set dokploy-deployments:endpoint https://dokploy.example.com` (or the environment variable "
            "DOKPLOY_ENDPOINT or endpoint of an explicit provider)",
            "the environment variable DOKPLOY_ENDPOINT or the option --endpoint",
        ),
        (
            (Configured(Setting.HEADERS),),
            "`pulumi config set --secret dokploy:headers` (or the environment variable DOKPLOY_HEADERS)",
            "`pulumi config set --secret dokploy-deployments:headers` (or the environment variable DOKPLOY_HEADERS or "
            "headers of an explicit provider)",
            "the environment variable DOKPLOY_HEADERS",
        ),
        (
            (Action.RUN_AGAIN, "."),
            "Run `pulumi up` again.",
            "Run `pulumi up` again.",
            "Run the same command again.",
        ),
        (
            ("Wait, then ", ActionOn(Action.WATCH, "-a1"), "."),
            *(["Wait, then watch it with `dokploy-deployments watch -- -a1`."] * 3),
        ),
        (
            (Action.SHOW_QUEUE,),
            "Show the queue with `dokploy-deployments queue` or `get_deployment_queue`",
            "Show the queue with `dokploy-deployments queue` or `getDeploymentQueue`",
            "Show the queue with `dokploy-deployments queue`",
        ),
        (
            (ActionOn(Action.GIVE_UP, "urn:pulumi:x"),),
            "Run `pulumi state delete urn:pulumi:x`",
            "Run `pulumi state delete urn:pulumi:x`",
            "Remove it without asking the server",
        ),
        (
            ("raise ", Deadline(DeadlineSource.RESOURCE_OPTION)),
            "raise customTimeouts",
            "raise the resource option customTimeouts",
            "raise --timeout",
        ),
        (
            ("raise ", Deadline(DeadlineSource.PROVIDER)),
            "raise the provider's timeout_seconds",
            "raise the provider's timeoutSeconds",
            "raise --timeout",
        ),
        (
            joined("Give ", inputs(["application_id", "compose_id", "postgres_id"]), "."),
            "Give application_id, compose_id or postgres_id.",
            "Give applicationId, composeId or postgresId.",
            "Give --application, --compose or --postgres.",
        ),
    ],
)
def test_each_host_has_its_own_words(text: Text, python: str, plugin: str, command_line: str) -> None:
    assert [spell(text, words) for words in (PYTHON, PLUGIN, WORDS)] == [python, plugin, command_line]


def test_an_action_has_a_capital_where_it_begins_a_sentence_and_nowhere_else() -> None:
    text: Text = (Action.RUN_AGAIN, ". Or ", Action.RUN_AGAIN, "! ", Action.RUN_AGAIN, "? ", Input("on_busy"), ".")
    assert spell(text) == "Try again. Or try again! Try again? on_busy."


@pytest.mark.parametrize(
    ("text", "told"),
    [("No.", "No"), ("No", "No"), (("Raise ", Input("limit"), ". "), "Raise limit"), ((Input("limit"),), "limit")],
)
def test_a_message_in_the_middle_of_a_sentence_loses_its_full_stop(text: Text, told: str) -> None:
    assert spell(clause(text)) == told


def test_an_action_alone_is_a_text_as_well() -> None:
    assert spell(Action.RUN_AGAIN, PYTHON) == "Run `pulumi up` again"
    assert spell(clause(Action.RUN_AGAIN), WORDS) == "Run the same command again"


SHOP = service()
ROW = row("row-7", status="error", ended=4.2)
TOLD: list[DokployError] = [
    failures.failed(SHOP, ROW, Stage.BUILD, ["error: x"], "https://d/x"),
    failures.timed_out(SHOP, ROW, 60.0, Stage.BUILD, [], "https://d/x"),
    failures.timed_out(SHOP, None, 60.0, Stage.HEALTH_CHECK, [], "https://d/x", so_far="0 of 1 new tasks run"),
    failures.busy(SHOP, [job(1)], "https://d/x"),
    failures.other_commit(SHOP, ROW, "abcdef1", "https://d/x"),
    failures.interrupted(SHOP, None, Stage.QUEUED, "https://d/x", is_sent=True),
    ConfigurationError("No key.", next_step=("Set it with ", Configured(Setting.API_KEY), ".")),
]


@pytest.mark.parametrize("error", TOLD, ids=lambda error: type(error).__name__)
def test_nobody_reads_another_host_s_words(error: DokployError) -> None:
    plugin, command_line, core = error.told(PLUGIN), error.told(WORDS), str(error)
    assert not re.search(r"\b[a-z]+_[a-z]+\b", plugin), "snake case"
    assert "dokploy:" not in plugin
    for text in (command_line, core):
        assert "pulumi" not in text
        assert not re.search(r"\b[a-z]+[A-Z][a-z]+\b", text), "camel case"
    assert not re.search(r"\b[a-z]+_[a-z]+\b", command_line)
    assert "--" not in core
    assert "same command" not in error.told(PYTHON)


@pytest.mark.parametrize(
    ("deadline", "python", "plugin", "property_name"),
    [
        (DeadlineSource.INPUT, "60 s (timeout_seconds)", "60 s (timeoutSeconds)", "timeout_seconds"),
        (DeadlineSource.RESOURCE_OPTION, "60 s (customTimeouts)", "60 s (the resource option customTimeouts)", None),
        (
            DeadlineSource.PROVIDER,
            "60 s (the provider's timeout_seconds)",
            "60 s (the provider's timeoutSeconds)",
            None,
        ),
    ],
)
def test_a_timeout_names_the_limit_that_ended_the_wait(
    deadline: DeadlineSource, python: str, plugin: str, property_name: str | None
) -> None:
    error = failures.timed_out(SHOP, ROW, 60.0, Stage.BUILD, [], "https://d/x", deadline=deadline)
    assert python in error.told(PYTHON)
    assert plugin in error.told(PLUGIN)
    assert (error.deadline_source, error.property_name) == (deadline, property_name)


def test_every_option_that_messages_name_exists() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    options = {name for command in group.commands.values() for option in command.params for name in option.opts}
    names = {*DeploymentInputs.model_fields, *RollbackTargetInputs.model_fields}
    names |= {"limit", "since", "status", "state", "tail", "server_id", "api_key", "endpoint", "deployment_id"}
    told = {WORDS.input(name) for name in names}
    assert {word for word in told if word.startswith("--")} <= options
    assert {"--timeout", "--on-busy", "--expect-commit", "--application", "--version", "--api-key-file"} <= told
    assert WORDS.input("on_delete") == "on delete", "no command takes it"


def test_a_bad_argument_names_it_in_each_host_s_words() -> None:
    with pytest.raises(InvalidArgument) as caught:
        AllDeployments.from_given({"limit": 0}, EPOCH)
    assert caught.value.property_name == "limit"
    assert [caught.value.told(words).split(".")[0] for words in (PYTHON, WORDS)] == [
        "limit is 0",
        "--limit is 0",
    ]


@pytest.mark.parametrize("words", EVERY, ids=lambda words: type(words).__name__)
def test_every_term_has_words(words: Vocabulary) -> None:
    for action in Action:
        for subject in ("", "a1"):
            told = words.action(action, subject)
            assert told
            assert told[0].islower()
            assert not told.endswith(".")
    for setting in Setting:
        for connection in ("", "staging"):
            assert words.configured(setting, connection)
    for source in DeadlineSource:
        assert words.deadline(source)
