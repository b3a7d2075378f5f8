"""Faults of the WebSockets: silent, flooding or binary where a log should be, on a socket and in-process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from pulumi_dokploy_deployments.simulator.live_log import LiveLog
from pulumi_dokploy_deployments.simulator.subscription import LogClosed
from pulumi_dokploy_deployments.simulator.world import World
from pulumi_dokploy_deployments.simulator.world.faults import Fault
from pulumi_dokploy_deployments.simulator.world.requests import Request

FRAME = 64 * 1024
"""Bytes of a flood's frame when nobody says how many."""
LINE = "flood of a log that never ends, said again and again\n"


def _frame(fault: Fault) -> str:
    size = fault.size or FRAME
    return (LINE * (size // len(LINE) + 1))[:size]


class AfflictedLog(LiveLog):
    """A live log in-process that keeps silent or floods while such a fault is on."""

    def __init__(
        self,
        world: World,
        clock: Callable[[], float],
        log_path: str | None,
        api_key: str | None,
        server_id: str | None = None,
    ) -> None:
        """Subscribe; the fault counts from here on."""
        super().__init__(world, clock, log_path, api_key, server_id)
        self._fault = world.faults.take("listen-deployment", "websocket_silent", "websocket_flood")
        self._since = clock()

    def receive(self) -> str | None:
        """Return the next frame; None for ever when it is silent, a full one each time when it floods."""
        fault = self._fault
        if fault is None:
            return super().receive()
        with suppress(LogClosed):
            super().receive()
        flooding = not fault.seconds or self._clock() - self._since < fault.seconds
        return _frame(fault) if fault.kind == "websocket_flood" and flooding else None


async def serve(
    world: World, clock: Callable[[], float], inner: ASGIApp, scope: Scope, receive: Receive, send: Send
) -> None:
    """Serve a WebSocket, afflicted by the fault that hits it."""
    path = str(scope["path"])
    fault = world.faults.take(path.removeprefix("/"), "websocket_silent", "websocket_flood", "websocket_binary")
    if fault is None:
        await inner(scope, receive, send)
        return
    if fault.kind == "websocket_binary":
        await inner(scope, receive, _in_bytes(send))
        return
    socket = WebSocket(scope, receive, send)
    key = world.access.name_of(socket.headers.get("x-api-key"))
    world.requests.add(Request(world.now, "GET", path, {**socket.query_params}, None, key, fault=fault.kind))
    await socket.accept()
    gone = asyncio.create_task(_until_gone(socket))
    try:
        if fault.kind == "websocket_flood":
            await _flood(socket, fault, clock, gone)
        await gone
    finally:
        gone.cancel()


async def _flood(socket: WebSocket, fault: Fault, clock: Callable[[], float], gone: asyncio.Task[None]) -> None:
    end = clock() + fault.seconds if fault.seconds else None
    with suppress(WebSocketDisconnect, RuntimeError):
        while not gone.done() and (end is None or clock() < end):
            await socket.send_text(_frame(fault))
            # Sending to a full or broken socket neither waits nor fails; others have to get their turn.
            await asyncio.sleep(0)


async def _until_gone(socket: WebSocket) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):
        while True:
            await socket.receive_text()


def _in_bytes(send: Send) -> Callable[[Message], Awaitable[None]]:
    async def wrapped(message: Message) -> None:
        if message["type"] == "websocket.send" and message.get("text") is not None:
            message = {"type": "websocket.send", "bytes": str(message["text"]).encode()}
        await send(message)

    return wrapped
