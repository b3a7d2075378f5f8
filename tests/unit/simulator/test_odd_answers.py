"""Whatever stands between client and server can answer, hold, spoil or flood: in-process and on a socket."""

import asyncio
import gzip
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import websockets

from pulumi_dokploy_deployments.simulator import RunningSimulator, Simulator, start_simulator
from pulumi_dokploy_deployments.simulator.world.odd_answers import ODD_ANSWERS
from tests.support.simulator_recordings import Time, simulator

QUEUE = "/api/deployment.queueList"


@pytest.fixture
def target() -> Simulator:
    """Return a populated simulator in virtual time."""
    return simulator(build_seconds=0.5)[0]


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSimulator]:
    """Return one simulator with a socket."""
    with start_simulator(build_seconds=0.05) as started:
        yield started


def clock_of(target: Simulator) -> Time:
    """Return the simulator's virtual clock."""
    assert isinstance(target.clock, Time)
    return target.clock


async def deploy(client: httpx.AsyncClient, target: Simulator) -> httpx.Response:
    """Send one deploy call."""
    return await client.post("/api/application.deploy", json={"applicationId": target.ready["applications"]["ok"]})


PAGES = {
    "login page": (200, "text/html; charset=utf-8", "Sign in"),
    "redirect to login": (302, "text/html", "Found"),
    "401 page": (401, "text/html", "Authorization Required"),
    "403 page": (403, "text/html", "Forbidden"),
    "404 page": (404, "text/html", "Not Found"),
    "404 text": (404, "text/plain", "404 page not found"),
    "429 page": (429, "text/html", "Too Many Requests"),
    "500 page": (500, "text/html", "Internal Server Error"),
    "502 page": (502, "text/html", "Bad Gateway"),
    "503 page": (503, "text/html", "Service Unavailable"),
    "504 page": (504, "text/html", "Gateway Time-out"),
    "malformed": (200, "application/json", '{"deployments": [}'),
    "empty": (200, "application/json", ""),
    "null": (200, "application/json", "null"),
    "another type": (200, "application/json", "success"),
}


@pytest.mark.parametrize("name", PAGES)
async def test_somebody_else_answers_a_number_of_calls_of_some_operations(target: Simulator, name: str) -> None:
    target.faults.add_odd(name, "application.*", 2)
    async with target.client() as client:
        answers = [await deploy(client, target) for _ in range(3)]
        assert (await client.get(QUEUE)).status_code == 200
    status, content_type, text = PAGES[name]
    for answer in answers[:2]:
        assert (answer.status_code, answer.headers["content-type"]) == (status, content_type)
        assert text in answer.text
    assert answers[2].content == b""
    assert [call.carried_out for call in target.world.requests.of("application.deploy")] == [False, False, True]


async def test_an_answer_of_any_status_type_headers_and_body_can_hide_that_the_work_was_done(target: Simulator) -> None:
    async with target.client() as client:
        fault = {"kind": "answer", "endpoint": "application.deploy", "carry_out": True, "status": 418}
        fault |= {"content_type": "text/teapot", "headers": {"X-Proxy": "p"}, "body": "short and stout"}
        assert (await client.post("/_simulator/fault", json=fault)).status_code == 200
        answer = await deploy(client, target)
    assert (answer.status_code, answer.text, answer.headers["x-proxy"]) == (418, "short and stout", "p")
    assert answer.headers["content-type"] == "text/teapot"
    assert [job.service_id for job in target.world.queue.newest_first()] == [target.ready["applications"]["ok"]]
    assert target.world.requests.of("application.deploy")[0].carried_out


async def test_odd_answers_are_chosen_over_the_control_interface_and_unknown_ones_refused(target: Simulator) -> None:
    async with target.client() as client:
        ready = {"name": "login page", "endpoint": "deployment.*"}
        assert (await client.post("/_simulator/odd_answer", json=ready)).status_code == 200
        assert "Sign in" in (await client.get(QUEUE)).text
        for verb, wrong in (("odd_answer", {"name": "nosuch"}), ("fault", {"kind": "answer", "nosuch": 1})):
            refused = await client.post(f"/_simulator/{verb}", json=wrong)
            assert refused.status_code == 400
            assert "nosuch" in refused.json()["message"]


def test_every_ready_made_answer_is_tested() -> None:
    assert set(ODD_ANSWERS) == {*PAGES, "truncated", "cut off", "wrong encoding", "gzip bomb", "drip"}


async def test_a_truncated_answer_looks_whole_and_is_no_json(target: Simulator) -> None:
    target.faults.add_odd("truncated", "deployment.*")
    async with target.client() as client:
        await deploy(client, target)
        cut = await client.get(QUEUE)
        whole = (await client.get(QUEUE)).text
    assert whole.startswith(cut.text)
    assert len(cut.content) == int(cut.headers["content-length"])
    with pytest.raises(json.JSONDecodeError):
        cut.json()


async def test_a_plain_answer_said_to_be_gzip_can_not_be_unpacked(target: Simulator) -> None:
    target.faults.add_odd("wrong encoding")
    async with target.client() as client:
        with pytest.raises(httpx.DecodingError):
            await client.get(QUEUE)


async def test_a_bomb_is_small_on_the_wire_and_large_unpacked(target: Simulator) -> None:
    size = 8 * 1024 * 1024
    target.faults.add_odd("gzip bomb", size=size)
    async with target.client() as client, client.stream("GET", QUEUE) as answer:
        packed = b"".join([piece async for piece in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert len(packed) < size / 500
    unpacked = gzip.decompress(packed)
    assert len(unpacked) == size + 2
    assert json.loads(unpacked) == []


async def test_a_drip_takes_its_time_for_every_piece(target: Simulator) -> None:
    target.faults.add("drip", "settings.getDokployVersion", seconds=2.0, size=3)
    before = clock_of(target).now
    async with target.client() as client:
        answer = await client.get("/api/settings.getDokployVersion")
    assert answer.json() == "v0.30.2"
    assert clock_of(target).now == before + 2.0 * 3


async def test_a_held_request_is_carried_out_late(target: Simulator) -> None:
    target.faults.add("delay_before", "application.deploy", seconds=30.0)
    before = clock_of(target).now
    async with target.client() as client:
        assert (await deploy(client, target)).status_code == 200
    (call,) = target.world.requests.of("application.deploy")
    (job,) = target.world.queue.newest_first()
    assert (call.at, call.carried_out) == (before, True)
    assert job.added == before + 30.0


async def test_a_held_request_is_carried_out_even_if_the_sender_has_gone() -> None:
    time, gone = Time(), asyncio.Event()

    async def never(seconds: float) -> None:
        gone.set()
        await asyncio.Event().wait()

    target = Simulator(time, sleep=never)
    target.faults.add("delay_before", "application.deploy", seconds=30.0)
    async with target.client() as client:
        sending = asyncio.create_task(deploy(client, target))
        await gone.wait()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        assert not list(target.world.queue.newest_first())
        time.now += 31.0
        jobs = (await client.get(QUEUE)).json()
    assert [job["data"]["applicationId"] for job in jobs] == [target.ready["applications"]["ok"]]


async def test_a_held_request_finds_a_server_that_is_down(target: Simulator) -> None:
    target.faults.add("delay_before", "application.deploy", seconds=3.0)
    target.world.agenda.after(1.0, lambda: target.world.restart(10.0))
    async with target.client() as client:
        with pytest.raises(httpx.ReadError):
            await deploy(client, target)
    assert not target.world.requests.of("application.deploy")[0].carried_out


async def test_an_answer_that_is_cut_off_breaks_the_connection(target: Simulator) -> None:
    target.faults.add_odd("cut off", "application.deploy")
    async with target.client() as client:
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
            await deploy(client, target)
    assert target.world.requests.of("application.deploy")[0].carried_out


def call(running: RunningSimulator, endpoint: str) -> httpx.Response:
    """Send a query over a new connection."""
    headers = {"x-api-key": running.api_key}
    return httpx.get(f"{running.endpoint}/api/{endpoint}", headers=headers)


def test_a_socket_breaks_in_the_middle_of_an_answer_and_drips(running: RunningSimulator) -> None:
    running.control("odd_answer", name="cut off", count=2)
    with pytest.raises(httpx.RemoteProtocolError):
        call(running, "project.all")
    body = {"applicationId": running.ready["applications"]["other"]}
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(f"{running.endpoint}/api/application.deploy", json=body, headers={"x-api-key": running.api_key})
    running.control("odd_answer", name="drip", endpoint="settings.getDokployVersion", seconds=0.01, size=2)
    assert call(running, "settings.getDokployVersion").json() == "v0.30.2"


def log_url(running: RunningSimulator) -> str:
    """Return the address of a live log that has something to say."""
    path = next(row["logPath"] for row in running.state()["rows"] if row["status"] == "done")
    return f"{running.endpoint.replace('http', 'ws')}/listen-deployment?logPath={path}"


async def frames(running: RunningSimulator, wanted: int, within: float) -> list[Any]:
    """Return the first frames of a live log."""
    found: list[Any] = []
    headers = {"x-api-key": running.api_key}
    async with websockets.connect(log_url(running), additional_headers=headers, close_timeout=0.2) as socket:
        try:
            async with asyncio.timeout(within):
                while len(found) < wanted:
                    found.append(await socket.recv())
        except TimeoutError:
            pass
    return found


async def test_a_websocket_is_silent_floods_or_sends_bytes(running: RunningSimulator) -> None:
    running.control("fault", kind="websocket_silent", endpoint="listen-deployment")
    assert await frames(running, 1, 0.3) == []
    running.control("fault", kind="websocket_flood", endpoint="listen-deployment", size=1000)
    assert [len(frame) for frame in await frames(running, 200, 20.0)] == [1000] * 200
    running.control("fault", kind="websocket_binary", endpoint="listen-deployment")
    (frame,) = await frames(running, 1, 20.0)
    assert isinstance(frame, bytes)
    assert frame.startswith(b"Initializing deployment")
    (frame,) = await frames(running, 1, 20.0)
    assert isinstance(frame, str), "each fault hits one connection"
    sockets = [seen["fault"] for seen in running.state()["requests"] if seen["path"] == "/listen-deployment"]
    assert sockets[:2] == ["websocket_silent", "websocket_flood"]


def test_a_live_log_in_process_is_silent_or_floods_for_a_while(target: Simulator) -> None:
    path = next(row.fields["logPath"] for row in target.world.history.rows if row.status == "done")
    target.faults.add("websocket_silent")
    silent = target.connect_log(path)
    assert [silent.receive() for _ in range(3)] == [None] * 3
    target.faults.add("websocket_flood", size=10, seconds=5.0)
    flooding = target.connect_log(path)
    assert [len(flooding.receive() or "") for _ in range(3)] == [10] * 3
    clock_of(target).now += 6.0
    assert flooding.receive() is None
    assert str(target.connect_log(path).receive()).startswith("Initializing deployment")
