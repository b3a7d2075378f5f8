"""A pin's inputs, its plan, its preview, and what is kept of one that fails, against the simulator."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.api.text import spell
from pulumi_dokploy_deployments.hosts.flat_state import flat_computed, flat_state, inputs_in, state_in
from pulumi_dokploy_deployments.resources.fields import UNKNOWN
from pulumi_dokploy_deployments.resources.life_cycle import Operation, Unfinished, property_at_fault
from pulumi_dokploy_deployments.resources.plan import ChangeKind, Plan, PlanAction
from pulumi_dokploy_deployments.resources.rollback_target import SELECTORS, RollbackTargetLifeCycle
from pulumi_dokploy_deployments.resources.rollback_target_model import RollbackTargetInputs, RollbackTargetOutputs
from pulumi_dokploy_deployments.resources.rollback_target_state import PinInputs, RollbackTargetState
from pulumi_dokploy_deployments.rollback.targets import NoSuchTarget
from pulumi_dokploy_deployments.rollout.errors import Interrupted
from tests.support.bench import Bench

CYCLE = RollbackTargetLifeCycle()


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch, build_seconds=0.5)


def given(**properties: Any) -> PinInputs:
    """Checked inputs."""
    checked = CYCLE.check(properties)
    assert checked.inputs is not None, checked.problems
    return checked.inputs


async def pinned(bench: Bench, **inputs: Any) -> RollbackTargetState:
    """Two releases of `ok`, and a pin."""
    for _ in range(2):
        await bench.deploy("ok")
    asked = await CYCLE.ask(None, given(application_id=bench.service("ok").id, **inputs), bench.run_context())
    return (await CYCLE.create(asked, Operation(bench.run_context()))).state


def plan(state: RollbackTargetState, **inputs: Any) -> Plan:
    return CYCLE.plan(state, given(application_id=state.inputs.application_id, **inputs))


# --- check ------------------------------------------------------------------------------------------------------


def problem(**inputs: Any) -> tuple[str, str]:
    (found,) = CYCLE.check(inputs).problems
    return found.property_name, spell(found.reason)


def test_a_pin_without_a_version_is_told_with_the_ways_to_name_one() -> None:
    name, reason = problem(application_id="a")
    assert name == "version"
    assert all(selector in reason for selector in SELECTORS)


def test_two_selectors_are_told_by_their_names() -> None:
    assert problem(application_id="a", version=1, commit="abcd") == (
        "commit",
        "Give exactly one selector, not version and commit.",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("version", 0), ("version", True), ("previous", 0), ("previous", 1001), ("commit", "xyz"), ("title", "")],
)
def test_a_selector_that_is_none_is_told(name: str, value: Any) -> None:
    assert problem(application_id="a", **{name: value})[0] == name


def test_a_database_is_no_input_of_a_pin() -> None:
    names = {found.property_name for found in CYCLE.check({"postgres_id": "p", "version": 1}).problems}
    assert "postgres_id" in names


def test_several_bad_inputs_are_all_told_once() -> None:
    problems = CYCLE.check({"version": 0, "commit": "x", "strategy": "perhaps", "colour": "red"}).problems
    names = [found.property_name for found in problems]
    assert sorted(names) == ["application_id", "colour", "commit", "strategy", "version"]


@pytest.mark.parametrize("name", SELECTORS)
def test_a_selector_that_is_not_known_yet_passes_and_resolves_to_nothing(name: str) -> None:
    inputs = given(application_id="a", **{name: UNKNOWN})
    assert (inputs.selector, inputs.selector_property) == (None, name)


def test_what_was_worked_out_earlier_is_no_input_of_the_user_s() -> None:
    inputs = given(application_id="a", version=1, resolution={"made": "up"})
    assert inputs.resolution is None
    assert "resolution" not in RollbackTargetInputs.model_fields


# --- resolve ----------------------------------------------------------------------------------------------------


async def test_an_unchanged_selector_keeps_its_version_and_asks_nothing(bench: Bench) -> None:
    state = await pinned(bench, previous=1)
    await bench.deploy("ok")
    bench.world.requests.clear()
    bench.told.lines.clear()
    again = await CYCLE.ask(
        state.inputs, given(application_id=state.inputs.application_id, previous=1), bench.run_context()
    )
    assert again.target == state.inputs.target
    assert not bench.world.requests.calls
    assert bench.told.lines == []


async def test_a_changed_selector_is_resolved_anew_and_told(bench: Bench) -> None:
    state = await pinned(bench, previous=1)
    bench.told.lines.clear()
    again = await CYCLE.ask(
        state.inputs, given(application_id=state.inputs.application_id, version=2), bench.run_context()
    )
    assert again.target is not None
    assert again.target.version == 2
    assert bench.told.lines[0].startswith("pins version 2 (")


async def test_a_version_that_is_not_there_belongs_to_its_selector(bench: Bench) -> None:
    inputs = given(application_id=bench.service("ok").id, version=99)
    with pytest.raises(NoSuchTarget) as failure:
        await CYCLE.ask(None, inputs, bench.run_context())
    assert property_at_fault(failure.value, inputs) == "version"


async def test_the_selector_s_value_is_not_kept_in_what_is_worked_out(bench: Bench) -> None:
    state = await pinned(bench, previous=1)
    assert state.inputs.resolution is not None
    assert "previous 1" not in repr(flat_state(state)["resolution"])


async def test_a_title_is_not_stored_a_second_time(bench: Bench) -> None:
    service = bench.service("docker")
    bench.world.trigger(service, "deploy", "the good one", "")
    await bench.deploy("docker")
    bench.told.lines.clear()
    inputs = await CYCLE.ask(None, given(application_id=service.id, title="the good one"), bench.run_context())
    assert inputs.target is not None
    assert "the good one" not in repr(flat_computed(inputs))


# --- plan -------------------------------------------------------------------------------------------------------


async def test_every_input_of_a_pin_says_what_its_change_does(bench: Bench) -> None:
    state = await pinned(bench, version=1)
    assert plan(state, version=1) == Plan()
    assert plan(state, version=2).action is PlanAction.DEPLOY
    assert plan(state, version=1, strategy="source").action is PlanAction.DEPLOY
    assert plan(state, version=1, source_ref="v1").action is PlanAction.DEPLOY
    for setting in ({"on_delete": "redeploy"}, {"timeout_seconds": 5}, {"stream_logs": False}):
        assert plan(state, version=1, **setting).action is PlanAction.STORE
    other = CYCLE.plan(state, given(compose_id="c", version=1))
    assert other.action is PlanAction.REPLACE
    assert [str(change) for change in other.changes if change.replaces] == ["application_id", "compose_id"]
    assert plan(state, version=1, connection="west").action is PlanAction.REPLACE
    decided = {"application_id", "compose_id", "connection", "strategy", "source_ref", *SELECTORS}
    own = set(RollbackTargetInputs.model_fields) - RollbackTargetInputs.COMPUTED
    assert own - decided == {"on_delete", "timeout_seconds", "stream_logs"}


async def test_a_changed_selector_is_shown_by_its_name_and_kind(bench: Bench) -> None:
    state = await pinned(bench, version=1)
    (change,) = plan(state, version=2).changes
    assert (str(change), change.kind) == ("version", ChangeKind.UPDATE)
    (change,) = plan(state, previous=1).changes
    assert (str(change), change.kind) == ("previous", ChangeKind.ADD)
    (change,) = plan(state, version=UNKNOWN).changes
    assert (str(change), change.is_output) == ("version", False)


async def test_a_pin_that_no_longer_holds_is_a_change_of_the_state(bench: Bench) -> None:
    state = await pinned(bench, version=1)
    await bench.deploy("ok")
    looked = await CYCLE.look(state, bench.run_context())
    (change,) = plan(looked, version=1).changes
    assert (str(change), change.is_output) == ("holds", True)
    assert plan(looked, version=1).action is PlanAction.DEPLOY


async def test_a_server_that_is_away_is_no_change(bench: Bench) -> None:
    state = await pinned(bench, version=1)
    bench.world.restart(down_seconds=600.0)
    assert await CYCLE.look(state, bench.run_context()) == state


# --- preview ----------------------------------------------------------------------------------------------------


async def test_a_preview_knows_the_version_before_it_is_pinned(bench: Bench) -> None:
    await bench.deploy("ok")
    asked = await CYCLE.ask(None, given(application_id=bench.service("ok").id, version=1), bench.run_context())
    planned = CYCLE.planned(None, asked)
    assert planned.state.outputs.version == 1
    assert planned.unknown == {"image", "previous_image", "pinned_at"}


def test_a_preview_of_an_unknown_version_knows_nothing() -> None:
    planned = CYCLE.planned(None, given(application_id="a", version=UNKNOWN))
    assert planned.unknown == set(RollbackTargetOutputs.model_fields)


async def test_a_changed_setting_is_stored_and_leaves_the_pin_as_it_is(bench: Bench) -> None:
    state = await pinned(bench, version=1)
    news = given(application_id=state.inputs.application_id, version=1, on_delete="redeploy")
    assert CYCLE.planned(state, news).unknown == frozenset()
    stored = await CYCLE.update(state, news, Operation(bench.run_context()))
    assert stored.outputs == state.outputs
    assert stored.inputs.target == state.inputs.target
    assert stored.inputs.on_delete == "redeploy"
    assert len(bench.world.requests.of("rollback.rollback")) == 1


# --- what is kept of a pin that fails -----------------------------------------------------------------------------


async def test_a_pin_that_was_refused_leaves_nothing(bench: Bench) -> None:
    await bench.deploy("ok")
    inputs = given(application_id=bench.service("ok").id, version=1)
    refusal = '{"message":"Error input: Rolling back","code":"BAD_REQUEST"}'
    bench.faults.add("answer", "rollback.rollback", None, status=400, content_type="application/json", body=refusal)
    with pytest.raises(DokployError, match="could not be rolled back"):
        await CYCLE.create(inputs, Operation(bench.run_context()))


async def test_a_pin_that_was_asked_for_and_not_verified_is_kept_as_one_that_does_not_hold(bench: Bench) -> None:
    state = await pinned(bench, version=1)
    await bench.deploy("ok")
    bench.faults.add("http_error", "rollback.rollback", None, status=500)
    with pytest.raises(Unfinished) as failure:
        await CYCLE.update(state, state.inputs, Operation(bench.run_context()))
    kept = failure.value.state
    assert isinstance(kept, RollbackTargetState)
    assert kept.outputs.holds is False
    assert kept.inputs.target == state.inputs.target
    assert failure.value.resource_id == f"application/{state.inputs.application_id}/pin"
    assert CYCLE.plan(kept, state.inputs).action is PlanAction.DEPLOY


async def test_an_interrupted_pin_is_kept_and_pinned_again(bench: Bench) -> None:
    state = await pinned(bench, version=1)
    await bench.deploy("ok")
    run = asyncio.create_task(CYCLE.update(state, state.inputs, Operation(bench.run_context())))

    def cancel() -> None:
        run.cancel()

    bench.clock.after(2.0, cancel)
    with pytest.raises(Unfinished) as failure:
        await run
    assert isinstance(failure.value.error, Interrupted)
    assert "whether that runs was not verified" in str(failure.value.error)
    kept = failure.value.state
    assert isinstance(kept, RollbackTargetState)
    again = await CYCLE.update(kept, state.inputs, Operation(bench.run_context()))
    assert again.outputs.holds is True


async def test_a_failed_pin_by_source_remembers_the_setting_from_before_it(bench: Bench) -> None:
    service = bench.service("docker")
    before = service.fields["dockerImage"]
    first = await bench.deploy("docker")
    assert first.deployment is not None
    service.fields["dockerImage"] = "registry.example.com/shop:2"
    await bench.deploy("docker")
    bench.world.set_behaviour("docker", build_seconds=60.0)
    inputs = given(application_id=service.id, deployment_id=first.deployment.deployment_id, timeout_seconds=5)
    with pytest.raises(Unfinished) as failure:
        await CYCLE.create(inputs, Operation(bench.run_context()))
    kept = failure.value.state
    assert isinstance(kept, RollbackTargetState)
    assert (kept.run.earlier_source, kept.run.pinned_source) == ("registry.example.com/shop:2", before)


# --- import and the way over the wire ------------------------------------------------------------------------------


async def test_a_pin_is_found_by_the_id_of_its_version(bench: Bench) -> None:
    state = await pinned(bench, version=1)
    for which in (state.outputs.rollback_id, state.outputs.deployment_id):
        found = await CYCLE.import_(f"application/{state.inputs.application_id}/{which}", bench.run_context())
        assert found is not None
        assert found.state.outputs.version == 1
        assert found.state.outputs.holds is True


@pytest.mark.parametrize("resource_id", ["postgres/p/x", "application/a", "application//x", "nonsense"])
async def test_an_id_that_can_t_be_a_pin_s_is_told_with_its_form(bench: Bench, resource_id: str) -> None:
    with pytest.raises(DokployError, match="<rollback id or deployment id>"):
        await CYCLE.import_(resource_id, bench.run_context())


async def test_a_stored_pin_is_the_same_after_it_was_stored(bench: Bench) -> None:
    state = await pinned(bench, previous=1, on_delete="redeploy")
    stored = state_in(RollbackTargetState, flat_state(state))
    assert stored.model_dump() == state.model_dump()
    news = inputs_in(PinInputs, {"application_id": state.inputs.application_id, "previous": 1, "on_delete": "redeploy"})
    assert CYCLE.plan(stored, news) == Plan()


async def test_an_unchanged_pin_whose_server_can_not_be_asked_warns_that_nobody_looked(bench: Bench) -> None:
    state = await pinned(bench, version=1)
    bench.faults.add("refuse", count=None)
    bench.told.warnings.clear()
    looked = await CYCLE.look(state, bench.run_context())
    assert looked == state
    assert not CYCLE.plan(looked, state.inputs).has_changes
    (warning,) = bench.told.warnings
    assert "was not checked" in warning


async def test_what_could_not_be_verified_is_not_said_to_hold(bench: Bench) -> None:
    """A key without access to Docker: the server itself says that it may not tell."""
    await bench.deploy("ok")
    await bench.deploy("ok")
    refusal = '{"message":"You don\'t have access","code":"UNAUTHORIZED"}'
    bench.faults.add("answer", "docker.*", None, status=401, content_type="application/json", body=refusal)
    inputs = given(application_id=bench.service("ok").id, version=1)
    made = await CYCLE.create(await CYCLE.ask(None, inputs, bench.run_context()), Operation(bench.run_context()))
    assert made.state.outputs.holds is None
    again = await CYCLE.look(made.state, bench.run_context())
    assert again.outputs.holds is None
    assert not CYCLE.plan(again, made.state.inputs).has_changes, "what nobody can tell is no drift"
