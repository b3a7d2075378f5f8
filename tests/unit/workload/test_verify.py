"""Looking until the verdict is final: the pace, the deadline, the faults in between, and what a time-out says."""

from __future__ import annotations

import pytest

from pulumi_dokploy_deployments.api.errors import ServerError
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.retry import RetryBudget
from pulumi_dokploy_deployments.workload.model import Baseline
from pulumi_dokploy_deployments.workload.probe import WorkloadProbe
from pulumi_dokploy_deployments.workload.verdict import Health, State, Verdict
from pulumi_dokploy_deployments.workload.verify import (
    STEADY_LOOK_SECONDS,
    VerificationTimedOut,
    runs_steadily,
    wait_for_workload,
    wait_until_final,
)
from tests.support import api_faults as faults
from tests.support.builders import moment, service
from tests.support.fake_dokploy import FakeDokploy, FakeTask
from tests.support.virtual_clock import VirtualClock
from tests.unit.workload.replay import Replay, course


def _budget() -> RetryBudget:
    return RetryBudget(budget_seconds=30.0, jitter=lambda: 1.0)


async def _wait(fake: FakeDokploy, clock: VirtualClock, before: Baseline, **more: float) -> Verdict:
    return await wait_for_workload(
        RunContext(client=fake, clock=clock),
        fake.service,
        since=moment(0.0),
        before=before,
        deadline=clock.monotonic() + more.get("seconds", 60.0),
        budget=_budget(),
        stable_seconds=more.get("stable_seconds", 5.0),
    )


async def _rolled_out(clock: VirtualClock) -> tuple[FakeDokploy, Baseline]:
    fake = FakeDokploy(clock, service())
    before = await WorkloadProbe(fake, clock, fake.service).baseline()
    fake.tasks[0].desired = "shutdown"
    fake.tasks.append(FakeTask("new", 1.0))
    fake.update = ("completed", 1.0)
    return fake, before


async def test_a_new_version_that_stays_up_is_healthy(clock: VirtualClock) -> None:
    fake, before = await _rolled_out(clock)
    began = clock.elapsed
    verdict = await _wait(fake, clock, before)
    assert (verdict.health, verdict.state) == (Health.HEALTHY, State.RUNNING)
    assert 5.0 <= clock.elapsed - began <= 6.0, "a look is made when the window ends"


async def test_the_window_asked_for_is_kept(clock: VirtualClock) -> None:
    fake, before = await _rolled_out(clock)
    began = clock.elapsed
    await _wait(fake, clock, before, stable_seconds=20.0)
    assert 20.0 <= clock.elapsed - began <= 21.0


async def test_a_compose_is_confirmed_before_it_is_called_healthy(clock: VirtualClock) -> None:
    events = course("602-v0.29.8-cok")
    replay = Replay(events, clock)
    async with replay.client() as client:
        before = await WorkloadProbe(client, clock, events.service).baseline()
        replay.is_before = False
        clock.advance(events.begins)
        verdict = await wait_for_workload(
            RunContext(client=client, clock=clock),
            events.service,
            since=events.since,
            before=before,
            deadline=clock.monotonic() + 60.0,
            budget=_budget(),
        )
    assert verdict.health is Health.HEALTHY
    assert replay.asked["docker.getConfig"] == 2, "once when it appeared, once at the end of the window"


async def test_what_the_server_says_it_can_t_tell_is_unknown_with_its_reason(clock: VirtualClock) -> None:
    fake, before = await _rolled_out(clock)
    verdict = await _wait(fake, clock, Baseline(unknown_because="the key's user may not"))
    assert (verdict.health, verdict.reason) == (Health.UNKNOWN, "the key's user may not")
    fake.fail("docker.getServiceContainersByAppName", faults.denied())
    verdict = await _wait(fake, clock, before)
    assert verdict.health is Health.UNKNOWN
    assert "docker:read" in verdict.reason


async def test_faults_in_between_are_retried_and_in_the_end_told(clock: VirtualClock) -> None:
    fake, before = await _rolled_out(clock)
    fake.fail("docker.getServiceContainersByAppName", *(faults.server_error(502) for _ in range(3)))
    assert (await _wait(fake, clock, before)).health is Health.HEALTHY
    fake.fail("docker.getServiceContainersByAppName", *(faults.server_error(502) for _ in range(99)))
    with pytest.raises(ServerError):
        await _wait(fake, clock, before)


async def test_a_baseline_that_could_not_be_read_does_not_switch_the_proof_off(clock: VirtualClock) -> None:
    fake = FakeDokploy(clock, service())
    fake.tasks.append(FakeTask("new", 1.0, "shutdown", "Failed now", "task: non-zero exit (1)"))
    fake.update = ("rollback_completed", 1.0)
    verdict = await _wait(fake, clock, Baseline())
    assert verdict.state is State.ROLLED_BACK


async def test_a_time_out_says_what_was_seen_last_with_its_error(clock: VirtualClock) -> None:
    fake, before = await _rolled_out(clock)
    fake.tasks[-1].current, fake.tasks[-1].error = "Pending now", "no suitable node (insufficient memory)"
    fake.tasks[-1].desired = "ready"
    with pytest.raises(VerificationTimedOut) as late:
        await _wait(fake, clock, before, seconds=10.0)
    assert str(late.value) == "0 of 1 new task runs (pending: no suitable node (insufficient memory))"
    assert isinstance(late.value, TimeoutError)
    assert late.value.verdict.members[0].reason == str(late.value)


async def test_a_time_out_names_every_member(clock: VirtualClock) -> None:
    events = course("571-cok")
    replay = Replay(events, clock, is_before=False)
    async with replay.client() as client:
        with pytest.raises(VerificationTimedOut) as late:
            await wait_for_workload(
                RunContext(client=client, clock=clock),
                events.service,
                since=events.since,
                before=Baseline(),
                deadline=clock.monotonic() + 3.0,
                budget=_budget(),
            )
    assert str(late.value) == "db: no longer in the file; web: no container yet"


@pytest.mark.parametrize("is_crowded", [False, True])
async def test_where_many_wait_each_looks_less_often(clock: VirtualClock, is_crowded: bool) -> None:
    context = RunContext(client=FakeDokploy(clock), clock=clock)
    if is_crowded:
        context.shared_watcher._looked_at = dict.fromkeys(map(str, range(99)), clock.monotonic())
    looks: list[float] = []

    async def look() -> Verdict:
        looks.append(clock.elapsed)
        return Verdict(Health.HEALTHY if len(looks) == 3 else Health.PENDING, "…")

    await wait_until_final(look, context, clock.monotonic() + 60.0, _budget())
    pause = STEADY_LOOK_SECONDS if is_crowded else 1.0
    assert looks == pytest.approx([0.0, pause, 2 * pause])


@pytest.mark.parametrize(
    ("image", "current", "steady"),
    [
        ("registry/shop:2", "Running 3 hours ago", True),
        ("registry/shop:1", "Running 3 hours ago", False),
        ("registry/shop:2", "Failed now", False),
    ],
)
async def test_what_ran_before_is_steady_only_by_its_image_and_up(
    clock: VirtualClock, image: str, current: str, steady: bool
) -> None:
    fake = FakeDokploy(clock, service())
    fake.tasks[0].current = current
    probe = WorkloadProbe(fake, clock, fake.service)
    assert await runs_steadily(RunContext(client=fake, clock=clock), probe, image) is steady
