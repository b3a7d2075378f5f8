"""What is ahead of a job, and which jobs are still to be waited for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_dokploy_deployments.api.models import QueueJob
from pulumi_dokploy_deployments.waiting.snapshot import jobs_ahead, snapshot_of
from tests.support.builders import SERVICE_ID, cloud_job, job

ANY_JOB = st.builds(
    job,
    st.integers(1, 50),
    server_id=st.sampled_from([None, "far"]),
    queued=st.floats(0, 100),
    state=st.sampled_from(["waiting", "pending", "active", "completed", "failed", "cancelled", "of tomorrow"]),
    is_preview=st.booleans(),
)


def test_each_server_has_a_line_of_its_own() -> None:
    queue = [
        job(1, started=0.0),
        job(2, started=0.0, server_id="far"),
        job(3, queued=1.0),
        job(4, queued=2.0, server_id="far"),
        job(5, queued=3.0),
    ]
    assert jobs_ahead(queue) == {"job-3": 1, "job-4": 1, "job-5": 2}


def test_a_queue_in_redis_names_no_server_and_has_one_line() -> None:
    assert jobs_ahead([job(1, started=0.0), job(2, queued=1.0), job(3, queued=2.0)]) == {"job-2": 1, "job-3": 2}


def test_what_runs_is_ahead_although_it_was_queued_later() -> None:
    queue = [job(1, queued=1.0), job(2, queued=2.0, started=2.0), job(3, queued=0.0, started=0.0)]
    assert jobs_ahead(queue) == {"job-1": 2}


def test_of_those_that_wait_the_one_that_was_queued_first_is_next_whatever_its_number() -> None:
    assert jobs_ahead([job(1, queued=2.0), job(2, queued=1.0)]) == {"job-2": 0, "job-1": 1}


def test_what_does_not_say_when_it_was_queued_or_has_no_number_stands_in_front() -> None:
    undated = job(7).model_copy(update={"queued_at": None})
    unnumbered = job(8, queued=1.0).model_copy(update={"id": "a-name"})
    queue = [job(1, queued=1.0), unnumbered, undated]
    assert jobs_ahead(queue) == {"job-7": 0, "a-name": 1, "job-1": 2}


@given(st.lists(ANY_JOB, max_size=12, unique_by=lambda each: each.id))
def test_nothing_that_is_over_is_ahead_and_a_line_has_no_gaps(queue: list[QueueJob]) -> None:
    ahead = jobs_ahead(queue)
    assert set(ahead) == {each.id for each in queue if each.state.is_waiting}
    for line in (None, "far"):
        in_line = [each for each in queue if each.data.server_id == line and not each.state.is_over]
        running = sum(1 for each in in_line if not each.state.is_waiting)
        places = sorted(ahead[each.id] for each in in_line if each.state.is_waiting)
        assert places == list(range(running, running + len(places)))


@pytest.mark.parametrize(
    ("state", "is_job", "is_ended"),
    [
        ("waiting", True, False),
        ("pending", True, False),
        ("active", True, False),
        ("completed", False, False),
        ("failed", False, True),
        ("cancelled", False, True),
        ("of tomorrow", True, False),
    ],
)
def test_what_is_over_is_no_job_any_more(state: str, is_job: bool, is_ended: bool) -> None:
    snapshot = snapshot_of(SERVICE_ID, [cloud_job(1, state=state)], [], 0.0)
    assert (bool(snapshot.jobs), bool(snapshot.ended_jobs)) == (is_job, is_ended)


def test_a_waiting_job_has_no_start_whatever_the_cloud_says() -> None:
    assert cloud_job(1, state="pending").started_at is None
    assert cloud_job(1, state="active").started_at is not None
