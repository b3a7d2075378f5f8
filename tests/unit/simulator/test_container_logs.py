"""Output of containers: `readLogs` of applications, databases and composes, and /docker-container-logs."""

import re
from typing import Any

import httpx
import pytest

from pulumi_dokploy_deployments.simulator import ContainerLog, ContainerQuery, LogClosed, Simulator
from tests.support.simulator_recordings import Time, load, simulator

STAMPED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (.*)")


async def ask(target: Simulator, endpoint: str, key: str = "owner", **query: Any) -> httpx.Response:
    """Send a query."""
    async with target.client(key) as client:
        return await client.get(f"/api/{endpoint}", params=query)


def deployed(name: str, seconds: float, kind: str = "applications") -> tuple[Simulator, Time, str, str]:
    """Return a simulator in which a service was deployed some seconds ago, its id and its appName."""
    target, time = simulator(build_seconds=0.3)
    service_id = target.ready[kind][name]
    service = target.world.deployable(kind[:-1], service_id)
    assert service is not None
    target.world.trigger(service, "deploy", "t", "")
    time.now += seconds
    target.world.advance(time.now)
    return target, time, service_id, service.app_name


def lines(text: str) -> list[tuple[str, str]]:
    """Return moment and text of each line; every line has a moment with nine digits."""
    assert text.endswith("\n")
    found = [STAMPED.fullmatch(line) for line in text.splitlines()]
    assert all(found)
    return [(match[0].split(" ")[0], match[1]) for match in found if match]


@pytest.mark.parametrize(
    ("recorded", "name", "seconds"),
    [("520-exit0", "exit0", 26), ("522-once7", "once7", 10), ("523-max2", "max2", 30), ("524-fatal", "fatal", 17)],
)
async def test_lines_of_all_tasks_come_with_their_moments_and_in_no_order(
    recorded: str, name: str, seconds: float
) -> None:
    target, _, service_id, _ = deployed(name, seconds)
    answer = await ask(target, "application.readLogs", applicationId=service_id)
    status, text = load(recorded)["application.readLogs"]
    assert answer.status_code == status
    before, now = lines(text), lines(answer.json())
    assert {line for _, line in now} == {line for _, line in before}
    assert len(now) >= len(before)


async def test_lines_are_not_in_the_order_of_their_moments() -> None:
    target, _, service_id, _ = deployed("fatal", 40)
    text = (await ask(target, "application.readLogs", applicationId=service_id)).json()
    moments = [moment for moment, _ in lines(text)]
    assert moments != sorted(moments)


async def test_while_a_container_runs_only_its_own_lines_are_read() -> None:
    target, time, service_id, _ = deployed("fatal", 7.0)
    swarm = target.world.swarm.find(target.ready["app_names"]["applications"]["fatal"])
    assert swarm is not None
    while not any(task.alive for task in swarm.tasks):
        time.now += 0.05
        target.world.advance(time.now)
    answer = await ask(target, "application.readLogs", applicationId=service_id)
    assert answer.json() == ""


async def test_nothing_of_a_service_is_an_error_of_the_server() -> None:
    target, _ = simulator()
    name = target.ready["app_names"]["applications"]["docker"]
    answer = await ask(target, "application.readLogs", applicationId=target.ready["applications"]["docker"])
    status, body = load("574-named")["application.readLogs"]
    assert answer.status_code == status
    assert answer.json() == body | {"message": f"No container or service found for: {name}"}


async def test_tail_since_and_search_choose_lines() -> None:
    target, time, service_id, _ = deployed("once7", 10)

    async def read(**which: Any) -> list[str]:
        answer = await ask(target, "application.readLogs", applicationId=service_id, **which)
        assert answer.status_code == 200
        return [line for _, line in lines(answer.json())] if answer.json() else []

    assert sorted(await read()) == ["FATAL: cannot reach db:5432", "starting"]
    assert await read(tail=1) == ["FATAL: cannot reach db:5432"]
    assert await read(search="STARTING") == ["starting"]
    time.now += 120
    assert await read(since="1m") == []
    assert len(await read(since="5m")) == 2


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"tail": 0}, "Too small: expected number to be >=1"),
        ({"tail": 10001}, "Too big: expected number to be <=10000"),
        ({"since": "yesterday"}, "Invalid since format"),
    ],
)
async def test_what_can_t_be_read_is_refused(query: dict[str, Any], message: str) -> None:
    target, _ = simulator()
    answer = await ask(target, "application.readLogs", applicationId=target.ready["applications"]["ok"], **query)
    assert answer.status_code == 400
    assert answer.json()["issues"][0]["message"] == message


async def test_a_database_s_output_is_read_by_its_own_id() -> None:
    target, time = simulator()
    target.world.set_behaviour("postgres:postgres", output=["ready to accept connections"])
    postgres = target.ready["databases"]["postgres"]
    async with target.client() as client:
        await client.post("/api/postgres.deploy", json={"postgresId": postgres})
        time.now += 5
        answer = await client.get("/api/postgres.readLogs", params={"postgresId": postgres})
    assert [line for _, line in lines(answer.json())] == ["ready to accept connections"]


async def test_a_compose_s_output_wants_a_container() -> None:
    target, _, compose_id, app_name = deployed("crash", 10, "composes")
    answer = await ask(target, "compose.readLogs", composeId=compose_id)
    assert (answer.status_code, answer.json()["issues"][0]["path"]) == (400, ["containerId"])
    listing = await ask(target, "docker.getContainersByAppNameMatch", appName=app_name, appType="docker-compose")
    texts = {}
    for container in listing.json():
        which = {"composeId": compose_id, "containerId": container["containerId"]}
        texts[container["name"]] = (await ask(target, "compose.readLogs", **which)).json()
    assert texts[f"{app_name}-db-1"] == ""
    recorded = load("531-cok")["compose.readLogs"]["31a7649b3ae7"][1]
    now = lines(texts[f"{app_name}-web-1"])
    assert {line for _, line in now} == {line for _, line in lines(recorded)}
    assert [moment for moment, _ in now] == sorted(moment for moment, _ in now)


async def test_access_to_the_service_is_enough_to_read_its_output() -> None:
    target, _, service_id, _ = deployed("once7", 10)
    answer = await ask(target, "application.readLogs", "no_docker", applicationId=service_id)
    assert answer.status_code == 200
    refused = await ask(target, "application.readLogs", "member", applicationId=service_id)
    assert refused.status_code == 401


# The WebSocket.


def drain(log: ContainerLog) -> str:
    """Return everything that is there now."""
    frames = []
    while (frame := log.receive()) is not None:
        frames.append(frame)
    return "".join(frames)


def test_a_task_s_output_is_its_own_and_a_service_s_is_that_of_all_tasks() -> None:
    target, _, _, app_name = deployed("fatal", 17)
    swarm = target.world.swarm.find(app_name)
    assert swarm is not None
    whole = drain(target.connect_container_log(ContainerQuery(app_name, "swarm")))
    tasks = [drain(target.connect_container_log(ContainerQuery(task.id, "swarm"))) for task in swarm.tasks]
    assert sorted(whole.split("\r\n")) == sorted("".join(tasks).split("\r\n"))
    assert len([text for text in tasks if "FATAL" in text]) == 3


def test_a_container_s_output_is_followed() -> None:
    target, time, _, _ = deployed("loop4", 3, "composes")
    target.world.set_behaviour("compose:loop4", members={"web": {"runtime": "exits", "output": ["hello"]}})
    service = target.world.deployable("compose", target.ready["composes"]["loop4"])
    assert service is not None
    target.world.trigger(service, "deploy", "t", "")
    time.now += 1
    target.world.advance(time.now)
    (container,) = target.world.containers.of(service.app_name, None)
    log = target.connect_container_log(ContainerQuery(container.id[:12], "native", tail="1"))
    assert drain(log).count("hello\r\n") == 1
    assert log.receive() is None
    time.now += 1
    assert "hello\r\n" in drain(log)


def test_tail_0_gives_only_what_is_new() -> None:
    target, _, _, app_name = deployed("once7", 10)
    log = target.connect_container_log(ContainerQuery(app_name, "swarm", tail="0"))
    assert log.receive() is None


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (ContainerQuery(None), "containerId no provided"),
        (ContainerQuery("a;b"), "Invalid container ID format"),
        (ContainerQuery("web", tail="-1"), "Invalid tail parameter"),
        (ContainerQuery("web", tail="10001"), "Invalid tail parameter"),
        (ContainerQuery("web", since="now"), "Invalid since parameter"),
        (ContainerQuery("web", search="$(ls)"), "Invalid search parameter"),
    ],
)
def test_a_malformed_question_closes_with_its_reason(query: ContainerQuery, reason: str) -> None:
    target, _ = simulator()
    with pytest.raises(LogClosed) as closed:
        target.connect_container_log(query).receive()
    assert (closed.value.code, closed.value.reason) == (4000, reason)


def test_without_docker_read_only_the_service_opens_the_output() -> None:
    target, _, service_id, app_name = deployed("once7", 10)
    key = target.ready["api_keys"]["no_docker"]
    with pytest.raises(LogClosed) as closed:
        target.connect_container_log(ContainerQuery(app_name, "swarm"), key).receive()
    assert (closed.value.code, closed.value.reason) == (4003, "Not authorized")
    allowed = target.connect_container_log(ContainerQuery(app_name, "swarm", service_id=service_id), key)
    assert "FATAL" in drain(allowed)
    with pytest.raises(LogClosed) as wrong:
        target.connect_container_log(ContainerQuery(app_name, "swarm"), "wrong").receive()
    assert wrong.value.code == 1005


def test_containers_of_another_host_are_not_found() -> None:
    target, _, _, app_name = deployed("once7", 10)
    remote = target.ready["servers"]["remote"]
    log = target.connect_container_log(ContainerQuery(app_name, "swarm", server_id=remote))
    assert log.receive() == f"no such task or service: {app_name}\r\n"
    with pytest.raises(LogClosed):
        log.receive()
    own = target.connect_container_log(ContainerQuery("0123456789ab", "native"))
    assert own.receive() == "Error response from daemon: No such container: 0123456789ab\r\n"
    assert own.receive() is None, "on Dokploy's own host the connection stays open"
