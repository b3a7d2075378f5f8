"""Does the live log get through? Asked with a path that every Dokploy refuses, so that nothing is read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import LogStreamFailure, LogStreamUnavailable
from pulumi_dokploy_deployments.api.log_stream import open_log_stream
from pulumi_dokploy_deployments.doctor.findings import Cause, Finding, ok, warning

CHECK = "websocket"
NO_LOG = "/not-a-log"
OPEN_TIMEOUT_SECONDS = 5.0
Probe = Callable[[Connection], Awaitable[LogStreamUnavailable | None]]

FIX = (
    "Let the proxy pass WebSockets on for /listen-deployment. nginx: `proxy_http_version 1.1; proxy_set_header Upgrade "
    '$http_upgrade; proxy_set_header Connection "upgrade";`. Apache: mod_proxy_wstunnel. Cloudflare: Network → '
    "WebSockets on. Traefik and Caddy do so by themselves."
)


async def probe(connection: Connection) -> LogStreamUnavailable | None:
    """How the stream was refused; None where it was opened."""
    try:
        async with open_log_stream(connection, NO_LOG, open_timeout_seconds=OPEN_TIMEOUT_SECONDS) as stream:
            await anext(stream, None)
    except LogStreamUnavailable as refused:
        return refused
    return None


def judge(refused: LogStreamUnavailable | None) -> Finding:
    """What the way of the refusal says."""
    through = (
        None,
        LogStreamFailure.PATH_REFUSED,
        LogStreamFailure.LOG_MISSING,
        LogStreamFailure.NOT_OFFERED,
        LogStreamFailure.KEY_REFUSED,
    )
    failure = refused.failure if refused is not None else None
    if failure in through:
        return ok(CHECK, "WebSockets get through: build logs can be followed live.")
    reason = refused.message if refused is not None else ""
    return warning(
        CHECK,
        Cause.WEBSOCKET,
        f"The API answers, and WebSockets do not get through: a proxy on the way breaks them. {reason} Build logs are "
        "read by requests instead, every few seconds.",
        FIX,
    )
