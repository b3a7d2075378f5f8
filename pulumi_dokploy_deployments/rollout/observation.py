"""What was seen of one service at one moment: its jobs first, its rows after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pulumi_dokploy_deployments.api.models import Deployment, QueueJob


@dataclass(frozen=True)
class Snapshot:
    """Jobs and rows of one service.

    The queue is read before the rows: a row turns final before its job leaves the queue, so a row that is
    `running` while the earlier read of the queue had no job for it is an orphan.
    """

    at: float
    """Monotonic seconds of the moment when the reading began."""
    jobs: tuple[QueueJob, ...]
    """The service's jobs in the order in which the server will run them."""
    rows: tuple[Deployment, ...]
    """The service's rows, newest first."""
    ahead: Mapping[str, int] = field(default_factory=dict)
    """How many jobs of the whole instance the server will run before each of the service's jobs, by job id."""


def snapshot_of(service_id: str, queue: list[QueueJob], rows: list[Deployment], at: float) -> Snapshot:
    """Pick one service's jobs out of the instance's queue."""
    ordered = sorted(queue, key=_queue_order)
    return Snapshot(
        at=at,
        jobs=tuple(job for job in ordered if job.service_id == service_id),
        rows=tuple(sorted(rows, key=lambda row: row.created_at, reverse=True)),
        ahead={job.id: place for place, job in enumerate(ordered) if job.service_id == service_id},
    )


def _queue_order(job: QueueJob) -> tuple[float, int]:
    return (job.queued_at.timestamp() if job.queued_at else 0.0, job.number or 0)
