"""Ctrl-C on the plugin: the waits end at once, the server is left as it is, and the next up goes on."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest

from tests.support.harness import MakeWorkspace, StartSimulator, Workspace

pytestmark = pytest.mark.own_interpreters

TWO = """name: two
runtime: yaml
config:
  first: {type: string}
  second: {type: string}
resources:
  one:
    type: dokploy-deployments:Deployment
    properties: {applicationId: "${first}", waitFor: done}
  two:
    type: dokploy-deployments:Deployment
    properties: {applicationId: "${second}", waitFor: done}
"""
MOST_SECONDS = 3.0


def interrupt_when(workspace: Workspace, *words: str) -> tuple[str, float]:
    """`pulumi up`, interrupted once these have shown; gives the output and the seconds from the signal to the end."""
    process = workspace.start("up", "--yes", "--skip-preview")
    assert process.stdout is not None
    seen, open_words = "", set(words)
    for line in process.stdout:
        seen += line
        open_words = {word for word in open_words if word not in line}
        if not open_words:
            break
    interrupted = time.monotonic()
    process.send_signal(signal.SIGINT)
    seen += process.stdout.read()
    assert process.wait() != 0, seen
    return seen, time.monotonic() - interrupted


def test_an_interrupted_up_ends_at_once_and_the_next_one_goes_on(
    make_workspace: MakeWorkspace, start_simulator: StartSimulator
) -> None:
    # Slow: one deployment builds while the other waits behind it in the server's queue, ten seconds in all.
    simulator = start_simulator(build_seconds=0.2, slow_seconds=5.0)
    first, second = simulator.applications["slow"], simulator.applications["other"]
    workspace = make_workspace(
        "",
        environment={"DOKPLOY_ENDPOINT": simulator.endpoint, "DOKPLOY_API_KEY": simulator.api_key},
    )
    (workspace.folder / "Pulumi.yaml").write_text(TWO)
    workspace.configure({"first": first, "second": second})
    simulator.control("set_behaviour", service="other", build_seconds=5.0, steps=5)

    output, seconds = interrupt_when(workspace, "Step 2/3", "waiting in the queue")
    assert seconds < MOST_SECONDS, output
    assert "Traceback" not in output
    assert "is still running at the server" in output
    assert "its deployment is queued or about to start" in output
    exported = workspace.state()["deployment"]
    assert not exported.get("pending_operations")
    kept = {found["urn"].rpartition("::")[2]: found for found in workspace.resources(":Deployment")}
    assert set(kept) == {"one", "two"}
    assert [call["status"] for call in simulator.requests("deployment.killProcess")] == []

    workspace.up().expect_ok("2 updated")
    assert len(simulator.requests("application.deploy")) == 2
    done = workspace.resources(":Deployment")
    assert [found["outputs"]["status"] for found in done] == ["done", "done"]
    assert all("initErrors" not in found for found in done)
    workspace.up().expect_ok("3 unchanged")


def test_what_was_interrupted_and_is_over_meanwhile_is_not_sent_again(
    make_workspace: MakeWorkspace, start_simulator: StartSimulator
) -> None:
    # Slow: the build goes on for some seconds after the interruption, and its end is waited for.
    simulator = start_simulator(slow_seconds=3.0)
    workspace = make_workspace(
        "",
        environment={"DOKPLOY_ENDPOINT": simulator.endpoint, "DOKPLOY_API_KEY": simulator.api_key},
    )
    program = TWO.partition("  two:")[0].replace("  second: {type: string}\n", "").replace(", waitFor: done", "")
    (workspace.folder / "Pulumi.yaml").write_text(program)
    workspace.configure({"first": simulator.applications["slow"]})

    interrupt_when(workspace, "Step 2/3")
    wait_until_idle(simulator)

    workspace.up().expect_ok("1 updated")
    [found] = workspace.resources(":Deployment")
    assert (found["outputs"]["status"], found["outputs"]["health"]) == ("done", "healthy")
    assert len(simulator.requests("application.deploy")) == 1


def wait_until_idle(simulator: Any) -> None:
    deadline = time.monotonic() + 20
    while simulator.state()["queue"]:
        assert time.monotonic() < deadline
