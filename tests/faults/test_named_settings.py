"""`image`, `git_ref` and `env` of a `Deployment`: a change deploys, what someone else changes is seen and put right."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.api.text import spell
from pulumi_dokploy_deployments.hosts.flat_state import flat_state, state_in
from pulumi_dokploy_deployments.resources.deployment import DeploymentLifeCycle
from pulumi_dokploy_deployments.resources.deployment_model import DeploymentInputs
from pulumi_dokploy_deployments.resources.deployment_state import DeploymentState, LeftAs
from pulumi_dokploy_deployments.resources.fields import UNKNOWN
from pulumi_dokploy_deployments.resources.life_cycle import Operation, Unfinished, property_at_fault
from pulumi_dokploy_deployments.resources.plan import Plan, PlanAction
from pulumi_dokploy_deployments.rollback.recovery import RolledBack
from pulumi_dokploy_deployments.settings.wanted import Wanted
from tests.support.bench import Bench
from tests.support.shop import ENV, PASSWORD, REG

CYCLE = DeploymentLifeCycle()
URN = "urn:pulumi:test::shop::dokploy:Deployment::web"


@pytest.fixture
def bench(shop: Bench) -> Bench:
    return shop


def given(bench: Bench, **asked: Any) -> DeploymentInputs:
    if not any(name.endswith("_id") for name in asked):
        asked["application_id"] = bench.service("docker").id
    checked = CYCLE.check({"stream_logs": False, **asked})
    assert checked.inputs is not None, [spell(problem.reason) for problem in checked.problems]
    return checked.inputs


def compose(bench: Bench, **asked: Any) -> DeploymentInputs:
    return given(bench, compose_id=bench.service("ok", "compose").id, **asked)


async def up(bench: Bench, inputs: DeploymentInputs, state: DeploymentState | None = None) -> DeploymentState:
    """What an update of the program does: ask, look, plan, and what follows; the state goes through the engine."""
    context = bench.run_context()
    inputs = await CYCLE.ask(state.inputs if state is not None else None, inputs, context)
    operation = Operation(context, urn=URN)
    if state is None:
        made = (await CYCLE.create(inputs, operation)).state
    elif (await plan(bench, state, inputs)).has_changes:
        made = await CYCLE.update(state, inputs, operation)
    else:
        return state
    return state_in(DeploymentState, flat_state(made))


async def plan(bench: Bench, state: DeploymentState, inputs: DeploymentInputs) -> Plan:
    looked = await CYCLE.look(state, bench.run_context()) if CYCLE.looks(state) else state
    return CYCLE.plan(looked, inputs)


async def test_a_changed_image_deploys_and_an_unchanged_one_does_not(bench: Bench) -> None:
    state = await up(bench, given(bench, image=f"{REG}/shop:1"))
    assert (await plan(bench, state, given(bench, image=f"{REG}/shop:1"))).action is PlanAction.NOTHING
    changed = await plan(bench, state, given(bench, image=f"{REG}/shop:2"))
    assert (changed.action, [str(change) for change in changed.changes]) == (PlanAction.DEPLOY, ["image"])
    state = await up(bench, given(bench, image=f"{REG}/shop:2"), state)
    assert bench.accepted() == 2
    assert (state.outputs.health, state.inputs.image) == ("healthy", f"{REG}/shop:2")


async def test_the_preview_tells_from_what_to_what_and_what_runs(bench: Bench) -> None:
    state = await up(bench, given(bench, image=f"{REG}/shop:1"))
    bench.told.lines.clear()
    await CYCLE.ask(state.inputs, given(bench, image=f"{REG}/shop:2"), bench.run_context())
    assert bench.told.lines == [f'application "docker": image {REG}/shop:1 → {REG}/shop:2, {REG}/shop:1 runs now']
    assert bench.accepted() == 1


async def test_of_variables_only_the_names_are_told_and_the_state_has_no_other_one(bench: Bench) -> None:
    state = await up(bench, compose(bench, env={"TAG": "2", "TOKEN": "swordfish"}))
    assert bench.service("ok", "compose").fields["env"] == f"{ENV.replace('TAG=1', 'TAG=2')}TOKEN=swordfish\n"
    flat = flat_state(state)
    assert PASSWORD not in f"{flat}{bench.told}"
    assert "swordfish" not in f"{bench.told}"
    assert flat["run"]["settings_before"] == {"image": None, "git_ref": None, "variables": ["TAG"]}
    assert "'1'" not in str(flat["run"]), "nor what a variable was before"


async def test_the_value_before_ours_stays_in_the_state_over_later_releases(bench: Bench) -> None:
    first = bench.service("docker").fields["dockerImage"]
    state = await up(bench, given(bench, image=f"{REG}/shop:1"))
    state = await up(bench, given(bench, image=f"{REG}/shop:2"), state)
    assert state.run.settings_before is not None
    assert state.run.settings_before.image == first


@pytest.mark.parametrize("way", ["setting", "deployed"])
async def test_an_image_that_someone_else_set_is_seen_and_put_right(bench: Bench, way: str) -> None:
    inputs = given(bench, image=f"{REG}/shop:1")
    state = await up(bench, inputs)
    service = bench.service("docker")
    service.fields["dockerImage"] = f"{REG}/theirs:9"
    if way == "deployed":
        await bench.deploy("docker")
        service.fields["dockerImage"] = f"{REG}/shop:1"
    found = await plan(bench, state, inputs)
    assert (found.action, [str(change) for change in found.changes]) == (PlanAction.DEPLOY, ["image"])
    assert "theirs:9" in bench.told.warnings[-1]
    read = await CYCLE.read(state, bench.run_context())
    assert read is not None
    assert read.run.drift == ("image",), "a refresh finds it as well"
    state = await up(bench, inputs, state)
    assert service.fields["dockerImage"] == f"{REG}/shop:1"
    assert (await plan(bench, state, inputs)).action is PlanAction.NOTHING


async def test_a_variable_that_someone_else_set_is_seen_by_its_name_and_put_right(bench: Bench) -> None:
    inputs = compose(bench, env={"TAG": "2"})
    state = await up(bench, inputs)
    service = bench.service("ok", "compose")
    service.fields["env"] = service.fields["env"].replace("TAG=2", "TAG=hotfix")
    found = await plan(bench, state, inputs)
    assert [str(change) for change in found.changes] == ["env"]
    assert "TAG has another value" in bench.told.warnings[-1]
    await up(bench, inputs, state)
    assert "TAG=2\n" in service.fields["env"]


async def test_other_variables_are_nobody_s_drift(bench: Bench) -> None:
    inputs = compose(bench, env={"TAG": "2"})
    state = await up(bench, inputs)
    bench.service("ok", "compose").fields["env"] += "THEIRS=1\n"
    assert (await plan(bench, state, inputs)).action is PlanAction.NOTHING


async def test_a_branch_that_someone_else_set_is_seen(bench: Bench) -> None:
    application = bench.service("git")
    bench.world.push_commit("git", "on a branch", ref="release")
    inputs = given(bench, application_id=application.id, git_ref="release")
    state = await up(bench, inputs)
    assert state.outputs.commit_hash is not None
    application.fields["customGitBranch"] = "main"
    assert [str(change) for change in (await plan(bench, state, inputs)).changes] == ["git_ref"]


async def test_a_server_that_is_away_is_no_drift(bench: Bench) -> None:
    inputs = given(bench, image=f"{REG}/shop:1")
    state = await up(bench, inputs)
    bench.faults.add("refuse", "*", count=None)
    assert (await plan(bench, state, inputs)).action is PlanAction.NOTHING


async def test_what_is_no_longer_named_stays_and_is_told_and_does_not_deploy(bench: Bench) -> None:
    state = await up(bench, compose(bench, env={"TAG": "2", "NEW": "n"}))
    inputs = compose(bench, env={"TAG": "2"})
    assert (await plan(bench, state, inputs)).action is PlanAction.STORE
    state = await up(bench, inputs, state)
    assert "no longer names the variable NEW" in bench.told.warnings[-1]
    assert "NEW=n" in bench.service("ok", "compose").fields["env"]
    assert bench.accepted("compose") == 1
    assert (await plan(bench, state, inputs)).action is PlanAction.NOTHING


async def test_a_value_that_is_not_known_yet_is_planned_as_a_deployment(bench: Bench) -> None:
    state = await up(bench, compose(bench, env={"TAG": "2"}))
    inputs = compose(bench, env={"TAG": UNKNOWN})
    await CYCLE.ask(state.inputs, inputs, bench.run_context())
    assert (await plan(bench, state, inputs)).action is PlanAction.DEPLOY


async def test_a_failed_version_is_deployed_again_and_with_a_rollback_all_goes_back(bench: Bench) -> None:
    await bench.deploy("ok", kind=compose(bench).service.kind)  # type: ignore[union-attr]
    bench.world.set_image(f"{REG}/shop:2", runtime="exits")
    inputs = compose(bench, env={"TAG": "2"}, on_failure="rollback")
    with pytest.raises(Unfinished) as caught:
        await up(bench, inputs)
    assert isinstance(caught.value.error, RolledBack)
    assert caught.value.error.is_recovered
    assert bench.service("ok", "compose").fields["env"] == ENV
    left = caught.value.state
    assert isinstance(left, DeploymentState)
    assert left.run.left_as is LeftAs.FAILED
    assert (await plan(bench, left, inputs)).deploys, "the next run tries it again"


async def test_no_way_back_is_warned_of_where_nothing_would_be_changed(bench: Bench) -> None:
    context = bench.run_context()
    await CYCLE.ask(None, compose(bench, env={"TAG": "1"}, on_failure="rollback"), context)
    assert "there is nothing to go back to" in bench.told.warnings[-1]
    bench.told.warnings.clear()
    await CYCLE.ask(None, compose(bench, env={"TAG": "2"}, on_failure="rollback"), context)
    assert bench.told.warnings == []


async def test_the_wrong_source_fails_the_preview_on_its_input(bench: Bench) -> None:
    inputs = given(bench, application_id=bench.service("git").id, image="a:1")
    with pytest.raises(DokployError, match="General, Provider, Docker") as caught:
        await CYCLE.ask(None, inputs, bench.run_context())
    assert property_at_fault(caught.value, inputs) == "image"


async def test_a_killed_run_of_another_image_is_not_gone_on_with(bench: Bench) -> None:
    one, other = (CYCLE.check({"application_id": "a", "image": f"shop:{tag}"}).inputs for tag in (1, 2))
    assert one is not None
    assert other is not None
    from pulumi_dokploy_deployments.resources.deployment import _request

    operation = Operation(bench.run_context(), urn=URN)
    assert _request(one, operation).digest != _request(other, operation).digest
    assert _request(one, operation).digest == _request(one, operation).digest != ""


# --- by name ----------------------------------------------------------------------------------------------------


async def test_a_service_is_named_by_its_name_and_stays_when_it_is_renamed(bench: Bench) -> None:
    inputs = given(bench, application_id="docker", image=f"{REG}/shop:1")
    state = await up(bench, inputs)
    assert (state.inputs.application_id, state.inputs.service_text) == ("docker", "docker")
    assert state.inputs.service is not None
    assert state.inputs.service.service_id == bench.service("docker").id
    bench.service("docker").fields["name"] = "renamed"
    asked = await CYCLE.ask(state.inputs, inputs, bench.run_context())
    assert (await plan(bench, state, asked)).action is PlanAction.NOTHING


async def test_the_same_service_by_its_id_or_its_page_is_not_replaced(bench: Bench) -> None:
    identity = bench.service("docker").id
    state = await up(bench, given(bench, application_id="docker", triggers={"a": 1}))
    page = f"http://127.0.0.1:3000/dashboard/project/p/environment/e/services/application/{identity}?tab=general"
    for text in (identity, page):
        asked = await CYCLE.ask(state.inputs, given(bench, application_id=text, triggers={"a": 1}), bench.run_context())
        assert (await plan(bench, state, asked)).action is PlanAction.STORE
    other = await CYCLE.ask(state.inputs, given(bench, application_id="git", triggers={"a": 1}), bench.run_context())
    assert (await plan(bench, state, other)).action is PlanAction.REPLACE


async def test_a_misspelled_name_fails_the_preview_with_what_is_there(bench: Bench) -> None:
    inputs = given(bench, application_id="dockre")
    with pytest.raises(DokployError, match=r"Did you mean .*/docker") as caught:
        await CYCLE.ask(None, inputs, bench.run_context())
    assert property_at_fault(caught.value, inputs) == "application_id"


@pytest.mark.parametrize(
    ("asked", "name", "words"),
    [
        ({"compose_id": "c", "image": "a:1"}, "image", "does not go with a compose"),
        ({"postgres_id": "p", "git_ref": "main"}, "git_ref", "does not go with a database"),
        ({"application_id": "a", "image": "A B"}, "image", "no name of an image"),
        ({"compose_id": "c", "env": {"A B": "1"}}, "env", "not a name of a variable"),
        ({"compose_id": "c", "env": {"TAG": 2}}, "env", "should be a valid string"),
        ({"compose_id": "https://x/dashboard/services/application/abc"}, "compose_id", "address of an application"),
        ({"application_id": "https://x/dashboard/projects"}, "application_id", "not that of a service's page"),
    ],
)
def test_bad_input_fails_without_a_server(asked: dict[str, Any], name: str, words: str) -> None:
    problems = CYCLE.check(asked).problems
    assert [problem.property_name for problem in problems] == [name]
    assert words in spell(problems[0].reason)


def test_a_database_may_go_back_to_its_earlier_image() -> None:
    assert CYCLE.check({"postgres_id": "p", "image": "postgres:17", "on_failure": "rollback"}).problems == ()
    assert CYCLE.check({"postgres_id": "p", "on_failure": "rollback"}).problems != ()


async def test_the_values_of_variables_are_masked_in_last_words(bench: Bench) -> None:
    secret, service = "hunter2-hunter2", bench.service("fatal")
    service.behaviour.last_words = (f"no login for shop with {secret} at 1.5.0",)
    error = await bench.failure("fatal", wanted=Wanted(env={"PASSWORD": secret, "TAG": "1.5.0"}))
    assert "no login for shop with [secret] at 1.5.0" in str(error)
    assert secret in service.fields["env"], "it was set"
    assert secret not in f"{error}{bench.told}"


async def test_the_values_of_variables_are_masked_in_the_build_log(bench: Bench) -> None:
    image = bench.service("docker").fields["dockerImage"]
    await bench.deploy("docker")
    assert any(image in line for line in bench.told.lines)
    bench.told.lines.clear()
    await bench.deploy("docker", wanted=Wanted(env={"PASSWORD": image}))
    assert any("[secret]" in line for line in bench.told.lines)
    assert not any(image in line for line in bench.told.lines)
