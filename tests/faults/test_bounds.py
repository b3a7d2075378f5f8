"""What is kept whatever the server does: the deadline, the oldest version, and what the queue has shown."""

from __future__ import annotations

import pytest

from pulumi_dokploy_deployments.api.errors import MissingEndpoint, TooOld
from pulumi_dokploy_deployments.resources.deployment import DeploymentLifeCycle
from pulumi_dokploy_deployments.resources.deployment_model import DeploymentInputs
from pulumi_dokploy_deployments.resources.life_cycle import Operation
from pulumi_dokploy_deployments.rollout.errors import ContactLost, DeploymentTimedOut
from pulumi_dokploy_deployments.simulator.world.versions import Version
from pulumi_dokploy_deployments.waiting.progress import Activity
from pulumi_dokploy_deployments.workload.verdict import Health
from tests.support.bench import Bench


@pytest.mark.parametrize("late", [2.0, 9.0, 29.0])
async def test_slow_answers_do_not_make_the_wait_longer_than_its_deadline(bench: Bench, late: float) -> None:
    bench.service("git").behaviour.build_seconds = 600.0
    bench.at(3.0, lambda: setattr(bench.faults, "answer_seconds", late))
    with pytest.raises((DeploymentTimedOut, ContactLost)):
        await bench.deploy(timeout_seconds=20.0)
    # The last request, and the end of the log.
    assert 20.0 <= bench.clock.elapsed <= 28.0


async def test_a_reading_of_the_queue_that_hangs_holds_nobody_up_who_has_less_time(bench: Bench) -> None:
    """Two waits share their readings; the one with a long deadline has begun one that hangs."""
    context = bench.run_context()
    bench.service("git").behaviour.build_seconds = bench.service("slow").behaviour.build_seconds = 600.0
    long = bench.start_in_background("slow", context=context)
    bench.at(8.0, lambda: bench.faults.add("slow", "deployment.queueList", count=1, seconds=29.0))
    with pytest.raises((DeploymentTimedOut, ContactLost)):
        await bench.deploy("git", context=context, timeout_seconds=15.0)
    assert bench.clock.elapsed < 22.0
    long.cancel()


@pytest.mark.parametrize("version", ["v0.24.0", "v0.28.2"])
async def test_a_server_below_the_floor_gets_nothing(bench: Bench, version: str) -> None:
    bench.world.version = Version.parse(version)
    with pytest.raises(TooOld, match=r"nothing was sent"):
        await bench.deploy()
    assert not [call for call in bench.world.requests.calls if call.method == "POST"]


async def test_a_server_that_does_not_tell_its_version_is_deployed_to(bench: Bench) -> None:
    bench.faults.add("http_error", "settings.getDokployVersion", count=None, status=500)
    outcome = await bench.deploy()
    assert outcome.verdict.health is Health.HEALTHY


async def test_while_it_waits_in_the_queue_the_rows_need_not_be_readable(bench: Bench) -> None:
    """For longer than faults are retried."""
    bench.service("slow").behaviour.build_seconds = 400.0
    bench.colleague_deploys("slow")
    fault = bench.faults.add("http_error", "deployment.all", count=None, after=1)
    bench.at(390.0, lambda: setattr(fault, "count", fault.hits))
    outcome = await bench.deploy()
    assert outcome.verdict.health is Health.HEALTHY
    assert any(progress.activity is Activity.QUEUED for progress in bench.told.progresses)


async def test_the_start_of_the_job_is_kept_when_the_rows_can_not_be_read(bench: Bench) -> None:
    """The build ends, and its mark is overwritten, before the rows can be read again."""
    bench.service("git").behaviour.build_seconds = 3.0
    fault = bench.faults.add("http_error", "deployment.all", count=None, after=1)
    bench.at(8.0, lambda: setattr(fault, "count", fault.hits))
    outcome = await bench.deploy()
    assert outcome.deployment is not None
    assert [outcome.deployment.deployment_id] == bench.rows_made_for(outcome.nonce)


async def test_a_lost_answer_is_looked_for_in_the_queue_alone_where_the_rows_can_not_be_read(bench: Bench) -> None:
    bench.service("slow").behaviour.build_seconds = 30.0
    bench.colleague_deploys("slow")
    bench.faults.add("lose_answer", "application.deploy")
    fault = bench.faults.add("http_error", "deployment.all", count=None, after=1)
    bench.at(20.0, lambda: setattr(fault, "count", fault.hits))
    outcome = await bench.deploy()
    assert bench.accepted() == len(bench.rows_made_for(outcome.nonce)) == 1


async def test_a_refusal_in_front_of_a_request_that_was_carried_out_does_not_send_it_again(bench: Bench) -> None:
    bench.faults.add_odd("429 page", "application.deploy", carry_out=True)
    outcome = await bench.deploy()
    assert bench.accepted() == len(bench.rows_made_for(outcome.nonce)) == 1


def answers(bench: Bench, endpoint: str, body: str, status: int = 200, count: int | None = 1) -> None:
    """Something gives this answer in the server's place."""
    bench.faults.add("answer", endpoint, count, status=status, content_type="application/json", body=body)


NO_SUCH_THING = '{"message":"Application not found","code":"NOT_FOUND"}'
NO_SUCH_ENDPOINT = '{"message":"Not found","code":"NOT_FOUND"}'


def given(bench: Bench) -> DeploymentInputs:
    checked = DeploymentLifeCycle().check({"application_id": bench.service("git").id})
    assert checked.inputs is not None
    return checked.inputs


async def test_an_empty_history_is_believed_at_the_second_look(bench: Bench) -> None:
    context = bench.run_context()
    state = (await DeploymentLifeCycle().create(given(bench), Operation(context))).state
    answers(bench, "deployment.all", "[]")
    found = await DeploymentLifeCycle().read(state, context)
    assert found is not None
    assert not found.outputs.pruned
    answers(bench, "deployment.all", "[]", count=None)
    found = await DeploymentLifeCycle().read(state, context)
    assert found is not None
    assert found.outputs.pruned


async def test_a_service_that_is_gone_is_believed_at_the_second_look(bench: Bench) -> None:
    context = bench.run_context()
    state = (await DeploymentLifeCycle().create(given(bench), Operation(context))).state
    answers(bench, "application.one", NO_SUCH_THING, 404)
    assert await DeploymentLifeCycle().read(state, context) is not None
    answers(bench, "application.one", NO_SUCH_THING, 404, count=None)
    assert await DeploymentLifeCycle().read(state, context) is None


async def test_a_missing_endpoint_is_not_taken_for_a_missing_service(bench: Bench) -> None:
    context = bench.run_context()
    state = (await DeploymentLifeCycle().create(given(bench), Operation(context))).state
    answers(bench, "application.one", NO_SUCH_ENDPOINT, 404, count=None)
    with pytest.raises(MissingEndpoint):
        await DeploymentLifeCycle().read(state, context)


async def test_a_history_that_seems_empty_before_the_request_makes_no_old_row_ours(bench: Bench) -> None:
    await bench.deploy()
    first = bench.ours_made()
    bench.service("git").behaviour.build_seconds = 0.2
    answers(bench, "deployment.all", "[]")
    outcome = await bench.deploy()
    assert outcome.deployment is not None
    assert outcome.deployment.deployment_id not in first
    assert set(first) <= set(outcome.known_rows)
