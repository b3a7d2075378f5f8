"""Watching what somebody else deploys: now, or once it begins."""

from __future__ import annotations

import pytest

from pulumi_dokploy_deployments.api.models import DeploymentStatus, ServiceKind
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.rollout.errors import DeploymentFailed
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.rollout.request import RolloutRequest
from pulumi_dokploy_deployments.rollout.watch import watch
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.workload.verdict import Health
from tests.support.builders import SERVICE_ID
from tests.support.fake_dokploy import FakeDokploy
from tests.support.listener import Listener
from tests.support.virtual_clock import VirtualClock

WAITING = "waiting for a deployment to begin"


class Bench:
    """One server and somebody who watches."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock, self.fake, self.told = clock, FakeDokploy(clock), Listener()

    async def watch(self, begin_within_seconds: float, **request: float) -> RunRecord | None:
        ref = ServiceRef(ServiceKind.APPLICATION, SERVICE_ID)
        context = RunContext(self.fake, self.clock, self.told, has_live_log=False)
        return await watch(RolloutRequest(ref, **request), context, begin_within_seconds=begin_within_seconds)  # type: ignore[arg-type]


@pytest.fixture
def bench(clock: VirtualClock) -> Bench:
    return Bench(clock)


async def test_where_nothing_runs_the_answer_comes_at_once(bench: Bench) -> None:
    assert await bench.watch(0.0) is None
    assert bench.clock.elapsed < 1.0
    assert bench.told.progresses == []


async def test_nothing_that_begins_in_the_given_time_is_nothing(bench: Bench) -> None:
    assert await bench.watch(30.0) is None
    assert 30.0 <= bench.clock.elapsed < 32.0
    assert {progress.detail for progress in bench.told.progresses} == {WAITING}


async def test_the_deadline_of_the_whole_wait_ends_that_too(bench: Bench) -> None:
    assert await bench.watch(30.0, timeout_seconds=5.0) is None
    assert bench.clock.elapsed < 7.0


@pytest.mark.parametrize("build_seconds", [4.0, 0.1])
async def test_what_begins_later_is_followed_to_the_proof_that_it_runs(bench: Bench, build_seconds: float) -> None:
    # One that is over between two looks ran after the first look all the same.
    bench.fake.at(10.3, lambda: bench.fake.foreign("them", build_seconds))
    run = await bench.watch(60.0)
    assert run is not None
    assert run.deployment is not None
    assert run.deployment.status is DeploymentStatus.DONE
    assert run.verdict.health is Health.HEALTHY
    assert bench.told.progresses[0].detail == WAITING
    assert "stayed up for 5 s" in bench.told.progresses[-1].detail


async def test_a_failure_of_what_begins_later_is_told(bench: Bench) -> None:
    bench.fake.at(5.0, lambda: bench.fake.foreign("them", fails=True))
    with pytest.raises(DeploymentFailed):
        await bench.watch(60.0)
