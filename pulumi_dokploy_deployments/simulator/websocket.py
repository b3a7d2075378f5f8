"""The WebSockets of the server on ASGI: a deployment's live log and the output of containers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from pulumi_dokploy_deployments.simulator.container_log import ContainerLog, ContainerQuery
from pulumi_dokploy_deployments.simulator.http.errors import BrokenConnection
from pulumi_dokploy_deployments.simulator.live_log import LiveLog
from pulumi_dokploy_deployments.simulator.subscription import LogClosed, Subscription
from pulumi_dokploy_deployments.simulator.world import World
from pulumi_dokploy_deployments.simulator.world.requests import Request

POLL = 0.01
"""Seconds between two looks at what is new."""


def _live_log(world: World, clock: Callable[[], float], key: str | None, query: dict[str, str]) -> Subscription:
    return LiveLog(world, clock, query.get("logPath"), key, query.get("serverId") or None)


def _container_log(world: World, clock: Callable[[], float], key: str | None, query: dict[str, str]) -> Subscription:
    asked = ContainerQuery(
        query.get("containerId"),
        query.get("runType"),
        query.get("tail", "100"),
        query.get("since", "all"),
        query.get("search", ""),
        query.get("serverId") or None,
        query.get("serviceId") or None,
    )
    return ContainerLog(world, clock, key, asked)


SUBSCRIPTIONS = {"/listen-deployment": _live_log, "/docker-container-logs": _container_log}


async def serve(
    world: World,
    clock: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]],
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """Speak one of the WebSockets; none ends with the deployment or the container (transcript 311)."""
    socket = WebSocket(scope, receive, send)
    world.advance(clock())
    secret = socket.headers.get("x-api-key")
    query: dict[str, str] = dict(socket.query_params)
    key = world.access.name_of(secret)
    world.requests.add(Request(world.now, "GET", socket.url.path, {**query}, None, key))
    if world.down_until is not None:
        raise BrokenConnection("refuse")
    subscribe = SUBSCRIPTIONS.get(socket.url.path)
    refused = world.faults.take(socket.url.path.removeprefix("/"), "websocket_refused")
    if refused is not None or subscribe is None:
        status = refused.status if refused is not None else 404
        await socket.send_denial_response(Response(status_code=status))
        return
    await socket.accept()
    log = subscribe(world, clock, secret, query)
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
