"""Python programs on the plugin: the example, several servers, secrets, lookups, and the same story on both hosts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.harness import MakeWorkspace, Simulator, StartSimulator

REPOSITORY = Path(__file__).parent.parent.parent
EXAMPLE = REPOSITORY / "examples" / "python-plugin"

STORY = """
import pulumi
{line}

config = pulumi.Config()
web = dokploy.Deployment(
    "web",
    application_id=config.require("applicationId"),
    triggers={{"image_tag": config.get("release") or "1"}},
    wait_for="done",
)
pulumi.export("deploymentId", web.deployment_id)
pulumi.export("status", web.status)
"""
HOSTS = {
    "dynamic": "import pulumi_dokploy_deployments as dokploy",
    "plugin": "from pulumi_dokploy_deployments import plugin as dokploy",
}


def test_the_example_deploys_through_a_provider_of_its_own(make_workspace: MakeWorkspace, simulator: Simulator) -> None:
    # Slow: a deployment with its health window, and four commands of the engine.
    workspace = make_workspace(
        EXAMPLE,
        config={"applicationId": simulator.applications["ok"], "endpoint": simulator.endpoint},
        secrets={"apiKey": simulator.api_key},
    )

    workspace.up().expect_ok("3 created")
    outputs = workspace.outputs()
    assert (outputs["status"], outputs["health"]) == ("done", "healthy")
    assert simulator.api_key not in workspace.state_text()
    workspace.up().expect_ok("3 unchanged")
    workspace.destroy().expect_ok("3 deleted")


@pytest.mark.parametrize("host", HOSTS)
def test_the_same_program_tells_the_same_story_on_both_hosts(
    make_workspace: MakeWorkspace, simulator: Simulator, host: str
) -> None:
    # Slow: eight commands of the engine, on each host.
    workspace = make_workspace(
        STORY.format(line=HOSTS[host]),
        config={**simulator.config, "applicationId": simulator.applications["ok"]},
        secrets=simulator.secrets,
    )

    workspace.up().expect_ok("created", "Step 1/3")
    first = workspace.outputs()
    assert first["status"] == "done"
    workspace.up().expect_ok("unchanged").expect_without("updated", "created")
    workspace.config("release", "2")
    workspace.up().expect_ok("1 updated")
    assert workspace.outputs()["deploymentId"] != first["deploymentId"]
    workspace.refresh().expect_ok("unchanged")

    simulator.control("set_behaviour", service="ok", build="fails")
    workspace.config("release", "3")
    failed = workspace.up().expect_failure(
        'The deployment of application "ok" failed', "Fix the error shown in the log"
    )
    failed.expect_no_traceback()
    simulator.control("set_behaviour", service="ok", build="ok")
    workspace.up().expect_ok("1 updated")
    assert len(simulator.requests("application.deploy")) == 4
    assert simulator.api_key not in workspace.state_text()
    workspace.destroy().expect_ok("deleted")


TWO_SERVERS = """
import pulumi
from pulumi_dokploy_deployments import plugin as dokploy

config = pulumi.Config()
east = dokploy.Provider("east", endpoint=config.require("east"), api_key=config.require_secret("eastKey"))
a = dokploy.Deployment(
    "a", application_id=config.require("a"), wait_for="done", opts=pulumi.ResourceOptions(provider=east)
)
b = dokploy.Deployment("b", application_id=config.require("b"), wait_for="done", connection="west")
"""


def test_one_program_deploys_to_several_servers(make_workspace: MakeWorkspace, start_simulator: StartSimulator) -> None:
    # Slow: two deployments, and two plugin processes beside each other.
    east, west = start_simulator(seed=1), start_simulator(seed=2)
    workspace = make_workspace(
        TWO_SERVERS,
        config={
            "east": east.endpoint,
            "a": east.applications["docker"],
            "b": west.applications["docker"],
            "dokploy-west:endpoint": west.endpoint,
        },
        secrets={"eastKey": east.api_key, "dokploy-west:apiKey": west.api_key},
    )

    workspace.up().expect_ok("5 created")
    assert [len(server.requests("application.deploy")) for server in (east, west)] == [1, 1]


SECRETS = """
import pulumi
from pulumi_dokploy_deployments import plugin as dokploy

config = pulumi.Config()
web = dokploy.Deployment(
    "web",
    application_id=config.require("applicationId"),
    triggers={"applicationId": "left as it is", "token": config.require_secret("token")},
    wait_for="done",
)
found = dokploy.Deployment.get("found", web.id)
pulumi.export("triggers", web.triggers)
pulumi.export("found", found.deployment_id)
pulumi.export("version", web.version)
"""


def test_secrets_stay_secret_and_a_deployment_is_found_by_its_id(
    make_workspace: MakeWorkspace, simulator: Simulator
) -> None:
    # Slow: a deployment, and four commands of the engine.
    workspace = make_workspace(
        SECRETS,
        config={**simulator.config, "applicationId": simulator.applications["ok"]},
        secrets={**simulator.secrets, "token": "tr0ub4dor"},
    )

    workspace.preview().expect_ok()
    workspace.up().expect_ok().expect_without("tr0ub4dor")
    outputs = workspace.outputs()
    assert outputs["triggers"] == {"applicationId": "left as it is", "token": "tr0ub4dor"}
    assert outputs["version"] == 1
    [web] = [found for found in workspace.resources(":Deployment") if not found.get("external")]
    assert outputs["found"] == web["outputs"]["deploymentId"]
    assert "ciphertext" in json.dumps(web["outputs"]["triggers"]["token"])
    assert web["outputs"]["triggers"]["applicationId"] == "left as it is"
    assert "tr0ub4dor" not in workspace.state_text()


PINNED = """
import pulumi
from pulumi_dokploy_deployments import plugin as dokploy

config = pulumi.Config()
pin = dokploy.RollbackTarget("pin", application_id=config.require("applicationId"), version=1)
pulumi.export("image", pin.image)
pulumi.export("holds", pin.holds)
pulumi.export("version", pin.version)
"""


def test_a_pin_rolls_back_and_holds(make_workspace: MakeWorkspace, simulator: Simulator) -> None:
    # Slow: two deployments, a rollback with its health window, and seven commands of the engine.
    given = {
        "config": {**simulator.config, "applicationId": simulator.applications["ok"]},
        "secrets": simulator.secrets,
    }
    deploying = make_workspace(STORY.format(line=HOSTS["plugin"]), **given)
    deploying.up().expect_ok()
    deploying.config("release", "2")
    deploying.up().expect_ok()

    workspace = make_workspace(PINNED, **given)
    workspace.preview().expect_ok("pins version 1")
    workspace.up().expect_ok()
    outputs = workspace.outputs()
    assert outputs["image"].endswith(":v1")
    assert (outputs["holds"], outputs["version"]) == (True, 1)
    workspace.up().expect_ok("unchanged").expect_without("updated")

    deploying.config("release", "3")
    deploying.up().expect_ok()
    workspace.preview().expect_ok("1 to update", "~holds")
    workspace.destroy().expect_ok("deleted")


def test_a_program_moves_from_dynamic_resources_to_the_plugin_without_deploying(
    make_workspace: MakeWorkspace, simulator: Simulator
) -> None:
    # Slow: a deployment, an import, and four more commands of the engine.
    retaining = STORY.replace('wait_for="done",', 'wait_for="done",\n    on_delete="retain",')
    workspace = make_workspace(
        retaining.format(line=HOSTS["dynamic"]),
        config={**simulator.config, "applicationId": simulator.applications["ok"]},
        secrets=simulator.secrets,
        environment={"DOKPLOY_ENDPOINT": simulator.endpoint, "DOKPLOY_API_KEY": simulator.api_key},
    )
    workspace.up().expect_ok()
    [old] = workspace.resources(":Deployment")

    workspace.rewrite(retaining.format(line=HOSTS["plugin"]))
    imported = ("dokploy-deployments:index:Deployment", "web", old["id"])
    workspace.run("import", "--yes", "--skip-preview", "--protect=false", "--generate-code=false", *imported).expect_ok(
        "1 imported"
    )
    workspace.up().expect_ok("1 updated", "1 deleted")
    workspace.up().expect_ok("unchanged").expect_without("updated", "created")

    assert len(simulator.requests("application.deploy")) == 1
    [new] = workspace.resources(":Deployment")
    assert new["outputs"]["deploymentId"] == old["outputs"]["deployment_id"]
