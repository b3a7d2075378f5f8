"""`services`: which services there are, with their ids and what they are set to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pulumi_dokploy_deployments.cli import completing
from pulumi_dokploy_deployments.cli.command import command
from pulumi_dokploy_deployments.cli.option_texts import GET_SERVICE, GET_SERVICES, ServiceKind
from pulumi_dokploy_deployments.cli.options import option

if TYPE_CHECKING:
    from pulumi_dokploy_deployments.cli.session import Session


@command
def services(
    session: Session,
    name: Annotated[
        str | None,
        typer.Argument(
            help=GET_SERVICE["name"].meaning.replace("`", ""),
            metavar="SERVICE",
            show_default=False,
            autocompletion=completing.service_of(None),
        ),
    ] = None,
    project: Annotated[
        str | None, option(GET_SERVICES["project"], metavar="PROJECT", completed=completing.project())
    ] = None,
    environment: Annotated[
        str | None, option(GET_SERVICES["environment"], metavar="ENVIRONMENT", completed=completing.environment())
    ] = None,
    of_type: Annotated[ServiceKind | None, option(GET_SERVICES["type"], "--type")] = None,
) -> None:
    """The services that the key's user may see, or one by its name: ids, projects, what they are set to, status."""
    from pulumi_dokploy_deployments.cli import tables
    from pulumi_dokploy_deployments.functions.models import ServiceList
    from pulumi_dokploy_deployments.functions.table import GET_SERVICE as READ_ONE
    from pulumi_dokploy_deployments.functions.table import GET_SERVICES as READ_ALL

    filters = {"project": project, "environment": environment, "type": of_type}
    if name is not None:
        found = ServiceList(services=(session.read(READ_ONE, {"name": name, **filters}),))
    else:
        found = session.read(READ_ALL, filters)
    if session.is_json:
        session.json(found)
    elif found.services:
        session.out.print(tables.services_table(found.services))
    elif any(value is not None for value in filters.values()):
        session.say("No such services.")
    else:
        session.say("No services that the key's user may see.")
