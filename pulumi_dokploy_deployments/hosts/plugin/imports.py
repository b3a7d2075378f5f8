"""What `pulumi import` and `.get` find behind a documented id.

`Deployment`: `<kind>/<service id>/<deployment id>`, or `<kind>/<service id>/latest` for the newest one in the
history; databases leave no deployments in the history and are named `<kind>/<service id>`.
`RollbackTarget`: `<kind>/<service id>/<rollback id or deployment id>` of the version that it pins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.api.models import DeploymentRecord, ServiceKind
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.resources import deployment, rollback_target
from pulumi_dokploy_deployments.resources.common import read_service, service_is_gone
from pulumi_dokploy_deployments.resources.deployment_model import DeploymentOutputs
from pulumi_dokploy_deployments.resources.deployment_resume import ADOPTED
from pulumi_dokploy_deployments.resources.rollback_target_model import RollbackTargetOutputs
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.retry import retry_transient, short_budget

LATEST = "latest"

Props = dict[str, Any]


class UnusableId(DokployError):
    """An id that names nothing."""


@dataclass(frozen=True)
class Imported:
    """A resource as it was found."""

    resource_id: str
    inputs: Props
    state: Props


async def deployment_of(resource_id: str, context: RunContext) -> Imported | None:
    """The deployment behind an id; None when the server has no such service or deployment."""
    service, which = _parse(resource_id, "application/<application id>/<deployment id>", "…/latest")
    if which is None and not service.kind.is_database:
        raise _unusable(resource_id, "application/<application id>/<deployment id>", "…/latest")
    inputs: Props = {f"{service.kind.value}_id": service.service_id}
    state: Props = {**inputs, **DeploymentOutputs().model_dump(), "nonce": "", ADOPTED: True}
    if service.kind.is_database:
        read = await deployment.read(state, context)
        return Imported(resource_id, inputs, read) if read is not None else None
    row = await _row(service, which or LATEST, context)
    if row is None:
        return None
    read = await deployment.read({**state, **deployment.row_outputs(row), "stage": "done"}, context)
    found = f"{service.kind.value}/{service.service_id}/{row.deployment_id}"
    return Imported(found, inputs, read) if read is not None else None


async def rollback_target_of(resource_id: str, context: RunContext) -> Imported | None:
    """The pin behind an id; None when the server has no such service or version."""
    form = "application/<application id>/<rollback id or deployment id>"
    service, which = _parse(resource_id, form)
    if which is None or service.kind.is_database:
        raise _unusable(resource_id, form)
    rows = await _rows(service, context)
    row = next((row for row in rows if which in (row.rollback_id, row.deployment_id)), None)
    if row is None:
        return None
    selector = {"rollback_id": which} if row.rollback_id == which else {"deployment_id": which}
    inputs: Props = {f"{service.kind.value}_id": service.service_id, **selector}
    resolved = await rollback_target.resolve({}, inputs, context)
    target = resolved[rollback_target.TARGET]
    outputs = RollbackTargetOutputs(
        rollback_id=target.get("rollback_id"),
        deployment_id=target.get("deployment_id"),
        version=target.get("version"),
        image=target.get("image"),
        commit_hash=target.get("commit_hash"),
        commit_message=target.get("commit_message"),
        strategy_used=target.get("strategy"),
    )
    read = await rollback_target.read({**resolved, **outputs.model_dump()}, context)
    found = f"{service.kind.value}/{service.service_id}/pin"
    return Imported(found, resolved, read) if read is not None else None


async def _row(service: ServiceRef, which: str, context: RunContext) -> DeploymentRecord | None:
    rows = await _rows(service, context)
    if which == LATEST:
        return max(rows, key=lambda row: row.created_at, default=None)
    return next((row for row in rows if row.deployment_id == which), None)


async def _rows(service: ServiceRef, context: RunContext) -> list[DeploymentRecord]:
    try:
        await read_service(service, context)
    except DokployError as error:
        if service_is_gone(error):
            return []
        raise
    return await retry_transient(
        lambda: context.client.deployments_of(service.kind, service.service_id),
        budget=short_budget(),
        clock=context.clock,
    )


def _parse(resource_id: str, *forms: str) -> tuple[ServiceRef, str | None]:
    kind, _, rest = resource_id.partition("/")
    service_id, _, which = rest.partition("/")
    if kind not in {known.value for known in ServiceKind} or not service_id or "/" in which:
        raise _unusable(resource_id, *forms)
    return ServiceRef(ServiceKind(kind), service_id), which or None


def _unusable(resource_id: str, *forms: str) -> UnusableId:
    return UnusableId(
        f"{resource_id!r} is not an id that can be imported.",
        next_step=f"Give it as {' or '.join(forms)}; the ids stand in the addresses of the dashboard's pages.",
    )
