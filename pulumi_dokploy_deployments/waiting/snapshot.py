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
    """The service's jobs that wait or run, its previews' too, in the order in which the server runs them."""
    rows: tuple[DeploymentRecord, ...]
    """The service's rows, newest first."""
    ahead: Mapping[str, int] = field(default_factory=dict)
    """How many jobs the server will run before each of the service's waiting jobs, by job id."""
    ended_jobs: tuple[QueueJob, ...] = ()
    """The service's jobs that failed or were cancelled, from servers that keep them listed (Dokploy Cloud)."""

    def with_rows(self, rows: list[DeploymentRecord], at: float) -> Snapshot:
        """The same jobs with a later reading of the rows."""
        return replace(self, at=at, rows=_newest_first(rows))


class OrderedQueue:
    """One reading of the instance's queue, put in order once for all the services that look into it."""

    def __init__(self, jobs: list[QueueJob]) -> None:
        self._jobs: dict[str | None, list[QueueJob]] = {}
        self._ended: dict[str | None, list[QueueJob]] = {}
        ordered = sorted(jobs, key=queue_order)
        self._ahead = jobs_ahead(ordered)
        for job in ordered:
            if not job.state.is_over:
                self._jobs.setdefault(job.service_id, []).append(job)
            elif job.state in (JobState.FAILED, JobState.CANCELLED):
                self._ended.setdefault(job.service_id, []).append(job)

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
            ahead={job.id: self._ahead[job.id] for job in jobs if job.id in self._ahead},
            ended_jobs=tuple(self._ended.get(service_id, ())),
        )


def snapshot_of(service_id: str, queue: list[QueueJob], rows: list[DeploymentRecord], at: float) -> Snapshot:
    """Pick one service's jobs out of the instance's queue."""
    return OrderedQueue(queue).snapshot(service_id, rows, at)


def jobs_ahead(queue: Iterable[QueueJob]) -> dict[str, int]:
    """How many jobs the server will run before each waiting one, by job id.

    Each server has a line of its own, where a queue in Redis has one for all and names no server in its jobs. What
    runs counts as ahead. Where builds run side by side, a job may start before some of those that are counted.
    """
    found: dict[str, int] = {}
    lines: dict[str | None, int] = {}
    for job in sorted((job for job in queue if not job.state.is_over), key=queue_order):
        place = lines.get(job.data.server_id, 0)
        lines[job.data.server_id] = place + 1
        if job.state.is_waiting:
            found[job.id] = place
    return found


def queue_order(job: QueueJob) -> tuple[int, float, int]:
    """Sorts jobs in the order in which the server runs them: ended ones first, then what runs, then what waits."""
    rank = 0 if job.state.is_over else 2 if job.state.is_waiting else 1
    return rank, job.queued_at.timestamp() if job.queued_at else 0.0, job.number or 0


def _newest_first(rows: list[DeploymentRecord]) -> tuple[DeploymentRecord, ...]:
    return tuple(sorted(rows, key=lambda row: row.created_at, reverse=True))
