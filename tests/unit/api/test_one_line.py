"""Foreign text fits into a paragraph, whatever it is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pulumi_dokploy_deployments.api.one_line import MAX_SHOWN, one_line, sentence


@given(st.text(max_size=500))
def test_any_text_becomes_one_short_printable_line(text: str) -> None:
    line = one_line(text)
    assert len(line) <= MAX_SHOWN
    assert line.isprintable()
    assert line == one_line(line)
    assert not line.endswith((".", ":", ";", " "))


@given(st.text(max_size=50))
def test_a_sentence_ends_once(text: str) -> None:
    assert sentence(text) == sentence(sentence(text))
    assert sentence(f"It failed: {one_line(text) or 'x'}").count("..") == one_line(text).count("..")


def test_nothing_is_nothing() -> None:
    assert one_line(None) == ""
    assert sentence("Really?") == "Really?"
    assert sentence("no") == "no."
