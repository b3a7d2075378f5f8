"""A request that a proxy holds, a yes that comes late: one run, or two that are told; and never somebody else's."""

from __future__ import annotations

import pytest

from pulumi_dokploy_deployments.rollout.errors import DeploymentLost, DeploymentUnidentified
from pulumi_dokploy_deployments.workload.verdict import Health
from tests.support.bench import Bench


@pytest.mark.parametrize("seconds", [5.0, 20.0, 40.0])
async def test_a_request_that_is_held_and_delivered_is_not_sent_again(bench: Bench, seconds: float) -> None:
    """The client gives a request up after 30 s."""
    bench.faults.add("delay_before", "application.deploy", seconds=seconds)
    outcome = await bench.deploy()
    await bench.clock.sleep(120.0)
    bench.advance()
    assert outcome.deployment is not None
    assert bench.ours_made() == [outcome.deployment.deployment_id]
    assert outcome.verdict.health is Health.HEALTHY
    assert seconds < (outcome.deployment.started_at or bench.clock.now()).timestamp() - bench.start.timestamp()


@pytest.mark.parametrize("crashes", [False, True])
async def test_a_request_that_is_held_for_longer_than_it_is_looked_for_is_told_as_carried_out_twice(
    bench: Bench, crashes: bool
) -> None:
    bench.service("git").behaviour.build_seconds = 30.0
    bench.faults.add("delay_before", "application.deploy", seconds=75.0)
    if crashes:
        # The second one builds what has been pushed meanwhile.
        bench.at(80.0, lambda: setattr(bench.service("git").behaviour, "runtime", "exits"))
        error = await bench.failure()
        assert "carried out twice" in "".join(bench.told.warnings), str(error)
    else:
        outcome = await bench.deploy()
        assert outcome.deployment is not None
        assert bench.ours_made()[-1] == outcome.deployment.deployment_id, "the newer one is judged"
        assert any("carried out twice" in warning for warning in bench.told.warnings)
    assert len(bench.ours_made()) == 2


async def test_a_late_yes_does_not_make_a_colleague_s_deployment_ours(bench: Bench) -> None:
    """The yes comes 8 s after the sending. Meanwhile the queue was cleared, and someone else has deployed."""
    bench.service("slow").behaviour.build_seconds = 4.0
    bench.colleague_deploys("slow")
    bench.faults.add("slow", "application.deploy", seconds=8.0)
    # What the queue shows before it is cleared is lost on the way as well.
    bench.faults.add("http_error", "deployment.queueList", count=None, after=1)
    bench.at(1.5, lambda: bench.world.clean_queue(bench.service("git").id))
    bench.at(5.0, lambda: setattr(bench.service("git").behaviour, "build_seconds", 0.5))
    bench.at(5.1, bench.colleague_deploys)
    bench.at(8.5, lambda: bench.faults.clear("http_error"))
    error = await bench.failure()
    assert isinstance(error, DeploymentLost | DeploymentUnidentified)
    assert bench.ours_made() == []
