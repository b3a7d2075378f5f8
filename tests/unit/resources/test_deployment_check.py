"""Every bad input is told before anything is sent, by its name and in words that say what is expected."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulumi_dokploy_deployments.api.text import spell
from pulumi_dokploy_deployments.resources.deployment import DeploymentLifeCycle
from pulumi_dokploy_deployments.resources.deployment_model import MAX_TEXT, MAX_TIMEOUT_SECONDS, DeploymentInputs
from pulumi_dokploy_deployments.resources.fields import SERVICE_ID_FIELDS, UNKNOWN

APP = {"application_id": "app-1"}
check = DeploymentLifeCycle().check
DATABASES = [name for name in SERVICE_ID_FIELDS if name not in ("application_id", "compose_id")]


def _problem(**inputs: Any) -> tuple[str, str]:
    """The one problem of these inputs."""
    problems = check(inputs).problems
    assert len(problems) == 1, problems
    reason = spell(problems[0].reason)
    assert reason.endswith(".")
    assert not reason.endswith("..")
    return problems[0].property_name, reason


# --- which service ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SERVICE_ID_FIELDS)
def test_each_kind_of_service_can_be_named(name: str) -> None:
    assert check({name: "id-1"}).problems == ()


def test_no_service_is_told_with_all_the_ways_to_name_one() -> None:
    name, reason = _problem(triggers={"a": 1})
    assert name == "application_id"
    assert all(each in reason for each in SERVICE_ID_FIELDS)
    assert _problem(application_id=None) == _problem()


def test_two_services_are_told_by_their_names() -> None:
    name, reason = _problem(application_id="app-1", compose_id="compose-1")
    assert name == "compose_id"
    assert reason == "Give exactly one service, not application_id and compose_id."


def test_two_services_are_told_even_if_one_is_not_known_yet() -> None:
    assert _problem(application_id=UNKNOWN, compose_id="compose-1")[0] == "compose_id"


@pytest.mark.parametrize("value", ["", "   ", "\n"])
def test_an_empty_id_is_told_with_where_to_find_it(value: str) -> None:
    name, reason = _problem(application_id=value)
    assert name == "application_id"
    assert "is empty" in reason
    assert "address of the service's page" in reason


@pytest.mark.parametrize("value", [5, True, ["app-1"], {"id": "app-1"}, 1.5])
def test_an_id_of_another_type_is_told_once_with_its_type(value: Any) -> None:
    name, reason = _problem(application_id=value)
    assert name == "application_id"
    assert type(value).__name__ in reason


# --- numbers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [0, -1, -0.5, math.nan, math.inf, -math.inf, MAX_TIMEOUT_SECONDS + 1, 1e300, 10**400, True, False, "soon", [1], {}],
)
def test_a_timeout_that_is_none_is_told(value: Any) -> None:
    name, reason = _problem(**APP, timeout_seconds=value)
    assert name == "timeout_seconds"
    assert reason.startswith("timeout_seconds ")
    assert "should be" in reason


@pytest.mark.parametrize("value", [1, 0.5, 1800, 1800.0, MAX_TIMEOUT_SECONDS])
def test_a_good_timeout_passes_as_the_engine_sends_it(value: float) -> None:
    assert check({**APP, "timeout_seconds": value}).problems == ()


# --- words ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("method", "deploy, redeploy"),
        ("wait_for", "healthy, done, none"),
        ("on_busy", "queue, fail, supersede"),
        ("on_failure", "fail, rollback"),
        ("on_delete", "cancel, retain, remove"),
    ],
)
@pytest.mark.parametrize("value", ["Deploy", "", 1, True, ["deploy"]])
def test_a_word_that_is_none_of_the_known_is_told_with_the_known_ones(name: str, expected: str, value: Any) -> None:
    told, reason = _problem(**APP, **{name: value})
    assert told == name
    assert reason == f"{value!r} is not a value of {name}. It is one of: {expected}."


@pytest.mark.parametrize("name", ["title", "description"])
def test_a_nul_is_told_since_the_server_would_take_it_and_never_make_a_row(name: str) -> None:
    told, reason = _problem(**APP, **{name: "release\x00 7"})
    assert told == name
    assert "NUL" in reason


@pytest.mark.parametrize("name", ["title", "description"])
@pytest.mark.parametrize("value", [5, True, ["text"], "x" * (MAX_TEXT + 1)])
def test_a_text_that_is_none_or_too_long_is_told(name: str, value: Any) -> None:
    assert _problem(**APP, **{name: value})[0] == name


@pytest.mark.parametrize("name", ["title", "description"])
def test_any_other_text_passes(name: str) -> None:
    for value in ("", "émoji 🚀 \"quotes\" 'single' <b>", "two\nlines", "x" * MAX_TEXT):
        assert check({**APP, name: value}).problems == ()


@pytest.mark.parametrize("value", ["main", "abc123", "g" * 40, "a" * 65, "", "abcdef1 ", "abcdef1\n", 1234567, True])
def test_a_commit_that_is_no_hash_is_told(value: Any) -> None:
    assert _problem(**APP, expect_commit=value)[0] == "expect_commit"


@pytest.mark.parametrize("value", ["abcdef1", "ABCDEF1", "a" * 40, "0" * 64])
def test_a_commit_s_hash_may_be_short_or_in_capitals(value: str) -> None:
    assert check({**APP, "expect_commit": value}).problems == ()


@pytest.mark.parametrize("value", ["Prod", "prod_eu", "1prod", "-prod", "prod eu", "", "prod\n", "https://x", 5])
def test_a_connection_s_name_that_can_t_be_a_namespace_is_told(value: Any) -> None:
    assert _problem(**APP, connection=value)[0] == "connection"


def test_a_connection_s_name_may_have_digits_and_dashes() -> None:
    assert check({**APP, "connection": "prod-eu2"}).problems == ()


@pytest.mark.parametrize("value", ["perhaps", 2, [], {}])
def test_a_switch_that_is_none_is_told(value: Any) -> None:
    assert _problem(**APP, stream_logs=value)[0] == "stream_logs"


@pytest.mark.parametrize("value", ["1.2.3", 5, True])
def test_triggers_that_are_neither_map_nor_list_are_told_once(value: Any) -> None:
    name, reason = _problem(**APP, triggers=value)
    assert name == "triggers"
    assert "map" in reason
    assert "list" in reason


def test_an_unknown_input_is_told_by_its_name() -> None:
    assert _problem(**APP, trigers={"a": 1}) == ("trigers", "There is no input named trigers.")
    assert _problem(**APP, applicationId="app-1")[0] == "applicationId"


def test_several_bad_inputs_are_all_told_at_once() -> None:
    problems = check({**APP, "timeout_seconds": -1, "method": "x", "title": "\x00", "colour": "red"}).problems
    assert {problem.property_name for problem in problems} == {"timeout_seconds", "method", "title", "colour"}


# --- what is not known yet --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DeploymentInputs.model_fields)
def test_a_value_that_is_not_known_yet_passes_everywhere(name: str) -> None:
    inputs = {name: UNKNOWN} if name in SERVICE_ID_FIELDS else {**APP, name: UNKNOWN}
    assert check(inputs).problems == ()


def test_values_that_are_not_known_yet_pass_deep_inside_of_triggers() -> None:
    triggers = {"image": {"digest": UNKNOWN, "tags": ["a", UNKNOWN]}, "list": [[UNKNOWN]]}
    checked = check({**APP, "triggers": triggers})
    assert checked.problems == ()
    assert checked.inputs is not None
    assert checked.inputs.triggers == triggers
    assert check({**APP, "triggers": [UNKNOWN, {"a": UNKNOWN}]}).problems == ()


def test_beside_an_unknown_value_the_known_ones_are_still_checked() -> None:
    assert _problem(application_id=UNKNOWN, timeout_seconds=-1, title=UNKNOWN)[0] == "timeout_seconds"
    assert _problem(postgres_id=UNKNOWN, expect_commit="main")[0] == "expect_commit"


# --- databases --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("database", DATABASES)
@pytest.mark.parametrize(
    ("name", "value"), [("method", "redeploy"), ("expect_commit", "abcdef1"), ("on_failure", "rollback")]
)
def test_what_does_not_go_with_a_database_is_told_with_the_reason(database: str, name: str, value: str) -> None:
    told, reason = _problem(**{database: "db-1", name: value})
    assert told == name
    assert f"{name} does not go with a database: " in reason


@pytest.mark.parametrize("database", DATABASES)
def test_defaults_and_unknown_values_are_no_obstacle_for_a_database(database: str) -> None:
    defaults = {"method": "deploy", "on_failure": "fail", "triggers": {"a": 1}}
    assert check({database: "db-1", **defaults}).problems == ()
    assert check({database: "db-1", "method": UNKNOWN, "expect_commit": UNKNOWN}).problems == ()


def test_an_image_that_is_wrong_in_two_ways_is_told_once() -> None:
    assert [problem.property_name for problem in check({"compose_id": "c", "image": ""}).problems] == ["image"]


# --- any input --------------------------------------------------------------------------------------------------

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(UNKNOWN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from([*DeploymentInputs.model_fields, "colour"]), ANYTHING, max_size=6))
def test_no_input_whatever_breaks_the_check_and_each_bad_one_is_told_once(inputs: dict[str, Any]) -> None:
    checked = check(inputs)
    names = [problem.property_name for problem in checked.problems]
    assert len(names) == len(set(names))
    # What is worked out is no user's to give, and is left out.
    given = {name for name, value in inputs.items() if value is not None and name != "colour"}
    given -= DeploymentInputs.COMPUTED
    assert names or (checked.inputs is not None and checked.inputs.given == given)
