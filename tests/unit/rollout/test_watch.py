"""Watching what somebody else started: the right deployment is followed to its end, and nothing is sent."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.api.models import DeploymentRecord, QueueJob
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.rollout.errors import (
    ContactLost,
    DeploymentFailed,
    DeploymentLost,
    DeploymentRemoved,
    DeploymentStuck,
    ServiceUnhealthy,
)
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.rollout.request import RolloutRequest, WaitFor
from pulumi_dokploy_deployments.rollout.sighting import Sighting
from pulumi_dokploy_deployments.rollout.watch import Bystander, watch
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.snapshot import Phase, Snapshot, snapshot_of
from pulumi_dokploy_deployments.workload.verdict import Health
from tests.support import api_faults as faults
from tests.support.builders import SERVICE_ID, job, moment, row
from tests.support.fake_dokploy import FakeDokploy
from tests.support.listener import Listener
from tests.support.virtual_clock import VirtualClock

# --- which one: the Bystander -----------------------------------------------------------------------------------


def sight(jobs: list[QueueJob] | None = None, rows: list[DeploymentRecord] | None = None, at: float = 0.0) -> Snapshot:
    return snapshot_of(SERVICE_ID, jobs or [], rows or [], at)


def bystander(*known: str, watched: str | None = None) -> Bystander:
    return Bystander(watched, frozenset(known))


def done(name: str, at: float = 0.0) -> DeploymentRecord:
    return row(name, status="done", at=at, ended=at + 1.0)


def test_what_runs_is_watched_and_not_what_is_over() -> None:
    tracker = bystander("old", "running")
    sighting = tracker.observe(sight([job(1, started=5.0)], [done("old"), row("running", at=5.0)]))
    assert sighting.row is not None
    assert (sighting.phase, sighting.row.deployment_id) == (Phase.RUNNING, "running")
    assert (tracker.deployment_id, tracker.saw_it_run) == ("running", True)


def test_of_several_that_run_the_oldest_is_next_to_end() -> None:
    sighting = bystander("first", "second").observe(sight(rows=[row("first", at=1.0), row("second", at=2.0)]))
    assert sighting.row is not None
    assert sighting.row.deployment_id == "first"


def test_once_chosen_it_is_kept_whatever_else_comes() -> None:
    tracker = bystander()
    tracker.observe(sight(rows=[row("first", at=1.0)]))
    later = tracker.observe(sight(rows=[done("first", 1.0), row("second", at=2.0)]))
    assert later.row is not None
    assert (later.phase, later.row.deployment_id) == (Phase.FINISHED, "first")


def test_a_given_one_is_watched_whatever_else_runs() -> None:
    tracker = bystander("given", "other", watched="given")
    sighting = tracker.observe(sight(rows=[done("given"), row("other", at=3.0)]))
    assert (sighting.phase, tracker.saw_it_run) == (Phase.FINISHED, False)
    assert sighting.row is not None
    assert sighting.row.deployment_id == "given"


def test_a_quick_one_that_was_over_before_it_was_seen_to_run_counts() -> None:
    tracker = bystander("old")
    waiting = tracker.observe(sight([job(1)], [done("old")]))
    assert waiting.phase is Phase.WAITING
    over = tracker.observe(sight([], [done("old"), done("new", 2.0)]))
    assert over.row is not None
    assert (over.phase, over.row.deployment_id, tracker.saw_it_run) == (Phase.FINISHED, "new", True)


def test_of_several_quick_ones_the_first_is_the_one_that_waited() -> None:
    over = bystander("old").observe(sight([], [done("old"), done("newer", 3.0), done("new", 2.0)]))
    assert over.row is not None
    assert over.row.deployment_id == "new"


def test_a_job_is_followed_from_its_place_in_the_queue_to_its_start() -> None:
    tracker = bystander()
    queue = [job(1, service_id="another", started=1.0), job(2, service_id="another"), job(3, queued=2.0)]
    assert tracker.observe(sight(queue)) == Sighting(Phase.WAITING, jobs_ahead=2)
    assert tracker.job is not None
    assert tracker.job.id == "job-3"
    assert tracker.observe(sight([job(3, started=4.0)])) == Sighting(Phase.ACTIVE)


def test_of_several_jobs_that_wait_the_first_is_followed_and_kept() -> None:
    tracker = bystander()
    tracker.observe(sight([job(1, queued=1.0), job(2, queued=2.0)]))
    assert tracker.job is not None
    assert tracker.job.id == "job-1"
    gone = tracker.observe(sight([job(2, queued=2.0)], at=7.0))
    assert gone.phase is Phase.MISSING, "the one that is left is another one"
    assert tracker.job.id == "job-1"


def test_what_is_missing_is_missing_since_it_was_seen_last() -> None:
    tracker = bystander(watched="given")
    assert tracker.observe(sight(at=10.0)) == Sighting(Phase.REMOVED, missing_seconds=0.0)
    assert tracker.observe(sight(at=13.0)) == Sighting(Phase.REMOVED, missing_seconds=3.0)
    assert tracker.observe(sight(rows=[row("given")], at=14.0)).phase is Phase.RUNNING
    assert tracker.observe(sight(at=20.0)) == Sighting(Phase.REMOVED, missing_seconds=0.0)


def test_a_job_that_comes_back_was_not_missing() -> None:
    tracker = bystander()
    tracker.observe(sight([job(1)], at=1.0))
    assert tracker.observe(sight(at=2.0)) == Sighting(Phase.MISSING, missing_seconds=0.0)
    assert tracker.observe(sight(at=4.0)) == Sighting(Phase.MISSING, missing_seconds=2.0)
    tracker.observe(sight([job(1)], at=5.0))
    assert tracker.observe(sight(at=6.0)) == Sighting(Phase.MISSING, missing_seconds=0.0)


def test_a_row_that_runs_without_a_job_is_told_with_its_time() -> None:
    tracker = bystander("running")
    running = row("running")
    assert tracker.observe(sight([job(1, started=0.0)], [running], at=1.0)).orphaned_seconds == 0.0
    assert tracker.observe(sight([], [running], at=2.0)).orphaned_seconds == 0.0
    assert tracker.observe(sight([], [running], at=9.0)).orphaned_seconds == 7.0


def test_no_mark_is_looked_for() -> None:
    tracker = bystander()
    tracker.latch("somebody's", sight(rows=[done("somebody's")]))
    assert tracker.deployment_id is None


# --- to its end -------------------------------------------------------------------------------------------------


class Watch:
    """A colleague's deployments, and one who watches."""

    def __init__(self, clock: VirtualClock) -> None:
        self.fake = FakeDokploy(clock)
        self.clock = clock
        self.told = Listener()

    async def run(self, deployment_id: str | None = None, record: RunRecord | None = None, **more: Any) -> Any:
        request = RolloutRequest(ServiceRef(self.fake.service.kind, SERVICE_ID), **more)
        context = RunContext(self.fake, self.clock, self.told, has_live_log=False)
        return await watch(request, context, deployment_id=deployment_id, record=record)

    def past(self, *names: str) -> None:
        """Deployments of a second each that are over."""
        for name in names:
            self.fake.foreign(name, 1.0)
        self.clock.advance(10.0 * len(names))
        self.fake.server.advance(10.0 * len(names))


@pytest.fixture
def watching(clock: VirtualClock) -> Watch:
    return Watch(clock)


async def test_where_nothing_runs_or_waits_there_is_nothing_to_watch(watching: Watch) -> None:
    watching.past("old")
    assert await watching.run() is None
    assert watching.clock.elapsed < 11.0


async def test_a_colleague_s_deployment_is_followed_to_the_proof_that_it_runs(watching: Watch) -> None:
    watching.past("old", "older")
    watching.fake.foreign("colleague", 20.0)
    watching.clock.advance(1.0)
    record = RunRecord()
    assert await watching.run(record=record) is record
    assert record.deployment is not None
    assert record.deployment.deployment_id == watching.fake.server.row_of["colleague"]
    assert record.verdict.health is Health.HEALTHY
    assert record.usual_seconds == pytest.approx(1.0, abs=0.2)
    assert set(record.known_rows) == set(watching.fake.server.row_of.values())
    assert not watching.fake.sent


async def test_what_waits_is_followed_through_the_queue(watching: Watch) -> None:
    watching.fake.foreign("another service", 30.0, service_id="another")
    watching.fake.foreign("colleague", 5.0)
    record = await watching.run(wait_for=WaitFor.DONE)
    assert record.deployment.deployment_id == watching.fake.server.row_of["colleague"]
    assert record.queued_at == moment(0.0)
    assert next(each.jobs_ahead for each in watching.told.progresses if each.jobs_ahead is not None) == 1


async def test_what_was_over_before_the_first_look_is_not_judged_by_what_runs_now(watching: Watch) -> None:
    watching.past("old")
    record = await watching.run(watching.fake.server.row_of["old"])
    assert record.verdict.health is Health.NOT_CHECKED


async def test_a_given_one_that_failed_is_told_with_its_log(watching: Watch) -> None:
    watching.fake.foreign("colleague", 3.0, fails=True)
    with pytest.raises(DeploymentFailed, match="missing script: build"):
        await watching.run()


async def test_one_that_runs_into_a_crash_is_told(watching: Watch) -> None:
    watching.fake.crashes = True
    watching.fake.foreign("colleague", 3.0)
    with pytest.raises(ServiceUnhealthy):
        await watching.run()


async def test_an_id_that_is_not_there_is_told_within_seconds(watching: Watch) -> None:
    watching.past("old")
    began = watching.clock.elapsed
    with pytest.raises(DeploymentRemoved):
        await watching.run("nobody's")
    assert 4.0 <= watching.clock.elapsed - began < 6.0


async def test_a_job_that_is_dropped_while_it_waits_is_told(watching: Watch) -> None:
    watching.fake.foreign("another service", 300.0, service_id="another")
    watching.fake.foreign("colleague", 5.0)
    watching.fake.at(10.0, watching.fake.server.clean_queues)
    with pytest.raises(DeploymentLost):
        await watching.run()
    assert 18.0 <= watching.clock.elapsed < 21.0


async def test_a_row_that_stays_running_without_a_job_is_told(watching: Watch) -> None:
    watching.fake.foreign("colleague", 600.0)
    watching.fake.at(5.0, lambda: setattr(watching.fake.server, "active", None))
    with pytest.raises(DeploymentStuck):
        await watching.run()
    # Beside a row that runs, the queue is read every 15 s; then it has to be missing for 15 s.
    assert 20.0 <= watching.clock.elapsed < 36.0


async def test_a_server_that_goes_away_meanwhile_is_told_as_lost_contact(watching: Watch) -> None:
    watching.fake.foreign("colleague", 600.0)
    watching.fake.at(20.0, lambda: watching.fake.fail("deployment.queueList", *[faults.refused()] * 600))
    record = RunRecord()
    with pytest.raises(ContactLost) as caught:
        await watching.run(record=record)
    assert watching.fake.server.row_of["colleague"] in str(caught.value)


async def test_a_server_that_is_not_there_at_all_is_told_as_that(watching: Watch) -> None:
    watching.fake.fail("application.one", *[faults.refused()] * 600)
    with pytest.raises(DokployError) as caught:
        await watching.run()
    assert not isinstance(caught.value, ContactLost)
