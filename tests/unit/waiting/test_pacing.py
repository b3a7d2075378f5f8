"""How often the server is asked: quick where something is about to happen, seldom where nothing is."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_dokploy_deployments.waiting.pacing import (
    BURST_SECONDS,
    CROWDED_END_LOOK_SECONDS,
    HEARTBEAT_SECONDS,
    LONGEST_SECONDS,
    SHORTEST_SECONDS,
    Pace,
    seconds_until_next_look,
    usual_seconds,
)
from pulumi_dokploy_deployments.waiting.snapshot import Phase
from tests.support.builders import row

USUAL = st.none() | st.floats(0, 1e6)


AHEAD = st.none() | st.integers(0, 50)


@given(st.sampled_from(Phase), st.floats(0, 1e6), USUAL, AHEAD)
def test_pauses_stay_between_a_twentieth_of_a_second_and_twelve(
    phase: Phase, spent: float, usual: float | None, ahead: int | None
) -> None:
    assert SHORTEST_SECONDS <= _pause(phase, spent, usual, ahead) <= LONGEST_SECONDS


@given(st.sampled_from(Phase), st.floats(0, 1e5), st.floats(0, 1e5), USUAL)
def test_pauses_never_shrink_within_a_phase_until_the_end_is_due(
    phase: Phase, spent: float, more: float, usual: float | None
) -> None:
    is_due = phase is Phase.RUNNING and usual is not None and spent + more > usual / 2
    assert is_due or _pause(phase, spent, usual) <= _pause(phase, spent + more, usual)


@given(st.floats(30, 3600), st.floats(0.5, 0.9))
def test_where_the_end_is_due_the_looks_come_closer_and_part_again_behind_it(usual: float, share: float) -> None:
    due = _pause(Phase.RUNNING, usual, usual)
    assert due <= _pause(Phase.RUNNING, usual * share, usual)
    assert due <= _pause(Phase.RUNNING, usual / share, usual)
    assert due <= max(0.1, usual / 250)


def _pause(phase: Phase, spent: float, usual: float | None, ahead: int | None = None) -> float:
    return seconds_until_next_look(Pace(phase, spent, usual, ahead))


def _looks(phase: Phase, seconds: float, usual: float | None) -> int:
    spent, looks = 0.0, 0
    while spent < seconds:
        spent += _pause(phase, spent, usual)
        looks += 1
    return looks


@pytest.mark.parametrize(("usual", "most"), [(180.0, 110), (600.0, 120), (1800.0, 210), (1.0, 12)])
def test_a_build_of_its_usual_length_costs_few_looks(usual: float, most: int) -> None:
    assert _looks(Phase.RUNNING, usual, usual) <= most


def test_the_row_of_a_quick_build_behind_others_is_seen_before_its_mark_is_gone() -> None:
    """A cached build is over 0.2 s after its start and loses its mark 0.1 s later (transcript 338)."""
    for usual in (None, 1.0, 60.0, 600.0):
        assert _pause(Phase.WAITING, 3600.0, usual, 1) < 0.3
        assert _pause(Phase.WAITING, 3600.0, usual, 9) <= 0.5


def test_the_first_looks_after_the_trigger_come_quickly() -> None:
    assert _looks(Phase.UNSEEN, 1.0, None) >= 5
    assert _pause(Phase.UNSEEN, 0.0, None) == SHORTEST_SECONDS


def test_the_usual_duration_is_the_median_of_the_successful_ones() -> None:
    rows = [row(f"r{n}", status="done", at=0.0, ended=seconds) for n, seconds in enumerate([10.0, 30.0, 500.0])]
    rows += [row("failed", status="error", ended=1.0), row("running"), row("cancelled", status="cancelled")]
    assert usual_seconds(rows) == 30.0
    assert usual_seconds(rows[3:]) is None
    assert usual_seconds([]) is None


@pytest.mark.parametrize("usual", [None, 1.0, 120.0, 3600.0])
def test_the_end_is_seen_at_once_when_the_log_announces_it_and_the_looks_are_few(usual: float | None) -> None:
    """The row turns final 6 to 140 ms after the log's end line (transcript 300)."""
    spent, looks = 0.0, []
    while spent < BURST_SECONDS:
        looks.append(spent)
        spent += seconds_until_next_look(Pace(Phase.RUNNING, 500.0, usual, since_end_line=spent, log_is_growing=True))
    assert max(later - earlier for earlier, later in itertools.pairwise(each for each in looks if each < 0.2)) < 0.1
    assert len(looks) <= 20


@pytest.mark.parametrize(
    ("pace", "pause"),
    [
        (Pace(Phase.UNSEEN, 2.0), 0.5),
        (Pace(Phase.ACTIVE, 60.0), 1.0),
        (Pace(Phase.WAITING, 0.0), 0.1),
        (Pace(Phase.WAITING, 2.0), 0.2),
        (Pace(Phase.WAITING, 60.0), 0.5),
        (Pace(Phase.WAITING, 60.0, usual=2.9), 0.3),
        (Pace(Phase.WAITING, 60.0, usual=3.0), 0.5),
        (Pace(Phase.WAITING, 60.0, jobs_ahead=0), 0.2),
        (Pace(Phase.WAITING, 60.0, jobs_ahead=2), 0.4),
        (Pace(Phase.RUNNING, 0.0), 0.1),
        (Pace(Phase.RUNNING, 5.0), 0.5),
        (Pace(Phase.RUNNING, 30.0), 1.2),
        (Pace(Phase.RUNNING, 120.0), 2.4),
        (Pace(Phase.RUNNING, 30.0, usual=10.0), 0.6),
        (Pace(Phase.RUNNING, 90.0, usual=200.0), 4.0),
        (Pace(Phase.RUNNING, 90.0, usual=100.0), 1.0),
        (Pace(Phase.RUNNING, 108.0, usual=100.0), 0.8),
        (Pace(Phase.RUNNING, 5.0, since_end_line=0.0), 0.03),
        (Pace(Phase.RUNNING, 5.0, since_end_line=1.0), 0.5),
        (Pace(Phase.RUNNING, 5.0, since_end_line=9.0), 2.0),
        (Pace(Phase.MISSING, 5.0), 0.5),
    ],
)
def test_each_phase_has_its_pace(pace: Pace, pause: float) -> None:
    assert seconds_until_next_look(pace) == pytest.approx(pause)


def test_while_the_live_log_grows_it_is_the_clock() -> None:
    assert seconds_until_next_look(Pace(Phase.RUNNING, 60.0, 10.0, log_is_growing=True)) == HEARTBEAT_SECONDS
    assert seconds_until_next_look(Pace(Phase.RUNNING, 1.0, 600.0, log_is_growing=True)) == HEARTBEAT_SECONDS
    assert seconds_until_next_look(Pace(Phase.WAITING, 5.0, 10.0, log_is_growing=True)) < 1.0


@given(st.floats(0, 1e5), USUAL)
def test_an_end_line_that_nobody_knows_costs_no_more_than_half_the_time(spent: float, usual: float | None) -> None:
    pause = seconds_until_next_look(Pace(Phase.RUNNING, spent, usual, log_is_growing=True))
    assert pause <= max(0.5, max(usual or 0.0, spent) / 2)


@given(st.floats(0, 1e5), USUAL)
def test_an_open_and_silent_log_is_trusted_less_than_a_growing_one_and_more_than_none(
    spent: float, usual: float | None
) -> None:
    silent = seconds_until_next_look(Pace(Phase.RUNNING, spent, usual, log_is_open=True))
    growing = seconds_until_next_look(Pace(Phase.RUNNING, spent, usual, log_is_open=True, log_is_growing=True))
    assert _pause(Phase.RUNNING, spent, usual) <= silent <= growing


def test_beside_an_open_and_silent_log_the_looks_are_a_twenty_fifth_of_the_usual_time_apart() -> None:
    assert seconds_until_next_look(Pace(Phase.RUNNING, 150.0, 250.0, log_is_open=True)) == 10.0
    assert seconds_until_next_look(Pace(Phase.RUNNING, 500.0, None, log_is_open=True)) == 20.0
    assert seconds_until_next_look(Pace(Phase.RUNNING, 5.0, 250.0, log_is_open=True)) == 1.0
    assert seconds_until_next_look(Pace(Phase.RUNNING, 8.0, 10.0, log_is_open=True)) == 0.4
    assert seconds_until_next_look(Pace(Phase.RUNNING, 2.0, 2.0, log_is_open=True)) == 0.2


def test_where_the_end_is_due_without_a_log_the_looks_are_a_three_hundredth_of_the_usual_time_apart() -> None:
    assert _pause(Phase.RUNNING, 600.0, 600.0) == 2.0


def test_many_that_near_their_end_share_readings() -> None:
    near = Pace(Phase.RUNNING, 500.0, 600.0, since_end_line=0.0, is_crowded=True)
    assert seconds_until_next_look(near) == CROWDED_END_LOOK_SECONDS
    assert seconds_until_next_look(Pace(Phase.UNSEEN, is_crowded=True)) < 0.3


@given(st.floats(20, 600))
def test_without_a_live_log_the_pause_is_a_fiftieth_of_the_usual_time_at_the_most(usual: float) -> None:
    for spent in (0.25, 0.5, 0.75, 1.0):
        assert _pause(Phase.RUNNING, usual * spent, usual) <= usual / 50 + 1e-9
