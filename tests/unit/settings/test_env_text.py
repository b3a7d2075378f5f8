"""A variable is set where the server reads it, and everything else stays to the letter, whatever the text is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pulumi_dokploy_deployments.settings.env_text import UnwritableValue, variables_of, with_variables

READINGS = json.loads((Path(__file__).parent / "dotenv_readings.json").read_text(encoding="utf-8"))
"""Nasty texts, and what the npm package dotenv 16.4.5, which Dokploy uses, reads from each."""

PIECES = ["A", "TAG", "x.y", "=", ":", " ", "\t", "\n", "\r\n", "'", '"', "`", "#", "\\", "\\n", "export ", "$", "é"]
PIECES += ["${{project.X}}", "\u2028", "\ufeff", "\n\n", "A=1", "TAG='x"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)
VALUES = st.lists(st.sampled_from([*PIECES, "1.5.0", "postgres://u:p@h/d?x=1"]), max_size=8).map("".join)
VALUES = VALUES.map(lambda value: value.replace("\r\n", "\n"))
NAMES = st.sampled_from(["A", "TAG", "x.y", "NEW"])


@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: repr(reading["text"][:30]))
def test_variables_are_read_as_the_server_reads_them(reading: dict[str, object]) -> None:
    assert variables_of(str(reading["text"])) == reading["variables"]


@settings(max_examples=500)
@given(TEXTS, NAMES, VALUES)
def test_a_variable_that_is_set_reads_back_and_no_other_one_changes(text: str, name: str, value: str) -> None:
    try:
        changed = with_variables(text, {name: value})
    except UnwritableValue:
        assume(False)
    assert variables_of(changed) == {**variables_of(text), name: value}


LINES = st.sampled_from(
    ["A=1", "B='x # y' # why", "# TAG=9", "", "  export C = 2 ", "D=${{project.D}}", 'E="a\nb"', "noise"]
)


@given(st.lists(LINES, max_size=8), st.lists(LINES, max_size=8), st.sampled_from(["\n", "\r\n"]), VALUES)
def test_what_stands_around_a_variable_stays_to_the_letter(
    before: list[str], after: list[str], end_of_line: str, value: str
) -> None:
    start = end_of_line.join([*before, "TAG="])
    end = end_of_line.join([" # set by CI", *after])
    try:
        changed = with_variables(f"{start}1.4.0{end}", {"TAG": value})
    except UnwritableValue:
        assume(False)
    assert changed.startswith(start)
    assert changed.endswith(end)


def test_a_variable_behind_line_ends_of_windows_is_found_at_its_place() -> None:
    text = "A=1\r\nTAG=1.4.0 # set by CI\r\nB=2\r\n"
    assert with_variables(text, {"TAG": "9"}) == "A=1\r\nTAG=9 # set by CI\r\nB=2\r\n"
    assert with_variables(text, {"A": "9"}) == "A=9\r\nTAG=1.4.0 # set by CI\r\nB=2\r\n"


@given(TEXTS, VALUES)
def test_setting_the_same_again_changes_nothing(text: str, value: str) -> None:
    try:
        once = with_variables(text, {"TAG": value})
    except UnwritableValue:
        assume(False)
    assert with_variables(once, {"TAG": value}) == once


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("", "TAG=2"),
        ("A=1", "A=1\nTAG=2"),
        ("A=1\n", "A=1\nTAG=2\n"),
        ("A=1\r\n", "A=1\r\nTAG=2\r\n"),
        ("TAG=1 # set by CI", "TAG=2 # set by CI"),
        ("TAG='1' # set by CI\nA=1", "TAG=2 # set by CI\nA=1"),
        ("export TAG = 1\n", "export TAG = 2\n"),
        ("TAG=0\nTAG=1\n# TAG=9\n", "TAG=0\nTAG=2\n# TAG=9\n"),
        ("TAG=\nA=1\n", "TAG=2\nA=1\n"),
        ("TAG: 1\nA=1\n", "TAG: 2\nA=1\n"),
        ("  TAG=  1 # x\n", "  TAG=  2 # x\n"),
        ("A=1\n  TAG=  1\n", "A=1\n  TAG=  2\n"),
        ("TAG: \nA=1\n", "TAG: 2\nA=1\n"),
        ("URL=${{project.URL}}\nKEY='a\nb'\n", "URL=${{project.URL}}\nKEY='a\nb'\nTAG=2\n"),
    ],
)
def test_a_tag_is_set_as_a_person_would_do_it(text: str, changed: str) -> None:
    assert with_variables(text, {"TAG": "2"}) == changed


@pytest.mark.parametrize("value", ["", " x ", "a # b", "it's", 'say "x"', "a\nb", "a\\nb", "'", "$HOME", "${{X}}"])
def test_values_that_need_quotes_get_those_that_they_do_not_hold(value: str) -> None:
    assert variables_of(with_variables("A=1\n", {"TAG": value})) == {"A": "1", "TAG": value}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("2", "2"),
        (" 2", "' 2'"),
        ("it's # 2", "`it's # 2`"),
        ("it's a `2` #", '"it\'s a `2` #"'),
        ("it's \n a `2` #", '"it\'s \n a `2` #"'),
        ("it's 'a'\n\"`2`", "\"it's 'a'\\n\"`2`\""),
    ],
)
def test_the_plainest_way_that_reads_back_is_taken(value: str, written: str) -> None:
    assert with_variables("", {"TAG": value}) == f"TAG={written}"


def test_what_no_text_can_hold_is_refused_without_showing_it() -> None:
    hopeless = "`secret'\" # \n"
    with pytest.raises(UnwritableValue) as refused:
        with_variables("A=1", {"TAG": hopeless})
    assert "secret" not in str(refused.value)
    with pytest.raises(UnwritableValue, match="not a name"):
        with_variables("A=1", {"NOT A NAME": "x"})
