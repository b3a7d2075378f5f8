"""Watches a deployment that somebody else started: a given one, or whatever of a service runs or waits."""

from __future__ import annotations

from dataclasses import dataclass, field

from pulumi_dokploy_deployments.api.errors import ApiError
from pulumi_dokploy_deployments.api.models import DeploymentRecord, QueueJob
from pulumi_dokploy_deployments.rollout import failures
from pulumi_dokploy_deployments.rollout.conclude import conclude
from pulumi_dokploy_deployments.rollout.correlation import Orphans
from pulumi_dokploy_deployments.rollout.follow import follow
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.rollout.request import RolloutRequest
from pulumi_dokploy_deployments.rollout.sighting import Sighting
from pulumi_dokploy_deployments.rollout.wait import Wait
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.pacing import usual_seconds
from pulumi_dokploy_deployments.waiting.progress import Activity
from pulumi_dokploy_deployments.waiting.snapshot import Phase, Snapshot

LOOK_EVERY_SECONDS = 1.0
"""How often is looked whether a deployment has begun."""


@dataclass
class Bystander:
    """Picks the deployment that is watched: the given one, else what runs, else what waits longest.

    Args:
        deployment_id: the given one; None for whatever runs or waits.
        known_rows: the rows that were there at the first look.
    """

    deployment_id: str | None
    known_rows: frozenset[str]
    job: QueueJob | None = None
    saw_it_run: bool = False
    """Whether it was over only after the first look."""
    _orphans: Orphans = field(default_factory=Orphans)
    _missing_since: float | None = None

    def latch(self, deployment_id: str, snapshot: Snapshot) -> None:
        """Nothing to latch: no mark is looked for."""

    def take_jobs(self, jobs: tuple[QueueJob, ...]) -> bool:
        """Whether the watched job still waits."""
        own_job = next((job for job in jobs if self.job is not None and job.id == self.job.id), None)
        return own_job is not None and own_job.state.is_waiting and self.deployment_id is None

    def observe(self, snapshot: Snapshot) -> Sighting:
        """Where the watched deployment stands."""
        row = self._row(snapshot)
        if row is not None:
            self.deployment_id, self._missing_since = row.deployment_id, None
            if row.status.is_final:
                self.saw_it_run = self.saw_it_run or row.deployment_id not in self.known_rows
                return Sighting(Phase.FINISHED, row)
            self.saw_it_run = True
            return Sighting(Phase.RUNNING, row, orphaned_seconds=self._orphans.seconds(snapshot))
        if self.deployment_id is not None:
            return Sighting(Phase.REMOVED, missing_seconds=self._missing(snapshot))
        # A preview's rows are not among the service's own.
        jobs = [job for job in snapshot.jobs if not job.is_preview]
        job = next((job for job in jobs if self.job is None or _is_same(job, self.job)), None)
        if job is not None:
            self.job, self._missing_since = job, None
            if job.state.is_waiting:
                return Sighting(Phase.WAITING, jobs_ahead=snapshot.ahead.get(job.id, 0))
            return Sighting(Phase.ACTIVE)
        return Sighting(Phase.MISSING, missing_seconds=self._missing(snapshot))

    def _missing(self, snapshot: Snapshot) -> float:
        if self._missing_since is None:
            self._missing_since = snapshot.at
        return snapshot.at - self._missing_since

    def _row(self, snapshot: Snapshot) -> DeploymentRecord | None:
        if self.deployment_id is not None:
            return next((row for row in snapshot.rows if row.deployment_id == self.deployment_id), None)
        running = [row for row in snapshot.rows if not row.status.is_final]
        # A quick one may be over before it was seen to run.
        fresh = [row for row in snapshot.rows if row.deployment_id not in self.known_rows]
        candidates = running or fresh
        return candidates[-1] if candidates else None


def _is_same(job: QueueJob, known: QueueJob) -> bool:
    """Whether it is the job that was seen before; one of Dokploy Cloud gets another id when it starts."""
    return job.id == known.id or (job.is_of_cloud and job.data == known.data)


async def watch(
    request: RolloutRequest,
    context: RunContext,
    *,
    deployment_id: str | None = None,
    begin_within_seconds: float = 0.0,
    record: RunRecord | None = None,
) -> RunRecord | None:
    """Follow a deployment to its end, and to the proof that it runs where `request.wait_for` asks for that.

    Nothing is sent but reads. What was over before the first look is not judged by what runs now.

    Args:
        request: the service, how long, and how closely; what only matters to a new deployment is ignored.
        context: the server, the clock and the listener.
        deployment_id: the deployment; None for whatever of the service runs or waits.
        begin_within_seconds: where nothing runs or waits, how long to wait for a deployment to begin.
        record: a fresh record that the caller wants to read even when the wait fails.

    Returns:
        The record; None where nothing runs or waits, and nothing began in that time.

    Raises:
        RolloutError: the deployment failed, does not run, is stuck, lost, removed or not over in time.
        ApiError: the server can't be reached any more.
    """
    record = record or RunRecord()
    wait = Wait(request, context, record)
    service = await wait.begin()
    first = await wait.observe()
    record.usual_seconds = usual_seconds(first.rows)
    record.known_rows = tuple(row.deployment_id for row in first.rows)
    bystander = Bystander(deployment_id, frozenset(record.known_rows))
    if not await _has_begun(wait, bystander, first, wait.clock.monotonic() + begin_within_seconds):
        return None
    try:
        row = await follow(wait, bystander)
        if not bystander.saw_it_run:
            wait.request = request.without_proof()
        await conclude(wait, row)
    except ApiError as error:
        raise failures.contact_lost(service, record.deployment, error, record.link) from None
    finally:
        await wait.log.close()
    return record


async def _has_begun(wait: Wait, bystander: Bystander, snapshot: Snapshot, until: float) -> bool:
    """Whether there is something to follow, at once or before that moment."""
    until = min(until, wait.deadline)
    while bystander.observe(snapshot).phase is Phase.MISSING:
        left = until - wait.clock.monotonic()
        if left <= 0:
            return False
        wait.tell(Activity.NOTE, "waiting for a deployment to begin")
        await wait.clock.sleep(min(left, LOOK_EVERY_SECONDS))
        snapshot = await wait.observe()
    return True
