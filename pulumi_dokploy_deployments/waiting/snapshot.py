"""What was seen of one service at one moment: its jobs first, its rows after."""

from __future__ import annotations

from collections.abc import Mapping
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
    """How many jobs of the whole instance the server will run before each of the service's jobs, by job id."""
    failed_jobs: tuple[QueueJob, ...] = ()
    """The service's jobs that failed, from servers that keep them listed (Dokploy Cloud)."""

    def with_rows(self, rows: list[DeploymentRecord], at: float) -> Snapshot:
        """The same jobs with a later reading of the rows."""
        return replace(self, at=at, rows=_newest_first(rows))


class OrderedQueue:
    """One reading of the instance's queue, put in order once for all the services that look into it."""

    def __init__(self, jobs: list[QueueJob]) -> None:
        self._jobs: dict[str | None, list[QueueJob]] = {}
        self._failed: dict[str | None, list[QueueJob]] = {}
        self._places: dict[str, int] = {}
        ordered = sorted((job for job in jobs if not job.state.is_over), key=_queue_order)
        for place, job in enumerate(ordered):
            self._places[job.id] = place
            self._jobs.setdefault(job.service_id, []).append(job)
        for job in jobs:
            if job.state is JobState.FAILED:
                self._failed.setdefault(job.service_id, []).append(job)

    def jobs_of(self, service_id: str) -> tuple[QueueJob, ...]:
        """The service's jobs that wait or run, in the order in which the server will run them."""
        return tuple(self._jobs.get(service_id, ()))

    def snapshot(self, service_id: str, rows: list[DeploymentRecord], at: float) -> Snapshot:
        """One service's jobs out of the instance's queue, and its rows."""
        jobs = self.jobs_of(service_id)
        return Snapshot(
            at=at,
            jobs=jobs,
            rows=_newest_first(rows),
            ahead={job.id: self._places[job.id] for job in jobs},
            failed_jobs=tuple(self._failed.get(service_id, ())),
        )


def snapshot_of(service_id: str, queue: list[QueueJob], rows: list[DeploymentRecord], at: float) -> Snapshot:
    """Pick one service's jobs out of the instance's queue."""
    return OrderedQueue(queue).snapshot(service_id, rows, at)


def _newest_first(rows: list[DeploymentRecord]) -> tuple[DeploymentRecord, ...]:
    return tuple(sorted(rows, key=lambda row: row.created_at, reverse=True))


def _queue_order(job: QueueJob) -> tuple[float, int]:
    return (job.queued_at.timestamp() if job.queued_at else 0.0, job.number or 0)
