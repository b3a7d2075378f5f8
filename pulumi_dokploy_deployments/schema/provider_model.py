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
        description="The address of the Dokploy server, `https://dokploy.example.com` for instance. Without it the "
        "environment's `DOKPLOY_ENDPOINT` (or `DOKPLOY_URL`) counts.",
    )
    api_key: SecretStr | None = Field(
        None,
        description="An API key of the server, made without rate limit. Without it the environment's "
        "`DOKPLOY_API_KEY` counts.",
    )
    timeout_seconds: Seconds | None = Field(
        None,
        description="How long resources wait that give no `timeoutSeconds` and no `customTimeouts` of their own, in "
        f"seconds. Without it the environment's `{TIMEOUT_VARIABLE}` counts, else 1800.",
    )
    request_timeout_seconds: (
        Annotated[float, BeforeValidator(not_a_bool), Field(gt=0, le=MOST_REQUEST_SECONDS, allow_inf_nan=False)] | None
    ) = Field(None, description="How long the server may take for one answer, in seconds; 30 without it.")
    connection: str | None = Field(
        None,
        description="The name of the connection that this provider stands for: resources whose input `connection` "
        "has this name are deployed to its server.",
    )
