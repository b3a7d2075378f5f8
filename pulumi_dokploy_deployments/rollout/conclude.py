"""From the final row to the end of a run: the commit, the version, the proof that it runs, and who came after."""

from __future__ import annotations

import asyncio

from pulumi_dokploy_deployments.api.errors import AccessDenied, NotFound
from pulumi_dokploy_deployments.api.models import DeploymentRecord, DeploymentStatus, ServiceKind
from pulumi_dokploy_deployments.rollout import failures
from pulumi_dokploy_deployments.rollout.errors import RolloutError
from pulumi_dokploy_deployments.rollout.request import WaitFor, overwrites_title
from pulumi_dokploy_deployments.rollout.wait import Wait
from pulumi_dokploy_deployments.waiting.progress import Stage
from pulumi_dokploy_deployments.workload.health import Health, Verdict
from pulumi_dokploy_deployments.workload.health_probe import why_unknown
from pulumi_dokploy_deployments.workload.health_wait import wait_for_containers, wait_for_tasks

COMMIT_SETTLES_SECONDS = 3.0
"""The commit overwrites the title some 130 ms after the status is final (timeline 242)."""
COMMIT_LOOK_SECONDS = 0.15


async def conclude(wait: Wait, row: DeploymentRecord) -> None:
    """Take a run from its final row to its end, as far as the request asks.

    Raises:
        RolloutError: the deployment failed, built another commit, or does not run.
        ApiError: the server could not be asked any more.
    """
    record = wait.record
    # What is still on its way of the log must not hold up the rest.
    log = asyncio.ensure_future(wait.log.finish(row))
    try:
        row = record.deployment = await _settled(wait, row)
        if row.status is not DeploymentStatus.DONE:
            await log
            raise _failure_of(wait, row, await wait.tail())
        await _prove(wait, row)
        await log
    finally:
        log.cancel()


async def _prove(wait: Wait, row: DeploymentRecord) -> None:
    """From `done` to the end: the right commit, the version, what runs, and who came after."""
    record, reporter = wait.record, wait.context.reporter
    _expect_commit(wait, row)
    record.stage = Stage.UPDATE
    if row.rollback_id is not None:
        record.version = await _version_of(wait, row)
    if wait.request.wait_for is WaitFor.HEALTHY:
        await verify_running(wait, row)
    newer = await _newer_than(wait, row)
    record.superseded_by = newer.deployment_id if newer is not None else None
    if newer is not None and newer.status.is_final and record.verdict.health is not Health.NOT_CHECKED:
        # What was judged may be the newer deployment's doing: neither healthy nor unhealthy is proven.
        record.verdict = Verdict(Health.UNKNOWN, "a newer deployment took its place before it was proven")
    if record.verdict.health is Health.UNHEALTHY:
        raise failures.unhealthy(wait.service, row, record.verdict, record.link)
    if record.verdict.health is Health.UNKNOWN:
        reporter.warning(failures.unproven(wait.service, record.verdict))
    if record.superseded_by is not None:
        reporter.warning(failures.superseded(wait.service, record.superseded_by))
    record.stage = Stage.DONE


async def verify_running(wait: Wait, row: DeploymentRecord | None) -> None:
    """Watch what runs until it is proven or refuted; the verdict goes into the record.

    Args:
        row: the deployment's row; None for databases, which have none.

    Raises:
        DeploymentTimedOut: the deadline passed while it was watched.
        ApiError: the server could not be asked any more.
    """
    record, service, context = wait.record, wait.service, wait.context
    record.stage = Stage.HEALTH_CHECK
    if not record.before.is_known:
        record.verdict = Verdict(Health.UNKNOWN, record.before.unknown_because)
        return
    try:
        if service.kind is ServiceKind.COMPOSE:
            record.verdict = await wait_for_containers(context, service, wait.deadline, wait.budget)
        else:
            record.verdict = await wait_for_tasks(context, service, row, record.before, wait.deadline, wait.budget)
    except (AccessDenied, NotFound) as error:
        record.verdict = Verdict(Health.UNKNOWN, why_unknown(error))
    except TimeoutError as late:
        raise failures.timed_out(
            service,
            row,
            wait.request.timeout_seconds,
            Stage.HEALTH_CHECK,
            [],
            record.link,
            so_far=str(late),
            deadline=wait.request.deadline_source,
        ) from None


async def _settled(wait: Wait, row: DeploymentRecord) -> DeploymentRecord:
    """The row with the commit that the server writes into it after the end."""
    if not overwrites_title(wait.service, wait.request.method):
        return row
    until = wait.clock.monotonic() + COMMIT_SETTLES_SECONDS
    while row.commit_hash is None and wait.clock.monotonic() < until:
        await wait.clock.sleep(COMMIT_LOOK_SECONDS)
        rows = await wait.rows()
        row = next((found for found in rows if found.deployment_id == row.deployment_id), row)
    return row


def _failure_of(wait: Wait, row: DeploymentRecord, tail: list[str]) -> RolloutError:
    if row.status is DeploymentStatus.CANCELLED:
        return failures.cancelled(wait.service, row, tail, wait.record.link)
    return failures.failed(wait.service, row, wait.log.stages.reached, tail, wait.record.link)


def _expect_commit(wait: Wait, row: DeploymentRecord) -> None:
    expected = wait.request.expect_commit
    if expected and not (row.commit_hash or "").startswith(expected.lower()):
        raise failures.other_commit(wait.service, row, expected, wait.record.link)


async def _version_of(wait: Wait, row: DeploymentRecord) -> int | None:
    service = wait.service
    rows = await wait.retry(lambda: wait.client.deployments_by_type(service.kind.value, service.service_id))
    found = next((other for other in rows if other.deployment_id == row.deployment_id), None)
    return found.rollback.version if found is not None and found.rollback is not None else None


async def _newer_than(wait: Wait, row: DeploymentRecord) -> DeploymentRecord | None:
    newer = [other for other in await wait.rows() if other.created_at > row.created_at]
    return max(newer, key=lambda other: other.created_at, default=None)
