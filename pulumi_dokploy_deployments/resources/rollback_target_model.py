"""The inputs and outputs of `RollbackTarget`. Each field's description is written here once and used everywhere."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from pulumi_dokploy_deployments.resources.deployment_model import ConnectionName, Seconds, not_a_bool
from pulumi_dokploy_deployments.resources.inputs import ServiceResourceInputs
from pulumi_dokploy_deployments.rollback.targets import Strategy
from pulumi_dokploy_deployments.rollout.request import DEFAULT_TIMEOUT_SECONDS

MOST_HISTORY = 1000


class OnRelease(StrEnum):
    """What removing the pin from the program does to the service."""

    RETAIN = "retain"
    REDEPLOY = "redeploy"


WholeNumber = Annotated[int, BeforeValidator(not_a_bool)]


class RollbackTargetInputs(ServiceResourceInputs):
    """What a user declares of a pin."""

    SERVICE_FIELDS: ClassVar[tuple[str, ...]] = ("application_id", "compose_id")

    application_id: str | None = Field(
        None,
        description="The application to pin: its id, the address of its page in the dashboard, its name, or "
        "`<project>/<name>`. Another one replaces the resource.",
    )
    compose_id: str | None = Field(
        None, description="The compose to pin by its source, named likewise. Another one replaces it."
    )
    version: Annotated[WholeNumber, Field(ge=1)] | None = Field(
        None, description="Pin the stored version with this number."
    )
    rollback_id: str | None = Field(None, min_length=1, description="Pin the stored version with this id.")
    deployment_id: str | None = Field(None, min_length=1, description="Pin the version that this deployment brought.")
    commit: str | None = Field(
        None, pattern=r"^[0-9a-fA-F]{4,64}$", description="Pin the version built from this commit; a prefix is enough."
    )
    title: str | None = Field(None, min_length=1, description="Pin the deployment with exactly this title.")
    previous: Annotated[WholeNumber, Field(ge=1, le=MOST_HISTORY)] | None = Field(
        None,
        description="Pin the version that ran this many successful deployments ago. Resolved once and then kept, so "
        "that later deployments don't move the pin.",
    )
    strategy: Strategy = Field(
        Strategy.AUTO,
        description="`image`: the stored image, by the server's rollback endpoint (needs rollbacks with a registry, "
        "enabled when that version was deployed). `source`: set the earlier docker image or git ref and deploy it. "
        "`auto`: the image where there is one, else the source.",
    )
    source_ref: str | None = Field(
        None,
        min_length=1,
        description="For `source`: the git branch or tag (or docker image) that holds the version. Required for "
        "git sources, since Dokploy clones branches and tags but not bare commits; docker images are found in the log.",
    )
    on_delete: OnRelease = Field(
        OnRelease.RETAIN,
        description="`retain`: what runs keeps running. `redeploy`: deploy the current source again and wait for it. "
        "Both restore the service's source setting from before the pin.",
    )
    timeout_seconds: Seconds = Field(
        DEFAULT_TIMEOUT_SECONDS, description="How long to wait for the version to run, in seconds."
    )
    stream_logs: bool = Field(True, description="Whether the build log is streamed in `pulumi up`.")
    connection: ConnectionName | None = Field(
        None,
        description="The name of another server: configuration namespace `dokploy-<name>`, environment "
        "`DOKPLOY_<NAME>_ENDPOINT` and `DOKPLOY_<NAME>_API_KEY`.",
    )


class RollbackTargetOutputs(BaseModel):
    """What the pin came to. What the server does not give is None."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    rollback_id: str | None = Field(None, description="The id of the stored version that is pinned.")
    deployment_id: str | None = Field(None, description="The id of the deployment that is pinned.")
    version: int | None = Field(None, description="The number of the stored version that is pinned.")
    image: str | None = Field(None, description="The image that was verified to run.")
    previous_image: str | None = Field(None, description="The image that ran before the pin.")
    commit_hash: str | None = Field(None, description="The commit of the pinned version; only for git sources.")
    commit_message: str | None = Field(None, description="That commit's message; only for git sources.")
    strategy_used: str | None = Field(None, description="Which strategy was used: image or source.")
    pinned_at: str | None = Field(None, description="When the pin was last verified (ISO 8601, UTC).")
    holds: bool | None = Field(
        None,
        description="Whether the pinned version still runs, checked by refresh; none if the server can't tell.",
    )
