"""What Docker says of what runs, as Dokploy passes it on: tasks, services and containers, without environments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import AliasPath, BeforeValidator, Field, model_validator

from pulumi_dokploy_deployments.api.wire import Instant, OpenStrEnum, WireModel


def _told_time(value: object) -> object:
    """Docker writes the year 1 for a moment that has not come yet."""
    if isinstance(value, str) and value.startswith("0001-"):
        return None
    if isinstance(value, datetime) and value.year == 1:
        return None
    return value


_Words = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]
_Count = Annotated[int, BeforeValidator(lambda value: 0 if value is None else value)]
_Moment = Annotated[Instant | None, BeforeValidator(_told_time)]


class ServiceTask(WireModel):
    """One line of `docker service ps`, newest first, old tasks included (transcripts 302-329)."""

    task_id: str = Field(alias="containerId")
    name: str
    desired_state: str = Field(alias="state")
    current_state: str = ""
    node: str = ""
    error: str = ""

    @model_validator(mode="before")
    @classmethod
    def _clean_error(cls, data: Any) -> Any:
        # A task without an error sometimes has "Error:", a slip of the server's trimming (transcript 302).
        if not isinstance(data, Mapping):
            return data
        data = {key: value for key, value in data.items() if value is not None}
        if isinstance(data.get("error"), str):
            error = data["error"].removeprefix("Error:").strip()
            if len(error) > 1 and error[0] == error[-1] == '"':
                error = error[1:-1]
            return {**data, "error": error}
        return data

    @property
    def phase(self) -> str:
        """The first word of the current state in lower case: running, starting, failed, rejected, …"""
        return self.current_state.partition(" ")[0].lower()

    @property
    def slot(self) -> str:
        """`app.1` for the first replica; tasks of one slot follow each other."""
        return self.name


class RestartPolicy(WireModel):
    """When Docker starts an ended process again: a Swarm service's policy, or a container's (transcripts 501-523)."""

    condition: _Words = Field(alias="Condition", default="")
    """A Swarm service has `none`, `on-failure`, `any`; a container `no`, `on-failure`, `always`, `unless-stopped`."""
    max_attempts: _Count = Field(alias="MaxAttempts", default=0)
    """How many times at the most; 0 without a limit."""

    def starts_again(self, *, failed: bool, endings: int) -> bool:
        """Whether a process that has ended so many times, the last time so, is started once more."""
        if self.condition in ("none", "no"):
            return False
        if self.condition == "on-failure" and not failed:
            return False
        return not self.max_attempts or endings <= self.max_attempts


class TaskInspection(WireModel):
    """`docker inspect <task id>` through `docker.getConfig` (transcript 303), without its environment."""

    task_id: str = Field(alias="ID")
    service_id: str = Field(alias="ServiceID")
    created_at: Instant = Field(alias="CreatedAt")
    image: _Words = Field(validation_alias=AliasPath("Spec", "ContainerSpec", "Image"), default="")
    state: _Words = Field(validation_alias=AliasPath("Status", "State"), default="")
    state_since: _Moment = Field(validation_alias=AliasPath("Status", "Timestamp"), default=None)
    """When the task came into its state: its start while it runs, its end afterwards."""
    desired_state: _Words = Field(alias="DesiredState", default="")
    error: _Words = Field(validation_alias=AliasPath("Status", "Err"), default="")
    container_id: _Words = Field(validation_alias=AliasPath("Status", "ContainerStatus", "ContainerID"), default="")
    exit_code: int | None = Field(validation_alias=AliasPath("Status", "ContainerStatus", "ExitCode"), default=None)


class UpdateState(OpenStrEnum):
    """Swarm's own word on a service update (`UpdateStatus.State`)."""

    UPDATING = "updating"
    COMPLETED = "completed"
    PAUSED = "paused"
    ROLLBACK_STARTED = "rollback_started"
    ROLLBACK_COMPLETED = "rollback_completed"
    ROLLBACK_PAUSED = "rollback_paused"

    @property
    def is_rollback(self) -> bool:
        """Whether Swarm went back, or is going back, to the earlier version by itself."""
        return self in (
            UpdateState.ROLLBACK_STARTED,
            UpdateState.ROLLBACK_COMPLETED,
            UpdateState.ROLLBACK_PAUSED,
        )


class UpdateStatus(WireModel):
    """The service's last update; absent after its first creation."""

    state: UpdateState = Field(alias="State")
    started_at: Instant | None = Field(alias="StartedAt", default=None)
    completed_at: Instant | None = Field(alias="CompletedAt", default=None)
    message: str = Field(alias="Message", default="")


class ServiceInspection(WireModel):
    """`docker inspect <service id>` through `docker.getConfig`, without environment, mounts and labels."""

    service_id: str = Field(alias="ID")
    version: int = Field(validation_alias=AliasPath("Version", "Index"), default=0)
    image: str = Field(validation_alias=AliasPath("Spec", "TaskTemplate", "ContainerSpec", "Image"), default="")
    previous_image: str | None = Field(
        validation_alias=AliasPath("PreviousSpec", "TaskTemplate", "ContainerSpec", "Image"), default=None
    )
    name: _Words = Field(validation_alias=AliasPath("Spec", "Name"), default="")
    replicas: int | None = Field(validation_alias=AliasPath("Spec", "Mode", "Replicated", "Replicas"), default=None)
    restart: RestartPolicy | None = Field(
        validation_alias=AliasPath("Spec", "TaskTemplate", "RestartPolicy"), default=None
    )
    is_job: bool = False
    update: UpdateStatus | None = Field(alias="UpdateStatus", default=None)

    @model_validator(mode="before")
    @classmethod
    def _recognise_job(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and isinstance(data.get("Spec"), Mapping):
            mode = data["Spec"].get("Mode")
            is_job = isinstance(mode, Mapping) and any(name.endswith("Job") for name in mode)
            update = data.get("UpdateStatus")
            # Docker writes an empty object where no update has taken place yet.
            return {**data, "is_job": is_job, "UpdateStatus": update if update else None}
        return data


class Container(WireModel):
    """One container of a compose (`docker.getContainersByAppNameMatch`)."""

    container_id: str
    name: str
    state: str = ""
    status: str = ""


class ContainerInspection(WireModel):
    """`docker inspect <container>` through `docker.getConfig` (transcripts 500-534), without environment and mounts.

    Of the labels only those stay by which Compose knows its containers again.
    """

    container_id: str = Field(alias="Id")
    created_at: Instant = Field(alias="Created")
    image: _Words = Field(validation_alias=AliasPath("Config", "Image"), default="")
    image_id: _Words = Field(alias="Image", default="")
    restart_count: _Count = Field(alias="RestartCount", default=0)
    state: _Words = Field(validation_alias=AliasPath("State", "Status"), default="")
    started_at: _Moment = Field(validation_alias=AliasPath("State", "StartedAt"), default=None)
    finished_at: _Moment = Field(validation_alias=AliasPath("State", "FinishedAt"), default=None)
    exit_code: int | None = Field(validation_alias=AliasPath("State", "ExitCode"), default=None)
    is_out_of_memory: bool = Field(validation_alias=AliasPath("State", "OOMKilled"), default=False)
    error: _Words = Field(validation_alias=AliasPath("State", "Error"), default="")
    health: _Words = Field(validation_alias=AliasPath("State", "Health", "Status"), default="")
    compose_service: _Words = Field(
        validation_alias=AliasPath("Config", "Labels", "com.docker.compose.service"), default=""
    )
    one_off: _Words = Field(validation_alias=AliasPath("Config", "Labels", "com.docker.compose.oneoff"), default="")
    config_hash: _Words = Field(
        validation_alias=AliasPath("Config", "Labels", "com.docker.compose.config-hash"), default=""
    )
    restart_condition: _Words = Field(validation_alias=AliasPath("HostConfig", "RestartPolicy", "Name"), default="")
    restart_max_attempts: _Count = Field(
        validation_alias=AliasPath("HostConfig", "RestartPolicy", "MaximumRetryCount"), default=0
    )

    @property
    def is_one_off(self) -> bool:
        """Whether `docker compose run` made it: nothing that a deployment answers for (transcript 533)."""
        return self.one_off.lower() == "true"

    @property
    def restart(self) -> RestartPolicy:
        """When Docker starts it again; a container without a policy is never started again."""
        return RestartPolicy(condition=self.restart_condition or "no", max_attempts=self.restart_max_attempts)
