"""A run that was killed leaves no state, and the next one goes on with its deployment: never a second one."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable

import processes
import pytest

from tests.support.harness import MakeWorkspace, Simulator, StartSimulator, Workspace

pytestmark = pytest.mark.own_interpreters

HOSTS = {
    "dynamic": "import pulumi_dokploy_deployments as dokploy",
    "plugin": "from pulumi_dokploy_deployments import plugin as dokploy",
}
PROGRAM = """
import pulumi
{host}

web = dokploy.Deployment("web", application_id="{application}", triggers={{"release": {release}}}, wait_for="done")
pulumi.export("deployment_id", web.deployment_id)
"""
BUILD_SECONDS = 24.0


def start_and_wait_for(workspace: Workspace, word: str) -> subprocess.Popen[str]:
    """`pulumi up` until this word has shown."""
    process = workspace.start("up", "--yes", "--skip-preview")
    assert process.stdout is not None
    for line in process.stdout:
        if word in line:
            return process
    raise AssertionError(f"{word!r} was never shown")


def kill_group(process: subprocess.Popen[str]) -> None:
    """SIGKILL to the engine, the language host and the provider alike, as a lost CI runner has it."""
    below = processes.descendants(process.pid)  # plugins lead process groups of their own
    os.killpg(process.pid, signal.SIGKILL)
    processes.kill_all(below)
    process.wait()


def interrupt_twice(process: subprocess.Popen[str]) -> None:
    """Ctrl-C twice in a terminal: everybody is interrupted, and the engine ends without waiting."""
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    # The engine alone: a provider that it leaves behind keeps the pipe open until its deployment is over.
    process.wait(timeout=30)


def rows(simulator: Simulator, application_id: str) -> list[dict[str, str]]:
    """The application's history at the server."""
    found: list[dict[str, str]] = simulator.read("deployment.all", applicationId=application_id)
    return found


def deploys(simulator: Simulator) -> int:
    return len(simulator.requests("application.deploy"))


@pytest.mark.parametrize("kill", [kill_group, interrupt_twice])
@pytest.mark.parametrize("host", HOSTS)
def test_the_next_up_goes_on_with_the_deployment_of_a_run_that_was_killed(
    host: str,
    kill: Callable[[subprocess.Popen[str]], None],
    make_workspace: MakeWorkspace,
    start_simulator: StartSimulator,
) -> None:
    # Slow: the build takes so long that in it one run is killed and the next one starts, on a busy machine too.
    simulator = start_simulator(slow_seconds=BUILD_SECONDS)
    program = PROGRAM.format(host=HOSTS[host], application=simulator.applications["slow"], release=1)
    workspace = make_workspace(
        program,
        config=simulator.config,
        secrets=simulator.secrets,
        environment={"DOKPLOY_ENDPOINT": simulator.endpoint, "DOKPLOY_API_KEY": simulator.api_key},
    )
    kill(start_and_wait_for(workspace, "Step 1/3"))
    if workspace.state()["deployment"].get("pending_operations"):
        workspace.run("cancel", "--yes")
    run = workspace.up("--refresh=false").expect_ok("going on with the deployment that was started earlier")
    run.expect_no_traceback()
    assert deploys(simulator) == 1
    [row] = rows(simulator, simulator.applications["slow"])
    assert (workspace.outputs()["deployment_id"], row["status"]) == (row["deploymentId"], "done")


def test_a_killed_run_with_other_triggers_is_not_taken_for_this_one(
    make_workspace: MakeWorkspace, start_simulator: StartSimulator
) -> None:
    simulator = start_simulator(slow_seconds=4.0)
    slow = simulator.applications["slow"]
    workspace = make_workspace(
        PROGRAM.format(host=HOSTS["dynamic"], application=slow, release=1),
        config=simulator.config,
        secrets=simulator.secrets,
    )
    kill_group(start_and_wait_for(workspace, "Step 1/3"))
    workspace.rewrite(PROGRAM.format(host=HOSTS["dynamic"], application=slow, release=2))
    if workspace.state()["deployment"].get("pending_operations"):
        workspace.run("cancel", "--yes")
    workspace.up().expect_ok().expect_without("going on with the deployment")
    assert deploys(simulator) == 2
