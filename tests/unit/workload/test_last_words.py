"""What a failed container wrote last: from where it can be had, in order, short, clean, and never an error itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx
import pytest

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.workload.last_words import LONGEST_LINE, MOST_LINES, clean, last_words, tidy
from pulumi_dokploy_deployments.workload.model import Unit
from pulumi_dokploy_deployments.workload.verdict import FailedUnit, Health, MemberReport, State, Verdict
from tests.support.builders import service, transcript
from tests.support.websocket_server import Answer, Close, Cut, Server, Step, Text, scripted
from tests.unit.workload.sights import container, failed, task

KEY = "key-that-no-message-may-show"
LINE = "2026-11-25T07:38:34.442094608Z FATAL: cannot reach db:5432\n"


def _verdict(unit: Unit, *, tasks: int = 0) -> Verdict:
    report = MemberReport("shop", tasks, 1, "", State.CRASHING, "")
    return Verdict(Health.UNHEALTHY, "it crashes", members=(report,), failed_unit=FailedUnit("shop", unit))


def _context(
    answer: Any, asked: list[httpx.Request] | None = None, *, endpoint: str = "", version: str = "v0.30.2"
) -> RunContext:
    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/settings.getDokployVersion":
            return httpx.Response(200, json=version)
        if asked is not None:
            asked.append(request)
        status, body = answer
        return httpx.Response(status, json=body)

    connection = Connection.parse(endpoint or "https://dokploy.example.com", KEY)
    client = DokployClient(connection, transport=httpx.MockTransport(respond))
    return RunContext(client=client, has_live_log=bool(endpoint))


@pytest.mark.parametrize(
    ("recording", "lines"),
    [
        ("522-once7", ["FATAL: cannot reach db:5432", "starting"]),
        ("524-fatal", ["FATAL: cannot reach db:5432", "starting", "starting", "FATAL: cannot reach db:5432"]),
    ],
)
async def test_an_application_s_recorded_words_come_in_order(recording: str, lines: list[str]) -> None:
    asked: list[httpx.Request] = []
    context = _context(transcript(recording)["application.readLogs"], asked)
    words = await last_words(context, service(), _verdict(failed(1)), since=None)
    assert words[: len(lines)] == lines
    assert asked[0].url.path == "/api/application.readLogs"


async def test_a_compose_s_container_is_asked_for_by_its_id() -> None:
    asked: list[httpx.Request] = []
    [(identity, answer), *_] = [
        (key, value) for key, value in transcript("531-cok")["compose.readLogs"].items() if value[1]
    ]
    unit = replace(container("web", "restarting"), id=identity)
    words = await last_words(
        _context(answer, asked), service(ServiceKind.COMPOSE, source="raw"), _verdict(unit), since=None
    )
    assert words[-1] == "FATAL: cannot reach db:5432"
    assert asked[0].url.params["containerId"] == identity


async def test_a_database_s_words_come_by_its_own_kind() -> None:
    asked: list[httpx.Request] = []
    await last_words(_context((200, LINE), asked), service(ServiceKind.POSTGRES), _verdict(failed(1)))
    assert asked[0].url.path == "/api/postgres.readLogs"


async def test_a_release_without_these_logs_is_not_asked_for_them() -> None:
    asked: list[httpx.Request] = []
    context = _context((200, LINE), asked, version="v0.28.8")
    assert await last_words(context, service(), _verdict(failed(1)), since=None) == []
    assert asked == []


def test_only_what_was_written_since_the_start_counts() -> None:
    text = "2026-11-25T07:00:00.000000001Z old\n" + LINE
    assert tidy(text, since=datetime.fromisoformat("2026-11-25T07:38:30+00:00")) == ["FATAL: cannot reach db:5432"]


def test_lines_without_a_timestamp_are_docker_s_complaints_and_no_words() -> None:
    assert tidy("Error: No such container: abc\n" + LINE + "\n") == ["FATAL: cannot reach db:5432"]
    assert tidy("2026-99-99T07:00:00Z impossible\n") == []


def test_there_are_only_so_many_lines_and_only_so_long_ones() -> None:
    text = "".join(f"2026-11-25T07:38:{n % 60:02}.{n:09}Z line {n}\n" for n in range(60))
    assert tidy(text) == [f"line {n}" for n in range(60)][-MOST_LINES:]
    assert len(clean("x" * 5000)) == LONGEST_LINE


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07words", "words"),
        ("\x1b]8;;http://a\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bcwiped", "wiped"),
        ("\x9b31mC1\x00\x07", "C1"),
        ("a\tb", "a b"),
        ("10%\r100%", "100%"),
        ("\x1bP1;2q\x1b\\done", "done"),
    ],
)
def test_nothing_that_steers_a_terminal_is_left(line: str, shown: str) -> None:
    assert clean(line) == shown


async def test_the_key_is_never_among_the_words() -> None:
    words = await last_words(_context((200, LINE.replace("FATAL", KEY))), service(), _verdict(failed(1)))
    assert words == ["[secret]: cannot reach db:5432"]


@pytest.mark.parametrize(
    "answer",
    [
        (500, {"message": "No container or service found for: shop", "code": "INTERNAL_SERVER_ERROR"}),
        (404, {"message": "Not found", "code": "NOT_FOUND"}),
        (401, {"message": "Unauthorized"}),
        (200, {"not": "text"}),
        (302, ""),
    ],
)
async def test_it_never_fails(answer: Any) -> None:
    assert await last_words(_context(answer), service(), _verdict(failed(1))) == []
    unit = container("web", "exited")
    assert await last_words(_context(answer), service(ServiceKind.COMPOSE), _verdict(unit)) == []


async def test_nothing_is_asked_where_no_process_ever_ran() -> None:
    asked: list[httpx.Request] = []
    context = _context((200, LINE), asked)
    for unit in (task("a", "pending", error="no suitable node"), task("a", "rejected"), container("w", "created")):
        assert await last_words(context, service(), _verdict(unit)) == []
    assert await last_words(context, service(), Verdict(Health.UNHEALTHY, "…")) == []
    assert not asked


# --- by WebSocket -----------------------------------------------------------------------------------------------


async def _by_stream(
    steps: list[Step], *, tasks: int, answer: Any = (500, {"message": "x"})
) -> tuple[list[str], Server]:
    async with scripted(steps) as server:
        context = _context(answer, endpoint=server.endpoint)
        words = await last_words(context, service(), _verdict(failed(1), tasks=tasks))
        return words, server


async def test_where_another_task_runs_the_failed_one_s_own_log_is_read() -> None:
    words, server = await _by_stream([Text(LINE[:30]), Text(LINE[30:])], tasks=1, answer=(200, LINE + "x"))
    assert words == ["FATAL: cannot reach db:5432"]
    assert "/docker-container-logs?containerId=failed1&tail=200&runType=swarm&serviceId=app-1" in server.requests[0]


async def test_without_an_endpoint_for_it_the_websocket_is_read() -> None:
    words, _ = await _by_stream([Text(LINE.replace("\n", "\r\n"))], tasks=0)
    assert words == ["FATAL: cannot reach db:5432"]


@pytest.mark.parametrize(
    "steps",
    [[Close()], [Close(4003, "Not authorized")], [Answer(502)], [Text("SSH error: no")], [Text("Error: no task")]],
)
async def test_a_websocket_that_refuses_gives_no_words(steps: list[Step]) -> None:
    assert (await _by_stream(steps, tasks=1))[0] == []


async def test_what_was_said_before_the_stream_broke_is_kept() -> None:
    assert (await _by_stream([Text(LINE), Cut()], tasks=1))[0] == ["FATAL: cannot reach db:5432"]
