"""Everything that can become of a service can be set up: ready-made, and by the control interface."""

from typing import Any

import pytest

from pulumi_dokploy_deployments.simulator import Simulator
from tests.support.simulator_recordings import Time, load, simulator

RESULTS = {
    "exit0": ("done", {"complete"}),
    "fatal": ("done", {"failed"}),
    "late": ("done", {"failed"}),
    "oom": ("done", {"failed"}),
    "slowready": ("done", set()),
    "once0": ("done", {"complete"}),
    "once7": ("done", {"failed"}),
    "max2": ("done", {"failed"}),
    "unplaceable": ("done", set()),
    "hostport": ("done", set()),
    "buildserver": ("done", set()),
    "buildserver-broken": ("error", set()),
}
"""Ready-made applications: status of the row, and the states in which tasks end within a minute."""
CONTAINERS = {
    "crash": ("done", {"db": "running", "web": "restarting"}),
    "exit3": ("done", {"web": "exited"}),
    "unhealthy": ("done", {"web": "unhealthy"}),
    "job": ("done", {"web": "running", "init": "exited"}),
    "scaled": ("done", {"web": "running"}),
    "profile": ("done", {"web": "running"}),
    "missing": ("error", {}),
    "tag": ("done", {"web": "running"}),
}
"""Ready-made composes: status of the row, and what their services are a minute later."""


def deploy(target: Simulator, time: Time, kind: str, name: str) -> Any:
    """Deploy a ready-made service and let a minute pass."""
    service = target.world.deployable(kind, target.ready[f"{kind}s"][name])
    assert service is not None
    target.world.trigger(service, "deploy", "t", "")
    for _ in range(600):
        time.now += 0.1
        target.world.advance(time.now)
    return service


@pytest.mark.parametrize("name", RESULTS)
def test_ready_made_applications_end_as_they_are_called(name: str) -> None:
    target, time = simulator(build_seconds=0.2)
    service = deploy(target, time, "application", name)
    status, ends = RESULTS[name]
    assert target.world.rows_of(service)[0]["status"] == status
    swarm = target.world.swarm.find(service.app_name, service.server_id)
    states = {task.state for task in swarm.tasks if task.over} if swarm else set()
    assert states == ends


@pytest.mark.parametrize("name", CONTAINERS)
def test_ready_made_composes_end_as_they_are_called(name: str) -> None:
    target, time = simulator(build_seconds=0.2)
    service = deploy(target, time, "compose", name)
    status, states = CONTAINERS[name]
    assert target.world.rows_of(service)[0]["status"] == status
    found = target.world.containers.of(service.app_name, None)
    assert {item.unit.service: item.health or item.state for item in found} == states


def test_a_ready_made_stack_has_one_member_that_runs_and_one_that_crashes() -> None:
    target, time = simulator(build_seconds=0.2)
    service = deploy(target, time, "compose", "stack-crash")
    running = {
        item.name: bool(target.world.swarm.running(item)) for item in target.world.swarm.of_stack(service.app_name)
    }
    assert running == {f"{service.app_name}_db": True, f"{service.app_name}_web": False}


async def control(target: Simulator, verb: str, **arguments: Any) -> Any:
    """Run a verb of the control interface."""
    async with target.client() as client:
        answer = await client.post(f"/_simulator/{verb}", json=arguments)
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


async def test_composes_are_created_and_scripted_by_the_control_interface() -> None:
    target, time = simulator()
    file = load("531-cok")["service"]["composeFile"]
    created = await control(target, "create_compose", name="mine", compose_file=file, build_seconds=0.2)
    web = {"web": {"runtime": "exits", "exit_code": 3, "exit_after": 2.0, "last_words": ["bye"]}}
    await control(target, "set_behaviour", service=created["composeId"], members=web)
    one_off = await control(target, "run_once", compose="mine", member="db", exit_code=130)
    assert target.world.containers.find(one_off, None) is not None
    async with target.client() as client:
        await client.post("/api/compose.deploy", json={"composeId": created["composeId"]})
        time.now += 8
        services = await client.get("/api/compose.loadServices", params={"composeId": created["composeId"]})
        state = (await client.get("/_simulator/state")).json()
    assert services.json() == ["db", "web"]
    containers = {item["unit"]["service"]: item for item in state["containers"]}
    assert containers["db"]["state"] == "running"
    assert containers["web"]["restarts"] >= 2
    assert [line["text"] for line in containers["web"]["lines"]].count("bye") >= 2


async def test_applications_are_created_and_scripted_by_the_control_interface() -> None:
    target, time = simulator()
    created = await control(
        target,
        "create_application",
        name="mine",
        image="registry/app:1",
        server="remote",
        fields={"restartPolicySwarm": {"Condition": "none"}},
        runtime="exits",
        exit_code=0,
        build_seconds=0.1,
    )
    async with target.client() as client:
        await client.post("/api/application.deploy", json={"applicationId": created["applicationId"]})
        time.now += 10
        query = {"appName": created["appName"], "serverId": target.ready["servers"]["remote"]}
        tasks = await client.get("/api/docker.getServiceContainersByAppName", params=query)
    assert [(task["state"], task["currentState"].split(" ")[0]) for task in tasks.json()] == [("shutdown", "Complete")]


async def test_columns_and_placement_change_by_the_control_interface() -> None:
    target, time = simulator()
    await control(target, "set_fields", service="compose:tag", fields={"env": "TAG=9"})
    await control(target, "set_behaviour", service="docker", unplaceable="insufficient resources on 1 node")
    for kind, name in (("compose", "tag"), ("application", "docker")):
        service = target.world.deployable(kind, target.ready[f"{kind}s"][name])
        assert service is not None
        target.world.trigger(service, "deploy", "t", "")
    time.now += 5
    target.world.advance(time.now)
    assert target.world.rows_of(target.world.by_name("compose:tag"))[0]["status"] == "error"
    swarm = target.world.swarm.find(target.ready["app_names"]["applications"]["docker"])
    assert swarm is not None
    assert [task.error for task in swarm.tasks] == ['"no suitable node (insufficient resources on 1 node)"']


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("set_behaviour", {"service": "ok", "exit_kode": 1}),
        ("set_behaviour", {"service": "compose:ok", "members": {"web": {"runtime": "sleeps"}}}),
        ("set_fields", {"service": "ok", "fields": {"colour": "red"}}),
        ("run_once", {"compose": "compose:ok", "member": "nobody", "exit_code": 1}),
        ("create_compose", {"name": "x", "compose_file": "", "server": "nowhere"}),
    ],
)
async def test_mistakes_of_a_test_are_told(verb: str, arguments: dict[str, Any]) -> None:
    target, _ = simulator()
    async with target.client() as client:
        answer = await client.post(f"/_simulator/{verb}", json=arguments)
    assert answer.status_code == 400


async def test_services_of_a_file_that_was_never_deployed_are_not_found() -> None:
    target, _ = simulator()
    query = {"composeId": target.ready["composes"]["profile"]}
    async with target.client() as client:
        never = await client.get("/api/compose.loadServices", params=query)
        fetched = await client.get("/api/compose.loadServices", params=query | {"type": "fetch"})
        wrong = await client.get("/api/compose.loadServices", params=query | {"type": "guess"})
    assert (never.status_code, never.json()["message"]) == (404, "Services not found")
    assert fetched.json() == load("516-cprofile")["loadServices"][1] == ["web", "mig"]
    assert wrong.status_code == 400


async def test_an_unreadable_file_fails_the_row_and_says_why() -> None:
    target, time = simulator()
    created = await control(target, "create_compose", name="bad", compose_file="services: [", build_seconds=0.2)
    service = target.world.deployable("compose", created["composeId"])
    assert service is not None
    target.world.trigger(service, "deploy", "t", "")
    time.now += 2
    target.world.advance(time.now)
    row = target.world.rows_of(service)[0]
    assert row["status"] == "error"
    assert "yaml: " in target.world.logs.tail(row["logPath"], 100)
