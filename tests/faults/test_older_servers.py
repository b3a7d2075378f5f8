"""Releases from v0.28.3 on, and what is below: each is deployed to, read and rolled back as the docs' table says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pulumi_dokploy_deployments.api.errors import MissingEndpoint, TooOld
from pulumi_dokploy_deployments.api.models import DeploymentStatus, ServiceKind
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.functions import table
from pulumi_dokploy_deployments.functions.identity import UnknownId
from pulumi_dokploy_deployments.resources.deployment import DeploymentLifeCycle
from pulumi_dokploy_deployments.resources.rollback_target import RollbackTargetLifeCycle
from pulumi_dokploy_deployments.rollback.by_image import roll_back_and_verify
from pulumi_dokploy_deployments.rollback.by_source import deploy_source
from pulumi_dokploy_deployments.rollback.candidates import candidates_of
from pulumi_dokploy_deployments.rollback.targets import Strategy, Target, choose_way
from pulumi_dokploy_deployments.rollout.build_log import NoBuildLog
from pulumi_dokploy_deployments.rollout.deploy import deploy
from pulumi_dokploy_deployments.rollout.errors import (
    DeploymentCancelled,
    DeploymentFailed,
    DeploymentLost,
    ServiceBusy,
    ServiceUnhealthy,
)
from pulumi_dokploy_deployments.rollout.request import OnBusy, RolloutRequest, WaitFor
from pulumi_dokploy_deployments.rollout.watch import watch
from pulumi_dokploy_deployments.simulator.world.redis_queue import RedisQueue
from pulumi_dokploy_deployments.simulator.world.versions import PROFILES
from pulumi_dokploy_deployments.waiting.progress import Activity, Stage
from pulumi_dokploy_deployments.workload.verdict import Health
from tests.support.bench import Bench

Playing = Callable[[str], Bench]
COMPOSE = ServiceKind.COMPOSE
IN_REDIS = ("v0.28.3", "v0.29.8")
IN_MEMORY = ("v0.29.14", "v0.30.2")
every_profile = pytest.mark.parametrize("version", [str(version) for version in PROFILES])


@pytest.fixture
def playing(monkeypatch: pytest.MonkeyPatch) -> Playing:
    """A server of a release."""
    return lambda version: Bench(monkeypatch, server_version=version)


async def ask(bench: Bench, name: str, **given: Any) -> Any:
    """What a function gives."""
    function: Any = getattr(table, name.upper())
    context = bench.run_context(has_live_log=True)
    return await function.call(context, function.asked(given, bench.clock.now()))


# --- below the floor --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v0.24.12", "v0.27.1", "v0.28.2"])
async def test_below_the_floor_nothing_is_sent(playing: Playing, version: str) -> None:
    bench = playing(version)
    with pytest.raises(TooOld, match=f"Dokploy {version} is older than v0.28.3.*nothing was sent.*Update Dokploy"):
        await bench.deploy("git")
    with pytest.raises(TooOld):
        await bench.deploy("postgres", kind=ServiceKind.POSTGRES)
    asked = {"/api/application.one", "/api/postgres.one", "/api/settings.getDokployVersion"}
    assert {call.path for call in bench.world.requests.calls} == asked
    assert bench.made == []


async def test_below_the_floor_previews_say_so_too(playing: Playing) -> None:
    bench = playing("v0.27.1")
    ref = bench.service("ok").id
    deployment = DeploymentLifeCycle().check({"application_id": ref}).inputs
    pin = RollbackTargetLifeCycle().check({"application_id": ref, "version": 1}).inputs
    assert deployment is not None
    assert pin is not None
    for preview in (
        DeploymentLifeCycle().ask(None, deployment, bench.run_context()),
        RollbackTargetLifeCycle().ask(None, pin, bench.run_context()),
    ):
        with pytest.raises(TooOld, match="nothing was sent"):
            await preview
    assert await DeploymentLifeCycle().ask(deployment, deployment, bench.run_context()) == deployment


async def test_below_the_floor_nothing_is_rolled_back(playing: Playing) -> None:
    bench = playing("v0.27.1")
    context = bench.run_context()
    service = await context.client.read_service(ServiceKind.APPLICATION, bench.service("docker").id)
    target = Target(
        strategy=Strategy.SOURCE, deployment_id="d", created_at=bench.clock.now(), title="", source_ref="image:1"
    )
    with pytest.raises(TooOld):
        await roll_back_and_verify(service, target, context, timeout_seconds=60.0)
    request = RolloutRequest(ServiceRef(ServiceKind.APPLICATION, service.service_id))
    with pytest.raises(TooOld):
        await deploy_source(service, target, request, context)
    assert not bench.world.requests.of("rollback.rollback")
    assert not bench.world.requests.of("application.update")


async def test_below_the_floor_the_history_can_still_be_read(playing: Playing) -> None:
    bench = playing("v0.27.1")
    bench.colleague_deploys("docker")
    bench.world.advance(bench.clock.epoch() + 10.0)
    found = await ask(bench, "get_application_deployments", application_id=bench.service("docker").id)
    assert [row.status for row in found.deployments] == ["done"]


# --- deploying --------------------------------------------------------------------------------------------------


@every_profile
@pytest.mark.parametrize("name", ["ok", "git", "docker"])
async def test_an_application_is_followed_to_its_healthy_end(playing: Playing, version: str, name: str) -> None:
    bench = playing(version)
    record = await bench.deploy(name, context=bench.run_context(has_live_log=True))
    assert (record.stage, record.verdict.health) == (Stage.DONE, Health.HEALTHY)
    assert "Initializing deployment" in bench.told.lines
    assert bench.told.warnings == []


@every_profile
@pytest.mark.parametrize("has_live_log", [True, False])
async def test_the_reason_of_a_failed_build_is_told_wherever_the_log_can_be_had(
    playing: Playing, version: str, has_live_log: bool
) -> None:
    bench = playing(version)
    error = await bench.failure("broken", context=bench.run_context(has_live_log=has_live_log))
    assert isinstance(error, DeploymentFailed)
    reads = bool(bench.world.requests.of("deployment.readLogs"))
    assert reads is (version != "v0.28.3"), "a request that the server does not know is never made"
    assert ("non-zero code: 7" in str(error)) is (has_live_log or reads)


@every_profile
async def test_a_log_that_breaks_off_before_the_end_is_read_once_more(playing: Playing, version: str) -> None:
    bench = playing(version)
    bench.service("broken").behaviour.build_seconds = 20.0
    bench.faults.add("websocket_broken", "listen-deployment", count=1, seconds=2.0)
    error = await bench.failure("broken", context=bench.run_context(has_live_log=True))
    assert "non-zero code: 7" in str(error)


async def test_v0_29_3_gives_no_build_log_and_is_told_as_it_is(playing: Playing) -> None:
    bench = playing("v0.29.3")
    error = await bench.failure("broken", context=bench.run_context(has_live_log=True))
    assert isinstance(error, DeploymentFailed)
    assert "Dokploy v0.29.3 gives no build log" in str(error)
    assert (await bench.deploy("docker")).verdict.health is Health.HEALTHY
    with pytest.raises(NoBuildLog, match=r"Dokploy v0\.29\.3 gives no build log.*Update Dokploy"):
        await ask(bench, "get_deployment_logs", deployment_id=bench.made[0][0])


@pytest.mark.parametrize("version", ["v0.29.8", "v0.30.2"])
async def test_the_eighth_type_of_database_is_deployed_like_the_others(playing: Playing, version: str) -> None:
    record = await playing(version).deploy("libsql", kind=ServiceKind.LIBSQL)
    assert record.verdict.health is Health.HEALTHY


async def test_a_database_that_the_release_does_not_have_is_no_missing_database(playing: Playing) -> None:
    bench = playing("v0.28.3")
    context = bench.run_context()
    with pytest.raises(MissingEndpoint, match=r"This version of Dokploy has no libsql\.one"):
        await deploy(RolloutRequest(ServiceRef(ServiceKind.LIBSQL, "any")), context)


@every_profile
async def test_a_crash_is_red_with_what_still_runs(playing: Playing, version: str) -> None:
    error = await playing(version).failure("crash")
    assert isinstance(error, ServiceUnhealthy)


@every_profile
async def test_a_stack_is_judged_by_its_tasks_and_old_containers_are_no_failure(playing: Playing, version: str) -> None:
    bench = playing(version)
    bench.world.set_behaviour("compose:stack", runtime="exits")
    with pytest.raises(ServiceUnhealthy):
        await bench.deploy("stack", kind=COMPOSE)
    bench.world.set_behaviour("compose:stack", runtime="healthy")
    record = await bench.deploy("stack", kind=COMPOSE)
    assert record.verdict.health is Health.HEALTHY
    assert not bench.world.requests.of("docker.getContainersByAppNameMatch")


# --- reading ----------------------------------------------------------------------------------------------------


@every_profile
async def test_the_log_of_a_service_on_a_remote_server_is_read_on_every_release(playing: Playing, version: str) -> None:
    bench = playing(version)
    record = await bench.deploy("remote")
    assert record.deployment is not None
    log = await ask(bench, "get_deployment_logs", deployment_id=record.deployment.deployment_id)
    assert log.lines[0] == "Initializing deployment"


@every_profile
async def test_the_log_of_a_deployment_is_read_in_the_way_that_the_release_offers(
    playing: Playing, version: str
) -> None:
    bench = playing(version)
    record = await bench.deploy("docker")
    assert record.deployment is not None
    whole = await ask(bench, "get_deployment_logs", deployment_id=record.deployment.deployment_id)
    assert whole.lines[0] == "Initializing deployment"
    assert whole.is_complete
    end = await ask(bench, "get_deployment_logs", deployment_id=record.deployment.deployment_id, tail=2)
    assert (end.lines, end.is_complete) == (whole.lines[-2:], False)


async def test_an_older_server_s_log_behind_a_proxy_without_websockets_is_told_as_such(playing: Playing) -> None:
    bench = playing("v0.28.3")
    record = await bench.deploy("docker")
    assert record.deployment is not None
    bench.faults.add("websocket_refused", "listen-deployment")
    with pytest.raises(NoBuildLog, match=r"Dokploy before v0\.29\.5 gives build logs only in this way"):
        await ask(bench, "get_deployment_logs", deployment_id=record.deployment.deployment_id)


@every_profile
async def test_unknown_ids_are_told_alike(playing: Playing, version: str) -> None:
    bench = playing(version)
    for name, given in (
        ("get_deployment_logs", {"deployment_id": "nosuch"}),
        ("get_application_deployments", {"application_id": "nosuch"}),
        ("get_compose_deployments", {"compose_id": "nosuch"}),
        ("get_deployments_by_type", {"id": "nosuch", "type": "application"}),
    ):
        with pytest.raises(UnknownId, match=r"has no .* with the id 'nosuch'"):
            await ask(bench, name, **given)


@every_profile
async def test_a_stored_version_is_brought_back_and_proven(playing: Playing, version: str) -> None:
    bench = playing(version)
    first = await bench.deploy("ok")
    await bench.deploy("ok")
    context = bench.run_context()
    service = await context.client.read_service(ServiceKind.APPLICATION, bench.service("ok").id)
    candidates = candidates_of(await context.client.deployments_by_type("application", service.service_id))
    assert first.deployment is not None
    candidate = next(one for one in candidates if one.deployment_id == first.deployment.deployment_id)
    target = choose_way(candidate, Strategy.IMAGE, service, candidates, bench.clock.now(), source_ref=None)
    proof = await roll_back_and_verify(service, target, context, timeout_seconds=120.0)
    assert proof.verdict.health is Health.HEALTHY


# --- restarts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", IN_REDIS)
@pytest.mark.parametrize("signal", ["TERM", "KILL"])
@pytest.mark.parametrize("name", ["git", "docker"])
async def test_a_build_that_a_restart_breaks_off_is_run_again_and_its_second_row_is_the_result(
    playing: Playing, version: str, signal: Any, name: str
) -> None:
    bench = playing(version)
    bench.service(name).behaviour.build_seconds = 10.0
    bench.at(4.0, lambda: bench.world.restart(signal=signal))
    record = await bench.deploy(name, context=bench.run_context(has_live_log=True))
    rows = bench.rows_made_for(record.nonce)
    assert len(rows) == 2
    assert record.deployment is not None
    assert record.deployment.deployment_id == rows[1]
    assert (record.stage, record.verdict.health) == (Stage.DONE, Health.HEALTHY)
    assert any("Dokploy was restarted while it ran, and ran it again" in told for told in bench.told.warnings)
    assert bench.told.lines.count("Initializing deployment") == 2, "both logs are shown"
    assert bench.accepted() == 1


@pytest.mark.parametrize("version", IN_REDIS)
async def test_a_second_run_that_fails_is_told_with_its_own_log(playing: Playing, version: str) -> None:
    bench = playing(version)
    bench.service("broken").behaviour.build_seconds = 10.0
    bench.at(4.0, bench.world.restart)
    error = await bench.failure("broken", context=bench.run_context(has_live_log=True))
    assert isinstance(error, DeploymentFailed)
    assert "non-zero code: 7" in str(error)


@pytest.mark.parametrize("version", IN_REDIS)
async def test_a_build_that_is_broken_off_twice_is_cancelled_and_no_message_says_that_it_never_resumes(
    playing: Playing, version: str
) -> None:
    bench = playing(version)
    bench.service("git").behaviour.build_seconds = 20.0
    bench.at(4.0, lambda: bench.world.restart(down_seconds=3.0, rerun_seconds=5.0))
    bench.at(20.0, lambda: bench.world.restart(down_seconds=3.0, rerun_seconds=5.0))
    error = await bench.failure("git")
    assert isinstance(error, DeploymentCancelled)
    assert "and did not run it again" in str(error)
    assert len({row for row, _ in bench.made}) == 2


@pytest.mark.parametrize("version", IN_REDIS)
async def test_a_waiting_job_survives_a_restart(playing: Playing, version: str) -> None:
    bench = playing(version)
    bench.colleague_deploys("slow")
    bench.at(5.0, bench.world.restart)
    record = await bench.deploy("git")
    assert len(bench.rows_made_for(record.nonce)) == 1
    assert record.verdict.health is Health.HEALTHY


@pytest.mark.parametrize("version", IN_MEMORY)
async def test_a_queue_in_memory_does_not_survive_a_restart(playing: Playing, version: str) -> None:
    bench = playing(version)
    bench.colleague_deploys("slow")
    bench.at(5.0, bench.world.restart)
    error = await bench.failure("git")
    assert isinstance(error, DeploymentLost)
    assert "restarted, which empties its queue" in str(error)
    bench.at(bench.clock.elapsed + 4.0, bench.world.restart)
    cancelled = await bench.failure("git")
    assert isinstance(cancelled, DeploymentCancelled)
    assert "does not resume deployments after a restart" in str(cancelled)


async def test_what_a_colleague_drops_on_an_older_server_was_not_lost_by_a_restart(playing: Playing) -> None:
    bench = playing("v0.29.8")
    bench.colleague_deploys("slow")
    bench.at(5.0, lambda: bench.world.queue.clean(bench.service("git").id))
    error = await bench.failure("git")
    assert isinstance(error, DeploymentLost)
    assert "Someone cleared the queue" in str(error)
    assert "restarted" not in str(error)


@pytest.mark.parametrize("version", IN_REDIS)
async def test_a_queue_that_can_not_be_listed_when_a_job_ends_is_asked_again(playing: Playing, version: str) -> None:
    bench = playing(version)
    queue = bench.world.queue
    assert isinstance(queue, RedisQueue)
    queue.gap_seconds = 1.0
    bench.colleague_deploys("docker")
    record = await bench.deploy("git")
    assert record.verdict.health is Health.HEALTHY
    assert 500 in {call.status for call in bench.world.requests.of("deployment.queueList")}


# --- rows and jobs that say more --------------------------------------------------------------------------------


async def test_a_row_that_waits_waits_as_its_job_does_and_is_never_stuck(bench: Bench) -> None:
    bench.faults.queued_rows = True
    bench.colleague_deploys("slow")
    record = await bench.deploy("git")
    assert record.verdict.health is Health.HEALTHY
    assert len(bench.rows_made_for(record.nonce)) == 1
    assert any(one.activity is Activity.QUEUED for one in bench.told.progresses)


async def test_a_preview_of_a_pull_request_is_named_by_on_busy(bench: Bench) -> None:
    bench.world.trigger_preview("application:git", "Preview: feat")
    with pytest.raises(ServiceBusy, match=r"preview of a pull request: Preview: feat \(active\)"):
        await bench.deploy("git", on_busy=OnBusy.FAIL)


async def test_a_waiting_preview_is_not_dropped_for_the_application_s_own_sake(bench: Bench) -> None:
    bench.colleague_deploys("slow")
    bench.world.trigger_preview("application:git")
    await bench.deploy("git", on_busy=OnBusy.SUPERSEDE)
    assert not bench.world.requests.of("application.cleanQueues")


async def test_a_preview_is_nobody_s_deployment_to_watch(bench: Bench) -> None:
    bench.world.trigger_preview("application:git")
    request = RolloutRequest(ServiceRef(ServiceKind.APPLICATION, bench.service("git").id))
    assert await watch(request, bench.run_context()) is None


async def test_the_queue_names_previews_and_counts_only_the_jobs_of_the_same_line(bench: Bench) -> None:
    bench.colleague_deploys("slow")
    bench.world.trigger_preview("application:git")
    bench.colleague_deploys("remote")
    bench.world.advance(bench.clock.epoch())
    jobs = (await ask(bench, "get_deployment_queue")).jobs
    told = {job.service_id: (job.state, job.is_preview, job.jobs_ahead) for job in jobs}
    assert told[bench.service("git").id] == ("waiting", True, 1)
    assert told[bench.service("remote").id] == ("active", False, None)
    await bench.deploy("docker", wait_for=WaitFor.DONE)
    ahead = [one.jobs_ahead for one in bench.told.progresses if one.activity is Activity.QUEUED]
    assert max(place for place in ahead if place is not None) == 2, "what runs on the remote server is not waited for"


# --- Dokploy Cloud ----------------------------------------------------------------------------------------------


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Dokploy Cloud."""
    return Bench(monkeypatch, cloud=True)


async def test_finished_jobs_of_the_cloud_do_not_make_a_service_busy(cloud: Bench) -> None:
    await cloud.deploy("git")
    await cloud.failure("broken")
    record = await cloud.deploy("git", on_busy=OnBusy.FAIL)
    assert record.verdict.health is Health.HEALTHY
    request = RolloutRequest(ServiceRef(ServiceKind.APPLICATION, cloud.service("git").id))
    assert await watch(request, cloud.run_context()) is None


async def test_a_pending_job_of_the_cloud_waits(cloud: Bench) -> None:
    cloud.colleague_deploys("slow")
    record = await cloud.deploy("git", timeout_seconds=120.0)
    assert record.verdict.health is Health.HEALTHY
    assert any(one.activity is Activity.QUEUED and one.jobs_ahead == 1 for one in cloud.told.progresses)


async def test_a_failed_build_in_the_cloud_is_told_with_its_log(cloud: Bench) -> None:
    error = await cloud.failure("broken")
    assert isinstance(error, DeploymentFailed)
    assert "non-zero code: 7" in str(error)


async def test_a_deployment_that_somebody_cancels_in_the_cloud_is_not_taken_for_done(cloud: Bench) -> None:
    cloud.service("git").behaviour.build_seconds = 20.0
    cloud.at(5.0, lambda: cloud.world.cancel(cloud.service("git")))
    error = await cloud.failure("git", wait_for=WaitFor.DONE)
    assert isinstance(error, DeploymentCancelled)
    assert "someone cancelled it in Dokploy Cloud" in str(error)
    assert error.deployment is not None
    assert error.deployment.status is DeploymentStatus.DONE, "that is what the server calls it"
    assert cloud.clock.elapsed < 12.0
