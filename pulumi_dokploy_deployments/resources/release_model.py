"""The inputs and outputs of `Release`. Each field's description is written here once and used everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.resources.deployment_model import (
    NAMED,
    DeploymentInputs,
    DeploymentSettings,
    OnFailure,
    ServerInputs,
    ServiceInputs,
)
from pulumi_dokploy_deployments.resources.fields import SERVICE_ID_FIELDS, UnknownValue
from pulumi_dokploy_deployments.resources.inputs import FoundService, ResourceInputs
from pulumi_dokploy_deployments.resources.release_order import in_order, predecessors

NestedT = TypeVar("NestedT", bound=ResourceInputs)


class ReleasedService(DeploymentSettings, ServiceInputs):
    """A service of a release: the inputs of a `Deployment`, and what it comes after."""

    application_id: str | None = Field(
        None,
        description="The application to deploy: its id, the address of its page in the dashboard, its name, or "
        "`<project>/<name>`.",
    )
    compose_id: str | None = Field(None, description="The compose to deploy, named likewise.")
    after: tuple[str, ...] | None = Field(
        None, description="The names of the services in this release that have to run before it is deployed."
    )


class ReleaseDefaults(DeploymentSettings):
    """Inputs of all services of a release; what a service says itself counts."""


def _services(value: object) -> object:
    if not isinstance(value, Mapping):
        raise ValueError("should be a map of services by names of your own")
    return {str(name): _nested(ReleasedService, part) for name, part in value.items()}


def _defaults(value: object) -> object:
    return _nested(ReleaseDefaults, value)


def _nested(model: type[NestedT], value: object) -> NestedT:
    """What of the inputs is right; what is wrong in them was told when they were checked."""
    if isinstance(value, model):
        return value
    if isinstance(value, UnknownValue):
        return model.recall(dict.fromkeys(model.model_fields.keys() - model.COMPUTED, value))
    return model.recall({str(name): part for name, part in value.items()} if isinstance(value, Mapping) else {})


class ReleaseSettings(ResourceInputs):
    """What a user declares of a release, beside its server."""

    REQUIRED: ClassVar[frozenset[str]] = frozenset({"services"})
    FREE_FORM: ClassVar[frozenset[str]] = frozenset({"services", "defaults"})
    COMPUTED: ClassVar[frozenset[str]] = frozenset({"found_services"})

    services: Annotated[dict[str, ReleasedService], BeforeValidator(_services)] = Field(
        default_factory=dict,
        description="The services by names of your own: of each the inputs of its deployment, and `after`, the names "
        "of those that have to run before.",
    )
    defaults: Annotated[ReleaseDefaults, BeforeValidator(_defaults)] | None = Field(
        None, description="Inputs of all services; what a service says itself counts."
    )
    on_failure: OnFailure = Field(
        OnFailure.ROLLBACK,
        description="`rollback`: all or nothing. When one service fails, it and those that were deployed before it are "
        "brought back to what ran before and verified, in reverse order; a service that itself says `fail` stays as it "
        "is. `fail`: what has succeeded stays deployed. The release counts as failed either way.",
    )
    found_services: dict[str, FoundService] | None = Field(
        None, description="The services that were found by their names."
    )


class ReleaseInputs(ServerInputs, ReleaseSettings):
    """What a user declares of a release."""

    @property
    def deployments(self) -> dict[str, DeploymentInputs]:
        """The inputs of each service's deployment: its own, else the defaults, else the release's."""
        return {name: self._deployment(name, service) for name, service in self.services.items()}

    @property
    def predecessors(self) -> dict[str, list[str]]:
        """What each service comes after."""
        return predecessors({name: {"after": service.after} for name, service in self.services.items()})

    @property
    def order(self) -> list[str]:
        """The services, each after those that it comes after. The engine keeps no order of a map's keys."""
        return in_order(self.predecessors)

    @property
    def service_refs(self) -> tuple[ServiceRef, ...]:
        """The services that are known."""
        refs = (deployment.service for deployment in self.deployments.values())
        return tuple(ref for ref in refs if ref is not None)

    @property
    def service_property(self) -> str:
        """The input that names the services."""
        return "services"

    def names_version_of(self, service: ServiceRef) -> bool:
        """Whether image, branch or variables of the service are named."""
        return any(deployment.names_version_of(service) for deployment in self.deployments.values())

    def _deployment(self, name: str, service: ReleasedService) -> DeploymentInputs:
        given = {**(self.defaults.flat() if self.defaults is not None else {}), **service.flat()}
        given.pop("after", None)
        if self.connection is not None:
            given["connection"] = self.connection
        found = (self.found_services or {}).get(name)
        if found is not None:
            given["found_service"] = found.model_dump()
        if self.on_failure is OnFailure.ROLLBACK and "on_failure" not in given and can_go_back(given):
            given["on_failure"] = OnFailure.ROLLBACK.value
        return DeploymentInputs.recall(given)


def can_go_back(given: Mapping[str, object]) -> bool:
    """Whether `on_failure: rollback` goes with a service: for a database there has to be something that is set."""
    is_database = any(given.get(name) is not None and kind.is_database for name, kind in SERVICE_ID_FIELDS.items())
    return not is_database or any(given.get(name) is not None for name in NAMED)


class ReleasedDeployment(BaseModel):
    """What a release made of one service."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    deployment_id: str | None = Field(None, description="The deployment's id at the server; databases have none.")
    status: str = Field("", description="The status at the server: running, done, error, cancelled.")
    version: str = Field("", description="The number of the stored version, `v3`, else the start of the commit.")
    image: str = Field("", description="The images that were proven to run.")
    commit_hash: str | None = Field(None, description="The built commit; only for git sources.")
    duration_seconds: float | None = Field(None, description="From the job's start to its end, by the server's clock.")
    verdict: str = Field("", description="What was proven: healthy or unknown; the status where nothing was looked at.")
    url: str | None = Field(None, description="The service's page in the dashboard.")


class ReleaseOutputs(BaseModel):
    """What the server made of a release."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    deployments: dict[str, ReleasedDeployment] = Field(
        default_factory=dict, description="What became of each service, by the release's names for them."
    )
    summary: str = Field("", description="The same as a table for people: service, version, image, duration, verdict.")
