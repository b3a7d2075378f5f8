"""Build servers and remote servers: which host has the log, and which one the containers (542, 543, 580, 581)."""

import re
from typing import Any

import pytest

from pulumi_dokploy_deployments.simulator import LiveLog, LogClosed, Simulator
from tests.support.simulator_recordings import Time, load, simulator


def deployed(name: str, kind: str = "applications") -> tuple[Simulator, Time, dict[str, Any]]:
    """Return a simulator in which a service has just been deployed, and the row of it."""
    target, time = simulator(build_seconds=0.5)
    service = target.world.deployable(kind[:-1], target.ready[kind][name])
    assert service is not None
    target.world.trigger(service, "deploy", "t", "")
    time.now += 3
    target.world.advance(time.now)
    return target, time, target.world.rows_of(service)[0]


def everything(log: LiveLog) -> str:
    """Return what a live log has to give now."""
    frames = []
    while (frame := log.receive()) is not None:
        frames.append(frame)
    return "".join(frames)


def plain(text: str, app_name: str) -> list[str]:
    """Return the lines of a log without what differs from one build to the next."""
    text = re.sub(r"[0-9a-f]{64}|[0-9a-f]{12}", "#", text.replace(app_name, "app"))
    kept = (
        "Initializing",
        "Building",
        "Cloning Repo",
        "✅",
        "❌",
        "#0",
        "#1",
        "#2",
        "ERROR",
        "⚠️",
        "📊",
        "🔑",
        "------",
    )
    return [line for line in text.split("\n") if line.startswith(kept) and "transferring" not in line]


@pytest.mark.parametrize(("recorded", "name"), [("580-bsok", "buildserver"), ("581-bsbroken", "buildserver-broken")])
def test_the_row_of_a_build_names_its_server_and_the_log_is_buildkit_s(recorded: str, name: str) -> None:
    target, _, row = deployed(name)
    before = load(recorded)
    assert row.keys() == before["row"].keys()
    assert (row["status"], row["serverId"]) == (before["row"]["status"], None)
    assert row["buildServerId"] == target.ready["servers"]["build"]
    text = everything(target.connect_log(row["logPath"], server_id=row["buildServerId"]))
    wanted = before["listen-deployment with serverId=buildServerId"][0]
    app_name = target.ready["app_names"]["applications"][name]
    assert plain(text, app_name) == plain(wanted, before["service"]["appName"])


@pytest.mark.parametrize("name", ["buildserver", "buildserver-broken"])
async def test_only_the_build_server_has_the_log(name: str) -> None:
    target, _, row = deployed(name)
    for server in (None, target.ready["servers"]["remote"]):
        log = target.connect_log(row["logPath"], server_id=server)
        first = log.receive()
        assert first is not None
        assert first.removeprefix("tail error: ").startswith("tail: cannot open")
        with pytest.raises(LogClosed):
            log.receive()
    async with target.client() as client:
        answer = await client.get("/api/deployment.readLogs", params={"deploymentId": row["deploymentId"]})
    assert answer.json() == "\n", "it is looked for where the service runs"


def test_what_a_build_server_made_runs_from_the_registry() -> None:
    target, _, _ = deployed("buildserver")
    app_name = target.ready["app_names"]["applications"]["buildserver"]
    swarm = target.world.swarm.find(app_name)
    assert swarm is not None
    recorded = load("580-bsok")["polls"][-1]["getConfig_of_services"]
    ((_, config),) = recorded.values()
    image = config["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]
    assert swarm.spec.image == image.replace(load("580-bsok")["service"]["appName"], app_name)


async def test_the_log_of_a_remote_service_lies_on_its_server_and_its_row_names_none() -> None:
    target, _, row = deployed("remote")
    remote = target.ready["servers"]["remote"]
    assert (row["serverId"], row["buildServerId"]) == (None, None)
    assert "Initializing deployment" in everything(target.connect_log(row["logPath"], server_id=remote))
    own = target.connect_log(row["logPath"])
    assert str(own.receive()).startswith("tail error: tail: cannot open")
    async with target.client() as client:
        answer = await client.get("/api/deployment.readLogs", params={"deploymentId": row["deploymentId"]})
    assert answer.json().startswith("Initializing deployment\nBuilding on Build Server\n")


async def test_containers_of_a_remote_compose_are_found_on_its_server_only() -> None:
    target, time = simulator(build_seconds=0.5)
    remote = target.ready["servers"]["remote"]
    recorded = load("543-rcompose")
    async with target.client() as client:
        body = {"name": "far", "environmentId": target.ready["environment_id"], "serverId": remote}
        created = await client.post("/api/compose.create", json=body)
        compose, file = created.json(), recorded["service"]["composeFile"]
        update = {"composeId": compose["composeId"], "sourceType": "raw", "composeFile": file}
        await client.post("/api/compose.update", json=update)
        await client.post("/api/compose.deploy", json={"composeId": compose["composeId"]})
        time.now += 3
        query = {"appName": compose["appName"], "appType": "docker-compose"}
        own = await client.get("/api/docker.getContainersByAppNameMatch", params=query)
        there = await client.get("/api/docker.getContainersByAppNameMatch", params=query | {"serverId": remote})
        assert own.json() == []
        (container,) = there.json()
        assert container.keys() == recorded["polls"][-1]["getContainersByAppNameMatch"][1][0].keys()
        which = {"containerId": container["containerId"]}
        unknown = await client.get("/api/docker.getConfig", params=which)
        config = await client.get("/api/docker.getConfig", params=which | {"serverId": remote})
        rows = await client.get("/api/deployment.allByCompose", params={"composeId": compose["composeId"]})
    assert (unknown.content, config.json()["RestartCount"]) == (b"", 0)
    assert [(row["status"], row["serverId"]) for row in rows.json()] == [("done", None)]
