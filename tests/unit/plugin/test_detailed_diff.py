"""A change is shown by property path, in the schema's names."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.provider.experimental.provider import PropertyDiffKind as Kind

from pulumi_dokploy_deployments.hosts.flat_state import inputs_in, state_in
from pulumi_dokploy_deployments.hosts.plugin.detailed_diff import detailed, diff_response
from pulumi_dokploy_deployments.resources.deployment import DeploymentLifeCycle
from pulumi_dokploy_deployments.resources.deployment_model import DeploymentInputs
from pulumi_dokploy_deployments.resources.deployment_state import DeploymentState
from pulumi_dokploy_deployments.resources.fields import UNKNOWN
from pulumi_dokploy_deployments.resources.plan import Change, Plan, PlanAction

APP = {"application_id": "app-1"}


def planned(olds: dict[str, Any], news: dict[str, Any]) -> Plan:
    state = state_in(DeploymentState, {**APP, **olds})
    return DeploymentLifeCycle().plan(state, inputs_in(DeploymentInputs, {**APP, **news}))


def shown(olds: dict[str, Any], news: dict[str, Any]) -> dict[str, Kind]:
    return {path: each.kind for path, each in detailed(planned(olds, news)).items()}


@pytest.mark.parametrize(
    ("old", "new", "path", "kind"),
    [
        ({"a": 1.0}, {"a": 2.0}, "triggers.a", Kind.UPDATE),
        ({}, {"a": 1.0}, "triggers.a", Kind.ADD),
        ({"a": 1.0}, {}, "triggers.a", Kind.DELETE),
        ({"a.b": 1.0}, {"a.b": 2.0}, 'triggers["a.b"]', Kind.UPDATE),
        ({'say "hi"': 1.0}, {}, 'triggers["say \\"hi\\""]', Kind.DELETE),
        ({"a": {"image_tag": [1.0, 2.0]}}, {"a": {"image_tag": [1.0, 3.0]}}, "triggers.a.image_tag[1]", Kind.UPDATE),
        ({"a": [1.0]}, {"a": [1.0, 2.0]}, "triggers.a[1]", Kind.ADD),
        ({"a": 1.0}, {"a": UNKNOWN}, "triggers.a", Kind.UPDATE),
        ({"a": 1.0}, UNKNOWN, "triggers", Kind.UPDATE),
        ({"a": 1.0}, [1.0], "triggers", Kind.UPDATE),
        ({"a": 1.0}, None, "triggers", Kind.DELETE),
        (None, {"a": 1.0}, "triggers", Kind.ADD),
    ],
)
def test_the_path_of_a_changed_trigger(old: Any, new: Any, path: str, kind: Kind) -> None:
    olds = {} if old is None else {"triggers": old}
    news = {} if new is None else {"triggers": new}

    assert shown(olds, news) == {path: kind}


def test_another_service_replaces() -> None:
    assert shown({}, {"application_id": "app-2"}) == {"applicationId": Kind.UPDATE_REPLACE}
    assert shown({"application_id": None}, {"application_id": None, "compose_id": "c"})["composeId"] is Kind.ADD_REPLACE


def test_names_are_the_schema_s() -> None:
    assert shown({"timeout_seconds": 5.0}, {"timeout_seconds": 6.0}) == {"timeoutSeconds": Kind.UPDATE}


def test_a_change_that_only_the_server_knows_is_one_of_the_state() -> None:
    plan = Plan((Change(("holds",), is_output=True), Change(("version",))), PlanAction.DEPLOY)

    assert {path: each.input_diff for path, each in detailed(plan).items()} == {"holds": False, "version": True}


def test_the_answer_names_what_changes_and_what_replaces() -> None:
    answer = diff_response(planned({"triggers": {"a.b": 1}}, {"application_id": "app-2", "triggers": {"a.b": 2}}))

    assert (answer.changes, answer.replaces, answer.diffs) == (True, ["applicationId"], ["applicationId", "triggers"])
    assert not diff_response(planned({}, {})).changes
