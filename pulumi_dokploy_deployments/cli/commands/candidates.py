"""`candidates`: where a service can go back to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pulumi_dokploy_deployments.cli.command import command
from pulumi_dokploy_deployments.cli.option_texts import GET_ROLLBACK_CANDIDATES
from pulumi_dokploy_deployments.cli.options import RequiredVersionedService, option

if TYPE_CHECKING:
    from pulumi_dokploy_deployments.cli.session import Session


@command
def candidates(
    session: Session,
    service: RequiredVersionedService,
    only_working: Annotated[bool, option(GET_ROLLBACK_CANDIDATES["only_working"])] = False,
) -> None:
    """Where a service can go back to, and why some of its deployments are no way back."""
    from pulumi_dokploy_deployments.cli import tables
    from pulumi_dokploy_deployments.functions.table import GET_ROLLBACK_CANDIDATES as READ

    service = session.service(service)
    found = session.read(READ, {"only_working": only_working, f"{service.kind}_id": service.service_id})
    if session.is_json:
        session.json(found)
    elif found.candidates:
        session.out.print(tables.candidates_table(found.candidates, session.now))
        if not any(candidate.works for candidate in found.candidates):
            session.say("None of them can be brought back by its image.")
    elif only_working:
        session.say("Nothing to go back to.")
    else:
        session.say("No finished deployments, so nothing to go back to.")
