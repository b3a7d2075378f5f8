"""Which row is ours: the one that the server made for our job, or none at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pulumi_dokploy_deployments.api.models import DeploymentRecord, QueueJob
from pulumi_dokploy_deployments.rollout.correlation import (
    CLOUD_SETTLES_SECONDS,
    KEPT_ROWS,
    RESTART_TAKES_SECONDS,
    ROW_FOLLOWS,
    Correlator,
)
from pulumi_dokploy_deployments.rollout.mark import carries, mark
from pulumi_dokploy_deployments.rollout.sighting import Sighting
from pulumi_dokploy_deployments.waiting.snapshot import Phase, Snapshot, snapshot_of
from tests.support.builders import SERVICE_ID, SHA, cloud_job, job, row, transcript
from tests.support.model_server import ModelServer

NONCE = "0123456789ab"
OURS = "us"
OVERWRITTEN = {"title": "feat: a commit", "description": f"Commit: {SHA}"}


def _snapshot(queue: list[QueueJob], rows: list[DeploymentRecord], at: float = 0.0) -> Snapshot:
    return snapshot_of(SERVICE_ID, queue, rows, at)


def _correlator(*known: str) -> Correlator:
    return Correlator(NONCE, frozenset(known))


# --- any interleaving -------------------------------------------------------------------------------------------

SECONDS = st.sampled_from([0.01, 0.05, 0.1, 0.3, 0.7, 1.5, 4.0, 30.0])
BUILDS = st.sampled_from([0.05, 0.3, 0.7, 2.0, 20.0])


class ManyClients(RuleBasedStateMachine):
    """Several clients deploy one service; we look at arbitrary moments, while jobs get lost and rows pruned."""

    def __init__(self) -> None:
        super().__init__()
        self.server = ModelServer()
        self.others = 0
        self.has_deployed = False
        self.sighting: Sighting | None = None

    @initialize(old_rows=st.integers(0, 11), running=st.booleans(), is_overwritten=st.booleans())
    def history(self, old_rows: int, running: bool, is_overwritten: bool) -> None:
        self.is_overwritten = is_overwritten
        for number in range(old_rows):
            self.server.deploy(f"past {number}", f"past {number}", 0.3, is_overwritten=is_overwritten)
        self.server.advance(30.0)
        if running:
            self.server.deploy("a running one", "", 5.0)
            self.server.advance(0.2)
        known = frozenset(each.id for each in self.server.rows)
        self.correlator = Correlator(NONCE, known, may_be_overwritten=is_overwritten)
        self.has_seen_others = running
        self.accepted_at: float | None = None
        self.correlator.before(self.server.snapshot())

    @precondition(lambda self: not self.has_deployed and self.server.is_up)
    @rule(seconds=BUILDS, fails=st.booleans(), is_answered=st.booleans())
    def we_deploy(self, seconds: float, fails: bool, is_answered: bool) -> None:
        self.has_deployed = True
        description = mark("ours", NONCE)
        if is_answered:
            self.accepted_at = self.server.now
            self.correlator.accepted(self.accepted_at)
        self.server.deploy(OURS, description, seconds, is_overwritten=self.is_overwritten, fails=fails)

    @precondition(lambda self: self.server.is_up)
    @rule(seconds=BUILDS, is_overwritten=st.booleans(), text=st.sampled_from(["", "ours", f"Commit: {SHA}"]))
    def another_deploys(self, seconds: float, is_overwritten: bool, text: str) -> None:
        self.others += 1
        self.server.deploy(f"other {self.others}", text, seconds, is_overwritten=is_overwritten)

    @precondition(lambda self: self.server.is_up)
    @rule(count=st.integers(5, 12))
    def a_flood_of_quick_ones(self, count: int) -> None:
        for _ in range(count):
            self.another_deploys(0.05, True, "")

    @precondition(lambda self: self.server.is_up)
    @rule(seconds=BUILDS)
    def another_service_deploys(self, seconds: float) -> None:
        self.others += 1
        self.server.deploy(f"elsewhere {self.others}", "", seconds, service_id="app-2")

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.server.advance(seconds)

    def is_just_accepted(self) -> bool:
        """The moment after the server's yes, in which its loss is ruled out: no restart is so quick, and a colleague
        would have to deploy and clear the queue within it, both unseen."""
        return self.accepted_at is not None and self.server.now - self.accepted_at <= RESTART_TAKES_SECONDS

    @precondition(lambda self: self.server.is_up and (self.has_seen_others or not self.is_just_accepted()))
    @rule()
    def the_waiting_jobs_are_dropped(self) -> None:
        self.server.clean_queues()

    @precondition(lambda self: self.server.is_up and not self.is_just_accepted())
    @rule()
    def the_server_restarts(self) -> None:
        self.server.restart()

    @precondition(lambda self: self.has_deployed and self.server.is_up)
    @rule(between=st.sampled_from([0.0, 0.02, 0.1, 0.4]))
    def we_look(self, between: float) -> None:
        order = self.server.queue_order()
        self.has_seen_others |= any(each.startswith("other") for each in order)
        self.sighting = sighting = self.correlator.observe(self.server.snapshot(between))
        own_row = self.server.row_of.get(OURS)
        visible = next((each for each in self.server.rows if each.id == own_row), None)
        if visible is not None and carries(visible.description, NONCE):
            assert sighting.row is not None, "our row was there with its mark and was not recognised"
        if sighting.phase is Phase.WAITING:
            assert OURS in order
            assert sighting.jobs_ahead == order.index(OURS)
        if sighting.phase is Phase.ACTIVE:
            assert order[0] == OURS
        if OURS in order and sighting.row is None:
            assert sighting.phase in (Phase.WAITING, Phase.ACTIVE, Phase.REMOVED)
        if sighting.row is None:
            assert sighting.phase not in (Phase.RUNNING, Phase.FINISHED)
        elif visible is not None:
            assert sighting.row.status.value == visible.status
            assert (sighting.phase is Phase.FINISHED) is (visible.status != "running")
        if sighting.phase is Phase.REMOVED:
            assert visible is None

    @invariant()
    def the_latched_row_is_never_somebody_else_s(self) -> None:
        if not self.has_deployed:
            return
        own_row = self.server.row_of.get(OURS)
        assert self.correlator.deployment_id in (None, own_row)
        if self.sighting is not None and self.sighting.row is not None:
            assert self.sighting.row.deployment_id == own_row


ManyClients.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=25,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
TestManyClients = ManyClients.TestCase
"""A few seconds: it is the central promise, and interleavings are found by their number."""


# --- what each phase means --------------------------------------------------------------------------------------


def test_nothing_seen_yet_is_not_a_loss_at_once() -> None:
    correlator = _correlator()
    assert correlator.observe(_snapshot([], [], at=1.0)) == Sighting(Phase.UNSEEN, missing_seconds=0.0)
    assert correlator.observe(_snapshot([], [], at=4.5)).missing_seconds == 3.5
    assert correlator.observe(_snapshot([], [], at=4.5)).phase is Phase.UNSEEN


def test_the_number_of_jobs_ahead_counts_every_service_of_the_instance() -> None:
    queue = [
        job(1, service_id="app-2", queued=0.0, started=0.1),
        job(2, queued=1.0),
        job(3, service_id="app-3", queued=2.0),
        job(4, description=mark("", NONCE), queued=3.0),
        job(5, service_id="app-2", queued=4.0),
    ]
    for order in (queue, queue[::-1]):
        sighting = _correlator().observe(_snapshot(order, []))
        assert (sighting.phase, sighting.jobs_ahead) == (Phase.WAITING, 3)


def test_while_the_own_job_waits_the_rows_need_not_be_known() -> None:
    waiting, active = job(1, description=mark("", NONCE)), job(1, description=mark("", NONCE), started=1.0)
    assert _correlator().take_jobs((waiting,)) is True
    assert [_correlator().take_jobs(jobs) for jobs in ((active,), (job(2),), ())] == [False, False, False]


def test_a_job_of_which_no_place_is_known_has_none_ahead() -> None:
    placeless = replace(_snapshot([job(1, description=mark("", NONCE))], []), ahead={})
    assert _correlator().observe(placeless).jobs_ahead == 0


def test_jobs_of_one_millisecond_run_in_the_order_of_their_numbers() -> None:
    queue = [job(10, description=mark("", NONCE)), job(9), job(2, service_id="app-2")]
    assert _correlator().observe(_snapshot(queue, [])).jobs_ahead == 2


def test_a_started_job_without_a_row_is_active() -> None:
    sighting = _correlator().observe(_snapshot([job(3, description=mark("x", NONCE), started=1.0)], []))
    assert sighting.phase is Phase.ACTIVE


def test_the_row_is_latched_while_it_runs_and_kept_after_its_title_was_overwritten() -> None:
    correlator = _correlator("old")
    other = row("theirs", description="theirs", at=5.0)
    running = row("ours", description=mark("x", NONCE), at=1.0)
    correlator.observe(_snapshot([job(1, started=0.9)], [other, running]))
    final = row("ours", status="done", at=1.0, ended=3.0, **OVERWRITTEN)
    sighting = correlator.observe(_snapshot([], [other, final]))
    assert (sighting.phase, correlator.deployment_id) == (Phase.FINISHED, "ours")
    assert sighting.row == final


def test_an_unknown_status_of_a_newer_server_is_kept_and_not_taken_for_the_end() -> None:
    paused = row("ours", status="paused", description=mark("x", NONCE))
    sighting = _correlator().observe(_snapshot([job(1, started=0.0)], [paused]))
    assert sighting.phase is Phase.RUNNING
    assert sighting.row is not None
    assert sighting.row.status.value == "paused"


def test_a_build_that_was_over_before_its_row_was_seen_is_found_by_its_job_s_start() -> None:
    correlator = _correlator("old")
    old = row("old", status="done", at=-60.0, ended=-50.0, **OVERWRITTEN)
    correlator.observe(_snapshot([job(7, description=mark("x", NONCE), started=1.0)], [old]))
    ours = row("ours", status="done", at=1.04, ended=1.7, **OVERWRITTEN)
    theirs = row("theirs", status="done", at=1.9, ended=2.6, **OVERWRITTEN)
    sighting = correlator.observe(_snapshot([], [theirs, ours, old]))
    assert (sighting.phase, correlator.deployment_id) == (Phase.FINISHED, "ours")


def test_the_row_that_an_early_look_has_found_is_ours_once_it_is_in_the_history() -> None:
    correlator = _correlator()
    early = row("early", status="done", at=1.0, ended=1.5, **OVERWRITTEN)
    other = row("other", status="done", at=2.0, ended=2.5, **OVERWRITTEN)
    correlator.latch("early", _snapshot([], []))
    correlator.latch("early", _snapshot([], [row("a", status="done"), row("z", status="done")]))
    assert correlator.deployment_id is None
    correlator.latch("early", _snapshot([], [early]))
    correlator.latch("other", _snapshot([], [other, early]))
    assert correlator.deployment_id == "early"


def test_a_short_history_reaches_back_and_a_full_one_does_where_a_row_from_before_the_start_is_left() -> None:
    for others in (0, KEPT_ROWS - 2, KEPT_ROWS - 1):
        correlator = _correlator()
        correlator.observe(_snapshot([job(7, description=mark("x", NONCE), started=1.0)], []))
        ours = row("ours", status="done", at=1.04, ended=1.7, **OVERWRITTEN)
        later = [
            row(f"d{number}", status="done", at=2.0 + number, ended=2.1 + number, **OVERWRITTEN)
            for number in range(others)
        ]
        old = [row("old", status="done", at=0.5, ended=0.9)] if others == KEPT_ROWS - 2 else []
        sighting = correlator.observe(_snapshot([], [*later[::-1], ours, *old]))
        reaches_back = others < KEPT_ROWS - 1
        assert sighting.phase is (Phase.FINISHED if reaches_back else Phase.AMBIGUOUS), others


def test_what_the_queue_shows_counts_although_the_rows_after_it_could_not_be_read() -> None:
    correlator = _correlator()
    active = job(7, description=mark("x", NONCE), started=1.0)
    assert not correlator.take_jobs((active,))
    assert correlator.take_jobs((job(7, description=mark("x", NONCE)),))
    assert not correlator.take_jobs((active,))
    assert not correlator.take_jobs(())
    ours = row("ours", status="done", at=1.04, ended=1.7, **OVERWRITTEN)
    theirs = row("theirs", status="done", at=1.9, ended=2.6, **OVERWRITTEN)
    assert correlator.observe(_snapshot([], [theirs, ours])).row == ours


@pytest.mark.parametrize(
    ("at", "phase"),
    [
        (9.9, Phase.AMBIGUOUS),
        (10.0, Phase.FINISHED),
        (10.0 + RESTART_TAKES_SECONDS, Phase.FINISHED),
        (10.1 + RESTART_TAKES_SECONDS, Phase.AMBIGUOUS),
    ],
)
def test_the_single_new_row_is_taken_from_the_sending_on_as_long_as_a_restart_takes(at: float, phase: Phase) -> None:
    correlator = _correlator()
    correlator.before(_snapshot([], []))
    correlator.accepted(10.0)
    new = row("new", status="done", at=2.0, ended=2.7, **OVERWRITTEN)
    assert correlator.observe(_snapshot([], [new], at=at)).phase is phase


def test_of_two_new_rows_none_is_taken_although_the_job_must_have_run() -> None:
    correlator = _correlator()
    correlator.before(_snapshot([], []))
    correlator.accepted(10.0)
    rows = [row(name, status="done", at=at, ended=at + 0.2, **OVERWRITTEN) for name, at in (("b", 2.5), ("a", 2.0))]
    assert correlator.observe(_snapshot([], rows, at=11.0)).phase is Phase.AMBIGUOUS


def test_a_row_of_the_moment_of_our_job_s_start_is_a_candidate() -> None:
    correlator = _correlator()
    correlator.observe(_snapshot([job(7, description=mark("x", NONCE), started=1.0)], []))
    rows = [
        row("first", status="done", at=1.0, description="theirs"),
        row("then", status="done", at=1.0, ended=1.5, **OVERWRITTEN),
    ]
    assert correlator.observe(_snapshot([], rows)).phase is Phase.AMBIGUOUS


def test_a_row_from_before_our_job_s_start_is_no_candidate() -> None:
    correlator = _correlator()
    correlator.observe(_snapshot([job(7, description=mark("x", NONCE), queued=0.0, started=5.0)], []))
    theirs = row("theirs", status="done", at=2.0, ended=3.0, **OVERWRITTEN)
    assert correlator.observe(_snapshot([], [theirs])).phase is Phase.MISSING


@pytest.mark.parametrize(
    ("after", "phase"), [(timedelta(0), Phase.FINISHED), (timedelta(milliseconds=1), Phase.AMBIGUOUS)]
)
def test_a_row_follows_its_job_s_start_within_a_bound(after: timedelta, phase: Phase) -> None:
    correlator = _correlator()
    correlator.observe(_snapshot([job(7, description=mark("x", NONCE), started=1.0)], []))
    at = 1.0 + (ROW_FOLLOWS + after).total_seconds()
    last = row("last", status="done", at=at, ended=at + 1.0, **OVERWRITTEN)
    assert correlator.observe(_snapshot([], [last])).phase is phase


def test_a_row_that_comes_long_after_our_job_s_start_is_somebody_else_s() -> None:
    correlator = _correlator()
    correlator.observe(_snapshot([job(7, description=mark("x", NONCE), started=1.0)], []))
    # The server was restarted before it had made our row; the first deployment afterwards is a colleague's.
    theirs = row("theirs", status="done", at=8.0, ended=9.0, **OVERWRITTEN)
    assert correlator.observe(_snapshot([], [theirs])).phase is Phase.AMBIGUOUS
    assert correlator.deployment_id is None


def test_the_first_row_after_our_start_is_not_ours_when_it_was_seen_with_another_s_text() -> None:
    correlator = _correlator()
    correlator.observe(_snapshot([job(7, description=mark("x", NONCE), started=1.0)], []))
    correlator.observe(_snapshot([], [row("theirs", description="theirs", at=1.5)]))
    overwritten = row("theirs", status="done", at=1.5, ended=1.6, **OVERWRITTEN)
    later = row("later", status="done", at=1.8, ended=1.9, **OVERWRITTEN)
    assert correlator.observe(_snapshot([], [later, overwritten])).row is None


def test_a_single_new_row_is_not_taken_when_our_waiting_job_vanished() -> None:
    correlator = _correlator()
    correlator.observe(_snapshot([job(7, description=mark("x", NONCE))], []))
    # A colleague cleared the queue, with our job in it, and deployed: the only new row is the colleague's.
    theirs = row("theirs", status="done", at=2.0, ended=2.7, **OVERWRITTEN)
    assert correlator.observe(_snapshot([], [theirs])).phase is Phase.AMBIGUOUS


def test_the_single_new_row_is_ours_when_the_job_must_have_run_and_nobody_else_was_seen() -> None:
    correlator = _correlator()
    correlator.before(_snapshot([], []))
    correlator.accepted(10.0)
    new = row("new", status="done", at=2.0, ended=2.7, **OVERWRITTEN)
    assert correlator.observe(_snapshot([], [new], at=11.0)).phase is Phase.FINISHED


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_single_new_row_is_not_taken_when_it_can_be_that_of_another_s_job(when: str) -> None:
    """Ours waited behind it and was dropped by somebody who cleared the queue."""
    correlator = _correlator()
    theirs = _snapshot([job(1, description="theirs", started=1.9)], [], at=10.5)
    if when == "before":
        correlator.before(theirs)
    correlator.accepted(10.0)
    if when == "after":
        assert correlator.observe(theirs).phase is Phase.UNSEEN
    new = row("new", status="done", at=2.0, ended=2.7, **OVERWRITTEN)
    assert correlator.observe(_snapshot([], [new], at=11.0)).phase is Phase.AMBIGUOUS


@pytest.mark.parametrize(("is_preview", "phase"), [(True, Phase.FINISHED), (False, Phase.AMBIGUOUS)])
def test_a_preview_that_builds_meanwhile_is_no_other_to_whom_the_single_new_row_could_belong(
    is_preview: bool, phase: Phase
) -> None:
    correlator = _correlator()
    correlator.before(_snapshot([], []))
    correlator.accepted(10.0)
    seen = job(1, description="theirs", started=1.9, is_preview=is_preview)
    correlator.take_jobs((seen,))
    new = row("new", status="done", at=2.0, ended=2.7, **OVERWRITTEN)
    assert correlator.observe(_snapshot([], [new], at=11.0)).phase is phase


def test_the_single_new_row_is_not_taken_when_a_restart_may_have_swallowed_our_job() -> None:
    correlator = _correlator()
    correlator.accepted(10.0)
    new = row("new", status="done", at=2.0, ended=2.7, **OVERWRITTEN)
    assert correlator.observe(_snapshot([], [new], at=10.1 + RESTART_TAKES_SECONDS)).phase is Phase.AMBIGUOUS
    assert _correlator().observe(_snapshot([], [new], at=11.0)).phase is Phase.AMBIGUOUS


def test_a_look_that_began_before_the_request_says_nothing_of_a_single_new_row() -> None:
    correlator = _correlator()
    correlator.accepted(10.0)
    new = row("new", status="done", at=2.0, ended=2.7, **OVERWRITTEN)
    assert correlator.observe(_snapshot([], [new], at=9.5)).phase is Phase.AMBIGUOUS
    assert correlator.observe(_snapshot([], [new], at=10.0)).phase is Phase.FINISHED


def test_the_first_row_of_a_pruned_history_is_not_taken() -> None:
    correlator = _correlator()
    correlator.observe(_snapshot([job(7, description=mark("x", NONCE), started=1.0)], []))
    rows = [row(f"r{n}", status="done", at=1.2 + n / 10, ended=1.25 + n / 10, **OVERWRITTEN) for n in range(11)]
    assert correlator.observe(_snapshot([], rows)).phase is Phase.AMBIGUOUS


def test_a_job_that_vanished_without_any_row_is_missing() -> None:
    correlator = _correlator("old")
    old = row("old", status="done", at=-60.0, ended=-50.0, **OVERWRITTEN)
    correlator.observe(_snapshot([job(7, description=mark("x", NONCE))], [old], at=1.0))
    sighting = correlator.observe(_snapshot([], [old], at=2.0))
    assert sighting.phase is Phase.MISSING
    assert correlator.observe(_snapshot([], [old], at=11.0)).missing_seconds == 9.0


def test_where_titles_stay_a_commit_s_row_is_never_ours() -> None:
    correlator = Correlator(NONCE, frozenset(), may_be_overwritten=False)
    correlator.observe(_snapshot([job(7, description=mark("x", NONCE), started=1.0)], []))
    theirs = row("theirs", status="done", at=1.04, ended=2.0, **OVERWRITTEN)
    assert correlator.observe(_snapshot([], [theirs])).phase is Phase.MISSING


def test_a_latched_row_that_is_gone_was_removed() -> None:
    correlator = _correlator()
    correlator.observe(_snapshot([], [row("ours", description=mark("x", NONCE))]))
    assert correlator.observe(_snapshot([job(1, started=1.0)], [row("theirs", at=9.0)])).phase is Phase.REMOVED


def test_the_time_without_the_row_counts_from_its_removal() -> None:
    correlator = _correlator()
    correlator.before(_snapshot([], []))
    correlator.accepted(0.0)
    assert correlator.observe(_snapshot([], [], at=0.5)).missing_seconds == 0.0
    new = row("new", status="done", at=1.0, ended=1.2, **OVERWRITTEN)
    assert correlator.observe(_snapshot([], [new], at=1.0)).phase is Phase.FINISHED
    removed = correlator.observe(_snapshot([], [], at=8.0))
    assert (removed.phase, removed.missing_seconds) == (Phase.REMOVED, 0.0)
    marked = _correlator()
    marked.observe(_snapshot([], [], at=0.5))
    marked.observe(_snapshot([], [row("ours", description=mark("x", NONCE))], at=1.0))
    assert marked.observe(_snapshot([], [], at=8.0)).missing_seconds == 0.0


def test_the_time_without_a_row_counts_from_the_last_sight_of_the_job() -> None:
    correlator = _correlator()
    assert correlator.observe(_snapshot([], [], at=0.5)).missing_seconds == 0.0
    assert correlator.observe(_snapshot([], [], at=2.5)).missing_seconds == 2.0
    correlator.observe(_snapshot([job(1, description=mark("x", NONCE))], [], at=3.0))
    lost = correlator.observe(_snapshot([], [], at=8.0))
    assert (lost.phase, lost.missing_seconds) == (Phase.MISSING, 0.0)


def test_a_running_row_without_a_job_grows_into_an_orphan_and_a_job_ends_that() -> None:
    correlator = _correlator()
    ours = row("ours", description=mark("x", NONCE))
    assert correlator.observe(_snapshot([job(1, started=0.0)], [ours], at=1.0)).orphaned_seconds == 0.0
    assert correlator.observe(_snapshot([], [ours], at=2.0)).orphaned_seconds == 0.0
    assert correlator.observe(_snapshot([job(2)], [ours], at=9.0)).orphaned_seconds == 7.0
    assert correlator.observe(_snapshot([job(1, started=0.0)], [ours], at=10.0)).orphaned_seconds == 0.0


def test_of_two_rows_with_our_mark_the_newer_one_counts() -> None:
    rows = [row("second", description=mark("x", NONCE), at=2.0), row("first", description=mark("x", NONCE), at=1.0)]
    sighting = _correlator().observe(_snapshot([job(1, started=0.0)], rows))
    assert sighting.row is not None
    assert sighting.row.deployment_id == "second"


def test_a_second_row_with_our_mark_takes_the_first_one_s_place_and_is_told() -> None:
    correlator = _correlator()
    first = row("first", description=mark("x", NONCE), at=1.0)
    assert correlator.observe(_snapshot([], [first])).phase is Phase.RUNNING
    assert not correlator.was_carried_out_twice
    second = row("second", description=mark("x", NONCE), at=9.0)
    late = correlator.observe(_snapshot([], [second, row("first", status="done", at=1.0, ended=5.0, **OVERWRITTEN)]))
    assert late.row is not None
    assert late.row.deployment_id == "second"
    assert correlator.was_carried_out_twice


def test_an_older_row_with_our_mark_does_not_take_the_place_of_the_newer_one() -> None:
    """Which one comes first in the list, and which has lost its mark, says nothing."""
    correlator = _correlator()
    newer = row("newer", description=mark("x", NONCE), at=9.0)
    correlator.observe(_snapshot([], [newer]))
    overwritten = row("newer", status="done", at=9.0, ended=10.0, **OVERWRITTEN)
    older = row("older", status="done", description=mark("x", NONCE), at=1.0)
    sighting = correlator.observe(_snapshot([], [overwritten, older]))
    assert sighting.row == overwritten
    assert not correlator.was_carried_out_twice


def test_the_second_row_with_our_mark_is_followed_where_the_first_one_was_removed() -> None:
    correlator = _correlator()
    correlator.observe(_snapshot([], [row("first", description=mark("x", NONCE), at=1.0)]))
    second = row("second", description=mark("x", NONCE), at=9.0)
    assert correlator.observe(_snapshot([], [second])).row == second
    assert correlator.was_carried_out_twice


def test_a_final_row_is_not_the_end_while_a_later_job_with_our_mark_waits() -> None:
    """A request that a proxy held back and delivered late."""
    correlator = _correlator()
    done = row("first", status="done", description=mark("x", NONCE), at=1.0, ended=5.0)
    late = job(2, description=mark("x", NONCE), queued=4.0)
    assert correlator.observe(_snapshot([], [done])).phase is Phase.FINISHED
    assert not correlator.runs_again
    assert correlator.observe(_snapshot([late], [done])).phase is Phase.WAITING
    assert correlator.runs_again
    assert correlator.observe(_snapshot([], [done])).phase is Phase.FINISHED


@pytest.mark.parametrize(("queued", "phase"), [(9.5, Phase.FINISHED), (10.0, Phase.FINISHED), (10.5, Phase.WAITING)])
def test_a_job_that_was_queued_after_its_final_row_runs_again(queued: float, phase: Phase) -> None:
    ours = mark("x", NONCE)
    snapshot = _snapshot(
        [job(1, description=ours, queued=queued)], [row("d1", status="error", description=ours, at=10.0)]
    )
    assert _correlator().observe(snapshot).phase is phase


@pytest.mark.parametrize(("started", "phase"), [(11.5, Phase.ACTIVE), (10.5, Phase.FINISHED)])
def test_a_job_that_starts_well_after_its_final_row_runs_again(started: float, phase: Phase) -> None:
    ours = mark("x", NONCE)
    snapshot = _snapshot(
        [job(1, description=ours, started=started)], [row("first", status="error", description=ours, at=10.0)]
    )
    assert _correlator().observe(snapshot).phase is phase


def test_a_job_that_survives_the_restart_is_waited_for_although_its_row_was_cancelled() -> None:
    """Timeline 601: the queue in Redis runs the same job again half a minute after the restart."""
    correlator = _correlator()
    ours = mark("x", NONCE)
    active = job(1, description=ours, queued=0.0, started=1.0)
    cancelled = row("first", status="cancelled", description=ours, at=1.0)
    assert correlator.observe(_snapshot([active], [row("first", description=ours, at=1.0)])).phase is Phase.RUNNING
    assert correlator.observe(_snapshot([active], [cancelled])).phase is Phase.ACTIVE
    again = row("second", description=ours, at=40.0)
    assert correlator.observe(_snapshot([active], [again, cancelled])).phase is Phase.RUNNING
    assert correlator.runs_again
    assert correlator.was_carried_out_twice


def test_a_row_of_a_status_that_is_not_known_yet_waits_while_its_job_does() -> None:
    correlator = _correlator()
    ours = mark("x", NONCE)
    queued = row("ours", status="queued", description=ours, at=1.0)
    behind = _snapshot([job(1, started=0.0), job(2, description=ours, queued=1.0)], [queued])
    for at in (0.0, 30.0, 60.0):
        sighting = correlator.observe(_snapshot(list(behind.jobs), [queued], at=at))
        assert (sighting.phase, sighting.orphaned_seconds) == (Phase.WAITING, 0.0)


# --- was the request carried out? -------------------------------------------------------------------------------


def test_the_mark_in_the_queue_or_in_a_row_is_evidence() -> None:
    in_queue = _snapshot([job(1, description=mark("x", NONCE))], [])
    in_row = _snapshot([], [row("ours", status="cancelled", description=mark("x", NONCE))])
    assert _correlator().evidence(in_queue) is True
    assert _correlator().evidence(in_row) is True


def test_a_new_row_whose_title_is_a_commit_s_leaves_it_open_unless_marks_stay() -> None:
    snapshot = _snapshot([], [row("new", status="done", at=1.0, ended=2.0, **OVERWRITTEN)])
    assert _correlator().evidence(snapshot) is None
    assert Correlator(NONCE, frozenset(), may_be_overwritten=False).evidence(snapshot) is False
    assert _correlator("new").evidence(snapshot) is False


def test_a_history_in_which_everything_is_new_leaves_it_open_too() -> None:
    rows = [row(f"r{number}", status="done", at=float(number), ended=number + 0.5) for number in range(11)]
    assert _correlator("old").evidence(_snapshot([], rows)) is None
    assert _correlator("r10").evidence(_snapshot([], rows)) is False


# --- recorded timelines -----------------------------------------------------------------------------------------


def _replay(name: str, our_title: str) -> list[Sighting]:
    """Feed a recorded timeline; our run's texts get the mark that the recording did not have."""

    def description(title: str | None, recorded: str | None = None) -> str | None:
        return mark(recorded, NONCE) if title == our_title else recorded

    correlator = _correlator()
    sightings = []
    for event in transcript(name)["events"]:
        if "rows" not in event:
            continue
        queue = [
            QueueJob.model_validate(
                {
                    "id": each["id"],
                    "state": each["state"],
                    "processedOn": each["processedOn"],
                    "data": {
                        "applicationId": SERVICE_ID,
                        "titleLog": each["title"],
                        "descriptionLog": description(each["title"]),
                        "type": each["type"],
                    },
                }
            )
            for each in event["queue"]
            if not str(each["title"]).endswith("-behind")
        ]
        rows = [
            DeploymentRecord.model_validate(
                {**each, "deploymentId": each["id"], "description": description(each["title"], each["description"])}
            )
            for each in event["rows"]
        ]
        sightings.append(correlator.observe(_snapshot(queue, rows, at=event["t_ms"] / 1000)))
    return sightings


def _phases(sightings: list[Sighting]) -> list[Phase]:
    """The phases in their order, repetitions left out."""
    return [each.phase for at, each in enumerate(sightings) if at == 0 or sightings[at - 1].phase is not each.phase]


@pytest.mark.parametrize(
    ("timeline", "title", "phases", "status"),
    [
        (
            "timeline-30-app-deploy-ok",
            "run:abc123",
            [Phase.UNSEEN, Phase.ACTIVE, Phase.RUNNING, Phase.FINISHED],
            "done",
        ),
        ("timeline-130-killBuild", "run:kb", [Phase.UNSEEN, Phase.ACTIVE, Phase.RUNNING, Phase.FINISHED], "error"),
        ("timeline-130-killBuild", "run:kb2", [Phase.UNSEEN, Phase.WAITING, Phase.RUNNING, Phase.FINISHED], "error"),
        (
            "timeline-242-compose-git-kill",
            "run:cg",
            [Phase.UNSEEN, Phase.ACTIVE, Phase.RUNNING, Phase.FINISHED],
            "done",
        ),
    ],
)
def test_recorded_deployments_are_followed_to_their_own_end(
    timeline: str, title: str, phases: list[Phase], status: str
) -> None:
    sightings = _replay(timeline, title)
    assert _phases(sightings) == phases
    latched = {each.row.deployment_id for each in sightings if each.row is not None}
    assert len(latched) == 1
    last = sightings[-1].row
    assert last is not None
    assert last.status.value == status


def test_a_recorded_overwriting_of_the_title_does_not_change_the_row() -> None:
    before, after = (each.row for each in _replay("timeline-242-compose-git-kill", "run:cg")[-2:])
    assert before is not None
    assert after is not None
    assert carries(before.description, NONCE)
    assert (after.commit_hash, after.deployment_id) == (
        "7dcbbc6947141f3e6c6bf14d86002c2c238c09a8",
        before.deployment_id,
    )


@pytest.mark.parametrize(("title", "ahead"), [("run:s2", 1), ("run:s3", 2)])
def test_recorded_jobs_wait_behind_the_earlier_ones_of_the_same_service(title: str, ahead: int) -> None:
    waiting = [each for each in _replay("timeline-40-queue-same-app", title) if each.phase is Phase.WAITING]
    assert {each.jobs_ahead for each in waiting} == {ahead}


@given(st.permutations(range(6)))
def test_the_order_in_which_the_server_lists_jobs_and_rows_does_not_matter(order: list[int]) -> None:
    jobs: list[QueueJob] = [job(n, queued=float(n), description=mark("", NONCE) if n == 4 else "") for n in range(6)]
    rows = [row(f"r{n}", at=float(n)) for n in range(6)]
    shuffled: Any = _snapshot([jobs[at] for at in order], [rows[at] for at in order])
    assert shuffled == _snapshot(jobs, rows)
    assert _correlator().observe(shuffled).jobs_ahead == 4


# --- Dokploy Cloud, previews ------------------------------------------------------------------------------------


def test_a_done_row_of_the_cloud_is_believed_once_its_job_is_over() -> None:
    done = row("ours", status="done", description=mark("", NONCE))
    correlator = _correlator()
    active = cloud_job(1, description=mark("", NONCE), state="active")
    assert correlator.observe(_snapshot([active], [done], 1.0)).phase is Phase.RUNNING
    completed = cloud_job(1, description=mark("", NONCE), state="completed")
    assert correlator.observe(_snapshot([completed], [done], 2.0)).phase is Phase.FINISHED


def test_a_done_row_of_the_cloud_is_believed_after_a_while_whatever_is_listed() -> None:
    done = row("ours", status="done", description=mark("", NONCE))
    correlator = _correlator()
    active = cloud_job(1, description=mark("", NONCE), state="active")
    assert correlator.observe(_snapshot([active], [done], 100.0)).phase is Phase.RUNNING
    assert correlator.observe(_snapshot([active], [done], 99.9 + CLOUD_SETTLES_SECONDS)).phase is Phase.RUNNING
    assert correlator.observe(_snapshot([active], [done], 100.0 + CLOUD_SETTLES_SECONDS)).phase is Phase.FINISHED


def test_a_failed_job_with_the_mark_is_told_until_a_row_says_so_itself() -> None:
    failed = cloud_job(1, description=mark("", NONCE), state="failed")
    others = cloud_job(2, description="by hand", state="failed")
    correlator = _correlator()
    assert correlator.observe(_snapshot([others], [])).ended_job is None
    assert correlator.observe(_snapshot([failed, others], [], 3.0)).ended_seconds == 0.0
    later = correlator.observe(_snapshot([failed, others], [], 5.0))
    assert (later.ended_job, later.ended_seconds) == (failed, 2.0)
    assert correlator.observe(_snapshot([others], [], 5.5)).ended_job is None
    assert correlator.observe(_snapshot([failed, others], [], 5.8)).ended_seconds == 0.0
    told = row("ours", status="error", description=mark("", NONCE))
    assert correlator.observe(_snapshot([failed], [told], 6.0)) == Sighting(Phase.FINISHED, told)


def test_a_running_preview_hides_no_orphan() -> None:
    running = row("ours", description=mark("", NONCE))
    preview = job(1, state="active", started=0.0, is_preview=True)
    correlator = _correlator()
    correlator.observe(_snapshot([preview], [running], 0.0))
    assert correlator.observe(_snapshot([preview], [running], 20.0)).orphaned_seconds == 20.0


def test_a_row_is_no_orphan_while_a_job_with_the_mark_is_listed() -> None:
    running = row("ours", description=mark("", NONCE))
    waits = job(1, description=mark("", NONCE))
    correlator = _correlator()
    correlator.observe(_snapshot([waits], [running], 0.0))
    assert correlator.observe(_snapshot([waits], [running], 60.0)).orphaned_seconds == 0.0
