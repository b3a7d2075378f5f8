"""What the functions give: frozen results, each field described once. What the server does not give is None."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _iso(moment: object) -> object:
    if not isinstance(moment, datetime):
        return moment
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Moment = Annotated[str, BeforeValidator(_iso)]
"""A time as text, ISO 8601 in UTC with milliseconds, as the resources' outputs and the invokes give it."""


class Result(BaseModel):
    """Base of everything that a function gives: plain values under names, which `pulumi.export` takes as they are."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    if not TYPE_CHECKING:

        @property
        def __iter__(self) -> None:
            """Not there: `pulumi.export` makes a list of what can be iterated, and a map of what can't."""
            raise AttributeError("__iter__")


class DeploymentInfo(Result):
    """One deployment in the server's history."""

    deployment_id: str = Field(description="The deployment's id at the server.")
    status: str = Field(
        description="running, done, error or cancelled; other values of a newer server are passed on. `done` means "
        "that Swarm accepted the update, not that the new version is healthy."
    )
    title: str = Field(description="The title; for git sources the commit's message once the deployment is over.")
    description: str | None = Field(None, description="The description, without the mark of a Pulumi run.")
    commit_hash: str | None = Field(None, description="The built commit; only for git sources, once it is over.")
    commit_message: str | None = Field(None, description="The built commit's message; known with `commit_hash`.")
    service_type: str | None = Field(
        None, description="application or compose; None for other rows, those of remote servers for instance."
    )
    service_id: str | None = Field(None, description="The id of the application or compose.")
    service_name: str | None = Field(
        None, description="The service's name; only `get_all_deployments` and `get_server_deployments` give it."
    )
    server_id: str | None = Field(
        None,
        description="The remote server of the deployment or of its service; only `get_all_deployments` and "
        "`get_server_deployments` give it.",
    )
    created_at: Moment = Field(description="When the server created the row, which is when the job started.")
    started_at: Moment | None = Field(None, description="When the job started.")
    finished_at: Moment | None = Field(None, description="When the job ended; None for cancelled deployments.")
    duration_seconds: float | None = Field(None, description="From `started_at` to `finished_at`.")
    error_message: str | None = Field(
        None, description="Set only when the deployment could not be prepared; why a build failed is in its log."
    )
    log_path: str | None = Field(None, description="The log's path on the server; None or empty where there is none.")
    rollback_id: str | None = Field(None, description="The id of the stored version, as the server's row has it.")
    version: int | None = Field(
        None, description="The stored version's number; only `get_deployments_by_type` gives it."
    )
    image: str | None = Field(None, description="The stored version's image; only `get_deployments_by_type` gives it.")


class DeploymentList(Result):
    """Deployments, newest first."""

    deployments: tuple[DeploymentInfo, ...] = Field(description="The deployments, newest first.")


class ServiceInfo(Result):
    """One service, without its environment and anything else that may be secret."""

    name: str = Field(description="Its name as the dashboard shows it.")
    service_type: str = Field(description="application, compose, postgres, mysql, mariadb, mongo, redis or libsql.")
    service_id: str = Field(description="Its id, whatever its type.")
    application_id: str | None = Field(None, description="Its id, where it is an application.")
    compose_id: str | None = Field(None, description="Its id, where it is a compose.")
    postgres_id: str | None = Field(None, description="Its id, where it is a PostgreSQL database.")
    mysql_id: str | None = Field(None, description="Its id, where it is a MySQL database.")
    mariadb_id: str | None = Field(None, description="Its id, where it is a MariaDB database.")
    mongo_id: str | None = Field(None, description="Its id, where it is a MongoDB database.")
    redis_id: str | None = Field(None, description="Its id, where it is a Redis database.")
    libsql_id: str | None = Field(None, description="Its id, where it is a libSQL database.")
    app_name: str = Field(description="The name of its Swarm service or compose project on the host.")
    status: str = Field(
        description="idle, running, done or error, as Dokploy has it: what the last deployment came to, not what runs."
    )
    source: str | None = Field(
        None, description="docker, git, github, gitlab, bitbucket, gitea, drop or raw; None for databases."
    )
    image: str | None = Field(None, description="The image that it is set to, where it is deployed from one.")
    git_ref: str | None = Field(None, description="The branch or tag that it is set to, where it is built from git.")
    project: str | None = Field(None, description="The name of its project.")
    project_id: str | None = Field(None, description="The id of its project.")
    environment: str | None = Field(None, description="The name of its environment.")
    environment_id: str | None = Field(None, description="The id of its environment.")
    server_id: str | None = Field(None, description="The remote server that it runs on; None on Dokploy's own.")
    url: str = Field(description="Its page in the dashboard.")


class ServiceList(Result):
    """Services, in the order of the dashboard's projects."""

    services: tuple[ServiceInfo, ...] = Field(description="The services, project by project.")


class QueueJobInfo(Result):
    """One job of the server's queue. It has no deployment id, since the row does not exist before the job starts."""

    id: str = Field(description="The job's id, for instance job-7; the numbers start again when the server does.")
    name: str | None = Field(None, description="The job's name as the server has it.")
    state: str = Field(
        description="waiting or active. Dokploy Cloud says pending in place of waiting, and keeps finished jobs listed "
        "as completed, failed or cancelled; elsewhere they vanish."
    )
    queued_at: Moment | None = Field(None, description="When the job was queued.")
    started_at: Moment | None = Field(None, description="When the job started; None while it waits.")
    finished_at: Moment | None = Field(None, description="When the job ended, from servers that report it.")
    service_path: str | None = Field(None, description="The path of the service's page in the dashboard.")
    service_label: str | None = Field(None, description="What the dashboard calls that page's link.")
    failure_reason: str | None = Field(None, description="Why the job failed, from servers that report it.")
    service_type: str | None = Field(None, description="application or compose.")
    service_id: str | None = Field(None, description="The id of the application or compose.")
    is_preview: bool = Field(
        False,
        description="Whether it deploys the preview of a pull request; the application itself is left as it is.",
    )
    method: str | None = Field(None, description="deploy or redeploy.")
    title: str | None = Field(None, description="The title that the deployment will have.")
    description: str | None = Field(None, description="The description, without the mark of a Pulumi run.")
    jobs_ahead: int | None = Field(
        None,
        description="How many jobs the server will run before a waiting one: those ahead in the line of its server; "
        "None for the others.",
    )


class DeploymentQueue(Result):
    """The queue of the whole instance, in the order in which the server will run it."""

    jobs: tuple[QueueJobInfo, ...] = Field(description="The jobs, the one that runs next first.")


class DeploymentLogs(Result):
    """The end of a deployment's build log."""

    deployment_id: str = Field(description="The deployment.")
    lines: tuple[str, ...] = Field(
        description="The lines, without terminal colours; of progress that overwrites itself, the last state. Empty "
        "where the server has no log, or no longer."
    )
    stage: str | None = Field(
        None,
        description="The latest stage that these lines show: starting, clone, pull, build, push, update or failed. "
        "None where no line shows one.",
    )
    is_complete: bool = Field(
        description="Whether this is the log from its first line on, and not only its end. It may still grow."
    )


class RollbackCandidate(Result):
    """One finished deployment of a service, as a version to roll back to."""

    version: int | None = Field(None, description="The stored version's number; None where none was stored.")
    rollback_id: str | None = Field(None, description="The id that the server's rollback takes.")
    deployment_id: str = Field(description="The deployment.")
    image: str | None = Field(
        None, description="The stored image, `<appName>:v<version>`, without registry and prefix."
    )
    commit_hash: str | None = Field(None, description="The built commit; only for git sources.")
    commit_message: str | None = Field(None, description="The built commit's message; only for git sources.")
    title: str = Field(description="The deployment's title.")
    created_at: Moment = Field(description="When it was deployed.")
    works: bool = Field(description="Whether the server's rollback can bring it back.")
    why_not: str | None = Field(None, description="Why it can't be brought back; None where it can.")


class RollbackCandidates(Result):
    """The finished deployments of a service, newest first."""

    candidates: tuple[RollbackCandidate, ...] = Field(description="The candidates, newest first.")
