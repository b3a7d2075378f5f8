"""The history: deployments by application, compose, server, type, and of the whole organization."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter, model_validator

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.errors import NotFound, Step
from pulumi_dokploy_deployments.api.models import DeploymentRecord, ServiceKind
from pulumi_dokploy_deployments.api.wire import WireModel
from pulumi_dokploy_deployments.functions.arguments import (
    AllDeployments,
    ApplicationDeployments,
    ComposeDeployments,
    DeploymentsByType,
    ServerDeployments,
)
from pulumi_dokploy_deployments.functions.filters import Filter
from pulumi_dokploy_deployments.functions.identity import UnknownId, existing_service
from pulumi_dokploy_deployments.functions.models import DeploymentInfo, DeploymentList
from pulumi_dokploy_deployments.rollout.mark import unmark

CENTRALIZED = "deployment.allCentralized"


class CentralRow(WireModel):
    """A row of the centralized read, with the remote server of its service, which only that read gives."""

    row: DeploymentRecord
    service_server_id: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _split(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or "deploymentId" not in data:
            return data
        owner = data.get("application") or data.get("compose")
        server = owner.get("server") if isinstance(owner, Mapping) else None
        identity = server.get("serverId") if isinstance(server, Mapping) else None
        return {"row": data, "service_server_id": identity if isinstance(identity, str) else None}


_CENTRAL_ROWS = TypeAdapter(list[CentralRow])


async def central_rows(client: DokployClient) -> list[CentralRow]:
    """`deployment.allCentralized`: every row of the organization that the key's user may see."""
    return await client.read(CENTRALIZED, _CENTRAL_ROWS)


async def application_deployments(client: DokployClient, asked: ApplicationDeployments) -> DeploymentList:
    """`deployment.all`: the history of one application.

    Raises:
        UnknownId: the server has no such application.
        ApiError: the server could not be asked, or the key's user has no access to it.
    """
    return await _of_service(client, ServiceKind.APPLICATION, asked.application_id, asked.kept)


async def compose_deployments(client: DokployClient, asked: ComposeDeployments) -> DeploymentList:
    """`deployment.allByCompose`: the history of one compose.

    Raises:
        UnknownId: the server has no such compose.
        ApiError: the server could not be asked, or the key's user has no access to it.
    """
    return await _of_service(client, ServiceKind.COMPOSE, asked.compose_id, asked.kept)


async def server_deployments(client: DokployClient, asked: ServerDeployments) -> DeploymentList:
    """The deployments of a remote server: its own and those of the services on it, as the published page says.

    `deployment.allByServer` gives only the rows whose own `serverId` is set, those of the server's setup: rows of
    applications and composes never have it [deployment.ts, v0.30.2]. Theirs come from `deployment.allCentralized`,
    which gives each service's server.

    Raises:
        UnknownId: the server has no such remote server (transcript 84).
        ApiError: the server could not be asked, or the key's user may not.
    """
    identity = asked.server_id
    try:
        own = await client.deployments_by_server(identity)
    except NotFound:
        raise UnknownId(
            f"{client.connection.origin} has no remote server with the id {identity!r}.",
            next_step="The ids are on the Remote Servers page of the dashboard. Services on Dokploy's own machine "
            "belong to no remote server.",
            step=Step.CHANGE_INPUT,
            property_name="server_id",
        ) from None
    known = {row.deployment_id for row in own}
    central = await central_rows(client)
    of_services = [one.row for one in central if one.service_server_id == identity]
    rows = [*own, *(row for row in of_services if row.deployment_id not in known)]
    return listed(rows, asked.kept, dict.fromkeys((row.deployment_id for row in rows), identity))


async def all_deployments(client: DokployClient, asked: AllDeployments) -> DeploymentList:
    """`deployment.allCentralized`: all deployments of applications and composes that the key's user may see.

    Raises:
        ApiError: the server could not be asked.
    """
    central = await central_rows(client)
    servers = {one.row.deployment_id: one.service_server_id for one in central}
    return listed((one.row for one in central), asked.kept, servers)


async def deployments_by_type(client: DokployClient, asked: DeploymentsByType) -> DeploymentList:
    """`deployment.allByType`: the history of one service, with each row's stored version.

    Databases deploy within the request and leave no rows, and v0.30.2 answers 400 for their types although the
    published page lists them (transcript 81): for these the list is empty, once the database is known to exist.

    Raises:
        UnknownId: the server has no such service of that type.
        ApiError: the server could not be asked, or the key's user has no access to it.
    """
    kind = asked.type
    if kind.is_database:
        await existing_service(client, kind, asked.id)
        return DeploymentList(deployments=())
    try:
        rows = await client.deployments_by_type(kind.value, asked.id)
    except NotFound:
        rows = []
    if not rows:
        await existing_service(client, kind, asked.id)
    return listed(rows, asked.kept)


async def _of_service(client: DokployClient, kind: ServiceKind, identity: str, kept: Filter) -> DeploymentList:
    try:
        rows = await client.deployments_of(kind, identity)
    except NotFound:
        # What releases before v0.28.7 say of an unknown service (transcript 625); later ones list nothing.
        rows = []
    if not rows:
        await existing_service(client, kind, identity)
    return listed(rows, kept)


def listed(
    rows: Iterable[DeploymentRecord], kept: Filter, servers: Mapping[str, str | None] | None = None
) -> DeploymentList:
    """The result for the rows that pass the filter; `servers` has the remote server of a row's service, by row."""
    of_services = servers or {}
    return DeploymentList(
        deployments=tuple(info_of(row, of_services.get(row.deployment_id)) for row in kept.apply(rows))
    )


def info_of(row: DeploymentRecord, service_server_id: str | None = None) -> DeploymentInfo:
    """One row as the reads show it."""
    duration = None
    if row.started_at is not None and row.finished_at is not None:
        duration = (row.finished_at - row.started_at).total_seconds()
    return DeploymentInfo(
        deployment_id=row.deployment_id,
        status=row.status.value,
        title=row.title,
        description=unmark(row.description) if row.description is not None else None,
        commit_hash=row.commit_hash,
        commit_message=row.commit_message,
        service_type=service_type_of(row.application_id, row.compose_id),
        service_id=row.application_id or row.compose_id,
        service_name=row.application_name or row.compose_name,
        server_id=row.server_id or service_server_id,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        duration_seconds=duration,
        error_message=row.error_message,
        log_path=row.log_path,
        rollback_id=row.rollback_id,
        version=row.rollback.version if row.rollback is not None else None,
        image=row.rollback.image if row.rollback is not None else None,
    )


def service_type_of(application_id: str | None, compose_id: str | None) -> str | None:
    """Which kind of service a row or a job belongs to."""
    if application_id:
        return ServiceKind.APPLICATION.value
    return ServiceKind.COMPOSE.value if compose_id else None
