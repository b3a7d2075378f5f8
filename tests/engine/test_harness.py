"""The harness drives a real engine: proved with a dynamic resource that needs no server."""

from __future__ import annotations

import os
import signal

import httpx
import pytest

from tests.support.harness import STACK, MakeWorkspace, Simulator

PROGRAM = """
import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider


class EchoProvider(ResourceProvider):
    def create(self, props):
        return CreateResult("echo-1", props)


class Echo(Resource, module="harness", name="Echo"):
    word: pulumi.Output[str]

    def __init__(self, name, word):
        super().__init__(EchoProvider(), name, {"word": word})


config = pulumi.Config()
echo = Echo("echo", config.get("word") or "hello")
pulumi.export("word", echo.word)
pulumi.export("hidden", config.get_secret("hidden"))
"""

BROKEN = """
raise SystemExit("this program fails on purpose")
"""

SLOW = PROGRAM.replace(
    'return CreateResult("echo-1", props)',
    'import threading; print("creating", flush=True); threading.Event().wait(30)',
)


def test_up_then_nothing_to_do_then_destroy(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(PROGRAM, config={"word": "hi"}, secrets={"hidden": "tr0ub4dor"})

    workspace.preview().expect_ok("2 to create")
    workspace.up().expect_ok("2 created")
    assert workspace.outputs() == {"word": "hi", "hidden": "tr0ub4dor"}
    assert [resource["id"] for resource in workspace.resources(":Echo")] == ["echo-1"]

    workspace.up().expect_ok("2 unchanged").expect_without("created", "updated")
    workspace.refresh().expect_ok("unchanged")

    assert "tr0ub4dor" not in workspace.state_text()
    workspace.destroy().expect_ok("2 deleted")
    assert workspace.resources() == []


def test_a_failing_program_shows_its_whole_output(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(BROKEN)

    run = workspace.up().expect_failure("this program fails on purpose")

    with pytest.raises(AssertionError, match="fails on purpose"):
        run.expect_ok()


def test_the_surroundings_do_not_leak_in(make_workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOKPLOY_API_KEY", "outer")
    monkeypatch.setenv("PULUMI_STACK", "outer")

    assert "DOKPLOY_API_KEY" not in make_workspace(PROGRAM).env
    assert make_workspace(PROGRAM).env["PULUMI_STACK"] == STACK
    assert make_workspace(PROGRAM, environment={"DOKPLOY_API_KEY": "given"}).env["DOKPLOY_API_KEY"] == "given"


def test_a_started_command_can_be_interrupted(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(SLOW)
    process = workspace.start("up", "--yes", "--skip-preview")
    assert process.stdout is not None
    for line in process.stdout:
        if "creating" in line:
            break

    os.killpg(process.pid, signal.SIGINT)
    os.killpg(process.pid, signal.SIGINT)  # the second one does not wait for the resource

    assert process.wait(timeout=20) != 0


def test_the_simulator_answers_and_tells_what_it_received(simulator: Simulator) -> None:
    url = f"{simulator.endpoint}/api/application.one"
    ask = {"applicationId": simulator.applications["ok"]}

    answer = httpx.get(url, params=ask, headers={"x-api-key": simulator.api_key})

    assert answer.json()["applicationId"] == simulator.applications["ok"]
    assert [call["status"] for call in simulator.requests("application.one")] == [200]
    assert simulator.requests("application.deploy") == []
