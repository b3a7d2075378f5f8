"""The queue's order, and how many jobs are ahead: one rule for a run and for the reads."""

from __future__ import annotations

from pulumi_dokploy_deployments.functions.queue import in_order
from pulumi_dokploy_deployments.waiting.snapshot import snapshot_of
from tests.support.builders import job

ACTIVE_LATE = job(1, service_id="a", queued=9.0, started=9.5)
FIRST = job(2, service_id="b", queued=1.0)
SECOND = job(3, service_id="c", queued=2.0)
OVER = job(0, service_id="c", state="completed")
QUEUE = [SECOND, OVER, ACTIVE_LATE, FIRST]


def test_what_runs_is_ahead_of_all_that_waits_whenever_it_was_queued() -> None:
    later = job(4, service_id="c", queued=20.0, state="completed")
    assert [info.id for info in in_order([*QUEUE, later])] == ["job-0", "job-4", "job-1", "job-2", "job-3"]
    assert [(info.id, info.jobs_ahead) for info in in_order(QUEUE)] == [
        ("job-0", None),
        ("job-1", None),
        ("job-2", 1),
        ("job-3", 2),
    ]


def test_jobs_of_one_moment_stand_in_the_order_of_their_numbers() -> None:
    assert [info.id for info in in_order([job(10), job(9), job(11)])] == ["job-9", "job-10", "job-11"]


def test_a_run_and_the_queue_tell_the_same_number() -> None:
    listed = {info.id: info.jobs_ahead for info in in_order(QUEUE)}
    for service_id, identity in (("b", "job-2"), ("c", "job-3")):
        assert snapshot_of(service_id, QUEUE, [], 0.0).ahead[identity] == listed[identity]
