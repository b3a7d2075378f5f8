"""`kill`: end a running deployment where the server can, or drop those that wait. Asks first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pulumi_dokploy_deployments.cli import completing
from pulumi_dokploy_deployments.cli.command import command
from pulumi_dokploy_deployments.cli.option_texts import ServiceKind
from pulumi_dokploy_deployments.cli.options import Yes, deployment_argument

if TYPE_CHECKING:
    from pulumi_dokploy_deployments.api.client import DokployClient
    from pulumi_dokploy_deployments.api.errors import InvalidRequest
    from pulumi_dokploy_deployments.api.models import DeploymentRecord, QueueJob, Service
    from pulumi_dokploy_deployments.api.services import ServiceRef
    from pulumi_dokploy_deployments.cli.errors import Refused
    from pulumi_dokploy_deployments.cli.finding import Found
    from pulumi_dokploy_deployments.cli.session import Session

EVERY_BUILD = "--every-build-on-the-host"
ASKED_TO_KILL = "The server may have been asked to end the deployment: dokploy-deployments list"
SETTLES_SECONDS = 5.0
"""A killed build's row turns to error within some 0.2 s (timeline 130)."""
LOOK_EVERY_SECONDS = 0.2


@dataclass(frozen=True)
class Killed:
    """What became of a deployment that was to be killed."""

    row: DeploymentRecord
    message: str


@command
def kill(
    session: Session,
    deployment: Annotated[
        str | None, deployment_argument("The id of the running deployment.", only_running=True)
    ] = None,
    waiting_of_application: Annotated[
        str | None,
        typer.Option(
            help="Drop the waiting deployments of this application.",
            metavar="SERVICE",
            autocompletion=completing.service_of(ServiceKind.APPLICATION),
        ),
    ] = None,
    waiting_of_compose: Annotated[
        str | None,
        typer.Option(
            help="Drop the waiting deployments of this compose.",
            metavar="SERVICE",
            autocompletion=completing.service_of(ServiceKind.COMPOSE),
        ),
    ] = None,
    every_build_on_the_host: Annotated[
        bool,
        typer.Option(
            EVERY_BUILD,
            help="End it by the call that ends EVERY docker build on the host, those of other services too.",
        ),
    ] = False,
    yes: Yes = False,
) -> None:
    """End a running deployment where the server can, or drop those of a service that wait. Asks first."""
    from pulumi_dokploy_deployments.cli.selecting import one_service
    from pulumi_dokploy_deployments.functions.filters import InvalidArgument

    waiting = one_service(application=waiting_of_application, compose=waiting_of_compose)
    if (deployment is None) == (waiting is None):
        raise InvalidArgument(
            "What to end is not clear.",
            next_step="Give a running deployment's id, or --waiting-of-application or --waiting-of-compose.",
        )
    if waiting is not None:
        _drop_waiting(session, waiting, yes=yes)
    elif deployment is not None:
        _kill(session, deployment, every_build=every_build_on_the_host, yes=yes)


# --- a running one -----------------------------------------------------------------------------------------------


def _kill(session: Session, deployment_id: str, *, every_build: bool, yes: bool) -> None:
    from pulumi_dokploy_deployments.api.models import JobState
    from pulumi_dokploy_deployments.cli.errors import Refused
    from pulumi_dokploy_deployments.cli.finding import find_deployment

    async def look(client: DokployClient) -> tuple[Found, list[QueueJob]]:
        jobs = await session.retry(client.queue)
        return await session.retry(lambda: find_deployment(client, deployment_id)), jobs

    found, jobs = session.run(look)
    row = found.row
    if row.status.is_final:
        raise Refused(
            f"The deployment {row.deployment_id} of {found.name} does not run: its status is {row.status.value}. "
            "Nothing was done."
        )
    if every_build:
        own = found.service.service_id
        others = [job for job in jobs if job.state is JobState.ACTIVE and job.service_id != own]
        session.confirm(_every_build_question(found, others), yes=yes)
        session.goes_on = ASKED_TO_KILL
        killed = session.run(lambda client: _kill_every_build(session, client, found))
    else:
        session.confirm(f"Kill the running deployment {row.deployment_id} of {found.name}?", yes=yes)
        session.goes_on = ASKED_TO_KILL
        killed = session.run(lambda client: _kill_process(session, client, found))
    facts = {"deployment_id": killed.row.deployment_id, "status": killed.row.status.value}
    if not killed.row.status.is_final:
        raise Refused(killed.message, facts={**facts, "has_ended": False})
    if session.is_json:
        session.json({**facts, "has_ended": True, "message": killed.message})
    session.say(killed.message, "green")


async def _kill_process(session: Session, client: DokployClient, found: Found) -> Killed:
    from pulumi_dokploy_deployments.api.errors import InvalidRequest

    try:
        await client.kill_process(found.row.deployment_id)
    except InvalidRequest as refused:
        row = await _settled(session, client, found, seconds=0.0)
        if row.status.is_final:
            return Killed(row, f"It ended by itself before the server was asked; its status is {row.status.value}.")
        raise _can_not_kill(found, refused) from None
    row = await _settled(session, client, found)
    return Killed(row, f"The server killed it; its status is {row.status.value}.")


def _can_not_kill(found: Found, refused: InvalidRequest) -> Refused:
    from pulumi_dokploy_deployments.api.models import ServiceKind
    from pulumi_dokploy_deployments.cli.errors import Refused

    identity = found.row.deployment_id
    only_way = (
        "The server's other way ends every build on its host, those of other services too: "
        f"`dokploy-deployments kill {identity} {EVERY_BUILD}`."
        if found.service.kind is ServiceKind.APPLICATION
        else f"Wait for its end: dokploy-deployments watch {identity}"
    )
    reason = refused.message.rpartition(": ")[2].rstrip(".")
    return Refused(
        f"The server can't kill this deployment of {found.name}, which goes on: {reason}. Dokploy v0.30.2 says so of "
        "every deployment of an application or compose, since it keeps no process id for them.",
        next_step=only_way,
        facts={"deployment_id": identity, "status": found.row.status.value, "has_ended": False},
    )


async def _kill_every_build(session: Session, client: DokployClient, found: Found) -> Killed:
    from pulumi_dokploy_deployments.api.models import ServiceKind

    await client.kill_build(found.service.kind, found.service.service_id)
    row = await _settled(session, client, found)
    if not row.status.is_final:
        return Killed(
            row,
            "The server accepted the call, and the deployment still runs: it was in a stage without a docker build (a "
            "clone, a push or a pull), which this call does not touch.",
        )
    message = f"The server killed every docker build on its host; this deployment's status is {row.status.value}."
    if found.service.kind is ServiceKind.COMPOSE:
        message += " A compose's build may run on to its end all the same and replace the containers: check them."
    return Killed(row, message)


async def _settled(
    session: Session, client: DokployClient, found: Found, seconds: float = SETTLES_SECONDS
) -> DeploymentRecord:
    """The row once it is final, or after a few seconds as it stands."""
    until = session.clock.monotonic() + seconds
    ref = found.service
    while True:
        rows = await session.retry(lambda: client.deployments_of(ref.kind, ref.service_id))
        row = next((one for one in rows if one.deployment_id == found.row.deployment_id), found.row)
        if row.status.is_final or session.clock.monotonic() >= until:
            return row
        await session.clock.sleep(LOOK_EVERY_SECONDS)


def _every_build_question(found: Found, others: Sequence[QueueJob]) -> str:
    victims = "no other deployment runs at the moment"
    if others:
        named = ", ".join(f"{job.data.title_log or job.id} ({job.service_id})" for job in others)
        victims = f"{_counted(len(others), 'other deployment')} run and will fail with it: {named}"
    return f"Kill EVERY docker build on the server's host, to end {found.row.deployment_id} of {found.name}? {victims}."


# --- those that wait ---------------------------------------------------------------------------------------------


def _drop_waiting(session: Session, ref: ServiceRef, *, yes: bool) -> None:
    """Drop the waiting jobs of one service."""
    from pulumi_dokploy_deployments.cli.errors import Refused
    from pulumi_dokploy_deployments.functions.names import named_service

    async def look(client: DokployClient) -> tuple[Service, list[QueueJob]]:
        service = await session.retry(lambda: named_service(client, ref.kind, ref.service_id))
        return service, _waiting(await session.retry(client.queue), service.service_id)

    service, before = session.run(look)
    name = service.name
    if not before:
        raise Refused(f"No deployment of {name} waits in the queue. Nothing was done.")
    titles = ", ".join(job.data.title_log or job.id for job in before)
    session.confirm(f"Drop {_counted(len(before), 'waiting deployment')} of {name} ({titles})?", yes=yes)

    session.goes_on = "The server may have dropped what waits: dokploy-deployments queue"

    async def drop(client: DokployClient) -> list[QueueJob]:
        await client.drop_waiting_jobs(service.kind, service.service_id)
        return _waiting(await session.retry(client.queue), service.service_id)

    after = {job.id for job in session.run(drop)}
    gone = [job for job in before if job.id not in after]
    if session.is_json:
        session.json({"dropped": [job.id for job in gone], "still_waiting": sorted(after)})
    dropped = _counted(len(gone), "waiting deployment")
    session.say(f"Dropped {dropped} of {name}. What is dropped leaves no trace in the history.", "green")
    if after:
        session.warn(f"{_counted(len(after), 'waiting deployment')} of {name} in the queue: new ones, or not dropped.")


def _waiting(jobs: Sequence[QueueJob], service_id: str) -> list[QueueJob]:
    return [job for job in jobs if job.service_id == service_id and job.state.is_waiting and not job.is_preview]


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
