"""A stack whose state release 0.1.0 has written goes on as if nothing had happened, on both hosts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pulumi_dokploy_deployments.schema.names import camel
from tests.support.harness import MakeWorkspace, Simulator

HOSTS = {
    "dynamic": "import pulumi_dokploy_deployments as dokploy",
    "plugin": "from pulumi_dokploy_deployments import plugin as dokploy",
}

PROGRAM = """
import pulumi
{line}

config = pulumi.Config()
web = dokploy.Deployment(
    "web", application_id=config.require("app"), triggers={{"image_tag": config.require("release")}}, wait_for="done"
)
dokploy.RollbackTarget(
    "pin", application_id=config.require("app"), version=1, opts=pulumi.ResourceOptions(depends_on=[web])
)
"""


def as_0_1_0_wrote_it(resource: dict[str, Any], host: str) -> None:
    """The resource of an exported state, laid out as 0.1.0 did: everything side by side, without a number."""
    run = resource["outputs"].pop("run")
    run.pop("version")
    for name in ("nonce", "earlier_source", "pinned_source", "pinned_by"):
        if name in run:
            resource["outputs"][name if host == "dynamic" else camel(name)] = run[name]
    for properties in (resource["inputs"], resource["outputs"]):
        resolution = properties.pop("resolution", None)
        if resolution is not None:
            properties["selected"] = "version 1"
            target = {name: value for name, value in resolution["target"].items() if value is not None}
            properties["target"] = {name if host == "dynamic" else camel(name): target[name] for name in target}


@pytest.mark.parametrize("host", HOSTS)
def test_a_state_of_0_1_0_is_read_and_nothing_is_deployed_because_of_it(
    make_workspace: MakeWorkspace, simulator: Simulator, host: str
) -> None:
    # Slow: two deployments, two rollbacks with their health windows, and nine commands of the engine, on each host.
    workspace = make_workspace(
        PROGRAM.format(line=HOSTS[host]),
        config={**simulator.config, "app": simulator.applications["ok"], "release": "1"},
        secrets=simulator.secrets,
    )
    simulator.control("push_commit", service="ok", message="the first")
    deploying = make_workspace(
        PROGRAM.partition("dokploy.RollbackTarget")[0].format(line=HOSTS[host]),
        config={**simulator.config, "app": simulator.applications["ok"], "release": "1"},
        secrets=simulator.secrets,
    )
    deploying.up().expect_ok()
    workspace.up().expect_ok()

    exported = workspace.state()
    for resource in exported["deployment"]["resources"]:
        if resource["type"].endswith((":Deployment", ":RollbackTarget")):
            as_0_1_0_wrote_it(resource, host)
    workspace.run("stack", "import", stdin=json.dumps(exported)).expect_ok()
    sent = [len(simulator.requests(endpoint)) for endpoint in ("application.deploy", "rollback.rollback")]

    workspace.preview().expect_ok("unchanged").expect_without("to update", "to replace")
    workspace.refresh().expect_ok()
    workspace.up().expect_ok("unchanged").expect_without("updated", "replaced")
    assert [len(simulator.requests(endpoint)) for endpoint in ("application.deploy", "rollback.rollback")] == sent

    workspace.config("release", "2")
    workspace.up().expect_ok("updated")
    [web] = workspace.resources(":Deployment")
    assert web["outputs"]["run"]["version"] == 2
    assert "nonce" not in web["outputs"]
    workspace.destroy().expect_ok("deleted")
