"""Which row is ours: a pure state machine over snapshots.

`application.deploy` returns no id (transcript 30). The row appears only when the job starts (timeline 40), and for
git sources its title and description are overwritten right after the end (timeline 242). So the run's mark is looked
for in the queue and in the rows, and the deployment id is latched as soon as a row carries it. Where a build was
over before its row was seen, only the start of our job tells: a service's jobs run one after the other, and the row
comes some 40 ms after the start (transcript 200). Without having seen the start, nothing is concluded: a single new
row may be somebody else's just as well, for waiting jobs are lost at a restart and when a colleague clears the queue.
What can't be told apart is said to be so; "the newest row" is never taken.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

from pulumi_dokploy_deployments.api.models import DeploymentRecord, DeploymentStatus, QueueJob
from pulumi_dokploy_deployments.rollout.mark import carries
from pulumi_dokploy_deployments.rollout.sighting import Sighting
from pulumi_dokploy_deployments.waiting.snapshot import Phase, Snapshot

KEPT_ROWS = 10
"""So many of a service's rows survive the pruning before each new one (transcript 150)."""
RESTART_TAKES_SECONDS = 4.0
"""No server restarts in less: connections were refused for six seconds (transcripts 140, 141)."""
ROW_FOLLOWS = timedelta(seconds=1)
"""The row comes so soon after its job's start; after a restart no other row can."""
CLOUD_SETTLES_SECONDS = 30.0
"""So long Dokploy Cloud may list the job of a `done` row as active. Someone who cancels it there gets that row at
once, while the build goes on, and only the job tells (read in the source)."""


@dataclass
class Orphans:
    """How long a row has been `running` without a job behind it."""

    _since: float | None = None

    def seconds(self, snapshot: Snapshot) -> float:
        """Seconds up to this snapshot, in which the row runs."""
        if any(not job.state.is_waiting and not job.is_preview for job in snapshot.jobs):
            self._since = None
        elif self._since is None:
            self._since = snapshot.at
        return 0.0 if self._since is None else snapshot.at - self._since


@dataclass
class Correlator:
    """Follows one run through snapshots.

    Args:
        nonce: the run's mark.
        known_rows: ids of the rows that were there before the trigger.
        may_be_overwritten: whether the server puts the commit in the mark's place at the end.
    """

    nonce: str
    known_rows: frozenset[str]
    may_be_overwritten: bool = True
    deployment_id: str | None = None
    was_carried_out_twice: bool = False
    """Whether a second row with the mark has come up."""
    runs_again: bool = False
    """Whether the server ran the same job, or runs a second one with the mark, after the first row was final."""
    _sent_at: float | None = None
    _job: QueueJob | None = None
    _foreign_rows: set[str] = field(default_factory=set)
    _saw_foreign_job: bool = False
    _missing_since: float | None = None
    _orphans: Orphans = field(default_factory=Orphans)
    _ended_since: float | None = None
    _done_since: float | None = None

    def before(self, snapshot: Snapshot) -> None:
        """What stands in the queue before the trigger is somebody else's."""
        self._note_foreign(snapshot)

    def accepted(self, sent_at: float) -> None:
        """The server's yes has come, without any fault on the way, to the request sent at this monotonic time.

        The time of the yes itself says nothing: it can be late, and meanwhile others clear the queue and deploy.
        """
        self._sent_at = sent_at

    def latch(self, deployment_id: str, snapshot: Snapshot) -> None:
        """The row with the mark has been seen by an earlier look; a snapshot from before it came says nothing."""
        if self.deployment_id is None and any(row.deployment_id == deployment_id for row in snapshot.rows):
            self.deployment_id = deployment_id

    def take_jobs(self, jobs: tuple[QueueJob, ...]) -> bool:
        """Keep what the queue shows, whatever becomes of the reading of the rows after it.

        True while the run's own job waits: then there is no row yet, and the rows need not be known.
        """
        own_job = self._own(jobs)
        self._note_foreign_jobs(jobs)
        self._job = own_job or self._job
        return own_job is not None and own_job.state.is_waiting and self.deployment_id is None

    def observe(self, snapshot: Snapshot) -> Sighting:
        """Take a snapshot in and say where the run's deployment stands."""
        sighting = self._stands(snapshot)
        ended = self._own(snapshot.ended_jobs)
        row = sighting.row
        is_told = row is not None and row.status.is_final and row.status is not DeploymentStatus.DONE
        if ended is None or is_told or self._own(snapshot.jobs) is not None:
            self._ended_since = None
            return sighting
        if self._ended_since is None:
            self._ended_since = snapshot.at
        return replace(sighting, ended_job=ended, ended_seconds=snapshot.at - self._ended_since)

    def _stands(self, snapshot: Snapshot) -> Sighting:
        own_job = self._own(snapshot.jobs)
        self._note_foreign(snapshot)
        if own_job is not None:
            self._job = own_job
        row = self._find_row(snapshot)
        if row is not None:
            if self.deployment_id not in (None, row.deployment_id):
                self.was_carried_out_twice = True
            self.deployment_id = row.deployment_id
            self._missing_since = None
            return self._latched(row, own_job, snapshot)
        if self.deployment_id is not None:
            return Sighting(Phase.REMOVED, missing_seconds=self._missing(snapshot))
        if own_job is not None:
            self._missing_since = None
            return self._queued(own_job, snapshot)
        return self._without_mark(snapshot)

    @property
    def job(self) -> QueueJob | None:
        """The run's job as last seen in the queue."""
        return self._job

    def evidence(self, snapshot: Snapshot) -> bool | None:
        """Whether the server has the run's request, going by the mark alone.

        None where a row has come up since the trigger whose mark may already be overwritten: it could be ours.
        """
        if any(carries(job.data.description_log, self.nonce) for job in (*snapshot.jobs, *snapshot.ended_jobs)):
            return True
        if any(carries(row.description, self.nonce) for row in snapshot.rows):
            return True
        if self.known_rows and not snapshot.rows:
            # A history does not vanish: the list is no answer to go by.
            return None
        return None if self._candidates(snapshot) or self._may_be_pruned(snapshot) else False

    def _own(self, jobs: tuple[QueueJob, ...]) -> QueueJob | None:
        return next((job for job in jobs if carries(job.data.description_log, self.nonce)), None)

    def _find_row(self, snapshot: Snapshot) -> DeploymentRecord | None:
        """The run's newest row. A second one with the mark comes of a request that a proxy delivered late, and of a
        job that a server with its queue in Redis runs again after a restart (timeline 601).
        """
        latched = next((row for row in snapshot.rows if row.deployment_id == self.deployment_id), None)
        marked = next((row for row in snapshot.rows if carries(row.description, self.nonce)), None)
        if latched is None or marked is None:
            return latched if self.deployment_id is not None and marked is None else marked
        return marked if marked.created_at > latched.created_at else latched

    def _latched(self, row: DeploymentRecord, own_job: QueueJob | None, snapshot: Snapshot) -> Sighting:
        if row.status.is_final:
            if own_job is not None and _runs_again(row, own_job):
                self.runs_again = True
                return self._queued(own_job, snapshot)
            if row.status is DeploymentStatus.DONE and own_job is not None and self._is_settling(own_job, snapshot):
                return Sighting(Phase.RUNNING, row)
            return Sighting(Phase.FINISHED, row)
        if not row.status.is_known and own_job is not None and own_job.state.is_waiting:
            # Only a server newer than this package makes the row of a job that still waits.
            return self._queued(own_job, snapshot)
        orphaned = self._orphans.seconds(snapshot)
        return Sighting(Phase.RUNNING, row, orphaned_seconds=0.0 if own_job is not None else orphaned)

    def _is_settling(self, own_job: QueueJob, snapshot: Snapshot) -> bool:
        """Whether Dokploy Cloud has still to say how the job of a `done` row has ended."""
        if not own_job.is_of_cloud:
            return False
        if self._done_since is None:
            self._done_since = snapshot.at
        return snapshot.at - self._done_since < CLOUD_SETTLES_SECONDS

    def _queued(self, job: QueueJob, snapshot: Snapshot) -> Sighting:
        if not job.state.is_waiting:
            return Sighting(Phase.ACTIVE)
        return Sighting(Phase.WAITING, jobs_ahead=snapshot.ahead.get(job.id, 0))

    def _without_mark(self, snapshot: Snapshot) -> Sighting:
        candidates = self._candidates(snapshot)
        row = self._first_after_start(snapshot)
        if row is not None and row in candidates:
            return self._take(row, snapshot)
        if len(candidates) == 1 and self._must_have_run(snapshot):
            return self._take(candidates[0], snapshot)
        is_open = bool(candidates) or self._may_be_pruned(snapshot)
        if self._job is None and not is_open:
            return Sighting(Phase.UNSEEN, missing_seconds=self._missing(snapshot))
        phase = Phase.AMBIGUOUS if is_open else Phase.MISSING
        return Sighting(phase, missing_seconds=self._missing(snapshot))

    def _first_after_start(self, snapshot: Snapshot) -> DeploymentRecord | None:
        """The row that our job made, if the job's start was seen and the history reaches back to it."""
        started_at = self._job.started_at if self._job else None
        if started_at is None:
            return None
        later = [row for row in snapshot.rows if row.created_at >= started_at]
        reaches_back = len(later) < len(snapshot.rows) or len(snapshot.rows) < KEPT_ROWS
        first = min(later, key=lambda row: row.created_at, default=None)
        if first is None or not reaches_back or first.created_at - started_at > ROW_FOLLOWS:
            return None
        return first

    def _must_have_run(self, snapshot: Snapshot) -> bool:
        """Whether our job can only have made a row: sent a moment ago, and no job of the service is left.

        A restart takes longer than that moment (transcript 140), so that a single new row is our job's. Where another
        job of the service was seen, the row may be that one's, and ours may have been dropped while it waited.
        """
        if self._sent_at is None or self._job is not None or self._saw_foreign_job:
            return False
        return not self._may_be_pruned(snapshot) and 0 <= snapshot.at - self._sent_at <= RESTART_TAKES_SECONDS

    def _may_be_pruned(self, snapshot: Snapshot) -> bool:
        """Whether the row could have come and gone: none is left of those that were there before the trigger."""
        return len(snapshot.rows) >= KEPT_ROWS and not any(
            row.deployment_id in self.known_rows for row in snapshot.rows
        )

    def _take(self, row: DeploymentRecord, snapshot: Snapshot) -> Sighting:
        self.deployment_id = row.deployment_id
        self._missing_since = None
        return self._latched(row, None, snapshot)

    def _candidates(self, snapshot: Snapshot) -> list[DeploymentRecord]:
        """Rows that may be ours although the mark is gone."""
        if not self.may_be_overwritten:
            return []
        earliest = (self._job.started_at or self._job.queued_at) if self._job else None
        return [
            row
            for row in snapshot.rows
            if row.deployment_id not in self.known_rows
            and row.deployment_id not in self._foreign_rows
            and row.commit_hash is not None
            and (earliest is None or row.created_at >= earliest)
        ]

    def _note_foreign(self, snapshot: Snapshot) -> None:
        """Remember that there are others, and their rows, before the commit overwrites whose they are."""
        self._note_foreign_jobs(snapshot.jobs)
        for row in snapshot.rows:
            if row.commit_hash is None and not carries(row.description, self.nonce):
                self._foreign_rows.add(row.deployment_id)

    def _note_foreign_jobs(self, jobs: tuple[QueueJob, ...]) -> None:
        """Previews are no others: their rows are not among the service's."""
        if any(not job.is_preview and not carries(job.data.description_log, self.nonce) for job in jobs):
            self._saw_foreign_job = True

    def _missing(self, snapshot: Snapshot) -> float:
        if self._missing_since is None:
            self._missing_since = snapshot.at
        return snapshot.at - self._missing_since


def _runs_again(row: DeploymentRecord, job: QueueJob) -> bool:
    """Whether a job with the mark is still to make a row after this final one.

    A row turns final a moment before its job leaves the queue, and the queue is read before the rows. So a job from
    before the row says nothing, unless the row was cancelled by a restart that the job has survived. Dokploy Cloud
    runs nothing again.
    """
    if job.is_of_cloud:
        return False
    if row.status is DeploymentStatus.CANCELLED:
        return True
    if job.queued_at is not None and job.queued_at > row.created_at:
        return True
    return job.started_at is not None and job.started_at > row.created_at + ROW_FOLLOWS
