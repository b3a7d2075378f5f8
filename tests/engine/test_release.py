"""`Release` on the real engine, both hosts: the example in order, all or nothing, and no secret that lies open."""

from __future__ import annotations

from pathlib import Path

from tests.support.harness import MakeWorkspace, Simulator
from tests.support.shop import ENV, FILE, PASSWORD, REG

EXAMPLE = Path(__file__).parents[2] / "examples" / "many-services"
TOKEN = "token-that-stays-secret"
PROGRAM = """
import pulumi
from pulumi_dokploy_deployments import plugin as dokploy

config = pulumi.Config()
tag = config.require("tag")
circle = config.get_bool("circle") or False
release = dokploy.Release(
    "shop",
    services={
        "web": {"compose_id": "ok", "env": {"TAG": tag, "TOKEN": config.require_secret("token")}, "after": ["api"]},
        "api": {
            "application_id": "docker",
            "image": pulumi.Output.concat("127.0.0.1:5055/reg/shop:", config.require("apiTag")),
            "triggers": {"some_key": 1},
            "after": ["web"] if circle else [],
        },
    },
    defaults={"stream_logs": False, "timeout_seconds": 60, "stable_seconds": 0.5},
)
pulumi.export("summary", release.summary)
pulumi.export("status", release.deployments["api"]["status"])
pulumi.export("url", release.deployments["web"]["url"])
pulumi.export("id", release.deployments["api"]["deployment_id"])
"""


def image_of_api(simulator: Simulator) -> str:
    """What the API is set to."""
    return str(simulator.read("application.one", applicationId=simulator.applications["docker"])["dockerImage"])


def deployed(simulator: Simulator) -> list[str]:
    """The deployments asked for, in their order."""
    return [kind for call in simulator.requests() if (kind := call["path"].removeprefix("/api/")).endswith(".deploy")]


def test_the_example_releases_in_order_shows_what_runs_and_is_all_or_nothing(
    make_workspace: MakeWorkspace, simulator: Simulator
) -> None:
    simulator.call("compose.update", composeId=simulator.composes["ok"], composeFile=FILE, env=ENV)
    named = {"database": "postgres", "api": "docker", "worker": "ok", "apiImage": f"{REG}/shop:1", "tag": "1"}
    config = {f"many-services:{name}": value for name, value in named.items()}
    workspace = make_workspace(EXAMPLE, config={**simulator.config, **config}, secrets=simulator.secrets)

    up = workspace.up().expect_ok("2 created", "service   version  image")
    assert deployed(simulator)[0] == "postgres.deploy"
    assert sorted(deployed(simulator)[1:]) == ["application.deploy", "compose.deploy"]
    title, *rows = str(workspace.outputs()["summary"]).splitlines()
    assert title.split() == ["service", "version", "image", "duration", "verdict"]
    assert [row.split()[0] for row in rows] == ["database", "api", "worker"]
    assert all(row.endswith("healthy") for row in rows), up.report(str(rows))
    assert f"{REG}/shop:1" in rows[1]

    simulator.control("set_image", image=f"{REG}/shop:3", missing=True)
    workspace.config("many-services:tag", "3")
    workspace.config("many-services:apiImage", f"{REG}/shop:2")
    failed = workspace.up().expect_failure("worker: ", "was rolled back to what ran before", "not released:")
    failed.expect_words("api: It was rolled back").expect_no_traceback()
    assert deployed(simulator)[3:5] in (
        ["application.deploy", "compose.deploy"],
        ["compose.deploy", "application.deploy"],
    )
    assert image_of_api(simulator) == f"{REG}/shop:1"
    assert simulator.read("compose.one", composeId=simulator.composes["ok"])["env"] == ENV
    assert PASSWORD not in workspace.state_text()


def test_the_plugin_releases_keeps_what_went_back_as_it_was_and_hides_secrets(
    make_workspace: MakeWorkspace, simulator: Simulator
) -> None:
    simulator.call("compose.update", composeId=simulator.composes["ok"], composeFile=FILE, env=ENV)
    secrets = {**simulator.secrets, "token": TOKEN}
    config = {**simulator.config, "tag": "1", "apiTag": "1"}
    workspace = make_workspace(PROGRAM, config=config, secrets=secrets)
    shown = [workspace.up().expect_ok("shop created", "web: ", "healthy")]
    outputs = workspace.outputs()
    assert outputs["status"] == "done"
    assert outputs["id"]
    assert simulator.composes["ok"] in outputs["url"]
    assert deployed(simulator) == ["application.deploy", "compose.deploy"]

    workspace.config("apiTag", "2")
    shown.append(workspace.preview("--diff").expect_ok(f'"{REG}/shop:1" => "{REG}/shop:2"', "1 to update"))
    simulator.control("set_image", image=f"{REG}/shop:3", missing=True)
    workspace.config("tag", "3")
    shown.append(workspace.up().expect_failure("web: ", "api: It was rolled back").expect_no_traceback())
    assert image_of_api(simulator) == f"{REG}/shop:1"

    simulator.control("set_image", image=f"{REG}/shop:3", missing=False)
    sent = len(deployed(simulator))
    shown.append(workspace.up().expect_ok("1 updated"))
    assert deployed(simulator)[sent:] == ["application.deploy", "compose.deploy"], "what went back is deployed again"
    shown.append(workspace.up().expect_ok("3 unchanged"))

    workspace.config("circle", "true")
    shown.append(workspace.preview().expect_failure("has no order: ").expect_no_traceback())
    for secret in (TOKEN, PASSWORD, *simulator.hidden):
        assert secret not in workspace.state_text()
        assert [run.command for run in shown if secret in run.output] == []


def test_a_secret_variable_lies_nowhere_open_and_is_compared_all_the_same(
    make_workspace: MakeWorkspace, simulator: Simulator
) -> None:
    simulator.call("compose.update", composeId=simulator.composes["ok"], composeFile=FILE, env=ENV)
    program = PROGRAM.replace(
        "from pulumi_dokploy_deployments import plugin as", "import pulumi_dokploy_deployments as"
    )
    config = {**simulator.config, "tag": "1", "apiTag": "1"}
    workspace = make_workspace(program, config=config, secrets={**simulator.secrets, "token": TOKEN})
    shown = [workspace.up().expect_ok("2 created")]
    shown.append(workspace.up().expect_ok("2 unchanged"))
    workspace.config("apiTag", "2")
    shown.append(workspace.up().expect_ok("1 updated"))
    assert deployed(simulator) == ["application.deploy", "compose.deploy", "application.deploy"]
    assert workspace.outputs()["id"]
    for secret in (TOKEN, PASSWORD, *simulator.hidden):
        assert secret not in workspace.state_text()
        assert [run.command for run in shown if secret in run.output] == []
