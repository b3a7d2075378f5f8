"""How often the server is asked: exact counts, on virtual time, of a client that is alone with a healthy server."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from pulumi_dokploy_deployments.api.models import DeploymentRecord
from pulumi_dokploy_deployments.rollout import deploy as deploying
from pulumi_dokploy_deployments.rollout.follow import follow
from pulumi_dokploy_deployments.rollout.request import WaitFor
from pulumi_dokploy_deployments.rollout.stages import StageReader
from tests.support.bench import Bench

ROUND_TRIP_SECONDS = 0.002


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A server whose answers take the same time always."""
    return Bench(monkeypatch, most_delay=ROUND_TRIP_SECONDS / 2)


async def _requests(bench: Bench, seconds: float, *, steps: int, live: bool, **more: Any) -> Counter[str]:
    """The requests of a deployment by endpoint; the service has had one of the same length."""
    behaviour = bench.service("other").behaviour
    behaviour.build_seconds, behaviour.steps = seconds, steps
    await bench.deploy("other", wait_for=WaitFor.DONE, stream_logs=False, timeout_seconds=7200.0)
    bench.world.requests.clear()
    asked: dict[str, Any] = {"wait_for": WaitFor.DONE, "stream_logs": live, "timeout_seconds": 7200.0, **more}
    await bench.deploy("other", context=bench.run_context(has_live_log=live), **asked)
    counted = bench.world.requests.counters()
    return Counter({path.removeprefix("/api/"): number for path, number in counted.items()})


@pytest.mark.parametrize(
    ("seconds", "rows", "queue"),
    [(2.0, 9, 3), (20.0, 10, 2), (120.0, 13, 4), (600.0, 31, 13)],
)
async def test_with_a_growing_log_only_the_heartbeat_makes_a_long_build_dearer(
    bench: Bench, seconds: float, rows: int, queue: int
) -> None:
    counted = await _requests(bench, seconds, steps=round(seconds), live=True)
    assert counted == {
        "application.one": 1,
        "settings.getDokployVersion": 1,
        "application.deploy": 1,
        "deployment.all": rows,
        "deployment.queueList": queue,
    }


@pytest.mark.parametrize(("seconds", "rows", "queue"), [(120.0, 32, 4), (600.0, 42, 14)])
async def test_a_silent_log_is_looked_beside_a_few_times(bench: Bench, seconds: float, rows: int, queue: int) -> None:
    counted = await _requests(bench, seconds, steps=0, live=True)
    assert (counted["deployment.all"], counted["deployment.queueList"]) == (rows, queue)


@pytest.mark.parametrize(("seconds", "rows", "queue"), [(2.0, 24, 3), (20.0, 82, 3), (120.0, 104, 9), (600.0, 121, 30)])
async def test_without_a_live_log_the_rows_are_asked_for_and_the_queue_seldom(
    bench: Bench, seconds: float, rows: int, queue: int
) -> None:
    counted = await _requests(bench, seconds, steps=0, live=False)
    assert (counted["deployment.all"], counted["deployment.queueList"]) == (rows, queue)


async def test_the_proof_that_it_runs_costs_a_dozen_requests_more(bench: Bench) -> None:
    counted = await _requests(bench, 20.0, steps=20, live=True, wait_for=WaitFor.HEALTHY)
    assert sum(number for name, number in counted.items() if name.startswith("docker.")) == 13


@pytest.mark.parametrize("seconds", [2.0, 20.0, 120.0, 600.0])
async def test_with_a_live_log_the_end_is_seen_within_a_tenth_of_a_second_however_long_the_build(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """The end line comes a tenth of a second before the row turns final."""
    seen: list[float] = []

    async def seeing(*args: Any, **more: Any) -> DeploymentRecord:
        row = await follow(*args, **more)
        assert row.finished_at is not None
        seen.append((bench.clock.now() - row.finished_at).total_seconds())
        return row

    monkeypatch.setattr(deploying, "follow", seeing)
    await _requests(bench, seconds, steps=round(seconds), live=True)
    assert seen[-1] < 0.1 + ROUND_TRIP_SECONDS


async def test_a_log_whose_end_line_nobody_knows_delays_the_end_by_one_heartbeat_at_the_most(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StageReader, "read", lambda _self, _line: None)
    counted = await _requests(bench, 60.0, steps=60, live=True)
    assert bench.clock.elapsed < 60.0 + 60.0 + 25.0 + 10.0
    assert counted["deployment.all"] < 20
