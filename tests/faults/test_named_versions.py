"""A run sets what its request names, proves that it runs, and leaves nothing set behind that it did not deploy."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.rollback.recovery import RolledBack, deploy_or_recover
from pulumi_dokploy_deployments.rollout.deploy import deploy
from pulumi_dokploy_deployments.rollout.errors import DeploymentFailed, UnexpectedImage
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.rollout.request import OnBusy, RolloutRequest
from pulumi_dokploy_deployments.settings.wanted import SettingRefused, Wanted
from tests.support.bench import Bench

REG = "127.0.0.1:5055/reg"
FILE = f"services:\n  web:\n    image: {REG}/shop:${{TAG}}\n    restart: always\n  db:\n    image: {REG}/db:1\n"
NO = '{"message": "no", "code": "BAD_REQUEST"}'
ENV = "# what to run\nTAG=1 # set by hand\nPASSWORD=hunter2\n"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch, build_seconds=0.5)


def request(bench: Bench, name: str, kind: str = "application", **more: Any) -> RolloutRequest:
    wanted = Wanted(**{key: more.pop(key) for key in ("image", "git_ref", "env") if key in more})
    found = bench.world.by_name(f"{kind}:{name}")
    ref = ServiceRef(ServiceKind(kind), found.id)
    return RolloutRequest(ref, wanted=wanted, stream_logs=False, **more)


async def recovering(bench: Bench, asked: RolloutRequest) -> RunRecord:
    context = bench.run_context()
    service = await context.client.read_service(asked.service.kind, asked.service.service_id)
    return (await deploy_or_recover(asked, service, context)).record


def compose(bench: Bench, name: str = "ok") -> Any:
    found = bench.service(name, "compose")
    found.fields |= {"composeFile": FILE, "env": ENV}
    return found


def runs(bench: Bench, name: str) -> set[str]:
    """The truth: the images that the running tasks of an application were made from."""
    world, app_name = bench.world, bench.service(name).app_name
    world.advance(bench.clock.epoch())
    found = [service for service in world.swarm.services if service.name == app_name]
    return {task.spec.image for service in found for task in world.swarm.running(service)}


async def test_an_image_is_set_deployed_and_proven(bench: Bench) -> None:
    record = await deploy(request(bench, "docker", image=f"{REG}/shop:1.5.0"), bench.run_context())
    assert bench.service("docker").fields["dockerImage"] == f"{REG}/shop:1.5.0"
    assert [member.image for member in record.verdict.members] == [f"{REG}/shop:1.5.0"]
    assert runs(bench, "docker") == {f"{REG}/shop:1.5.0"}


async def test_a_branch_is_set_and_built(bench: Bench) -> None:
    commit = bench.world.push_commit("git", "on a branch", ref="release")
    record = await deploy(request(bench, "git", git_ref="release"), bench.run_context())
    assert record.deployment is not None
    assert record.deployment.commit_hash == commit.sha


async def test_a_compose_is_released_by_its_tag_and_all_else_stays_to_the_letter(bench: Bench) -> None:
    found = compose(bench)
    record = await deploy(request(bench, "ok", "compose", env={"TAG": "2"}), bench.run_context())
    assert found.fields["env"] == ENV.replace("TAG=1", "TAG=2")
    assert f"{REG}/shop:2" in {member.image for member in record.verdict.members}


async def test_a_database_is_set_to_its_image(bench: Bench) -> None:
    record = await deploy(request(bench, "postgres", "postgres", image="postgres:17"), bench.run_context())
    assert [member.image for member in record.verdict.members] == ["postgres:17"]


async def test_what_is_set_so_already_is_deployed_without_an_update(bench: Bench) -> None:
    image = bench.service("docker").fields["dockerImage"]
    await deploy(request(bench, "docker", image=image), bench.run_context())
    assert bench.world.requests.of("application.update") == []
    assert bench.accepted() == 1


async def test_a_refused_source_sends_nothing(bench: Bench) -> None:
    with pytest.raises(SettingRefused, match="is built from git"):
        await deploy(request(bench, "git", image="a:1"), bench.run_context())
    assert bench.accepted() == 0
    assert bench.world.requests.of("application.update") == []


@pytest.mark.parametrize("fault", ["busy", "refused"])
async def test_what_fails_before_the_request_leaves_nothing_set(bench: Bench, fault: str) -> None:
    before = bench.service("docker").fields["dockerImage"]
    if fault == "busy":
        bench.colleague_deploys("docker")
        asked = request(bench, "docker", image=f"{REG}/shop:2", on_busy=OnBusy.FAIL)
    else:
        bench.faults.add("answer", "application.deploy", status=400, content_type="application/json", body=NO)
        asked = request(bench, "docker", image=f"{REG}/shop:2")
    with pytest.raises(DokployError):
        await deploy(asked, bench.run_context())
    assert bench.service("docker").fields["dockerImage"] == before


async def test_an_interruption_before_the_request_leaves_nothing_set(bench: Bench) -> None:
    before = bench.service("docker").fields["dockerImage"]
    bench.faults.add("refuse", "application.deploy", count=None)
    run = asyncio.ensure_future(deploy(request(bench, "docker", image=f"{REG}/shop:2"), bench.run_context()))
    while bench.service("docker").fields["dockerImage"] == before:
        await bench.clock.sleep(0.01)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert bench.service("docker").fields["dockerImage"] == before
    assert bench.accepted() == 0


async def test_an_image_that_someone_else_sets_meanwhile_is_not_taken_for_ours(bench: Bench) -> None:
    bench.colleague_deploys("slow")
    run = asyncio.ensure_future(deploy(request(bench, "docker", image=f"{REG}/shop:2"), bench.run_context()))
    while bench.accepted() == 0:
        await bench.clock.sleep(0.05)
    bench.service("docker").fields["dockerImage"] = f"{REG}/theirs:9"
    with pytest.raises(UnexpectedImage, match=r"should run the image .*shop:2, but .*theirs:9 is what was rolled out"):
        await run


# --- on_failure: rollback ---------------------------------------------------------------------------------------


async def test_an_image_that_crashes_goes_back_with_its_setting(bench: Bench) -> None:
    await deploy(request(bench, "docker", image=f"{REG}/shop:1"), bench.run_context())
    bench.world.set_image(f"{REG}/shop:2", runtime="exits")
    with pytest.raises(RolledBack) as caught:
        await recovering(bench, request(bench, "docker", image=f"{REG}/shop:2"))
    assert caught.value.is_recovered
    assert bench.service("docker").fields["dockerImage"] == f"{REG}/shop:1"
    assert runs(bench, "docker") == {f"{REG}/shop:1"}


async def test_a_tag_that_does_not_exist_goes_back_and_the_compose_runs_what_ran(bench: Bench) -> None:
    found = compose(bench)
    await deploy(request(bench, "ok", "compose"), bench.run_context())
    with pytest.raises(RolledBack) as caught:
        await recovering(bench, request(bench, "ok", "compose", env={"TAG": "nosuch", "NEW": "x"}))
    assert caught.value.is_recovered
    assert found.fields["env"] == ENV
    assert "hunter2" not in f"{caught.value}{bench.told}"


async def test_a_tag_that_crashes_goes_back_and_the_earlier_one_is_proven(bench: Bench) -> None:
    found = compose(bench)
    await deploy(request(bench, "ok", "compose"), bench.run_context())
    bench.world.set_image(f"{REG}/shop:2", runtime="exits")
    with pytest.raises(RolledBack, match="which is running") as caught:
        await recovering(bench, request(bench, "ok", "compose", env={"TAG": "2"}))
    assert caught.value.is_recovered
    assert found.fields["env"] == ENV


async def test_a_branch_that_does_not_build_is_put_back(bench: Bench) -> None:
    await deploy(request(bench, "git"), bench.run_context())
    bench.world.push_commit("git", "does not build", ref="release", build="fails")
    before = bench.service("git").fields["customGitBranch"]
    with pytest.raises(RolledBack) as caught:
        await recovering(bench, request(bench, "git", git_ref="release"))
    assert caught.value.is_recovered
    assert bench.service("git").fields["customGitBranch"] == before


async def test_without_a_rollback_a_failed_version_stays_set(bench: Bench) -> None:
    found = compose(bench)
    with pytest.raises(DeploymentFailed):
        await deploy(request(bench, "ok", "compose", env={"TAG": "nosuch"}), bench.run_context())
    assert "TAG=nosuch" in found.fields["env"], "the next run deploys it again"
