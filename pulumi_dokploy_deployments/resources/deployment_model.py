"""The inputs and outputs of `Deployment`. Each field's description is written here once and used everywhere."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from pulumi_dokploy_deployments.api.models import DeployMethod
from pulumi_dokploy_deployments.api.resolving import CONNECTION_NAME
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.resources.inputs import ResourceInputs, ServiceResourceInputs
from pulumi_dokploy_deployments.rollout.request import DEFAULT_TIMEOUT_SECONDS, IfUnproven, OnBusy, WaitFor
from pulumi_dokploy_deployments.workload.judge import STABLE_SECONDS

NAMED = ("image", "git_ref", "env")
"""The inputs that set something on the service."""
MAX_TIMEOUT_SECONDS = 7 * 24 * 3600.0
MAX_STABLE_SECONDS = 3600.0
MAX_TEXT = 10_000


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


def _plain_name(value: str) -> str:
    if not CONNECTION_NAME.fullmatch(value):
        raise ValueError("is a name of lower-case letters, digits and dashes, `staging` for instance")
    return value


Seconds = Annotated[float, BeforeValidator(not_a_bool), Field(gt=0, le=MAX_TIMEOUT_SECONDS, allow_inf_nan=False)]


class ServiceInputs(ServiceResourceInputs):
    """The service that a resource is about: exactly one id."""

    application_id: str | None = Field(
        None,
        description="The application to deploy: its id, the address of its page in the dashboard, its name, or "
        "`<project>/<name>`. Another one replaces the resource.",
    )
    compose_id: str | None = Field(
        None, description="The compose to deploy, named likewise. Another one replaces the resource."
    )
    postgres_id: str | None = Field(None, description="The PostgreSQL database to deploy.")
    mysql_id: str | None = Field(None, description="The MySQL database to deploy.")
    mariadb_id: str | None = Field(None, description="The MariaDB database to deploy.")
    mongo_id: str | None = Field(None, description="The MongoDB database to deploy.")
    redis_id: str | None = Field(None, description="The Redis database to deploy.")
    libsql_id: str | None = Field(None, description="The libSQL database to deploy; Dokploy has them from v0.29.0 on.")


ConnectionName = Annotated[str, AfterValidator(_plain_name)]


class ServerInputs(ResourceInputs):
    """The server that a resource is on."""

    connection: ConnectionName | None = Field(
        None,
        description="The name of another server: configuration namespace `dokploy-<name>`, environment "
        "`DOKPLOY_<NAME>_ENDPOINT` and `DOKPLOY_<NAME>_API_KEY`.",
    )


class DeploymentSettings(ResourceInputs):
    """What a user declares of a deployment, beside its service and its server."""

    FREE_FORM: ClassVar[frozenset[str]] = frozenset({"triggers"})

    image: str | None = Field(
        None,
        description="The docker image that is to run, `registry/name:tag` or `name@sha256:…`: for applications that "
        "are deployed from an image, and for databases. It is set on the service, deployed, and proven to be what "
        "runs. A changed image deploys, without triggers.",
    )
    git_ref: str | None = Field(
        None,
        description="The branch or tag to build: for applications and composes from git. It is set on the service and "
        "built; `commit_hash` says which commit that was. A changed one deploys.",
    )
    env: dict[str, str] | None = Field(
        None,
        description='Variables to set on the service before it is deployed, `{TAG: "1.5.0"}`. Only the named ones '
        "are touched; all other lines of the service's environment stay to the letter and are never stored or shown. "
        "Secret values stay secret. A changed value deploys; a variable that is no longer named stays as it is.",
    )
    triggers: dict[str, Any] | list[Any] | None = Field(
        None,
        description="A map or a list of anything: an image digest, a git commit, the hash of a configuration. Any "
        "change in it deploys again.",
    )
    method: DeployMethod = Field(
        DeployMethod.DEPLOY,
        description="`deploy`: fetch the source and build it. `redeploy`: build the source that is already there. A "
        "change deploys again. Databases support only `deploy`.",
    )
    title: str | None = Field(
        None,
        max_length=MAX_TEXT,
        description="The title shown in Dokploy's dashboard while the deployment runs; for git sources the server "
        "replaces it with the commit's message at the end. By default it names project and stack. A change of the "
        "title alone does not deploy.",
    )
    description: str | None = Field(
        None,
        max_length=MAX_TEXT,
        description="The description shown beside the title. A short mark of the run, by which the deployment is "
        "recognised, is appended to it. A change of the description alone does not deploy.",
    )
    wait_for: WaitFor = Field(
        WaitFor.HEALTHY,
        description="`healthy`: wait until the status is done and the service's tasks run the new version and stay up "
        "for a short window; where the server can't tell, there is a warning and the status counts. `done`: wait for "
        "the status only. `none`: wait until the server has started the deployment and it is identified.",
    )
    timeout_seconds: Seconds = Field(
        DEFAULT_TIMEOUT_SECONDS,
        description="How long to wait for the end, in seconds. The server continues the deployment after that.",
    )
    stable_seconds: Annotated[
        float, BeforeValidator(not_a_bool), Field(ge=0, le=MAX_STABLE_SECONDS, allow_inf_nan=False)
    ] = Field(
        STABLE_SECONDS,
        description="With `wait_for: healthy`, how long what is new must stay up without a restart, in seconds.",
    )
    if_unproven: IfUnproven = Field(
        IfUnproven.WARN,
        description="What to do where the server can't tell whether the new version runs, with a key that may not "
        "read Docker's state for instance. `warn`: done counts, with a warning. `fail`: the deployment "
        "counts as failed.",
    )
    on_failure: OnFailure = Field(
        OnFailure.FAIL,
        description="`fail`: nothing is brought back. `rollback`: what ran before is brought back and verified. The "
        "deployment counts as failed either way.",
    )
    on_busy: OnBusy = Field(
        OnBusy.QUEUE,
        description="What to do when another deployment of the service is waiting or running. `queue`: wait behind it. "
        "`fail`: fail at once. `supersede`: drop the service's waiting deployments first.",
    )
    on_delete: OnDelete = Field(
        OnDelete.CANCEL,
        description="`cancel`: stop the deployment if it is still waiting or running, but never by a call that could "
        "hit other services' builds. `retain`: do nothing. `remove`: also remove it from the history.",
    )
    expect_commit: str | None = Field(
        None,
        pattern=r"^[0-9a-fA-F]{7,64}$",
        description="Fail if another commit was built. Seven digits or more are enough.",
    )
    stream_logs: bool = Field(
        True,
        description="Whether the build log is streamed in `pulumi up`. If it is not, a failure shows the end of it.",
    )

    @field_validator("title", "description")
    @classmethod
    def _no_nul(cls, value: str | None) -> str | None:
        # The server accepts a NUL, makes no row, and leaves the service "running" for ever (transcript 204).
        if value is not None and "\x00" in value:
            raise ValueError("contains a NUL character, which Dokploy can't store")
        return value


class DeploymentInputs(ServerInputs, DeploymentSettings, ServiceInputs):
    """What a user declares of a deployment."""

    def names_version_of(self, service: ServiceRef) -> bool:
        """Whether image, branch or variables are named."""
        return service == self.service and bool(self.given & frozenset(NAMED))


class RunningService(BaseModel):
    """One service that was proven to run."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    name: str = Field(description="The service's name: in the compose file, or in Docker Swarm.")
    tasks: int = Field(description="How many of its tasks or containers run.")
    image: str = Field(description="The image that they run.")


class DeploymentOutputs(BaseModel):
    """What the server made of a deployment. What it does not give is None."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    deployment_id: str | None = Field(None, description="The deployment's id at the server; databases have none.")
    status: str = Field("", description="The status at the server: running, done, error, cancelled.")
    stage: str = Field(
        "", description="How far the deployment got: queued, clone, build, push, update, health check, done."
    )
    title: str | None = Field(None, description="The title as the server has it; for git sources the commit's message.")
    description: str | None = Field(None, description="The description as the server has it, without this run's mark.")
    commit_hash: str | None = Field(None, description="The built commit; only for git sources.")
    commit_message: str | None = Field(None, description="The built commit's message; only for git sources.")
    created_at: str | None = Field(None, description="When the server created the deployment's row (ISO 8601, UTC).")
    started_at: str | None = Field(None, description="When the job started (ISO 8601, UTC).")
    finished_at: str | None = Field(None, description="When the job ended (ISO 8601, UTC).")
    queued_seconds: float | None = Field(None, description="How long the job waited in the queue.")
    duration_seconds: float | None = Field(None, description="From the job's start to its end, by the server's clock.")
    rollback_id: str | None = Field(None, description="The id by which this version can be brought back.")
    version: int | None = Field(None, description="The number of this version among the service's rollback images.")
    app_name: str | None = Field(None, description="The name of the service in Docker Swarm.")
    url: str | None = Field(None, description="The service's page in the dashboard.")
    health: str = Field("not checked", description="healthy, unknown (the server can't tell) or not checked.")
    running: tuple[RunningService, ...] = Field(
        (), description="What was proven to run: a compose's services, or the one Swarm service."
    )
    superseded_by: str | None = Field(None, description="The id of a newer deployment made by someone else.")
    pruned: bool = Field(
        False, description="Whether the server dropped the row from its history of about ten; not a deletion."
    )
