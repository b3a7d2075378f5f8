"""The provider's configuration. Each field's description is written here once and used everywhere."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from pulumi_dokploy_deployments.resources.deployment_model import Seconds, not_a_bool

TIMEOUT_VARIABLE = "DOKPLOY_TIMEOUT_SECONDS"
MOST_REQUEST_SECONDS = 600.0


class ProviderInputs(BaseModel):
    """Which server a provider stands for, and how long it waits."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: str | None = Field(
        None,
        description="The address of the Dokploy server, for instance `https://dokploy.example.com`. Default: the "
        "environment's `DOKPLOY_ENDPOINT` (or `DOKPLOY_URL`).",
    )
    api_key: SecretStr | None = Field(
        None,
        description="An API key of the server, created without a rate limit. Default: the environment's "
        "`DOKPLOY_API_KEY`.",
    )
    headers: SecretStr | None = Field(
        None,
        description="Extra headers for an access proxy in front of Dokploy: a JSON object, or lines `Name: value`. "
        "They are as secret as the key. Default: the environment's `DOKPLOY_HEADERS`.",
    )
    offline_preview: bool | None = Field(
        None,
        description="Whether previews ask no server, for pull requests without a key for instance. Default: the "
        "environment's `DOKPLOY_OFFLINE_PREVIEW`.",
    )
    timeout_seconds: Seconds | None = Field(
        None,
        description="How long resources wait that set neither `timeout_seconds` nor `custom_timeouts`, in seconds. "
        f"Default: the environment's `{TIMEOUT_VARIABLE}`, else 1800.",
    )
    request_timeout_seconds: (
        Annotated[float, BeforeValidator(not_a_bool), Field(gt=0, le=MOST_REQUEST_SECONDS, allow_inf_nan=False)] | None
    ) = Field(None, description="How long the server may take for one answer, in seconds. Default: 30.")
    connection: str | None = Field(
        None,
        description="The name of the connection that this provider stands for: resources with this name as their "
        "input `connection` are deployed to its server.",
    )
