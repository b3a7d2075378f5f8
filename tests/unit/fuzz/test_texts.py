"""Logs, marks, compose files: whatever stands in them nothing fails, and the time is linear to their length."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulumi_dokploy_deployments.api.log_lines import MAX_LINE_CHARACTERS, LineSplitter
from pulumi_dokploy_deployments.api.one_line import one_line, sentence
from pulumi_dokploy_deployments.api.redact import Redactor
from pulumi_dokploy_deployments.api.who_answered import who_answered
from pulumi_dokploy_deployments.rollout.log_window import LogWindow
from pulumi_dokploy_deployments.rollout.mark import carries, mark, new_nonce, nonce_with, unmark
from pulumi_dokploy_deployments.rollout.stages import clean_line, stage_of, tail_of
from pulumi_dokploy_deployments.rollout.telling_line import telling_line
from pulumi_dokploy_deployments.workload.compose_file import read_expectations
from pulumi_dokploy_deployments.workload.last_words import tidy
from pulumi_dokploy_deployments.workload.listing import age_of, kind_of
from tests.unit.fuzz.cases import CASES

MANY = settings(max_examples=CASES, deadline=None)
SECRET = "s3cret-value"
PIECES = [
    *("\x1b[", "\x1b]0;", "\x1b", "\x07", "\x9b", "\r", "\n", "\r\n", "\t", " ", "\x00", "é", "✅", "\u202e", "\ud800"),
    *("#12 ", "[+] Building", "ERROR: ", "Step 1/2 : RUN x", "npm ERR! ", "exit code: 1", "failed to solve: ", ": "),
    *("Error", "Pulling a", "Cloning Repo ", "(pulumi run ", "0123456789ab", "-", ")", "a" * 50, SECRET),
    *("2026-11-24T12:00:00.000000001Z ", "2026-99-99T99:99:99Z x"),
    *("services:", "  web:", "    profiles: [a]", "    deploy:", "      replicas: 0", "- ", "#", "'", '"'),
]
LOGS = st.lists(st.sampled_from(PIECES) | st.text(max_size=10), max_size=40).map("".join)


@MANY
@given(LOGS, st.lists(st.integers(0, 300), max_size=6))
def test_any_log_is_put_together_to_lines(text: str, cuts: list[int]) -> None:
    splitter, lines, at = LineSplitter(), list[str](), 0
    for cut in sorted(cuts):
        lines += splitter.feed(text[at : max(at, cut)])
        at = max(at, cut)
    lines += splitter.feed(text[at:]) + splitter.flush()
    redactor = Redactor([SECRET])
    for line in lines:
        assert "\n" not in line
        stage_of(clean_line(line))
        shown = redactor.line(clean_line(line))
        assert SECRET not in shown
        assert "\x1b" not in shown
        shown.encode()
    window = LogWindow()
    window.told(lines)
    assert window.fresh_lines(lines, is_whole=True) == []


@MANY
@given(LOGS)
def test_any_log_has_a_tail_and_perhaps_a_telling_line(text: str) -> None:
    lines = tail_of(text, 20)
    assert len(lines) <= 20
    telling = telling_line(lines)
    assert telling is None or telling.text


@MANY
@given(LOGS, st.booleans())
def test_any_output_of_a_container_is_made_tidy(text: str, recent: bool) -> None:
    since = datetime(2026, 11, 24, 11, 59, tzinfo=UTC) if recent else None
    for line in tidy(text, since=since, redactor=Redactor([SECRET])):
        assert SECRET not in line
        assert "\x1b" not in line
        assert len(line) <= 300


@MANY
@given(LOGS | st.none(), st.from_regex(r"[0-9a-f]{12}", fullmatch=True) | st.just(""))
def test_a_mark_is_found_in_any_description_and_no_other_is(description: str | None, digest: str) -> None:
    nonce = new_nonce()
    marked = mark(description, nonce, digest)
    assert carries(marked, nonce)
    assert not carries(description, nonce)
    assert not carries(marked, new_nonce())
    assert (nonce_with(marked, digest) is not None) == bool(digest)
    assert "(pulumi run " + nonce not in unmark(marked)


@MANY
@given(LOGS | st.text(max_size=60))
def test_any_compose_file_and_any_status_of_docker_is_read(text: str) -> None:
    assert all(isinstance(name, str) for name in read_expectations(text))
    kind_of(text)
    age_of(text)
    assert "\n" not in one_line(text)
    assert "\n" not in sentence(one_line(text))


LONG: Sequence[tuple[str, Callable[[str], object]]] = (
    ("lines", lambda text: LineSplitter().feed(text)),
    ("clean line", clean_line),
    ("stage", stage_of),
    ("tail", lambda text: tail_of(text, 20)),
    ("telling line", lambda text: telling_line(tail_of(text, 400))),
    ("tidy", tidy),
    ("redactor", Redactor([SECRET]).text),
    ("mark", lambda text: (carries(text, "0123456789ab"), unmark(text), nonce_with(text, "0123456789ab"))),
    ("compose file", read_expectations),
    ("page", lambda text: who_answered(502, "text/html", text.encode("utf-8", "replace"), may_be_empty=False)),
    ("one line", one_line),
)


@pytest.mark.parametrize("name", [name for name, _ in LONG])
def test_the_time_is_linear_to_the_length(name: str) -> None:
    parse = dict(LONG)[name]
    for piece in (*PIECES, "<title", "a\r", "\x1b[0m\r", "0123456789ab-", "  x:\n"):
        short, long = (_seconds(parse, piece, length) for length in (40_000, 400_000))
        assert long < 0.3 or long < 30 * short, f"{name} of {piece!r}: {short:.3f} s, ten times as much {long:.3f} s"


def _seconds(parse: Callable[[str], object], piece: str, length: int) -> float:
    text = piece * (length // len(piece))
    began = time.process_time()
    parse(text)
    return time.process_time() - began


def test_lines_without_an_end_are_bounded() -> None:
    splitter = LineSplitter()
    for _ in range(100):
        assert splitter.feed("x" * 100_000) == []
    assert len(splitter.flush()[0]) < MAX_LINE_CHARACTERS + 100
