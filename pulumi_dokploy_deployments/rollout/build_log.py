"""The end of the build log of a deployment that nobody follows: by request, or by the live log where there is no such
request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from pulumi_dokploy_deployments.api.answers import UPDATES
from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.errors import (
    ApiError,
    DokployError,
    LogStreamFailure,
    LogStreamUnavailable,
    MissingEndpoint,
    Step,
)
from pulumi_dokploy_deployments.api.log_stream import open_log_stream
from pulumi_dokploy_deployments.api.versions import TABLE, Capability
from pulumi_dokploy_deployments.waiting.clock import Clock

SILENT_SECONDS = 0.5
"""The live log of a finished deployment stays open (transcript 311): after so long without a word, that was all."""
MOST_WAITS = 20
"""So many times that long is waited at the most, for the first line and for the last."""


class NoBuildLog(DokployError):
    """The server gives no build log: its version has no way to it, or the only one that it has does not work."""


@dataclass(frozen=True)
class LogPlace:
    """Where a build log lies.

    Attributes:
        path: its path; empty where the deployment has none.
        host: the id of the remote server that has it; None for Dokploy's own host.
    """

    path: str
    host: str | None = None


async def read_build_log(
    client: DokployClient,
    deployment_id: str,
    find: Callable[[], Awaitable[LogPlace | None]],
    *,
    tail: int,
    clock: Clock,
) -> str:
    """The last lines of a deployment's build log; empty where it has none, or no longer.

    Args:
        client: the server.
        deployment_id: the deployment.
        find: looks up where its log lies, for servers that only have the live log; None where there is no deployment.
        tail: how many lines at the most.
        clock: time.

    Raises:
        NotFound: the server has no such deployment.
        NoBuildLog: the server's version has no way to it, or the live log can't be reached.
        ApiError: the server could not be asked.
    """
    try:
        text = await client.read_log(deployment_id, tail=tail)
    except MissingEndpoint:
        # Asked first, so that most servers are asked nothing else; the live log is older.
        return await _last_lines(client, find, tail, clock)
    if text.strip():
        return text
    # Before v0.29.9 no request gives the log of a service on a remote server, nor on any version a build server's.
    place = await find()
    if place is None or not place.path or place.host is None:
        return text
    return _end(await _streamed(client, place, clock), tail)


async def _last_lines(
    client: DokployClient, find: Callable[[], Awaitable[LogPlace | None]], tail: int, clock: Clock
) -> str:
    known = await client.capabilities()
    if not known.has(Capability.BUILD_LOG_LIVE):
        who = f"Dokploy {known.version}" if known.version else "This version of Dokploy"
        raise NoBuildLog(
            f"{who} gives no build log: it has no request for it and refuses to stream one.",
            next_step=f"Update Dokploy under {UPDATES}.",
            step=Step.CHANGE_SERVER,
        )
    place = await find()
    if place is None or not place.path:
        return ""
    return _end(await _streamed(client, place, clock), tail)


def _end(text: str, tail: int) -> str:
    lines = text.removesuffix("\n").split("\n") if text else []
    return "".join(f"{line}\n" for line in lines[-tail:])


async def _streamed(client: DokployClient, place: LogPlace, clock: Clock) -> str:
    """The live log from its first line on, as far as it has come."""
    chunks: list[str] = []

    async def read() -> None:
        async with open_log_stream(client.connection, place.path, server_id=place.host) as stream:
            async for chunk in stream:
                chunks.append(chunk)  # noqa: PERF401 - what has come is read meanwhile

    task = asyncio.create_task(read())
    seen = 0
    try:
        for _ in range(MOST_WAITS):
            await clock.sleep(SILENT_SECONDS)
            if task.done() or (chunks and len(chunks) == seen):
                break
            seen = len(chunks)
        if task.done() and not chunks:
            await task
    except LogStreamUnavailable as error:
        if error.failure is not LogStreamFailure.LOG_MISSING:
            raise NoBuildLog(
                error.text,
                next_step=f"Dokploy before {TABLE[Capability.BUILD_LOG_READ].first} gives build logs only in this way, "
                "over a WebSocket: let what is in front of Dokploy pass it on, or update Dokploy.",
                step=Step.LOOK_IN_FRONT,
            ) from None
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, ApiError):
            await task
    return "".join(chunks)
