"""The commands that end something: `kill` and `remove`. They ask first, and say what the server really did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.errors import InvalidRequest, NotFound
from pulumi_dokploy_deployments.api.models import DeploymentRecord, DeploymentStatus, JobState, QueueJob, ServiceKind
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.cli.errors import Refused
from pulumi_dokploy_deployments.cli.finding import Found, find_deployment
from pulumi_dokploy_deployments.cli.session import Session
from pulumi_dokploy_deployments.functions.identity import existing_service
from pulumi_dokploy_deployments.functions.logs import unknown_deployment
from pulumi_dokploy_deployments.waiting.clock import Clock, SystemClock

EVERY_BUILD = "--every-build-on-the-host"
SETTLES_SECONDS = 5.0
"""A killed build's row turns to error within some 0.2 s (timeline 130)."""
LOOK_EVERY_SECONDS = 0.2


@dataclass(frozen=True)
class Ended:
    """What became of a deployment that was to end."""

    row: DeploymentRecord
    message: str

    @property
    def has_ended(self) -> bool:
        """Whether the row is final."""
        return self.row.status.is_final


def kill(session: Session, deployment_id: str, *, every_build: bool, yes: bool, clock: Clock | None = None) -> None:
    """End a running deployment, where the server can."""
    time = clock or SystemClock()
    found, jobs = session.run(lambda client: _with_queue(client, deployment_id))
    if found.row.status.is_final:
        raise Refused(
            f"The deployment {found.row.deployment_id} of {found.name} does not run: its status is "
            f"{found.row.status.value}. Nothing was done."
        )
    if every_build:
        others = [job for job in jobs if job.state is not JobState.WAITING and job.service_id != _id_of(found)]
        session.confirm(_every_build_question(found, others), yes=yes)
        ended = session.run(lambda client: _kill_every_build(client, found, time))
    else:
        session.confirm(f"Kill the running deployment {found.row.deployment_id} of {found.name}?", yes=yes)
        ended = session.run(lambda client: _kill_process(client, found, time))
    _tell(session, ended)


def drop_waiting(session: Session, ref: ServiceRef, *, yes: bool) -> None:
    """Drop the waiting jobs of one service."""

    async def look(client: DokployClient) -> tuple[str, list[QueueJob]]:
        service = await existing_service(client, ref.kind, ref.service_id)
        return service.name, _waiting(await client.queue(), ref)

    name, before = session.run(look)
    if not before:
        raise Refused(f"No deployment of {name} waits in the queue. Nothing was done.")
    titles = ", ".join(job.data.title_log or job.id for job in before)
    session.confirm(f"Drop {len(before)} waiting deployment(s) of {name} ({titles})?", yes=yes)

    async def drop(client: DokployClient) -> list[QueueJob]:
        await client.drop_waiting_jobs(ref.kind, ref.service_id)
        return _waiting(await client.queue(), ref)

    after = {job.id for job in session.run(drop)}
    gone = [job for job in before if job.id not in after]
    if session.is_json:
        session.json({"dropped": [job.id for job in gone], "still_waiting": sorted(after)})
    session.say(f"Dropped {len(gone)} waiting deployment(s) of {name}; they leave no trace in the history.", "green")
    if after:
        session.warn(f"{len(after)} waiting deployment(s) of {name} are in the queue, new ones or not dropped.")


def remove(session: Session, deployment_id: str, *, yes: bool) -> None:
    """Delete a deployment from the history."""

    async def look(client: DokployClient) -> tuple[Found, DeploymentRecord]:
        found = await find_deployment(client, deployment_id)
        kind = found.service.kind.value
        rows = await client.deployments_by_type(kind, found.service.service_id)
        full = next((row for row in rows if row.deployment_id == found.row.deployment_id), found.row)
        return found, full

    found, row = session.run(look)
    session.confirm(_remove_question(found, row), yes=yes)

    async def delete(client: DokployClient) -> bool:
        try:
            await client.remove_deployment(row.deployment_id)
        except NotFound:
            raise unknown_deployment(client.connection.origin, row.deployment_id) from None
        ref = found.service
        rows = await client.deployments_of(ref.kind, ref.service_id)
        return all(other.deployment_id != row.deployment_id for other in rows)

    if not session.run(delete):
        raise Refused(f"The server answered well, and the deployment {row.deployment_id} is still in its history.")
    still_runs = not row.status.is_final
    if session.is_json:
        session.json({"removed": row.deployment_id, "was": row.status.value, "job_goes_on": still_runs})
    session.say(f"Removed the deployment {row.deployment_id} of {found.name} from the history.", "green")
    if still_runs:
        session.warn("It was running, and the server goes on with it: only its row and its log are gone.")


async def _with_queue(client: DokployClient, deployment_id: str) -> tuple[Found, list[QueueJob]]:
    jobs = await client.queue()
    return await find_deployment(client, deployment_id), jobs


async def _kill_process(client: DokployClient, found: Found, clock: Clock) -> Ended:
    try:
        await client.kill_process(found.row.deployment_id)
    except InvalidRequest as refused:
        row = await _settled(client, found, clock, seconds=0.0)
        if row.status.is_final:
            return Ended(row, "It came to its end by itself before the server was asked.")
        only_way = (
            f"The server's other way ends every build on its host, those of other services too: `dokploy-deployments "
            f"kill {found.row.deployment_id} {EVERY_BUILD}`."
            if found.service.kind is ServiceKind.APPLICATION
            else "Wait for its end: dokploy-deployments watch " + found.row.deployment_id
        )
        raise Refused(
            f"The server can't kill this deployment of {found.name}, which goes on: {_reason(refused)}. Dokploy "
            "v0.30.2 says so of every deployment of an application or compose, since it keeps no process id for them.",
            next_step=only_way,
        ) from None
    row = await _settled(client, found, clock)
    return Ended(row, f"The server killed it; its status is {row.status.value}.")


async def _kill_every_build(client: DokployClient, found: Found, clock: Clock) -> Ended:
    await client.kill_build(found.service.kind, found.service.service_id)
    row = await _settled(client, found, clock)
    if not row.status.is_final:
        return Ended(
            row,
            "The server took the call, and the deployment still runs: it was in a stage without a docker build (a "
            "clone, a push or a pull), which this call does not touch.",
        )
    message = f"The server killed every docker build on its host; this deployment's status is {row.status.value}."
    if found.service.kind is ServiceKind.COMPOSE:
        message += " A compose's build may run on to its end all the same and replace the containers: look at them."
    return Ended(row, message)


async def _settled(
    client: DokployClient, found: Found, clock: Clock, seconds: float = SETTLES_SECONDS
) -> DeploymentRecord:
    """The row once it is final, or after a few seconds as it stands."""
    until = clock.monotonic() + seconds
    ref = found.service
    while True:
        rows = await client.deployments_of(ref.kind, ref.service_id)
        row = next((one for one in rows if one.deployment_id == found.row.deployment_id), found.row)
        if row.status.is_final or clock.monotonic() >= until:
            return row
        await clock.sleep(LOOK_EVERY_SECONDS)


def _every_build_question(found: Found, others: Sequence[QueueJob]) -> str:
    victims = "no other deployment runs at the moment"
    if others:
        named = ", ".join(f"{job.data.title_log or job.id} ({job.service_id})" for job in others)
        victims = f"{len(others)} other deployment(s) run and will fail with it: {named}"
    return f"Kill EVERY docker build on the server's host, to end {found.row.deployment_id} of {found.name}? {victims}."


def _remove_question(found: Found, row: DeploymentRecord) -> str:
    question = f"Remove the deployment {row.deployment_id} of {found.name} ({row.status.value}) from the history?"
    if not row.status.is_final:
        question += " It still runs: removing does not stop it, only its row and log go."
    if row.rollback is not None and row.rollback.image and row.status is DeploymentStatus.DONE:
        question += f" Version v{row.rollback.version} can't be rolled back to any more."
    return question


def _tell(session: Session, ended: Ended) -> None:
    if session.is_json:
        session.json(
            {
                "deployment_id": ended.row.deployment_id,
                "status": ended.row.status.value,
                "has_ended": ended.has_ended,
                "message": ended.message,
            }
        )
    if not ended.has_ended:
        raise Refused(ended.message)
    session.say(ended.message, "green")


def _reason(refused: InvalidRequest) -> str:
    return refused.message.rpartition(": ")[2].rstrip(".")


def _id_of(found: Found) -> str:
    return found.service.service_id


def _waiting(jobs: Sequence[QueueJob], ref: ServiceRef) -> list[QueueJob]:
    return [job for job in jobs if job.service_id == ref.service_id and job.state is JobState.WAITING]
