"""Which row is ours: a pure state machine over snapshots.

`application.deploy` returns no id (transcript 30). The row appears only when the job starts (timeline 40), and for
git sources its title and description are overwritten right after the end (timeline 242). So the run's mark is looked
for in the queue and in the rows, and the deployment id is latched as soon as a row carries it. Where a build was
too quick for that, the row is found by elimination: the same service's jobs run one after the other in the order of
their numbers, so that rows which are nobody else's can be counted off. What can't be told apart is said to be so;
"the newest row" is never taken.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pulumi_dokploy_deployments.api.models import Deployment, JobState, QueueJob
from pulumi_dokploy_deployments.rollout.nonce import carries
from pulumi_dokploy_deployments.rollout.observation import Snapshot


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
    """The job is gone, and several finished rows could be ours."""
    REMOVED = "removed"
    """The latched row is no longer in the history."""


@dataclass(frozen=True)
class Sighting:
    """What a snapshot says of the run's deployment."""

    phase: Phase
    row: Deployment | None = None
    jobs_ahead: int = 0
    """How many jobs the server will run before ours."""
    missing_seconds: float = 0.0
    """How long neither job nor row has been seen, while the server answered."""
    orphaned_seconds: float = 0.0
    """How long the row has been `running` without a job behind it."""

    @property
    def is_accepted(self) -> bool:
        """Whether the server is known to have taken the request."""
        return self.phase is not Phase.UNSEEN


@dataclass
class Correlator:
    """Follows one run through snapshots.

    Args:
        nonce: the run's mark.
        known_rows: ids of the rows that were there before the trigger.
    """

    nonce: str
    known_rows: frozenset[str]
    deployment_id: str | None = None
    _job: QueueJob | None = None
    _foreign_jobs: dict[str, QueueJob] = field(default_factory=dict)
    _foreign_rows: set[str] = field(default_factory=set)
    _foreign_texts: set[tuple[str, str]] = field(default_factory=set)
    _missing_since: float | None = None
    _orphaned_since: float | None = None

    def observe(self, snapshot: Snapshot) -> Sighting:
        """Take a snapshot in and say where the run's deployment stands."""
        own_job = next((job for job in snapshot.jobs if carries(job.data.description_log, self.nonce)), None)
        self._note_foreign(snapshot)
        if own_job is not None:
            self._job = own_job
        row = self._find_row(snapshot)
        if row is not None:
            self.deployment_id = row.deployment_id
            self._missing_since = None
            return self._latched(row, snapshot)
        if self.deployment_id is not None:
            return Sighting(Phase.REMOVED)
        if own_job is not None:
            self._missing_since = None
            return self._queued(own_job, snapshot)
        return self._by_elimination(snapshot)

    @property
    def job(self) -> QueueJob | None:
        """The run's job as last seen in the queue."""
        return self._job

    def marked_evidence(self, snapshot: Snapshot, *, may_be_overwritten: bool) -> bool | None:
        """Whether the server has the run's request, going by the mark alone.

        None where a row has come up since the trigger whose mark may already be overwritten: it could be ours.
        """
        if any(carries(job.data.description_log, self.nonce) for job in snapshot.jobs):
            return True
        if any(carries(row.description, self.nonce) for row in snapshot.rows):
            return True
        return None if may_be_overwritten and self._candidates(snapshot) else False

    def _find_row(self, snapshot: Snapshot) -> Deployment | None:
        if self.deployment_id is not None:
            return next((row for row in snapshot.rows if row.deployment_id == self.deployment_id), None)
        marked = [row for row in snapshot.rows if carries(row.description, self.nonce)]
        # After a request that was sent again because its answer was lost, two rows may carry the mark: the first
        # is the one that every later look will find as well.
        return marked[-1] if marked else None

    def _latched(self, row: Deployment, snapshot: Snapshot) -> Sighting:
        if row.status.is_final:
            self._orphaned_since = None
            return Sighting(Phase.FINISHED, row)
        if any(job.state is not JobState.WAITING for job in snapshot.jobs):
            self._orphaned_since = None
        elif self._orphaned_since is None:
            self._orphaned_since = snapshot.at
        orphaned = 0.0 if self._orphaned_since is None else snapshot.at - self._orphaned_since
        return Sighting(Phase.RUNNING, row, orphaned_seconds=orphaned)

    def _queued(self, job: QueueJob, snapshot: Snapshot) -> Sighting:
        if job.state is not JobState.WAITING:
            return Sighting(Phase.ACTIVE)
        own_before = sum(1 for other in snapshot.jobs if other is not job and _runs_before(other, job))
        return Sighting(Phase.WAITING, jobs_ahead=snapshot.jobs_before + own_before)

    def _by_elimination(self, snapshot: Snapshot) -> Sighting:
        candidates = self._candidates(snapshot)
        started_at = self._job.started_at if self._job else None
        if candidates and started_at is not None:
            # Jobs of one service run one after the other: the first row after our job's start is ours.
            return self._take(candidates[0], snapshot)
        unexplained = self._unexplained_jobs(snapshot)
        if len(candidates) == 1 and not unexplained:
            return self._take(candidates[0], snapshot)
        if candidates and self._job is not None and len(candidates) == len(unexplained) + 1:
            own = self._job
            return self._take(candidates[sum(1 for job in unexplained if _runs_before(job, own))], snapshot)
        if self._job is None and not candidates:
            return Sighting(Phase.UNSEEN, missing_seconds=self._missing(snapshot))
        phase = Phase.AMBIGUOUS if candidates else Phase.MISSING
        return Sighting(phase, missing_seconds=self._missing(snapshot))

    def _take(self, row: Deployment, snapshot: Snapshot) -> Sighting:
        self.deployment_id = row.deployment_id
        self._missing_since = None
        return self._latched(row, snapshot)

    def _candidates(self, snapshot: Snapshot) -> list[Deployment]:
        """Rows that may be ours although the mark is gone, oldest first."""
        earliest: datetime | None = None
        if self._job is not None:
            earliest = self._job.started_at or self._job.queued_at
        found = [
            row
            for row in snapshot.rows
            if row.deployment_id not in self.known_rows
            and row.deployment_id not in self._foreign_rows
            and row.commit_hash is not None
            and (earliest is None or row.created_at >= earliest)
        ]
        return sorted(found, key=lambda row: row.created_at)

    def _unexplained_jobs(self, snapshot: Snapshot) -> list[QueueJob]:
        """Other people's jobs of this service that left the queue without a row that is known to be theirs."""
        still_there = {job.id for job in snapshot.jobs}
        return [
            job
            for identity, job in self._foreign_jobs.items()
            if identity not in still_there and _texts_of(job) not in self._foreign_texts
        ]

    def _note_foreign(self, snapshot: Snapshot) -> None:
        for job in snapshot.jobs:
            if not carries(job.data.description_log, self.nonce):
                self._foreign_jobs[job.id] = job
        for row in snapshot.rows:
            known = row.deployment_id in self.known_rows or row.deployment_id == self.deployment_id
            if not known and row.commit_hash is None and not carries(row.description, self.nonce):
                self._foreign_rows.add(row.deployment_id)
                self._foreign_texts.add((row.title, row.description or ""))

    def _missing(self, snapshot: Snapshot) -> float:
        if self._missing_since is None:
            self._missing_since = snapshot.at
        return snapshot.at - self._missing_since


def _texts_of(job: QueueJob) -> tuple[str, str]:
    return (job.data.title_log or "", job.data.description_log or "")


def _runs_before(job: QueueJob, other: QueueJob) -> bool:
    if job.state is not JobState.WAITING and other.state is JobState.WAITING:
        return True
    return (job.number or 0) < (other.number or 0)
