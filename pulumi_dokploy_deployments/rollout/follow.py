"""The loop that follows a deployment to its final row. There is one: for a run, for taking one up, for watching."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from pulumi_dokploy_deployments.api.models import DeploymentRecord, QueueJob
from pulumi_dokploy_deployments.api.versions import Capability
from pulumi_dokploy_deployments.rollout import failures
from pulumi_dokploy_deployments.rollout.burst_poll import BurstPoll
from pulumi_dokploy_deployments.rollout.dead_ends import Dead, dead_end
from pulumi_dokploy_deployments.rollout.log_follower import GROWS_SECONDS
from pulumi_dokploy_deployments.rollout.request import WaitFor
from pulumi_dokploy_deployments.rollout.sighting import Sighting
from pulumi_dokploy_deployments.rollout.wait import Wait
from pulumi_dokploy_deployments.waiting.pacing import BURST_SECONDS, Pace, seconds_until_next_look
from pulumi_dokploy_deployments.waiting.progress import Activity, Stage
from pulumi_dokploy_deployments.waiting.snapshot import Phase, Snapshot

QUEUE_EVERY_SECONDS = 15.0
"""While a row runs with its job behind it, the queue is asked so seldom: only a restart parts the two."""
QUEUE_BESIDE_LOG_SECONDS = 45.0
"""The same while a live log is open: a restart would break it."""


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
    queue_at = float("-inf")
    try:
        while True:
            # What the log says during a look counts for the next one.
            if wait.log.wake.is_set():
                wait.log.wake.clear()
                woken_at = wait.clock.monotonic()
            now = wait.clock.monotonic()
            queue_every = QUEUE_BESIDE_LOG_SECONDS if wait.log.is_open else QUEUE_EVERY_SECONDS
            is_late = woken_at is None and now - queue_at >= queue_every
            if snapshot is not None and phase is Phase.RUNNING and not is_late and _row_is_enough(wait, snapshot):
                snapshot = await wait.observe_rows(snapshot)
            else:
                queue_at = now
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
                if not row.status.is_final:
                    wait.log.start(row, wait.service)
                    await wait.log.catch_up(row)
            dead = dead_end(sighting)
            if dead is not None:
                raise await _dead(wait, dead, sighting)
            if row is not None and sighting.phase is Phase.FINISHED:
                return row
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
                is_crowded=wait.context.shared_watcher.is_crowded,
            )
            await _pause(wait, pace, remaining)
    except BaseException:
        await wait.log.close()
        raise


async def _dead(wait: Wait, reason: Dead, sighting: Sighting) -> Exception:
    told = sighting.ended_job.failed_reason if sighting.ended_job is not None else None
    return failures.dead(
        reason,
        wait.service,
        wait.record.deployment,
        await wait.tail(),
        wait.record.link,
        told=told or "",
        survives_restart=await wait.can(Capability.QUEUE_SURVIVES_RESTART),
    )


def _row_is_enough(wait: Wait, seen: Snapshot) -> bool:
    """Whether the queue need not be asked again: the row runs, and its job stood behind it at the last reading.

    Where many wait, one reading of the queue serves them all, and spares them those of the rows. On Dokploy Cloud the
    job says more than the row: one that was cancelled turns `done`.
    """
    running = [job for job in seen.jobs if not job.state.is_waiting]
    is_told_by_job = any(job.is_of_cloud for job in running)
    return bool(running) and not is_told_by_job and not wait.context.shared_watcher.is_crowded


async def _pause(wait: Wait, pace: Pace, longest: float) -> None:
    """Sleep until the next look is due, by what the log does meanwhile, or until its end line comes."""
    began_at = wait.clock.monotonic()
    while not wait.log.wake.is_set():
        pace = replace(pace, log_is_growing=wait.log.is_growing, log_is_open=wait.log.is_open)
        until = began_at + min(seconds_until_next_look(pace), longest)
        left = until - wait.clock.monotonic()
        if left <= 0:
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
