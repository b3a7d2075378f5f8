"""Small things that both resources do: ask with retries, read their service, tell that it is gone, write times."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from pulumi_dokploy_deployments.api.errors import DokployError, NotFound
from pulumi_dokploy_deployments.api.models import DeploymentRecord, Service
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.resources.inputs import ServiceResourceInputs
from pulumi_dokploy_deployments.rollout.failures import unknown_service
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.progress import Activity, Progress
from pulumi_dokploy_deployments.waiting.retry import retry_transient, short_budget

T = TypeVar("T")

SECOND_LOOK_SECONDS = 3.0
"""So long after the first look a service that is gone, or an empty history, is looked for once more."""


async def ask_server(call: Callable[[], Awaitable[T]], context: RunContext) -> T:
    """Make a call that may be repeated; a short fault is retried for up to 6 s."""
    return await retry_transient(call, budget=short_budget(), clock=context.clock)


async def read_service(ref: ServiceRef, context: RunContext) -> Service:
    """The service.

    Raises:
        UnknownService: there is none with this id.
        ApiError: the key does not open it, or the server can't be reached.
    """
    client = context.client
    try:
        return await ask_server(lambda: client.read_service(ref.kind, ref.service_id), context)
    except NotFound as error:
        raise unknown_service(ref, client.connection.origin) from error


async def find_service(ref: ServiceRef, context: RunContext) -> Service | None:
    """The service; None where there is none with this id, also at a second look some seconds later.

    Raises:
        ApiError: the key does not open it, or the server can't be reached.
    """
    for pause in (SECOND_LOOK_SECONDS, None):
        try:
            return await read_service(ref, context)
        except DokployError as error:
            if not isinstance(error.__cause__, NotFound):
                raise
        if pause is not None:
            await context.clock.sleep(pause)
    return None


async def deployments_of(service: ServiceRef | Service, context: RunContext) -> list[DeploymentRecord]:
    """The service's deployments, as the server has them in its history; none only if there are none at two looks."""
    rows = await ask_server(lambda: context.client.deployments_of(service.kind, service.service_id), context)
    if rows or service.kind.is_database:
        return rows
    await context.clock.sleep(SECOND_LOOK_SECONDS)
    return await ask_server(lambda: context.client.deployments_of(service.kind, service.service_id), context)


def service_named(inputs: ServiceResourceInputs) -> ServiceRef:
    """The service, which valid and known inputs name."""
    service = inputs.service
    if service is None:
        raise DokployError("No service is named.")
    return service


def note(context: RunContext, text: str) -> None:
    """Show a line in the place of the status that changes nothing."""
    context.reporter.progress(Progress(Activity.NOTE, detail=text))


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds, as the server writes times."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment is not None else None
