"""The line that both Pulumi hosts show on a resource's row while it is worked on."""

from __future__ import annotations

from pulumi_dokploy_deployments.waiting.progress import Activity, Progress
from pulumi_dokploy_deployments.waiting.progress_words import phrase

_TIMED = frozenset({Activity.STARTING, Activity.RUNNING})


def status_line(progress: Progress) -> str:
    """`running: build (12 s; usually 40 s)`.

    The time is told in steps: each change of the line is a message to the engine.
    """
    if progress.activity not in _TIMED:
        return phrase(progress)
    times = [_steps(progress.elapsed_seconds)] if progress.elapsed_seconds is not None else []
    times += [f"usually {_steps(progress.usual_seconds)}"] if progress.usual_seconds is not None else []
    return f"{phrase(progress)} ({'; '.join(times)})" if times else phrase(progress)


def _steps(seconds: float) -> str:
    """Whole seconds in the first minute, then steps of ten."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    whole -= whole % 10
    minutes, rest = divmod(whole, 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"
