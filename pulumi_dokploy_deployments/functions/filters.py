"""Filters of the reads: which statuses, how many, since when; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pulumi_dokploy_deployments.api.errors import DokployError, Step
from pulumi_dokploy_deployments.api.models import DeploymentRecord, DeploymentStatus
from pulumi_dokploy_deployments.api.text import Action, Input

Status = str | Sequence[str] | None
Since = datetime | timedelta | str | None

_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class InvalidArgument(DokployError):
    """An argument is not valid; no request was sent."""


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


def filter_of(status: Status = None, limit: int | None = None, since: Since = None, *, now: datetime) -> Filter:
    """The filter for a caller's arguments.

    Args:
        status: one status or several.
        limit: the most deployments to give.
        since: a time; without a zone it is taken as UTC. Or an age: a timedelta, or `90s`, `15m`, `2h`, `7d`, `1w`.
        now: the time that ages count from.

    Raises:
        InvalidArgument: one of them is not valid; the message says what is.
    """
    return Filter(_statuses(status), _limit(limit), _since(since, now))


def _statuses(status: Status) -> frozenset[str]:
    names = [status] if isinstance(status, str) else list(status or ())
    known = [member.value for member in DeploymentStatus]
    for name in names:
        if name in known:
            continue
        if name in ("queued", "waiting", "pending", "idle"):
            raise InvalidArgument(
                f"No deployment has the status {name!r}: Dokploy lists a deployment only once its job has started.",
                next_step=("Waiting jobs are not deployments yet: ", Action.SHOW_QUEUE, "."),
                step=Step.CHANGE_INPUT,
                property_name="status",
            )
        raise InvalidArgument(
            f"{name!r} is not a status of a deployment.",
            next_step=f"The statuses are {', '.join(known)}.",
            step=Step.CHANGE_INPUT,
            property_name="status",
        )
    return frozenset(names)


def _limit(limit: int | None) -> int | None:
    if limit is not None and (isinstance(limit, bool) or limit < 1):
        raise InvalidArgument(
            (f"{limit!r} is not a valid ", Input("limit"), "."),
            next_step="Give a whole number of 1 or more, or leave it out to get all.",
            step=Step.CHANGE_INPUT,
            property_name="limit",
        )
    return None if limit is None else int(limit)


def _since(since: Since, now: datetime) -> datetime | None:
    if since is None:
        return None
    if isinstance(since, timedelta):
        return _before(now, since)
    if isinstance(since, datetime):
        return since if since.tzinfo is not None else since.replace(tzinfo=UTC)
    text = since.strip()
    age = _AGE.fullmatch(text)
    try:
        if age is not None:
            return _before(now, timedelta(**{_UNITS[age.group(2)]: float(age.group(1))}))
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise InvalidArgument(
            f"{since!r} is neither a time nor an age.",
            next_step="Give a time as 2026-11-24T08:00:00Z (or only the date), or an age as 90s, 15m, 2h, 7d or 1w.",
            step=Step.CHANGE_INPUT,
            property_name="since",
        ) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _before(now: datetime, age: timedelta) -> datetime:
    try:
        return now - age
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)
