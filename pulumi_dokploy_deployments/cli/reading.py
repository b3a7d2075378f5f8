"""The commands that read: list, queue, candidates, logs."""

from __future__ import annotations

from collections.abc import Sequence

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.cli import tables
from pulumi_dokploy_deployments.cli.session import Session
from pulumi_dokploy_deployments.functions.deployments import (
    all_deployments,
    application_deployments,
    compose_deployments,
    deployments_by_type,
    server_deployments,
)
from pulumi_dokploy_deployments.functions.filters import Filter
from pulumi_dokploy_deployments.functions.logs import deployment_logs
from pulumi_dokploy_deployments.functions.models import DeploymentList
from pulumi_dokploy_deployments.functions.queue import deployment_queue
from pulumi_dokploy_deployments.functions.rollback_candidates import rollback_candidates


def show_deployments(
    session: Session, service: ServiceRef | None, server_id: str | None, kept: Filter, *, versions: bool
) -> None:
    """The history of a service, of a remote server, or of everything."""

    async def read(client: DokployClient) -> DeploymentList:
        if server_id is not None:
            return await server_deployments(client, server_id, kept)
        if service is None:
            return await all_deployments(client, kept)
        if versions or service.kind.is_database:
            return await deployments_by_type(client, service.kind.value, service.service_id, kept)
        if service.kind is ServiceKind.COMPOSE:
            return await compose_deployments(client, service.service_id, kept)
        return await application_deployments(client, service.service_id, kept)

    found = session.run(read)
    if session.is_json:
        session.json(found)
    elif found.deployments:
        with_service = service is None
        session.out.print(
            tables.deployments_table(found.deployments, session.now, with_service=with_service, versions=versions)
        )
    elif service is not None and service.kind.is_database:
        session.say(f"Databases leave no deployments in Dokploy's history; the {service.kind.value} exists.")
    else:
        session.say("No deployments.")


def show_queue(session: Session, states: Sequence[str], service: ServiceRef | None) -> None:
    """What waits and what runs."""
    identity = service.service_id if service is not None else None
    found = session.run(lambda client: deployment_queue(client, state=list(states), service_id=identity))
    if session.is_json:
        session.json(found)
    elif found.jobs:
        session.out.print(tables.queue_table(found.jobs, session.now))
    else:
        session.say("The queue is empty.")


def show_candidates(session: Session, service: ServiceRef, *, only_working: bool) -> None:
    """Where a service can go back to."""
    found = session.run(
        lambda client: rollback_candidates(client, service.kind, service.service_id, only_working=only_working)
    )
    if session.is_json:
        session.json(found)
    elif found.candidates:
        session.out.print(tables.candidates_table(found.candidates, session.now))
        if not any(candidate.works for candidate in found.candidates):
            session.say("None of them can be brought back by its image.")
    else:
        session.say("No finished deployments, so nothing to go back to.")


def show_log(session: Session, deployment_id: str, tail: int) -> None:
    """The end of a build log."""
    found = session.run(lambda client: deployment_logs(client, deployment_id, tail=tail))
    if session.is_json:
        session.json(found)
        return
    for line in found.lines:
        session.say(line)
    if not found.lines:
        session.warn("The server has no log for this deployment.")
