"""Progress in words, without its times: what a run is doing. Both hosts and the command line add the times."""

from __future__ import annotations

from pulumi_dokploy_deployments.waiting.progress import Activity, Progress

_ALONE = {
    Activity.READING: "reading the service",
    Activity.DROPPING_WAITING: "dropping the waiting deployments of this service",
    Activity.REQUESTING: "asking the server to deploy",
    Activity.RESUMING: "going on with the deployment that was started earlier",
    Activity.QUEUED: "waiting in the queue",
    Activity.STARTING: "starting",
    Activity.VERIFYING: "health check",
    Activity.ROLLING_BACK: "rolling back",
    Activity.RECOVERING: "the deployment failed; checking what ran before",
    Activity.RETRYING: "the server does not answer; retrying",
    Activity.DONE: "done",
    Activity.NOTE: "",
}
_WITH_DETAIL = {
    Activity.REQUESTING: "asking the server to {}",
    Activity.VERIFYING: "health check: {}",
    Activity.ROLLING_BACK: "rolling back to {}",
    Activity.RECOVERING: "the deployment failed; {}",
    Activity.RETRYING: "{}; retrying",
}


def phrase(progress: Progress) -> str:
    """What the run is doing: `running: build`, `waiting in the queue (2 ahead)`."""
    activity, detail = progress.activity, progress.detail
    if activity is Activity.QUEUED:
        if progress.jobs_ahead is None:
            return _ALONE[activity]
        return f"{_ALONE[activity]} ({f'{progress.jobs_ahead} ahead' if progress.jobs_ahead else 'next'})"
    if activity is Activity.RUNNING:
        return f"{detail or 'running'}: {progress.stage.value}"
    if not detail:
        return _ALONE[activity]
    return _WITH_DETAIL.get(activity, "{}").format(detail)


def seconds_text(value: float) -> str:
    """`0.4 s`, `42 s`, `3 min 5 s`, `1 h 2 min`."""
    if value < 9.95:
        return f"{max(0.0, value):.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
