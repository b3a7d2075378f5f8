"""What Docker says of what runs, as Dokploy passes it on: tasks, services and containers, without environments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import AliasPath, Field, model_validator

from pulumi_dokploy_deployments.api.wire import Instant, OpenStrEnum, WireModel


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


class TaskInspection(WireModel):
    """`docker inspect <task id>` through `docker.getConfig` (transcript 303)."""

    task_id: str = Field(alias="ID")
    service_id: str = Field(alias="ServiceID")
    created_at: Instant = Field(alias="CreatedAt")
    image: str = Field(validation_alias=AliasPath("Spec", "ContainerSpec", "Image"), default="")
    state: str = Field(validation_alias=AliasPath("Status", "State"), default="")
    desired_state: str = Field(alias="DesiredState", default="")
    error: str = Field(validation_alias=AliasPath("Status", "Err"), default="")


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
    replicas: int | None = Field(validation_alias=AliasPath("Spec", "Mode", "Replicated", "Replicas"), default=None)
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
