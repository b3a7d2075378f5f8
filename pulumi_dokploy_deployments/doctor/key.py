"""Is the key good, and for how long? The server says 401 for every reason alike; what else can be known decides.

Measured on v0.30.2: a wrong key, a used-up rate limit and a database that is down get the same answer (transcripts
61, 190-193, 1205). What tells them apart: the key's form, whether it worked a moment ago, and an owner's own list of
keys (`user.getBackups`), which has each key's hash, its limit and its count.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field, TypeAdapter

from pulumi_dokploy_deployments.api.wire import Instant, WireModel
from pulumi_dokploy_deployments.doctor.findings import Cause, Finding, failure, note, ok, warning

CHECK = "key"
LIMIT_CHECK = "rate limit"
KEY_LETTERS = 64
"""Dokploy's keys are a prefix and 64 letters."""
COST_OF_A_REQUEST = 2
"""Each request checks the key twice (transcript 1200)."""
FEW_PER_MINUTE = 120.0
"""What one running deployment may use up."""
_FORM = re.compile(r"\S*[A-Za-z]{64}")

DEFAULT_LIMIT = (
    "Keys made over the API without naming a limit allow about five requests a day; those made in the dashboard have "
    "none unless it was switched on. It is set when the key is made."
)
NEW_KEY = (
    "Make a key without rate limit: Dokploy, Settings → Profile → API/CLI Keys → Generate New Key, with Enable Rate "
    'Limiting off. Over the API: `user.createApiKey` with "rateLimitEnabled": false.'
)


class KeyRecord(WireModel):
    """One key as `user.getBackups` lists it; its hash is compared and never shown."""

    name: str | None = None
    hash: str = Field(alias="key", default="", repr=False)
    enabled: bool | None = None
    rate_limit_enabled: bool | None = None
    rate_limit_max: int | None = None
    rate_limit_time_window: int | None = None
    """Milliseconds."""
    request_count: int | None = None
    last_request: Instant | None = None
    expires_at: Instant | None = None
    remaining: int | None = None

    @property
    def is_limited(self) -> bool:
        """Whether a rate limit is in force."""
        return bool(self.rate_limit_enabled and self.rate_limit_max and self.rate_limit_time_window)


def _list_or_nothing(value: object) -> object:
    return value if isinstance(value, list) else []


class OwnKeys(WireModel):
    """What is kept of `user.getBackups`: nothing but the keys."""

    api_keys: Annotated[list[KeyRecord], BeforeValidator(_list_or_nothing)] = Field(default_factory=list)


OWN_KEYS = TypeAdapter(OwnKeys)
OWN_KEYS_OPERATION = "user.getBackups"


def hash_of(api_key: str) -> str:
    """How the server stores a key: SHA-256 in URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(api_key.encode()).digest()).rstrip(b"=").decode()


def record_of(api_key: str, keys: OwnKeys) -> KeyRecord | None:
    """The record of this very key."""
    wanted = hash_of(api_key)
    return next((record for record in keys.api_keys if record.hash == wanted), None)


def has_form_of_a_key(api_key: str) -> bool:
    """Whether it could be a key of Dokploy's at all."""
    return _FORM.fullmatch(api_key) is not None


@dataclass(frozen=True)
class Evidence:
    """What is known besides the 401."""

    worked_in_this_run: bool = False
    has_form: bool = True
    key_length: int = 0
    looked_up: OwnKeys | None = None
    record: KeyRecord | None = None


def judge_refusal(evidence: Evidence, now: datetime) -> Finding:
    """Why the key is not accepted, as far as that can be known."""
    if evidence.worked_in_this_run:
        return failure(
            LIMIT_CHECK,
            Cause.RATE_LIMITED_KEY,
            "The key's rate limit is used up: it worked at the start of this run and is refused now. Keys made over "
            "the API without naming a limit allow about five requests a day.",
            NEW_KEY,
        )
    if evidence.record is not None:
        return _judge_record_of_refused(evidence.record, now)
    if not evidence.has_form:
        return failure(
            CHECK,
            Cause.WRONG_KEY,
            f"The key is wrong: a key of Dokploy's ends in {KEY_LETTERS} letters, and this text of "
            f"{evidence.key_length} characters does not.",
            "Copy the whole key again, or make a new one under Settings → Profile → API/CLI Keys.",
        )
    if evidence.looked_up is not None:
        return failure(
            CHECK,
            Cause.WRONG_KEY,
            "The key is wrong, or another user's: it is none of those that the owner of the key given for the "
            "look-up has.",
            "Make a new key under Settings → Profile → API/CLI Keys.",
        )
    return failure(
        CHECK,
        Cause.KEY_NOT_ACCEPTED,
        "The key has the form of a Dokploy key and is not accepted. Either its rate limit is used up (keys made over "
        "the API without naming a limit allow about five requests a day), or it is wrong: deleted, disabled, "
        "expired, or made on another server. Dokploy gives the same answer to all of these.",
        f"To tell them apart, run the doctor with --look-up-key-file and the file of another key of the same user. "
        f"{NEW_KEY}",
    )


def _judge_record_of_refused(record: KeyRecord, now: datetime) -> Finding:
    name = _named(record)
    if record.enabled is False:
        return failure(CHECK, Cause.WRONG_KEY, f"The key {name} is disabled.", "Enable it, or make a new one.")
    if record.expires_at is not None and record.expires_at <= now:
        return failure(
            CHECK,
            Cause.WRONG_KEY,
            f"The key {name} expired on {record.expires_at:%Y-%m-%d %H:%M} UTC.",
            "Make a new one under Settings → Profile → API/CLI Keys.",
        )
    if record.is_limited or record.remaining == 0:
        return failure(
            LIMIT_CHECK,
            Cause.RATE_LIMITED_KEY,
            f"The key {name} is right, and its rate limit is used up: {_limit_text(record)}.{_back(record)}",
            NEW_KEY,
        )
    return failure(
        CHECK,
        Cause.KEY_NOT_ACCEPTED,
        f"The key {name} exists, is enabled and has no limit, and is refused all the same.",
        "Its user may have left the organization. Make a new one under Settings → Profile → API/CLI Keys.",
    )


def judge_limit(record: KeyRecord) -> Finding:
    """What the limit of an accepted key means for deployments."""
    if not record.is_limited:
        return ok(LIMIT_CHECK, f"The key {_named(record)} has no rate limit.")
    left = requests_left(record)
    message = f"The key {_named(record)} has a rate limit: {_limit_text(record)}, about {left} requests left."
    per_minute = (record.rate_limit_max or 0) / (max(1, record.rate_limit_time_window or 1) / 60_000)
    if per_minute >= FEW_PER_MINUTE:
        return note(LIMIT_CHECK, message)
    if per_minute >= 1:
        return warning(LIMIT_CHECK, Cause.RATE_LIMITED_KEY, f"{message} A single deployment may use that up.", NEW_KEY)
    return failure(
        LIMIT_CHECK, Cause.RATE_LIMITED_KEY, f"{message} Not even one deployment can be waited for.", NEW_KEY
    )


def requests_left(record: KeyRecord) -> int:
    """How many requests a limited key is good for."""
    return max(0, (record.rate_limit_max or 0) - (record.request_count or 0)) // COST_OF_A_REQUEST


def _limit_text(record: KeyRecord) -> str:
    if not record.is_limited:
        return f"{record.remaining} requests remain"
    window = timedelta(milliseconds=record.rate_limit_time_window or 0)
    span = (
        f"{window.total_seconds() / 3600:g} hours" if window >= timedelta(hours=1) else f"{window.total_seconds():g} s"
    )
    return (
        f"{record.rate_limit_max} checks in {span}, {record.request_count or 0} used, and each request takes "
        f"{COST_OF_A_REQUEST}"
    )


def _back(record: KeyRecord) -> str:
    if record.last_request is None or not record.rate_limit_time_window:
        return ""
    again = record.last_request + timedelta(milliseconds=record.rate_limit_time_window)
    return f" It works again from {again:%Y-%m-%d %H:%M} UTC, if nothing uses it until then."


def _named(record: KeyRecord) -> str:
    return repr(record.name) if record.name else "without a name"
