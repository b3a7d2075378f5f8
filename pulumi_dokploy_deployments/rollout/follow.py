"""The loop that follows a deployment to its final row. There is one: for a run, for taking one up, for watching."""

from __future__ import annotations

from typing import Protocol

from pulumi_dokploy_deployments.api.models import DeploymentRecord, QueueJob
from pulumi_dokploy_deployments.rollout import failures
from pulumi_dokploy_deployments.rollout.burst_poll import BurstPoll
from pulumi_dokploy_deployments.rollout.dead_ends import dead_end
from pulumi_dokploy_deployments.rollout.log_follower import GROWS_SECONDS
from pulumi_dokploy_deployments.rollout.request import WaitFor
from pulumi_dokploy_deployments.rollout.sighting import Sighting
from pulumi_dokploy_deployments.rollout.wait import Wait
from pulumi_dokploy_deployments.waiting.pacing import BURST_SECONDS, Pace, seconds_until_next_look
from pulumi_dokploy_deployments.waiting.progress import Activity, Stage
from pulumi_dokploy_deployments.waiting.snapshot import Phase, Snapshot


class Tracker(Protocol):
    """Picks one deployment out of what is seen of a service."""

    @property
    def job(self) -> QueueJob | None:
        """Its job as last seen in the queue."""

    def take_jobs(self, jobs: tuple[QueueJob, ...]) -> bool:
        """Take in the service's jobs alone; whether they tell where the deployment stands."""

    def observe(self, snapshot: Snapshot) -> Sighting:
        """Take a snapshot in and say where the deployment stands."""

    def latch(self, deployment_id: str, snapshot: Snapshot) -> None:
        """Take the row with this id for the deployment, if the snapshot has it."""


async def follow(
    wait: Wait, tracker: Tracker, *, not_before: float = float("-inf"), burst: BurstPoll | None = None
) -> DeploymentRecord:
    """Look until the deployment's row is final, or has started where no more is asked for.

    Args:
        wait: deadline, retries, log and record.
        tracker: says which row it is.
        not_before: readings that began earlier (monotonic) say nothing.
        burst: early looks that may have caught the row; stopped as soon as it is known.

    The log is left open where the row is final, for what is still on its way (`LogFollower.finish`).

    Raises:
        RolloutError: it is lost, stuck, removed, can't be told from others, or not over in time.
        ApiError: the server could not be asked any more.
    """
    phase, phase_since = Phase.UNSEEN, wait.clock.monotonic()
    woken_at: float | None = None
    snapshot: Snapshot | None = None
    try:
        while True:
            # What the log says during a look counts for the next one.
            if wait.log.wake.is_set():
                wait.log.wake.clear()
                woken_at = wait.clock.monotonic()
            if woken_at is not None and snapshot is not None and phase is Phase.RUNNING:
                # The end is near: only the row tells of it, and the queue need not be asked.
                snapshot = await wait.observe_rows(snapshot)
            else:
                snapshot = await wait.observe(not_before, tracker.take_jobs)
            if burst is not None and burst.deployment_id is not None:
                tracker.latch(burst.deployment_id, snapshot)
            sighting = tracker.observe(snapshot)
            if burst is not None and (sighting.row is not None or sighting.phase is Phase.WAITING):
                await burst.stop()
            if sighting.phase is not phase:
                phase, phase_since = sighting.phase, wait.clock.monotonic()
            _note(wait, sighting, tracker)
            row = sighting.row
            if row is not None:
                if wait.request.wait_for is WaitFor.NONE:
                    await wait.log.close()
                    return row
                if row.status.is_final:
                    return row
                wait.log.start(row, wait.service)
                await wait.log.catch_up(row)
            dead = dead_end(sighting)
            if dead is not None:
                tail = await wait.tail()
                raise failures.dead(dead, wait.service, wait.record.deployment, tail, wait.record.link)
            remaining = wait.remaining
            if remaining <= 0:
                raise await wait.too_late()
            now = wait.clock.monotonic()
            if woken_at is not None and now - woken_at >= BURST_SECONDS:
                woken_at = None
            pace = Pace(
                phase,
                in_phase_seconds=now - phase_since,
                usual=wait.record.usual_seconds,
                jobs_ahead=sighting.jobs_ahead,
                since_end_line=None if woken_at is None else now - woken_at,
                log_is_growing=wait.log.is_growing,
            )
            await _pause(wait, pace, min(seconds_until_next_look(pace), remaining))
    except BaseException:
        await wait.log.close()
        raise


async def _pause(wait: Wait, pace: Pace, seconds: float) -> None:
    """Sleep until the next look, the log's end line, or the moment when the log that was relied on falls silent."""
    until = wait.clock.monotonic() + seconds
    while not wait.log.wake.is_set():
        left = until - wait.clock.monotonic()
        if left <= 0 or (pace.log_is_growing and not wait.log.is_growing):
            return
        await wait.clock.sleep(min(left, GROWS_SECONDS), wake=wait.log.wake)


def _note(wait: Wait, sighting: Sighting, tracker: Tracker) -> None:
    """Write down what was seen, and tell it."""
    record, job = wait.record, tracker.job
    if job is not None and job.queued_at is not None:
        record.queued_at = job.queued_at
    if sighting.phase is Phase.WAITING:
        wait.tell(Activity.QUEUED, jobs_ahead=sighting.jobs_ahead)
    elif sighting.phase is Phase.ACTIVE:
        _started(wait)
        record.stage = Stage.STARTING
        wait.tell(Activity.STARTING)
    elif sighting.row is not None:
        _started(wait, sighting.row)
        record.deployment = sighting.row
        if wait.log.stages.stage is not Stage.QUEUED:
            record.stage = wait.log.stages.stage
        elif record.stage is Stage.QUEUED:
            record.stage = Stage.STARTING
        if not sighting.row.status.is_final:
            wait.tell(Activity.RUNNING, sighting.row.status.value)


def _started(wait: Wait, row: DeploymentRecord | None = None) -> None:
    if wait.started_at is not None:
        return
    ago = 0.0
    if row is not None and row.started_at is not None:
        ago = max(0.0, (wait.clock.now() - row.started_at).total_seconds())
    # A clock that differs by more than the wait's own past would tell nonsense.
    wait.started_at = wait.clock.monotonic() - ago
