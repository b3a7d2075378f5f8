"""`list`: deployments of a service, of a remote server, or of everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pulumi_dokploy_deployments.cli import completing
from pulumi_dokploy_deployments.cli.command import command
from pulumi_dokploy_deployments.cli.option_texts import GET_ALL_DEPLOYMENTS
from pulumi_dokploy_deployments.cli.options import REPEATED, SERVICE, AnyService, option

if TYPE_CHECKING:
    from pulumi_dokploy_deployments.api.services import ServiceRef
    from pulumi_dokploy_deployments.cli.session import Session
    from pulumi_dokploy_deployments.functions.models import DeploymentList
    from pulumi_dokploy_deployments.functions.table import Function


@command
def list_deployments(
    session: Session,
    service: AnyService = None,
    server: Annotated[
        str | None,
        typer.Option(
            help="The id of a remote server.",
            metavar="ID",
            rich_help_panel=SERVICE,
            autocompletion=completing.server(),
        ),
    ] = None,
    status: Annotated[list[str] | None, option(GET_ALL_DEPLOYMENTS["status"], more=REPEATED)] = None,
    since: Annotated[str | None, option(GET_ALL_DEPLOYMENTS["since"])] = None,
    limit: Annotated[int | None, option(GET_ALL_DEPLOYMENTS["limit"])] = None,
    versions: Annotated[bool, typer.Option("--versions", help="With the stored versions of a service.")] = False,
) -> None:
    """Deployments, newest first: of a service, of a remote server, or of everything that the key's user may see."""
    from pulumi_dokploy_deployments.cli import tables
    from pulumi_dokploy_deployments.functions.filters import InvalidArgument

    if service is not None and server is not None:
        raise InvalidArgument("A service and a server are named.", next_step="Name one.")
    if versions and service is None:
        raise InvalidArgument("--versions needs a service.", next_step="Give --application or --compose.")
    service = session.service(service) if service is not None else None
    function, of = _read_of(service, server, versions=versions)
    found = session.read(function, {**of, "status": status, "limit": limit, "since": since})
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


def _read_of(
    service: ServiceRef | None, server_id: str | None, *, versions: bool
) -> tuple[Function[Any, DeploymentList], dict[str, Any]]:
    """The function that reads what is asked for, and which arguments say so."""
    from pulumi_dokploy_deployments.api.models import ServiceKind
    from pulumi_dokploy_deployments.functions import table

    if server_id is not None:
        return table.GET_SERVER_DEPLOYMENTS, {"server_id": server_id}
    if service is None:
        return table.GET_ALL_DEPLOYMENTS, {}
    if versions or service.kind.is_database:
        return table.GET_DEPLOYMENTS_BY_TYPE, {"type": service.kind, "id": service.service_id}
    if service.kind is ServiceKind.COMPOSE:
        return table.GET_COMPOSE_DEPLOYMENTS, {"compose_id": service.service_id}
    return table.GET_APPLICATION_DEPLOYMENTS, {"application_id": service.service_id}
