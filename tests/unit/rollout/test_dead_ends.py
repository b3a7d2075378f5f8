"""When waiting makes no sense any more, and that nothing is given up a moment too early."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_dokploy_deployments.rollout.dead_ends import (
    AMBIGUOUS_AFTER_SECONDS,
    ENDED_AFTER_SECONDS,
    LOST_AFTER_SECONDS,
    REMOVED_AFTER_SECONDS,
    STUCK_AFTER_SECONDS,
    UNSEEN_AFTER_SECONDS,
    Dead,
    dead_end,
)
from pulumi_dokploy_deployments.rollout.sighting import Sighting
from pulumi_dokploy_deployments.waiting.snapshot import Phase
from tests.support.builders import cloud_job, row


@pytest.mark.parametrize(
    ("phase", "limit", "reason"),
    [
        (Phase.MISSING, LOST_AFTER_SECONDS, Dead.LOST),
        (Phase.UNSEEN, UNSEEN_AFTER_SECONDS, Dead.LOST),
        (Phase.AMBIGUOUS, AMBIGUOUS_AFTER_SECONDS, Dead.UNIDENTIFIED),
    ],
)
def test_each_way_of_missing_is_borne_for_its_time_and_then_named(phase: Phase, limit: float, reason: Dead) -> None:
    assert dead_end(Sighting(phase, missing_seconds=limit - 0.01)) is None
    assert dead_end(Sighting(phase, missing_seconds=limit)) is reason


def test_a_running_row_without_a_job_is_stuck_after_its_time() -> None:
    running = row("ours")
    assert dead_end(Sighting(Phase.RUNNING, running, orphaned_seconds=STUCK_AFTER_SECONDS - 0.01)) is None
    assert dead_end(Sighting(Phase.RUNNING, running, orphaned_seconds=STUCK_AFTER_SECONDS)) is Dead.STUCK


def test_a_removed_row_is_believed_only_at_a_later_look() -> None:
    assert dead_end(Sighting(Phase.REMOVED)) is None
    assert dead_end(Sighting(Phase.REMOVED, missing_seconds=REMOVED_AFTER_SECONDS)) is Dead.REMOVED


def test_a_failed_job_of_the_cloud_ends_the_wait_where_no_row_tells_of_it() -> None:
    failed = cloud_job(1, state="failed")
    for phase in (Phase.MISSING, Phase.UNSEEN, Phase.RUNNING):
        early = Sighting(phase, row("ours"), ended_job=failed, ended_seconds=ENDED_AFTER_SECONDS - 0.01)
        assert dead_end(early) is None
        late = Sighting(phase, row("ours"), ended_job=failed, ended_seconds=ENDED_AFTER_SECONDS)
        assert dead_end(late) is Dead.FAILED_UNTOLD
    done = Sighting(Phase.FINISHED, row("ours", status="done"), ended_job=failed, ended_seconds=60.0)
    assert dead_end(done) is None


def test_a_cancelled_job_of_the_cloud_ends_the_wait_whatever_its_row_says() -> None:
    done = Sighting(Phase.FINISHED, row("ours", status="done"), ended_job=cloud_job(1, state="cancelled"))
    assert dead_end(done) is Dead.CALLED_OFF


@given(st.sampled_from([Phase.WAITING, Phase.ACTIVE, Phase.RUNNING]), st.integers(0, 10**6))
def test_what_waits_or_runs_is_waited_for_however_long(phase: Phase, seconds: int) -> None:
    assert dead_end(Sighting(phase, jobs_ahead=3, missing_seconds=0.0)) is None
    assert dead_end(Sighting(phase, missing_seconds=float(seconds))) is None
