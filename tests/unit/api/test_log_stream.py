"""The live log: what arrives, how it ends, and that every way of failing has its own name."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import ApiError, LogStreamFailure, LogStreamUnavailable
from pulumi_dokploy_deployments.api.log_stream import MAX_FRAME_BYTES, open_log_stream
from tests.support.websocket_server import Answer, Close, Cut, Server, Step, Text, scripted

TRANSCRIPTS = Path(__file__).parents[2] / "contract" / "transcripts"
KEY = "key-that-no-message-may-show"
LOG = "/etc/dokploy/logs/app/app-2026-11-24:17:16:51.log"


def _connection(server: Server) -> Connection:
    return Connection.parse(server.endpoint, KEY)


async def _read(connection: Connection, *, enough: int | None = None) -> list[str]:
    chunks: list[str] = []
    async with open_log_stream(connection, LOG, open_timeout_seconds=5) as stream:
        async for chunk in stream:
            chunks.append(chunk)
            if len(chunks) == enough:
                break
    return chunks


async def _failure(steps: list[Step]) -> LogStreamUnavailable:
    async with scripted(steps) as server:
        with pytest.raises(LogStreamUnavailable) as caught:
            await _read(_connection(server))
    error = caught.value
    assert isinstance(error, ApiError)
    assert KEY not in str(error) + repr(error) + repr(vars(error)) + repr(pickle.dumps(error))
    assert str(error).endswith(".")
    assert ".." not in str(error)
    assert "\n" not in str(error)
    assert error.next_step, "every message says what to do"
    assert KEY not in repr(error.__context__) + repr(vars(error.__context__ or error))
    copied = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (copied.failure, str(copied)) == (error.failure, str(error))
    return error


async def test_chunks_arrive_as_sent_and_the_server_s_close_ends_them() -> None:
    async with scripted([Text("Initializing deployment\n"), Text("Buil"), Text("ding 🔨\r\n"), Close()]) as server:
        assert await _read(_connection(server)) == ["Initializing deployment\n", "Buil", "ding 🔨\r\n"]


async def test_a_finished_log_stays_open_until_the_caller_leaves() -> None:
    # Transcript 311: the server never closes at the end of a run.
    async with scripted([Text("Initializing deployment\n")]) as server:
        async with open_log_stream(_connection(server), LOG) as stream:
            assert await anext(stream) == "Initializing deployment\n"
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await anext(stream)
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_leaving_closes_the_connection_with_a_goodbye() -> None:
    ended: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    async def handle(socket: ServerConnection) -> None:
        await socket.send("a line\n")
        await socket.wait_closed()
        ended.set_result(socket.close_code)

    async with serve(handle, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with open_log_stream(Connection.parse(f"http://127.0.0.1:{port}", KEY), LOG) as stream:
            assert await anext(stream) == "a line\n"
        async with asyncio.timeout(5.0):
            assert await ended == 1000


async def test_the_path_is_encoded_and_the_key_is_only_in_the_header() -> None:
    async with (
        scripted([Close(1000)]) as server,
        open_log_stream(_connection(server), "/a b&c=\x00é:1.log", server_id="s&1") as stream,
    ):
        assert [chunk async for chunk in stream] == []
    (request,) = server.requests
    line, *headers = request.split("\r\n")
    assert line == "GET /listen-deployment?logPath=/a%20b%26c%3D%00%C3%A9%3A1.log&serverId=s%261 HTTP/1.1"
    assert [header for header in headers if KEY in header] == [f"x-api-key: {KEY}"]


async def test_a_path_prefix_of_the_server_is_kept() -> None:
    async with scripted([Close(1000)]) as server:
        await _read(Connection.parse(f"{server.endpoint}/dokploy/api", KEY))
    assert server.requests[0].startswith("GET /dokploy/listen-deployment?")


async def test_the_key_is_not_logged_at_any_level(caplog: pytest.LogCaptureFixture) -> None:
    # The library writes all handshake headers at DEBUG.
    caplog.set_level(logging.DEBUG)
    logging.getLogger("websockets").setLevel(logging.DEBUG)
    async with scripted([Text("x"), Close()]) as server:
        await _read(_connection(server))
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    ("steps", "failure", "words"),
    [
        ([Answer(502)], LogStreamFailure.UPGRADE_REFUSED, "502"),
        ([Answer(200)], LogStreamFailure.UPGRADE_REFUSED, "200"),
        ([Cut()], LogStreamFailure.BROKEN, "broke"),
        ([Close()], LogStreamFailure.KEY_REFUSED, "key"),
        ([Close(4000, "Invalid log path")], LogStreamFailure.PATH_REFUSED, "Invalid log path"),
        ([Text("tail error: tail: cannot open 'x'\n"), Close()], LogStreamFailure.LOG_MISSING, "cannot open 'x'"),
        ([Text("SSH error: refused"), Close()], LogStreamFailure.NOT_OFFERED, "SSH error: refused"),
        ([Text("Server not found"), Close()], LogStreamFailure.NOT_OFFERED, "Server not found"),
        ([Text("a line\n"), Cut()], LogStreamFailure.BROKEN, "broke"),
        ([Text("a line\n"), Close(1011, "oops.")], LogStreamFailure.BROKEN, "1011, oops"),
    ],
)
async def test_every_way_of_failing_has_its_name(steps: list[Step], failure: LogStreamFailure, words: str) -> None:
    error = await _failure(steps)
    assert error.failure is failure
    assert words in str(error)


async def test_a_frame_that_is_too_long_ends_the_stream_and_is_not_kept() -> None:
    error = await _failure([Text("a line\n"), Text("x" * (MAX_FRAME_BYTES + 1))])
    assert error.failure is LogStreamFailure.BROKEN
    assert "longer than 1024 KB" in str(error)


async def test_extra_headers_go_along_and_are_in_no_message() -> None:
    async with scripted([Text(f"tail error: {KEY} and token-of-the-proxy\n"), Close()]) as server:
        headers = {"X-Access-Token": "token-of-the-proxy"}
        connection = Connection.parse(server.endpoint, KEY, headers=headers)
        with pytest.raises(LogStreamUnavailable) as caught:
            await _read(connection)
    assert "X-Access-Token: token-of-the-proxy" in server.requests[0]
    assert "token-of-the-proxy" not in str(caught.value)
    assert KEY not in str(caught.value)


async def test_words_that_only_look_like_a_failure_further_down_are_text() -> None:
    async with scripted([Text("Initializing deployment\n"), Text("tail error: told by a build\n"), Close()]) as server:
        assert (await _read(_connection(server)))[1] == "tail error: told by a build\n"


async def test_a_redirect_never_carries_the_key_away() -> None:
    async with scripted([Close(1000)]) as elsewhere:
        there = f"Location: {elsewhere.endpoint.replace('http', 'ws')}/listen-deployment\r\n"
        error = await _failure([Answer(307, there)])
    assert error.failure is LogStreamFailure.UPGRADE_REFUSED
    assert elsewhere.requests == []


async def test_nobody_there_is_no_connection() -> None:
    async with scripted([]) as server:
        pass
    with pytest.raises(LogStreamUnavailable) as caught:
        await _read(_connection(server))
    assert caught.value.failure is LogStreamFailure.NO_CONNECTION


async def test_a_server_that_never_answers_is_given_up() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    with pytest.raises(LogStreamUnavailable, match=r"no answer within 0\.1 seconds") as caught:
        async with open_log_stream(Connection.parse(f"http://127.0.0.1:{port}", KEY), LOG, open_timeout_seconds=0.1):
            pass
    listener.close()
    assert caught.value.failure is LogStreamFailure.NO_CONNECTION


async def test_plain_text_behind_https_is_no_connection() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(plain, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    with pytest.raises(LogStreamUnavailable) as caught:
        await _read(Connection.parse(f"https://127.0.0.1:{port}", KEY))
    listener.close()
    assert caught.value.failure is LogStreamFailure.NO_CONNECTION


async def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "WS_PROXY", "ws_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with scripted([Text("x"), Close()]) as server:
        assert await _read(_connection(server)) == ["x"]


async def test_cancellation_passes_through() -> None:
    async with scripted([Text("x")]) as server:
        task = asyncio.create_task(_read(_connection(server)))
        await server.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def _recorded() -> list[str]:
    return sorted(path.stem for path in TRANSCRIPTS.glob("3*.json") if '"ms"' in path.read_text(encoding="utf-8"))


def _steps(events: list[dict[str, Any]]) -> list[Step]:
    steps: list[Step] = []
    for event in events:
        if "data" in event:
            steps.append(Text(event["data"]))
        elif event.get("event") == "ended":
            code = event["code"]
            steps.append(Close(None if code == 1005 else code, event["reason"]))
    return steps


REFUSED = {
    "306-ws-bad-key": LogStreamFailure.KEY_REFUSED,
    "307-ws-no-key": LogStreamFailure.KEY_REFUSED,
    "308-ws-no-logPath": LogStreamFailure.PATH_REFUSED,
    "309-ws-outside-path": LogStreamFailure.PATH_REFUSED,
    "310-ws-missing-file": LogStreamFailure.LOG_MISSING,
}


@pytest.mark.parametrize("name", _recorded())
async def test_recorded_streams_come_through_whole_or_fail_by_their_name(name: str) -> None:
    recording = json.loads((TRANSCRIPTS / f"{name}.json").read_text(encoding="utf-8"))
    events = recording["events"] if "events" in recording else recording.get("ws", {}).get("events")
    if events is None:
        return
    steps = _steps(events)
    if name in REFUSED:
        assert (await _failure(steps)).failure is REFUSED[name]
        return
    sent = [step.text for step in steps if isinstance(step, Text)]
    async with scripted(steps) as server:
        assert await _read(_connection(server), enough=len(sent)) == sent
