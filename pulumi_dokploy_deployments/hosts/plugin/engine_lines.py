"""Lines in the engine's display, sent in order and without ever holding up a wait."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import grpc.aio
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

MOST_LINE = 4000
SEND_SECONDS = 5.0
FLUSH_SECONDS = 1.0


class EngineLines:
    """One channel to the engine's log service for the whole process; needs a running event loop."""

    def __init__(self, address: str) -> None:
        self._channel = grpc.aio.insecure_channel(address)
        self._stub: Any = engine_pb2_grpc.EngineStub(self._channel)
        self._queue: asyncio.Queue[engine_pb2.LogRequest] = asyncio.Queue()
        self._sender = asyncio.get_running_loop().create_task(self._send())

    def reporter(self, urn: str) -> PluginReporter:
        """Where a run on this resource tells its progress."""
        return PluginReporter(self, urn)

    def put(self, text: str, severity: Any, urn: str, *, ephemeral: bool) -> None:
        """Hand a line over; it is sent after those before it."""
        self._queue.put_nowait(
            engine_pb2.LogRequest(severity=severity, message=text[:MOST_LINE], urn=urn, streamId=0, ephemeral=ephemeral)
        )

    async def flush(self) -> None:
        """Wait until everything handed over is sent, so that it shows before the resource's end does."""
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._queue.join()
        except TimeoutError:
            return

    async def aclose(self) -> None:
        """Stop sending."""
        self._sender.cancel()
        await self._channel.close()

    async def _send(self) -> None:
        while True:
            request = await self._queue.get()
            try:
                await self._stub.Log(request, timeout=SEND_SECONDS)
            except grpc.RpcError:
                # The engine goes away first when it is interrupted; a lost line must not end a deployment.
                pass
            finally:
                self._queue.task_done()


class PluginReporter:
    """Shows a run's progress on the resource's own row."""

    def __init__(self, lines: EngineLines, urn: str) -> None:
        self._lines = lines
        self._urn = urn
        self._status = ""

    def status(self, text: str) -> None:
        """A status line; the next one replaces it, and it is gone at the end."""
        if text != self._status:
            self._status = text
            self._lines.put(text, engine_pb2.INFO, self._urn, ephemeral=True)

    def line(self, text: str) -> None:
        """A line of the build log, shown live."""
        self._lines.put(text, engine_pb2.INFO, self._urn, ephemeral=False)

    def warning(self, text: str) -> None:
        """A warning, shown again at the end."""
        self._lines.put(text, engine_pb2.WARNING, self._urn, ephemeral=False)
