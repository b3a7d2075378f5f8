"""Statuses in words as progress, until every run reports progress as data. Goes away with `Reporter.status`."""

from __future__ import annotations

from pulumi_dokploy_deployments.waiting.progress import Activity, Progress, Stage


def progress_of(status: str) -> Progress:
    """The progress that a run's status line tells."""
    text = status.partition(" (usually")[0]
    head, _, tail = text.partition(": ")
    if text.startswith("waiting in the queue ("):
        ahead = text.partition("(")[2].partition(" ")[0]
        return Progress(Activity.QUEUED, jobs_ahead=int(ahead) if ahead.isdigit() else None)
    if text.startswith("asking the server to "):
        return Progress(Activity.REQUESTING, detail=text.removeprefix("asking the server to "))
    if text.startswith("deploying ("):
        return Progress(Activity.REQUESTING, detail=f"deploy {text.removeprefix('deploying ')}")
    if text.startswith("rolling back to "):
        return Progress(Activity.ROLLING_BACK, detail=text.removeprefix("rolling back to "))
    if text.endswith("; trying again"):
        return Progress(Activity.RETRYING, detail=text.removesuffix("; trying again"))
    if head == Stage.HEALTH_CHECK.value:
        return Progress(Activity.VERIFYING, Stage.HEALTH_CHECK, detail=tail)
    stage = next((stage for stage in Stage if stage.value == (tail or head)), None)
    if stage is not None:
        return Progress(Activity.RUNNING if tail else Activity.STARTING, stage, detail=head if tail else "")
    return Progress(Activity.NOTE, detail=text)
