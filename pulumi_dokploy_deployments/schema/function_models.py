"""The functions' arguments. Each field's description is written here once and used everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from pulumi_dokploy_deployments.functions.logs import DEFAULT_TAIL
from pulumi_dokploy_deployments.functions.models import (
    DeploymentList,
    DeploymentLogs,
    DeploymentQueue,
    Result,
    RollbackCandidates,
)
from pulumi_dokploy_deployments.schema.names import MODULE, camel


class Arguments(BaseModel):
    """Base of every function's arguments."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    connection: str | None = Field(
        None,
        description="The name of another server: that of a provider, or the environment's `DOKPLOY_<NAME>_ENDPOINT` "
        "and `DOKPLOY_<NAME>_API_KEY`.",
    )


class Filtered(Arguments):
    """Arguments of the reads that give deployments."""

    status: str | list[str] | None = Field(
        None, description="Only deployments with this status, or these: running, done, error, cancelled."
    )
    limit: int | None = Field(None, description="The most deployments to give.")
    since: str | None = Field(
        None,
        description="Only deployments made since then: a time (ISO 8601; without a zone it is UTC), or an age as "
        "`90s`, `15m`, `2h`, `7d`, `1w`.",
    )


class ApplicationDeployments(Filtered):
    """The deployments of one application, newest first. The server keeps about the ten newest."""

    application_id: str = Field(description="The application.")


class ComposeDeployments(Filtered):
    """The deployments of one compose, newest first. The server keeps about the ten newest."""

    compose_id: str = Field(description="The compose.")


class ServerDeployments(Filtered):
    """The deployments that belong to a remote server, newest first."""

    server_id: str = Field(description="The remote server.")


class AllDeployments(Filtered):
    """Every application's and compose's deployments that the key's user may see, with the services' names."""


class DeploymentsByType(Filtered):
    """The deployments of one service by its type, with each one's stored version. Databases leave none."""

    type: str = Field(description="The service's type: application, compose, postgres, mysql, mariadb, mongo or redis.")
    id: str = Field(description="The service's id.")


class Queue(Arguments):
    """What waits and what runs, on the whole instance, in the order in which it will run."""

    state: str | list[str] | None = Field(
        None,
        description="Only jobs in this state, or these: waiting, active; completed and failed where a server reports "
        "them.",
    )
    application_id: str | None = Field(None, description="Only jobs of this application.")
    compose_id: str | None = Field(None, description="Only jobs of this compose.")


class Logs(Arguments):
    """The end of a deployment's build log, while it runs and afterwards."""

    deployment_id: str = Field(description="The deployment.")
    tail: int = Field(DEFAULT_TAIL, description="How many lines, 1 to 10 000.")


class Candidates(Arguments):
    """The finished deployments of a service as places to go back to, newest first, with why some can't work."""

    application_id: str | None = Field(None, description="The application; give it or `compose_id`.")
    compose_id: str | None = Field(
        None, description="The compose. Dokploy stores no images for these, so none of them works by image."
    )
    only_working: bool = Field(False, description="Leave out those that the server's rollback call can't bring back.")


@dataclass(frozen=True)
class Function:
    """One function of the package."""

    name: str
    arguments: type[Arguments]
    result: type[Result]

    @property
    def token(self) -> str:
        """Its token in the schema."""
        return f"{MODULE}:{camel(self.name)}"


_ALL = (
    Function("get_application_deployments", ApplicationDeployments, DeploymentList),
    Function("get_compose_deployments", ComposeDeployments, DeploymentList),
    Function("get_server_deployments", ServerDeployments, DeploymentList),
    Function("get_all_deployments", AllDeployments, DeploymentList),
    Function("get_deployments_by_type", DeploymentsByType, DeploymentList),
    Function("get_deployment_queue", Queue, DeploymentQueue),
    Function("get_deployment_logs", Logs, DeploymentLogs),
    Function("get_rollback_candidates", Candidates, RollbackCandidates),
)
FUNCTIONS: Mapping[str, Function] = {function.name: function for function in _ALL}
