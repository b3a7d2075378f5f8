"""Progress on a terminal: one line that is written over, log lines above it. Plain lines where nobody looks."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from pulumi_dokploy_deployments.cli.progress import Progress
from pulumi_dokploy_deployments.cli.tables import seconds
from pulumi_dokploy_deployments.rollout.stages import Stage, stage_of
from pulumi_dokploy_deployments.waiting.clock import Clock
from pulumi_dokploy_deployments.waiting.reporter import Reporter

FRAMES_PER_SECOND = 8
FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
Event = Callable[[dict[str, Any]], None]


class WatchReporter(Reporter, Protocol):
    """A reporter that also keeps the stages with their times."""

    @property
    def progress(self) -> Progress:
        """The stages so far."""


def progress_text(name: str, status: str, progress: Progress, now: float) -> str:
    """`ok · running: build · 12 s · usually 40 s · about 28 s left`."""
    parts = [name, status]
    if progress.started_at is not None:
        elapsed, rest = progress.elapsed(now), progress.rest(now)
        parts.append(seconds(elapsed))
        # What is usual is the server's own time, which ends before the health check.
        over = progress.stage is Stage.HEALTH_CHECK
        if progress.usual_seconds is not None and rest is not None and not over:
            parts.append(f"usually {seconds(progress.usual_seconds)}")
            parts.append(f"about {seconds(rest)} left" if rest >= 0 else f"{seconds(-rest)} longer than usual")
    return " · ".join(part for part in parts if part)


class LiveReporter:
    """A run's reporter for people (and, with `event`, for scripts).

    Args:
        console: where it is written; standard error, so that results can be piped.
        name: the service's name.
        event: takes each event in place of the display.
        show_log: whether log lines are shown.
    """

    def __init__(
        self,
        console: Console,
        clock: Clock,
        *,
        name: str = "",
        event: Event | None = None,
        show_log: bool = True,
    ) -> None:
        self.name = name
        self.progress = Progress()
        self.last_status = ""
        self.warnings: list[str] = []
        self._console = console
        self._clock = clock
        self._event = event
        self._show_log = show_log
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

    def status(self, text: str) -> None:
        """The state of things now."""
        now = self._clock.monotonic()
        self.last_status = text
        stage = stage_in(text)
        if stage is not None:
            self.progress.enter(stage, now)
        # "(usually 40 s)" is said in the line's own words.
        key = text.partition(" (usually")[0]
        if key == self._told:
            return
        self._told = key
        if self._event is not None:
            self._event(self.event_of("status", status=key))
        elif self._live is None:
            self._print(progress_text(self.name, key, self.progress, now), "dim")

    def line(self, text: str) -> None:
        """A line of the build log."""
        stage = stage_of(text)
        if stage is not None:
            self.progress.enter(stage, self._clock.monotonic())
        if not self._show_log:
            return
        if self._event is not None:
            self._event({"event": "log", "line": text})
        else:
            self._print(text, None)

    def warning(self, text: str) -> None:
        """Something to be read afterwards as well."""
        self.warnings.append(text)
        if self._event is not None:
            self._event({"event": "warning", "message": text})
        self._print(f"warning: {text}", "yellow")

    def event_of(self, kind: str, **more: Any) -> dict[str, Any]:
        """An event with the times in it."""
        now = self._clock.monotonic()
        rest = self.progress.rest(now) if self.progress.started_at is not None else None
        return {
            "event": kind,
            "stage": self.progress.stage.value,
            "elapsed_seconds": round(self.progress.elapsed(now), 1),
            "usual_seconds": _rounded(self.progress.usual_seconds),
            "rest_seconds": _rounded(rest),
            **more,
        }

    def _render(self) -> RenderableType:
        key = self.last_status.partition(" (usually")[0]
        now = self._clock.monotonic()
        frame = FRAMES[int(now * FRAMES_PER_SECOND) % len(FRAMES)]
        line = f"{frame} {progress_text(self.name, key, self.progress, now)}"
        return Text(line, style="cyan", no_wrap=True, overflow="ellipsis")

    def _print(self, text: str, style: str | None) -> None:
        self._console.print(text, style=style, markup=False, highlight=False, emoji=False, soft_wrap=True)


class LogPrinter:
    """A reporter that passes log lines and warnings on and keeps the rest to itself."""

    def __init__(self, line: Callable[[str], None], warning: Callable[[str], None]) -> None:
        self.progress = Progress()
        self.line = line
        self.warning = warning

    def status(self, text: str) -> None:
        """Statuses are `watch`'s business."""


def stage_in(status: str) -> Stage | None:
    """The stage that a run's status line names."""
    if status.startswith("waiting in the queue"):
        return Stage.QUEUED
    head, _, tail = status.partition(": ")
    if head == Stage.HEALTH_CHECK.value:
        return Stage.HEALTH_CHECK
    word = (tail or head).partition(" (usually")[0]
    return next((stage for stage in Stage if stage.value == word), None)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
