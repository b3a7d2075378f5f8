"""`Release` on the real engine: the example in order and side by side, and what a failure keeps from beginning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from tests.support.harness import MakeWorkspace, Simulator

EXAMPLE = Path(__file__).parents[2] / "examples" / "many-services"
REG = "127.0.0.1:5055/reg"
FILE = f"services:\n  web:\n    image: {REG}/shop:${{TAG}}\n    restart: always\n"
PROGRAM = """
import pulumi
from pulumi_dokploy_deployments import plugin as dokploy

config = pulumi.Config()
after_api = ["api"] if config.get_bool("circle") is None else ["api", "web"]
release = dokploy.Release(
    "shop",
    services={
        "web": {"application_id": "other", "after": after_api},
        "api": {"application_id": config.require("api")},
    },
    defaults={"wait_for": "done", "stream_logs": False},
)
pulumi.export("summary", release.summary)
"""


def call(simulator: Simulator, operation: str, **body: Any) -> None:
    url = f"{simulator.endpoint}/api/{operation}"
    httpx.post(url, headers={"x-api-key": simulator.api_key}, json=body).raise_for_status()


def deployed(simulator: Simulator) -> list[str]:
    """The deployments asked for, in their order."""
    return [kind for call in simulator.requests() if (kind := call["path"].removeprefix("/api/")).endswith(".deploy")]


def test_the_example_releases_in_order_and_shows_what_runs(make_workspace: MakeWorkspace, simulator: Simulator) -> None:
    call(simulator, "compose.update", composeId=simulator.composes["ok"], composeFile=FILE, env="TAG=1\n")
    named = {"database": "postgres", "api": "docker", "worker": "ok", "apiImage": f"{REG}/shop:1", "tag": "1"}
    config = {f"many-services:{name}": value for name, value in named.items()}
    workspace = make_workspace(EXAMPLE, config={**simulator.config, **config}, secrets=simulator.secrets)

    up = workspace.up().expect_ok("5 created", "service   version  image")
    assert deployed(simulator)[0] == "postgres.deploy"
    assert sorted(deployed(simulator)[1:]) == ["application.deploy", "compose.deploy"]
    title, *rows = str(workspace.outputs()["summary"]).splitlines()
    assert title.split() == ["service", "version", "image", "duration", "verdict"]
    assert [row.split()[0] for row in rows] == ["database", "api", "worker"]
    assert all(row.endswith("healthy") for row in rows), up.report(str(rows))
    assert f"{REG}/shop:1" in rows[1]

    workspace.config("many-services:tag", "2")
    workspace.up().expect_ok("1 updated", "4 unchanged")
    assert deployed(simulator)[3:] == ["compose.deploy"]


def test_what_comes_after_a_failure_is_not_deployed_and_a_circle_fails_at_once_on_the_plugin(
    make_workspace: MakeWorkspace, simulator: Simulator
) -> None:
    config = {**simulator.config, "api": "broken"}
    workspace = make_workspace(PROGRAM, config=config, secrets=simulator.secrets)
    workspace.up().expect_failure("about-to-fail").expect_without("shop-web", "Traceback")
    assert deployed(simulator) == ["application.deploy"]

    workspace.config("api", "git")
    workspace.up().expect_ok("shop-web", "done")
    assert deployed(simulator) == ["application.deploy"] * 3

    workspace.config("circle", "true")
    workspace.preview().expect_failure("has no order: 'web' after 'web'").expect_without("Traceback")
