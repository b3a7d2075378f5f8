"""From the final row to the end of a run: the commit, the version, the proof that it runs, and who came after."""

from __future__ import annotations

import asyncio

from pulumi_dokploy_deployments.api.models import DeploymentRecord, DeploymentStatus
from pulumi_dokploy_deployments.api.one_line import sentence
from pulumi_dokploy_deployments.api.versions import Capability
from pulumi_dokploy_deployments.rollout import failures
from pulumi_dokploy_deployments.rollout.errors import RolloutError
from pulumi_dokploy_deployments.rollout.named_version import compare_with_named
from pulumi_dokploy_deployments.rollout.request import IfUnproven, WaitFor, overwrites_title
from pulumi_dokploy_deployments.rollout.telling_line import READ_LINES
from pulumi_dokploy_deployments.rollout.wait import Wait
from pulumi_dokploy_deployments.waiting.progress import Stage
from pulumi_dokploy_deployments.workload.last_words import last_words
from pulumi_dokploy_deployments.workload.verdict import Health, Verdict
from pulumi_dokploy_deployments.workload.verify import VerificationTimedOut, wait_for_workload

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
            raise await _failure_of(wait, row, await wait.tail(READ_LINES))
        await _prove(wait, row)
        await log
        wait.tell_the_end()
    finally:
        log.cancel()


async def _prove(wait: Wait, row: DeploymentRecord) -> None:
    """From `done` to the end: the right commit, the version, what runs, and who came after."""
    record = wait.record
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
    await mind_the_verdict(wait)
    await compare_with_named(wait)
    if record.superseded_by is not None:
        wait.context.reporter.warning(failures.superseded(wait.service, record.superseded_by))
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
    since = row.started_at if row is not None else None
    try:
        record.verdict = await wait_for_workload(
            context,
            service,
            since=since,
            before=record.before,
            deadline=wait.deadline,
            budget=wait.budget,
            stable_seconds=wait.request.stable_seconds,
        )
    except VerificationTimedOut as late:
        record.verdict = late.verdict
        words = await last_words(wait.after, service, late.verdict, since=since)
        raise failures.timed_out(
            service,
            row,
            wait.request.timeout_seconds,
            Stage.HEALTH_CHECK,
            [],
            record.link,
            so_far=str(late),
            deadline=wait.request.deadline_source,
            last_words=words,
        ) from None


async def mind_the_verdict(wait: Wait) -> None:
    """Fail or warn as the verdict on what runs asks for.

    Raises:
        ServiceUnhealthy: the new version does not run.
        ServiceUnproven: whether it runs can't be told, and `if_unproven` is `fail`.
    """
    record, reporter = wait.record, wait.context.reporter
    service, row, verdict = wait.service, record.deployment, record.verdict
    if verdict.health is Health.UNHEALTHY:
        since = row.started_at if row is not None else None
        words = await last_words(wait.after, service, verdict, since=since)
        raise failures.unhealthy(service, row, verdict, record.link, last_words=words)
    if verdict.health is Health.UNKNOWN and wait.request.if_unproven is IfUnproven.FAIL:
        raise failures.not_proven(service, row, verdict, record.link)
    if verdict.health is Health.UNKNOWN:
        reporter.warning(failures.unproven(service, verdict))
    for warning in verdict.warnings:
        reporter.warning(sentence(warning))


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


async def _failure_of(wait: Wait, row: DeploymentRecord, tail: list[str]) -> RolloutError:
    if row.status is DeploymentStatus.CANCELLED:
        return failures.cancelled(
            wait.service,
            row,
            tail[-wait.shown_lines :],
            wait.record.link,
            survives_restart=await wait.can(Capability.QUEUE_SURVIVES_RESTART),
        )
    known = await wait.known()
    has_logs = known.has(Capability.BUILD_LOG_READ) or known.has(Capability.BUILD_LOG_LIVE)
    return failures.failed(
        wait.service,
        row,
        wait.log.stages.reached,
        tail,
        wait.record.link,
        shown_lines=wait.shown_lines,
        why_no_log="" if tail or has_logs else f"Dokploy {known.version} gives no build log",
    )


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
