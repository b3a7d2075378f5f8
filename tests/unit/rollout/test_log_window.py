"""Where a log goes on after what was told: nothing twice, nothing lost, whatever repeats in it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pulumi_dokploy_deployments.rollout.log_window import ANCHOR_LINES, LogWindow

LINES = st.lists(st.sampled_from(["", "Step 1", "Step 2", "ok"]), max_size=120)


@given(st.lists(st.integers(0, 30), max_size=12), st.integers(70, 100))
def test_readings_of_a_growing_log_put_together_are_the_log(growth: list[int], tail: int) -> None:
    log: list[str] = []
    window, told = LogWindow(), []
    for more in growth:
        log += [f"line {number}" for number in range(len(log), len(log) + more)]
        read = log[-tail:]
        fresh = window.fresh_lines(read, is_whole=len(read) < tail)
        assert fresh is not None, "the window reaches back"
        window.told(fresh)
        told += fresh
    assert told == log


@given(LINES, LINES)
def test_a_whole_log_goes_on_by_its_count_even_where_every_line_is_alike(first: list[str], second: list[str]) -> None:
    window = LogWindow()
    window.told(first)
    assert window.fresh_lines([*first, *second], is_whole=True) == second


def test_a_reading_that_does_not_reach_back_says_so() -> None:
    window = LogWindow()
    window.told([f"line {number}" for number in range(100)])
    assert window.fresh_lines([f"line {number}" for number in range(500, 600)], is_whole=False) is None
    few = [f"line {number}" for number in range(100 - ANCHOR_LINES, 130)]
    assert window.fresh_lines(few, is_whole=False) == few[ANCHOR_LINES:]


def test_lines_that_come_again_are_new_unless_all_of_the_last_ones_do() -> None:
    window = LogWindow()
    window.told(["a", "x"])
    assert window.fresh_lines(["a", "x", "b", "x", "c"], is_whole=False) == ["b", "x", "c"]
    assert window.fresh_lines(["a", "x", "b", "a", "x", "c"], is_whole=False) == ["c"]


def test_where_nothing_was_told_yet_every_line_is_new() -> None:
    assert LogWindow().fresh_lines(["a", "b"], is_whole=False) == ["a", "b"]
