"""Releases by image and by tag: the examples on the real engine, with drift, failure, rollback and secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.harness import MakeWorkspace, Simulator, Workspace
from tests.support.shop import ENV, FILE, PASSWORD, REG

EXAMPLES = Path(__file__).parents[2] / "examples"
TOKEN = "token-that-stays-secret"
TYPE = ":Deployment"
PLUGIN = """
name: release
runtime: yaml
config:
  image:
    type: string
resources:
  web:
    type: dokploy-deployments:Deployment
    properties:
      applicationId: docker
      image: ${{image}}
      env:
        TOKEN:
          fn::secret: {token}
outputs:
  health: ${{web.health}}
"""


def deploys(simulator: Simulator, kind: str) -> int:
    return len(simulator.requests(f"{kind}.deploy"))


@pytest.fixture
def image_release(make_workspace: MakeWorkspace, simulator: Simulator) -> Workspace:
    config = {"image-release:application": "docker", "image-release:image": f"{REG}/shop:1"}
    return make_workspace(EXAMPLES / "image-release", config={**simulator.config, **config}, secrets=simulator.secrets)


@pytest.fixture
def compose_release(make_workspace: MakeWorkspace, simulator: Simulator) -> Workspace:
    simulator.call("compose.update", composeId=simulator.composes["ok"], composeFile=FILE, env=ENV)
    config = {"compose-release:compose": "ok", "compose-release:tag": "1"}
    return make_workspace(
        EXAMPLES / "compose-release",
        config={**simulator.config, **config},
        secrets={**simulator.secrets, "compose-release:apiToken": TOKEN},
    )


def test_an_image_is_released_seen_to_drift_put_right_and_rolled_back(
    image_release: Workspace, simulator: Simulator
) -> None:
    identity = simulator.applications["docker"]
    image_release.preview().expect_ok(f"→ {REG}/shop:1", "Deployment web create")
    assert deploys(simulator, "application") == 0
    image_release.up().expect_ok("2 created")
    assert image_release.outputs()["health"] == "healthy"
    assert simulator.read("application.one", applicationId=identity)["dockerImage"] == f"{REG}/shop:1"

    image_release.up().expect_ok("2 unchanged")
    assert deploys(simulator, "application") == 1

    image_release.config("image-release:image", f"{REG}/shop:2")
    image_release.preview().expect_ok(f"image {REG}/shop:1 → {REG}/shop:2, {REG}/shop:1 runs now", "~image")
    image_release.up().expect_ok("1 updated")
    assert deploys(simulator, "application") == 2

    simulator.call("application.update", applicationId=identity, dockerImage=f"{REG}/theirs:9")
    image_release.refresh().expect_ok("theirs:9")
    image_release.preview().expect_ok("theirs:9", "1 to update")
    image_release.up().expect_ok("1 updated")
    assert simulator.read("application.one", applicationId=identity)["dockerImage"] == f"{REG}/shop:2"

    simulator.control("set_image", image=f"{REG}/shop:3", runtime="exits")
    image_release.config("image-release:image", f"{REG}/shop:3")
    image_release.up().expect_failure("does not run", f"image {REG}/shop:2", "is running").expect_no_traceback()
    assert simulator.read("application.one", applicationId=identity)["dockerImage"] == f"{REG}/shop:2"


def test_a_compose_is_released_by_its_tag_and_goes_back_to_the_letter(
    compose_release: Workspace, simulator: Simulator
) -> None:
    identity = simulator.composes["ok"]
    shown = [compose_release.up().expect_ok("2 created")]
    assert simulator.read("compose.one", composeId=identity)["env"] == f"{ENV}API_TOKEN={TOKEN}\n"

    compose_release.config("compose-release:tag", "2")
    shown.append(compose_release.preview("--diff").expect_ok("variable TAG", '"1" => "2"'))
    shown.append(compose_release.up().expect_ok("1 updated"))
    released = simulator.read("compose.one", composeId=identity)["env"]
    assert released == f"{ENV.replace('TAG=1', 'TAG=2')}API_TOKEN={TOKEN}\n"

    compose_release.config("compose-release:tag", "nosuch")
    shown.append(compose_release.up().expect_failure("It was rolled back", "is running").expect_no_traceback())
    assert simulator.read("compose.one", composeId=identity)["env"] == released

    compose_release.config("compose-release:compose", "okk")
    shown.append(compose_release.preview().expect_failure("Did you mean", identity))
    for secret in (TOKEN, PASSWORD, *simulator.hidden):
        assert secret not in compose_release.state_text()
        assert [run.command for run in shown if secret in run.output] == []


def test_the_plugin_releases_an_image_keeps_secrets_and_refuses_the_wrong_source(
    make_workspace: MakeWorkspace, simulator: Simulator, tmp_path: Path
) -> None:
    program = tmp_path / "program"
    program.mkdir()
    (program / "Pulumi.yaml").write_text(PLUGIN.format(token=TOKEN))
    workspace = make_workspace(
        program,
        config={"image": f"{REG}/shop:1", "dokploy-deployments:endpoint": simulator.endpoint},
        secrets={"dokploy-deployments:apiKey": simulator.api_key},
    )
    shown = [workspace.up().expect_ok("2 created")]
    workspace.config("image", f"{REG}/shop:2")
    shown.append(workspace.preview("--diff").expect_ok("~ image", f"{REG}/shop:2"))
    shown.append(workspace.up().expect_ok("1 updated"))
    shown.append(workspace.up().expect_ok("2 unchanged"))
    simulator.call("application.update", applicationId=simulator.applications["docker"], dockerImage=f"{REG}/x:9")
    shown.append(workspace.preview().expect_ok("x:9", "1 to update"))
    shown.append(workspace.up().expect_ok("1 updated"))
    text = (workspace.folder / "Pulumi.yaml").read_text()
    (workspace.folder / "Pulumi.yaml").write_text(text.replace("applicationId: docker", "applicationId: git"))
    shown.append(workspace.preview().expect_failure("image", "is built from git", "General, Provider, Docker"))
    assert TOKEN not in workspace.state_text()
    assert [run.command for run in shown if TOKEN in run.output] == []
