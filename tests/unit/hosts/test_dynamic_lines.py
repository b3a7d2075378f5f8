"""The engine's display: what is sent there, and that a line that can't be sent ends nothing."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import engine_pb2

from pulumi_dokploy_deployments.hosts.dynamic.engine_lines import EngineLines, engine_address
from pulumi_dokploy_deployments.hosts.reporter import MANY_WAITING, MOST_LINE, EngineReporter
from pulumi_dokploy_deployments.waiting.progress import Activity, Progress

URN = "urn:pulumi:prod::shop::pulumi-python:dynamic/dokploy:Deployment::web"


@dataclass
class Engine:
    """Receives log requests, or is gone."""

    received: list[Any] = field(default_factory=list)
    is_gone: bool = False
    may_answer: threading.Event = field(default_factory=threading.Event)
    lines: EngineLines = field(default_factory=lambda: EngineLines(None))

    def __post_init__(self) -> None:
        self.may_answer.set()

    def Log(self, request: Any, timeout: float) -> None:  # noqa: N802 - the engine's own name
        """The engine's log service."""
        assert timeout <= 5.0
        assert self.may_answer.wait(10.0)
        if self.is_gone:
            raise grpc.RpcError
        self.received.append(request)

    def reporter(self, urn: str = URN) -> EngineReporter:
        """A reporter whose lines arrive here."""
        return EngineReporter(self.lines, urn)


@pytest.fixture
def engine() -> Engine:
    """An engine at the end of a sink."""
    engine = Engine()
    engine.lines = EngineLines(engine)
    return engine


def test_lines_statuses_and_warnings_go_to_the_resource_s_row(engine: Engine) -> None:
    reporter = engine.reporter()
    reporter.progress(Progress(Activity.NOTE, detail="waiting in the queue (1 before it)"))
    reporter.line("Step 1/3 : FROM busybox ✅")
    reporter.warning("A newer deployment has been made.")
    engine.lines.flush()
    shown = [(each.message, each.severity, each.ephemeral, each.urn) for each in engine.received]
    assert shown == [
        ("waiting in the queue (1 before it)", engine_pb2.INFO, True, URN),
        ("Step 1/3 : FROM busybox ✅", engine_pb2.INFO, False, URN),
        ("A newer deployment has been made.", engine_pb2.WARNING, False, URN),
    ]


def test_a_status_is_not_repeated_but_every_line_is_sent(engine: Engine) -> None:
    reporter = engine.reporter()
    for _ in range(3):
        reporter.progress(Progress(Activity.NOTE, detail="running: build"))
        reporter.line("the same line")
    reporter.progress(Progress(Activity.NOTE, detail="running: push"))
    engine.lines.flush()
    assert [each.ephemeral for each in engine.received].count(True) == 2
    assert [each.ephemeral for each in engine.received].count(False) == 3


def test_an_engine_that_has_gone_away_ends_no_deployment(engine: Engine) -> None:
    engine.is_gone = True
    reporter = engine.reporter()
    reporter.progress(Progress(Activity.NOTE, detail="running"))
    reporter.line("a line")
    reporter.warning("a warning")
    engine.lines.flush()
    assert engine.received == []
    engine.is_gone = False
    reporter.line("one more")
    engine.lines.flush()
    assert [each.message for each in engine.received] == ["one more"], "a lost line ends nothing, the thread neither"


def test_an_address_where_nobody_listens_ends_no_deployment() -> None:
    lines = EngineLines.to("127.0.0.1:1")
    EngineReporter(lines, URN).line("a line")
    lines.flush(seconds=0.1)


def test_an_engine_that_takes_its_time_holds_nobody_up_and_gets_the_lines_together(engine: Engine) -> None:
    engine.may_answer.clear()
    reporter, texts = engine.reporter(), [f"line {number}" for number in range(3 * MANY_WAITING)]
    for text in texts:
        reporter.line(text)
    engine.lines.flush(seconds=0.01)
    assert len(engine.received) <= 1, "the engine still thinks, and the run has gone on"
    engine.may_answer.set()
    engine.lines.flush()
    assert "\n".join(each.message for each in engine.received).split("\n") == texts
    assert len(engine.received) < MANY_WAITING + 10


def test_the_end_of_one_resource_does_not_wait_for_the_lines_of_another(engine: Engine) -> None:
    engine.may_answer.clear()
    engine.reporter("urn:other").line("a long build")
    began = time.monotonic()
    engine.lines.flush(URN, seconds=5.0)
    assert time.monotonic() - began < 2.0
    engine.may_answer.set()
    engine.reporter().line("mine")
    engine.lines.flush(URN)
    assert "mine" in [each.message for each in engine.received]


@pytest.mark.parametrize("text", ["", "\x00", "\ud800 half a pair", "x" * (10 * MOST_LINE), "\x1b[31m"])
def test_no_text_from_a_build_log_breaks_the_reporter(engine: Engine, text: str) -> None:
    engine.reporter().line(text)
    engine.lines.flush()
    (request,) = engine.received
    assert len(request.message) <= MOST_LINE


def test_without_an_engine_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["program.py"])
    lines = EngineLines.to(engine_address())
    reporter = EngineReporter(lines)
    reporter.progress(Progress(Activity.NOTE, detail="running"))
    reporter.line("a line")
    reporter.warning("a warning")
    lines.flush()
    assert not any(thread.name == "dokploy-lines" and thread is lines._thread for thread in threading.enumerate())


@pytest.mark.parametrize(
    ("arguments", "address"),
    [
        (["provider", "127.0.0.1:43211"], "127.0.0.1:43211"),
        (["provider", "[::1]:43211", "--logflow"], "[::1]:43211"),
        (["provider"], None),
        (["provider", "--logtostderr", "127.0.0.1:1"], None),
        (["pytest", "-q"], None),
        ([], None),
    ],
)
def test_the_engine_s_address_is_the_first_argument_of_a_provider_process(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], address: str | None
) -> None:
    monkeypatch.setattr(sys, "argv", arguments)
    assert engine_address() == address
