"""Filters: what callers may write, and what is said when it can't be meant."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_dokploy_deployments.api.models import DeploymentRecord
from pulumi_dokploy_deployments.functions.arguments import AllDeployments
from pulumi_dokploy_deployments.functions.filters import Filter, InvalidArgument
from tests.support.fake_server import row

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ROWS = [DeploymentRecord.model_validate(row(number)) for number in (3, 1, 2)]


def filter_of(**given: Any) -> Filter:
    """The filter for a caller's arguments."""
    return AllDeployments.from_given(given, NOW).kept


@pytest.mark.parametrize(
    ("since", "meant"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("15m", NOW - timedelta(minutes=15)),
        (" 2h ", NOW - timedelta(hours=2)),
        ("1.5d", NOW - timedelta(days=1.5)),
        ("1w", NOW - timedelta(weeks=1)),
        (timedelta(hours=3), NOW - timedelta(hours=3)),
        ("2026-11-24", datetime(2026, 11, 24, tzinfo=UTC)),
        ("2026-11-24T08:00:00", datetime(2026, 11, 24, 8, tzinfo=UTC)),
        ("2026-11-24T08:00:00Z", datetime(2026, 11, 24, 8, tzinfo=UTC)),
        ("2026-11-24T08:00:00+02:00", datetime(2026, 11, 24, 6, tzinfo=UTC)),
        (datetime(2026, 11, 24, 8), datetime(2026, 11, 24, 8, tzinfo=UTC)),
        (
            datetime(2026, 11, 24, 8, tzinfo=timezone(timedelta(hours=1))),
            datetime(2026, 11, 24, 7, tzinfo=UTC),
        ),
        (None, None),
    ],
)
def test_since_takes_times_and_ages(since: Any, meant: datetime | None) -> None:
    assert filter_of(since=since).since == meant


@pytest.mark.parametrize("since", ["", "yesterday", "5x", "m", "2026-13-01", "99999999999999999999w", "-5m", 5, ["2h"]])
def test_a_since_that_means_nothing_is_said_so_with_examples(since: Any) -> None:
    try:
        found = filter_of(since=since)
    except InvalidArgument as error:
        assert "2h" in str(error)  # noqa: PT017
    else:
        assert found.since == datetime.min.replace(tzinfo=UTC)


@given(st.text(max_size=12))
def test_no_text_as_since_ends_in_anything_but_a_time_or_that_message(text: str) -> None:
    with suppress(InvalidArgument):
        assert filter_of(since=text).since is not None


@pytest.mark.parametrize(("status", "kept"), [("done", 3), (["error", "done"], 3), ("error", 0), (None, 3), ([], 3)])
def test_statuses_are_one_or_several(status: Any, kept: int) -> None:
    assert len(filter_of(status=status).apply(ROWS)) == kept


@pytest.mark.parametrize(("status", "words"), [("queued", "queue"), ("faild", "running, done, error, cancelled")])
def test_a_status_that_no_row_has_is_an_error_that_names_what_there_is(status: str, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        filter_of(status=status)


def test_the_newest_are_kept_by_a_limit_whatever_the_order_of_the_rows() -> None:
    kept = filter_of(limit=2).apply(ROWS)
    assert [deployment.deployment_id for deployment in kept] == ["d3", "d2"]
    assert filter_of(since="2026-11-24T10:02:00Z").apply(ROWS)[-1].deployment_id == "d2"


@pytest.mark.parametrize("limit", [0, -1, True, "1", 1.5, float("inf"), [1]])
def test_a_limit_is_a_whole_number_from_one_on(limit: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"limit is .* Give a whole number of 1 or more, or leave it out"):
        filter_of(limit=limit)


def test_numbers_of_the_engine_which_are_floats_count_as_whole_ones() -> None:
    assert filter_of(limit=2.0).limit == 2


def test_a_date_object_is_no_time() -> None:
    assert filter_of(since=date(2026, 11, 24).isoformat()).since == datetime(2026, 11, 24, tzinfo=UTC)
