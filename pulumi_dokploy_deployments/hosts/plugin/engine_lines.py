"""Lines in the engine's display, sent in order and without ever holding up a wait."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import grpc
import grpc.aio
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from pulumi_dokploy_deployments.api.text import Text, spell
from pulumi_dokploy_deployments.hosts.progress_words import status_line
from pulumi_dokploy_deployments.waiting.progress import Progress

MOST_LINE = 4000
MUCH = 60
"""So many lines waiting to be sent are merged: the engine shows of several lines at once only one while they run."""
SEND_SECONDS = 5.0
FLUSH_SECONDS = 1.0


class EngineLines:
    """One channel to the engine's log service for the whole process; needs a running event loop.

    Lines of one resource keep their order. Where very many pile up, as a hundred builds write them, a resource's
    lines go out together, and a status that is already superseded not at all.
    """

    def __init__(self, address: str) -> None:
        self._channel = grpc.aio.insecure_channel(address)
        self._stub: Any = engine_pb2_grpc.EngineStub(self._channel)
        self._pending: dict[str, list[engine_pb2.LogRequest]] = {}
        self._is_needed = asyncio.Event()
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._sender = asyncio.get_running_loop().create_task(self._send())

    def reporter(self, urn: str) -> PluginReporter:
        """Where a run on this resource tells its progress."""
        return PluginReporter(self, urn)

    def put(self, text: str, severity: Any, urn: str, *, ephemeral: bool) -> None:
        """Hand a line over; it is sent after those of the same resource before it."""
        line = engine_pb2.LogRequest(
            severity=severity, message=sendable(text), urn=urn, streamId=0, ephemeral=ephemeral
        )
        self._pending.setdefault(urn, []).append(line)
        self._is_needed.set()
        self._is_idle.clear()

    async def flush(self) -> None:
        """Wait until everything handed over is sent, so that it shows before the resource's end does."""
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._is_idle.wait()
        except TimeoutError:
            return

    async def aclose(self) -> None:
        """Stop sending."""
        self._sender.cancel()
        await self._channel.close()

    async def _send(self) -> None:
        while True:
            await self._is_needed.wait()
            while self._pending:
                is_much = sum(map(len, self._pending.values())) > MUCH
                lines = self._pending.pop(next(iter(self._pending)))
                for line in merged(lines) if is_much else lines:
                    # The engine goes away first when it is interrupted; a lost line must not end a deployment.
                    with contextlib.suppress(grpc.RpcError):
                        await self._stub.Log(line, timeout=SEND_SECONDS)
            self._is_needed.clear()
            self._is_idle.set()


def merged(lines: list[engine_pb2.LogRequest]) -> list[engine_pb2.LogRequest]:
    """One resource's lines with adjacent ones of a kind made one, and superseded statuses left out."""
    kept: list[engine_pb2.LogRequest] = []
    for line in lines:
        last = kept[-1] if kept else None
        if last is None or (last.severity, last.ephemeral) != (line.severity, line.ephemeral):
            kept.append(line)
        elif line.ephemeral:
            kept[-1] = line
        elif len(last.message) + len(line.message) < MOST_LINE:
            last.message += "\n" + line.message
        else:
            kept.append(line)
    return kept


def sendable(text: str) -> str:
    """The text as protobuf takes it: not endless, and without halves of surrogate pairs, which logs may contain."""
    return text[:MOST_LINE].encode(errors="replace").decode()


class PluginReporter:
    """Shows a run's progress on the resource's own row."""

    def __init__(self, lines: EngineLines, urn: str) -> None:
        self._lines = lines
        self._urn = urn
        self._status = ""

    def progress(self, progress: Progress) -> None:
        """A status line; the next one replaces it, and it is gone at the end."""
        text = status_line(progress)
        if text != self._status:
            self._status = text
            self._lines.put(text, engine_pb2.INFO, self._urn, ephemeral=True)

    def line(self, text: str) -> None:
        """A line of the build log, shown live."""
        self._lines.put(text, engine_pb2.INFO, self._urn, ephemeral=False)

    def warning(self, text: Text) -> None:
        """A warning, shown again at the end."""
        self._lines.put(spell(text), engine_pb2.WARNING, self._urn, ephemeral=False)
