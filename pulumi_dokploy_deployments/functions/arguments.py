"""The functions' arguments. Each field's description is written here once and used everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ValidationInfo

from pulumi_dokploy_deployments.api.client import MAX_LOG_LINES
from pulumi_dokploy_deployments.api.models import DeploymentStatus, JobState, ServiceKind
from pulumi_dokploy_deployments.api.text import Input, Text
from pulumi_dokploy_deployments.functions.filters import (
    Filter,
    InvalidArgument,
    members_of,
    since_of,
    statuses_of,
    whole_number,
)
from pulumi_dokploy_deployments.functions.identity import given_id, kind_of

DEFAULT_TAIL = 100
NOW = "now"
"""The key in the validation's context for the time that ages count from."""

A = TypeVar("A", bound="Arguments")


def _identity(value: str, info: ValidationInfo) -> str:
    return given_id(Input(info.field_name or "id"), value)


def _limit(value: object) -> int | None:
    return None if value is None else whole_number(value, "limit", least=1, otherwise=", or leave it out to get all")


def _tail(value: object) -> int:
    return whole_number(value, "tail", least=1, most=MAX_LOG_LINES)


def _since(value: object, info: ValidationInfo) -> datetime | None:
    return since_of(value, (info.context or {}).get(NOW) or datetime.now(UTC))


def _states(value: object) -> list[JobState]:
    return members_of(JobState, value, "a state of a job", "The states are")


def _kind(value: object) -> ServiceKind | None:
    return None if value is None else kind_of(value)


Id = Annotated[str, AfterValidator(_identity)]


class ServerArguments(BaseModel):
    """Which server is asked. Plain functions take these beside their own arguments; an invoke has its provider."""

    endpoint: str | None = Field(None, description="The server's address, instead of the configured one.")
    api_key: SecretStr | None = Field(None, description="The API key, instead of the configured one.")


class Arguments(BaseModel):
    """Base of every function's arguments."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    positional: ClassVar[tuple[str, ...]] = ()
    """Arguments that Python programs may give without their names, beside those that have to be given."""

    connection: str | None = Field(
        None,
        description="The name of another server, as the resources' input `connection`: that of a provider, the "
        "configuration namespace `dokploy-<name>`, or the environment's `DOKPLOY_<NAME>_ENDPOINT` and "
        "`DOKPLOY_<NAME>_API_KEY`.",
    )

    @classmethod
    def from_given(cls: type[A], given: Mapping[str, Any], now: datetime) -> A:
        """The arguments as a caller gave them; None is the same as leaving one out.

        Raises:
            InvalidArgument: one of them is not valid; the message names it and says what is.
        """
        known = {name: value for name, value in given.items() if value is not None}
        try:
            return cls.model_validate(known, context={NOW: now})
        except ValidationError as error:
            raise _refusal(error.errors(include_url=False)[0]) from None


class Filtered(Arguments):
    """Arguments of the functions that give deployments."""

    status: Annotated[DeploymentStatus | list[DeploymentStatus] | None, BeforeValidator(statuses_of)] = Field(
        None, description="Only deployments with this status, or one of these."
    )
    limit: Annotated[int | None, BeforeValidator(_limit)] = Field(
        None, description="How many deployments to give at most; all by default."
    )
    since: Annotated[datetime | timedelta | str | None, BeforeValidator(_since)] = Field(
        None,
        description="Only deployments created since then: a time (ISO 8601; UTC if it has no zone) or an age such as "
        "`90s`, `15m`, `2h`, `7d`, `1w`.",
    )

    @property
    def kept(self) -> Filter:
        """Which deployments are kept."""
        since = self.since if isinstance(self.since, datetime) else None
        return Filter(frozenset(_several(self.status)), self.limit, since)


class ApplicationDeployments(Filtered):
    """The deployments of one application, newest first. The server keeps about the ten newest."""

    application_id: Id = Field(description="The application's id.")


class ComposeDeployments(Filtered):
    """The deployments of one compose, newest first. The server keeps about the ten newest."""

    compose_id: Id = Field(description="The compose's id.")


class ServerDeployments(Filtered):
    """The deployments of a remote server and of the services on it, newest first."""

    server_id: Id = Field(description="The remote server's id.")


class AllDeployments(Filtered):
    """All deployments of applications and composes that the key's user may see, with the services' names."""


class DeploymentsByType(Filtered):
    """The deployments of one service of any type, with their stored versions. Databases have none: the list is empty.

    Dokploy deploys databases within the request and keeps no history of it. An id that is not that of such a database
    is an error all the same.
    """

    type: Annotated[ServiceKind, BeforeValidator(kind_of)] = Field(description="The service's type.")
    id: Id = Field(description="The service's id.")


class Queue(Arguments):
    """The deployments that wait and run on the whole instance, in the order in which they run."""

    state: Annotated[JobState | list[JobState] | None, BeforeValidator(_states)] = Field(
        None,
        description="Only jobs in this state, or one of these. Only Dokploy Cloud has others than waiting and active.",
    )
    application_id: Id | None = Field(None, description="Only jobs of this application.")
    compose_id: Id | None = Field(None, description="Only jobs of this compose.")

    @property
    def states(self) -> frozenset[JobState]:
        """The states that are kept; empty keeps all."""
        return frozenset(_several(self.state))

    @property
    def service_id(self) -> str | None:
        """The service whose jobs are kept.

        Raises:
            InvalidArgument: two services are named.
        """
        service = _one_service(self.application_id, self.compose_id)
        return service[1] if service is not None else None


class Logs(Arguments):
    """The end of a deployment's build log, while the deployment runs and afterwards."""

    deployment_id: Id = Field(description="The deployment's id.")
    tail: Annotated[int, BeforeValidator(_tail)] = Field(
        DEFAULT_TAIL, description=f"How many lines, 1 to {MAX_LOG_LINES}."
    )


class Candidates(Arguments):
    """The finished deployments of a service as versions to roll back to, newest first; and why some can't be.

    Exactly one of `application_id` and `compose_id` is given.
    """

    positional: ClassVar[tuple[str, ...]] = ("application_id",)

    application_id: Id | None = Field(None, description="The application's id.")
    compose_id: Id | None = Field(
        None,
        description="The compose's id. Dokploy stores no images of composes, so that none of them can be brought back "
        "by its image.",
    )
    only_working: bool = Field(
        False, strict=True, description="Leave out the versions that the server's rollback can't bring back."
    )

    @property
    def service(self) -> tuple[ServiceKind, str]:
        """The service.

        Raises:
            InvalidArgument: none is named, or two.
        """
        service = _one_service(self.application_id, self.compose_id)
        if service is None:
            raise InvalidArgument(
                "No service is named.", next_step=("Give ", Input("application_id"), " or ", Input("compose_id"), ".")
            )
        return service


class NamedService(Arguments):
    """One service by its name as the dashboard shows it: its ids, what it is set to, and its status."""

    name: Annotated[str, AfterValidator(_identity)] = Field(
        description="The service's name, `<project>/<name>`, `<project>/<environment>/<name>`, its id, or the address "
        "of its page in the dashboard. A name that several services have is an error that lists them."
    )
    project: str | None = Field(None, description="Only services of this project, by its name or id.")
    environment: str | None = Field(None, description="Only services of this environment, by its name or id.")
    type: Annotated[ServiceKind | None, BeforeValidator(_kind)] = Field(None, description="Only services of this type.")


class Services(Arguments):
    """All services that the key's user may see, with their ids, what they are set to, and their status.

    Each service is asked about by itself: on a large instance, filter.
    """

    project: str | None = Field(None, description="Only services of this project, by its name or id.")
    environment: str | None = Field(None, description="Only services of this environment, by its name or id.")
    type: Annotated[ServiceKind | None, BeforeValidator(_kind)] = Field(None, description="Only services of this type.")


def _one_service(application_id: str | None, compose_id: str | None) -> tuple[ServiceKind, str] | None:
    if application_id is not None and compose_id is not None:
        raise InvalidArgument(
            "Two services are named.",
            next_step=("Give ", Input("application_id"), " or ", Input("compose_id"), ", not both."),
            property_name="compose_id",
        )
    if application_id is not None:
        return ServiceKind.APPLICATION, application_id
    return (ServiceKind.COMPOSE, compose_id) if compose_id is not None else None


V = TypeVar("V", DeploymentStatus, JobState)


def _several(value: V | list[V] | None) -> list[V]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _refusal(issue: ErrorDetails) -> InvalidArgument:
    """The error for one of pydantic's; a validator of ours has said it in its own words."""
    own = (issue.get("ctx") or {}).get("error")
    name = str(issue["loc"][0]) if issue["loc"] else ""
    if isinstance(own, InvalidArgument):
        own.property_name = own.property_name or name or None
        return own
    message: Text
    if issue["type"] == "missing":
        message = (Input(name), " is missing.")
    elif issue["type"] == "extra_forbidden":
        message = f"There is no argument {name}."
    else:
        message = (Input(name), f" is {issue['input']!r}, but {str(issue['msg']).removeprefix('Input ')}.")
    return InvalidArgument(message, property_name=name or None)
