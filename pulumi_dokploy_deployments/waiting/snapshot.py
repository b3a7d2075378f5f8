"""What was seen of one service at one moment: its jobs first, its rows after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from pulumi_dokploy_deployments.api.models import DeploymentRecord, JobState, QueueJob


class Phase(StrEnum):
    """How far the run's deployment has come."""

    UNSEEN = "unseen"
    """Neither a job nor a row has been seen yet."""
    WAITING = "waiting"
    """The job waits in the queue; there is no row."""
    ACTIVE = "active"
    """The job has started; its row will be there in a moment."""
    RUNNING = "running"
    """The row is latched and not final."""
    FINISHED = "finished"
    """The row is latched and final."""
    MISSING = "missing"
    """The job was seen and is gone, and no row is ours: the server may have lost it."""
    AMBIGUOUS = "ambiguous"
    """The job is gone, and a finished row could be ours, or ours may have been pruned."""
    REMOVED = "removed"
    """The latched row is no longer in the history."""


@dataclass(frozen=True)
class Snapshot:
    """Jobs and rows of one service.

    The queue is read before the rows: a row turns final before its job leaves the queue, so a row that is
    `running` while the earlier read of the queue had no job for it is an orphan.
    """

    at: float
    """Monotonic seconds of the moment when the reading began."""
    jobs: tuple[QueueJob, ...]
    """The service's jobs that wait or run, in the order in which the server will run them."""
    rows: tuple[DeploymentRecord, ...]
    """The service's rows, newest first."""
    ahead: Mapping[str, int] = field(default_factory=dict)
    """How many jobs of the whole instance the server will run before each of the service's waiting jobs, by job id."""
    failed_jobs: tuple[QueueJob, ...] = ()
    """The service's jobs that failed, from servers that keep them listed (Dokploy Cloud)."""

    def with_rows(self, rows: list[DeploymentRecord], at: float) -> Snapshot:
        """The same jobs with a later reading of the rows."""
        return replace(self, at=at, rows=_newest_first(rows))


def snapshot_of(service_id: str, queue: list[QueueJob], rows: list[DeploymentRecord], at: float) -> Snapshot:
    """Pick one service's jobs out of the instance's queue."""
    own = [(job, ahead) for job, ahead in jobs_in_order(queue) if job.service_id == service_id]
    return Snapshot(
        at=at,
        jobs=tuple(job for job, _ in own if not job.state.is_over),
        rows=_newest_first(rows),
        ahead={job.id: ahead for job, ahead in own if ahead is not None},
        failed_jobs=tuple(job for job in queue if job.state is JobState.FAILED and job.service_id == service_id),
    )


def _newest_first(rows: list[DeploymentRecord]) -> tuple[DeploymentRecord, ...]:
    return tuple(sorted(rows, key=lambda row: row.created_at, reverse=True))


def jobs_in_order(jobs: Iterable[QueueJob]) -> list[tuple[QueueJob, int | None]]:
    """The jobs in the order in which the server runs them, each with how many are ahead of it; None if it has begun.

    What is over comes first, then what runs, then what waits: what runs is ahead of everything that waits, whenever
    it was queued.
    """
    ordered = sorted(jobs, key=_queue_order)
    busy = sum(1 for job in ordered if job.state is not JobState.WAITING and not job.state.is_over)
    waiting = [job.id for job in ordered if job.state is JobState.WAITING]
    places = {identity: busy + place for place, identity in enumerate(waiting)}
    return [(job, places.get(job.id)) for job in ordered]


def _queue_order(job: QueueJob) -> tuple[int, float, int]:
    rank = 2 if job.state is JobState.WAITING else 0 if job.state.is_over else 1
    return rank, job.queued_at.timestamp() if job.queued_at else 0.0, job.number or 0
