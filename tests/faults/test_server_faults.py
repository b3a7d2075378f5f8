"""Whatever the server does in the middle: the deployment is followed to its own end, or the failure is named."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pulumi_dokploy_deployments.api.errors import Unauthorized
from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.rollout.errors import (
    ContactLost,
    DeploymentCancelled,
    DeploymentFailed,
    DeploymentLost,
    DeploymentStuck,
    DeploymentTimedOut,
    DeploymentUnidentified,
    ServiceUnhealthy,
    TriggerFailed,
)
from pulumi_dokploy_deployments.rollout.request import WaitFor
from pulumi_dokploy_deployments.waiting.progress import Stage
from pulumi_dokploy_deployments.workload.verdict import Health
from tests.support.bench import Bench

# --- good health ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ok", "git", "docker", "replicas", "zero"])
async def test_without_faults_every_kind_of_application_is_followed_to_its_healthy_end(bench: Bench, name: str) -> None:
    outcome = await bench.deploy(name)
    assert outcome.deployment is not None
    assert [outcome.deployment.deployment_id] == bench.rows_made_for(outcome.nonce)
    assert (outcome.stage, outcome.verdict.health) == (Stage.DONE, Health.HEALTHY)
    assert bench.told.warnings == []


@pytest.mark.parametrize("name", ["ok", "git", "stack"])
async def test_without_faults_every_kind_of_compose_is_too(bench: Bench, name: str) -> None:
    outcome = await bench.deploy(name, kind=ServiceKind.COMPOSE)
    assert outcome.verdict.health is Health.HEALTHY


@pytest.mark.parametrize("name", ["crash", "unhealthy", "paused", "crashloop"])
async def test_what_dokploy_calls_done_and_does_not_run_is_a_failure(bench: Bench, name: str) -> None:
    error = await bench.failure(name)
    assert isinstance(error, ServiceUnhealthy)
    assert "done, but the new version does not run" in str(error)


async def test_a_service_that_crashed_all_through_a_long_build_recovers(bench: Bench) -> None:
    """The old version's failed tasks are not the new one's."""
    git = bench.service("git")
    git.behaviour.runtime = "exits"
    with pytest.raises(ServiceUnhealthy):
        await bench.deploy("git")
    git.behaviour.runtime = "healthy"
    git.behaviour.build_seconds = 30.0
    assert (await bench.deploy("git")).verdict.health is Health.HEALTHY


async def test_a_failed_build_is_told_with_its_log(bench: Bench) -> None:
    error = await bench.failure("broken")
    assert isinstance(error, DeploymentFailed)
    assert any("non-zero code: 7" in line for line in error.log_tail)


# --- the process dies -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stale", [0.0, 3.0])
async def test_a_restart_in_the_middle_of_the_build_is_told_as_cancelled(bench: Bench, stale: float) -> None:
    bench.at(2.0, lambda: bench.world.restart(stale_seconds=stale))
    error = await bench.failure()
    assert isinstance(error, DeploymentCancelled)
    assert bench.clock.elapsed < 30.0
    assert bench.accepted() == 1


async def test_a_restart_while_it_waits_is_told_as_lost(bench: Bench) -> None:
    bench.colleague_deploys("slow")
    bench.at(5.0, bench.world.restart)
    error = await bench.failure()
    assert isinstance(error, DeploymentLost)
    assert bench.clock.elapsed < 40.0


async def test_a_restart_and_a_colleague_s_quick_deployment_after_it_are_not_mistaken_for_ours(bench: Bench) -> None:
    bench.colleague_deploys("slow")

    def restart() -> None:
        bench.world.restart(down_seconds=3.0)
        bench.service("git").behaviour.build_seconds = 0.1

    bench.at(5.0, restart)
    bench.at(8.05, bench.colleague_deploys)
    error = await bench.failure()
    assert isinstance(error, DeploymentLost | DeploymentUnidentified)


async def test_a_restart_after_the_end_disturbs_nobody(bench: Bench) -> None:
    bench.at(7.0, bench.world.restart)
    outcome = await bench.deploy()
    assert outcome.verdict.health is Health.HEALTHY


async def test_a_lost_queue_leaves_a_stuck_row_that_is_told_as_such(bench: Bench) -> None:
    bench.at(2.0, bench.world.lose_queue)
    error = await bench.failure()
    assert isinstance(error, DeploymentStuck)
    assert bench.clock.elapsed < 40.0


async def test_a_job_that_a_colleague_drops_is_told_as_lost(bench: Bench) -> None:
    bench.colleague_deploys("slow")
    bench.at(5.0, lambda: bench.world.queue.clean(bench.service("git").id))
    assert isinstance(await bench.failure(), DeploymentLost)


# --- the request and its answer ---------------------------------------------------------------------------------


async def test_a_lost_answer_does_not_deploy_twice(bench: Bench) -> None:
    bench.faults.add("lose_answer", "application.deploy")
    outcome = await bench.deploy()
    assert outcome.stage is Stage.DONE
    assert bench.accepted() == len(bench.rows_made_for(outcome.nonce)) == 1


async def test_a_request_that_broke_before_the_work_is_sent_again(bench: Bench) -> None:
    bench.faults.add("drop_request", "application.deploy")
    outcome = await bench.deploy()
    assert len(bench.world.requests.of("application.deploy")) == 2
    assert bench.accepted() == len(bench.rows_made_for(outcome.nonce)) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_an_error_of_a_proxy_in_front_of_the_request_is_borne(bench: Bench, status: int) -> None:
    bench.faults.add("http_error", "application.deploy", status=status)
    await bench.deploy()
    assert bench.accepted() == 1


async def test_a_refused_connection_and_a_401_before_the_request_are_borne(bench: Bench) -> None:
    bench.faults.add("refuse", "application.deploy", count=2)
    bench.faults.add("unauthorized", "application.deploy", count=2)
    await bench.deploy()
    assert bench.accepted() == 1


async def test_a_restart_that_swallows_answer_and_job_is_found_out_and_the_request_sent_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Carried out, but lost with the queue: nothing shows it any more, so one deployment is made in the end."""
    bench.colleague_deploys("slow")
    bench.faults.add("lose_answer", "application.deploy")
    trigger = bench.world.trigger

    def trigger_and_die(*args: Any) -> Any:
        job = trigger(*args)
        monkeypatch.setattr(bench.world, "trigger", trigger)
        bench.at(bench.clock.elapsed, bench.world.restart)
        return job

    monkeypatch.setattr(bench.world, "trigger", trigger_and_die)
    outcome = await bench.deploy()
    assert len(bench.rows_made_for(outcome.nonce)) == 1
    assert bench.accepted() == 2


async def test_whether_a_lost_request_arrived_is_not_guessed(bench: Bench) -> None:
    """The build was over and its mark overwritten before anybody could look."""
    bench.service("git").behaviour.build_seconds = 0.3
    bench.faults.add("lose_answer", "application.deploy")
    bench.at(0.001, lambda: bench.faults.add("http_error", "deployment.queueList", after=1, count=4))
    error = await bench.failure()
    assert isinstance(error, TriggerFailed)
    assert bench.accepted() == 1


# --- the waiting ------------------------------------------------------------------------------------------------


async def test_reads_that_fail_now_and_then_change_nothing(bench: Bench) -> None:
    for after in range(3, 60, 7):
        bench.faults.add("http_error", "deployment.*", after=after)
        bench.faults.add("refuse", "docker.*", after=after)
    outcome = await bench.deploy()
    assert outcome.verdict.health is Health.HEALTHY


async def test_slow_answers_are_waited_for(bench: Bench) -> None:
    bench.faults.answer_seconds = 2.0
    outcome = await bench.deploy()
    assert outcome.deployment is not None
    assert [outcome.deployment.deployment_id] == bench.rows_made_for(outcome.nonce)


async def test_a_page_of_a_proxy_in_place_of_data_is_told_for_what_it_is(bench: Bench) -> None:
    bench.faults.add("garbage", "deployment.all", count=None, after=4)
    with pytest.raises(ContactLost, match="Something in front of Dokploy answered: 200, text/html"):
        await bench.deploy()


async def test_the_database_of_the_server_may_be_away_while_it_builds(bench: Bench) -> None:
    bench.at(1.0, lambda: setattr(bench.faults, "database_down", True))
    bench.at(4.0, lambda: setattr(bench.faults, "database_down", False))
    outcome = await bench.deploy()
    assert outcome.verdict.health is Health.HEALTHY


async def test_the_database_away_at_the_end_of_the_build_leaves_a_stuck_row(bench: Bench) -> None:
    bench.at(3.0, lambda: setattr(bench.faults, "database_down", True))
    bench.at(20.0, lambda: setattr(bench.faults, "database_down", False))
    error = await bench.failure()
    assert isinstance(error, DeploymentStuck)
    assert "its database was unavailable when the build ended" in str(error)


async def test_a_history_pruned_while_we_were_cut_off_is_not_guessed(bench: Bench) -> None:
    bench.service("docker").behaviour.build_seconds = 0.05
    bench.faults.add("http_error", "deployment.*", after=2, count=6)

    def flood() -> None:
        for _ in range(14):
            bench.colleague_deploys("docker")

    bench.at(0.5, flood)
    error = await bench.failure("docker")
    assert isinstance(error, DeploymentUnidentified)
    assert "Nothing was deployed" not in str(error)


async def test_a_deadline_names_the_stage_and_leaves_the_server_working(bench: Bench) -> None:
    error = await bench.failure("slow", timeout_seconds=10.0)
    assert isinstance(error, DeploymentTimedOut)
    assert "in the stage 'build'" in str(error)
    assert "step" in error.log_tail[-1]
    await bench.clock.sleep(120.0)
    bench.world.advance(bench.clock.epoch())
    assert bench.world.rows_of(bench.service("slow"))[0]["status"] == "done"


async def test_marks_of_a_newer_server_are_no_obstacle(bench: Bench) -> None:
    bench.faults.newer_server = True
    bench.faults.unknown_status = "preparing"
    outcome = await bench.deploy()
    assert outcome.stage is Stage.DONE


# --- keys -------------------------------------------------------------------------------------------------------


async def test_a_wrong_key_is_told_at_once_and_nothing_is_sent(bench: Bench) -> None:
    with pytest.raises(Unauthorized, match="does not accept the API key"):
        await bench.deploy(context=bench.run_context("a-wrong-key"))
    assert bench.clock.elapsed < 1.0
    assert bench.accepted() == 0


async def test_a_key_whose_rate_limit_is_used_up_is_told_with_the_cause(bench: Bench) -> None:
    with pytest.raises((ContactLost, Unauthorized), match=r"rate limit") as told:
        await bench.deploy(context=bench.run_context("rate_limited"), timeout_seconds=60.0)
    assert bench.accepted() == (1 if isinstance(told.value, ContactLost) else 0)


async def test_a_key_that_may_not_read_docker_s_state_deploys_with_a_warning(bench: Bench) -> None:
    outcome = await bench.deploy(context=bench.run_context("no_docker"))
    assert (outcome.stage, outcome.verdict.health) == (Stage.DONE, Health.UNKNOWN)
    assert "docker:read" in bench.told.warnings[0]


# --- the live log -----------------------------------------------------------------------------------------------


async def test_the_live_log_shows_every_line_once(bench: Bench) -> None:
    await bench.deploy(context=bench.run_context(has_live_log=True))
    assert bench.told.lines[0] == "Initializing deployment"
    assert bench.told.lines.count("building-ok") == 1
    assert "✅ Docker build completed." in bench.told.lines


@pytest.mark.parametrize("fault", ["websocket_refused", "websocket_broken"])
async def test_without_the_live_log_the_same_lines_are_read(bench: Bench, fault: str) -> None:
    bench.faults.add(fault, "listen-deployment", count=None, seconds=1.3, status=400)  # type: ignore[arg-type]
    outcome = await bench.deploy(context=bench.run_context(has_live_log=True))
    assert outcome.stage is Stage.DONE
    assert bench.told.lines.count("building-ok") == 1
    assert bench.told.lines.count("Initializing deployment") == 1


async def test_a_torn_log_disturbs_nothing(bench: Bench) -> None:
    bench.faults.torn_log = True
    outcome = await bench.deploy(context=bench.run_context(has_live_log=True))
    assert outcome.stage is Stage.DONE
    assert bench.told.lines.count("building-ok") == 1


async def test_no_line_no_status_and_no_warning_shows_a_secret(bench: Bench) -> None:
    await bench.deploy("ok", context=bench.run_context(has_live_log=True))
    told = "\n".join([*bench.told.statuses, *bench.told.lines, *bench.told.warnings])
    for secret in (*bench.simulator.ready["secrets"], *bench.simulator.ready["api_keys"].values()):
        assert secret not in told


# --- databases --------------------------------------------------------------------------------------------------


async def test_a_database_is_deployed_and_proven(bench: Bench) -> None:
    outcome = await bench.deploy("postgres", kind=ServiceKind.POSTGRES)
    assert (outcome.deployment, outcome.verdict.health) == (None, Health.HEALTHY)


async def test_a_database_whose_image_is_missing_is_told_with_the_server_s_words(bench: Bench) -> None:
    service = bench.world.by_name("postgres:postgres")
    bench.world.set_image(str(service.fields["dockerImage"]), missing=True)
    error = await bench.failure("postgres", kind=ServiceKind.POSTGRES)
    assert isinstance(error, DeploymentFailed)
    assert len(bench.world.requests.of("postgres.deploy")) == 1


async def test_a_database_s_lost_answer_does_not_deploy_it_twice(bench: Bench) -> None:
    bench.faults.add("lose_answer", "postgres.deploy")
    outcome = await bench.deploy("postgres", kind=ServiceKind.POSTGRES)
    assert outcome.verdict.health is Health.HEALTHY
    assert len(bench.world.requests.of("postgres.deploy")) == 1


# --- costs ------------------------------------------------------------------------------------------------------


async def test_fifty_waits_on_one_server_share_their_readings(bench: Bench) -> None:
    context = bench.run_context()
    calls = bench.world.requests
    await asyncio.gather(*(bench.deploy("docker", context=context, wait_for=WaitFor.DONE) for _ in range(10)))
    queue = len(calls.of("deployment.queueList"))
    rows = len(calls.of("deployment.all"))
    assert queue < rows / 2


async def test_a_docker_that_can_not_be_asked_does_not_stop_a_deployment(bench: Bench) -> None:
    bench.faults.add("http_error", "docker.getServiceContainersByAppName", count=None, status=500)
    outcome = await bench.deploy()
    assert (outcome.stage, outcome.verdict.health) == (Stage.DONE, Health.UNKNOWN)
    assert bench.told.warnings


async def test_an_outage_near_the_deadline_does_not_make_the_wait_longer(bench: Bench) -> None:
    bench.at(2.0, lambda: bench.world.restart(down_seconds=9999.0))
    with pytest.raises(ContactLost):
        await bench.deploy(timeout_seconds=20)
    assert bench.clock.elapsed < 30
