"""`on_failure: rollback`: what is noted before a deployment, and what is made of it when the deployment fails."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_dokploy_deployments.api.errors import AccessDenied, ApiError, Step
from pulumi_dokploy_deployments.api.models import DeploymentRecord, Service, ServiceKind
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.rollback.recovery import (
    RecoveryPoint,
    RolledBack,
    deploy_or_recover,
    no_way_warning,
    note_recovery_point,
)
from pulumi_dokploy_deployments.rollout.errors import DeploymentTimedOut
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.rollout.request import RolloutRequest, WaitFor
from pulumi_dokploy_deployments.settings.wanted import Wanted
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.progress import Activity
from pulumi_dokploy_deployments.workload.verdict import Health
from tests.support import api_faults as faults
from tests.support.bench import Bench
from tests.support.builders import SERVICE_ID, SHA, row
from tests.support.fake_dokploy import FakeTask
from tests.support.listener import Listener
from tests.support.virtual_clock import VirtualClock
from tests.unit.rollback.histories import IMAGE, candidate, compose, docker_service, git_service, unstored
from tests.unit.rollback.versions import NEW, OLD, Versions

MADE = -3600.0
"""When the running task of the fake was made."""


def stored(number: int, at: float = MADE - 10.0, **more: Any) -> DeploymentRecord:
    """A row with a stored version."""
    kept = {
        "rollbackId": f"r{number}",
        "deploymentId": f"d{number}",
        "version": number,
        "image": f"shop-x1y2z3:v{number}",
        "fullContext": {},
    }
    return row(f"d{number}", status="done", at=at, rollbackId=f"r{number}", rollback=kept, **more)


def built(number: int, at: float, status: str = "done", **more: Any) -> DeploymentRecord:
    """A row without one."""
    return row(f"d{number}", status=status, at=at, **more)


@pytest.fixture
def told() -> Listener:
    return Listener()


class Run:
    """A deployment of a fake's service that brings back what ran before."""

    def __init__(self, clock: VirtualClock, told: Listener, service: Service, *history: DeploymentRecord) -> None:
        self.fake = Versions(clock, service)
        self.fake.history = list(history)
        self.context = RunContext(self.fake, clock, told, has_live_log=False)

    async def note(self) -> RecoveryPoint:
        return await note_recovery_point(self.fake.service, self.context)

    async def deploy(self, record: RunRecord | None = None, **more: Any) -> RunRecord:
        request = RolloutRequest(ServiceRef(ServiceKind.APPLICATION, SERVICE_ID), stream_logs=False, **more)
        return (await deploy_or_recover(request, self.fake.service, self.context, record)).record

    async def rolled_back(self, **more: Any) -> RolledBack:
        with pytest.raises(RolledBack) as caught:
            await self.deploy(**more)
        return caught.value


# --- what is noted ----------------------------------------------------------------------------------------------


async def test_a_running_image_that_is_stored_is_the_version_to_go_back_to(clock: VirtualClock, told: Listener) -> None:
    run = Run(clock, told, git_service(), stored(3, MADE - 10), stored(2, MADE - 20), stored(1, MADE - 30))
    point = await run.note()
    assert point.candidate is not None
    assert (point.candidate.deployment_id, point.image, point.why_no_way) == ("d2", NEW, "")
    assert point.task_ids == {"old"}
    assert point.service is run.fake.service


async def test_without_a_stored_image_the_newest_good_deployment_before_the_task_brought_it(
    clock: VirtualClock, told: Listener
) -> None:
    history = [
        built(5, MADE + 60),
        built(4, MADE - 5, status="error"),
        built(3, MADE - 10),
        built(2, MADE - 20),
    ]
    run = Run(clock, told, git_service(), *history)
    point = await run.note()
    assert point.candidate is not None
    assert point.candidate.deployment_id == "d3"
    assert point.why_no_way.startswith("the deployment that runs, d3, can't be brought back: no image was stored")


async def test_of_several_tasks_the_oldest_tells_which_deployment_brought_them(
    clock: VirtualClock, told: Listener
) -> None:
    """One of them was restarted after a later deployment had been made."""
    run = Run(clock, told, git_service(), built(3, MADE + 50), built(2, MADE - 10))
    run.fake.tasks.append(FakeTask("restarted", MADE + 100))
    point = await run.note()
    assert point.candidate is not None
    assert point.candidate.deployment_id == "d2"
    assert point.task_ids == {"old", "restarted"}


async def test_a_row_of_the_very_moment_of_the_task_brought_it(clock: VirtualClock, told: Listener) -> None:
    point = await Run(clock, told, git_service(), built(3, MADE)).note()
    assert point.candidate is not None


async def test_a_history_that_begins_later_does_not_show_what_runs(clock: VirtualClock, told: Listener) -> None:
    point = await Run(clock, told, git_service(), built(3, MADE + 60)).note()
    assert point.candidate is None
    assert point.why_no_way == "its history does not show which deployment runs"


async def test_after_a_rollback_of_swarm_s_own_the_age_of_the_tasks_tells_nothing(
    clock: VirtualClock, told: Listener
) -> None:
    run = Run(clock, told, git_service(), built(3, MADE - 10))
    run.fake.update = ("rollback_completed", MADE)
    assert (await run.note()).candidate is None
    run.fake.update = ("completed", MADE)
    assert (await run.note()).candidate is not None


async def test_what_swarm_takes_away_or_has_not_started_runs_no_more(clock: VirtualClock, told: Listener) -> None:
    run = Run(clock, told, git_service(), stored(2))
    run.fake.tasks = [
        FakeTask("put down", MADE, desired="shutdown"),
        FakeTask("starting", MADE, current="Starting 1 second ago"),
        FakeTask("held ready", MADE, desired="ready"),
    ]
    point = await run.note()
    assert (point.task_ids, point.why_no_way) == (frozenset(), "none of its tasks is running")


@pytest.mark.parametrize("tag", ["1", "3"])
async def test_a_docker_source_goes_back_to_the_image_that_runs(clock: VirtualClock, told: Listener, tag: str) -> None:
    run = Run(clock, told, docker_service(f"registry.example.com/shop:{tag}"))
    run.fake.image = f"{IMAGE}@sha256:abc"
    point = await run.note()
    assert (point.candidate, point.image, point.why_no_way) == (None, f"{IMAGE}@sha256:abc", "")


async def test_a_docker_source_can_not_go_back_to_the_image_that_is_deployed_anew(
    clock: VirtualClock, told: Listener
) -> None:
    run = Run(clock, told, docker_service(IMAGE))
    run.fake.image = f"{IMAGE}@sha256:abc"
    assert (await run.note()).why_no_way == (
        f"the image that runs, {IMAGE}@sha256:abc, is the one that is about to be deployed"
    )


async def test_a_compose_has_no_way_back_and_nothing_is_asked(clock: VirtualClock, told: Listener) -> None:
    run = Run(clock, told, compose())
    assert (await run.note()).why_no_way == "Dokploy keeps no earlier versions of a compose"
    assert not run.fake.calls


async def test_short_faults_are_retried_and_missing_rights_are_told(clock: VirtualClock, told: Listener) -> None:
    run = Run(clock, told, git_service(), stored(2))
    run.fake.fail("docker.getServiceContainersByAppName", faults.refused())
    run.fake.fail("deployment.allByType", faults.refused())
    assert (await run.note()).candidate is not None
    run.fake.fail("docker.getServiceContainersByAppName", faults.denied())
    with pytest.raises(AccessDenied):
        await run.note()


@pytest.mark.parametrize(
    ("found", "image", "name"),
    [
        (candidate(2), NEW, f"version 2, deployment d2, commit {'2' * 12}"),
        (candidate(2, version=0), NEW, f"version 0, deployment d2, commit {'2' * 12}"),
        (unstored(2, commit_hash=None), NEW, "deployment d2"),
        (None, IMAGE, f"image {IMAGE}"),
        (None, "", "the earlier version"),
    ],
)
def test_what_ran_before_is_named_by_what_is_known_of_it(found: Any, image: str, name: str) -> None:
    assert RecoveryPoint(git_service(), frozenset({"old"}), image, found, "").name == name


def test_the_warning_says_why_there_is_no_way_back() -> None:
    point = RecoveryPoint(git_service(), frozenset(), "", None, "none of its tasks is running")
    assert no_way_warning(point) == (
        'on_failure is rollback, but there is nothing to go back to for application "shop" if this deployment fails: '
        "none of its tasks is running."
    )


# --- what becomes of a failure ----------------------------------------------------------------------------------


async def test_a_deployment_that_succeeds_is_left_alone(clock: VirtualClock, told: Listener) -> None:
    run, record = Run(clock, told, git_service(), stored(2)), RunRecord()
    assert await run.deploy(record) is record
    assert record.verdict.health is Health.HEALTHY
    assert not run.fake.rolled_back
    assert Activity.RECOVERING not in [each.activity for each in told.progresses]


async def test_a_build_that_failed_has_replaced_nothing(clock: VirtualClock, told: Listener) -> None:
    """A built image's tag is overwritten by the failed build: that the tasks are the same ones is what counts."""
    run = Run(clock, told, git_service(), built(1, MADE - 10))
    run.fake.fails = True
    error = await run.rolled_back()
    assert error.is_recovered
    assert "What ran before (deployment d1) is running. Fix the cause, then try again." in str(error)
    assert not run.fake.rolled_back
    recovering = [each.detail for each in told.progresses if each.activity is Activity.RECOVERING]
    assert recovering[0] == "checking what ran before (deployment d1)"
    assert len(recovering) > 3, "it was watched for a while"


async def test_the_error_is_the_deployment_s_own_with_what_runs_now(clock: VirtualClock, told: Listener) -> None:
    run = Run(clock, told, git_service(), stored(2))
    run.fake.fails = True
    error = await run.rolled_back()
    cause = error.cause
    assert cause.log_tail
    assert cause.deployment is not None
    assert cause.link
    for name in ("what", "reason", "service", "deployment", "log_tail", "last_words", "link", "property_name"):
        assert getattr(error, name) == getattr(cause, name), name
    assert error.step is Step.FIX_AND_RUN_AGAIN


async def test_a_commit_that_was_not_expected_is_brought_back_from(clock: VirtualClock, told: Listener) -> None:
    run = Run(clock, told, git_service(), stored(1))
    run.fake.image = OLD
    error = await run.rolled_back(expect_commit="abcdef")
    assert error.property_name == "expect_commit"
    assert SHA[:7] in str(error)
    assert error.is_recovered
    assert "It was rolled back to what ran before (version 1, deployment d1), which is running." in str(error)
    assert run.fake.rolled_back == ["r1"]


async def test_what_swarm_brought_back_from_an_overwritten_tag_is_not_what_ran_before(
    clock: VirtualClock, told: Listener
) -> None:
    run = Run(clock, told, git_service(), built(1, MADE - 10))
    run.fake.crashes = True
    error = await run.rolled_back()
    assert not error.is_recovered
    assert "It could not be rolled back: the deployment that runs, d1, can't be brought back: no image" in str(error)


@pytest.mark.parametrize("service", [git_service(), docker_service("registry.example.com/shop:3")])
async def test_what_swarm_brought_back_by_an_image_of_its_own_is_enough(
    clock: VirtualClock, told: Listener, service: Service
) -> None:
    run = Run(clock, told, service, stored(2))
    run.fake.crashes = True
    error = await run.rolled_back()
    assert error.is_recovered
    assert "is running. Fix the cause" in str(error)
    assert not run.fake.rolled_back


async def test_what_swarm_brought_back_with_tasks_of_its_own_is_enough_too(
    clock: VirtualClock, told: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(clock, told, git_service(), stored(2))
    fake, roll_out = run.fake, run.fake._roll_out
    fake.crashes = True

    def put_back() -> None:
        roll_out()
        fake.tasks[0].desired = "shutdown"
        fake.tasks.append(FakeTask("put back", fake.server.now + 0.002))

    monkeypatch.setattr(fake, "_roll_out", put_back)
    error = await run.rolled_back()
    assert error.is_recovered
    assert not run.fake.rolled_back


async def test_a_version_that_is_stored_but_swarm_brought_back_another_is_brought_back_by_us(
    clock: VirtualClock, told: Listener
) -> None:
    run = Run(clock, told, git_service(), stored(1))
    run.fake.image = OLD
    run.fake.crashes = True
    run.fake.at(3.0, lambda: setattr(run.fake, "image", NEW))
    run.fake.before.append(lambda called: _sound_again(run, called))
    error = await run.rolled_back()
    assert error.is_recovered
    assert run.fake.rolled_back == ["r1"]


def _sound_again(run: Run, called: str) -> None:
    """What is rolled back to runs, other than what was deployed."""
    if called == "rollback.rollback":
        run.fake.crashes = False


async def test_where_nothing_ran_before_nothing_is_claimed_to_run(clock: VirtualClock, told: Listener) -> None:
    run = Run(clock, told, git_service(), stored(2))
    run.fake.tasks = []
    run.fake.fails = True
    error = await run.rolled_back()
    assert not error.is_recovered
    assert "It could not be rolled back: none of its tasks is running." in str(error)
    assert not run.fake.rolled_back


async def test_what_ran_before_and_is_gone_without_a_way_back_is_not_recovered(
    clock: VirtualClock, told: Listener
) -> None:
    run = Run(clock, told, git_service(), built(1, MADE - 10))
    run.fake.fails = True
    run.fake.at(3.0, lambda: run.fake.tasks.append(FakeTask("another", 3.0)))
    error = await run.rolled_back()
    assert not error.is_recovered
    assert "It could not be rolled back" in str(error)


async def test_a_rollback_that_fails_as_well_is_told_with_both_reasons(clock: VirtualClock, told: Listener) -> None:
    run = Run(clock, told, git_service(), stored(1))
    run.fake.image = OLD
    run.fake.fail("rollback.rollback", faults.invalid())
    error = await run.rolled_back(expect_commit="abcdef")
    assert not error.is_recovered
    assert "Rolling back to what ran before (version 1, deployment d1) failed as well: " in str(error)
    assert "could not be rolled back to version 1" in str(error)
    assert "Fix the cause, then try again." in str(error)
    assert ".." not in str(error)


async def test_after_the_deadline_nothing_is_brought_back_since_the_server_still_works(
    clock: VirtualClock, told: Listener
) -> None:
    run = Run(clock, told, git_service(), stored(2))
    run.fake.build_seconds = 60.0
    with pytest.raises(DeploymentTimedOut):
        await run.deploy(timeout_seconds=10.0)
    assert not run.fake.rolled_back


async def test_a_server_that_is_gone_before_the_deployment_is_told_and_nothing_is_sent(
    clock: VirtualClock, told: Listener
) -> None:
    run = Run(clock, told, git_service(), stored(2))
    run.fake.fail("deployment.allByType", *[faults.refused()] * 60)
    with pytest.raises(ApiError):
        await run.deploy()
    assert not run.fake.sent
    assert clock.elapsed < 15.0


# --- back by the source -----------------------------------------------------------------------------------------


async def test_an_earlier_docker_image_is_deployed_again_and_the_setting_stays_as_its_owner_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench(monkeypatch, build_seconds=0.5)
    app, context = bench.service("paused"), bench.run_context()
    wanted = app.fields["dockerImage"]
    (before,) = set(bench.world.running_images(app.app_name))
    assert before != wanted
    service = await context.client.read_service(ServiceKind.APPLICATION, app.id)
    request = RolloutRequest(
        ServiceRef(ServiceKind.APPLICATION, app.id), title="release", wait_for=WaitFor.HEALTHY, stream_logs=False
    )
    with pytest.raises(RolledBack) as caught:
        await deploy_or_recover(request, service, context)
    assert caught.value.is_recovered
    assert "It was rolled back to what ran before (deployment " in str(caught.value)
    assert app.fields["dockerImage"] == wanted
    assert set(bench.world.running_images(app.app_name)) == {before}
    rows = await context.client.deployments_of(ServiceKind.APPLICATION, app.id)
    assert [each.title for each in rows][:2] == [f"back to {before}", "release"]


async def test_where_the_history_tells_nothing_the_image_that_ran_is_deployed_again(
    clock: VirtualClock, told: Listener
) -> None:
    new = "registry.example.com/shop:3"
    run = Run(clock, told, docker_service(new))
    run.fake.image = f"{IMAGE}@sha256:abc"
    error = await run.rolled_back(title="release", expect_commit="abcdef")
    assert error.is_recovered
    assert f"It was rolled back to what ran before (image {IMAGE}@sha256:abc), which is running." in str(error)
    assert run.fake.updates == [{"dockerImage": IMAGE}, {"dockerImage": new}]
    assert [each["title"] for each in run.fake.sent] == ["release", f"back to {IMAGE}"]
    assert run.fake.image == IMAGE


# --- back by what the service was set to --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["compose", "application"])
async def test_what_someone_else_has_set_meanwhile_closes_the_way_by_the_settings_alone(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    bench = Bench(monkeypatch, build_seconds=2.0)
    service = bench.service("ok", kind)
    if kind == "application":
        await bench.deploy("ok")
        bench.world.push_commit("ok", "does not build", build="fails")
    service.behaviour.build = "fails"
    service.fields["env"] = "TAG=1\n"
    bench.at(bench.clock.elapsed + 1.0, lambda: service.update({"env": "TAG=9\n"}))
    context = bench.run_context()
    request = RolloutRequest(
        ServiceRef(ServiceKind(kind), service.id), wanted=Wanted(env={"TAG": "2"}), stream_logs=False
    )
    with pytest.raises(RolledBack) as caught:
        await deploy_or_recover(request, await context.client.read_service(ServiceKind(kind), service.id), context)
    told = "could not be rolled back: what it is set to could not be put back"
    assert (told in str(caught.value)) is (kind == "compose")
    assert caught.value.is_recovered is (kind == "application")
    assert service.fields["env"] == "TAG=9\n"


@pytest.mark.parametrize("kind", ["compose", "application"])
async def test_what_the_run_has_set_is_put_back_and_told(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    bench = Bench(monkeypatch, build_seconds=0.5)
    service = bench.service("ok", kind)
    await bench.deploy("ok")
    if kind == "application":
        bench.world.push_commit("ok", "does not build", build="fails")
    else:
        works = service.behaviour.build
        service.behaviour.build = "fails"
        bench.at(bench.clock.elapsed + 0.4, lambda: setattr(service.behaviour, "build", works))
    service.fields["env"] = "TAG=1\n"
    context, ref = bench.run_context(), ServiceRef(ServiceKind(kind), service.id)
    request = RolloutRequest(ref, wanted=Wanted(env={"TAG": "2"}), stream_logs=False)
    with pytest.raises(RolledBack) as caught:
        await deploy_or_recover(request, await context.client.read_service(ref.kind, service.id), context)
    assert "The service is set as it was before." in str(caught.value)
    assert caught.value.is_recovered
    titles = [each.title for each in await context.client.deployments_of(ref.kind, service.id)]
    assert ("back to what ran before" in titles) is (kind == "compose")
    assert service.fields["env"] == "TAG=1\n"


async def test_what_a_compose_is_set_to_already_is_no_way_back(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(monkeypatch)
    service = bench.service("ok", "compose")
    service.fields["env"] = "TAG=1\n"
    context = bench.run_context()
    found = await context.client.read_service(ServiceKind.COMPOSE, service.id)
    for tag, why in (("1", "Dokploy keeps no earlier versions of a compose"), ("2", "")):
        point = await note_recovery_point(found, context, Wanted(env={"TAG": tag}))
        assert (point.why_no_way, point.by_settings) == (why, not why)
