"""What becomes of a deployment when its resource is deleted: stopped where that hits nobody else, kept, or removed."""

from __future__ import annotations

from collections.abc import Iterable

from pulumi_dokploy_deployments.api.errors import InvalidRequest, NotFound
from pulumi_dokploy_deployments.api.models import DeploymentRecord, DeploymentStatus
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.resources.common import ask_server
from pulumi_dokploy_deployments.resources.deployment_model import OnDelete
from pulumi_dokploy_deployments.resources.deployment_state import DeploymentState, LeftAs
from pulumi_dokploy_deployments.rollout.mark import carries
from pulumi_dokploy_deployments.waiting.context import RunContext


def needs_release(state: DeploymentState) -> bool:
    """Whether releasing the deployment asks the server for anything."""
    on_delete, service = state.inputs.on_delete, state.inputs.service
    if on_delete is OnDelete.RETAIN or service is None or service.kind.is_database:
        return False
    is_over = DeploymentStatus(state.outputs.status).is_final and state.run.left_as is not LeftAs.BROKEN_OFF
    return on_delete is OnDelete.REMOVE or not is_over


async def release(state: DeploymentState, context: RunContext) -> None:
    """Release the deployment as `on_delete` says. What can't be stopped is said, not forced."""
    on_delete, service = state.inputs.on_delete, state.inputs.service
    if service is None or not needs_release(state):
        return
    try:
        row = await _stop(service, state, context)
        if on_delete is OnDelete.REMOVE and row is not None:
            await ask_server(lambda: context.client.remove_deployment(row.deployment_id), context)
    except NotFound:
        return


async def _stop(service: ServiceRef, state: DeploymentState, context: RunContext) -> DeploymentRecord | None:
    """Stop the deployment if it waits or runs and can be stopped without hitting others; gives its row."""
    client, nonce = context.client, state.run.nonce
    now, watcher = context.clock.monotonic(), context.shared_watcher
    snapshot = await ask_server(lambda: watcher.observe(service.kind, service.service_id, not_before=now), context)
    waiting = [job for job in snapshot.jobs if job.state.is_waiting]
    own_waits = [job for job in waiting if nonce and carries(job.data.description_log, nonce)]
    if any(job.is_of_cloud for job in own_waits):
        context.reporter.warning(
            f"The deployment of {service} still waits in the queue of Dokploy Cloud, which can't drop it."
        )
    elif own_waits and len(own_waits) == len(waiting):
        await ask_server(lambda: client.drop_waiting_jobs(service.kind, service.service_id), context)
    elif own_waits:
        context.reporter.warning(
            f"The deployment of {service} still waits in the queue beside others of the same service; Dokploy can "
            "only drop all of them together, so it was left there."
        )
    row = own_row(snapshot.rows, state)
    if row is not None and row.status is DeploymentStatus.RUNNING and snapshot.jobs:
        try:
            await client.kill_process(row.deployment_id)
        except InvalidRequest:
            # The answer for every application and compose on v0.30.2 (transcript 44); killBuild would end every
            # build on the host (transcript 233).
            context.reporter.warning(
                f"The deployment {row.deployment_id} of {service} still runs. This server can't stop a single one, "
                "so it goes on to its end."
            )
    return row


def own_row(rows: Iterable[DeploymentRecord], state: DeploymentState) -> DeploymentRecord | None:
    """The resource's own row in the history: by its id, else by its mark."""
    identity, nonce, rows = state.outputs.deployment_id, state.run.nonce, list(rows)
    by_id = next((row for row in rows if row.deployment_id == identity), None)
    return by_id or next((row for row in rows if nonce and carries(row.description, nonce)), None)
