"""Serves a simulator on a loopback port with uvicorn, and ends at once when it is told to."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import uvicorn
from starlette.types import Message, Receive, Scope, Send

from pulumi_dokploy_deployments.simulator.http.errors import BrokenConnection
from pulumi_dokploy_deployments.simulator.simulator import Simulator
from pulumi_dokploy_deployments.simulator.world.templates import Json
from pulumi_dokploy_deployments.simulator.world.versions import DEFAULT

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Options:
    """What the command line says; seconds are real seconds, `parent` is the process to end with."""

    port: int = 0
    build_seconds: float = 1.0
    slow_seconds: float | None = None
    seed: int = 0
    max_seconds: float = 3600.0
    parent: int | None = None
    server_version: str = str(DEFAULT)
    cloud: bool = False


class BreakingApp:
    """Turns a BrokenConnection into a connection that really breaks."""

    def __init__(self, simulator: Simulator) -> None:
        """Wrap a simulator's application."""
        self._app = simulator.app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        try:
            await self._app(scope, receive, _codeless_close(send) if scope["type"] == "websocket" else send)
        except BrokenConnection:
            # ASGI has no way to drop a connection, but uvicorn's send is a method of what holds it.
            transport = getattr(getattr(send, "__self__", None), "transport", None)
            if transport is None:
                raise
            transport.abort()


def _codeless_close(send: Send) -> Send:
    """Let close code 1005 through as a close frame without a code, which ASGI can't express (306)."""

    async def wrapped(message: Message) -> None:
        connection = getattr(getattr(send, "__self__", None), "conn", None)
        if message["type"] == "websocket.close" and message.get("code") == 1005:
            message = {**message, "code": 1000}
            if connection is not None:
                close = connection.send_close
                connection.send_close = lambda *_: close()
        await send(message)

    return wrapped


def listen(port: int) -> socket.socket:
    """Bind the loopback address; 0 takes a free port."""
    # Without the protocol asyncio would leave Nagle's algorithm on: 40 ms per answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    listener.listen(128)
    return listener


async def serve(options: Options, stop: asyncio.Event, tell: Callable[[Json], None]) -> None:
    """Serve until `stop` or the end of the time; `tell` is given the first line's content once the port is open."""
    listener = listen(options.port)
    endpoint = f"http://{HOST}:{listener.getsockname()[1]}"
    simulator = Simulator(
        time.time,
        options.build_seconds,
        options.seed,
        slow_seconds=options.slow_seconds,
        endpoint=endpoint,
        server_version=options.server_version,
        cloud=options.cloud,
    )
    config = uvicorn.Config(
        BreakingApp(simulator),
        log_config=None,
        log_level="critical",
        access_log=False,
        lifespan="off",
        server_header=False,
        ws="websockets-sansio",
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve([listener]))
    tell(simulator.ready)
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), options.max_seconds)
    # Open WebSockets must not delay the end: nothing here is worth an orderly shutdown.
    listener.close()
    task.cancel()
    for connection in list(server.server_state.connections):
        if connection.transport is not None:
            connection.transport.abort()


async def _serve_alone(options: Options) -> None:
    """Serve until a signal or the death of the parent, too."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    watcher = asyncio.create_task(_watch_parent(options.parent, stop)) if options.parent else None
    await serve(options, stop, _print)
    if watcher is not None:
        watcher.cancel()


def _print(ready: Json) -> None:
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


async def _watch_parent(parent: int, stop: asyncio.Event) -> None:
    while os.getppid() == parent and not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.25)
    stop.set()


def run(options: Options) -> int:
    """Run the server in this process; returns the exit code."""
    asyncio.run(_serve_alone(options))
    return 0
