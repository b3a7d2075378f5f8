"""Which deployments can be gone back to: judged from the rows alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pulumi_dokploy_deployments.api.models import DeploymentRecord
from pulumi_dokploy_deployments.rollback.candidates import MOST_TITLE, age_text, candidates_of, table_of

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def row(number: int, **changes: Any) -> DeploymentRecord:
    values: dict[str, Any] = {
        "deploymentId": f"d{number}",
        "title": "feat: one",
        "description": f"Commit: {number:040x}",
        "status": "done",
        "createdAt": (NOW - timedelta(hours=10 - number)).isoformat(),
        "rollbackId": f"r{number}",
        "rollback": {
            "rollbackId": f"r{number}",
            "deploymentId": f"d{number}",
            "version": number,
            "image": f"app:v{number}",
            "fullContext": {"rollbackRegistry": {"password": "secret"}},
        },
    }
    return DeploymentRecord.model_validate(values | changes)


def test_candidates_are_newest_first_whatever_the_order_of_the_rows() -> None:
    found = candidates_of([row(2), row(3), row(1)])
    assert [candidate.version for candidate in found] == [3, 2, 1]
    assert all(candidate.works and not candidate.why_not for candidate in found)
    assert (found[0].image, found[0].rollback_id, found[0].commit_message) == ("app:v3", "r3", "feat: one")


def test_a_deployment_that_still_runs_is_no_candidate() -> None:
    assert candidates_of([row(1, status="running"), row(2, status="paused-by-newer-server")]) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "error"}, "failed"),
        ({"status": "cancelled"}, "cancelled"),
        ({"rollbackId": None, "rollback": None}, "no image was stored"),
        ({"composeId": "c1", "rollbackId": None, "rollback": None}, "not of composes"),
        ({"rollback": None}, "does not say which image"),
        ({"rollback": {"rollbackId": "r1", "deploymentId": "d1", "version": 1, "image": None}}, "has no image"),
    ],
)
def test_what_can_not_be_gone_back_to_says_why(changes: dict[str, Any], reason: str) -> None:
    (candidate,) = candidates_of([row(1, **changes)])
    assert not candidate.works
    assert reason in candidate.why_not


def test_a_failed_row_with_a_stored_version_keeps_its_number_and_does_not_work() -> None:
    (candidate,) = candidates_of([row(4, status="error")])
    assert (candidate.version, candidate.rollback_id, candidate.works) == (4, "r4", False)


def test_the_table_names_version_deployment_commit_title_and_age() -> None:
    long_title = row(2, title="x" * 200)
    unversioned = row(1, rollback=None, rollbackId=None, description="by hand\x1b[31m", title="a\nb")
    table = table_of(candidates_of([long_title, unversioned]), NOW).splitlines()
    assert table[0].split() == ["version", "deployment", "commit", "title", "age"]
    assert table[1].startswith("v2       d2")
    assert table[1].endswith("…  8 hours ago")
    assert table[2].split() == ["-", "d1", "-", "a", "b", "9", "hours", "ago"]
    assert table_of([], NOW) == "(none)"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "just now"), (0.2, "just now"), (1, "1 second ago"), (61, "1 minute ago"), (7300, "2 hours ago"),
     (86400 * 12, "12 days ago")],
)  # fmt: skip
def test_ages_are_told_in_their_largest_unit(seconds: float, text: str) -> None:
    assert age_text(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("length", "shown"), [(MOST_TITLE, "x" * MOST_TITLE), (MOST_TITLE + 1, "x" * (MOST_TITLE - 1) + "…")]
)
def test_a_long_title_is_cut_to_the_table_s_width(length: int, shown: str) -> None:
    table = table_of(candidates_of([row(1, title="x" * length)]), NOW).splitlines()
    assert table[1].split()[3] == shown


def test_what_can_be_gone_back_to_needs_no_reason() -> None:
    (candidate,) = candidates_of([row(1)])
    assert (candidate.works, candidate.why_not) == (True, "")
