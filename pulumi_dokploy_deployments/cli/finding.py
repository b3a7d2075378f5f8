"""Finds a deployment's row by its id; the server has no call for one row."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.models import DeploymentRecord, ServiceKind
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.functions.identity import given_id
from pulumi_dokploy_deployments.functions.logs import unknown_deployment


@dataclass(frozen=True)
class Found:
    """A row and whose it is."""

    row: DeploymentRecord
    service: ServiceRef

    @property
    def name(self) -> str:
        """The service's name, else the deployment's id."""
        return self.row.application_name or self.row.compose_name or self.row.deployment_id


async def find_deployment(client: DokployClient, deployment_id: str) -> Found:
    """The row with this id among all that the key's user may see.

    Raises:
        UnknownId: there is none.
    """
    identity = given_id("deployment id", deployment_id)
    for row in await client.all_deployments():
        service = service_of(row)
        if row.deployment_id == identity and service is not None:
            return Found(row, service)
    raise unknown_deployment(client.connection.origin, identity)


def service_of(row: DeploymentRecord) -> ServiceRef | None:
    """The application or compose that a row belongs to."""
    if row.application_id:
        return ServiceRef(ServiceKind.APPLICATION, row.application_id)
    return ServiceRef(ServiceKind.COMPOSE, row.compose_id) if row.compose_id else None
