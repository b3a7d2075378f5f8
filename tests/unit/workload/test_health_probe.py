"""What runs is read by task ids and Swarm's own service id, once a task, and its absence is told in words."""

from __future__ import annotations

from pulumi_dokploy_deployments.workload.health_probe import MOST_INSPECTIONS, SwarmProbe, why_unknown
from tests.support import api_faults as faults
from tests.support.builders import service
from tests.support.fake_dokploy import FakeDokploy, FakeTask
from tests.support.virtual_clock import VirtualClock


def _probe(clock: VirtualClock, replicas: int = 1) -> tuple[FakeDokploy, SwarmProbe]:
    fake = FakeDokploy(clock, service(replicas=replicas))
    return fake, SwarmProbe(fake, clock, fake.service)


async def test_the_baseline_knows_the_tasks_the_image_and_the_last_update(clock: VirtualClock) -> None:
    fake, probe = _probe(clock)
    fake.update = ("completed", -100.0)
    baseline = await probe.baseline()
    assert baseline.is_known
    assert (baseline.task_ids, baseline.image) == (frozenset({"old"}), "registry/shop:2")
    assert baseline.update_started_at is not None


async def test_the_baseline_of_a_service_that_does_not_exist_yet_is_empty_and_known(clock: VirtualClock) -> None:
    fake, probe = _probe(clock)
    fake.tasks = []
    baseline = await probe.baseline()
    assert baseline.is_known
    assert (baseline.task_ids, baseline.image, baseline.update_started_at) == (frozenset(), "", None)


async def test_what_may_not_be_read_is_unknown_with_its_reason(clock: VirtualClock) -> None:
    fake, probe = _probe(clock)
    fake.fail("docker.getServiceContainersByAppName", faults.denied(), faults.not_found())
    assert "docker:read" in (await probe.baseline()).unknown_because
    baseline = await probe.baseline()
    assert not baseline.is_known
    assert not baseline.unknown_because.endswith(".")
    assert why_unknown(faults.denied()) != why_unknown(faults.not_found())


async def test_each_new_task_is_inspected_once_and_old_ones_never(clock: VirtualClock) -> None:
    fake, probe = _probe(clock)
    baseline = await probe.baseline()
    before = fake.calls["docker.getConfig"]
    fake.tasks.append(FakeTask("new", 5.0))
    for _ in range(5):
        seen = await probe.observe(baseline.task_ids)
    assert set(seen.inspected) == {"old", "new"}
    assert fake.calls["docker.getConfig"] - before == 1 + 5, "one for the task, one a look for the service"


async def test_more_tasks_than_fit_into_one_look_are_all_inspected_in_the_end(clock: VirtualClock) -> None:
    fake, probe = _probe(clock, replicas=50)
    baseline = await probe.baseline()
    fake.tasks += [FakeTask(f"new{number}", 5.0) for number in range(50)]
    sizes = [len((await probe.observe(baseline.task_ids)).inspected) - 1 for _ in range(4)]
    assert sizes == [MOST_INSPECTIONS, 2 * MOST_INSPECTIONS, 50, 50]


async def test_the_replicas_that_dokploy_asks_for_are_told_until_swarm_does(clock: VirtualClock) -> None:
    fake, probe = _probe(clock, replicas=3)
    fake.tasks = []
    seen = await probe.observe(frozenset())
    assert (seen.expected_replicas, seen.service) == (3, None)
