"""Small things that both resources do: read their service, tell that it is gone, write times."""

from __future__ import annotations

from datetime import datetime

from pulumi_dokploy_deployments.api.errors import NotFound
from pulumi_dokploy_deployments.api.models import Service
from pulumi_dokploy_deployments.rollout.context import ServiceRef, Surroundings
from pulumi_dokploy_deployments.rollout.failures import unknown_service
from pulumi_dokploy_deployments.rollout.patience import patiently, quick_patience


async def read_service(ref: ServiceRef, around: Surroundings) -> Service:
    """The service; short faults are borne.

    Raises:
        UnknownService: there is none with this id.
        ApiError: the key does not open it, or the server can't be reached.
    """
    client = around.client
    try:
        return await patiently(
            lambda: client.read_service(ref.kind, ref.service_id), patience=quick_patience(), clock=around.clock
        )
    except NotFound as error:
        raise unknown_service(ref, client.connection.origin) from error


def service_is_gone(error: BaseException) -> bool:
    """Whether `read_service` failed because the service does not exist."""
    return isinstance(error.__cause__, NotFound)


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds, as the server writes times."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment is not None else None
