"""One HTTP exchange, bounded in time and size, that never carries the key anywhere else."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import urlsplit

import httpx

from pulumi_dokploy_deployments.api.answers import Answer
from pulumi_dokploy_deployments.api.asked import Asked
from pulumi_dokploy_deployments.api.body import TooLong, read_body
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import ApiError, ConfigurationError, Step
from pulumi_dokploy_deployments.api.one_line import one_line, sentence
from pulumi_dokploy_deployments.api.tls import tls_context
from pulumi_dokploy_deployments.api.transport_errors import (
    connection_error,
    no_time_left,
    unsendable,
)
from pulumi_dokploy_deployments.api.user_agent import user_agent

MAX_SAME_ORIGIN_REDIRECTS = 3
CONNECT_TIMEOUT_SECONDS = 10.0
CONNECT_SHARE = 0.9
"""Connecting ends before the whole exchange does: without a connection nothing has been sent, and that is told."""
KEEPALIVE_EXPIRY_SECONDS = 3.0
"""Less than the five seconds after which Dokploy closes an idle connection: a POST must not meet that moment."""
MOST_AT_ONCE = 16
"""So many requests are under way at once. More wait here and not in httpcore's pool: with each answer that walks
through all that wait, and compares all connections with each other."""
LONG_SECONDS = 60.0
"""A request that may take longer is one that the server works on, a database's deployment for instance: it is not
counted, so that many of them do not keep the others waiting."""
MOST_BYTES = 8 * 1024 * 1024
"""The longest answer that is read where nothing else is said."""
MOST_BYTES_OF_A_LIST = 64 * 1024 * 1024
MOST_BYTES_OF_A_LOG = 16 * 1024 * 1024
MOST_BYTES_OF_A_REFUSAL = 256 * 1024
"""The same for an answer that is no success; none of Dokploy's comes near."""
_LOCATION = "dokploy-location"


@dataclass(frozen=True)
class Sending:
    """What is sent, and within which bounds the answer is read.

    Attributes:
        verb: GET or POST.
        path: below the address, without a slash at its start.
        query: the parameters of a GET.
        body: the JSON of a POST.
        timeout_seconds: for the whole exchange, from the connecting to the last byte.
        most_bytes: the longest answer.
        with_key: whether the key goes along.
    """

    verb: str
    path: str
    query: Mapping[str, Any] | None = field(default=None, repr=False)
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    timeout_seconds: float = 30.0
    most_bytes: int = MOST_BYTES
    with_key: bool = True


class Exchanger:
    """Sends requests to one server and reads the answers.

    The HTTP client is made for the first request: reading the certificates takes as long as dozens of requests, and
    where nothing is to be done none is sent.

    Args:
        connection: address, key and extra headers.
        transport: the seam for tests.
    """

    def __init__(self, connection: Connection, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._connection = connection
        self._transport = transport
        self._made: httpx.AsyncClient | None = None
        self._places = asyncio.Semaphore(MOST_AT_ONCE)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._made is not None:
            await self._made.aclose()

    async def exchange(self, sending: Sending, asked: Asked) -> Answer | ApiError:
        """The answer, or the error for what kept it from coming.

        The error is given back and not raised: the library's exception holds the request, and that the key.

        Raises:
            ConfigurationError: the machine's environment does not allow an HTTP client to be made.
        """
        limit = sending.timeout_seconds
        if limit <= 0:
            return no_time_left(asked)
        headers = self._connection.request_headers() if sending.with_key else self._connection.extra_headers()
        http = self._http
        try:
            request = http.build_request(
                sending.verb,
                f"{self._connection.origin}/{sending.path}",
                params=dict(sending.query) if sending.query is not None else None,
                json=dict(sending.body) if sending.body is not None else None,
                headers=headers,
                timeout=httpx.Timeout(limit, connect=min(CONNECT_TIMEOUT_SECONDS, CONNECT_SHARE * limit)),
            )
        except (httpx.InvalidURL, ValueError, TypeError) as error:
            return unsendable(error, asked)
        try:
            # httpx limits each read, not the whole: a server that drips bytes would hold a caller for ever.
            async with asyncio.timeout(limit), self._places if limit <= LONG_SECONDS else nullcontext():
                return await self._through_redirects(request, sending)
        except (
            httpx.HTTPError,
            httpx.InvalidURL,
            httpx.CookieConflict,
            httpx.StreamError,
            OSError,  # an ssl.SSLError among them, which httpx only translates while connecting, and TimeoutError
            UnicodeError,
        ) as error:
            return connection_error(error, asked)

    @property
    def _http(self) -> httpx.AsyncClient:
        if self._made is None:
            self._made = _http_client(self._connection, self._transport)
        return self._made

    async def _through_redirects(self, request: httpx.Request, sending: Sending) -> Answer:
        for _ in range(MAX_SAME_ORIGIN_REDIRECTS + 1):
            response = await self._http.send(request, stream=True)
            try:
                answer = await _read(response, sending.most_bytes)
            finally:
                await response.aclose()
            target = _same_origin_target(response)
            if target is None:
                break
            request = httpx.Request(
                sending.verb, target, headers=request.headers, content=request.content, extensions=request.extensions
            )
        return answer


async def _read(response: httpx.Response, most: int) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    location = response.extensions.get(_LOCATION)
    if location is not None:
        headers["location"] = location
    allowed = most if response.status_code < 300 else MOST_BYTES_OF_A_REFUSAL
    declared = headers.get("content-length", "")
    certificate_until = _certificate_end(response)
    if declared.isdecimal() and len(declared) < 20 and int(declared) > allowed:
        return Answer(response.status_code, headers, b"", allowed, certificate_until)
    # Not `aiter_raw`: that refuses a response that a transport hands over whole, as those for tests do.
    chunks = cast(AsyncIterator[bytes], response.stream)
    try:
        body = await read_body(chunks, packing=headers.get("content-encoding", ""), most=allowed)
    except TooLong:
        return Answer(response.status_code, headers, b"", allowed, certificate_until)
    except httpx.DecodingError:
        if response.status_code < 300:
            raise
        # Whatever a proxy packs its refusal into, it is no answer of Dokploy's.
        body = b""
    return Answer(response.status_code, headers, body, None, certificate_until)


def _certificate_end(response: httpx.Response) -> datetime | None:
    stream = response.extensions.get("network_stream")
    tls = stream.get_extra_info("ssl_object") if stream is not None else None
    certificate = tls.getpeercert() if tls is not None else None
    end = certificate.get("notAfter") if certificate else None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(end), UTC) if isinstance(end, str) else None


def _http_client(connection: Connection, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    host = urlsplit(connection.origin).hostname or ""
    shown_host = f"[{host}]" if ":" in host else host
    try:
        return httpx.AsyncClient(
            headers={"user-agent": user_agent(), "accept": "application/json", "accept-encoding": "gzip, deflate"},
            transport=transport,
            verify=tls_context(connection),
            # A proxy from the environment has no business between this machine and itself.
            mounts={f"all://{shown_host}": None} if connection.is_loopback else None,
            follow_redirects=False,
            event_hooks={"response": [_set_location_aside]},
            limits=httpx.Limits(
                max_connections=None,  # `MOST_AT_ONCE` and the long ones
                max_keepalive_connections=MOST_AT_ONCE,
                keepalive_expiry=KEEPALIVE_EXPIRY_SECONDS,
            ),
        )
    except (httpx.InvalidURL, ValueError, OSError, ImportError) as error:
        # A proxy's address may hold a password.
        reason = "" if "@" in str(error) or connection.secrets.are_in(str(error)) else one_line(error)
    raise ConfigurationError(
        sentence(f"No HTTP client for {connection.origin} could be made{f': {reason}' if reason else ''}"),
        next_step="Look at the environment variables HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and "
        "SSL_CERT_DIR.",
        step=Step.CONFIGURE,
    )


async def _set_location_aside(response: httpx.Response) -> None:
    """Keep httpx from preparing the next request by itself: it does so for any host, with the key in it."""
    if response.is_redirect and "location" in response.headers:
        response.extensions[_LOCATION] = response.headers.pop("location")


def _same_origin_target(response: httpx.Response) -> httpx.URL | None:
    """Where a 307 or 308 leads, if it stays on the same server: Dokploy sends them for slashes (transcript 110)."""
    location = response.extensions.get(_LOCATION)
    if response.status_code not in (307, 308) or location is None:
        return None
    source = response.request.url
    try:
        target = source.join(location)
        here, there = urlsplit(str(source)), urlsplit(str(target))
        same = (here.scheme, here.hostname, here.port) == (there.scheme, there.hostname, there.port)
    except (httpx.InvalidURL, ValueError):
        return None
    return target if same and not target.userinfo else None
