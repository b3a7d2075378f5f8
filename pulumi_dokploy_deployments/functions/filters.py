"""Filters of the reads: which statuses, how many, since when; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from pulumi_dokploy_deployments.api.errors import DokployError, Step
from pulumi_dokploy_deployments.api.models import DeploymentRecord, DeploymentStatus
from pulumi_dokploy_deployments.api.text import Action, Input, Text
from pulumi_dokploy_deployments.api.wire import OpenStrEnum

E = TypeVar("E", bound=OpenStrEnum)

_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class InvalidArgument(DokployError, ValueError):
    """An argument is not valid; no request was sent."""

    def __init__(self, message: Text, *, next_step: Text = "", property_name: str | None = None) -> None:
        super().__init__(message, next_step=next_step, step=Step.CHANGE_INPUT, property_name=property_name)


@dataclass(frozen=True)
class Filter:
    """What is kept of a history. The server itself filters nothing and has no pages (transcript 112)."""

    statuses: frozenset[str] = frozenset()
    """Empty keeps all."""
    limit: int | None = None
    since: datetime | None = None

    def apply(self, rows: Iterable[DeploymentRecord]) -> list[DeploymentRecord]:
        """The rows that pass, newest first."""
        kept = [row for row in rows if self._passes(row)]
        kept.sort(key=lambda row: row.created_at, reverse=True)
        return kept if self.limit is None else kept[: self.limit]

    def _passes(self, row: DeploymentRecord) -> bool:
        if self.statuses and row.status.value not in self.statuses:
            return False
        return self.since is None or row.created_at >= self.since


def statuses_of(status: object) -> list[DeploymentStatus]:
    """The statuses that an argument names, one or several.

    Raises:
        InvalidArgument: no deployment has that status; the message says which there are.
    """
    for name in _names(status):
        if name in ("queued", "waiting", "pending", "idle"):
            raise InvalidArgument(
                f"No deployment has the status {name!r}: Dokploy lists a deployment only once its job has started.",
                next_step=("Jobs that wait are in the queue: ", Action.SHOW_QUEUE, "."),
            )
    return members_of(DeploymentStatus, status, "a status of a deployment", "The statuses are")


def members_of(enum: type[E], value: object, what: str, known: str) -> list[E]:
    """The members that an argument names, one or several.

    Args:
        enum: what there is.
        value: a name or a list of names.
        what: what such a name is, with its article.
        known: the beginning of the sentence that lists the names.

    Raises:
        InvalidArgument: one of the names is not known.
    """
    members = list(enum)
    for name in _names(value):
        if name not in members:
            raise InvalidArgument(f"{name!r} is not {what}.", next_step=f"{known} {', '.join(members)}.")
    return [enum(str(name)) for name in _names(value)]


def _names(value: object) -> list[object]:
    if value is None:
        return []
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]


def whole_number(value: object, name: str, *, least: int, most: int | None = None, otherwise: str = "") -> int:
    """A whole number within its bounds. Pulumi's engine hands every number over as a float.

    Raises:
        InvalidArgument: it is something else.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= (value if most is None else most):
        return value
    bounds = f"of {least} or more" if most is None else f"from {least} to {most}"
    raise InvalidArgument(
        (Input(name), f" is {value!r}."), next_step=f"Give a whole number {bounds}{otherwise}.", property_name=name
    )


def since_of(since: object, now: datetime) -> datetime | None:
    """The time that an argument means: a time, without a zone in UTC, or an age that counts back from now.

    Raises:
        InvalidArgument: it is neither.
    """
    if since is None:
        return None
    if isinstance(since, timedelta):
        return _before(now, since)
    if isinstance(since, datetime):
        return since if since.tzinfo is not None else since.replace(tzinfo=UTC)
    text = since.strip() if isinstance(since, str) else ""
    age = _AGE.fullmatch(text)
    try:
        if age is not None:
            return _before(now, timedelta(**{_UNITS[age.group(2)]: float(age.group(1))}))
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise InvalidArgument(
            f"{since!r} is neither a time nor an age.",
            next_step="Give a time as 2026-11-24T08:00:00Z (or only the date), or an age as 90s, 15m, 2h, 7d or 1w.",
            property_name="since",
        ) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _before(now: datetime, age: timedelta) -> datetime:
    try:
        return now - age
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)
