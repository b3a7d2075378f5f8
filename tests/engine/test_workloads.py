"""A deployment that Dokploy calls done and that does not run is red on both hosts, with its cause and last words."""

from __future__ import annotations

import pytest

from tests.support.harness import MakeWorkspace, Simulator

HOSTS = {
    "dynamic": "import pulumi_dokploy_deployments as dokploy",
    "plugin": "from pulumi_dokploy_deployments import plugin as dokploy",
}
PROGRAM = """
import pulumi
{host}

config = pulumi.Config()
for kind, name in {services}:
    id = config.require(name)
    dokploy.Deployment(name, triggers={{"release": 1}}, timeout_seconds=100, **{{f"{{kind}}_id": id}})
"""
RED = {
    ("compose", "stack-crash"): ("web: it crashes again and again", "non-zero exit (1)", "running: db"),
    ("compose", "loop4"): ("it crashes again and again",),
    ("application", "exit0"): ("exit code 0 again and again", "The container wrote last", "migrated"),
    ("application", "unplaceable"): ("no suitable node", "placement constraints"),
    ("application", "buildserver-broken"): ("failed after", "in the build", "exit code"),
}
"""What of the simulator's ready-made services is deployed, and what has to be told of each."""


@pytest.mark.parametrize("host", HOSTS)
def test_what_does_not_run_is_red_and_says_why(host: str, make_workspace: MakeWorkspace, simulator: Simulator) -> None:
    # Slow: a task that can't be placed is given half a minute, as on a real server.
    ids = {name: simulator.details[f"{kind}s"][name] for kind, name in RED}
    workspace = make_workspace(
        PROGRAM.format(host=HOSTS[host], services=sorted(RED)),
        config={f"engine-test:{name}": identity for name, identity in ids.items()} | simulator.config,
        secrets=simulator.secrets,
        environment={"DOKPLOY_ENDPOINT": simulator.endpoint, "DOKPLOY_API_KEY": simulator.api_key},
    )
    run = workspace.up("--continue-on-error", "--parallel", "8")
    for words in RED.values():
        run.expect_failure(*words)
    run.expect_no_traceback().expect_without("container's log in the dashboard")
    assert len(simulator.requests("application.deploy")) + len(simulator.requests("compose.deploy")) == len(RED)
