"""Small things that both resources do: read their service, tell that it is gone, write times."""

from __future__ import annotations

from datetime import datetime

from pulumi_dokploy_deployments.api.errors import NotFound
from pulumi_dokploy_deployments.api.models import Service
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.rollout.failures import unknown_service
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.retry import retry_transient, short_budget


async def read_service(ref: ServiceRef, context: RunContext) -> Service:
    """The service; short faults are borne.

    Raises:
        UnknownService: there is none with this id.
        ApiError: the key does not open it, or the server can't be reached.
    """
    client = context.client
    try:
        return await retry_transient(
            lambda: client.read_service(ref.kind, ref.service_id), budget=short_budget(), clock=context.clock
        )
    except NotFound as error:
        raise unknown_service(ref, client.connection.origin) from error


def service_is_gone(error: BaseException) -> bool:
    """Whether `read_service` failed because the service does not exist."""
    return isinstance(error.__cause__, NotFound)


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds, as the server writes times."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment is not None else None
