"""Progress in words, as both Pulumi hosts show it on the resource's row."""

from __future__ import annotations

from pulumi_dokploy_deployments.waiting.progress import Activity, Progress


def status_line(progress: Progress) -> str:
    """One line for what a run is doing now."""
    match progress.activity:
        case Activity.DROPPING_WAITING:
            return "dropping the waiting deployments of this service"
        case Activity.REQUESTING:
            return f"asking the server to {progress.detail}"
        case Activity.RESUMING:
            return "going on with the deployment that was started earlier"
        case Activity.QUEUED:
            return f"waiting in the queue ({progress.jobs_ahead or 0} before it)"
        case Activity.STARTING:
            return "starting"
        case Activity.RUNNING:
            usual = f" (usually {progress.usual_seconds:.0f} s)" if progress.usual_seconds is not None else ""
            return f"{progress.detail}: {progress.stage.value}{usual}"
        case Activity.VERIFYING:
            return f"health check: {progress.detail}"
        case Activity.ROLLING_BACK:
            return f"rolling back to {progress.detail}"
        case Activity.RETRYING:
            return f"{progress.detail}; trying again"
        case _:
            return progress.detail
