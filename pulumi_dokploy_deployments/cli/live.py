"""Progress on a terminal: one line that is written over, log lines above it. Plain lines where nobody looks."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from pulumi_dokploy_deployments.api.redact import Redactor
from pulumi_dokploy_deployments.api.text import Text as Message
from pulumi_dokploy_deployments.api.text import spell
from pulumi_dokploy_deployments.cli.stage_times import StageTimes
from pulumi_dokploy_deployments.cli.tables import seconds
from pulumi_dokploy_deployments.cli.words import WORDS
from pulumi_dokploy_deployments.rollout.stages import stage_of
from pulumi_dokploy_deployments.waiting.clock import Clock
from pulumi_dokploy_deployments.waiting.progress import Activity, Progress, Stage
from pulumi_dokploy_deployments.waiting.progress_words import phrase

FRAMES_PER_SECOND = 8
SLACK_SECONDS = 0.5
"""A run that takes longer than usual by less than this is about to end."""
FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
Event = Callable[[dict[str, Any]], None]


def progress_text(name: str, doing: str, times: StageTimes, now: float) -> str:
    """`ok · running: build · 12 s · usually 40 s · about 28 s left`.

    Args:
        name: the service.
        doing: what the run is doing, without times.
        times: the stages so far.
        now: the monotonic time.
    """
    parts = [name, doing]
    if times.started_at is not None:
        elapsed, rest = times.elapsed(now), times.rest(now)
        parts.append(seconds(elapsed))
        # What is usual is the server's own time, which ends before the health check.
        over = times.stage is Stage.HEALTH_CHECK
        if times.usual_seconds is not None and rest is not None and not over:
            parts.append(f"usually {seconds(times.usual_seconds)}")
            is_longer = rest <= -SLACK_SECONDS
            parts.append(
                f"{seconds(-rest)} longer than usual" if is_longer else f"about {seconds(max(0.0, rest))} left"
            )
    return " · ".join(part for part in parts if part)


_STAGE_OF = {
    Activity.QUEUED: Stage.QUEUED,
    Activity.STARTING: Stage.STARTING,
    Activity.VERIFYING: Stage.HEALTH_CHECK,
}


class LiveReporter:
    """A run's reporter for people (and, with `event`, for scripts).

    Args:
        console: where it is written; standard error, so that results can be piped.
        clock: the time that stages are measured by.
        name: the service's name.
        event: takes each event in place of the display.
        show_log: whether log lines are shown.
        redactor: makes log lines and warnings fit to be shown.

    Attributes:
        closing: what was proven at the end, in one line; empty where nothing was checked.
        last: the last step that the run has told, retries and notes left out; None before the first.
        stages: the stages so far.
        warnings: what was warned of.
    """

    def __init__(
        self,
        console: Console,
        clock: Clock,
        *,
        name: str = "",
        event: Event | None = None,
        show_log: bool = True,
        redactor: Redactor | None = None,
    ) -> None:
        self.name = name
        self.closing = ""
        self.stages = StageTimes()
        self.last: Progress | None = None
        self.warnings: list[str] = []
        self._console = console
        self._clock = clock
        self._event = event
        self._show_log = show_log
        self._redactor = redactor or Redactor()
        self._live: Live | None = None
        self._told = ""

    def __enter__(self) -> Self:
        if self._event is None and self._console.is_terminal:
            self._live = Live(
                get_renderable=self._render,
                console=self._console,
                refresh_per_second=FRAMES_PER_SECOND,
                transient=True,
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def progress(self, progress: Progress) -> None:
        """What the run is doing now."""
        now = self._clock.monotonic()
        if progress.activity not in (Activity.RETRYING, Activity.NOTE):
            self.last = progress
        self._take_times(progress, now)
        doing = self._redactor.line(phrase(progress))
        if not doing or doing == self._told:
            return
        self._told = doing
        if progress.activity is Activity.DONE:
            # For people it is the last line of the result.
            self.closing = doing
            if self._event is None:
                return
        if self._event is not None:
            more = {"activity": progress.activity.value, "jobs_ahead": progress.jobs_ahead}
            self._event(self.event_of("status", status=doing, **more))
        elif self._live is None:
            self._print(progress_text(self.name, doing, self.stages, now), "dim")

    def _take_times(self, progress: Progress, now: float) -> None:
        if progress.usual_seconds is not None:
            self.stages.usual_seconds = progress.usual_seconds
        stage = progress.stage if progress.activity is Activity.RUNNING else _STAGE_OF.get(progress.activity)
        if stage is not None:
            self.stages.enter(stage, now)
        if progress.elapsed_seconds is not None:
            self.stages.started_earlier(now - progress.elapsed_seconds)

    def line(self, text: str) -> None:
        """A line of the build log."""
        stage = stage_of(text)
        if stage is not None:
            self.stages.enter(stage, self._clock.monotonic())
        if not self._show_log:
            return
        clean = self._redactor.line(text)
        if self._event is not None:
            self._event({"event": "log", "line": clean})
        else:
            self._print(clean, None)

    def warning(self, text: Message) -> None:
        """Something to be read afterwards as well."""
        told = self._redactor.text(spell(text, WORDS))
        self.warnings.append(told)
        if self._event is not None:
            self._event({"event": "warning", "message": told})
        self._print(f"warning: {told}", "yellow")

    def event_of(self, kind: str, **more: Any) -> dict[str, Any]:
        """An event with the times in it; the rest is 0 where the run takes longer than usual."""
        now = self._clock.monotonic()
        rest = self.stages.rest(now) if self.stages.started_at is not None else None
        return {
            "event": kind,
            "stage": self.stages.stage.value,
            "elapsed_seconds": round(self.stages.elapsed(now), 1),
            "usual_seconds": _rounded(self.stages.usual_seconds),
            "rest_seconds": _rounded(None if rest is None else max(0.0, rest)),
            **more,
        }

    def _render(self) -> RenderableType:
        now = self._clock.monotonic()
        frame = FRAMES[int(now * FRAMES_PER_SECOND) % len(FRAMES)]
        line = f"{frame} {progress_text(self.name, self._told, self.stages, now)}"
        return Text(line, style="cyan", no_wrap=True, overflow="ellipsis")

    def _print(self, text: str, style: str | None) -> None:
        told = Text.from_ansi(text) if "\x1b" in text else text
        self._console.print(told, style=style, markup=False, highlight=False, emoji=False, soft_wrap=True)


class LogPrinter:
    """A reporter that passes log lines and warnings on and keeps the rest to itself."""

    def __init__(self, line: Callable[[str], None], warning: Callable[[str], None]) -> None:
        self.line = line
        self._warning = warning

    def progress(self, progress: Progress) -> None:
        """Drop it: progress is what `watch` shows."""

    def warning(self, text: Message) -> None:
        """Pass it on in the command line's terms."""
        self._warning(spell(text, WORDS))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
