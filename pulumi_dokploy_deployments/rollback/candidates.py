"""Which earlier deployments a service can go back to, from the rows of its history; pure.

Only `deployment.allByType` carries each row's stored version (transcript 164). A row may carry a `rollbackId` and
still be no way back: the version is stored before the image has been pushed, so that a failed deployment has one too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pulumi_dokploy_deployments.api.models import DeploymentRecord, DeploymentStatus
from pulumi_dokploy_deployments.api.one_line import one_line

MOST_TITLE = 48
SHORT_COMMIT = 10
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


@dataclass(frozen=True)
class Candidate:
    """One finished deployment, as a place to go back to.

    What the server does not give is None.
    """

    version: int | None
    """The number of the stored image; None where no version was stored."""
    rollback_id: str | None
    deployment_id: str
    image: str | None
    """`<appName>:v<version>` as Dokploy stores it, without registry and prefix."""
    commit_hash: str | None
    commit_message: str | None
    title: str
    created_at: datetime
    was_successful: bool
    """Whether the deployment came to its end with status done."""
    works: bool
    """Whether the server's rollback call can bring it back."""
    why_not: str
    """Why it can't, as the end of a sentence; empty where it can."""


def candidates_of(rows: Iterable[DeploymentRecord]) -> list[Candidate]:
    """Every finished deployment among the rows of `deployment.allByType`, newest first."""
    finished = [row for row in rows if row.status.is_final]
    return [_candidate(row) for row in sorted(finished, key=lambda row: row.created_at, reverse=True)]


def table_of(candidates: Sequence[Candidate], now: datetime) -> str:
    """A plain-text table for messages: version, deployment, commit, title and age, one candidate a line."""
    if not candidates:
        return "(none)"
    head = ("version", "deployment", "commit", "title", "age")
    lines = [head] + [
        (
            f"v{candidate.version}" if candidate.version is not None else "-",
            candidate.deployment_id,
            (candidate.commit_hash or "-")[:SHORT_COMMIT],
            _shortened(one_line(candidate.title)) or "-",
            age_text(now - candidate.created_at),
        )
        for candidate in candidates
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def age_text(age: timedelta) -> str:
    """`5 minutes ago`; a time in the future, as clocks may differ, counts as now."""
    seconds = age.total_seconds()
    for size, unit in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute"), (1, "second")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count != 1 else ''} ago"
    return "just now"


def _candidate(row: DeploymentRecord) -> Candidate:
    stored = row.rollback
    why_not = _why_not(row)
    return Candidate(
        version=stored.version if stored is not None else None,
        rollback_id=stored.rollback_id if stored is not None else row.rollback_id,
        deployment_id=row.deployment_id,
        image=(stored.image or None) if stored is not None else None,
        commit_hash=row.commit_hash,
        commit_message=row.commit_message,
        title=row.title,
        created_at=row.created_at,
        was_successful=row.status is DeploymentStatus.DONE,
        works=not why_not,
        why_not=why_not,
    )


def _why_not(row: DeploymentRecord) -> str:
    if row.status is DeploymentStatus.ERROR:
        return "it failed"
    if row.status is DeploymentStatus.CANCELLED:
        return "it was cancelled before it finished"
    if row.compose_id is not None:
        return "Dokploy stores images of applications, not of composes"
    if row.rollback is None:
        if row.rollback_id is not None:
            return "the server does not say which image its stored version has"
        return "no image was stored, since rollbacks were not enabled for the service when it was deployed"
    if not row.rollback.image:
        return "its stored version has no image"
    return ""


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_TITLE else text[: MOST_TITLE - 1] + "…"
