"""Ten thousand log lines a second through the lines' sinks of both hosts: does anything that waits have to wait?

An engine's log service in a process of its own takes the lines. While they are written, a task of the loop measures
how late it is woken; at the end the sink is flushed, as it is before a resource's end is told.

    python -m benchmarks.log_lines

is that engine; it prints its port, and the number of lines and messages when its input ends.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import grpc
from google.protobuf import empty_pb2  # type: ignore[import-untyped, unused-ignore]
from pulumi.runtime.proto import engine_pb2_grpc

from pulumi_dokploy_deployments.hosts.dynamic import engine_lines as dynamic
from pulumi_dokploy_deployments.hosts.plugin import engine_lines as plugin
from pulumi_dokploy_deployments.hosts.reporter import EngineReporter, LineSink

LINES_A_SECOND = 10_000
SECONDS = 3.0
EVERY_SECONDS = 0.01
RESOURCES = 3


@dataclass(frozen=True)
class Line:
    """One line of the table; times in seconds."""

    host: str
    lines: int
    delivered: int
    messages: int
    held_up: float
    """From the last line to the end of the flush."""
    latest_wake: float
    """By how much a task of the loop was woken too late at the most."""
    cpu_seconds: float


class _Sink(LineSink, Protocol):
    """A sink of either host."""


def measure(seconds: float = SECONDS) -> list[Line]:
    """Both hosts, one after the other."""
    return [asyncio.run(_dynamic(seconds)), asyncio.run(_plugin(seconds))]


async def _dynamic(seconds: float) -> Line:
    with _engine() as engine:
        sink = dynamic.EngineLines.to(engine.address)
        written, late, cpu = await _write(sink, seconds)
        began = time.monotonic()
        await asyncio.to_thread(sink.flush)
        held_up = time.monotonic() - began
        return engine.end("dynamic", written, held_up, late, cpu)


async def _plugin(seconds: float) -> Line:
    with _engine() as engine:
        sink = plugin.EngineLines(engine.address)
        written, late, cpu = await _write(sink, seconds)
        began = time.monotonic()
        await sink.flush()
        held_up = time.monotonic() - began
        await sink.aclose()
        return engine.end("plugin", written, held_up, late, cpu)


async def _write(sink: _Sink, seconds: float) -> tuple[int, float, float]:
    reporters = [EngineReporter(sink, f"urn:{number}") for number in range(RESOURCES)]
    burst, written, late = round(LINES_A_SECOND * EVERY_SECONDS), 0, 0.0
    cpu, began = time.process_time(), time.monotonic()
    for tick in range(round(seconds / EVERY_SECONDS)):
        for number in range(burst):
            reporters[number % RESOURCES].line(f"#12 34.56 step {tick}: part {number} of what a build has to say")
        written += burst
        due = began + (tick + 1) * EVERY_SECONDS
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        late = max(late, time.monotonic() - due)
    return written, late, time.process_time() - cpu


class _Engine:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        port = process.stdout.readline().strip() if process.stdout else ""
        self.address = f"127.0.0.1:{port}"

    def end(self, host: str, written: int, held_up: float, late: float, cpu: float) -> Line:
        out, _ = self._process.communicate(timeout=10)
        got = json.loads(out)
        return Line(host, written, got["lines"], got["messages"], round(held_up, 3), round(late, 3), round(cpu, 2))


@contextmanager
def _engine() -> Iterator[_Engine]:
    command = [sys.executable, "-m", "benchmarks.log_lines"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield _Engine(process)
        finally:
            process.kill()


class _LogService(engine_pb2_grpc.EngineServicer):
    def __init__(self) -> None:
        self.lines = self.messages = 0

    def Log(self, request: Any, context: object) -> Any:  # noqa: N802 - the protocol's name
        self.messages += 1
        self.lines += request.message.count("\n") + 1
        return empty_pb2.Empty()


def main() -> None:
    """An engine's log service, until its input ends."""
    service = _LogService()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
    engine_pb2_grpc.add_EngineServicer_to_server(service, server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    sys.stdin.read()
    server.stop(None)
    print(json.dumps({"lines": service.lines, "messages": service.messages}))


if __name__ == "__main__":
    main()
