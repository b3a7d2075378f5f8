"""Tables for people: what is shown of each result, with relative times and colours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich import box
from rich.table import Table
from rich.text import Text

from pulumi_dokploy_deployments.api.one_line import one_line
from pulumi_dokploy_deployments.functions.models import DeploymentInfo, QueueJobInfo, RollbackCandidate, ServiceInfo
from pulumi_dokploy_deployments.rollback.candidates import age_text
from pulumi_dokploy_deployments.waiting.progress_words import seconds_text

NOTHING = "–"
SHORT_COMMIT = 10
_STYLES = {
    "done": "green",
    "completed": "green",
    "running": "cyan",
    "active": "cyan",
    "waiting": "yellow",
    "error": "red",
    "failed": "red",
    "cancelled": "magenta",
}


def status_text(status: str) -> Text:
    """A status in its colour."""
    return Text(status, style=_STYLES.get(status, ""))


def age(moment: str | None, now: datetime) -> str:
    """`5 minutes ago`."""
    return age_text(now - datetime.fromisoformat(moment)) if moment is not None else NOTHING


def seconds(value: float | None) -> str:
    """`0.4 s`, `42 s`, `3 min 5 s`, `1 h 2 min`."""
    return NOTHING if value is None else seconds_text(value)


def deployments_table(rows: Sequence[DeploymentInfo], now: datetime, *, with_service: bool, versions: bool) -> Table:
    """The history, newest first."""
    table = _table()
    table.add_column("deployment", no_wrap=True)
    if with_service:
        table.add_column("service", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("title", overflow="ellipsis", no_wrap=True, max_width=60)
    table.add_column("commit", no_wrap=True)
    if versions:
        table.add_column("version", no_wrap=True)
    table.add_column("started", no_wrap=True)
    table.add_column("took", no_wrap=True, justify="right")
    for row in rows:
        cells: list[str | Text] = [row.deployment_id]
        if with_service:
            cells.append(one_line(row.service_name or row.service_id or row.server_id or NOTHING))
        cells += [status_text(row.status), one_line(row.title) or NOTHING, commit(row.commit_hash)]
        if versions:
            cells.append(version(row.version))
        cells += [age(row.started_at or row.created_at, now), seconds(row.duration_seconds)]
        table.add_row(*cells)
    return table


def queue_table(jobs: Sequence[QueueJobInfo], now: datetime) -> Table:
    """The queue, in the order in which it runs."""
    table = _table()
    for name in ("job", "state", "service", "method"):
        table.add_column(name, no_wrap=True)
    table.add_column("title", overflow="ellipsis", no_wrap=True, max_width=50)
    for name in ("queued", "started", "before it"):
        table.add_column(name, no_wrap=True)
    for job in jobs:
        service = f"{job.service_type or ''} {job.service_id or ''}{' (preview)' if job.is_preview else ''}".strip()
        table.add_row(
            job.id,
            status_text(job.state),
            service or NOTHING,
            job.method or NOTHING,
            one_line(job.title) or NOTHING,
            age(job.queued_at, now),
            age(job.started_at, now),
            NOTHING if job.jobs_ahead is None else str(job.jobs_ahead),
        )
    return table


def candidates_table(candidates: Sequence[RollbackCandidate], now: datetime) -> Table:
    """Where a service can go back to."""
    table = _table()
    for name in ("version", "deployment", "commit"):
        table.add_column(name, no_wrap=True)
    table.add_column("title", overflow="ellipsis", no_wrap=True, max_width=50)
    table.add_column("deployed", no_wrap=True)
    table.add_column("works", overflow="fold")
    for candidate in candidates:
        works = Text("yes", style="green") if candidate.works else Text(f"no: {candidate.why_not}", style="dim")
        table.add_row(
            version(candidate.version),
            candidate.deployment_id,
            commit(candidate.commit_hash),
            one_line(candidate.title) or NOTHING,
            age(candidate.created_at, now),
            works,
        )
    return table


def services_table(services: Sequence[ServiceInfo]) -> Table:
    """The services, in the order of the dashboard's projects."""
    table = _table()
    for name in ("service", "type", "id", "project", "environment", "status"):
        table.add_column(name, no_wrap=True)
    table.add_column("image or git ref", overflow="fold")
    for service in services:
        table.add_row(
            one_line(service.name),
            service.service_type,
            service.service_id,
            one_line(service.project or NOTHING),
            one_line(service.environment or NOTHING),
            status_text(service.status),
            one_line(service.image or service.git_ref or NOTHING),
        )
    return table


def commit(commit_hash: str | None) -> str:
    """A commit as people write it."""
    return commit_hash[:SHORT_COMMIT] if commit_hash else NOTHING


def version(number: int | None) -> str:
    """`v3`."""
    return NOTHING if number is None else f"v{number}"


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
