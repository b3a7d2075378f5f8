"""The reads inside a Pulumi program: plain calls and their twins that take outputs.

One program for all of them, since every run of the engine takes some seconds.
"""

from __future__ import annotations

import pytest

from tests.support.harness import MakeWorkspace, Simulator

PROGRAM = """
import pulumi
import pulumi_dokploy_deployments as dokploy

config = pulumi.Config()
app, compose = config.require("app"), config.require("compose")
web = dokploy.Deployment("web", application_id=app, wait_for="done")

pulumi.export("before", len(dokploy.get_application_deployments(app).deployments))
pulumi.export("compose", len(dokploy.get_compose_deployments(compose).deployments))
pulumi.export("server", len(dokploy.get_server_deployments(config.require("server")).deployments))
pulumi.export("database", len(dokploy.get_deployments_by_type("postgres", config.require("database")).deployments))
pulumi.export("queue", len(dokploy.get_deployment_queue().jobs))

own = web.deployment_id.apply(lambda _: app)
pulumi.export("after", dokploy.get_application_deployments_output(own).deployments.apply(
    lambda rows: [row.deployment_id for row in rows]))
pulumi.export("all", dokploy.get_all_deployments_output(limit=own.apply(lambda _: 1)).deployments.apply(len))
pulumi.export("log", dokploy.get_deployment_logs_output(web.deployment_id, tail=2).apply(lambda logs: logs.lines))
pulumi.export("candidates", dokploy.get_rollback_candidates_output(own).candidates.apply(
    lambda found: [candidate.version for candidate in found]))
pulumi.export("id", web.deployment_id)
pulumi.export("list", dokploy.get_application_deployments_output(own, limit=1))
pulumi.export("queued", dokploy.get_deployment_queue())
"""

FAILING = """
import pulumi
import pulumi_dokploy_deployments as dokploy

try:
    dokploy.get_application_deployments("no-such-id")
except dokploy.UnknownId as error:
    pulumi.export("caught", str(error))
{failing}
"""


def test_every_read_works_in_a_program(make_workspace: MakeWorkspace, simulator: Simulator) -> None:
    details = simulator.details
    workspace = make_workspace(
        PROGRAM,
        config={
            **simulator.config,
            "app": simulator.applications["ok"],
            "compose": simulator.composes["ok"],
            "server": details["servers"]["remote"],
            "database": details["databases"]["postgres"],
        },
        secrets=simulator.secrets,
    )
    run = workspace.up().expect_ok()
    outputs = workspace.outputs()
    assert (outputs["before"], outputs["database"], outputs["queue"]) == (0, 0, 0)
    assert outputs["after"] == [outputs["id"]]
    assert outputs["all"] == 1
    assert outputs["candidates"] == [1]
    assert outputs["log"]
    assert outputs["queued"] == {"jobs": []}
    (exported,) = outputs["list"]["deployments"]
    assert (exported["deployment_id"], exported["status"]) == (outputs["id"], "done")
    assert exported["created_at"].endswith("Z")
    for secret in simulator.hidden:
        assert secret not in run.output
        assert secret not in workspace.state_text()


@pytest.mark.parametrize(
    "failing",
    [
        'dokploy.get_all_deployments(limit="1")',
        'dokploy.get_all_deployments_output(limit=pulumi.Output.from_input("1"))',
        'pulumi.export("all", dokploy.get_all_deployments_output(limit=pulumi.Output.from_input("1")))',
    ],
    ids=["plain", "twin", "exported twin"],
)
def test_a_function_that_fails_in_a_program_prints_one_paragraph(
    make_workspace: MakeWorkspace, simulator: Simulator, failing: str
) -> None:
    workspace = make_workspace(
        FAILING.format(failing=failing), config=dict(simulator.config), secrets=simulator.secrets
    )
    output = workspace.preview().expect_failure().output
    assert "limit is '1'. Give a whole number of 1 or more, or leave it out to get all." in output
    assert "Traceback" not in output
    assert 'File "' not in output
    assert "unhandled exception" not in output
