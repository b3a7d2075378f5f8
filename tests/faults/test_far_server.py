"""A server far away: a build is over, and its title overwritten, before the first answer could arrive."""

from __future__ import annotations

import pytest

from pulumi_dokploy_deployments.api.models import QueueJob, ServiceKind
from pulumi_dokploy_deployments.rollout.burst_poll import BurstPoll
from pulumi_dokploy_deployments.rollout.mark import carries
from pulumi_dokploy_deployments.waiting.watcher import FEW_SERVICES
from tests.support.bench import Bench


@pytest.mark.parametrize("one_way_seconds", [0.05, 0.15, 0.4])
@pytest.mark.parametrize("seed", range(6))
async def test_a_quick_build_on_a_far_server_is_recognised_beside_somebody_elses(
    monkeypatch: pytest.MonkeyPatch, one_way_seconds: float, seed: int
) -> None:
    bench = Bench(monkeypatch, seed=seed, build_seconds=0.2, most_delay=one_way_seconds)
    bench.at(1.0 + seed / 10, lambda: bench.colleague_deploys("git", "mine as well"))
    outcome = await bench.deploy("git", wait_for="done")
    assert outcome.deployment is not None
    truth = [identity for identity, asked in bench.made if carries(asked, outcome.nonce)]
    assert [outcome.deployment.deployment_id] == truth


async def test_a_single_quick_row_is_ours_when_the_server_said_yes_a_moment_ago(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the early looks: what is left is that nobody else's job stands in the queue and one row is new."""
    monkeypatch.setattr("pulumi_dokploy_deployments.rollout.deploy.FAR_AWAY_SECONDS", 1e9)
    bench = Bench(monkeypatch, build_seconds=0.05, most_delay=0.4)
    outcome = await bench.deploy("git", wait_for="done")
    assert outcome.deployment is not None
    assert bench.rows_made_for(outcome.nonce) == [outcome.deployment.deployment_id]


async def test_a_near_server_is_not_asked_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(monkeypatch, build_seconds=20.0, most_delay=0.01)
    await bench.deploy("git", wait_for="done")
    reads = len(bench.world.requests.of("deployment.all"))
    assert reads < 60


async def test_a_near_server_does_not_seem_far_because_many_begin_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their requests wait for each other; the early looks would make that worse."""
    bench = Bench(monkeypatch, build_seconds=20.0, most_delay=0.001)
    context = bench.run_context()
    for number in range(FEW_SERVICES + 1):
        await context.shared_watcher.rows(ServiceKind.APPLICATION, f"app-{number}")
    reading = context.client.queue

    async def slow() -> list[QueueJob]:
        await bench.clock.sleep(1.0)
        return await reading()

    monkeypatch.setattr(context.client, "queue", slow)
    started: list[BurstPoll] = []
    monkeypatch.setattr(BurstPoll, "start", started.append)
    await bench.deploy("git", context=context, wait_for="done")
    assert started == []
