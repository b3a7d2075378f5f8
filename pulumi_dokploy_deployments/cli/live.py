"""Progress on a terminal: one line that is written over, log lines above it. Plain lines where nobody looks."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from pulumi_dokploy_deployments.api.text import Text as Message
from pulumi_dokploy_deployments.api.text import spell
from pulumi_dokploy_deployments.cli.stage_times import StageTimes
from pulumi_dokploy_deployments.cli.tables import seconds
from pulumi_dokploy_deployments.rollout.stages import stage_of
from pulumi_dokploy_deployments.waiting.clock import Clock
from pulumi_dokploy_deployments.waiting.progress import Activity, Progress, Stage
from pulumi_dokploy_deployments.waiting.reporter import Reporter

FRAMES_PER_SECOND = 8
FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
Event = Callable[[dict[str, Any]], None]


class WatchReporter(Reporter, Protocol):
    """A reporter that also keeps the stages with their times."""

    @property
    def stages(self) -> StageTimes:
        """The stages so far."""


def progress_text(name: str, status: str, times: StageTimes, now: float) -> str:
    """`ok · running: build · 12 s · usually 40 s · about 28 s left`."""
    parts = [name, status]
    if times.started_at is not None:
        elapsed, rest = times.elapsed(now), times.rest(now)
        parts.append(seconds(elapsed))
        # What is usual is the server's own time, which ends before the health check.
        over = times.stage is Stage.HEALTH_CHECK
        if times.usual_seconds is not None and rest is not None and not over:
            parts.append(f"usually {seconds(times.usual_seconds)}")
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
        self.stages = StageTimes()
        self.last: Progress | None = None
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

    def progress(self, progress: Progress) -> None:
        """The state of things now."""
        now = self._clock.monotonic()
        self.last = progress
        stage = _STAGES.get(progress.activity, progress.stage)
        if progress.activity in _STAGES or progress.activity is Activity.RUNNING:
            self.stages.enter(stage, now)
        if progress.usual_seconds is not None:
            self.stages.usual_seconds = progress.usual_seconds
        key = status_text(progress)
        if key == self._told:
            return
        self._told = key
        if self._event is not None:
            self._event(self.event_of("status", status=key))
        elif self._live is None:
            self._print(progress_text(self.name, key, self.stages, now), "dim")

    def line(self, text: str) -> None:
        """A line of the build log."""
        stage = stage_of(text)
        if stage is not None:
            self.stages.enter(stage, self._clock.monotonic())
        if not self._show_log:
            return
        if self._event is not None:
            self._event({"event": "log", "line": text})
        else:
            self._print(text, None)

    def warning(self, text: Message) -> None:
        """Something to be read afterwards as well."""
        warning = spell(text)
        self.warnings.append(warning)
        if self._event is not None:
            self._event({"event": "warning", "message": warning})
        self._print(f"warning: {warning}", "yellow")

    def event_of(self, kind: str, **more: Any) -> dict[str, Any]:
        """An event with the times in it."""
        now = self._clock.monotonic()
        rest = self.stages.rest(now) if self.stages.started_at is not None else None
        return {
            "event": kind,
            "stage": self.stages.stage.value,
            "elapsed_seconds": round(self.stages.elapsed(now), 1),
            "usual_seconds": _rounded(self.stages.usual_seconds),
            "rest_seconds": _rounded(rest),
            **more,
        }

    def _render(self) -> RenderableType:
        key = status_text(self.last) if self.last is not None else ""
        now = self._clock.monotonic()
        frame = FRAMES[int(now * FRAMES_PER_SECOND) % len(FRAMES)]
        line = f"{frame} {progress_text(self.name, key, self.stages, now)}"
        return Text(line, style="cyan", no_wrap=True, overflow="ellipsis")

    def _print(self, text: str, style: str | None) -> None:
        self._console.print(text, style=style, markup=False, highlight=False, emoji=False, soft_wrap=True)


class LogPrinter:
    """A reporter that passes log lines and warnings on and keeps the rest to itself."""

    def __init__(self, line: Callable[[str], None], warning: Callable[[str], None]) -> None:
        self.line = line
        self._warning = warning

    def progress(self, progress: Progress) -> None:
        """How far it is, is `watch`'s business."""

    def warning(self, text: Message) -> None:
        """Something to be read afterwards as well."""
        self._warning(spell(text))


_STAGES = {
    Activity.QUEUED: Stage.QUEUED,
    Activity.STARTING: Stage.STARTING,
    Activity.VERIFYING: Stage.HEALTH_CHECK,
}


def status_text(progress: Progress) -> str:
    """What a run is doing, without the times: these have words of their own."""
    match progress.activity:
        case Activity.REQUESTING:
            return f"asking the server to {progress.detail}"
        case Activity.RUNNING:
            return f"{progress.detail}: {progress.stage.value}"
        case Activity.QUEUED:
            return f"waiting in the queue ({progress.jobs_ahead or 0} before it)"
        case Activity.STARTING:
            return "starting"
        case Activity.VERIFYING:
            return f"health check: {progress.detail}"
        case Activity.ROLLING_BACK:
            return f"rolling back to {progress.detail}"
        case Activity.RETRYING:
            return f"{progress.detail}; trying again"
        case _:
            return progress.detail or progress.activity.value


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
