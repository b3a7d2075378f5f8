"""Stages with their times, the estimate, and how both are shown."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from pulumi_dokploy_deployments.api.text import Deadline, DeadlineSource
from pulumi_dokploy_deployments.cli.live import LiveReporter, LogPrinter, progress_text
from pulumi_dokploy_deployments.cli.stage_times import StageTimes
from pulumi_dokploy_deployments.cli.tables import seconds
from pulumi_dokploy_deployments.waiting.progress import Activity, Progress, Stage


class HandClock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.at = 100.0

    def monotonic(self) -> float:
        return self.at

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)

    async def sleep(self, seconds: float, *, wake: asyncio.Event | None = None) -> None:
        self.at += seconds


def test_waiting_in_the_queue_is_no_part_of_the_time() -> None:
    times = StageTimes(usual_seconds=40.0)
    times.enter(Stage.QUEUED, 100.0)
    assert times.elapsed(160.0) == 0.0
    times.enter(Stage.STARTING, 160.0)
    assert (times.elapsed(172.0), times.rest(172.0)) == (12.0, 28.0)
    assert times.rest(210.0) == -10.0


def test_each_stage_has_its_time_and_a_stage_entered_twice_is_one() -> None:
    times = StageTimes()
    for stage, at in (
        (Stage.CLONE, 0.0),
        (Stage.BUILD, 2.0),
        (Stage.BUILD, 3.0),
        (Stage.PUSH, 9.0),
        (Stage.BUILD, 10.0),
    ):
        times.enter(stage, at)
    times.enter(Stage.DONE, 12.0)
    assert times.durations(50.0) == [(Stage.CLONE, 2.0), (Stage.BUILD, 9.0), (Stage.PUSH, 1.0)]


def test_without_history_there_is_no_estimate() -> None:
    times = StageTimes()
    times.enter(Stage.BUILD, 0.0)
    assert times.rest(5.0) is None
    assert progress_text("shop", "running: build", times, 5.0) == "shop · running: build · 5.0 s"


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (12.0, "shop · running: build · 12 s · usually 40 s · about 28 s left"),
        (50.0, "shop · running: build · 50 s · usually 40 s · 10 s longer than usual"),
    ],
)
def test_the_line_says_time_so_far_usual_time_and_the_rest(now: float, text: str) -> None:
    times = StageTimes(usual_seconds=40.0)
    times.enter(Stage.BUILD, 0.0)
    assert progress_text("shop", "running: build", times, now) == text


def test_the_health_check_comes_after_the_usual_time_and_has_no_estimate() -> None:
    times = StageTimes(usual_seconds=1.0)
    times.enter(Stage.BUILD, 0.0)
    times.enter(Stage.HEALTH_CHECK, 1.0)
    assert "usual" not in progress_text("shop", "health check", times, 9.0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.04, "0.0 s"),
        (9.9, "9.9 s"),
        (9.96, "10 s"),
        (59.7, "1 min 0 s"),
        (185, "3 min 5 s"),
        (3725, "1 h 2 min"),
    ],
)
def test_durations_are_told_as_people_say_them(value: float | None, text: str) -> None:
    assert seconds(value) == text


def running(stage: Stage, *, elapsed_seconds: float | None = None, usual_seconds: float | None = None) -> Progress:
    return Progress(Activity.RUNNING, stage, usual_seconds=usual_seconds, elapsed_seconds=elapsed_seconds)


@pytest.mark.parametrize(
    ("told", "stage"),
    [
        (Progress(Activity.READING), None),
        (Progress(Activity.QUEUED, jobs_ahead=2), Stage.QUEUED),
        (Progress(Activity.REQUESTING, Stage.BUILD, detail="deploy"), None),
        (Progress(Activity.STARTING, Stage.STARTING), Stage.STARTING),
        (running(Stage.BUILD), Stage.BUILD),
        (Progress(Activity.VERIFYING, Stage.UPDATE, detail="0 of 1 new tasks run"), Stage.HEALTH_CHECK),
        (Progress(Activity.RETRYING, Stage.BUILD, detail="no connection"), None),
    ],
)
def test_a_stage_begins_with_what_the_run_does_and_not_with_a_retry(told: Progress, stage: Stage | None) -> None:
    clock = HandClock()
    reporter = LiveReporter(Console(file=io.StringIO()), clock)
    reporter.progress(told)
    clock.at += 1.0
    assert [entered for entered, _ in reporter.stages.durations(clock.at)] == ([] if stage is None else [stage])


def test_a_run_that_began_earlier_counts_from_its_start() -> None:
    clock = HandClock()
    reporter = LiveReporter(Console(file=io.StringIO()), clock)
    reporter.progress(running(Stage.BUILD, elapsed_seconds=12.0, usual_seconds=40.0))
    assert (reporter.stages.elapsed(clock.at), reporter.stages.rest(clock.at)) == (12.0, 28.0)


def test_a_retry_or_a_note_is_no_step_of_the_run() -> None:
    reporter = LiveReporter(Console(file=io.StringIO()), HandClock())
    assert reporter.last is None
    reporter.progress(Progress(Activity.REQUESTING, detail="deploy"))
    reporter.progress(Progress(Activity.RETRYING, detail="no connection"))
    reporter.progress(Progress(Activity.NOTE, detail="triggers changed"))
    assert reporter.last == Progress(Activity.REQUESTING, detail="deploy")


def test_warnings_come_in_the_command_line_s_terms() -> None:
    stream = io.StringIO()
    kept: list[str] = []
    warning = ("Raise ", Deadline(DeadlineSource.INPUT), ".")
    reporter = LiveReporter(Console(file=stream, width=100), HandClock())
    reporter.warning(warning)
    LogPrinter(print, kept.append).warning(warning)
    assert stream.getvalue() == "warning: Raise --timeout.\n"
    assert reporter.warnings == kept == ["Raise --timeout."]


def test_where_nobody_looks_each_change_is_one_plain_line() -> None:
    stream, clock = io.StringIO(), HandClock()
    reporter = LiveReporter(Console(file=stream, width=200), clock, name="shop")
    with reporter:
        reporter.progress(Progress(Activity.REQUESTING, detail="deploy"))
        for elapsed in (0.0, 0.0, 0.2):
            reporter.progress(running(Stage.CLONE, elapsed_seconds=elapsed))
        reporter.line("[bold]not markup[/bold] :smile:")
        reporter.warning("look at this")
    assert stream.getvalue().splitlines() == [
        "shop · asking the server to deploy",
        "shop · running: clone · 0.0 s",
        "[bold]not markup[/bold] :smile:",
        "warning: look at this",
    ]
    assert "\x1b" not in stream.getvalue()


def test_the_log_s_own_lines_tell_the_stages_also_when_they_are_not_shown() -> None:
    stream, clock = io.StringIO(), HandClock()
    reporter = LiveReporter(Console(file=stream), clock, show_log=False)
    for line in ("Initializing deployment", "Cloning Repo x: ✅", "Building shop-abc", "✅ Docker build completed."):
        reporter.line(line)
        clock.at += 2.0
    assert stream.getvalue() == ""
    assert [stage for stage, _ in reporter.stages.durations(clock.at)] == [
        Stage.STARTING,
        Stage.CLONE,
        Stage.BUILD,
        Stage.UPDATE,
    ]


def test_scripts_get_events_with_numbers() -> None:
    events: list[dict[str, object]] = []
    clock = HandClock()
    reporter = LiveReporter(Console(file=io.StringIO()), clock, event=events.append)
    reporter.stages.usual_seconds = 10.0
    with reporter:
        reporter.progress(Progress(Activity.QUEUED, jobs_ahead=1))
        reporter.progress(running(Stage.STARTING))
        clock.at += 4.0
        reporter.progress(running(Stage.BUILD))
        reporter.line("x")
        clock.at += 8.0
        reporter.progress(running(Stage.PUSH))
    assert [event["event"] for event in events] == ["status", "status", "status", "log", "status"]
    assert (events[0]["activity"], events[0]["jobs_ahead"], events[0]["rest_seconds"]) == ("queued", 1, None)
    assert (events[2]["stage"], events[2]["elapsed_seconds"], events[2]["rest_seconds"]) == ("build", 4.0, 6.0)
    assert events[4]["rest_seconds"] == 0.0, "longer than usual"


def test_on_a_terminal_one_line_is_written_over_and_the_log_runs_above_it() -> None:
    stream, clock = io.StringIO(), HandClock()
    console = Console(file=stream, force_terminal=True, width=40)
    with LiveReporter(console, clock, name="shop") as reporter:
        told = Progress(Activity.NOTE, detail="something to tell that is longer than the terminal is wide")
        reporter.progress(told)
        reporter.line("Step 1/3")
    text = stream.getvalue()
    assert "Step 1/3" in text
    assert "…" in text, "cut, not wrapped: a wrapped line can't be written over"
