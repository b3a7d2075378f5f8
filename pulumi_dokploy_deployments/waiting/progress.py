"""Progress as data: what a run is doing, how far it is, and how long that usually takes. Hosts make words of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """Where a deployment is. Recognised from the log's own lines; a log without such a line leaves it as it was."""

    QUEUED = "queued"
    STARTING = "starting"
    CLONE = "clone"
    PULL = "pull"
    BUILD = "build"
    PUSH = "push"
    UPDATE = "update"
    HEALTH_CHECK = "health check"
    DONE = "done"
    FAILED = "failed"


class Activity(StrEnum):
    """What a run is doing at the moment."""

    READING = "reading"
    """Looking something up before anything is sent."""
    DROPPING_WAITING = "dropping waiting"
    """Dropping the service's waiting deployments (`on_busy: supersede`)."""
    REQUESTING = "requesting"
    """Sending the request to deploy; `detail` is the method."""
    RESUMING = "resuming"
    """Going on with a deployment that an earlier run has started."""
    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    """The server works on it, in the stage that is told."""
    VERIFYING = "verifying"
    """Watching that what is new really runs; `detail` says how far that is."""
    ROLLING_BACK = "rolling back"
    """Bringing an earlier version back; `detail` names it."""
    RECOVERING = "recovering"
    """Looking after what ran before a failed deployment; `detail` says how."""
    RETRYING = "retrying"
    """The server can't be asked at the moment; `detail` says why."""
    DONE = "done"
    """It came to its end; `detail` says what was proven."""
    NOTE = "note"
    """Something worth a line that changes nothing; `detail` says it."""


@dataclass(frozen=True)
class Progress:
    """What a run is doing now.

    Attributes:
        activity: what it is doing.
        stage: the deployment's stage as last seen.
        jobs_ahead: how many jobs the server will run before it; None where it does not wait in the queue.
        usual_seconds: how long the service's deployments usually take; None without history.
        elapsed_seconds: since the job's start, by this machine's clock; None before it.
        detail: more, in words; never parsed.
        service: which service of a release it is; empty where there is one alone.
    """

    activity: Activity
    stage: Stage = Stage.QUEUED
    jobs_ahead: int | None = None
    usual_seconds: float | None = None
    elapsed_seconds: float | None = None
    detail: str = ""
    service: str = ""
