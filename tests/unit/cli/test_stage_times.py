"""Stages with their times, the estimate, and how both are shown."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from pulumi_dokploy_deployments.cli.live import LiveReporter, progress_text, status_text
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
    progress = StageTimes(usual_seconds=40.0)
    progress.enter(Stage.QUEUED, 100.0)
    assert progress.elapsed(160.0) == 0.0
    progress.enter(Stage.STARTING, 160.0)
    assert (progress.elapsed(172.0), progress.rest(172.0)) == (12.0, 28.0)
    assert progress.rest(210.0) == -10.0


def test_each_stage_has_its_time_and_a_stage_entered_twice_is_one() -> None:
    progress = StageTimes()
    for stage, at in (
        (Stage.CLONE, 0.0),
        (Stage.BUILD, 2.0),
        (Stage.BUILD, 3.0),
        (Stage.PUSH, 9.0),
        (Stage.BUILD, 10.0),
    ):
        progress.enter(stage, at)
    progress.enter(Stage.DONE, 12.0)
    assert progress.durations(50.0) == [(Stage.CLONE, 2.0), (Stage.BUILD, 9.0), (Stage.PUSH, 1.0)]


def test_without_history_there_is_no_estimate() -> None:
    progress = StageTimes()
    progress.enter(Stage.BUILD, 0.0)
    assert progress.rest(5.0) is None
    assert progress_text("shop", "running: build", progress, 5.0) == "shop · running: build · 5.0 s"


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (12.0, "shop · running: build · 12 s · usually 40 s · about 28 s left"),
        (50.0, "shop · running: build · 50 s · usually 40 s · 10 s longer than usual"),
    ],
)
def test_the_line_says_time_so_far_usual_time_and_the_rest(now: float, text: str) -> None:
    progress = StageTimes(usual_seconds=40.0)
    progress.enter(Stage.BUILD, 0.0)
    assert progress_text("shop", "running: build", progress, now) == text


def test_the_health_check_comes_after_the_usual_time_and_has_no_estimate() -> None:
    progress = StageTimes(usual_seconds=1.0)
    progress.enter(Stage.BUILD, 0.0)
    progress.enter(Stage.HEALTH_CHECK, 1.0)
    assert "usual" not in progress_text("shop", "health check", progress, 9.0)


RUNNING = Progress(Activity.RUNNING, Stage.BUILD, usual_seconds=40.0, detail="running")


@pytest.mark.parametrize(
    ("told", "stage"),
    [
        (Progress(Activity.QUEUED, jobs_ahead=2), Stage.QUEUED),
        (Progress(Activity.STARTING, Stage.STARTING), Stage.STARTING),
        (RUNNING, Stage.BUILD),
        (Progress(Activity.VERIFYING, Stage.UPDATE, detail="0 of 1 new tasks run"), Stage.HEALTH_CHECK),
        (Progress(Activity.REQUESTING, detail="deploy"), None),
        (Progress(Activity.RETRYING, Stage.BUILD, detail="no connection"), None),
    ],
)
def test_a_run_s_progress_tells_the_stage(told: Progress, stage: Stage | None) -> None:
    clock = HandClock()
    reporter = LiveReporter(Console(file=io.StringIO()), clock)
    reporter.progress(told)
    entered = [entered for entered, _ in reporter.stages.durations(clock.at)]
    assert entered == ([stage] if stage is not None else [])


def test_a_status_has_no_times_in_it_since_these_have_words_of_their_own() -> None:
    assert status_text(RUNNING) == "running: build"
    assert status_text(Progress(Activity.QUEUED, jobs_ahead=2)) == "waiting in the queue (2 before it)"
    assert status_text(Progress(Activity.RETRYING, detail="no connection")) == "no connection; trying again"


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


def test_where_nobody_looks_each_change_is_one_plain_line() -> None:
    stream, clock = io.StringIO(), HandClock()
    reporter = LiveReporter(Console(file=stream, width=200), clock, name="shop")
    with reporter:
        reporter.progress(Progress(Activity.REQUESTING, detail="deploy"))
        for elapsed in (0.0, 1.0, 2.0):
            reporter.progress(Progress(Activity.RUNNING, Stage.CLONE, elapsed_seconds=elapsed, detail="running"))
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
    with reporter:
        reporter.progress(Progress(Activity.QUEUED, jobs_ahead=1, usual_seconds=10.0))
        reporter.progress(Progress(Activity.RUNNING, Stage.STARTING, usual_seconds=10.0, detail="running"))
        clock.at += 4.0
        reporter.progress(Progress(Activity.RUNNING, Stage.BUILD, usual_seconds=10.0, detail="running"))
        reporter.line("x")
    assert [event["event"] for event in events] == ["status", "status", "status", "log"]
    assert events[0]["rest_seconds"] is None
    assert (events[2]["stage"], events[2]["elapsed_seconds"], events[2]["rest_seconds"]) == ("build", 4.0, 6.0)


def test_on_a_terminal_one_line_is_written_over_and_the_log_runs_above_it() -> None:
    stream, clock = io.StringIO(), HandClock()
    console = Console(file=stream, force_terminal=True, width=40)
    with LiveReporter(console, clock, name="shop") as reporter:
        reporter.progress(Progress(Activity.NOTE, detail="a status that is longer than the terminal is wide"))
        reporter.line("Step 1/3")
    text = stream.getvalue()
    assert "Step 1/3" in text
    assert "…" in text, "cut, not wrapped: a wrapped line can't be written over"
