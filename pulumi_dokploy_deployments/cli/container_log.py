"""What the containers of a service wrote: read once, or followed over the WebSocket until somebody has enough."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from pulumi_dokploy_deployments.api.container_log import RunType, open_container_log
from pulumi_dokploy_deployments.api.errors import LogStreamUnavailable, MissingEndpoint, ServerError
from pulumi_dokploy_deployments.api.log_lines import LineSplitter
from pulumi_dokploy_deployments.api.models import Service, ServiceKind
from pulumi_dokploy_deployments.cli.session import Session
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.workload.last_words import StampedLine, read_stream, stamped_line, stamped_lines
from pulumi_dokploy_deployments.workload.model import Member, Unit
from pulumi_dokploy_deployments.workload.probe import WorkloadProbe

_NOTHING_THERE = "No container or service found"
"""Dokploy's words, with a 500, for a service of which nothing was started yet (transcript 581)."""


@dataclass(frozen=True)
class Source:
    """One task, one container, or all tasks of a service.

    Attributes:
        name: what it is called beside its lines; empty where there is only one.
        identity: what the WebSocket is asked for.
        run_type: what that names.
    """

    name: str
    identity: str
    run_type: RunType


@dataclass(frozen=True, order=True)
class ContainerLine:
    """One line, and whose it is."""

    line: StampedLine
    source: str = ""


async def sources_of(session: Session, context: RunContext, service: Service) -> list[Source]:
    """Whose lines are the service's: of each member what runs, else what ran last."""
    if service.kind is not ServiceKind.COMPOSE:
        return [Source("", service.app_name, RunType.SWARM)]
    probe = WorkloadProbe(context.client, context.clock, service)
    reading = await session.retry(probe.observe)
    return _sources([(member, unit) for member in reading.members for unit in _telling(member)])


def _sources(found: list[tuple[Member, Unit]]) -> list[Source]:
    return [
        Source(member.name if len(found) > 1 else "", unit.id, RunType.SWARM if unit.is_task else RunType.NATIVE)
        for member, unit in found
    ]


def _telling(member: Member) -> list[Unit]:
    up = [unit for unit in member.units if unit.is_up]
    return up or list(member.units[:1])


async def _ended_by_themselves(session: Session, context: RunContext, service: Service) -> list[Source]:
    """Of each member the task that ended last, unless Swarm has put it down for an update.

    A container that Docker itself starts again keeps its log.
    """
    reading = await session.retry(WorkloadProbe(context.client, context.clock, service).observe)
    ended = [
        (member, next((unit for unit in member.units if unit.is_task and unit.has_ended), None))
        for member in reading.members
    ]
    return _sources([(member, unit) for member, unit in ended if unit is not None and not unit.is_put_down_well])


async def read_lines(session: Session, context: RunContext, service: Service, *, tail: int) -> list[ContainerLine]:
    """The last lines of the service's containers, in the order of their timestamps.

    Where those that run have written nothing yet, those of the tasks before them: a service that crashes again and
    again has said why in them.

    Raises:
        ApiError: the server could not be asked, or the key's user has no access to the service.
    """
    lines: list[ContainerLine] = []
    for source in await sources_of(session, context, service):
        lines += _lines(await _text_of(session, context, service, source, tail), source)
    if not lines:
        for source in await _ended_by_themselves(session, context, service):
            with suppress(LogStreamUnavailable):  # it is read where it can be
                lines += _lines(await read_stream(context, service, source.identity, tail=tail), source)
    return sorted(lines)[-tail:]


def _lines(text: str, source: Source) -> list[ContainerLine]:
    return [ContainerLine(line, source.name) for line in stamped_lines(text)]


async def _text_of(session: Session, context: RunContext, service: Service, source: Source, tail: int) -> str:
    client = context.client
    if source.run_type is RunType.NATIVE:
        return await session.retry(lambda: client.compose_log(service.service_id, source.identity, tail=tail))
    if service.kind is ServiceKind.COMPOSE:
        return await read_stream(context, service, source.identity, tail=tail)

    async def of_service() -> str:
        try:
            return await client.service_log(service.kind, service.service_id, tail=tail)
        except ServerError as error:
            if _NOTHING_THERE in error.message:
                return ""
            raise

    try:
        return await session.retry(of_service)
    except MissingEndpoint:
        # Before v0.29.0 there is only the WebSocket.
        return await read_stream(context, service, source.identity, tail=tail)


async def follow_lines(
    session: Session, context: RunContext, service: Service, *, tail: int, show: Callable[[ContainerLine], None]
) -> None:
    """The last lines and those that come, until the server closes every stream, which it does not do by itself.

    Raises:
        LogStreamUnavailable: no WebSocket gets through, or the server refuses it.
    """

    async def follow(source: Source) -> None:
        splitter = LineSplitter()
        stream = open_container_log(
            context.client.connection,
            source.identity,
            run_type=source.run_type,
            tail=tail,
            server_id=service.server_id,
            service_id=service.service_id,
        )
        async with stream as chunks:
            async for chunk in chunks:
                for raw in splitter.feed(chunk.replace("\r\n", "\n")):
                    line = stamped_line(raw)
                    if line is not None:
                        show(ContainerLine(line, source.name))

    await asyncio.gather(*(follow(source) for source in await sources_of(session, context, service)))
