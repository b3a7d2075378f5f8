"""A release's order: what is wrong with it is one paragraph, and what is right comes in order."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_dokploy_deployments.hosts import nested_inputs
from pulumi_dokploy_deployments.resources.deployment_model import DeploymentInputs, RunningService
from pulumi_dokploy_deployments.resources.fields import UNKNOWN
from pulumi_dokploy_deployments.resources.release_model import ReleaseDefaults, ReleasedService
from pulumi_dokploy_deployments.resources.release_order import (
    images_of,
    in_order,
    predecessors,
    problem_of,
    table,
    verdict,
    version_of,
)

INPUTS = ("image", "triggers", "after")


@pytest.mark.parametrize(
    ("services", "words"),
    [
        ({}, "has no services"),
        ({"web": {"imge": "x"}}, "unknown input 'imge' of 'web'. Did you mean 'image'?"),
        ({"web": {"zzz": 1}}, "unknown input 'zzz' of 'web'. There are 'image', 'triggers', 'after'."),
        ({"web": {"after": "api"}}, "Write `['api']`."),
        ({"web": {"after": UNKNOWN}}, "Write the names themselves."),
        (
            {"web": {"after": ["apy"]}, "api": {}},
            "deploys 'web' after 'apy', which is none of its services. Did you mean",
        ),
        ({"web": {"after": ["web"]}}, "has no order: 'web' after 'web'."),
        (
            {"a": {"after": ["c"]}, "b": {"after": ["a"]}, "c": {"after": ["b"]}},
            "has no order: ",
        ),
    ],
)
def test_what_is_wrong_is_one_paragraph_with_the_way_out(services: dict[str, Any], words: str) -> None:
    problem = problem_of(services, INPUTS)
    assert problem.startswith("The release ")
    assert words in problem
    assert "\n" not in problem


def test_a_circle_is_told_in_the_direction_in_which_it_was_written() -> None:
    services = {"web": {"after": ["api"]}, "api": {"after": ["db"]}, "db": {"after": ["web"]}}
    told = problem_of(services, INPUTS).partition("has no order: ")[2].partition(".")[0]
    names = [name.strip("'") for name in told.split(" after ")]
    assert names[0] == names[-1]
    assert all(later in services[one]["after"] for one, later in pairwise(names))


@given(st.permutations(range(6)), st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5))))
def test_each_service_comes_after_those_that_it_names(order: list[int], pairs: set[tuple[int, int]]) -> None:
    services: dict[str, dict[str, object]] = {
        f"s{one}": {"after": [f"s{other}" for this, other in pairs if this == one and other < one]} for one in order
    }
    assert problem_of(services, INPUTS) == ""
    sorted_names = in_order(predecessors(services))
    assert sorted(sorted_names) == sorted(services)
    for name, before in predecessors(services).items():
        assert all(sorted_names.index(one) < sorted_names.index(name) for one in before)


def test_a_service_takes_all_inputs_of_a_deployment_but_its_server() -> None:
    of_deployment = set(DeploymentInputs.model_fields) - DeploymentInputs.COMPUTED
    of_service = set(ReleasedService.model_fields) - ReleasedService.COMPUTED
    assert of_deployment - of_service == {"connection"}
    assert of_service - of_deployment == {"after"}
    assert set(nested_inputs.ReleasedService.__annotations__) == of_service
    assert set(nested_inputs.ReleaseDefaults.__annotations__) == set(ReleaseDefaults.model_fields)


def test_the_table_has_a_line_for_each_service_and_no_empty_cell() -> None:
    lines = table([["database", "", "postgres:16", "–", "healthy"], ["web", "v3", "", "12 s", "done"]]).splitlines()
    assert [line.split() for line in lines] == [
        ["service", "version", "image", "duration", "verdict"],
        ["database", "–", "postgres:16", "–", "healthy"],
        ["web", "v3", "–", "12", "s", "done"],
    ]


def test_what_was_not_looked_at_has_the_server_s_own_status_for_a_verdict() -> None:
    assert verdict("done", "not checked") == "done"
    assert verdict("done", "healthy") == "healthy"
    assert verdict("done", "unknown") == "unknown"
    assert (version_of(3, "abc"), version_of(None, "a" * 40), version_of(None, None)) == ("v3", "a" * 10, "–")
    assert images_of([RunningService(name="s", tasks=1, image=image) for image in "aba"]) == "a, b"
