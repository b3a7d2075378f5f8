"""Who answered: Dokploy itself, or something in front of it? Pure, from status, content type and body.

Only what Dokploy itself says counts as "not there", "not allowed" or "not like this". It answers with JSON: errors
carry their `code`, with a few exact exceptions (transcripts 60, 77, 412). All else comes from something in front of
it, a login page, a firewall, a proxy, or was broken on the way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Never

from pulumi_dokploy_deployments.api.one_line import one_line

STATUS_OF_CODE = {
    "PARSE_ERROR": 400,
    "BAD_REQUEST": 400,
    "UNAUTHORIZED": 401,
    "PAYMENT_REQUIRED": 402,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "METHOD_NOT_SUPPORTED": 405,
    "TIMEOUT": 408,
    "CONFLICT": 409,
    "PRECONDITION_FAILED": 412,
    "PAYLOAD_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "UNPROCESSABLE_CONTENT": 422,
    "PRECONDITION_REQUIRED": 428,
    "TOO_MANY_REQUESTS": 429,
    "CLIENT_CLOSED_REQUEST": 499,
    "INTERNAL_SERVER_ERROR": 500,
    "NOT_IMPLEMENTED": 501,
    "BAD_GATEWAY": 502,
    "SERVICE_UNAVAILABLE": 503,
    "GATEWAY_TIMEOUT": 504,
}
"""tRPC's codes, each of which comes with one status."""
MOST_OBJECTS = 1_000_000
MOST_VALUES = 8_000_000
MAX_TITLE = 80
_LONGEST_KIND = 200
_TITLE_WITHIN = 65_536
_TITLE = re.compile(rb"<title[^>]{0,200}>([^<]{1,400})", re.IGNORECASE)
_CODE = re.compile(r"[A-Z][A-Z_]{2,60}")
_EXACT_TEXTS = {(400, "Invalid JSON"), (413, "Body exceeded 1mb limit")}
"""What Dokploy says in plain text, without a content type (transcripts 77, 412, 412b)."""


class Speaker(StrEnum):
    """Who gave an answer, and of which kind it is."""

    DATA = "data"
    """Dokploy: a success. `body` is its JSON, None where it is empty."""
    CODED = "coded"
    """Dokploy: an error with its code."""
    BARE_UNAUTHORIZED = "bare unauthorized"
    """Dokploy: 401 without a code, for a key that it does not accept or can't check."""
    PLAIN_REFUSAL = "plain refusal"
    """Dokploy: one of its few refusals in plain text."""
    SOMETHING_ELSE = "something else"
    """Not Dokploy, or Dokploy's answer broken on the way."""


@dataclass(frozen=True)
class Reading:
    """What an answer was recognised as.

    Attributes:
        speaker: who spoke.
        body: the JSON, where Dokploy spoke it.
        code: Dokploy's code, only with `Speaker.CODED`.
        message: Dokploy's message, as it came.
        what: what came in place of Dokploy's answer, in words for a message.
    """

    speaker: Speaker
    body: Any = field(default=None, repr=False)
    code: str | None = None
    message: str = field(default="", repr=False)
    what: str = ""

    @property
    def is_dokploy(self) -> bool:
        """Whether Dokploy itself spoke."""
        return self.speaker is not Speaker.SOMETHING_ELSE

    @property
    def proves_key(self) -> bool:
        """Whether only an accepted key gets this answer: Dokploy checks the key before anything else (61b)."""
        return self.speaker in (Speaker.DATA, Speaker.CODED)


def who_answered(status: int, content_type: str, body: bytes, *, may_be_empty: bool) -> Reading:
    """Recognise an answer. Never raises, whatever the bytes are.

    Args:
        status: the HTTP status.
        content_type: the header as it came; empty where there is none.
        body: the whole body, unpacked.
        may_be_empty: whether Dokploy answers this request with an empty body (transcripts 30, 304).
    """
    kind = _kind(content_type)
    if 200 <= status < 300:
        return _success(status, kind, body, may_be_empty=may_be_empty)
    if kind == "application/json":
        return _error(status, _json(body)) or _something_else(status, kind, body)
    if not kind or kind == "text/plain":
        text = body.decode("utf-8", "replace").strip()
        if (status, text) in _EXACT_TEXTS:
            return Reading(Speaker.PLAIN_REFUSAL, message=text)
    return _something_else(status, kind, body)


def describe(status: int, content_type: str, body: bytes) -> str:
    """What came in place of Dokploy's answer: status, content type and the title of a page."""
    return _description(status, _kind(content_type), body)


def _success(status: int, kind: str, body: bytes, *, may_be_empty: bool) -> Reading:
    if not body.strip():
        # Dokploy's empty answers are declared to be JSON as all its answers are (transcript 30).
        if may_be_empty and kind == "application/json":
            return Reading(Speaker.DATA)
        return Reading(Speaker.SOMETHING_ELSE, what=f"{status}, an empty answer{_of_kind(kind)}")
    if kind not in ("", "application/json"):
        return _something_else(status, kind, body)
    parsed = _json(body)
    if parsed is _NOT_JSON:
        return Reading(Speaker.SOMETHING_ELSE, what=f"{_description(status, kind, body)} that is not whole JSON")
    return Reading(Speaker.DATA, body=parsed)


def _error(status: int, parsed: Any) -> Reading | None:
    """The reading of a JSON answer that is no success; None where it is not Dokploy's."""
    if not isinstance(parsed, dict):
        return None
    if status == 401 and parsed == {"message": "Unauthorized"}:
        return Reading(Speaker.BARE_UNAUTHORIZED, body=parsed, message="Unauthorized")
    envelope = _envelope(parsed)
    code, message, data = envelope.get("code"), envelope.get("message"), envelope.get("data")
    if not isinstance(code, str) or not isinstance(message, str) or not _CODE.fullmatch(code):
        return None
    if isinstance(data, Mapping):
        # A newer server may have codes that are not known here; then the envelope has to agree with itself.
        agrees = data.get("code", code) == code and data.get("httpStatus", status) == status
        known = STATUS_OF_CODE.get(code) == status or (code not in STATUS_OF_CODE and "httpStatus" in data)
    else:
        agrees, known = data is None, STATUS_OF_CODE.get(code) == status
    if not (agrees and known):
        return None
    return Reading(Speaker.CODED, body=envelope, code=code, message=message)


def _envelope(parsed: dict[str, Any]) -> Mapping[str, Any]:
    """The error itself: tRPC's own door wraps it once more (transcript 415)."""
    outer = parsed.get("error")
    inner = outer.get("json") if isinstance(outer, Mapping) else None
    if not isinstance(inner, Mapping) or not isinstance(inner.get("data"), Mapping):
        return parsed
    return {**inner, "code": inner["data"].get("code")}


def _something_else(status: int, kind: str, body: bytes) -> Reading:
    return Reading(Speaker.SOMETHING_ELSE, what=_description(status, kind, body))


def _description(status: int, kind: str, body: bytes) -> str:
    title = _title(body) if "html" in kind or body.lstrip()[:1] == b"<" else ""
    return f"{status}{_of_kind(kind)}" + (f' titled "{title}"' if title else "")


def _of_kind(kind: str) -> str:
    return f", {kind}" if kind else ", without a content type"


def _title(body: bytes) -> str:
    found = _TITLE.search(body[:_TITLE_WITHIN])
    text = one_line(found.group(1).decode("utf-8", "replace")) if found else ""
    return text if len(text) <= MAX_TITLE else ""


def _kind(content_type: str) -> str:
    return one_line(content_type[:_LONGEST_KIND].partition(";")[0]).lower()


_NOT_JSON = object()


def _json(body: bytes) -> Any:
    """The JSON value; `_NOT_JSON` for everything else, and for what would take much more memory than its bytes."""
    if body.lstrip()[:1] != b'"' and (
        body.count(b"{") + body.count(b"[") > MOST_OBJECTS or body.count(b",") > MOST_VALUES
    ):
        return _NOT_JSON
    try:
        return json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return _NOT_JSON


def _refuse(constant: str) -> Never:
    raise ValueError(f"{constant} is not JSON")
