"""From an HTTP answer to data or to an error of the tree; no I/O."""

from __future__ import annotations

import json
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

MAX_SHOWN = 300


def read_answer(response: httpx.Response, *, operation: str, server: str) -> Any:
    """The parsed body of a successful answer; None for the empty ones (`application.deploy`, transcript 30).

    Raises:
        ApiError: one of its subclasses, for every answer that is not a success.
    """
    if response.status_code >= 300:
        raise error_of(response, operation=operation, server=server)
    if not response.content.strip():
        return None
    try:
        return json.loads(response.content)
    except ValueError:
        raise UnexpectedAnswer(
            f"{server} answered {operation} with something that is not JSON ({_kind_of(response)}).",
            operation=operation,
            server=server,
            status=response.status_code,
            next_step="Is the address that of Dokploy itself, and not of an application or a login page before it?",
        ) from None


def error_of(response: httpx.Response, *, operation: str, server: str) -> ApiError:
    """The error that an unsuccessful answer stands for."""
    status = response.status_code
    body = _json_object(response)
    message = _text(body.get("message")) if body else ""
    code = body.get("code") if body else None
    common: dict[str, Any] = {"operation": operation, "server": server, "status": status}
    if 300 <= status < 400:
        return _redirect(response, **common)
    if status == 401 and code is None:
        return Unauthorized(
            f"{server} does not accept the API key (401 for {operation}).",
            next_step="Dokploy answers the same when the key is wrong, when its rate limit is used up (keys made "
            "with the default settings allow about five requests a day) and while its database is down. Make a "
            "key without rate limit under Settings → Profile → API/CLI keys and set it with "
            "`pulumi config set --secret dokploy:apiKey`.",
            **common,
        )
    if status in (401, 403):
        return AccessDenied(
            f"The API key's user may not call {operation} for this service: {message or status}.",
            next_step="Give the user access to the service in Dokploy under Settings → Users, or use the key of an "
            "owner or admin.",
            **common,
        )
    if status == 404 and code is not None:
        return NotFound(f"{server} has no such thing for {operation}: {message or 'not found'}.", **common)
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
    fields = _fields(body) if body else {}
    detail = "; ".join(f"{name}: {text}" for name, text in fields.items()) or message or _text(response.text)
    return InvalidRequest(f"{server} refused {operation} ({status}): {detail}.", fields=fields, **common)


def connection_error(error: httpx.HTTPError, *, operation: str, server: str) -> ApiError:
    """The error that a failure of the transport stands for; what matters is whether anything had been sent."""
    common: dict[str, Any] = {"operation": operation, "server": server}
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return ConnectionFailed(
            f"{server} does not answer (no connection within the time limit, for {operation}).",
            next_step="Check the address and that this machine can reach it.",
            **common,
        )
    if isinstance(error, httpx.TimeoutException):
        return RequestTimeout(f"{server} did not answer {operation} in time.", **common)
    if isinstance(error, httpx.ConnectError | httpx.UnsupportedProtocol | httpx.ProxyError):
        reason = _text(str(error)) or type(error).__name__
        return ConnectionFailed(
            f"No connection to {server} (for {operation}): {reason}.",
            next_step="Check the address, that the server is up, and its certificate.",
            **common,
        )
    reason = _text(str(error)) or type(error).__name__
    return AnswerLost(f"The connection to {server} broke during {operation}: {reason}.", **common)


def _redirect(response: httpx.Response, *, operation: str, server: str, status: int) -> UnexpectedAnswer:
    target = urlsplit(response.headers.get("location", ""))
    place = f"{target.scheme}://{target.netloc}" if target.netloc else target.path
    return UnexpectedAnswer(
        f"{server} redirects {operation} to {_text(place) or 'another place'} ({status}); the API key is not sent "
        "there.",
        operation=operation,
        server=server,
        status=status,
        next_step="If that is the right address, set it as dokploy:endpoint.",
    )


def _json_object(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _fields(body: Mapping[str, Any]) -> dict[str, str]:
    issues = body.get("issues")
    if not isinstance(issues, list):
        return {}
    found: dict[str, str] = {}
    for issue in issues:
        if isinstance(issue, Mapping):
            path = issue.get("path")
            name = ".".join(str(part) for part in path) if isinstance(path, list) else ""
            found[name or "body"] = _text(issue.get("message"))
    return found


def _retry_after(response: httpx.Response) -> float | None:
    try:
        return max(0.0, float(response.headers.get("retry-after", "")))
    except ValueError:
        return None


def _kind_of(response: httpx.Response) -> str:
    return response.headers.get("content-type", "").partition(";")[0] or "no content type"


def _text(value: object) -> str:
    text = " ".join(str(value).split()) if value is not None else ""
    text = text.rstrip(".")
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
