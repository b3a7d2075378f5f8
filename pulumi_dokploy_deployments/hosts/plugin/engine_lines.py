"""Lines of the plugin on their way to the engine: a task of its own sends them, so that no wait waits."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import grpc
import grpc.aio
from pulumi.runtime.proto import engine_pb2_grpc

from pulumi_dokploy_deployments.hosts.reporter import EngineReporter, Line, WaitingLines
from pulumi_dokploy_deployments.hosts.words import PLUGIN

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
        self._waiting = WaitingLines()
        self._is_needed = asyncio.Event()
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._sender = asyncio.get_running_loop().create_task(self._send())

    def reporter(self, urn: str) -> EngineReporter:
        """Where a run on this resource tells its progress."""
        return EngineReporter(self, urn, PLUGIN)

    def put(self, line: Line) -> None:
        """Hand a line over; it is sent after those of the same resource before it."""
        self._waiting.put(line)
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
            while lines := self._waiting.take():
                for line in lines:
                    # The engine goes away first when it is interrupted; a lost line must not end a deployment.
                    with contextlib.suppress(grpc.RpcError):
                        await self._stub.Log(line.as_request, timeout=SEND_SECONDS)
            self._is_needed.clear()
            self._is_idle.set()
