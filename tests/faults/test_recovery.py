"""`on_failure: rollback`: whatever goes wrong, what ran before runs afterwards, and the message says so truly."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_dokploy_deployments.resources.deployment import DeploymentLifeCycle
from pulumi_dokploy_deployments.resources.deployment_model import DeploymentInputs
from pulumi_dokploy_deployments.resources.deployment_state import DeploymentState
from pulumi_dokploy_deployments.resources.life_cycle import Operation, Unfinished
from pulumi_dokploy_deployments.resources.rollback_target import RollbackTargetLifeCycle
from pulumi_dokploy_deployments.rollback.recovery import RolledBack
from pulumi_dokploy_deployments.rollout.errors import DeploymentTimedOut
from tests.support.bench import Bench


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch, build_seconds=0.5)


def given(bench: Bench, name: str, **more: Any) -> DeploymentInputs:
    asked = {"application_id": bench.service(name).id, "on_failure": "rollback", "stream_logs": False, **more}
    checked = DeploymentLifeCycle().check(asked)
    assert checked.inputs is not None
    return checked.inputs


async def release(bench: Bench, name: str, **more: Any) -> DeploymentState:
    operation = Operation(bench.run_context())
    return (await DeploymentLifeCycle().create(given(bench, name, **more), operation)).state


async def rolled_back(bench: Bench, name: str, **more: Any) -> RolledBack:
    with pytest.raises(Unfinished) as caught:
        await release(bench, name, **more)
    assert isinstance(caught.value.error, RolledBack)
    return caught.value.error


def commits(bench: Bench, name: str) -> set[str | None]:
    """The truth: the commits that the running containers were built from."""
    world, app_name = bench.world, bench.service(name).app_name
    world.advance(bench.clock.epoch())
    found = [service for service in world.swarm.services if service.name == app_name]
    return {task.spec.content.commit for service in found for task in world.swarm.running(service)}


async def test_a_broken_build_replaces_nothing_and_the_old_version_is_seen_to_run(bench: Bench) -> None:
    good = bench.world.push_commit("ok", "good")
    first = await release(bench, "ok")
    bench.world.push_commit("ok", "does not build", build="fails")
    error = await rolled_back(bench, "ok")
    assert error.is_recovered
    assert f"What ran before (version {first.outputs.version}, deployment {first.outputs.deployment_id}" in str(error)
    assert "Docker build failed" in str(error)
    assert commits(bench, "ok") == {good.sha}
    assert not bench.world.requests.of("rollback.rollback"), "nothing had to be brought back"


@pytest.mark.parametrize("runtime", ["exits", "start_fails", "unhealthy"])
async def test_a_version_that_does_not_run_is_rolled_back_by_its_stored_image(bench: Bench, runtime: str) -> None:
    good = bench.world.push_commit("ok", "good")
    first = await release(bench, "ok")
    bench.world.push_commit("ok", "bad", runtime=runtime)  # type: ignore[arg-type]
    error = await rolled_back(bench, "ok")
    assert error.is_recovered
    assert "It was rolled back to what ran before" in str(error)
    assert str(first.outputs.deployment_id) in str(error)
    assert error.deployment is not None
    assert error.deployment.deployment_id in str(error)
    assert commits(bench, "ok") == {good.sha}


async def test_what_swarm_itself_brought_back_is_enough_where_the_image_names_its_version(bench: Bench) -> None:
    error = await rolled_back(bench, "crash")
    assert error.is_recovered
    assert "is running. Fix the cause" in str(error)
    running = set(bench.world.running_images(bench.service("crash").app_name))
    assert running == {"127.0.0.1:5055/reg/crash:1"}


async def test_a_paused_update_is_brought_back_by_the_earlier_image_and_the_setting_stays(bench: Bench) -> None:
    service = bench.service("paused")
    wanted = service.fields["dockerImage"]
    before = set(bench.world.running_images(service.app_name))
    error = await rolled_back(bench, "paused")
    assert error.is_recovered
    assert service.fields["dockerImage"] == wanted
    assert set(bench.world.running_images(service.app_name)) == before


async def test_a_pinned_service_goes_back_to_its_pin(bench: Bench) -> None:
    good = bench.world.push_commit("ok", "good")
    await release(bench, "ok")
    bench.world.push_commit("ok", "later")
    await release(bench, "ok")
    context = bench.run_context()
    pin = RollbackTargetLifeCycle()
    inputs = pin.check({"application_id": bench.service("ok").id, "previous": 1}).inputs
    assert inputs is not None
    await pin.create(inputs, Operation(context))
    assert commits(bench, "ok") == {good.sha}
    bench.world.push_commit("ok", "bad", runtime="exits")
    error = await rolled_back(bench, "ok")
    assert error.is_recovered
    assert commits(bench, "ok") == {good.sha}


async def test_without_anything_to_go_back_to_it_says_so_before_and_after(bench: Bench) -> None:
    await DeploymentLifeCycle().ask(None, given(bench, "crashloop"), bench.run_context())
    assert any("nothing to go back to" in warning for warning in bench.told.warnings)
    error = await rolled_back(bench, "crashloop")
    assert not error.is_recovered
    assert "It could not be rolled back" in str(error)


async def test_after_a_timeout_nothing_is_rolled_back_since_the_server_still_works(bench: Bench) -> None:
    await release(bench, "ok")
    bench.world.set_behaviour("ok", build_seconds=60.0)
    with pytest.raises(Unfinished) as caught:
        await release(bench, "ok", timeout_seconds=5)
    assert isinstance(caught.value.error, DeploymentTimedOut)
    assert not bench.world.requests.of("rollback.rollback")


async def test_a_rollback_that_fails_as_well_is_told_with_both_reasons(bench: Bench) -> None:
    await release(bench, "ok")
    bench.world.push_commit("ok", "bad", runtime="exits")
    bench.faults.add("http_error", "rollback.rollback", None, status=400)
    error = await rolled_back(bench, "ok")
    assert not error.is_recovered
    assert "failed as well" in str(error)
    assert "does not run" in str(error)
