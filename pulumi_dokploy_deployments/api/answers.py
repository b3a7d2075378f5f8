"""From an HTTP answer to data or to an error of the tree; no I/O."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from pulumi_dokploy_deployments.api.errors import (
    AccessDenied,
    AnswerLost,
    ApiError,
    ConnectionFailed,
    InvalidRequest,
    NotFound,
    RateLimited,
    RequestTimeout,
    ServerError,
    Unauthorized,
    UnexpectedAnswer,
)
from pulumi_dokploy_deployments.api.one_line import one_line, sentence
from pulumi_dokploy_deployments.api.text import Configured, Setting

LOCATION = "dokploy-location"
"""The extension of a response under which the client sets a redirect's target aside."""


def read_answer(response: httpx.Response, *, operation: str, server: str, hidden: str = "") -> Any:
    """The parsed body of a successful answer; None for the empty ones (`application.deploy`, transcript 30).

    Args:
        response: the answer, read to its end.
        operation: the endpoint, for messages.
        server: the address, for messages.
        hidden: a text that no message may carry, even where the server sends it back.

    Raises:
        ApiError: one of its subclasses, for every answer that is not a success.
    """
    if response.status_code >= 300:
        raise error_of(response, operation=operation, server=server, hidden=hidden)
    if not response.content.strip():
        return None
    parsed = _parsed(response.content)
    if parsed is _NOT_JSON:
        raise UnexpectedAnswer(
            f"{server} answered {operation} with something that is not JSON ({_kind_of(response)}).",
            operation=operation,
            server=server,
            status=response.status_code,
            next_step="Is the address that of Dokploy itself, and not of an application or a login page before it?",
        )
    return parsed


def error_of(response: httpx.Response, *, operation: str, server: str, hidden: str = "") -> ApiError:
    """The error that an unsuccessful answer stands for."""
    status = response.status_code
    text = response.text.replace(hidden, "(the key)") if hidden else response.text
    parsed = _parsed(text)
    body: dict[str, Any] = parsed if isinstance(parsed, dict) else {}
    message = _message(body)
    code = body.get("code")
    common: dict[str, Any] = {"operation": operation, "server": server, "status": status}
    if 300 <= status < 400:
        return _redirect(response, **common)
    if status == 401 and code is None:
        return Unauthorized(
            f"{server} does not accept the API key (401 for {operation}).",
            next_step=(
                "Dokploy answers the same when the key is wrong, when its rate limit is used up (the default one "
                "of keys made over the API allows about five requests a day) and while its database is down. Make a "
                "key without rate limit under Settings → Profile → API/CLI keys and set it with ",
                Configured(Setting.API_KEY),
                ".",
            ),
            **common,
        )
    if status == 403 and code is None:
        return AccessDenied(
            f"Something in front of {server} refuses {operation} (403, {_kind_of(response)}).",
            next_step="Dokploy itself never answers so: look at the proxy or firewall before it.",
            **common,
        )
    if status in (401, 403):
        return AccessDenied(
            f"The API key's user may not call {operation} for this service: {message or status}.",
            next_step=f"Give the user {_what_is_missing(operation)} in Dokploy under Settings → Users, or use the key "
            "of an owner or admin.",
            **common,
        )
    if status == 404 and code is not None:
        return NotFound(sentence(f"{server} has no such thing for {operation}: {message or 'not found'}"), **common)
    if status == 429:
        return RateLimited(
            f"{server} asks to slow down (429 for {operation}).",
            operation=operation,
            server=server,
            retry_after_seconds=_retry_after(response),
        )
    if status >= 500:
        return ServerError(f"{server} failed at {operation} ({status}{f': {message}' if message else ''}).", **common)
    if status == 404:
        return UnexpectedAnswer(
            f"{server} has no Dokploy API (404 for {operation}, {_kind_of(response)}).",
            next_step="Check the address: it is the one under which Dokploy's dashboard opens.",
            **common,
        )
    fields = _fields(body)
    plain = "" if body or _kind_of(response) == "text/html" else one_line(text)
    detail = "; ".join(f"{name}: {text}" for name, text in fields.items()) or message or plain
    return InvalidRequest(
        sentence(f"{server} refused {operation} ({status}){f': {detail}' if detail else ''}"), fields=fields, **common
    )


def connection_error(error: Exception, *, operation: str, server: str, hidden: str = "") -> ApiError:
    """The error that a failure of the transport stands for; what matters is whether anything had been sent."""
    common: dict[str, Any] = {"operation": operation, "server": server}
    reason = reason_of(error, hidden=hidden)
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return ConnectionFailed(
            f"{server} does not answer (no connection within the time limit, for {operation}).",
            next_step="Check the address and that this machine can reach it.",
            **common,
        )
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return RequestTimeout(f"{server} did not answer {operation} in time.", **common)
    # The resolver raises UnicodeError for names that it can't encode: nothing has been sent.
    if isinstance(error, httpx.ConnectError | httpx.UnsupportedProtocol | httpx.ProxyError | UnicodeError):
        return ConnectionFailed(
            sentence(f"No connection to {server} (for {operation}): {reason}"),
            next_step="Check the address, that the server is up, and its certificate.",
            **common,
        )
    if isinstance(error, httpx.DecodingError | httpx.InvalidURL):
        return UnexpectedAnswer(
            sentence(f"{server} answered {operation} with something unreadable: {reason}"), **common
        )
    # Everything else, an ssl.SSLError in the middle of an answer included, may have happened after the sending.
    return AnswerLost(sentence(f"The connection to {server} broke during {operation}: {reason}"), **common)


def reason_of(error: Exception, *, hidden: str) -> str:
    """What a library says went wrong; only the kind of error where it quotes what was sent.

    h11 quotes a header's value in full when it does not like it, and the key is the value of a header.
    """
    said = str(error)
    quotes = isinstance(error, httpx.LocalProtocolError) or (hidden.strip() and hidden.strip() in said)
    return type(error).__name__ if quotes else one_line(said) or type(error).__name__


def unsendable(error: Exception, *, operation: str, server: str, hidden: str = "") -> InvalidRequest:
    """The error for a value that no request can carry, a half of a surrogate pair for instance: nothing was sent."""
    return InvalidRequest(
        f"{operation} was not sent to {server}: a value in it can't be written as UTF-8 or JSON "
        f"({reason_of(error, hidden=hidden)}).",
        operation=operation,
        server=server,
        status=None,
    )


def _what_is_missing(operation: str) -> str:
    """What a member has to be given for an endpoint, in the dashboard's words."""
    return "Access to Docker" if operation.startswith("docker.") else "access to the service"


def _redirect(response: httpx.Response, *, operation: str, server: str, status: int) -> UnexpectedAnswer:
    try:
        target = urlsplit(response.extensions.get(LOCATION) or response.headers.get("location", ""))
        place = f"{target.scheme}://{target.netloc.rpartition('@')[2]}" if target.netloc else target.path
    except ValueError:
        place = ""
    return UnexpectedAnswer(
        f"{server} redirects {operation} to {one_line(place) or 'another place'} ({status}); the API key is not sent "
        "there.",
        operation=operation,
        server=server,
        status=status,
        next_step="If that is the right address, set it as dokploy:endpoint.",
    )


_NOT_JSON = object()


def _parsed(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _NOT_JSON


def _message(body: Mapping[str, Any]) -> str:
    message = one_line(body.get("message"))
    # Dokploy passes on the whole statement with its parameters, which may be anything, an environment included.
    return "a query of its database failed" if message.startswith("Failed query") else message


def _fields(body: Mapping[str, Any]) -> dict[str, str]:
    issues = body.get("issues")
    if not isinstance(issues, list):
        return {}
    found: dict[str, str] = {}
    for issue in issues:
        if isinstance(issue, Mapping):
            path = issue.get("path")
            name = ".".join(str(part) for part in path) if isinstance(path, list) else ""
            name = one_line(name) or "body"
            text = one_line(issue.get("message"))
            found[name] = f"{found[name]}, {text}" if name in found else text
    return found


def _retry_after(response: httpx.Response) -> float | None:
    """The header's seconds; None for a date, and for what would make a caller wait for ever."""
    try:
        seconds = float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _kind_of(response: httpx.Response) -> str:
    return one_line(response.headers.get("content-type", "").partition(";")[0]) or "no content type"
