"""Fifty races: others deploy the same service at the same moment, and everybody reports its own deployment."""

from __future__ import annotations

import asyncio
import random

import pytest

from pulumi_dokploy_deployments.rollout.errors import RolloutError
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.rollout.request import WaitFor
from tests.support.bench import Bench


@pytest.mark.parametrize("seed", range(50))
async def test_everybody_reports_its_own_deployment(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the shuffle of the race
    name = chance.choice(["git", "git", "docker"])
    bench = Bench(monkeypatch, seed=seed, build_seconds=chance.choice([0.7, 0.7, 1.5, 6.0]), most_delay=0.05)
    spread = chance.choice([0.02, 0.3, 3.0])

    async def client() -> RunRecord:
        await bench.clock.sleep(chance.uniform(0.0, spread))
        context = bench.run_context(has_live_log=chance.random() < 0.5)
        return await bench.deploy(name, context=context, wait_for=WaitFor.DONE)

    for _ in range(chance.randrange(3)):
        bench.at(chance.uniform(0.0, spread), lambda: bench.colleague_deploys(name, chance.choice(["", "by hand"])))
    outcomes = await asyncio.gather(*(client() for _ in range(2)))
    for outcome in outcomes:
        assert outcome.deployment is not None
        assert [outcome.deployment.deployment_id] == bench.rows_made_for(outcome.nonce)
        assert outcome.deployment.status.value == "done"
    newest = bench.made[-1][0]
    for outcome in outcomes:
        is_newest = outcome.deployment is not None and outcome.deployment.deployment_id == newest
        assert not (is_newest and outcome.superseded_by), "nobody's deployment was newer than the newest"


@pytest.mark.parametrize("seed", range(30))
async def test_in_a_rough_race_nobody_reports_another_s_deployment(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Cached builds, a slow network, a cleared queue, a server that restarts: an honest failure is fine."""
    chance = random.Random(1000 + seed)  # noqa: S311 - the shuffle of the race
    quick = chance.choice([0.1, 0.2, 0.3, 0.5, 0.7, 1.5])
    bench = Bench(monkeypatch, seed=seed, build_seconds=quick, most_delay=chance.choice([0.02, 0.1, 0.3]))
    spread = chance.choice([0.02, 0.3, 3.0])

    async def client() -> RunRecord | None:
        await bench.clock.sleep(chance.uniform(0.0, spread))
        try:
            return await bench.deploy(wait_for=WaitFor.DONE)
        except RolloutError:
            return None

    for _ in range(chance.randrange(4)):
        bench.at(chance.uniform(0.0, spread), bench.colleague_deploys)
    if chance.random() < 0.6:
        bench.at(chance.uniform(0.0, spread + 1.0), lambda: bench.world.queue.clean(bench.service("git").id))
    if chance.random() < 0.3:
        bench.at(chance.uniform(0.0, spread + 1.0), bench.world.restart)
    for outcome in await asyncio.gather(*(client() for _ in range(3))):
        if outcome is not None:
            assert outcome.deployment is not None
            assert [outcome.deployment.deployment_id] == bench.rows_made_for(outcome.nonce)


@pytest.mark.parametrize("seed", range(10))
async def test_a_cached_build_behind_a_long_one_is_recognised(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """It is over 0.2 s after its start (transcript 338), whatever the service's builds usually take."""
    bench = Bench(monkeypatch, seed=seed, build_seconds=5.0, most_delay=0.05)
    await bench.deploy(wait_for=WaitFor.DONE)
    behaviour = bench.service("git").behaviour
    behaviour.build_seconds = 20.0 + seed / 3
    bench.colleague_deploys()
    bench.at(bench.clock.elapsed + 1.0, lambda: setattr(behaviour, "build_seconds", 0.2))
    bench.world.requests.clear()
    outcome = await bench.deploy(wait_for=WaitFor.DONE)
    assert outcome.deployment is not None
    assert [outcome.deployment.deployment_id] == bench.rows_made_for(outcome.nonce)
    assert len(bench.world.requests.calls) < 200, "while it waits, only the queue is asked for"
