"""`queue`: what waits and what runs on the whole server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pulumi_dokploy_deployments.cli.command import command
from pulumi_dokploy_deployments.cli.option_texts import GET_DEPLOYMENT_QUEUE
from pulumi_dokploy_deployments.cli.options import REPEATED, VersionedService, option

if TYPE_CHECKING:
    from pulumi_dokploy_deployments.cli.session import Session


@command
def queue(
    session: Session,
    service: VersionedService = None,
    state: Annotated[list[str] | None, option(GET_DEPLOYMENT_QUEUE["state"], more=REPEATED)] = None,
) -> None:
    """What waits and what runs on the whole server, in the order in which it will run."""
    from pulumi_dokploy_deployments.cli import tables
    from pulumi_dokploy_deployments.functions.queue import chosen
    from pulumi_dokploy_deployments.functions.table import GET_DEPLOYMENT_QUEUE as READ

    service = session.service(service) if service is not None else None
    of = {f"{service.kind}_id": service.service_id} if service is not None else {}
    asked = READ.asked({"state": state, **of}, session.now)
    # Everything is read, so that "nothing" can be told from "nothing of that".
    everything = session.read(READ, {}).jobs
    found = chosen(everything, asked.states, asked.service_id)
    if session.is_json:
        session.json(found)
    elif found.jobs:
        session.out.print(tables.queue_table(found.jobs, session.now))
    else:
        which = f"no job of the {service.kind} {service.service_id}" if service is not None else "no such job"
        session.say(_nothing(len(everything), which))


def _nothing(others: int, which: str) -> str:
    """What is said where nothing is shown; "empty" only of a queue that is."""
    if not others:
        return "The queue is empty."
    return f"The queue has {which}, but {others} other{'' if others == 1 else 's'}."
