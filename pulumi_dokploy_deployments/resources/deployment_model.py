"""The inputs and outputs of `Deployment`. Each field's description is written here once and used everywhere."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from pulumi_dokploy_deployments.api.models import DeployMethod
from pulumi_dokploy_deployments.resources.inputs import ResourceInputs
from pulumi_dokploy_deployments.rollout.request import DEFAULT_TIMEOUT_SECONDS, OnBusy, WaitFor

MAX_TIMEOUT_SECONDS = 7 * 24 * 3600.0
MAX_TEXT = 10_000
CONNECTION_PATTERN = re.compile(r"[a-z][a-z0-9-]*")


class OnFailure(StrEnum):
    """What to do when the deployment fails."""

    FAIL = "fail"
    ROLLBACK = "rollback"


class OnDelete(StrEnum):
    """What removing the resource from the program does to its deployment."""

    CANCEL = "cancel"
    RETAIN = "retain"
    REMOVE = "remove"


def not_a_bool(value: Any) -> Any:
    """A number's validator: Python takes True for 1, a user does not."""
    if isinstance(value, bool):
        raise ValueError("should be a number")
    return value


Seconds = Annotated[float, BeforeValidator(not_a_bool), Field(gt=0, le=MAX_TIMEOUT_SECONDS, allow_inf_nan=False)]


class ServiceInputs(ResourceInputs):
    """The service that a resource is about: exactly one id."""

    application_id: str | None = Field(
        None, description="The application to deploy. Another one replaces the resource."
    )
    compose_id: str | None = Field(None, description="The compose to deploy. Another one replaces the resource.")
    postgres_id: str | None = Field(None, description="The PostgreSQL database to deploy.")
    mysql_id: str | None = Field(None, description="The MySQL database to deploy.")
    mariadb_id: str | None = Field(None, description="The MariaDB database to deploy.")
    mongo_id: str | None = Field(None, description="The MongoDB database to deploy.")
    redis_id: str | None = Field(None, description="The Redis database to deploy.")


class DeploymentInputs(ServiceInputs):
    """What a user declares of a deployment."""

    FREE_FORM: ClassVar[frozenset[str]] = frozenset({"triggers"})

    triggers: dict[str, Any] | list[Any] | None = Field(
        None,
        description="A map or a list of anything: an image digest, a git commit, the hash of a configuration. Any "
        "change in it deploys again.",
    )
    method: DeployMethod = Field(
        DeployMethod.DEPLOY,
        description="`deploy` fetches the source and builds anew; `redeploy` rebuilds what is there. A change deploys "
        "again. Databases only know `deploy`.",
    )
    title: str | None = Field(
        None,
        max_length=MAX_TEXT,
        description="The title that Dokploy's page shows while the deployment runs; for git sources the server puts "
        "the commit's message in its place at the end. The default names project and stack. Changing it alone does "
        "not deploy.",
    )
    description: str | None = Field(
        None,
        max_length=MAX_TEXT,
        description="The description beside the title; a short mark of this run is added to it, by which the "
        "deployment is recognised. Changing it alone does not deploy.",
    )
    wait_for: WaitFor = Field(
        WaitFor.HEALTHY,
        description="`healthy`: the status is done, and then the service's tasks really run the new version and stay "
        "up for a short window; where the server can't tell, a warning is given and done counts. `done`: the status "
        "alone. `none`: the server has started it and it is identified.",
    )
    timeout_seconds: Seconds = Field(
        DEFAULT_TIMEOUT_SECONDS,
        description="How long to wait for the end, in seconds. The server keeps working when it has passed.",
    )
    on_failure: OnFailure = Field(
        OnFailure.FAIL,
        description="`fail`: the update fails. `rollback`: what ran before is brought back and verified, and then the "
        "update fails all the same, naming both.",
    )
    on_busy: OnBusy = Field(
        OnBusy.QUEUE,
        description="When another deployment of the service waits or runs: `queue` behind it, `fail`, or `supersede`, "
        "which drops the service's waiting deployments first.",
    )
    on_delete: OnDelete = Field(
        OnDelete.CANCEL,
        description="`cancel`: stop the deployment only if it still waits or runs, and never by a call that could hit "
        "other services' builds. `retain`: nothing. `remove`: also delete it from the history.",
    )
    expect_commit: str | None = Field(
        None,
        pattern=r"^[0-9a-fA-F]{7,64}$",
        description="Fail when the built commit is another one. Seven digits or more are enough.",
    )
    stream_logs: bool = Field(
        True,
        description="Whether the build log runs along in `pulumi up`. When it does not, a failure shows its end.",
    )
    connection: str | None = Field(
        None,
        description="The name of another server: configuration namespace `dokploy-<name>`, environment "
        "`DOKPLOY_<NAME>_ENDPOINT` and `DOKPLOY_<NAME>_API_KEY`.",
    )

    @field_validator("title", "description")
    @classmethod
    def _no_nul(cls, value: str | None) -> str | None:
        # The server accepts a NUL, makes no row, and leaves the service "running" for ever (transcript 204).
        if value is not None and "\x00" in value:
            raise ValueError("contains a NUL character, which Dokploy can't store")
        return value

    @field_validator("connection")
    @classmethod
    def _plain_name(cls, value: str | None) -> str | None:
        if value is not None and not CONNECTION_PATTERN.fullmatch(value):
            raise ValueError("is a name of lower-case letters, digits and dashes, `staging` for instance")
        return value


class DeploymentOutputs(BaseModel):
    """What the server made of a deployment. What it does not give is None."""

    model_config = ConfigDict(frozen=True)

    deployment_id: str | None = Field(None, description="The server's id of the deployment; databases have none.")
    status: str = Field("", description="The status at the server: running, done, error, cancelled.")
    stage: str = Field("", description="How far the run came: queued, clone, build, push, update, health check, done.")
    title: str | None = Field(None, description="The title as the server has it; for git sources the commit's message.")
    description: str | None = Field(None, description="The description as the server has it, without this run's mark.")
    commit_hash: str | None = Field(None, description="The built commit; only for git sources.")
    commit_message: str | None = Field(None, description="The built commit's message; only for git sources.")
    created_at: str | None = Field(None, description="When the server's row was made (ISO 8601, UTC).")
    started_at: str | None = Field(None, description="When the job started (ISO 8601, UTC).")
    finished_at: str | None = Field(None, description="When the job ended (ISO 8601, UTC).")
    queued_seconds: float | None = Field(None, description="How long the job waited in the queue.")
    duration_seconds: float | None = Field(None, description="From the job's start to its end, by the server's clock.")
    rollback_id: str | None = Field(None, description="The id by which this version can be brought back.")
    version: int | None = Field(None, description="The number of this version among the service's rollback images.")
    app_name: str | None = Field(None, description="The name of the service in Docker Swarm.")
    url: str | None = Field(None, description="The service's page in the dashboard.")
    health: str = Field("not checked", description="healthy, unknown (the server can't tell) or not checked.")
    superseded_by: str | None = Field(None, description="The id of a newer deployment that someone else made.")
    pruned: bool = Field(
        False, description="Whether the server dropped the row from its history of about ten; not a deletion."
    )
