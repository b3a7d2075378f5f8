"""What changed, what it causes, and by which name the preview shows it."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_dokploy_deployments.hosts.flat_state import inputs_in, state_in
from pulumi_dokploy_deployments.resources.deployment import SETTINGS, DeploymentLifeCycle
from pulumi_dokploy_deployments.resources.deployment_model import DeploymentInputs
from pulumi_dokploy_deployments.resources.deployment_state import DeploymentState
from pulumi_dokploy_deployments.resources.fields import UNKNOWN
from pulumi_dokploy_deployments.resources.plan import ChangeKind, PlanAction, value_changes

APP = {"application_id": "app-1"}


class Diff(NamedTuple):
    """A plan in short: the changed paths, those that replace, and whether something is sent."""

    changed: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    deploys: bool = False


def diff(old: dict[str, Any], new: dict[str, Any]) -> Diff:
    plan = DeploymentLifeCycle().plan(state_in(DeploymentState, old), inputs_in(DeploymentInputs, new))
    replaces = tuple(str(change) for change in plan.changes if change.replaces)
    assert (plan.action is PlanAction.REPLACE) == bool(replaces)
    assert (plan.action is PlanAction.NOTHING) == (not plan.changes)
    return Diff(tuple(str(change) for change in plan.changes), replaces, plan.deploys)


def changed_paths(name: str, old: Any, new: Any) -> list[str]:
    return [str(change) for change in value_changes((name,), old, new)]


def _diff(old: dict[str, Any], new: dict[str, Any]) -> Diff:
    return diff({**APP, **old}, {**APP, **new})


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ({"image": "a", "sha": "1"}, {"image": "b", "sha": "1"}, ("triggers.image",)),
        ({"image": "a"}, {"image": "a", "sha": "1"}, ("triggers.sha",)),
        ({"image": "a", "sha": "1"}, {"image": "a"}, ("triggers.sha",)),
        ({"a": {"b": {"c": 1, "d": 2}}}, {"a": {"b": {"c": 9, "d": 2}}}, ("triggers.a.b.c",)),
        (["a", "b", "c"], ["a", "x", "c"], ("triggers[1]",)),
        (["a"], ["a", "b"], ("triggers[1]",)),
        (["a", "b"], [], ("triggers[0]", "triggers[1]")),
        ([{"tag": 1}], [{"tag": 2}], ("triggers[0].tag",)),
        ({"a": [1]}, {"a": {"0": 1}}, ("triggers.a",)),
        ({"z": 1, "a": 1}, {"z": 2, "a": 2}, ("triggers.a", "triggers.z")),
        (None, {"a": 1}, ("triggers",)),
        ({"a": 1}, None, ("triggers",)),
        ({"a": 1}, ["a"], ("triggers",)),
    ],
)
def test_a_changed_trigger_deploys_and_is_named(old: Any, new: Any, changed: tuple[str, ...]) -> None:
    change = _diff({"triggers": old}, {"triggers": new})
    assert change == Diff(changed, (), deploys=True)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"n": 1}, {"n": 1.0}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ([1, 2.0], [1.0, 2]),
        ({}, {}),
        ([], []),
        (None, None),
        ({"x": float("nan")}, {"x": float("nan")}),
    ],
)
def test_the_same_value_as_the_engine_may_send_it_is_no_change(old: Any, new: Any) -> None:
    assert _diff({"triggers": old}, {"triggers": new}) == Diff()


@pytest.mark.parametrize(("old", "new"), [(True, 1), (0, False), (1.0, True), ("1", 1), ("", None), ("true", True)])
def test_values_that_python_or_people_confuse_are_a_change(old: Any, new: Any) -> None:
    assert _diff({"triggers": {"x": old}}, {"triggers": {"x": new}}).changed == ("triggers.x",)


def test_a_trigger_that_is_not_known_yet_deploys_and_is_named() -> None:
    assert _diff({"triggers": {"a": 1, "b": 2}}, {"triggers": {"a": UNKNOWN, "b": 2}}).changed == ("triggers.a",)
    assert _diff({"triggers": [1, {"x": 1}]}, {"triggers": [1, {"x": UNKNOWN}]}).changed == ("triggers[1].x",)
    assert _diff({"triggers": {"a": 1}}, {"triggers": UNKNOWN}).changed == ("triggers",)


def test_another_method_deploys_and_the_default_one_is_the_same_as_none() -> None:
    assert _diff({}, {"method": "redeploy"}) == Diff(("method",), (), deploys=True)
    assert _diff({"method": "deploy"}, {}) == Diff()
    assert _diff({}, {"method": "deploy"}) == Diff()


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ({"application_id": "a"}, {"application_id": "b"}, ("application_id",)),
        ({"application_id": "a"}, {"compose_id": "a"}, ("application_id", "compose_id")),
        ({"postgres_id": "a"}, {"postgres_id": UNKNOWN}, ("postgres_id",)),
        (APP, {**APP, "connection": "staging"}, ("connection",)),
        ({**APP, "connection": "staging"}, APP, ("connection",)),
    ],
)
def test_another_service_or_server_replaces_the_resource(
    old: dict[str, Any], new: dict[str, Any], changed: tuple[str, ...]
) -> None:
    assert diff(old, new) == Diff(changed, changed, deploys=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("wait_for", "done"),
        ("timeout_seconds", 60),
        ("on_failure", "rollback"),
        ("on_busy", "fail"),
        ("on_delete", "remove"),
        ("expect_commit", "abcdef1"),
        ("stream_logs", False),
    ],
)
def test_a_changed_setting_is_stored_without_a_deployment(name: str, value: Any) -> None:
    assert _diff({}, {name: value}) == Diff((name,), (), deploys=False)
    assert _diff({name: value}, {}) == Diff((name,), (), deploys=False)


def test_every_input_is_either_deploying_replacing_a_setting_or_a_mere_text() -> None:
    values = {
        "triggers": {"a": 1},
        "method": "redeploy",
        "timeout_seconds": 5,
        "stream_logs": False,
        "env": {"TAG": "1"},
        "wait_for": "none",
        "on_failure": "rollback",
        "on_busy": "fail",
        "on_delete": "remove",
        "expect_commit": "abcdef1",
        "stable_seconds": 60,
        "if_unproven": "fail",
    }
    own = [name for name in DeploymentInputs.model_fields if name not in DeploymentInputs.COMPUTED]
    without = [name for name in own if not diff({}, {name: values.get(name, "x")}).changed]
    assert without == ["title", "description"]
    assert set(SETTINGS) <= set(DeploymentInputs.model_fields)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_s_default_is_the_same_as_none(name: str) -> None:
    default = DeploymentInputs.model_fields[name].default
    assert _diff({}, {name: default}) == Diff()
    assert _diff({name: default}, {name: None}) == Diff()


def test_a_timeout_as_a_float_of_the_engine_is_the_same_as_an_integer() -> None:
    assert _diff({"timeout_seconds": 600.0}, {"timeout_seconds": 600}) == Diff()
    assert _diff({"timeout_seconds": 1800}, {}) == Diff()


def test_title_and_description_alone_change_nothing() -> None:
    assert _diff({"title": "feat: the commit's", "description": "Commit: abcdef1"}, {"title": "mine"}) == Diff()


def test_outputs_in_the_state_are_no_inputs_that_were_removed() -> None:
    state = {**APP, "triggers": {"a": 1}, "deployment_id": "row-1", "status": "done", "nonce": "0123456789ab"}
    assert diff(state, {**APP, "triggers": {"a": 1}}) == Diff()


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        ({}, {"timeout_seconds": 5}, [ChangeKind.ADD]),
        ({"timeout_seconds": 5}, {}, [ChangeKind.DELETE]),
        ({"timeout_seconds": 5}, {"timeout_seconds": 6}, [ChangeKind.UPDATE]),
        ({"triggers": {"a": 1, "b": 1}}, {"triggers": {"b": 2, "c": 1}}, [ChangeKind.DELETE, "update", "add"]),
        ({}, {"triggers": UNKNOWN}, [ChangeKind.ADD]),
        ({"triggers": [1]}, {"triggers": UNKNOWN}, [ChangeKind.UPDATE]),
    ],
)
def test_each_change_says_whether_something_is_added_changed_or_removed(
    old: dict[str, Any], new: dict[str, Any], kinds: list[str]
) -> None:
    state, inputs = state_in(DeploymentState, {**APP, **old}), inputs_in(DeploymentInputs, {**APP, **new})
    assert [change.kind for change in DeploymentLifeCycle().plan(state, inputs).changes] == kinds


def test_a_new_resource_deploys() -> None:
    assert DeploymentLifeCycle().plan(None, inputs_in(DeploymentInputs, APP)).action is PlanAction.DEPLOY


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def _as_the_engine_sends_it(value: Any) -> Any:
    """Protobuf knows one kind of number."""
    if isinstance(value, dict):
        return {key: _as_the_engine_sends_it(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_as_the_engine_sends_it(part) for part in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@given(JSON)
def test_nothing_differs_from_itself_however_the_engine_sends_its_numbers(value: Any) -> None:
    assert changed_paths("triggers", value, value) == []
    assert changed_paths("triggers", _as_the_engine_sends_it(value), value) == []
    inputs = {"triggers": value}
    assert _diff(inputs, inputs) == Diff()


@given(JSON, JSON)
def test_a_difference_is_found_from_both_sides_and_at_the_same_places(one: Any, other: Any) -> None:
    assert changed_paths("t", one, other) == changed_paths("t", other, one)


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(), min_size=1), st.data())
def test_exactly_the_changed_keys_are_named(triggers: dict[str, int], data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(triggers)))
    changed = {**triggers, key: triggers[key] + 1}
    assert _diff({"triggers": triggers}, {"triggers": changed}).changed == (f"triggers.{key}",)
