"""The life cycle of `Deployment`: check, diff, create, read, update, delete, without any engine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pulumi_dokploy_deployments.api.errors import DokployError, InvalidRequest, NotFound
from pulumi_dokploy_deployments.api.models import DeploymentRecord, DeploymentStatus, JobState, Service
from pulumi_dokploy_deployments.api.services import ServiceRef, dashboard_link, name_of
from pulumi_dokploy_deployments.resources.common import iso, read_service, service_is_gone
from pulumi_dokploy_deployments.resources.deployment_model import (
    DeploymentInputs,
    DeploymentOutputs,
    OnDelete,
    OnFailure,
)
from pulumi_dokploy_deployments.resources.fields import (
    SERVICE_ID_FIELDS,
    Checked,
    Diff,
    Problem,
    changed_paths,
    contains_unknown,
    model_problems,
    service_of,
    service_problems,
)
from pulumi_dokploy_deployments.rollback.by_image import running_image
from pulumi_dokploy_deployments.rollback.recovery import deploy_or_recover, no_way_warning, note_recovery_point
from pulumi_dokploy_deployments.rollout.deploy import deploy
from pulumi_dokploy_deployments.rollout.mark import carries, unmark
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.rollout.request import RolloutRequest
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.progress import Activity, Progress
from pulumi_dokploy_deployments.waiting.retry import retry_transient, short_budget

# Inputs that say how the next deployment is made, or what happens at the end: stored, no reason to deploy.
SETTINGS = ("wait_for", "timeout_seconds", "on_failure", "on_busy", "on_delete", "expect_commit", "stream_logs")
DEPLOYING = ("triggers", "method")
REPLACING = (*SERVICE_ID_FIELDS, "connection")
# `title` and `description` are left out of the diff: the server's own values stand in the state under these names.

State = dict[str, Any]


def check(news: Mapping[str, Any]) -> Checked:
    """Validate the inputs; unknown values pass. Each bad input gives one problem."""
    inputs = {name: value for name, value in news.items() if value is not None}
    problems = service_problems(inputs)
    problems += [
        problem
        for problem in model_problems(DeploymentInputs, inputs)
        if problem.property_name not in {known.property_name for known in problems}
    ]
    service = service_of(inputs)
    if not problems and service is not None and service.kind.is_database:
        problems += [
            Problem(name, f"{name} does not go with a database: {why}.")
            for name, why in _NOT_FOR_DATABASES.items()
            if _differs_from_default(name, inputs)
        ]
    return Checked(dict(inputs), tuple(problems))


_NOT_FOR_DATABASES = {
    "method": "Dokploy deploys it from its image and knows no other way",
    "expect_commit": "it is not built from a commit",
    "on_failure": "Dokploy keeps no earlier version of it; only `fail` is possible",
}


def _differs_from_default(name: str, inputs: Mapping[str, Any]) -> bool:
    value = inputs.get(name)
    return value is not None and not contains_unknown(value) and value != DeploymentInputs.model_fields[name].default


async def verify(inputs: Mapping[str, Any], context: RunContext) -> Service | None:
    """Ask the server whether the service exists and the key may see it; None while the service is not known.

    Warns when `on_failure: rollback` would find nothing to go back to.

    Raises:
        DokployError: it does not exist, the key does not open it, or the server can't be reached.
    """
    service = service_of(inputs)
    if service is None:
        return None
    found = await read_service(service, context)
    if inputs.get("on_failure") == OnFailure.ROLLBACK:
        point = await note_recovery_point(found, context)
        if point.why_no_way:
            context.reporter.warning(no_way_warning(point))
    await _warn_of_pin(found, context)
    return found


async def _warn_of_pin(service: Service, context: RunContext) -> None:
    """A pinned service runs a stored image; a deployment puts its own in the place (transcript 339)."""
    if not service.rollback_active:
        return
    image = await running_image(service, context)
    pinned = _STORED_IMAGE.search(image or "")
    if pinned is not None:
        context.reporter.warning(
            f"{name_of(service)} is pinned to version {pinned.group(1)}, and this deployment takes its place. A "
            "RollbackTarget that depends on this resource pins the version again afterwards."
        )


_STORED_IMAGE = re.compile(r"/[^/:]+:v(\d+)$")


def diff(olds: Mapping[str, Any], news: Mapping[str, Any]) -> Diff:
    """What changed, and whether it deploys or replaces."""
    replaces = _changes(REPLACING, olds, news)
    deploying = _changes(DEPLOYING, olds, news)
    settings = _changes(SETTINGS, olds, news)
    return Diff(tuple(replaces + deploying + settings), tuple(replaces), deploys=bool(replaces or deploying))


def _changes(names: tuple[str, ...], olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
    paths: list[str] = []
    for name in names:
        field = DeploymentInputs.model_fields[name]
        old = olds.get(name) if olds.get(name) is not None else field.default
        new = news.get(name) if news.get(name) is not None else field.default
        paths += changed_paths(name, old, new)
    return paths


async def create(inputs: Mapping[str, Any], context: RunContext, *, default_title: str = "") -> tuple[str, State]:
    """Trigger the deployment and wait for its end; gives the resource's id and its state."""
    run = await _deploy(inputs, context, default_title)
    service, row = run.known_service, run.deployment
    parts = [service.kind.value, service.service_id, row.deployment_id if row is not None else run.nonce]
    return "/".join(parts), state_of(inputs, run)


async def update(
    olds: Mapping[str, Any], news: Mapping[str, Any], context: RunContext, *, default_title: str = ""
) -> State:
    """Deploy again if the change asks for it, else store the settings."""
    change = diff(olds, news)
    if not change.deploys:
        # An input that the program no longer gives must not stay in the state, where it would differ for ever.
        outputs = {name: value for name, value in olds.items() if name not in DeploymentInputs.model_fields}
        return {**outputs, **news, **{name: olds.get(name) for name in ("title", "description")}}
    context.reporter.progress(Progress(Activity.NOTE, detail=f"{', '.join(change.changed[:3])} changed"))
    return state_of(news, await _deploy(news, context, default_title))


async def _deploy(inputs: Mapping[str, Any], context: RunContext, default_title: str) -> RunRecord:
    request = request_of(inputs, default_title)
    if inputs.get("on_failure") != OnFailure.ROLLBACK:
        return await deploy(request, context, context.record)
    service = await read_service(request.service, context)
    return await deploy_or_recover(request, service, context, context.record)


async def read(state: Mapping[str, Any], context: RunContext) -> State | None:
    """The state as the server has it now; None when the service itself is gone.

    A row that the server has dropped from its history is `pruned`, not deleted.
    """
    service_ref = service_of(state)
    if service_ref is None:
        return dict(state)
    client = context.client
    try:
        service = await read_service(service_ref, context)
    except DokployError as error:
        if service_is_gone(error):
            return None
        raise
    found: State = {**state, "app_name": service.app_name, "url": dashboard_link(client.connection.origin, service)}
    if service.kind.is_database:
        return {**found, "status": service.status.value}
    rows = await retry_transient(
        lambda: client.deployments_of(service.kind, service.service_id),
        budget=short_budget(),
        clock=context.clock,
    )
    row = _own_row(rows, state)
    if row is None:
        newest = max(rows, key=lambda other: other.created_at, default=None)
        newer = newest.deployment_id if newest is not None else state.get("superseded_by")
        return {**found, "pruned": True, "superseded_by": newer}
    newer_rows = [other for other in rows if other.created_at > row.created_at]
    newest = max(newer_rows, key=lambda other: other.created_at, default=None)
    return {
        **found,
        **row_outputs(row),
        "superseded_by": newest.deployment_id if newest is not None else None,
        "pruned": False,
    }


async def delete(state: Mapping[str, Any], context: RunContext) -> None:
    """Release the deployment as `on_delete` says. What can't be stopped is said, not forced."""
    on_delete = OnDelete(state.get("on_delete") or OnDelete.CANCEL)
    service = service_of(state)
    if on_delete is OnDelete.RETAIN or service is None or service.kind.is_database:
        return
    try:
        row = await _stop(service, state, context)
        if on_delete is OnDelete.REMOVE and row is not None:
            await retry_transient(
                lambda: context.client.remove_deployment(row.deployment_id),
                budget=short_budget(),
                clock=context.clock,
            )
    except NotFound:
        return


async def _stop(service: ServiceRef, state: Mapping[str, Any], context: RunContext) -> DeploymentRecord | None:
    """Stop the deployment if it waits or runs and can be stopped without hitting others; gives its row."""
    client, nonce = context.client, str(state.get("nonce") or "")
    now = context.clock.monotonic()
    snapshot = await retry_transient(
        lambda: context.shared_watcher.observe(service.kind, service.service_id, not_before=now),
        budget=short_budget(),
        clock=context.clock,
    )
    waiting = [job for job in snapshot.jobs if job.state is JobState.WAITING]
    own_waits = [job for job in waiting if nonce and carries(job.data.description_log, nonce)]
    if own_waits and len(own_waits) == len(waiting):
        await retry_transient(
            lambda: client.drop_waiting_jobs(service.kind, service.service_id),
            budget=short_budget(),
            clock=context.clock,
        )
    elif own_waits:
        context.reporter.warning(
            f"The deployment of {service} still waits in the queue beside others of the same service; Dokploy can "
            "only drop all of them together, so it was left there."
        )
    row = _own_row(snapshot.rows, state)
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


def _own_row(
    rows: list[DeploymentRecord] | tuple[DeploymentRecord, ...], state: Mapping[str, Any]
) -> DeploymentRecord | None:
    identity, nonce = state.get("deployment_id"), str(state.get("nonce") or "")
    by_id = next((row for row in rows if row.deployment_id == identity), None)
    return by_id or next((row for row in rows if nonce and carries(row.description, nonce)), None)


def request_of(inputs: Mapping[str, Any], default_title: str) -> RolloutRequest:
    """The run that the inputs ask for."""
    known = DeploymentInputs.model_validate({k: v for k, v in inputs.items() if k in DeploymentInputs.model_fields})
    service = service_of(inputs)
    if service is None:
        raise DokployError("No service is named.")
    return RolloutRequest(
        service=service,
        method=known.method,
        title=known.title or default_title,
        description=known.description or "",
        wait_for=known.wait_for,
        on_busy=known.on_busy,
        timeout_seconds=known.timeout_seconds,
        expect_commit=known.expect_commit,
        stream_logs=known.stream_logs,
    )


def state_of(inputs: Mapping[str, Any], run: RunRecord) -> State:
    """The state after a run that came to its end."""
    row = run.deployment
    outputs = DeploymentOutputs(
        status=row.status.value if row is not None else DeploymentStatus.DONE.value,
        stage=run.stage.value,
        queued_seconds=run.queued_seconds,
        version=run.version,
        app_name=run.known_service.app_name,
        url=run.link,
        health=run.verdict.health.value,
        superseded_by=run.superseded_by,
    )
    from_row = row_outputs(row) if row is not None else {}
    return {**inputs, **outputs.model_dump(), **from_row, "nonce": run.nonce}


def row_outputs(row: DeploymentRecord) -> State:
    """The outputs that the server's row gives."""
    return {
        "deployment_id": row.deployment_id,
        "status": row.status.value,
        "title": row.title,
        "description": unmark(row.description) if row.commit_hash is None else row.description,
        "commit_hash": row.commit_hash,
        "commit_message": row.commit_message,
        "created_at": iso(row.created_at),
        "started_at": iso(row.started_at),
        "finished_at": iso(row.finished_at),
        "duration_seconds": row.duration_seconds,
        "rollback_id": row.rollback_id,
    }
