"""The ways in which a call can fail, as the client tells them."""

from __future__ import annotations

from typing import Any

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
    SomethingInFront,
    Unauthorized,
    UnexpectedAnswer,
)

_PLACE: dict[str, Any] = {"operation": "application.deploy", "server": "https://dokploy.example.com"}


def refused() -> ApiError:
    """Nobody listens: nothing has been sent."""
    return ConnectionFailed("No connection.", **_PLACE)


def lost() -> ApiError:
    """The connection broke after the sending."""
    return AnswerLost("The connection broke.", **_PLACE)


def too_late() -> ApiError:
    """No answer in time."""
    return RequestTimeout("No answer in time.", **_PLACE)


def unauthorized(*, has_worked: bool = True) -> ApiError:
    """The bare 401, whatever it means; from a client whose key has worked, where nothing else is said."""
    return Unauthorized("The key is not accepted.", status=401, has_worked=has_worked, **_PLACE)


def server_error(status: int = 502) -> ApiError:
    """A proxy or the server failed."""
    return ServerError("It failed.", status=status, **_PLACE)


def slow_down(seconds: float | None) -> ApiError:
    """A proxy asks for a pause."""
    return RateLimited("Slow down.", retry_after_seconds=seconds, **_PLACE)


def denied() -> ApiError:
    """The key is good, its user may not."""
    return AccessDenied("You don't have access.", status=401, **_PLACE)


def not_found() -> ApiError:
    """404."""
    return NotFound("Not there.", status=404, **_PLACE)


def invalid() -> ApiError:
    """400."""
    return InvalidRequest("Not like this.", **_PLACE)


def unexpected() -> ApiError:
    """JSON in a shape that is not known."""
    return UnexpectedAnswer("Not like Dokploy.", status=200, **_PLACE)


def in_front(*, has_worked: bool = True) -> ApiError:
    """Somebody else's page."""
    return SomethingInFront("A login page.", status=200, has_worked=has_worked, **_PLACE)


TRANSIENT = (refused, lost, too_late, server_error, in_front, unauthorized)
FINAL = (denied, not_found, invalid)
