"""Lines of a dynamic provider on their way to the engine: a thread of their own sends them, so that no wait waits."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any, Protocol

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from pulumi_dokploy_deployments.hosts.reporter import Line, WaitingLines

SEND_SECONDS = 5.0
FLUSH_SECONDS = 2.0


def engine_address() -> str | None:
    """The engine's address: the first argument of a provider process."""
    arguments = sys.argv[1:]
    return arguments[0] if arguments and ":" in arguments[0] else None


class LogService(Protocol):
    """The engine's log service."""

    def Log(self, request: engine_pb2.LogRequest, *, timeout: float) -> object:  # noqa: N802 - the protocol's name
        """Show a line."""


class EngineLines:
    """A sink that sends lines from a thread; without an engine they go nowhere.

    Args:
        stub: the engine's log service; None where there is no engine.
    """

    def __init__(self, stub: LogService | None) -> None:
        self._stub = stub
        self._waiting = WaitingLines()
        self._sending: str | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    @classmethod
    def to(cls, address: str | None) -> EngineLines:
        """The sink of this process."""
        if address is None:
            return cls(None)
        stub: Any = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))
        return cls(stub)

    def put(self, line: Line) -> None:
        """Hand a line over; it is sent after those of the same resource before it."""
        if self._stub is None:
            return
        with self._changed:
            self._waiting.put(line)
            if self._thread is None:
                self._thread = threading.Thread(target=self._send, name="dokploy-lines", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self, urn: str | None = None, seconds: float = FLUSH_SECONDS) -> None:
        """Wait until everything handed over is sent, so that it shows before the resource's end does.

        Args:
            urn: only the lines of this resource; None for all.
            seconds: how long to wait at the most.
        """
        deadline = time.monotonic() + seconds
        with self._changed:
            while self._is_pending(urn) and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)

    def _is_pending(self, urn: str | None) -> bool:
        if urn is None:
            return bool(self._waiting) or self._sending is not None
        return self._waiting.has(urn) or self._sending == urn

    def _send(self) -> None:
        while True:
            with self._changed:
                self._sending = None
                self._changed.notify_all()
                while not self._waiting:
                    self._changed.wait()
                lines = self._waiting.take()
                self._sending = lines[0].urn
            for line in lines:
                self._send_one(line)

    def _send_one(self, line: Line) -> None:
        try:
            if self._stub is not None:
                self._stub.Log(line.as_request, timeout=SEND_SECONDS)
        except grpc.RpcError:
            # The engine goes away first when it is interrupted; a lost line must not end a deployment.
            return


class _Shared:
    """Holds the process's sink; the first calls of a provider come from several threads at once."""

    lock = threading.Lock()
    lines: EngineLines | None = None


def shared_lines() -> EngineLines:
    """The sink of this process."""
    with _Shared.lock:
        if _Shared.lines is None:
            _Shared.lines = EngineLines.to(engine_address())
        return _Shared.lines
