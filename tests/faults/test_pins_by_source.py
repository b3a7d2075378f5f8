"""Pins by the service's own source: an earlier docker image, or a git branch or tag that the user names."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.resources.life_cycle import Operation, Unfinished
from pulumi_dokploy_deployments.resources.rollback_target import RollbackTargetLifeCycle
from pulumi_dokploy_deployments.resources.rollback_target_model import OnRelease
from pulumi_dokploy_deployments.resources.rollback_target_state import RollbackTargetState
from pulumi_dokploy_deployments.rollback.targets import NoSuchTarget
from pulumi_dokploy_deployments.rollout.errors import RolloutError, UnexpectedCommit
from pulumi_dokploy_deployments.simulator.world.services import Commit, Deployable
from tests.support.bench import Bench

CYCLE = RollbackTargetLifeCycle()


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch, build_seconds=0.5)


def git_setting(bench: Bench, name: str, kind: str = "application") -> object:
    return bench.service(name, kind).fields["customGitBranch"]


async def pin(bench: Bench, **inputs: Any) -> RollbackTargetState:
    context = bench.run_context()
    checked = CYCLE.check(inputs)
    assert checked.inputs is not None
    resolved = await CYCLE.ask(None, checked.inputs, context)
    try:
        return (await CYCLE.create(resolved, Operation(context))).state
    except Unfinished as left:
        raise left.error from None


async def release(state: RollbackTargetState, bench: Bench, on_delete: OnRelease = OnRelease.RETAIN) -> None:
    inputs = state.inputs.model_copy(update={"on_delete": on_delete})
    await CYCLE.delete(state.model_copy(update={"inputs": inputs}), Operation(bench.run_context()))


def tag(bench: Bench, service: Deployable, name: str) -> Commit:
    """Somebody tags the branch's newest commit."""
    assert service.repository is not None
    head = service.repository.head(service.ref)
    assert head is not None
    service.repository.refs[name] = [head]
    return head


@pytest.mark.parametrize("kind", ["application", "compose"])
async def test_a_git_source_goes_back_to_a_named_ref_and_its_setting_comes_back_on_release(
    bench: Bench, kind: str
) -> None:
    service, context = bench.service("git", kind), bench.run_context()
    before = git_setting(bench, "git", kind)
    bench.world.push_commit(service.id, "good one")
    good = tag(bench, service, "v1")
    first = await bench.deploy("git", kind=ServiceKind(kind))
    assert first.deployment is not None
    later = bench.world.push_commit(service.id, "later")
    await bench.deploy("git", kind=ServiceKind(kind))
    inputs = {f"{kind}_id": service.id, "commit": good.sha[:10], "strategy": "source"}

    with pytest.raises(NoSuchTarget, match="not bare commits"):
        await pin(bench, **inputs)
    assert git_setting(bench, "git", kind) == before

    state = await pin(bench, **inputs, source_ref="v1")
    assert (state.outputs.strategy_used, state.outputs.commit_hash, state.outputs.holds) == ("source", good.sha, True)
    assert git_setting(bench, "git", kind) == "v1"
    read = await CYCLE.read(state, context)
    assert read is not None
    assert read.outputs.holds is True

    await release(state, bench, OnRelease.REDEPLOY)
    assert git_setting(bench, "git", kind) == before
    rows = await context.client.deployments_of(ServiceKind(kind), service.id)
    assert rows[0].commit_hash == later.sha


async def test_a_ref_that_holds_another_commit_fails_and_leaves_the_setting_as_it_was(bench: Bench) -> None:
    service = bench.service("git")
    before = git_setting(bench, "git")
    bench.world.push_commit(service.id, "good one")
    first = await bench.deploy("git")
    assert first.deployment is not None
    bench.world.push_commit(service.id, "later")
    tag(bench, service, "v1")
    with pytest.raises(UnexpectedCommit, match="points to"):
        await pin(
            bench,
            application_id=service.id,
            deployment_id=first.deployment.deployment_id,
            strategy="source",
            source_ref="v1",
        )
    assert git_setting(bench, "git") == before


async def test_a_ref_that_does_not_exist_fails_with_the_log_and_leaves_the_setting_as_it_was(bench: Bench) -> None:
    service = bench.service("git")
    before = git_setting(bench, "git")
    first = await bench.deploy("git")
    assert first.deployment is not None
    with pytest.raises(RolloutError) as caught:
        await pin(
            bench,
            application_id=service.id,
            deployment_id=first.deployment.deployment_id,
            strategy="source",
            source_ref="nowhere",
        )
    assert "nowhere" in str(caught.value)
    assert git_setting(bench, "git") == before


async def test_a_docker_source_goes_back_to_the_image_that_the_log_names(bench: Bench) -> None:
    service, context = bench.service("docker"), bench.run_context()
    image = str(service.fields["dockerImage"])
    first = await bench.deploy("docker")
    assert first.deployment is not None
    service.fields["dockerImage"] = "registry.example.com/shop:2"
    await bench.deploy("docker")
    state = await pin(bench, application_id=service.id, previous=1)
    assert (state.outputs.strategy_used, state.outputs.image) == ("source", image)
    assert set(bench.world.running_images(service.app_name)) == {image}

    service.fields["dockerImage"] = "registry.example.com/shop:3"
    await bench.deploy("docker")
    read = await CYCLE.read(state, context)
    assert read is not None
    assert read.outputs.holds is False

    # Somebody else has set another image since: releasing the pin leaves theirs.
    await release(read, bench)
    assert service.fields["dockerImage"] == "registry.example.com/shop:3"


async def test_a_raw_compose_can_not_be_pinned_and_says_why(bench: Bench) -> None:
    service = bench.service("ok", "compose")
    await bench.deploy("ok", kind=ServiceKind.COMPOSE)
    await bench.deploy("ok", kind=ServiceKind.COMPOSE)
    with pytest.raises(NoSuchTarget, match="keeps no earlier version"):
        await pin(bench, compose_id=service.id, previous=1)


async def test_a_deployment_made_while_the_source_was_pinned_is_told_when_the_pin_is_released(bench: Bench) -> None:
    """Its build is green, and what it built is the pinned version: nobody may take that for the new one."""
    service = bench.service("docker")
    image = str(service.fields["dockerImage"])
    first = await bench.deploy("docker")
    assert first.deployment is not None
    service.fields["dockerImage"] = "registry.example.com/shop:2"
    await bench.deploy("docker")
    state = await pin(bench, application_id=service.id, deployment_id=first.deployment.deployment_id)
    await release(state, bench)
    assert not bench.told.warnings, "nothing was deployed while it was pinned"

    state = await pin(bench, application_id=service.id, deployment_id=first.deployment.deployment_id)
    await bench.deploy("docker")
    assert set(bench.world.running_images(service.app_name)) == {image}
    await release(state, bench)
    assert service.fields["dockerImage"] == "registry.example.com/shop:2"
    assert any("the pinned version is what it built" in warning for warning in bench.told.warnings)
