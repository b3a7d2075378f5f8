"""Reads what a service is set to, sets it, and puts it back: input and output, the decisions are in `change`."""

from __future__ import annotations

from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.api.models import Service
from pulumi_dokploy_deployments.api.services import name_of
from pulumi_dokploy_deployments.api.text import clause, joined
from pulumi_dokploy_deployments.settings.change import Current, SettingsChange, change_of, way_back
from pulumi_dokploy_deployments.settings.wanted import Wanted
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.progress import Activity, Progress
from pulumi_dokploy_deployments.waiting.retry import retry_transient, short_budget


async def read_current(service: Service, wanted: Wanted, context: RunContext) -> Current:
    """What the service is set to; its environment is read only where a variable is named.

    Args:
        service: as it was read just now.
        wanted: what is asked of it.
        context: the server and the clock.

    Raises:
        ApiError: the server could not be asked.
    """
    if not wanted.env:
        return Current(service)
    text = await retry_transient(
        lambda: context.client.environment_text(service.kind, service.service_id),
        budget=short_budget(),
        clock=context.clock,
    )
    return Current(service, text)


async def plan_change(service: Service, wanted: Wanted, context: RunContext) -> SettingsChange:
    """What has to be set on the service; nothing is sent.

    Raises:
        SettingRefused: the service can't be set to it.
        ApiError: the server could not be asked.
    """
    return change_of(await read_current(service, wanted, context), wanted)


async def apply(service: Service, change: SettingsChange, context: RunContext) -> None:
    """Set the service with one partial update, or with none where it is set so already.

    Raises:
        ApiError: the server refused or could not be reached.
    """
    if change:
        context.reporter.progress(Progress(Activity.NOTE, detail=f"sets {change.told}"))
        await _update(service, dict(change.after), context)


async def put_back(service: Service, change: SettingsChange, context: RunContext) -> bool:
    """Set the service to what it was before the change; whether that was done. Where it can't be, that is told.

    What someone else has set meanwhile stays.
    """
    if not change:
        return True
    try:
        now = await retry_transient(
            lambda: context.client.read_service(service.kind, service.service_id),
            budget=short_budget(),
            clock=context.clock,
        )
        columns, left = way_back(await read_current(now, change.wanted, context), change)
        if columns:
            await _update(now, columns, context)
    except DokployError as error:
        context.reporter.warning(
            joined(
                f"What {name_of(service)} is set to could not be put back ({change.told}): ", clause(error.text), "."
            )
        )
        return False
    if left:
        context.reporter.warning(
            f"Meanwhile someone else has set {name_of(service)} to {', '.join(left)}, and it is left so."
        )
    return not left


async def _update(service: Service, columns: dict[str, str], context: RunContext) -> None:
    await retry_transient(
        lambda: context.client.update_service(service.kind, service.service_id, columns),
        budget=short_budget(),
        clock=context.clock,
    )
