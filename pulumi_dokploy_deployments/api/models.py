"""What the server says, parsed once at the edge: rows, jobs, services, tasks, rollbacks.

Measured against Dokploy v0.30.2. Unknown statuses and unknown scalar fields of newer servers are kept;
nested objects are reduced to the few fields that this package uses, so that neither `rollback.fullContext`
(which carries a registry password in clear, transcript 164) nor environment values (transcript 301) get any
further than this file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import AliasPath, ConfigDict, Field, model_validator

from pulumi_dokploy_deployments.api.wire import EpochMilliseconds, Instant, OpenStrEnum, WireModel


class ServiceKind(StrEnum):
    """The types of service that can be deployed: applications, composes and six types of database."""

    APPLICATION = "application"
    COMPOSE = "compose"
    POSTGRES = "postgres"
    MYSQL = "mysql"
    MARIADB = "mariadb"
    MONGO = "mongo"
    REDIS = "redis"
    LIBSQL = "libsql"

    @property
    def id_field(self) -> str:
        """The name of this kind's id on the wire, `applicationId` for instance."""
        return f"{self.value}Id"

    @property
    def is_database(self) -> bool:
        """Whether the kind is a database: these deploy synchronously and leave no rows."""
        return self not in (ServiceKind.APPLICATION, ServiceKind.COMPOSE)


class DeploymentStatus(OpenStrEnum):
    """The status of a deployment row. `done` means that Swarm took the update, not that it is healthy."""

    RUNNING = "running"
    DONE = "done"
    ERROR = "error"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether the row has come to its end. An unknown status counts as not final."""
        return self in (DeploymentStatus.DONE, DeploymentStatus.ERROR, DeploymentStatus.CANCELLED)


class ServiceStatus(OpenStrEnum):
    """The status of a service as Dokploy's own database has it; it knows nothing of what Swarm does later."""

    IDLE = "idle"
    RUNNING = "running"
    DONE = "done"
    ERROR = "error"


class JobState(OpenStrEnum):
    """The state of a queue job. A server of one's own reports waiting and active; the others are Dokploy Cloud's."""

    WAITING = "waiting"
    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    PENDING = "pending"
    """What Dokploy Cloud calls a job that waits."""
    CANCELLED = "cancelled"

    @property
    def is_waiting(self) -> bool:
        """Whether it has not started."""
        return self in (JobState.WAITING, JobState.PENDING)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to run; Dokploy Cloud keeps such jobs listed."""
        return self in (JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED)


class DeployMethod(StrEnum):
    """`deploy` fetches the source and builds anew; `redeploy` rebuilds what is there."""

    DEPLOY = "deploy"
    REDEPLOY = "redeploy"


class SourceType(OpenStrEnum):
    """Where a service's source comes from."""

    DOCKER = "docker"
    GIT = "git"
    GITHUB = "github"
    GITLAB = "gitlab"
    BITBUCKET = "bitbucket"
    GITEA = "gitea"
    DROP = "drop"
    RAW = "raw"

    @property
    def is_git(self) -> bool:
        """Whether a commit is fetched, so that the server overwrites the row's title with its message."""
        return self in (
            SourceType.GIT,
            SourceType.GITHUB,
            SourceType.GITLAB,
            SourceType.BITBUCKET,
            SourceType.GITEA,
        )


class RollbackRef(WireModel):
    """A stored version of an application, without the context that the server sends along."""

    rollback_id: str
    deployment_id: str
    version: int
    image: str | None = None
    created_at: Instant | None = None


class DeploymentRecord(WireModel):
    """One row of the deployment history (`deployment.all` and its sisters).

    Rows appear only when the job starts, at most about eleven are kept for a service (transcript 150), and for
    git sources title and description are overwritten after the end (timeline 242).
    """

    model_config = ConfigDict(extra="allow")

    deployment_id: str
    status: DeploymentStatus
    title: str = ""
    description: str | None = None
    log_path: str | None = None
    pid: str | None = None
    application_id: str | None = None
    compose_id: str | None = None
    server_id: str | None = None
    build_server_id: str | None = None
    """The server that built it, and where its log lies (transcripts 580, 581); None without a build server."""
    created_at: Instant
    started_at: Instant | None = None
    finished_at: Instant | None = None
    error_message: str | None = None
    rollback_id: str | None = None
    rollback: RollbackRef | None = None
    application_name: str | None = Field(default=None, validation_alias=AliasPath("application", "name"))
    compose_name: str | None = Field(default=None, validation_alias=AliasPath("compose", "name"))

    @model_validator(mode="before")
    @classmethod
    def _reduce_nested(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        row = {
            key: value
            for key, value in data.items()
            if not isinstance(value, Mapping | list) and not _SECRET_NAME.search(str(key))
        }
        if isinstance(row.get("pid"), int):
            row["pid"] = str(row["pid"])
        if isinstance(data.get("rollback"), Mapping):
            row["rollback"] = {key: value for key, value in data["rollback"].items() if key != "fullContext"}
        for owner in ("application", "compose"):
            if isinstance(data.get(owner), Mapping):
                row[owner] = {"name": data[owner].get("name")}
        return row

    @property
    def unknown_fields(self) -> dict[str, Any]:
        """Scalar fields that a newer server sends and this version does not know."""
        return {key: value for key, value in (self.model_extra or {}).items() if key not in _KNOWN_ROW_FIELDS}

    @property
    def duration_seconds(self) -> float | None:
        """From the job's start to its end, by the server's clock; None while it runs."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()

    @property
    def commit_hash(self) -> str | None:
        """The built commit, known once the server has overwritten the description with `Commit: <sha>`."""
        match = _COMMIT_DESCRIPTION.fullmatch(self.description or "")
        return match.group(1) if match else None

    @property
    def commit_message(self) -> str | None:
        """The built commit's message, known together with `commit_hash`."""
        return self.title if self.commit_hash is not None else None


_COMMIT_DESCRIPTION = re.compile(r"Commit: ([0-9a-f]{7,64})\s*")
# A newer server's scalar field may hold a credential; its name is all there is to go by.
_SECRET_NAME = re.compile(r"password|secret|token|credential|api_?key|private_?key|^env$", re.IGNORECASE)

_KNOWN_ROW_FIELDS = frozenset(
    {
        "isPreviewDeployment",
        "previewDeploymentId",
        "scheduleId",
        "backupId",
        "volumeBackupId",
        "application",
        "compose",
    }
)


class JobData(WireModel):
    """What a queue job is about. It has no deployment id: the row does not exist yet."""

    application_id: str | None = None
    compose_id: str | None = None
    title_log: str | None = None
    description_log: str | None = None
    type: str | None = None
    application_type: str | None = None
    server_id: str | None = None
    """The remote server whose line the job stands in. A queue in Redis has one line for all and never names it."""
    preview_deployment_id: str | None = None


class ServicePath(WireModel):
    """Where the dashboard shows the job's service."""

    href: str | None = None
    label: str | None = None


CLOUD_JOB = "deployment/requested"
"""The name of every job of Dokploy Cloud."""
PREVIEW = "application-preview"
"""The `applicationType` of a preview's job."""


class QueueJob(WireModel):
    """One job of the instance-wide queue (`deployment.queueList`).

    Finished jobs vanish from it; Dokploy Cloud keeps them listed, and gives a job another id when it starts.
    """

    id: str
    name: str | None = None
    data: JobData
    state: JobState
    queued_at: EpochMilliseconds | None = Field(default=None, alias="timestamp")
    started_at: EpochMilliseconds | None = Field(default=None, alias="processedOn")
    finished_at: EpochMilliseconds | None = Field(default=None, alias="finishedOn")
    failed_reason: str | None = None
    service_path: ServicePath | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_a_start(cls, data: Any) -> Any:
        # Dokploy Cloud fills in `processedOn` for a job that waits.
        if isinstance(data, Mapping) and data.get("state") in (JobState.WAITING, JobState.PENDING):
            return {key: value for key, value in data.items() if key not in ("processedOn", "started_at")}
        return data

    @property
    def is_of_cloud(self) -> bool:
        """Whether Dokploy Cloud lists it: there it stays listed when it is over."""
        return self.name == CLOUD_JOB

    @property
    def is_preview(self) -> bool:
        """Whether it deploys the preview of a pull request: the application itself is left alone."""
        return self.data.application_type == PREVIEW or self.data.preview_deployment_id is not None

    @property
    def number(self) -> int | None:
        """The number in `job-N`; counting restarts at 1 with the server."""
        digits = self.id.rpartition("-")[2]
        return int(digits) if digits.isdecimal() else None

    @property
    def service_id(self) -> str | None:
        """The id of the application or compose that the job deploys."""
        return self.data.application_id or self.data.compose_id


class Service(WireModel):
    """What `<kind>.one` says of a service, reduced to what deploying it needs."""

    kind: ServiceKind
    service_id: str
    name: str
    app_name: str
    status: ServiceStatus
    source_type: SourceType | None = None
    server_id: str | None = None
    build_server_id: str | None = None
    environment_id: str | None = None
    environment_name: str | None = None
    project_id: str | None = None
    project_name: str | None = None
    replicas: int | None = None
    mode_swarm: str | None = None
    docker_image: str | None = None
    git_ref: str | None = None
    rollback_active: bool = False
    registry_id: str | None = None
    rollback_registry_id: str | None = None
    compose_type: str | None = None

    @property
    def runs_containers(self) -> bool:
        """Whether Docker Compose runs it, and not Docker Swarm."""
        return self.kind is ServiceKind.COMPOSE and self.compose_type != "stack"

    @model_validator(mode="before")
    @classmethod
    def _flatten(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or "kind" not in data or "service_id" in data:
            return data
        kind = ServiceKind(data["kind"])
        raw_environment = data.get("environment")
        environment: Mapping[str, Any] = raw_environment if isinstance(raw_environment, Mapping) else {}
        raw_project = environment.get("project")
        project: Mapping[str, Any] = raw_project if isinstance(raw_project, Mapping) else {}
        mode = data.get("modeSwarm")
        return {
            **{key: value for key, value in data.items() if not isinstance(value, Mapping | list)},
            "serviceId": data.get(kind.id_field),
            "status": data.get("composeStatus") or data.get("applicationStatus") or ServiceStatus.IDLE,
            "environmentName": environment.get("name"),
            "projectId": project.get("projectId") or environment.get("projectId"),
            "projectName": project.get("name"),
            "modeSwarm": next(iter(mode), None) if isinstance(mode, Mapping) else None,
            "gitRef": _git_ref(data),
            "rollbackActive": bool(data.get("rollbackActive")),
        }


REF_FIELDS = {
    SourceType.GIT.value: "customGitBranch",
    SourceType.GITHUB.value: "branch",
    SourceType.GITLAB.value: "gitlabBranch",
    SourceType.BITBUCKET.value: "bitbucketBranch",
    SourceType.GITEA.value: "giteaBranch",
}
"""The field that holds the branch, by source type; each provider has one of its own."""


def _git_ref(data: Mapping[str, Any]) -> str | None:
    """The branch that the service's source type uses; each provider has a field of its own."""
    field = REF_FIELDS.get(str(data.get("sourceType")))
    value = data.get(field) if field else None
    return value if isinstance(value, str) else None


class Server(WireModel):
    """One remote server known to the instance (`server.all`)."""

    server_id: str
    name: str


class Registry(WireModel):
    """A registry, without its credentials (`registry.all`)."""

    registry_id: str
    registry_name: str | None = None
    registry_url: str | None = None
    image_prefix: str | None = None


class ListedService(WireModel):
    """A service as `project.all` lists it."""

    kind: ServiceKind
    service_id: str
    name: str | None = None
    """None where the server gives only the id, as it does of databases to an owner (transcript 550)."""
    status: ServiceStatus | None = None


class ProjectEnvironment(WireModel):
    """One environment of a project, with what is in it."""

    environment_id: str
    name: str
    services: tuple[ListedService, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or "services" in data:
            return data
        # v0.28 lists whole services, their environment variables included: only what is needed is kept.
        listed = [
            {
                "kind": kind,
                "service_id": item[kind.id_field],
                "name": item.get("name"),
                "status": item.get("composeStatus") or item.get("applicationStatus"),
            }
            for kind in ServiceKind
            for item in data.get(_LISTS.get(kind, kind.value)) or ()
            if isinstance(item, Mapping) and isinstance(item.get(kind.id_field), str)
        ]
        return {"environmentId": data.get("environmentId"), "name": data.get("name"), "services": listed}


_LISTS = {ServiceKind.APPLICATION: "applications"}
"""What `project.all` calls the list of a kind, where it is not the kind's own name."""


class Project(WireModel):
    """A project with its environments (`project.all`)."""

    project_id: str
    name: str
    environments: tuple[ProjectEnvironment, ...] = ()
