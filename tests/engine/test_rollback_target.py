"""`RollbackTarget` and `on_failure: rollback` on dynamic resources: the real engine against the simulator.

Each test takes some seconds: every rollout is watched for five seconds before it counts as running.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.support.harness import MakeWorkspace, Simulator, Workspace

EXAMPLES = Path(__file__).parents[2] / "examples"
PIN = ":RollbackTarget"

ONE = """
import pulumi
import pulumi_dokploy_deployments as dokploy

config = pulumi.Config()
{resource}
"""


def running(simulator: Simulator, name: str) -> dict[str, object]:
    """What the simulator really runs for an application: its image, and the content of the running tasks."""
    services = simulator.state()["services"].values()
    return dict(next((service for service in services if service["service"] == name), {"running": []}))


def release(simulator: Simulator, service: str, message: str) -> str:
    """A new commit on the application's branch; gives its hash."""
    return str(simulator.control("push_commit", service=service, message=message)["sha"])


def deploy_by_hand(simulator: Simulator, application_id: str) -> None:
    simulator.call("application.deploy", applicationId=application_id, title="behind the back")


def wait_for_commit(simulator: Simulator, service: str, commit: str) -> None:
    """Until tasks with this commit run; the other process needs two seconds for it at the most."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        tasks = running(simulator, service)["running"]
        assert isinstance(tasks, list)
        if tasks and all(task["commit"] == commit for task in tasks):
            return
        time.sleep(0.1)
    raise AssertionError(f"{service} does not run {commit}: {running(simulator, service)}")


@pytest.fixture
def pinned(make_workspace: MakeWorkspace, simulator: Simulator) -> Workspace:
    config = {
        **simulator.config,
        "pinned-rollback:applicationId": simulator.applications["ok"],
        "pinned-rollback:release": "1",
    }
    return make_workspace(EXAMPLES / "pinned-rollback", config=config, secrets=simulator.secrets)


def test_a_pin_is_proven_is_seen_to_break_is_pinned_again_and_is_released(
    pinned: Workspace, simulator: Simulator
) -> None:
    commits = {}
    for version in ("1", "2", "3"):
        commits[version] = release(simulator, "ok", f"release {version}")
        pinned.config("pinned-rollback:release", version)
        pinned.up().expect_ok()

    pinned.config("pinned-rollback:pinPrevious", "2")
    pinned.preview().expect_ok("pins version", commits["1"][:12], "release 1", "RollbackTarget pin create")
    pinned.up().expect_ok()
    assert pinned.outputs()["holds"] is True
    assert pinned.outputs()["pinnedCommit"] == commits["1"]
    wait_for_commit(simulator, "ok", commits["1"])
    version = pinned.outputs()["pinnedVersion"]
    assert str(running(simulator, "ok")["image"]).endswith(f":v{version}")

    unchanged = pinned.up().expect_ok("3 unchanged")
    assert len(simulator.requests("rollback.rollback")) == 1, unchanged.output

    fourth = release(simulator, "ok", "release 4")
    deploy_by_hand(simulator, simulator.applications["ok"])
    wait_for_commit(simulator, "ok", fourth)
    pinned.refresh().expect_ok("no longer runs the pinned version")
    assert pinned.resources(PIN)[0]["outputs"]["holds"] is False
    pinned.up().expect_ok("1 updated")
    wait_for_commit(simulator, "ok", commits["1"])
    assert pinned.resources(PIN)[0]["outputs"]["holds"] is True

    pinned.run("config", "rm", "pinned-rollback:pinPrevious").expect_ok()
    pinned.up().expect_ok("1 deleted")
    wait_for_commit(simulator, "ok", fourth)
    pinned.destroy().expect_ok()


def test_a_deployment_of_a_pinned_service_warns_and_the_pin_is_applied_after_it(
    pinned: Workspace, simulator: Simulator
) -> None:
    first = release(simulator, "ok", "release 1")
    pinned.up().expect_ok()
    release(simulator, "ok", "release 2")
    pinned.config("pinned-rollback:release", "2")
    pinned.up().expect_ok()
    pinned.config("pinned-rollback:pinPrevious", "1")
    pinned.up().expect_ok()
    release(simulator, "ok", "release 3")
    pinned.config("pinned-rollback:release", "3")
    pinned.preview().expect_ok("is pinned to version", "this deployment takes its place")
    pinned.up().expect_ok("2 updated")
    wait_for_commit(simulator, "ok", first)


def test_a_target_that_can_not_work_fails_the_preview_with_those_that_can(
    make_workspace: MakeWorkspace, simulator: Simulator
) -> None:
    application = simulator.applications["ok"]
    workspace = make_workspace(
        ONE.format(
            resource='pin = dokploy.RollbackTarget("pin", application_id=config.require("app"), '
            'commit=config.get("commit"), version=config.get_int("version"), previous=config.get_int("previous"))'
        ),
        config={**simulator.config, "app": application, "previous": "1"},
        secrets=simulator.secrets,
    )
    run = workspace.preview().expect_failure(
        "there is none 1 before the newest", "No version of it can be brought back by image"
    )
    run.expect_no_traceback()
    known = release(simulator, "ok", "the good one")
    deploy_by_hand(simulator, application)
    wait_for_commit(simulator, "ok", known)
    workspace.run("config", "rm", "previous").expect_ok()
    workspace.config("commit", "ffffffff")
    run = workspace.preview().expect_failure(
        "has no finished deployment with commit 'ffffffff'", "These can be brought back by image", "the good one"
    )
    run.expect_no_traceback()
    workspace.config("version", "3")
    workspace.preview().expect_failure("exactly one selector, not version and commit")


def test_a_docker_sourced_application_is_pinned_by_its_earlier_image_and_released_to_the_later_one(
    make_workspace: MakeWorkspace, simulator: Simulator
) -> None:
    application = simulator.applications["docker"]
    text = ONE.format(
        resource="""
web = dokploy.Deployment("web", application_id=config.require("app"), triggers=[config.require("release")])
if config.get("pin"):
    pin = dokploy.RollbackTarget(
        "pin",
        application_id=config.require("app"),
        deployment_id=config.require("pin"),
        strategy="source",
        on_delete="redeploy",
        opts=pulumi.ResourceOptions(depends_on=[web]),
    )
    pulumi.export("image", pin.image)
    pulumi.export("strategy", pin.strategy_used)
pulumi.export("deployment", web.deployment_id)
"""
    )
    workspace = make_workspace(
        text, config={**simulator.config, "app": application, "release": "1"}, secrets=simulator.secrets
    )
    workspace.up().expect_ok()
    first = workspace.outputs()["deployment"]
    image = str(running(simulator, "docker")["image"])
    later = image.rpartition(":")[0] + ":later"
    simulator.call("application.update", applicationId=application, dockerImage=later)
    workspace.config("release", "2")
    workspace.up().expect_ok()
    assert running(simulator, "docker")["image"] == later

    workspace.config("pin", first)
    workspace.up().expect_ok()
    assert workspace.outputs()["strategy"] == "source"
    assert running(simulator, "docker")["image"] == image

    workspace.run("config", "rm", "pin").expect_ok()
    workspace.up().expect_ok()
    assert running(simulator, "docker")["image"] == later


def test_a_failed_deployment_with_rollback_leaves_the_old_version_running_and_names_both(
    make_workspace: MakeWorkspace, simulator: Simulator
) -> None:
    workspace = make_workspace(
        ONE.format(
            resource='web = dokploy.Deployment("web", application_id=config.require("app"), '
            'triggers=[config.require("release")], on_failure="rollback")\n'
            'pulumi.export("deployment", web.deployment_id)'
        ),
        config={**simulator.config, "app": simulator.applications["ok"], "release": "1"},
        secrets=simulator.secrets,
    )
    good = release(simulator, "ok", "good")
    workspace.up().expect_ok()
    first = workspace.outputs()["deployment"]
    release(simulator, "ok", "crashes")
    simulator.control("set_behaviour", service="ok", runtime="exits")
    workspace.config("release", "2")
    run = workspace.up().expect_failure(
        "done, but the new version does not run", "It was rolled back to what ran before", str(first)
    )
    run.expect_no_traceback()
    wait_for_commit(simulator, "ok", good)
    rows = simulator.state()["rows"]
    newest = max(rows, key=lambda row: str(row["createdAt"]))
    run.expect_words(str(newest["deploymentId"]))


def test_without_a_version_to_go_back_to_the_preview_warns(make_workspace: MakeWorkspace, simulator: Simulator) -> None:
    workspace = make_workspace(
        ONE.format(resource='dokploy.Deployment("web", application_id=config.require("app"), on_failure="rollback")'),
        config={**simulator.config, "app": simulator.applications["crashloop"]},
        secrets=simulator.secrets,
    )
    workspace.preview().expect_ok("there is nothing to go back to")
