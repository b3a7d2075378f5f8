"""States lie flat in the engine's maps and come back as they were; states of release 0.1.0 are read as well.

`states_0_1_0/` holds states as 0.1.0 wrote them, in the names of each host. Only the plugin kept the state of a run
that failed, and could import.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pulumi_dokploy_deployments.hosts.dynamic.urns import URN_PROPERTY
from pulumi_dokploy_deployments.hosts.flat_state import (
    StateTooNew,
    flat_inputs,
    flat_plan,
    flat_state,
    inputs_in,
    state_in,
)
from pulumi_dokploy_deployments.hosts.plugin.wire import received, wired
from pulumi_dokploy_deployments.resources.deployment import DeploymentLifeCycle
from pulumi_dokploy_deployments.resources.deployment_model import DeploymentInputs, DeploymentOutputs
from pulumi_dokploy_deployments.resources.deployment_state import DeploymentRun, DeploymentState, LeftAs
from pulumi_dokploy_deployments.resources.fields import UNKNOWN
from pulumi_dokploy_deployments.resources.plan import Plan, PlanAction
from pulumi_dokploy_deployments.resources.rollback_target import RollbackTargetLifeCycle
from pulumi_dokploy_deployments.resources.rollback_target_state import PinInputs, RollbackTargetState
from pulumi_dokploy_deployments.resources.state import STATE_VERSION
from pulumi_dokploy_deployments.waiting.context import RunContext
from tests.support.fake_dokploy import FakeDokploy
from tests.support.virtual_clock import VirtualClock

FOLDER = Path(__file__).parent / "states_0_1_0"
HOSTS = ("dynamic", "plugin")


def stored(name: str, host: str) -> dict[str, Any]:
    """A state of 0.1.0 as the host hands it over."""
    found = json.loads((FOLDER / f"{name}.json").read_text())
    properties: dict[str, Any] = found[host]
    if host == "plugin":
        return received({key: wired(value) for key, value in properties.items()}).plain
    return {key: value for key, value in properties.items() if key != URN_PROPERTY}


def deployment(name: str, host: str) -> DeploymentState:
    return state_in(DeploymentState, stored(name, host))


def pin(name: str, host: str) -> RollbackTargetState:
    return state_in(RollbackTargetState, stored(name, host))


PROGRAM = {
    "application_id": "app-1",
    "triggers": {"image_tag": "1", "list": [1, {"b": None}]},
    "title": "release 1",
    "timeout_seconds": 600,
    "on_delete": "retain",
}


def plan(state: DeploymentState, **program: Any) -> Plan:
    return DeploymentLifeCycle().plan(state, inputs_in(DeploymentInputs, {**PROGRAM, **program}))


# --- states of 0.1.0 ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", HOSTS)
def test_a_deployment_of_0_1_0_is_unchanged_under_its_program(host: str) -> None:
    state = deployment("deployment_done", host)
    assert plan(state) == Plan()
    assert plan(state, triggers={"image_tag": "2"}).action is PlanAction.DEPLOY
    assert (state.outputs.status, state.outputs.title) == ("done", "feat: a commit")
    assert state.inputs.title is None, "under that name 0.1.0 kept the server's"
    assert len(state.run.nonce) == 12


def test_a_deployment_of_0_1_0_that_was_broken_off_is_taken_up() -> None:
    state = deployment("deployment_broken_off", "plugin")
    assert state.run.left_as is LeftAs.BROKEN_OFF
    assert (state.run.before.was_read, state.run.before.is_known) == (False, True), "judged by the deployment's start"
    assert state.outputs.deployment_id == "row-1"
    assert [str(change) for change in plan(state).changes] == ["status"]


def test_a_deployment_of_0_1_0_that_failed_is_deployed_again() -> None:
    state = deployment("deployment_failed", "plugin")
    assert (state.run.left_as, state.outputs.status) == (LeftAs.FAILED, "error")
    assert plan(state).action is PlanAction.DEPLOY


def test_a_deployment_that_0_1_0_imported_takes_its_first_triggers_without_deploying() -> None:
    state = deployment("deployment_imported", "plugin")
    assert state.run.is_adopted
    assert plan(state).action is PlanAction.STORE


@pytest.mark.parametrize("host", HOSTS)
def test_a_database_of_0_1_0_is_unchanged(host: str) -> None:
    state = deployment("deployment_database", host)
    assert DeploymentLifeCycle().plan(state, inputs_in(DeploymentInputs, {"redis_id": "app-1"})) == Plan()


PINS: dict[str, dict[str, Any]] = {
    "pin_by_image": {"previous": 1},
    "pin_by_version": {"version": 1, "on_delete": "redeploy"},
    "pin_by_source": {"deployment_id": "5AIBDquqsMb7GGBUWU9Af"},
}


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("name", PINS)
async def test_a_pin_of_0_1_0_keeps_its_version_and_is_unchanged(name: str, host: str, clock: VirtualClock) -> None:
    state, cycle = pin(name, host), RollbackTargetLifeCycle()
    # What a check is handed: the inputs of 0.1.0, which had the version that was worked out among them.
    earlier = inputs_in(PinInputs, {**stored(name, host), **PINS[name]})
    news = cycle.check({"application_id": state.inputs.application_id, **PINS[name]}).inputs
    assert news is not None
    fake = FakeDokploy(clock)
    resolved = await cycle.ask(earlier, news, RunContext(fake, clock))
    assert sum(fake.calls.values()) == 0
    assert resolved.target == state.inputs.target is not None
    assert cycle.plan(state, resolved) == Plan()
    assert state.outputs.holds is True


@pytest.mark.parametrize("host", HOSTS)
def test_a_pin_of_0_1_0_can_be_released_to_the_source_from_before_it(host: str) -> None:
    run = pin("pin_by_source", host).run
    assert run.earlier_source == "registry.example.com/shop:2"
    assert (run.pinned_source, run.pinned_by) == ("127.0.0.1:5055/reg/docker:2", "CM6Ab28ZkAW337PiA9i7x")


def test_a_pin_of_0_1_0_that_was_not_verified_is_pinned_again() -> None:
    state = pin("pin_unproven", "plugin")
    news = inputs_in(PinInputs, {"application_id": state.inputs.application_id, **PINS["pin_by_version"]})
    (change,) = RollbackTargetLifeCycle().plan(state, news).changes
    assert (str(change), change.is_output) == ("holds", True)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_a_state_of_0_1_0_is_the_same_once_it_is_stored_anew(path: Path) -> None:
    kind: Any = DeploymentState if json.loads(path.read_text())["resource"] == "Deployment" else RollbackTargetState
    state = state_in(kind, stored(path.stem, "plugin"))
    again = state_in(kind, json.loads(json.dumps(flat_state(state))))
    assert again == state
    assert flat_state(state)["run"]["version"] == STATE_VERSION


# --- the layout -----------------------------------------------------------------------------------------------


def made(**inputs: Any) -> DeploymentState:
    outputs = DeploymentOutputs(status="done", title="feat: the server's", version=3)
    given = inputs_in(DeploymentInputs, {"application_id": "app-1", **inputs})
    return DeploymentState(inputs=given, outputs=outputs, run=DeploymentRun(nonce="0123456789ab"))


def test_inputs_and_outputs_lie_under_their_own_names_and_an_output_wins() -> None:
    flat = flat_state(made(title="mine", triggers={"a": [1, None]}, timeout_seconds=5))
    assert (flat["application_id"], flat["timeout_seconds"], flat["triggers"]) == ("app-1", 5.0, {"a": [1, None]})
    assert (flat["status"], flat["title"], flat["version"]) == ("done", "feat: the server's", 3)
    assert "on_delete" not in flat, "what the program does not give is not stored"


def test_what_an_input_was_under_a_name_that_an_output_took_is_nowhere_in_the_state() -> None:
    assert "tr0ub4dor" not in json.dumps(flat_state(made(title="tr0ub4dor", description="tr0ub4dor")))


def test_a_planned_state_names_what_is_not_known_yet() -> None:
    state = made(triggers={"a": UNKNOWN}, method=UNKNOWN)
    flat = flat_plan(state, frozenset({"status", "deployment_id"}))
    assert (flat["status"], flat["deployment_id"], flat["method"]) == (UNKNOWN, UNKNOWN, UNKNOWN)
    assert flat["triggers"] == {"a": UNKNOWN}
    assert flat["version"] == 3


def test_inputs_that_are_not_given_are_not_made_up() -> None:
    assert flat_inputs(inputs_in(DeploymentInputs, {"application_id": "app-1", "title": None})) == {
        "application_id": "app-1"
    }


def test_a_state_of_a_later_release_is_refused_with_what_to_do() -> None:
    flat = flat_state(made())
    flat["run"] = {**flat["run"], "version": STATE_VERSION + 1}
    with pytest.raises(StateTooNew, match="Update the package"):
        state_in(DeploymentState, flat)


@pytest.mark.parametrize(
    "damage",
    [
        {"on_busy": "whatever came later"},
        {"timeout_seconds": "soon"},
        {"queued_seconds": "long"},
        {"run": {"version": 2, "before": {"members": 5}, "left_as": "lost", "nonce": "0123456789ab"}},
        {"run": None},
        {"colour": "red"},
    ],
)
def test_values_that_this_release_does_not_know_never_make_a_state_unreadable(damage: dict[str, Any]) -> None:
    state = state_in(DeploymentState, {**flat_state(made()), **damage})
    assert state.outputs.status == "done"
    assert state.inputs.application_id == "app-1"
