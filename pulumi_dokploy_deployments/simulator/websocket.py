"""The live log of /listen-deployment, and the state machine behind it that needs no socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from pulumi_dokploy_deployments.simulator.http.errors import BrokenConnection
from pulumi_dokploy_deployments.simulator.world import World
from pulumi_dokploy_deployments.simulator.world.logs import LogFile, allowed
from pulumi_dokploy_deployments.simulator.world.requests import Request
from pulumi_dokploy_deployments.simulator.world.versions import Capability

POLL = 0.01
"""Seconds between two looks at the log file."""
TORN = 7
"""Bytes per frame when frames are torn, so that characters break."""


class LogClosed(Exception):
    """The server closed the live log; `code` 1005 means without a code (transcripts 306-310)."""

    def __init__(self, code: int = 1005, reason: str = "") -> None:
        """Keep what a WebSocket client sees."""
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class LiveLog:
    """One subscription: `receive` gives the next text frame, None when there is nothing new yet."""

    def __init__(
        self,
        world: World,
        clock: Callable[[], float],
        log_path: str | None,
        api_key: str | None,
        server_id: str | None = None,
    ) -> None:
        """Subscribe; how the server receives the subscription shows at the first `receive`."""
        self._world = world
        self._clock = clock
        self._path = log_path
        self._server_id = server_id
        self._file: LogFile | None = None
        self._seen = 0
        self._frames: list[str] = []
        self._end: LogClosed | None = None
        self._opened = clock()
        world.advance(self._opened)
        self._break_after: float | None = None
        fault = world.faults.take("listen-deployment", "websocket_broken")
        if fault is not None:
            self._break_after = fault.seconds
        self._open(api_key)

    def _open(self, api_key: str | None) -> None:
        world = self._world
        # Each connection costs the key one verification, before the path is looked at.
        principal = world.access.verify(api_key, world.now, cost=1)
        if not self._path:
            self._end = LogClosed(4000, "logPath no provided")
        elif not allowed(self._path) or (":" in self._path and not world.has(Capability.COLONS_IN_LOG_PATHS)):
            self._end = LogClosed(4000, "Invalid log path")
        elif principal is None or world.faults.database_down:
            self._end = LogClosed()
        elif world.cloud and not self._server_id:
            # The cloud has no log files of its own.
            self._frames.append("This feature is not available in the cloud version.")
            self._end = LogClosed()
        elif self._server_id and self._server_id not in world.servers:
            self._frames.append("Server not found")
            self._end = LogClosed()
        else:
            self._file = world.logs.find(self._path)
            if self._file is None:
                self._frames.append(
                    f"tail error: tail: cannot open '{self._path}' for reading: "
                    "No such file or directory\ntail: no files remaining\n"
                )
                self._end = LogClosed()

    def receive(self) -> str | None:
        """Return the next frame; raise LogClosed at an orderly end, BrokenConnection at a broken one."""
        now = self._clock()
        self._world.advance(now)
        if self._break_after is not None and now - self._opened >= self._break_after:
            raise BrokenConnection("lose_answer")
        if self._world.down_until is not None:
            raise BrokenConnection("lose_answer")
        self._collect()
        if self._frames:
            return self._frames.pop(0)
        if self._end is not None:
            raise self._end
        return None

    def _collect(self) -> None:
        if self._file is None or self._seen >= len(self._file.chunks):
            return
        fresh = self._file.chunks[self._seen :]
        # The first frame is everything so far; later ones arrive as they were written (transcript 300).
        pieces = ["".join(fresh)] if self._seen == 0 else fresh
        self._seen = len(self._file.chunks)
        for piece in pieces:
            self._frames += _torn(piece) if self._world.faults.torn_log else [piece]


def _torn(text: str) -> list[str]:
    """Cut as `data.toString()` of raw chunks does: broken characters become U+FFFD."""
    raw = text.encode()
    return [raw[at : at + TORN].decode("utf-8", "replace") for at in range(0, len(raw), TORN)]


async def serve(
    world: World,
    clock: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]],
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """Speak /listen-deployment on an ASGI WebSocket; it never ends with the deployment (transcript 311)."""
    socket = WebSocket(scope, receive, send)
    world.advance(clock())
    secret = socket.headers.get("x-api-key")
    query: dict[str, str] = dict(socket.query_params)
    key = world.access.name_of(secret)
    world.requests.add(Request(world.now, "GET", socket.url.path, {**query}, None, key))
    if world.down_until is not None:
        raise BrokenConnection("refuse")
    refused = world.faults.take("listen-deployment", "websocket_refused")
    if refused is not None or socket.url.path != "/listen-deployment":
        status = refused.status if refused is not None else 404
        await socket.send_denial_response(Response(status_code=status))
        return
    await socket.accept()
    log = LiveLog(world, clock, query.get("logPath"), secret, query.get("serverId") or None)
    listener = asyncio.create_task(_until_gone(socket))
    try:
        while not listener.done():
            frame = log.receive()
            if frame is None:
                await sleep(POLL)
            else:
                await socket.send_text(frame)
    except LogClosed as closed:
        with suppress(RuntimeError, WebSocketDisconnect):
            await socket.close(closed.code, closed.reason)
    except WebSocketDisconnect:
        return
    finally:
        listener.cancel()


async def _until_gone(socket: WebSocket) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):
        while True:
            await socket.receive_text()
