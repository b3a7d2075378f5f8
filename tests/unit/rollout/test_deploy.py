"""Whole deployments on virtual time: every way they end, and what the user is told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pulumi_dokploy_deployments.api.errors import DokployError, Unauthorized
from pulumi_dokploy_deployments.api.models import DeployMethod, ServiceKind
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.rollout.deploy import deploy
from pulumi_dokploy_deployments.rollout.errors import (
    ContactLost,
    DeploymentCancelled,
    DeploymentFailed,
    DeploymentLost,
    DeploymentRemoved,
    DeploymentStuck,
    DeploymentTimedOut,
    DeploymentUnidentified,
    RolloutError,
    ServiceBusy,
    ServiceUnhealthy,
    TriggerFailed,
    UnexpectedCommit,
)
from pulumi_dokploy_deployments.rollout.failures import UnknownService
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.rollout.request import OnBusy, RolloutRequest, WaitFor
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.progress import Activity, Stage
from pulumi_dokploy_deployments.workload.verdict import Health
from tests.support import api_faults as faults
from tests.support.builders import SERVICE_ID, SHA, service
from tests.support.fake_dokploy import KEY, FakeDokploy
from tests.support.listener import Listener
from tests.support.virtual_clock import VirtualClock

LINK = (
    "https://dokploy.example.com/dashboard/project/prj-1/environment/env-1/services/application/app-1?tab=deployments"
)


class Bench:
    """One server, one run, and what was told."""

    def __init__(self, clock: VirtualClock, **about: Any) -> None:
        self.clock = clock
        self.fake = FakeDokploy(clock, service(**about) if about else None)
        self.told = Listener()

    async def run(self, **request: Any) -> RunRecord:
        """Deploy and wait."""
        ref = ServiceRef(self.fake.service.kind, request.pop("service_id", SERVICE_ID))
        context = RunContext(self.fake, self.clock, self.told, has_live_log=False)
        return await deploy(RolloutRequest(ref, **request), context)

    async def failure(self, **request: Any) -> RolloutError:
        """Deploy, and give the failure, whose text is one plain paragraph with a next step."""
        with pytest.raises(RolloutError) as caught:
            await self.run(**request)
        text = str(caught.value)
        assert 'application "shop"' in text
        assert LINK in text
        assert text.endswith((".", "again."))
        assert KEY not in text
        assert "Traceback" not in text
        return caught.value


@pytest.fixture
def bench(clock: VirtualClock) -> Bench:
    """An application from git whose builds take four seconds."""
    return Bench(clock)


# --- the good end -----------------------------------------------------------------------------------------------


async def test_a_deployment_is_done_when_its_new_tasks_have_stayed_up(bench: Bench) -> None:
    outcome = await bench.run(title="release 7", description="by hand")
    assert outcome.deployment is not None
    assert outcome.deployment.deployment_id == bench.fake.server.row_of["us 1"]
    assert (outcome.deployment.commit_hash, outcome.stage) == (SHA, Stage.DONE)
    assert outcome.verdict.health is Health.HEALTHY
    assert outcome.duration_seconds == pytest.approx(4.0, abs=0.01)
    assert outcome.queued_seconds == pytest.approx(0.04, abs=0.02)
    assert outcome.link == LINK
    assert outcome.superseded_by is None
    assert 9.0 < bench.clock.elapsed < 12.0
    assert bench.told.warnings == []
    assert bench.fake.sent == [
        {"method": "deploy", "title": "release 7", "description": f"by hand (pulumi run {outcome.nonce})"}
    ]


async def test_the_build_log_runs_along_without_a_live_stream_and_no_line_is_told_twice(bench: Bench) -> None:
    bench.fake.build_seconds = 20.0
    await bench.run()
    assert bench.told.lines == [
        "Initializing deployment",
        "Cloning Repo Custom http://git/demo.git to /code: ✅",
        "Building shop-x1y2z3",
        "✅ Docker build completed.",
    ]


async def test_without_streaming_no_log_is_read_at_all(bench: Bench) -> None:
    await bench.run(stream_logs=False)
    assert bench.told.lines == []
    assert bench.fake.calls["deployment.readLogs"] == 0


async def test_done_is_enough_when_that_is_asked_for(bench: Bench) -> None:
    bench.fake.crashes = True
    outcome = await bench.run(wait_for=WaitFor.DONE)
    assert outcome.verdict.health is Health.NOT_CHECKED
    assert bench.fake.calls["docker.getServiceContainersByAppName"] == 0


async def test_wait_for_none_ends_when_the_deployment_is_identified(bench: Bench) -> None:
    bench.fake.foreign("a colleague", 10.0)
    bench.fake.build_seconds = 600.0
    outcome = await bench.run(wait_for=WaitFor.NONE)
    assert outcome.deployment is not None
    assert outcome.deployment.deployment_id == bench.fake.server.row_of["us 1"]
    assert outcome.deployment.status.value == "running"
    assert 10.0 < bench.clock.elapsed < 12.0
    assert outcome.queued_seconds == pytest.approx(10.0, abs=0.5)


async def test_a_redeployment_and_a_docker_source_keep_their_texts(clock: VirtualClock) -> None:
    for about, request in (({"source": "docker"}, {}), ({"source": "git"}, {"method": DeployMethod.REDEPLOY})):
        bench = Bench(clock, **about)
        outcome = await bench.run(description="mine", **request)
        assert outcome.deployment is not None
        assert outcome.deployment.description == f"mine (pulumi run {outcome.nonce})"
        assert outcome.deployment.commit_hash is None
        assert outcome.verdict.health is Health.HEALTHY


async def test_waiting_tells_how_many_are_before_it(bench: Bench) -> None:
    bench.fake.foreign("first", 3.0)
    bench.fake.foreign("second", 3.0)
    await bench.run()
    told = [text for text in bench.told.statuses if "queue" in text]
    assert told[0] == "waiting in the queue (2 ahead)"
    assert told[-1] == "waiting in the queue (1 ahead)"


async def test_a_status_of_a_newer_server_is_shown_and_waited_through(bench: Bench) -> None:
    bench.fake.at(1.0, lambda: setattr(bench.fake.server.rows[-1], "status", "preparing"))
    outcome = await bench.run()
    assert outcome.stage is Stage.DONE
    assert any(text.startswith("preparing") for text in bench.told.statuses)


# --- the bad ends -----------------------------------------------------------------------------------------------


async def test_an_error_tells_the_stage_and_the_log_s_end(bench: Bench) -> None:
    bench.fake.fails = True
    error = await bench.failure()
    assert isinstance(error, DeploymentFailed)
    assert "failed after 4.0 s in the build: npm ERR! missing script: build" in str(error)
    assert error.log_tail[-2:] == ("npm ERR! missing script: build", "Error occurred ❌, check the logs for details.")
    assert f"deployment {bench.fake.server.row_of['us 1']}" in str(error)


async def test_an_error_without_streaming_tells_the_log_s_end_all_the_same(bench: Bench) -> None:
    bench.fake.fails = True
    error = await bench.failure(stream_logs=False)
    assert "npm ERR! missing script: build" in error.log_tail
    assert bench.told.lines == []


async def test_a_log_that_can_t_be_read_does_not_hide_the_failure(bench: Bench) -> None:
    bench.fake.fails = True
    bench.fake.fail("deployment.readLogs", *[faults.denied() for _ in range(50)])
    error = await bench.failure()
    assert isinstance(error, DeploymentFailed)
    assert error.log_tail == ()


async def test_a_restart_in_the_middle_is_told_as_cancelled(bench: Bench) -> None:
    bench.fake.build_seconds = 60.0
    bench.fake.at(5.0, bench.fake.server.restart)
    error = await bench.failure()
    assert isinstance(error, DeploymentCancelled)
    assert "Dokploy was restarted while it ran" in str(error)
    assert bench.clock.elapsed < 20.0


async def test_a_job_lost_by_a_restart_is_told_as_lost_within_seconds(bench: Bench) -> None:
    bench.fake.foreign("a colleague", 60.0)
    bench.fake.at(5.0, bench.fake.server.restart)
    error = await bench.failure()
    assert isinstance(error, DeploymentLost)
    assert "neither in the queue nor in the history" in str(error)
    assert bench.clock.elapsed < 25.0


async def test_a_job_dropped_by_a_colleague_is_not_mistaken_for_the_colleague_s(bench: Bench) -> None:
    bench.fake.foreign("first", 10.0)

    def clear_and_deploy() -> None:
        bench.fake.server.clean_queues()
        bench.fake.foreign("the colleague", 0.3)

    bench.fake.at(9.9, clear_and_deploy)
    error = await bench.failure()
    assert isinstance(error, DeploymentLost | DeploymentUnidentified)
    assert error.deployment is None


async def test_a_quick_build_during_an_outage_is_not_guessed(bench: Bench) -> None:
    bench.fake.build_seconds = 0.3
    for operation in ("deployment.queueList", "deployment.all"):
        bench.fake.before.append(_outage(bench, operation, 0.0, 8.0))
    bench.fake.at(1.0, lambda: bench.fake.foreign("a colleague", 0.3))
    error = await bench.failure()
    assert isinstance(error, DeploymentUnidentified)
    assert len(bench.fake.sent) == 1


def _outage(bench: Bench, operation: str, start: float, end: float) -> Any:
    def hook(called: str) -> None:
        if called == operation and bench.fake.sent and start <= bench.clock.elapsed < end:
            raise faults.server_error()

    return hook


async def test_a_row_that_runs_for_ever_without_a_job_is_told_as_stuck(bench: Bench) -> None:
    bench.fake.build_seconds = 30.0

    def lose() -> None:
        server = bench.fake.server
        server.restart(down_seconds=0.0)
        server.rows[-1].status = "running"

    bench.fake.at(5.0, lose)
    error = await bench.failure()
    assert isinstance(error, DeploymentStuck)
    assert bench.clock.elapsed < 60.0
    assert error.deployment is not None


async def test_a_row_that_is_deleted_while_it_runs_is_told_as_removed(bench: Bench) -> None:
    bench.fake.build_seconds = 30.0
    bench.fake.at(5.0, lambda: bench.fake.server.rows.clear())
    assert isinstance(await bench.failure(), DeploymentRemoved)


async def test_the_deadline_names_the_stage_and_that_the_server_goes_on(bench: Bench) -> None:
    bench.fake.build_seconds = 600.0
    error = await bench.failure(timeout_seconds=30.0)
    assert isinstance(error, DeploymentTimedOut)
    assert "did not finish within 30 s (timeout_seconds)" in str(error)
    assert "in the stage 'build', and the server keeps working on it" in str(error)
    assert error.log_tail[-1] == "Building shop-x1y2z3"
    assert 30.0 <= bench.clock.elapsed < 31.0


async def test_the_deadline_in_the_queue_says_that_it_waited(bench: Bench) -> None:
    bench.fake.foreign("a colleague", 600.0)
    error = await bench.failure(timeout_seconds=30.0)
    assert "in the stage 'queued'" in str(error)
    assert error.deployment is None


async def test_a_version_that_never_gets_up_is_told_at_the_deadline_with_what_was_seen(bench: Bench) -> None:
    def starting(operation: str) -> None:
        bench.fake.tasks[-1].current = "Starting 3 seconds ago"

    bench.fake.before.append(starting)
    error = await bench.failure(timeout_seconds=30.0)
    assert isinstance(error, DeploymentTimedOut)
    assert "the health check has not passed: 0 of 1 new task runs (starting)" in str(error)
    assert "build log" not in str(error)


async def test_swarm_s_own_rollback_is_not_called_a_success(bench: Bench) -> None:
    bench.fake.crashes = True
    error = await bench.failure()
    assert isinstance(error, ServiceUnhealthy)
    assert 'Dokploy reports the deployment of application "shop" as done, but the new version does not run' in str(
        error
    )
    assert "task: non-zero exit (1)" in str(error)
    assert "the earlier version still runs" in str(error)


async def test_another_commit_than_the_expected_one_fails_and_names_both(bench: Bench) -> None:
    error = await bench.failure(expect_commit="ABCDEF1234567")
    assert isinstance(error, UnexpectedCommit)
    assert "ABCDEF1234567" in str(error)
    assert f"the server built {SHA[:12]} (feat: a commit)" in str(error)


async def test_the_expected_commit_may_be_short_and_in_capitals(bench: Bench) -> None:
    outcome = await bench.run(expect_commit=SHA[:8].upper())
    assert outcome.stage is Stage.DONE


async def test_a_redeployment_can_t_prove_a_commit_and_says_so(bench: Bench) -> None:
    error = await bench.failure(expect_commit=SHA, method=DeployMethod.REDEPLOY)
    assert "the server does not say which commit was built" in str(error)


async def test_an_unknown_service_is_told_before_anything_is_sent(bench: Bench) -> None:
    with pytest.raises(UnknownService, match="has no application with the id 'app-9'"):
        await bench.run(service_id="app-9")
    assert bench.fake.sent == []


# --- others -----------------------------------------------------------------------------------------------------


async def test_on_busy_fail_starts_nothing(bench: Bench) -> None:
    bench.fake.foreign("a colleague", 60.0)
    error = await bench.failure(on_busy=OnBusy.FAIL)
    assert isinstance(error, ServiceBusy)
    assert "by a colleague (active)" in str(error)
    assert bench.fake.sent == []


async def test_on_busy_fail_is_no_obstacle_on_an_idle_service(bench: Bench) -> None:
    assert (await bench.run(on_busy=OnBusy.FAIL)).stage is Stage.DONE


async def test_supersede_drops_what_waits_and_lets_the_running_one_end(bench: Bench) -> None:
    bench.fake.foreign("running", 5.0)
    bench.fake.foreign("waiting", 60.0)
    outcome = await bench.run(on_busy=OnBusy.SUPERSEDE)
    assert bench.fake.dropped == 1
    assert outcome.deployment is not None
    assert outcome.deployment.deployment_id == bench.fake.server.row_of["us 1"]
    assert "waiting" not in bench.fake.server.row_of
    assert bench.clock.elapsed < 20.0


async def test_supersede_drops_nothing_where_nothing_waits(bench: Bench) -> None:
    bench.fake.foreign("running", 5.0)
    await bench.run(on_busy=OnBusy.SUPERSEDE)
    assert bench.fake.dropped == 0


async def test_a_newer_deployment_by_somebody_else_is_told_as_such(bench: Bench) -> None:
    bench.fake.at(1.0, lambda: bench.fake.foreign("a colleague", 60.0))
    outcome = await bench.run()
    assert outcome.superseded_by == bench.fake.server.row_of["a colleague"]
    assert bench.told.warnings == [
        f'Someone else has made a newer deployment of application "shop": {outcome.superseded_by}.'
    ]


async def test_a_newer_deployment_that_crashes_is_not_held_against_ours(bench: Bench) -> None:
    def crash() -> None:
        bench.fake.crashes = True
        bench.fake.foreign("a colleague", 0.5)

    bench.fake.at(4.5, crash)
    outcome = await bench.run()
    assert outcome.verdict.health is Health.UNKNOWN
    assert len(bench.told.warnings) == 2


async def test_two_runs_at_once_each_report_their_own_deployment(clock: VirtualClock) -> None:
    bench = Bench(clock)
    first, second = await asyncio.gather(bench.run(wait_for=WaitFor.DONE), bench.run(wait_for=WaitFor.DONE))
    owners = {identity: owner for owner, identity in bench.fake.server.row_of.items()}
    for outcome in (first, second):
        assert outcome.deployment is not None
        number = int(owners[outcome.deployment.deployment_id].removeprefix("us "))
        assert outcome.nonce in bench.fake.sent[number - 1]["description"]
    assert first.deployment != second.deployment


# --- faults on the way ------------------------------------------------------------------------------------------


async def test_a_401_in_the_middle_is_borne(bench: Bench) -> None:
    bench.fake.build_seconds = 20.0
    bench.fake.before.append(_unauthorized(bench, 5.0, 60.0))
    outcome = await bench.run()
    assert outcome.stage is Stage.DONE
    assert bench.clock.elapsed > 60.0
    assert any("; retrying" in text for text in bench.told.statuses)


def _unauthorized(bench: Bench, start: float, end: float) -> Any:
    def hook(_: str) -> None:
        if start <= bench.clock.elapsed < end:
            raise faults.unauthorized(has_worked=start > 0)

    return hook


async def test_a_wrong_key_at_the_start_is_told_at_once(bench: Bench) -> None:
    bench.fake.before.append(_unauthorized(bench, 0.0, 9999.0))
    with pytest.raises(Unauthorized):
        await bench.run()
    assert bench.clock.elapsed < 1.0
    assert bench.fake.sent == []


async def test_a_server_that_stays_away_is_told_after_the_budget_and_not_before(bench: Bench) -> None:
    bench.fake.build_seconds = 20.0
    bench.fake.at(5.0, lambda: setattr(bench.fake.server, "up_again_at", 9999.0))
    with pytest.raises(ContactLost, match=r"was accepted.*No connection"):
        await bench.run()
    assert 180.0 < bench.clock.elapsed < 200.0


async def test_a_lost_answer_does_not_deploy_twice(bench: Bench) -> None:
    bench.fake.fail("application.deploy", faults.lost(), answer=True)
    outcome = await bench.run()
    assert len(bench.fake.sent) == 1
    assert outcome.stage is Stage.DONE


async def test_a_lost_request_is_sent_again(bench: Bench) -> None:
    bench.fake.fail("application.deploy", faults.lost())
    outcome = await bench.run()
    assert len(bench.fake.sent) == 1
    assert bench.fake.calls["application.deploy"] == 2
    assert outcome.deployment is not None


async def test_a_refused_connection_is_not_a_lost_answer(bench: Bench) -> None:
    bench.fake.fail("application.deploy", faults.refused(), faults.unauthorized(), faults.slow_down(2.0))
    await bench.run()
    assert len(bench.fake.sent) == 1


async def test_when_it_can_t_be_known_whether_the_request_arrived_that_is_said(bench: Bench) -> None:
    bench.fake.build_seconds = 0.3
    bench.fake.fail("application.deploy", faults.lost(), answer=True)
    bench.fake.before.append(_outage(bench, "deployment.queueList", 0.0, 5.0))
    error = await bench.failure()
    assert isinstance(error, TriggerFailed)
    assert "It was not sent a second time" in str(error)
    assert len(bench.fake.sent) == 1


# --- what runs can't be told ------------------------------------------------------------------------------------


async def test_without_the_permission_to_look_done_counts_and_a_warning_says_so(bench: Bench) -> None:
    bench.fake.fail("docker.getServiceContainersByAppName", *[faults.denied() for _ in range(99)])
    outcome = await bench.run()
    assert (outcome.stage, outcome.verdict.health) == (Stage.DONE, Health.UNKNOWN)
    (warning,) = bench.told.warnings
    assert "permission docker:read" in warning
    assert warning.endswith(".")
    assert ".." not in warning


async def test_a_permission_that_is_lost_in_the_middle_gives_the_same_plain_warning(bench: Bench) -> None:
    def hook(operation: str) -> None:
        if operation.startswith("docker.") and bench.clock.elapsed > 3.0:
            raise faults.denied()

    bench.fake.before.append(hook)
    outcome = await bench.run()
    assert outcome.verdict.health is Health.UNKNOWN
    (warning,) = bench.told.warnings
    assert ".." not in warning
    assert "docker:read" in warning


# --- databases --------------------------------------------------------------------------------------------------


@pytest.fixture
def database(clock: VirtualClock) -> Bench:
    """A PostgreSQL database whose image takes four seconds to pull."""
    return Bench(clock, kind=ServiceKind.POSTGRES, source=None)


async def test_a_database_is_done_when_its_new_task_has_stayed_up(database: Bench) -> None:
    outcome = await database.run()
    assert outcome.deployment is None
    assert (outcome.stage, outcome.verdict.health) == (Stage.DONE, Health.HEALTHY)
    assert outcome.link.endswith("/services/postgres/app-1")


async def test_a_database_that_fails_is_told_with_the_server_s_words_and_not_sent_again(database: Bench) -> None:
    database.fake.fails = True
    with pytest.raises(DeploymentFailed, match="It failed"):
        await database.run()
    assert len(database.fake.sent) == 1
    assert database.clock.elapsed < 6.0


async def test_a_database_whose_lost_answer_was_carried_out_is_found_by_its_tasks(database: Bench) -> None:
    database.fake.fail("postgres.deploy", faults.lost(), answer=True)
    outcome = await database.run()
    assert outcome.verdict.health is Health.HEALTHY
    assert len(database.fake.sent) == 1


async def test_a_database_whose_tasks_do_not_tell_is_not_sent_again(database: Bench) -> None:
    """The image may still be pulled while the answer is lost: that no new task is there yet proves nothing."""
    database.fake.fail("postgres.deploy", faults.lost())
    with pytest.raises(TriggerFailed, match="not known"):
        await database.run()
    assert database.fake.calls["postgres.deploy"] == 1


async def test_a_database_that_crashes_is_told(database: Bench) -> None:
    database.fake.crashes = True
    with pytest.raises(ServiceUnhealthy):
        await database.run()


async def test_a_database_may_be_left_unproven_when_that_is_asked_for(database: Bench) -> None:
    outcome = await database.run(wait_for=WaitFor.NONE)
    assert outcome.verdict.health is Health.NOT_CHECKED


# --- costs ------------------------------------------------------------------------------------------------------


async def test_a_build_of_five_minutes_costs_few_requests(bench: Bench) -> None:
    bench.fake.build_seconds = 300.0
    await bench.run(stream_logs=False)
    assert bench.fake.calls["deployment.queueList"] < 170
    assert bench.fake.calls["deployment.all"] < 180


async def test_no_ending_shows_the_key(bench: Bench) -> None:
    bench.fake.fails = True
    with pytest.raises(DokployError) as caught:
        await bench.run()
    told = [*bench.told.statuses, *bench.told.lines, *bench.told.warnings, str(caught.value), repr(caught.value)]
    assert all(KEY not in text for text in told)


# --- a run that was killed --------------------------------------------------------------------------------------

DIGEST = "0123456789ab"


async def kill_after(bench: Bench, seconds: float, **request: Any) -> None:
    """A run that leaves no trace but what the server has."""
    run = asyncio.ensure_future(bench.run(**request))
    await bench.clock.sleep(seconds)
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)


@pytest.mark.parametrize("seconds", [1.0, 8.0])
async def test_a_run_that_was_killed_is_found_again_by_its_digest_and_not_sent_twice(
    bench: Bench, seconds: float
) -> None:
    """After one second the job waits behind a colleague's, after eight its row runs."""
    bench.fake.foreign("a colleague", 5.0)
    bench.fake.build_seconds = 10.0
    await kill_after(bench, seconds, digest=DIGEST)
    found = await bench.run(digest=DIGEST)
    assert len(bench.fake.sent) == 1
    assert found.deployment is not None
    assert found.deployment.deployment_id == bench.fake.server.row_of["us 1"]
    assert found.verdict.health is Health.HEALTHY
    assert any(told.activity is Activity.RESUMING for told in bench.told.progresses)


@pytest.mark.parametrize(("first", "second"), [(DIGEST, "ba9876543210"), ("", ""), (DIGEST, "")])
async def test_with_other_inputs_or_without_a_digest_a_killed_run_is_not_taken_up(
    bench: Bench, first: str, second: str
) -> None:
    bench.fake.build_seconds = 10.0
    await kill_after(bench, 2.0, digest=first)
    again = await bench.run(digest=second)
    assert len(bench.fake.sent) == 2
    assert again.deployment is not None
    assert again.deployment.deployment_id == bench.fake.server.row_of["us 2"]


async def test_a_deployment_with_the_same_digest_that_is_over_is_not_taken_for_the_present(clock: VirtualClock) -> None:
    """A docker source keeps its mark for ever: the same inputs as last week's are deployed again."""
    bench = Bench(clock, source="docker")
    await bench.run(digest=DIGEST)
    again = await bench.run(digest=DIGEST)
    assert len(bench.fake.sent) == 2
    assert again.deployment is not None
    assert again.deployment.deployment_id == bench.fake.server.row_of["us 2"]
