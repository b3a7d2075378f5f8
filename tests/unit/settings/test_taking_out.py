"""A variable is taken out only where it stands as this package writes it, and the rest stays to the letter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_dokploy_deployments.settings.env_text import variables_of, with_variables, without_variable

TEXTS = st.lists(st.sampled_from(["A=1", "# TAG=9", "", "B='x # y'", 'C="a\nb"']), max_size=6).map("\n".join)


@given(TEXTS, st.booleans(), st.sampled_from(["2", "a.b", "postgres://u@h/d"]))
def test_what_was_added_is_taken_out_again_and_nothing_else(text: str, has_end: bool, value: str) -> None:
    before = f"{text}\n" if has_end and text else text
    after = without_variable(with_variables(before, {"TAG": value}), "TAG")
    assert after.removesuffix("\n") == before.removesuffix("\n")
    assert "TAG" not in variables_of(after)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("TAG=2", ""),
        ("A=1\nTAG=2", "A=1"),
        ("A=1\nTAG=2\nB=3\n", "A=1\nB=3\n"),
        ("TAG=2\nA=1\n", "A=1\n"),
        ("TAG=1\nTAG=2\n", "TAG=1\n"),
        ("A=1\nNEW=1\nTAG=2\n", "A=1\nNEW=1\n"),
    ],
)
def test_a_line_that_this_package_wrote_goes(text: str, left: str) -> None:
    assert without_variable(text, "TAG") == left


@pytest.mark.parametrize("text", ["A=1\n", "export TAG=2\n", "TAG = 2\n", "  TAG=2\n", "# TAG=2\n", ""])
def test_a_line_of_somebody_s_own_stays(text: str) -> None:
    assert without_variable(text, "TAG") == text
