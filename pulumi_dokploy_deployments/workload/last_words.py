"""What a failed task or container wrote last: a courtesy in a failure's message, short, bounded, and never an error."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from pulumi_dokploy_deployments.api.container_log import RunType, open_container_log
from pulumi_dokploy_deployments.api.errors import ApiError
from pulumi_dokploy_deployments.api.models import Service, ServiceKind
from pulumi_dokploy_deployments.api.redact import Redactor
from pulumi_dokploy_deployments.api.versions import Capability
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.workload.model import UnitState
from pulumi_dokploy_deployments.workload.verdict import FailedUnit, Verdict

MOST_LINES = 20
LONGEST_LINE = 300
LONGEST_WAIT_SECONDS = 5.0
"""How long it may take altogether: somebody waits for the failure."""
READING_SECONDS = 2.5
"""How long the WebSocket is read at the most; some containers never fall silent."""
SILENCE_SECONDS = 0.5
"""The WebSocket follows the log for ever: after so long without a word, that was all."""
MOST_BYTES = 256 * 1024
ASKED_LINES = 200
"""Lines come from several tasks and not in order; more are asked for than shown."""
CLOCK_SLACK = timedelta(seconds=1)

_STAMPED = re.compile(r"^(?P<stamp>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) ?(?P<text>.*)$")
_PLAIN = Redactor()
_WITHOUT_A_PROCESS = frozenset(
    {UnitState.NEW, UnitState.ALLOCATED, UnitState.PENDING, UnitState.REJECTED, UnitState.CREATED}
)


async def last_words(
    context: RunContext, service: Service, verdict: Verdict, *, since: datetime | None = None
) -> list[str]:
    """Up to 20 lines that the failed unit wrote since the deployment's start, in order; empty where there are none.

    Args:
        context: the server.
        service: whose workload it is.
        verdict: the verdict that names the unit.
        since: the start of the deployment; without one, that of the unit.
    """
    failed = verdict.failed_unit
    if failed is None or failed.unit.state in _WITHOUT_A_PROCESS:
        return []
    text = ""
    try:
        async with asyncio.timeout(LONGEST_WAIT_SECONDS):
            text = await _read(context, service, failed, others_run=any(member.tasks for member in verdict.members))
    except (ApiError, TimeoutError):
        return []
    return tidy(text, since=since if since is not None else failed.unit.born, redactor=context.client.redactor)


def tidy(text: str, *, since: datetime | None = None, redactor: Redactor = _PLAIN) -> list[str]:
    """The last lines in the order of their timestamps, without these, and fit for a terminal.

    Lines without a timestamp are no words of the container: Docker complains there, of an unknown id for instance.
    """
    found = (line for line in stamped_lines(text) if since is None or line.at >= since - CLOCK_SLACK)
    cleaned = [clean(line.text, redactor) for line in sorted(found)]
    return [line for line in cleaned if line][-MOST_LINES:]


@dataclass(frozen=True, order=True)
class StampedLine:
    """One line of a container, in the order of the stamps: these have nanoseconds, the moments only microseconds."""

    at: datetime
    stamp: str
    text: str


def stamped_line(raw: str) -> StampedLine | None:
    """A line of a container's log without its stamp; None where it has none."""
    found = _STAMPED.match(raw.lstrip("\x00"))
    moment = _moment(found["stamp"]) if found is not None else None
    return StampedLine(moment, found["stamp"], found["text"]) if found is not None and moment is not None else None


def stamped_lines(text: str) -> list[StampedLine]:
    """The lines of a container's log that have a stamp, in the order in which they came."""
    found = (stamped_line(raw) for raw in text.replace("\r\n", "\n").split("\n"))
    return [line for line in found if line is not None]


def clean(line: str, redactor: Redactor = _PLAIN) -> str:
    """A line without terminal commands, control characters and secrets, and not too long."""
    # What a carriage return writes over is not what the container said last.
    last = line.rstrip("\r").rpartition("\r")[2]
    plain = redactor.line(last).replace("\t", " ").rstrip()
    return plain if len(plain) <= LONGEST_LINE else plain[: LONGEST_LINE - 1] + "…"


async def _read(context: RunContext, service: Service, failed: FailedUnit, *, others_run: bool) -> str:
    client, unit = context.client, failed.unit
    if not unit.is_task:
        return await client.compose_log(service.service_id, unit.id, tail=ASKED_LINES)
    # Where another task runs, `readLogs` shows that one's lines: Swarm has gone back to the earlier version, say.
    if service.kind is not ServiceKind.COMPOSE and not others_run:
        with suppress(ApiError):  # the WebSocket is another way, and older
            if (await client.capabilities()).has(Capability.CONTAINER_LOG_READ):
                return await client.service_log(service.kind, service.service_id, tail=ASKED_LINES)
    return await read_stream(context, service, unit.id)


async def read_stream(context: RunContext, service: Service, task_id: str, *, tail: int = ASKED_LINES) -> str:
    """A task's log, or by a service's name that of all its tasks, as far as it comes before a silence.

    Raises:
        LogStreamUnavailable: no WebSocket could be opened.
    """
    if not context.has_live_log:
        return ""
    said = ""
    loop = asyncio.get_running_loop()
    stream = open_container_log(
        context.client.connection,
        task_id,
        run_type=RunType.SWARM,
        tail=tail,
        server_id=service.server_id,
        service_id=service.service_id,
        open_timeout_seconds=LONGEST_WAIT_SECONDS - READING_SECONDS - SILENCE_SECONDS,
    )
    async with stream as chunks:
        until = loop.time() + READING_SECONDS
        try:
            while len(said) < MOST_BYTES and loop.time() < until:
                async with asyncio.timeout(SILENCE_SECONDS if said else READING_SECONDS):
                    said += await anext(chunks)
        except (TimeoutError, StopAsyncIteration, ApiError):
            return said
    return said


def _moment(stamp: str) -> datetime | None:
    whole, dot, rest = stamp.partition(".")
    zone = rest.lstrip("0123456789") if dot else ""
    digits = rest[: len(rest) - len(zone)][:6] if dot else ""
    try:
        moment = datetime.fromisoformat(f"{whole}.{digits:0<6}{zone}" if dot else stamp)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
