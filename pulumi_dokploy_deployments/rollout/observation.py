"""What was seen of one service at one moment: its jobs first, its rows after."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi_dokploy_deployments.api.models import Deployment, JobState, QueueJob


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
    jobs_before: int = 0
    """How many jobs of other services stand before the service's first waiting one."""


def snapshot_of(service_id: str, queue: list[QueueJob], rows: list[Deployment], at: float) -> Snapshot:
    """Pick one service's jobs out of the instance's queue."""
    ordered = sorted(queue, key=_queue_order)
    own = tuple(job for job in ordered if job.service_id == service_id)
    first_waiting = next((job for job in own if job.state is JobState.WAITING), None)
    before = 0
    if first_waiting is not None:
        before = sum(
            1 for job in ordered if job.service_id != service_id and _queue_order(job) < _queue_order(first_waiting)
        )
    return Snapshot(
        at=at,
        jobs=own,
        rows=tuple(sorted(rows, key=lambda row: row.created_at, reverse=True)),
        jobs_before=before,
    )


def _queue_order(job: QueueJob) -> tuple[float, int]:
    return (job.queued_at.timestamp() if job.queued_at else 0.0, job.number or 0)
