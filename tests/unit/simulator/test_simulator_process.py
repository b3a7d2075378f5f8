"""The simulator as a process: first line, real sockets, and an end without delay."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
import websockets

from pulumi_dokploy_deployments.simulator import RunningSimulator, start_simulator


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSimulator]:
    """Return one simulator for the tests of this module."""
    with start_simulator(build_seconds=0.05) as started:
        yield started


def deploy(running: RunningSimulator, name: str) -> httpx.Response:
    """Send one deploy call over a new connection."""
    body = {"applicationId": running.ready["applications"][name]}
    headers = {"x-api-key": running.api_key}
    return httpx.post(f"{running.endpoint}/api/application.deploy", json=body, headers=headers)


def test_first_line_tells_everything_that_a_test_needs(running: RunningSimulator) -> None:
    ready = running.ready
    assert running.endpoint.startswith("http://127.0.0.1:")
    wanted = "ok broken slow crash git docker unhealthy paused crashloop replicas zero other remote"
    assert set(wanted.split()) <= set(ready["applications"])
    assert {"ok", "broken", "git", "slow"} <= set(ready["composes"])
    assert set(ready["databases"]) == {"postgres", "mysql", "mariadb", "mongo", "redis", "libsql"}
    assert set(ready["api_keys"]) == {"owner", "rate_limited", "member", "no_docker"}
    assert "remote" in ready["servers"]


def test_broken_connections_break_on_the_socket(running: RunningSimulator) -> None:
    running.control("fault", kind="lose_answer", endpoint="application.deploy")
    with pytest.raises(httpx.RemoteProtocolError):
        deploy(running, "other")
    assert deploy(running, "other").status_code == 200
    assert running.state()["counters"]["/api/application.deploy"] == 2


async def test_live_log_over_a_real_websocket_ends_as_recorded(running: RunningSimulator) -> None:
    headers = {"x-api-key": running.api_key}
    url = running.endpoint.replace("http", "ws") + "/listen-deployment"
    path = running.state()["rows"][0]["logPath"]
    async with websockets.connect(f"{url}?logPath={path}", additional_headers=headers) as socket:
        assert str(await socket.recv()).startswith("Initializing deployment\n")
    async with websockets.connect(f"{url}?logPath={path}") as socket:
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1005
    running.control("fault", kind="websocket_refused", endpoint="listen-deployment", status=502)
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(url)
    assert refused.value.response.status_code == 502


async def test_container_logs_come_over_a_real_websocket_as_they_are_written(running: RunningSimulator) -> None:
    name = running.ready["app_names"]["applications"]["crash"]
    running.control("set_image", image="127.0.0.1:5055/reg/crash:2", runtime="healthy", output=["listening on 80"])
    url = f"{running.endpoint.replace('http', 'ws')}/docker-container-logs?containerId={name}&runType=swarm"
    headers = {"x-api-key": running.api_key}
    async with websockets.connect(f"{url}&tail=5&since=5m", additional_headers=headers) as socket:
        deploy(running, "crash")
        assert str(await socket.recv()).endswith(" listening on 80\r\n")
    async with websockets.connect(f"{url}&tail=many", additional_headers=headers) as socket:
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4000, "Invalid tail parameter")


async def test_signal_ends_the_process_at_once_although_a_live_log_is_open() -> None:
    with start_simulator() as started:
        row = started.state()["rows"][0]
        url = f"{started.endpoint.replace('http', 'ws')}/listen-deployment?logPath={row['logPath']}"
        async with websockets.connect(url, additional_headers={"x-api-key": started.api_key}) as socket:
            await socket.recv()
            started.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(started.process.wait, 2) == 0


def test_process_ends_by_itself_after_its_time_and_prints_one_line() -> None:
    command = [sys.executable, "-m", "pulumi_dokploy_deployments.simulator", "--max-seconds", "0.05"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["endpoint"].startswith("http://127.0.0.1:")
    assert done.stderr == ""


def test_process_ends_with_its_parent_even_when_that_is_gone_already() -> None:
    module = "pulumi_dokploy_deployments.simulator"
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    command = [sys.executable, "-m", module, "--with-parent", gone.stdout.decode().strip()]
    done = subprocess.run(command, capture_output=True, timeout=20, check=True)
    assert done.stdout.count(b"\n") == 1


def test_answers_come_without_the_delay_of_small_packets(running: RunningSimulator) -> None:
    headers = {"x-api-key": running.api_key}
    with httpx.Client(base_url=running.endpoint, headers=headers) as client:
        elapsed = [client.get("/api/deployment.queueList").elapsed.total_seconds() for _ in range(8)]
    assert min(elapsed) < 0.035


def test_a_process_plays_an_older_release_or_the_cloud() -> None:
    with start_simulator(build_seconds=0.05, server_version="v0.28.3", cloud=True) as older:
        assert older.ready["server_version"] == "v0.28.3"
        assert (older.state()["version"], older.state()["cloud"]) == ("v0.28.3", True)
        answer = httpx.get(f"{older.endpoint}/api/settings.getDokployVersion", headers={"x-api-key": older.api_key})
        assert answer.json() == "v0.28.3"


def test_what_is_no_version_is_refused_with_the_way_to_write_it() -> None:
    command = [sys.executable, "-m", "pulumi_dokploy_deployments.simulator", "--server-version", "newest"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "no version of Dokploy: 'newest'; write it like v0.30.2" in ended.stderr
