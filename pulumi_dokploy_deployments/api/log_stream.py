"""The build log as it is written, over Dokploy's WebSocket; optional for the server, so every failure is typed."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Self
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, InvalidStatus, WebSocketException

from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import LogStreamFailure, LogStreamUnavailable, Step
from pulumi_dokploy_deployments.api.one_line import one_line, sentence
from pulumi_dokploy_deployments.api.tls import tls_context
from pulumi_dokploy_deployments.api.transport_errors import reason_of
from pulumi_dokploy_deployments.api.user_agent import user_agent

OPERATION = "listen-deployment"
CLOSE_TIMEOUT_SECONDS = 1.0
"""How long leaving waits for the server's goodbye; a person may be waiting after Ctrl-C."""
MAX_FRAME_BYTES = 1024 * 1024
"""Unpacked. Dokploy passes on what it reads from a pipe, some ten kilobytes at a time."""
MAX_FRAMES_WAITING = 16
"""So many frames are kept while nobody takes them; then the server has to wait."""

PING_SECONDS = 10.0
"""A connection on which no answer to a ping comes within twice this time is dead, and ends the iteration."""

_NO_STATUS = 1005
_TOO_LARGE = 1009
_REFUSED_BY_DOKPLOY = 4000
_TAIL_ERROR = "tail error:"
_SSH_ERROR = "SSH error:"
# What listen-deployment.ts sends in place of a log; a real log starts with "Initializing deployment".
_WORDS_OF_REFUSAL = ("This feature is not available in the cloud version.", "Server not found", "An error occurred")

# The library writes every handshake header at DEBUG, the key among them. A logger outside the hierarchy can't be
# switched on by anybody's logging configuration.
_SILENCE = logging.Logger("websockets.silent")
_SILENCE.disabled = True


_READ_INSTEAD = "The log is read by requests instead."
_NEXT: dict[LogStreamFailure, tuple[str, Step]] = {
    LogStreamFailure.NO_CONNECTION: (f"{_READ_INSTEAD} Look at the way to the server.", Step.NONE),
    LogStreamFailure.UPGRADE_REFUSED: (
        f"{_READ_INSTEAD} Let the proxy in front of Dokploy pass WebSockets on for /{OPERATION}.",
        Step.LOOK_IN_FRONT,
    ),
    LogStreamFailure.KEY_REFUSED: (f"{_READ_INSTEAD} Look at the rate limit of the key.", Step.SET_KEY),
    LogStreamFailure.PATH_REFUSED: (_READ_INSTEAD, Step.NONE),
    LogStreamFailure.LOG_MISSING: ("Somebody has removed it, or the server keeps its logs elsewhere.", Step.NONE),
    LogStreamFailure.NOT_OFFERED: (_READ_INSTEAD, Step.NONE),
    LogStreamFailure.BROKEN: (f"{_READ_INSTEAD} Look at the proxy in front of Dokploy.", Step.NONE),
}


class _SameServerOnly(connect):
    """Redirects are not followed: the library would send the key along to any host."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


class LogStream:
    """The text of one build log, in chunks that are cut anywhere, from its start and on as it grows.

    The iteration ends when the server closes the stream. Dokploy never does so at the end of a run
    (transcript 311): whoever knows that the run is over leaves the `async with` block.
    """

    def __init__(self, connection: Connection, log_path: str, server_id: str | None, open_timeout: float) -> None:
        self._connection = connection
        self._log_path = log_path
        self._server_id = server_id
        self._open_timeout = open_timeout
        self._socket: ClientConnection | None = None
        self._has_spoken = False

    async def __aenter__(self) -> Self:
        self._socket = await self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        if self._socket is None:
            raise StopAsyncIteration
        try:
            frame = await self._socket.recv()
        except ConnectionClosedOK as closed:
            code = closed.rcvd.code if closed.rcvd is not None else None
            if code == _NO_STATUS and not self._has_spoken:
                raise self._unavailable(
                    LogStreamFailure.KEY_REFUSED,
                    "the server closed it at once without a word, as Dokploy does when it does not accept the key",
                ) from None
            raise StopAsyncIteration from None
        except ConnectionClosed as closed:
            raise self._closed_with_error(closed) from None
        text = frame if isinstance(frame, str) else frame.decode(errors="replace")
        if not self._has_spoken:
            self._check_first_words(text)
        self._has_spoken = True
        return text

    async def _open(self) -> ClientConnection:
        # getaddrinfo raises UnicodeError for odd host names, and the library ImportError for a SOCKS proxy.
        try:
            return await _SameServerOnly(
                self._url(),
                additional_headers=self._connection.request_headers(),
                user_agent_header=user_agent(),
                proxy=None if self._connection.is_loopback else True,
                # The same trust as for the other requests: the library's own default is another set of certificates.
                ssl=tls_context(self._connection) if self._connection.origin.startswith("https:") else None,
                open_timeout=self._open_timeout,
                close_timeout=CLOSE_TIMEOUT_SECONDS,
                max_size=MAX_FRAME_BYTES,
                max_queue=MAX_FRAMES_WAITING,
                ping_interval=PING_SECONDS,
                ping_timeout=PING_SECONDS,
                logger=_SILENCE,
            )
        except InvalidStatus as refused:
            raise self._unavailable(
                LogStreamFailure.UPGRADE_REFUSED,
                f"the answer is {refused.response.status_code} in place of a WebSocket",
                status=refused.response.status_code,
            ) from None
        except TimeoutError:
            raise self._unavailable(
                LogStreamFailure.NO_CONNECTION, f"no answer within {self._open_timeout:g} seconds"
            ) from None
        except ImportError:
            raise self._unavailable(
                LogStreamFailure.NO_CONNECTION,
                "the proxy of this machine's environment is of a kind that is not supported",
            ) from None
        except (OSError, UnicodeError) as error:
            reason = reason_of(error, secrets=self._connection.secrets)
            raise self._unavailable(LogStreamFailure.NO_CONNECTION, reason) from None
        except (WebSocketException, EOFError):
            # The library's own words may quote the headers that were sent.
            raise self._unavailable(LogStreamFailure.UPGRADE_REFUSED, "what came back is no WebSocket") from None

    def _url(self) -> str:
        query = f"logPath={quote(self._log_path, safe='/', errors='replace')}"
        if self._server_id:
            query += f"&serverId={quote(self._server_id, safe='', errors='replace')}"
        return f"{self._connection.websocket_origin}/{OPERATION}?{query}"

    def _check_first_words(self, text: str) -> None:
        if text.startswith(_TAIL_ERROR):
            raise self._unavailable(LogStreamFailure.LOG_MISSING, self._said(text.removeprefix(_TAIL_ERROR)))
        if text.startswith(_SSH_ERROR) or text.strip() in _WORDS_OF_REFUSAL:
            raise self._unavailable(LogStreamFailure.NOT_OFFERED, self._said(text))

    def _closed_with_error(self, closed: ConnectionClosed) -> LogStreamUnavailable:
        if closed.sent is not None and closed.sent.code == _TOO_LARGE:
            return self._unavailable(
                LogStreamFailure.BROKEN, f"a piece of it is longer than {MAX_FRAME_BYTES // 1024} KB"
            )
        if closed.rcvd is None:
            return self._unavailable(LogStreamFailure.BROKEN, "the connection broke")
        code, reason = closed.rcvd.code, self._said(closed.rcvd.reason) or "no reason given"
        if code == _REFUSED_BY_DOKPLOY:
            return self._unavailable(LogStreamFailure.PATH_REFUSED, reason)
        return self._unavailable(LogStreamFailure.BROKEN, f"closed with {code}, {reason}")

    def _unavailable(
        self, failure: LogStreamFailure, reason: str, *, status: int | None = None
    ) -> LogStreamUnavailable:
        return LogStreamUnavailable(
            sentence(f"No live log from {self._connection.origin}: {reason}"),
            failure=failure,
            operation=OPERATION,
            server=self._connection.origin,
            status=status,
            next_step=_NEXT[failure][0],
            step=_NEXT[failure][1],
        )

    def _said(self, text: str) -> str:
        """What the server says, fit for a message."""
        return one_line(self._connection.secrets.hide(text[:10_000]))


def open_log_stream(
    connection: Connection,
    log_path: str,
    *,
    server_id: str | None = None,
    open_timeout_seconds: float = 10.0,
) -> LogStream:
    """Follow the log at `log_path`, as the deployment's row names it.

        async with open_log_stream(connection, row.log_path) as chunks:
            async for chunk in chunks:
                ...

    Each opening costs the key one verification of its rate limit.

    Raises:
        LogStreamUnavailable: on entering, when no stream could be opened; from the iteration, when the server
            refuses the key, the path or the log (it only says so after the opening), and when the connection breaks.
    """
    return LogStream(connection, log_path, server_id, open_timeout_seconds)
