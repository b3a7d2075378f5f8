"""How often the server is asked: quick where something is about to happen, seldom where nothing is (truth rule 7)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_dokploy_deployments.waiting.pacing import (
    LONGEST_SECONDS,
    SHORTEST_SECONDS,
    seconds_until_next_look,
    usual_seconds,
)
from pulumi_dokploy_deployments.waiting.snapshot import Phase
from tests.support.builders import row

USUAL = st.none() | st.floats(0, 1e6)


AHEAD = st.none() | st.integers(0, 50)


@given(st.sampled_from(Phase), st.floats(0, 1e6), USUAL, AHEAD)
def test_pauses_stay_between_a_twentieth_of_a_second_and_five(
    phase: Phase, spent: float, usual: float | None, ahead: int | None
) -> None:
    assert SHORTEST_SECONDS <= seconds_until_next_look(phase, spent, usual, ahead) <= LONGEST_SECONDS


@given(st.sampled_from(Phase), st.floats(0, 1e5), st.floats(0, 1e5), USUAL)
def test_pauses_never_shrink_within_a_phase(phase: Phase, spent: float, more: float, usual: float | None) -> None:
    now = seconds_until_next_look(phase, spent, usual)
    assert now <= seconds_until_next_look(phase, spent + more, usual)


def _looks(phase: Phase, seconds: float, usual: float | None) -> int:
    spent, looks = 0.0, 0
    while spent < seconds:
        spent += seconds_until_next_look(phase, spent, usual)
        looks += 1
    return looks


@pytest.mark.parametrize(("usual", "most"), [(180.0, 60), (1800.0, 400), (1.0, 12)])
def test_a_build_of_its_usual_length_costs_few_looks(usual: float, most: int) -> None:
    assert _looks(Phase.RUNNING, usual, usual) <= most


def test_the_row_of_a_quick_build_behind_others_is_seen_before_its_mark_is_gone() -> None:
    """A cached build is over 0.2 s after its start and loses its mark 0.1 s later (transcript 338)."""
    for usual in (None, 1.0, 60.0, 600.0):
        assert seconds_until_next_look(Phase.WAITING, 3600.0, usual, jobs_ahead=1) < 0.3
        assert seconds_until_next_look(Phase.WAITING, 3600.0, usual, jobs_ahead=9) <= 0.5


def test_the_first_looks_after_the_trigger_come_quickly() -> None:
    assert _looks(Phase.UNSEEN, 1.0, None) >= 5
    assert seconds_until_next_look(Phase.UNSEEN, 0.0, None) == SHORTEST_SECONDS


def test_the_usual_duration_is_the_median_of_the_successful_ones() -> None:
    rows = [row(f"r{n}", status="done", at=0.0, ended=seconds) for n, seconds in enumerate([10.0, 30.0, 500.0])]
    rows += [row("failed", status="error", ended=1.0), row("running"), row("cancelled", status="cancelled")]
    assert usual_seconds(rows) == 30.0
    assert usual_seconds(rows[3:]) is None
    assert usual_seconds([]) is None
