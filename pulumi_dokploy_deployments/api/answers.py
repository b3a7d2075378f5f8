"""From an HTTP answer to data or to an error of the tree; no I/O. Who answered is decided next door."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from pulumi_dokploy_deployments.api.asked import Asked
from pulumi_dokploy_deployments.api.errors import (
    AccessDenied,
    AnswerTooLarge,
    ApiError,
    InvalidRequest,
    MissingEndpoint,
    NotFound,
    RateLimited,
    ServerError,
    SomethingInFront,
    Step,
    Unauthorized,
    UnexpectedAnswer,
)
from pulumi_dokploy_deployments.api.one_line import one_line, sentence
from pulumi_dokploy_deployments.api.text import Action, Configured, Setting, Text
from pulumi_dokploy_deployments.api.who_answered import Reading, Speaker, who_answered

UPDATES: Final = "Settings → Web Server → Updates"
"""Where Dokploy's dashboard updates Dokploy."""
# What is read of an answer's words at the most, in characters, and how many of its issues.
_LONGEST_PLACE, _LONGEST_MESSAGE, _MOST_ISSUES = 2000, 10_000, 20
_CAPITAL = re.compile(r"[A-Z]")
_THING = re.compile(r"(\w{1,40}) not found", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, read to its end or to the end of what is read of it.

    Attributes:
        status: the HTTP status.
        headers: the headers, their names in lower case.
        body: the body, unpacked.
        too_large: how many bytes were allowed, where the body is longer than that.
        certificate_until: when the server's certificate ends; None without TLS.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    too_large: int | None = None
    certificate_until: datetime | None = None

    @property
    def content_type(self) -> str:
        """The content type as it came; empty where there is none."""
        return self.headers.get("content-type", "")


def reading_of(answer: Answer, asked: Asked) -> Reading:
    """Who gave the answer, and what it says."""
    return who_answered(answer.status, answer.content_type, answer.body, may_be_empty=asked.may_be_empty)


def read_answer(answer: Answer, asked: Asked) -> Any:
    """The parsed body of a successful answer; None for the empty ones (`application.deploy`, transcript 30).

    Raises:
        ApiError: one of its subclasses, for every answer that is not a success of Dokploy's.
    """
    reading = reading_of(answer, asked)
    error = error_of(reading, answer, asked)
    if error is not None:
        raise error
    return reading.body


def error_of(reading: Reading, answer: Answer, asked: Asked) -> ApiError | None:
    """The error that an answer stands for; None for Dokploy's successes."""
    if answer.too_large is not None and answer.status < 300:
        return _too_large(answer, asked)
    match reading.speaker:
        case Speaker.DATA:
            return None
        case Speaker.BARE_UNAUTHORIZED:
            return _unauthorized(answer, asked)
        case Speaker.SOMETHING_ELSE:
            return _not_dokploy(reading, answer, asked)
        case Speaker.PLAIN_REFUSAL | Speaker.CODED:
            return _refusal(reading, answer, asked)


def wrong_shape(asked: Asked, reason: str) -> UnexpectedAnswer:
    """The error for JSON that does not have the shape that it should have; `reason` never quotes the answer."""
    return UnexpectedAnswer(
        f"{asked.server} answered {asked.operation} in a shape that this version does not know ({one_line(reason)}).",
        next_step="Update pulumi-dokploy-deployments; if it is the newest, please report this.",
        step=Step.UPDATE_PACKAGE,
        **_common(asked, 200),
    )


def not_what_was_asked(asked: Asked, what: str) -> SomethingInFront:
    """The error for JSON of another kind altogether, an object where a list belongs for instance."""
    return _in_front(f"200, {what}", asked, 200)


def _refusal(reading: Reading, answer: Answer, asked: Asked) -> ApiError:
    """The error for what Dokploy itself refuses."""
    status, code = answer.status, reading.code
    message = _message(reading.message, asked)
    common = {**_common(asked, status), "code": code}
    if status == 429:
        return _rate_limited(answer, asked, code)
    if status in (401, 403):
        return AccessDenied(
            f"The API key's user may not call {asked.operation} for this service: {message or status}.",
            next_step=f"Give the user {_what_is_missing(asked.operation)} in Dokploy under Settings → Users, or use "
            "the key of an owner or admin.",
            step=Step.GRANT_ACCESS,
            **common,
        )
    if status == 404:
        return _not_there(reading, message, asked, common)
    if status >= 500:
        return ServerError(
            f"{asked.server} failed at {asked.operation} ({status}{f': {message}' if message else ''}).",
            next_step=("Look at the log of the Dokploy container, then ", Action.RUN_AGAIN, "."),
            step=Step.CHANGE_SERVER,
            **common,
        )
    fields = _fields(reading.body, asked) if isinstance(reading.body, Mapping) else {}
    detail = "; ".join(f"{name}: {text}" for name, text in fields.items()) or message
    return InvalidRequest(
        sentence(f"{asked.server} refused {asked.operation} ({status}){f': {detail}' if detail else ''}"),
        fields=fields,
        next_step=("Correct what it names, then ", Action.RUN_AGAIN, "."),
        step=Step.FIX_AND_RUN_AGAIN,
        property_name=next((_CAPITAL.sub(_lower, name) for name in fields if name in asked.sent), None),
        **common,
    )


def _not_there(reading: Reading, message: str, asked: Asked, common: Mapping[str, Any]) -> ApiError:
    data = reading.body.get("data") if isinstance(reading.body, Mapping) else None
    has_path = isinstance(data, Mapping) and "path" in data
    if reading.message == "Not found" and not has_path:
        return MissingEndpoint(
            f"This version of Dokploy has no {asked.operation} ({asked.server}).",
            next_step=f"Update Dokploy under {UPDATES}.",
            step=Step.CHANGE_SERVER,
            **common,
        )
    return NotFound(
        sentence(f"{asked.server} has no such thing for {asked.operation}: {message or 'not found'}"),
        next_step="Check the id, and that it is the right server.",
        step=Step.CHANGE_INPUT,
        property_name=_property_of(message, asked),
        **common,
    )


def _property_of(message: str, asked: Asked) -> str | None:
    """The input whose thing is not there, `application_id` for "Application not found"."""
    thing = _THING.match(message)
    name = thing.group(1).lower() if thing else ""
    return f"{name}_id" if f"{name}Id" in asked.sent else None


def _lower(capital: re.Match[str]) -> str:
    return f"_{capital.group().lower()}"


def _unauthorized(answer: Answer, asked: Asked) -> Unauthorized:
    common = _common(asked, answer.status)
    if asked.has_worked:
        return Unauthorized(
            f"{asked.server} does not accept the API key any more (401 for {asked.operation}); it has worked before.",
            next_step="Dokploy answers so while its database is down, and when the key's rate limit is used up: the "
            "default one of keys made over the API allows about five requests a day. Look whether the dashboard "
            "works, or make a key without rate limit under Settings → Profile → API/CLI keys.",
            step=Step.CHANGE_SERVER,
            **common,
        )
    return Unauthorized(
        f"{asked.server} does not accept the API key (401 for {asked.operation}).",
        next_step=(
            "Dokploy answers the same when the key is wrong, when its rate limit is used up (the default one of keys "
            "made over the API allows about five requests a day) and while its database is down. Make a key without "
            "rate limit under Settings → Profile → API/CLI keys and set it with ",
            Configured(Setting.API_KEY, asked.connection),
            ".",
        ),
        step=Step.SET_KEY,
        **common,
    )


def _not_dokploy(reading: Reading, answer: Answer, asked: Asked) -> ApiError:
    """The error for an answer that is not Dokploy's: nothing in it is meant for us."""
    status, what = answer.status, asked.secrets.hide(reading.what)
    if status == 429:
        return _rate_limited(answer, asked, None)
    if status >= 500:
        return ServerError(
            sentence(f"Dokploy at {asked.server}, or something in front of it, failed at {asked.operation}: {what}"),
            next_step=(
                "Look whether the Dokploy container runs, and at the proxy before it; then ",
                Action.RUN_AGAIN,
                ".",
            ),
            step=Step.LOOK_IN_FRONT,
            **_common(asked, status),
        )
    if 300 <= status < 400:
        place = asked.secrets.hide(_place(answer.headers.get("location", "")))
        return _in_front(
            f"{status}, a redirect to {one_line(place) or 'another place'}",
            asked,
            status,
            more="The API key is not sent there. If that is Dokploy's address, set it with ",
            setting=Setting.ENDPOINT,
        )
    return _in_front(what, asked, status)


def _in_front(
    what: str, asked: Asked, status: int, *, more: str = "", setting: Setting = Setting.HEADERS
) -> SomethingInFront:
    next_step: Text
    if more:
        next_step = (more, Configured(setting, asked.connection), ".")
    elif asked.has_worked:
        next_step = (
            "Address and key have worked before: look at the proxy, firewall or login page in front of it, then ",
            Action.RUN_AGAIN,
            ".",
        )
    else:
        next_step = (
            "Check that the address is the one under which Dokploy's dashboard opens. Where a login page, proxy or "
            "firewall is in front of it, let /api and /listen-deployment through, or give the headers that it wants: "
            "set them with ",
            Configured(setting, asked.connection),
            ".",
        )
    return SomethingInFront(
        sentence(f"Something in front of Dokploy answered: {what} ({asked.operation} at {asked.server})"),
        next_step=next_step,
        step=Step.LOOK_IN_FRONT if asked.has_worked else Step.CHECK_ADDRESS,
        **_common(asked, status),
    )


def _too_large(answer: Answer, asked: Asked) -> AnswerTooLarge:
    mebibytes = (answer.too_large or 0) / 2**20
    return AnswerTooLarge(
        f"The answer of {asked.server} to {asked.operation} is longer than {mebibytes:g} MiB, which none of Dokploy's "
        "is; the rest was not read.",
        next_step="Look at what is in front of Dokploy, and whether the address is right.",
        step=Step.LOOK_IN_FRONT,
        **_common(asked, answer.status),
    )


def _rate_limited(answer: Answer, asked: Asked, code: str | None) -> RateLimited:
    return RateLimited(
        f"{asked.server} asks to slow down (429 for {asked.operation}).",
        operation=asked.operation,
        server=asked.server,
        retry_after_seconds=_retry_after(answer.headers.get("retry-after", "")),
        code=code,
        has_worked=asked.has_worked,
        next_step=("Raise the limit of the proxy in front of Dokploy, or wait, then ", Action.RUN_AGAIN, "."),
    )


def _common(asked: Asked, status: int) -> dict[str, Any]:
    return {
        "operation": asked.operation,
        "server": asked.server,
        "status": status,
        "has_worked": asked.has_worked,
    }


def _what_is_missing(operation: str) -> str:
    """What a member has to be given for an endpoint, in the dashboard's words."""
    return "Access to Docker" if operation.startswith("docker.") else "access to the service"


def _place(location: str) -> str:
    """Where a redirect leads, without what could be a credential."""
    try:
        target = urlsplit(location[:_LONGEST_PLACE])
        return f"{target.scheme}://{target.netloc.rpartition('@')[2]}" if target.netloc else target.path
    except ValueError:
        return ""


def _message(said: str, asked: Asked) -> str:
    # Secrets go first: a message that is cut afterwards could end in the half of one.
    message = one_line(asked.secrets.hide(said[:_LONGEST_MESSAGE]))
    # Dokploy passes on the whole statement with its parameters, which may be anything, an environment included.
    return "a query of its database failed" if message.startswith("Failed query") else message


def _fields(body: Mapping[str, Any], asked: Asked) -> dict[str, str]:
    issues = body.get("issues")
    if not isinstance(issues, list):
        return {}
    found: dict[str, str] = {}
    for issue in issues[:_MOST_ISSUES]:
        if isinstance(issue, Mapping):
            path = issue.get("path")
            name = ".".join(str(part) for part in path) if isinstance(path, list) else ""
            name = _message(name, asked) or "body"
            text = _message(str(issue.get("message", "")), asked)
            found[name] = f"{found[name]}, {text}" if name in found else text
    return found


def _retry_after(header: str) -> float | None:
    """The header's seconds; None for a date, and for what would make a caller wait for ever."""
    try:
        seconds = float(header)
    except ValueError:
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
