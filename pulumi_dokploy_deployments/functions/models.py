"""What the reads give: frozen results, each field described once. What the server does not give is None."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class Result(BaseModel):
    """Base of everything that a read gives."""

    model_config = ConfigDict(frozen=True)


class DeploymentInfo(Result):
    """One deployment in the server's history."""

    deployment_id: str = Field(description="The server's id of the deployment.")
    status: str = Field(
        description="running, done, error or cancelled; a newer server's other words are passed on. `done` means that "
        "Swarm took the update, not that the new version is healthy."
    )
    title: str = Field(description="The title; for git sources the commit's message once the deployment is over.")
    description: str | None = Field(None, description="The description, without the mark of a Pulumi run.")
    commit_hash: str | None = Field(None, description="The built commit; only for git sources, once it is over.")
    commit_message: str | None = Field(None, description="The built commit's message; known with commit_hash.")
    service_type: str | None = Field(None, description="application or compose; None for other rows, of servers say.")
    service_id: str | None = Field(None, description="The id of the application or compose.")
    service_name: str | None = Field(None, description="The service's name; only the centralized read gives it.")
    server_id: str | None = Field(
        None,
        description="The row's or its service's remote server; only the reads by server and of all tell.",
    )
    created_at: datetime = Field(description="When the server made the row, which is when the job started.")
    started_at: datetime | None = Field(None, description="When the job started.")
    finished_at: datetime | None = Field(None, description="When the job ended; None for cancelled deployments.")
    duration_seconds: float | None = Field(None, description="From started_at to finished_at.")
    error_message: str | None = Field(
        None, description="Only set where the deployment could not be prepared; why a build failed is in its log."
    )
    log_path: str | None = Field(None, description="The log's path on the server; None or empty where there is none.")
    rollback_id: str | None = Field(None, description="The id of the stored version, as the server's row has it.")
    version: int | None = Field(None, description="The stored version's number; only the read by type gives it.")
    image: str | None = Field(None, description="The stored version's image; only the read by type gives it.")


class DeploymentList(Result):
    """Deployments, newest first."""

    deployments: tuple[DeploymentInfo, ...] = Field(description="The deployments, newest first.")


class QueueJobInfo(Result):
    """One job of the server's queue. It has no deployment id: the row does not exist before the job starts."""

    id: str = Field(description="The job's id, job-7 for instance; the numbers begin again when the server starts.")
    name: str | None = Field(None, description="The job's name as the server has it.")
    state: str = Field(
        description="waiting or active; completed and failed only from servers that report them (v0.30.2 does not: "
        "finished jobs vanish)."
    )
    queued_at: datetime | None = Field(None, description="When the job was queued.")
    started_at: datetime | None = Field(None, description="When the job started; None while it waits.")
    finished_at: datetime | None = Field(None, description="When the job ended, from servers that report it.")
    service_path: str | None = Field(None, description="The path of the service's page in the dashboard.")
    service_label: str | None = Field(None, description="What the dashboard calls that page's link.")
    failure_reason: str | None = Field(None, description="Why the job failed, from servers that report it.")
    service_type: str | None = Field(None, description="application or compose.")
    service_id: str | None = Field(None, description="The id of the application or compose.")
    method: str | None = Field(None, description="deploy or redeploy.")
    title: str | None = Field(None, description="The title that the deployment will have.")
    description: str | None = Field(None, description="The description, without the mark of a Pulumi run.")
    jobs_ahead: int | None = Field(
        None, description="How many jobs stand before a waiting one in the instance's queue; None for the others."
    )


class DeploymentQueue(Result):
    """The queue of the whole instance, in the order in which the server will run it."""

    jobs: tuple[QueueJobInfo, ...] = Field(description="The jobs, the one that runs next first.")


class DeploymentLogs(Result):
    """The end of a deployment's build log."""

    deployment_id: str = Field(description="The deployment.")
    lines: tuple[str, ...] = Field(
        description="The lines, without terminal colours; progress that overwrites itself as its last state. Empty "
        "where the server has no log (any more)."
    )
    stage: str | None = Field(
        None,
        description="The latest stage that these lines show: starting, clone, pull, build, push, update or failed. "
        "None where no line of them tells.",
    )
    is_complete: bool = Field(
        description="Whether this is the log from its first line on, and not only its end. It may still grow."
    )


class RollbackCandidate(Result):
    """One finished deployment of a service, as a place to go back to."""

    version: int | None = Field(None, description="The stored version's number; None where none was stored.")
    rollback_id: str | None = Field(None, description="The id for the server's rollback call.")
    deployment_id: str = Field(description="The deployment.")
    image: str | None = Field(None, description="The stored image, <appName>:v<version>, without registry and prefix.")
    commit_hash: str | None = Field(None, description="The built commit; only for git sources.")
    commit_message: str | None = Field(None, description="The built commit's message; only for git sources.")
    title: str = Field(description="The deployment's title.")
    created_at: datetime = Field(description="When it was deployed.")
    works: bool = Field(description="Whether the server's rollback call can bring it back.")
    why_not: str | None = Field(None, description="Why it can't; None where it can.")


class RollbackCandidates(Result):
    """The finished deployments of a service, newest first."""

    candidates: tuple[RollbackCandidate, ...] = Field(description="The candidates, newest first.")
