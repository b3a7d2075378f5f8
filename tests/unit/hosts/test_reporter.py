"""One reporter for both hosts: many lines are merged, too many are dropped with a note, and statuses replace."""

from __future__ import annotations

from pulumi_dokploy_deployments.api.text import Action, Input
from pulumi_dokploy_deployments.hosts.reporter import (
    MANY_WAITING,
    MOST_WAITING,
    EngineReporter,
    Line,
    LineKind,
    WaitingLines,
    merged,
    sendable,
)
from pulumi_dokploy_deployments.hosts.words import PLUGIN, PYTHON


def line(text: str, kind: LineKind = LineKind.LINE, urn: str = "web") -> Line:
    return Line(text, kind, urn)


def test_only_the_last_of_several_statuses_is_sent() -> None:
    statuses = [line(text, LineKind.STATUS) for text in "abc"]
    assert [each.text for each in merged(statuses)] == ["c"]


def test_lines_of_a_kind_become_one_and_others_stay_apart() -> None:
    told = [line("a"), line("b"), line("!", LineKind.WARNING), line("c"), line("…", LineKind.STATUS)]
    assert [each.text for each in merged(told)] == ["a\nb", "!", "c", "…"]


def test_a_log_s_broken_characters_and_endless_lines_are_sendable() -> None:
    assert sendable("half \ud83d a pair") == "half ? a pair"
    assert len(sendable("x" * 100_000)) < 5000


def test_few_lines_go_out_as_they_came_one_resource_after_the_other() -> None:
    waiting = WaitingLines()
    for told in (line("a"), line("b", urn="api"), line("c")):
        waiting.put(told)
    assert [each.text for each in waiting.take()] == ["a", "c"]
    assert [each.text for each in waiting.take()] == ["b"]
    assert waiting.take() == []
    assert not waiting


def test_many_lines_of_all_resources_together_are_merged() -> None:
    waiting = WaitingLines()
    for number in range(MANY_WAITING + 1):
        waiting.put(line(str(number), urn=f"urn {number % 2}"))
    assert len(waiting.take()) == 1


def test_of_too_many_lines_the_oldest_are_dropped_with_a_note_and_no_warning_is() -> None:
    waiting = WaitingLines()
    waiting.put(line("careful", LineKind.WARNING))
    for number in range(MOST_WAITING + 9):
        waiting.put(line(f"line {number}"))
    assert len(waiting) == MOST_WAITING
    texts = "\n".join(each.text for each in waiting.take()).split("\n")
    assert texts[0] == "… 10 lines are left out here; the whole log is on the deployment's page …"
    assert texts[1] == "careful"
    assert texts[2] == "line 10"
    assert texts[-1] == f"line {MOST_WAITING + 8}"


def test_each_host_spells_a_warning_in_its_own_words() -> None:
    for words, expected in (
        (PYTHON, "Set wait_for, then run `pulumi up` again."),
        (PLUGIN, "Set waitFor, then run `pulumi up` again."),
    ):
        told: list[Line] = []

        class Sink:
            def put(self, line: Line, into: list[Line] = told) -> None:
                into.append(line)

        EngineReporter(Sink(), "web", words).warning(("Set ", Input("wait_for"), ", then ", Action.RUN_AGAIN, "."))
        assert [(each.text, each.kind) for each in told] == [(expected, LineKind.WARNING)]


def test_ten_thousand_lines_a_second_become_a_few_hundred_messages_and_none_is_lost_where_they_are_taken() -> None:
    waiting, sent = WaitingLines(), []
    for burst in range(100):
        for number in range(100):
            waiting.put(Line(f"#12 34.5 step {burst} of many, part {number}", LineKind.LINE, "urn:web"))
        while lines := waiting.take():
            sent += lines
    assert sum(line.text.count("\n") + 1 for line in sent) == 10_000
    assert len(sent) <= 200
    assert len(waiting) == 0
