"""The one loop that follows a deployment: when it looks, when it stops, and what it tells on the way."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any, cast

import pytest

from pulumi_dokploy_deployments.api.models import DeploymentRecord, QueueJob, Service
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.rollout.burst_poll import BurstPoll
from pulumi_dokploy_deployments.rollout.errors import (
    DeploymentLost,
    DeploymentRemoved,
    DeploymentStuck,
    DeploymentTimedOut,
    DeploymentUnidentified,
    RolloutError,
)
from pulumi_dokploy_deployments.rollout.follow import follow
from pulumi_dokploy_deployments.rollout.log_follower import GROWS_SECONDS, LogFollower
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.rollout.request import RolloutRequest, WaitFor
from pulumi_dokploy_deployments.rollout.sighting import Sighting
from pulumi_dokploy_deployments.rollout.stages import StageReader
from pulumi_dokploy_deployments.rollout.wait import Wait
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.pacing import HEARTBEAT_SECONDS
from pulumi_dokploy_deployments.waiting.progress import Activity, Progress, Stage
from pulumi_dokploy_deployments.waiting.snapshot import Phase, Snapshot
from tests.support.builders import SERVICE_ID, job, moment, row
from tests.support.fake_dokploy import FakeDokploy
from tests.support.listener import Listener
from tests.support.virtual_clock import VirtualClock

QUEUE, ROWS = "deployment.queueList", "deployment.all"
RUNNING = row("ours")
DONE = row("ours", status="done", ended=30.0)


class Course:
    """A tracker that sees what a test says, from given seconds on."""

    def __init__(self, clock: VirtualClock, *sights: tuple[float, Sighting], job: QueueJob | None = None) -> None:
        self.job = job
        self.latched: list[str] = []
        self.looks: list[float] = []
        self._clock, self._sights = clock, sights

    def take_jobs(self, jobs: tuple[QueueJob, ...]) -> bool:
        return False

    def observe(self, snapshot: Snapshot) -> Sighting:
        self.looks.append(self._clock.elapsed)
        return [sighting for at, sighting in self._sights if at <= self._clock.elapsed][-1]

    def latch(self, deployment_id: str, snapshot: Snapshot) -> None:
        self.latched.append(deployment_id)


class Log:
    """A log that grows and says that the end is near when a test says so."""

    def __init__(self, clock: VirtualClock, grows_until: float = 0.0) -> None:
        self.wake = asyncio.Event()
        self.stages = StageReader()
        self.begun: list[str] = []
        self.caught_up = 0
        self.closed = 0
        self._clock, self._grows_until = clock, grows_until

    @property
    def is_growing(self) -> bool:
        return self._clock.elapsed < self._grows_until

    @property
    def is_open(self) -> bool:
        return self.is_growing

    def start(self, row: DeploymentRecord, service: Service) -> None:
        self.begun.append(row.deployment_id)

    async def catch_up(self, row: DeploymentRecord) -> None:
        self.caught_up += 1

    async def end_of(self, row: DeploymentRecord, service: Service) -> list[str]:
        return []

    async def close(self) -> None:
        self.closed += 1


class Burst:
    """Early looks that have found a row, or not."""

    def __init__(self, deployment_id: str | None = None) -> None:
        self.deployment_id = deployment_id
        self.stopped_at: list[float] = []
        self.clock: VirtualClock | None = None

    async def stop(self) -> None:
        assert self.clock is not None
        self.stopped_at.append(self.clock.elapsed)


class Followed:
    """A wait over a fake server, with a log that tests control."""

    def __init__(self, clock: VirtualClock, grows_until: float = 0.0, **request: Any) -> None:
        self.clock = clock
        self.fake, self.told = FakeDokploy(clock), Listener()
        context = RunContext(self.fake, clock, self.told, has_live_log=False)
        asked = RolloutRequest(ServiceRef(self.fake.service.kind, SERVICE_ID), **request)
        self.record = RunRecord(service=self.fake.service, link="https://dokploy.example.com/shop")
        self.wait = Wait(asked, context, self.record)
        self.log = Log(clock, grows_until)
        self.wait.log = cast(LogFollower, self.log)

    async def to_the_end(self, course: Course, burst: Burst | None = None) -> DeploymentRecord:
        if burst is not None:
            burst.clock = self.clock
        return await follow(self.wait, course, burst=cast(BurstPoll, burst))

    def told_of(self, activity: Activity) -> list[Progress]:
        return [each for each in self.told.progresses if each.activity is activity]


def running(**more: Any) -> Sighting:
    return Sighting(Phase.RUNNING, RUNNING, **more)


FINISHED = Sighting(Phase.FINISHED, DONE)

# --- when it stops ----------------------------------------------------------------------------------------------


async def test_it_ends_with_the_final_row_and_leaves_the_log_open_for_what_is_on_its_way(clock: VirtualClock) -> None:
    followed = Followed(clock)
    assert await followed.to_the_end(Course(clock, (0, running()), (30, FINISHED))) is DONE
    assert followed.record.deployment is DONE
    assert followed.log.closed == 0
    assert set(followed.log.begun) == {"ours"}
    assert followed.log.caught_up > 10, "what no stream brings is read on the way"


async def test_where_no_more_is_asked_for_it_ends_when_the_row_is_there(clock: VirtualClock) -> None:
    followed = Followed(clock, wait_for=WaitFor.NONE)
    course = Course(clock, (0, Sighting(Phase.WAITING, jobs_ahead=1)), (20, running()), (30, FINISHED))
    assert await followed.to_the_end(course) is RUNNING
    assert clock.elapsed < 21.0
    assert (followed.log.closed, followed.log.begun) == (1, [])


@pytest.mark.parametrize(
    ("sighting", "error"),
    [
        (Sighting(Phase.MISSING, missing_seconds=600.0), DeploymentLost),
        (Sighting(Phase.UNSEEN, missing_seconds=600.0), DeploymentLost),
        (Sighting(Phase.AMBIGUOUS, missing_seconds=600.0), DeploymentUnidentified),
        (Sighting(Phase.REMOVED, missing_seconds=600.0), DeploymentRemoved),
        (running(orphaned_seconds=600.0), DeploymentStuck),
    ],
)
async def test_a_dead_end_is_told_at_once_and_the_log_is_left(
    clock: VirtualClock, sighting: Sighting, error: type[RolloutError]
) -> None:
    followed = Followed(clock)
    with pytest.raises(error) as caught:
        await followed.to_the_end(Course(clock, (0, running()), (10, sighting)))
    assert clock.elapsed < 12.0
    assert followed.log.closed == 1
    assert caught.value.link == followed.record.link
    assert 'application "shop"' in str(caught.value)


async def test_the_deadline_is_kept_to_the_moment(clock: VirtualClock) -> None:
    followed = Followed(clock, timeout_seconds=33.3)
    with pytest.raises(DeploymentTimedOut):
        await followed.to_the_end(Course(clock, (0, running())))
    assert clock.elapsed == pytest.approx(33.3, abs=0.1)
    assert followed.log.closed == 1


async def test_an_end_that_is_seen_at_the_deadline_counts(clock: VirtualClock) -> None:
    followed = Followed(clock, timeout_seconds=33.3)
    assert await followed.to_the_end(Course(clock, (0, running()), (33.3, FINISHED))) is DONE


async def test_one_that_is_broken_off_leaves_the_log(clock: VirtualClock) -> None:
    followed = Followed(clock)
    task = asyncio.ensure_future(followed.to_the_end(Course(clock, (0, running()))))

    def break_off() -> None:
        task.cancel()

    clock.after(20.0, break_off)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert followed.log.closed == 1


# --- when it looks ----------------------------------------------------------------------------------------------


async def test_a_growing_log_takes_the_place_of_most_looks(clock: VirtualClock) -> None:
    course = Course(clock, (0, running()), (100, FINISHED))
    await Followed(clock, grows_until=200.0).to_the_end(course)
    pauses = [later - at for at, later in itertools.pairwise(course.looks)]
    assert len(pauses) <= 15
    assert max(pauses) == pytest.approx(HEARTBEAT_SECONDS, abs=0.1)


async def test_a_log_that_falls_silent_is_relied_on_no_longer(clock: VirtualClock) -> None:
    course = Course(clock, (0, running()), (100, FINISHED))
    await Followed(clock, grows_until=31.0).to_the_end(course)
    silent = [at for at in course.looks if at >= 31.0]
    assert silent[0] <= 31.0 + GROWS_SECONDS
    assert max(later - at for at, later in itertools.pairwise(silent)) < HEARTBEAT_SECONDS / 4


async def test_the_log_s_end_line_is_followed_by_quick_looks_at_the_rows_alone(clock: VirtualClock) -> None:
    followed = Followed(clock, grows_until=200.0)
    followed.fake.foreign("ours", 600.0)
    course = Course(clock, (0, running()), (51.2, FINISHED))
    asked: list[int] = []

    def says_the_end() -> None:
        followed.log.wake.set()
        asked.append(followed.fake.calls[QUEUE])

    clock.after(50.0, says_the_end)
    await followed.to_the_end(course)
    assert clock.elapsed < 52.0
    assert [at for at in course.looks if 50.0 <= at < 50.1], "at once"
    assert followed.fake.calls[QUEUE] == asked[0], "the queue need not be asked"
    assert not followed.log.wake.is_set()


async def test_an_end_line_that_was_none_is_forgotten_and_the_queue_is_asked_again(clock: VirtualClock) -> None:
    followed = Followed(clock)
    asked: list[int] = []
    clock.after(20.0, followed.log.wake.set)
    clock.after(33.0, lambda: asked.append(followed.fake.calls[QUEUE]))
    await followed.to_the_end(Course(clock, (0, running()), (60, FINISHED)))
    assert followed.fake.calls[QUEUE] > asked[0] + 3


async def test_an_end_line_before_the_row_was_seen_spares_nothing(clock: VirtualClock) -> None:
    followed = Followed(clock)
    followed.log.wake.set()
    course = Course(clock, (0, Sighting(Phase.WAITING)), (2, running()), (3, FINISHED))
    await followed.to_the_end(course)
    assert followed.fake.calls[QUEUE] > 2


async def test_the_pace_begins_anew_with_each_phase(clock: VirtualClock) -> None:
    """A row that was long in coming is looked for quickly once its job has started."""
    course = Course(
        clock, (0, Sighting(Phase.WAITING, jobs_ahead=9)), (100, Sighting(Phase.ACTIVE)), (101, running()),
        (102, FINISHED),
    )  # fmt: skip
    await Followed(clock).to_the_end(course)
    started = [at for at in course.looks if 100.0 <= at < 101.0]
    assert started[1] - started[0] < 0.15
    assert len(started) >= 4


@pytest.mark.parametrize(("ahead", "pause"), [(0, 0.2), (1, 0.2), (2, 0.4), (9, 0.5)])
async def test_the_more_jobs_are_ahead_the_fewer_looks_there_are(clock: VirtualClock, ahead: int, pause: float) -> None:
    course = Course(clock, (0, Sighting(Phase.WAITING, jobs_ahead=ahead)), (60, FINISHED))
    await Followed(clock).to_the_end(course)
    assert course.looks[-2] - course.looks[-3] == pytest.approx(pause, abs=0.06)


@pytest.mark.parametrize(("usual", "pause"), [(10.0, 2.4), (200.0, 4.0), (600.0, 10.1)])
async def test_the_longer_a_service_usually_builds_the_fewer_looks_there_are(
    clock: VirtualClock, usual: float, pause: float
) -> None:
    followed, course = Followed(clock), Course(clock, (0, running()), (120, FINISHED))
    followed.record.usual_seconds = usual
    await followed.to_the_end(course)
    assert course.looks[-2] - course.looks[-3] == pytest.approx(pause, abs=0.15)


# --- early looks ------------------------------------------------------------------------------------------------


async def test_a_row_that_an_early_look_caught_is_handed_to_the_tracker(clock: VirtualClock) -> None:
    course, burst = Course(clock, (0, FINISHED)), Burst("ours")
    await Followed(clock).to_the_end(course, burst)
    assert course.latched == ["ours"]


@pytest.mark.parametrize("known", [running(), Sighting(Phase.WAITING)])
async def test_early_looks_stop_as_soon_as_the_deployment_is_known(clock: VirtualClock, known: Sighting) -> None:
    course, burst = Course(clock, (0, Sighting(Phase.UNSEEN)), (5, known), (9, FINISHED)), Burst()
    await Followed(clock).to_the_end(course, burst)
    assert 5.0 <= burst.stopped_at[0] < 7.0
    assert course.latched == []


# --- what it tells ----------------------------------------------------------------------------------------------


async def test_each_phase_is_told_and_noted(clock: VirtualClock) -> None:
    followed = Followed(clock)
    waiting = Sighting(Phase.WAITING, jobs_ahead=2)
    course = Course(
        clock, (0, waiting), (10, Sighting(Phase.ACTIVE)), (12, running()), (20, FINISHED), job=job(1, queued=-3.0)
    )
    await followed.to_the_end(course)
    assert {each.jobs_ahead for each in followed.told_of(Activity.QUEUED)} == {2}
    assert {each.stage for each in followed.told_of(Activity.STARTING)} == {Stage.STARTING}
    assert {each.detail for each in followed.told_of(Activity.RUNNING)} == {"running"}
    assert followed.record.queued_at == moment(-3.0)
    assert followed.told_of(Activity.QUEUED)[0].elapsed_seconds is None
    assert followed.record.stage is Stage.STARTING
    assert followed.told.progresses[-1].activity is Activity.RUNNING, "that it is final is told with the proof"


async def test_a_job_without_a_time_leaves_the_one_that_was_seen(clock: VirtualClock) -> None:
    followed = Followed(clock)
    followed.record.queued_at = moment(-3.0)
    timeless = job(1).model_copy(update={"queued_at": None})
    await followed.to_the_end(Course(clock, (0, FINISHED), job=timeless))
    assert followed.record.queued_at == moment(-3.0)


async def test_the_stage_is_the_log_s_where_it_tells_one(clock: VirtualClock) -> None:
    followed = Followed(clock)
    followed.log.stages.stage = Stage.BUILD
    await followed.to_the_end(Course(clock, (0, running()), (2, FINISHED)))
    assert followed.record.stage is Stage.BUILD


async def test_a_stage_that_was_reached_is_not_taken_back_by_a_log_without_one(clock: VirtualClock) -> None:
    followed = Followed(clock)
    followed.record.stage = Stage.BUILD
    await followed.to_the_end(Course(clock, (0, running()), (2, FINISHED)))
    assert followed.record.stage is Stage.BUILD


@pytest.mark.parametrize(("began", "elapsed"), [(-40.0, 40.0), (3600.0, 0.0)])
async def test_the_time_is_counted_from_the_row_s_own_start(clock: VirtualClock, began: float, elapsed: float) -> None:
    """A server whose clock is ahead has started it now, and not in an hour."""
    followed = Followed(clock)
    started = row("ours", at=began)
    await followed.to_the_end(Course(clock, (0, Sighting(Phase.RUNNING, started)), (10, FINISHED)))
    told = followed.told_of(Activity.RUNNING)
    assert told[0].elapsed_seconds == pytest.approx(elapsed, abs=0.2)
    assert told[-1].elapsed_seconds is not None
    assert told[-1].elapsed_seconds > elapsed + 8.0


async def test_a_start_that_was_seen_itself_counts_from_then(clock: VirtualClock) -> None:
    followed = Followed(clock)
    course = Course(
        clock, (0, Sighting(Phase.ACTIVE)), (5, Sighting(Phase.RUNNING, row("ours", at=-40.0))), (9, FINISHED)
    )
    await followed.to_the_end(course)
    assert followed.told_of(Activity.RUNNING)[0].elapsed_seconds == pytest.approx(5.0, abs=0.8)
