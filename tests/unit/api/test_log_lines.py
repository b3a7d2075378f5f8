"""Lines come whole however they were cut, and a line without an end costs neither memory nor time."""

from __future__ import annotations

import time
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pulumi_dokploy_deployments.api.log_lines import MAX_LINE_CHARACTERS, LineSplitter


def _lines(*chunks: str) -> list[str]:
    splitter = LineSplitter()
    lines = [line for chunk in chunks for line in splitter.feed(chunk)]
    return lines + splitter.flush()


@given(st.text(alphabet="ab \r\n\x1b", max_size=60), st.lists(st.integers(0, 60), max_size=5))
def test_it_does_not_matter_where_the_text_is_cut(text: str, cuts: list[int]) -> None:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[a:b] for a, b in pairwise(places)]
    assert _lines(*pieces) == _lines(text)


def test_progress_becomes_its_last_state() -> None:
    assert _lines("10%\r50%\r100%\ndone\r\n") == ["100%", "done"]
    assert _lines("a", "\rb", "\r  ", "\n") == ["b"]


def test_a_command_that_clears_the_line_does_not_take_its_place() -> None:
    assert _lines("50%\r100%\r\x1b[K\n") == ["100%"]
    assert _lines("50%\r100%\x1b[K\r\x1b[", "0m\n") == ["100%\x1b[K"]


def test_an_empty_line_is_one_and_an_unfinished_one_comes_at_the_end() -> None:
    assert _lines("a\n\nb") == ["a", "", "b"]


def test_a_line_without_an_end_is_cut_and_says_by_how_much() -> None:
    (line,) = _lines(*["x" * 1000] * 100)
    assert line == "x" * MAX_LINE_CHARACTERS + f"… ({100_000 - MAX_LINE_CHARACTERS} more characters)"
    (line,) = _lines("x" * 100_000 + "\r100%\n")
    assert line == "100%"


def test_a_line_without_an_end_comes_with_the_flush_and_only_once() -> None:
    splitter = LineSplitter()
    assert splitter.feed("one\ntw") == ["one"]
    assert splitter.feed("o") == []
    assert splitter.flush() == ["two"]
    assert splitter.flush() == []


def test_a_line_without_an_end_takes_time_linear_to_its_length() -> None:
    splitter = LineSplitter()
    began = time.process_time()
    for _ in range(200_000):
        splitter.feed("xyz")
    assert time.process_time() - began < 5.0, "putting the line together anew for each chunk takes minutes"
    assert len(splitter._now.pieces) <= MAX_LINE_CHARACTERS
