"""From the final row to the outcome: the commit, the version, the proof that it runs, and who came after."""

from __future__ import annotations

from typing import NoReturn

from pulumi_dokploy_deployments.api.errors import AccessDenied, NotFound
from pulumi_dokploy_deployments.api.models import DeploymentRecord, DeploymentStatus, Service, ServiceKind
from pulumi_dokploy_deployments.rollout import failures
from pulumi_dokploy_deployments.rollout.outcome import RolloutOutcome
from pulumi_dokploy_deployments.rollout.request import WaitFor, overwrites_title
from pulumi_dokploy_deployments.rollout.stages import Stage
from pulumi_dokploy_deployments.rollout.workbench import Workbench
from pulumi_dokploy_deployments.workload.health import Health, Verdict
from pulumi_dokploy_deployments.workload.health_probe import Baseline, why_unknown
from pulumi_dokploy_deployments.workload.health_wait import wait_for_containers, wait_for_tasks

COMMIT_SETTLES_SECONDS = 3.0
"""The commit overwrites the title some 130 ms after the status is final (timeline 242)."""


class Conclusion:
    """The last part of a run."""

    def __init__(self, bench: Workbench, service: Service, baseline: Baseline) -> None:
        self._bench, self._service, self._baseline = bench, service, baseline

    async def conclude(self, row: DeploymentRecord, outcome: RolloutOutcome) -> RolloutOutcome:
        """From the final row to the outcome.

        Raises:
            RolloutError: the deployment failed, built another commit, or does not run.
            ApiError: the server could not be asked any more.
        """
        service, baseline = self._service, self._baseline
        row = await self._settle(service, row)
        outcome.row = self._bench.last = self._bench.progress.row = row
        await self._bench.log.catch_up(row, final=True)
        if row.status is not DeploymentStatus.DONE:
            self._fail_with(row, service, await self._bench.tail())
        self._expect_commit(service, row)
        outcome.stage = self._bench.stage = Stage.UPDATE
        if row.rollback_id is not None:
            outcome.version = await self._version_of(service, row)
        if self._bench.request.wait_for is WaitFor.HEALTHY:
            self._bench.stage = self._bench.progress.stage = Stage.HEALTH_CHECK
            outcome.verdict = await prove(self._bench, service, row, baseline)
        newer = await self._newer_than(row)
        outcome.superseded_by = newer.deployment_id if newer is not None else None
        if newer is not None and newer.status.is_final and outcome.verdict.health is not Health.NOT_CHECKED:
            # What was judged may be the newer deployment's doing: neither healthy nor unhealthy is proven.
            outcome.verdict = Verdict(Health.UNKNOWN, "a newer deployment took its place before it was proven")
        if outcome.verdict.health is Health.UNHEALTHY:
            raise failures.unhealthy(service, row, outcome.verdict, self._bench.link(service))
        if outcome.verdict.health is Health.UNKNOWN:
            self._bench.context.reporter.warning(
                f"Dokploy says that the deployment is done; that the new version runs could not be checked: "
                f"{outcome.verdict.reason}."
            )
        if outcome.superseded_by is not None:
            self._bench.context.reporter.warning(
                f"A newer deployment of this service, {outcome.superseded_by}, has been made by someone else."
            )
        outcome.stage = Stage.DONE
        return outcome

    async def _settle(self, service: Service, row: DeploymentRecord) -> DeploymentRecord:
        """Wait for the commit that the server writes into the row after the end."""
        if not overwrites_title(service, self._bench.request.method):
            return row
        until = self._bench.clock.monotonic() + COMMIT_SETTLES_SECONDS
        while row.commit_hash is None and self._bench.clock.monotonic() < until:
            await self._bench.clock.sleep(0.15)
            row = await self._row_again(row)
        return row

    async def _row_again(self, row: DeploymentRecord) -> DeploymentRecord:
        rows = await self._bench.rows()
        return next((found for found in rows if found.deployment_id == row.deployment_id), row)

    def _fail_with(self, row: DeploymentRecord, service: Service, tail: list[str]) -> NoReturn:
        link = self._bench.link(service)
        if row.status is DeploymentStatus.CANCELLED:
            raise failures.cancelled(service, row, tail, link)
        raise failures.failed(service, row, self._bench.log.stages.reached, tail, link)

    def _expect_commit(self, service: Service, row: DeploymentRecord) -> None:
        expected = self._bench.request.expect_commit
        if expected and not (row.commit_hash or "").startswith(expected.lower()):
            raise failures.other_commit(service, row, expected, self._bench.link(service))

    async def _version_of(self, service: Service, row: DeploymentRecord) -> int | None:
        rows = await self._bench.retry_transient(
            lambda: self._bench.client.deployments_by_type(service.kind.value, service.service_id)
        )
        found = next((other for other in rows if other.deployment_id == row.deployment_id), None)
        return found.rollback.version if found is not None and found.rollback is not None else None

    async def _newer_than(self, row: DeploymentRecord) -> DeploymentRecord | None:
        rows = await self._bench.rows()
        newer = [other for other in rows if other.created_at > row.created_at]
        return max(newer, key=lambda other: other.created_at, default=None)


async def prove(bench: Workbench, service: Service, row: DeploymentRecord | None, baseline: Baseline) -> Verdict:
    """Whether the new version really runs.

    Raises:
        DeploymentTimedOut: the deadline passed while it was watched.
        ApiError: the server could not be asked any more.
    """
    if not baseline.is_known:
        return Verdict(Health.UNKNOWN, baseline.unknown_because)
    try:
        if service.kind is ServiceKind.COMPOSE:
            return await wait_for_containers(bench.context, service, bench.deadline, bench.budget)
        return await wait_for_tasks(bench.context, service, row, baseline, bench.deadline, bench.budget)
    except (AccessDenied, NotFound) as error:
        return Verdict(Health.UNKNOWN, why_unknown(error))
    except TimeoutError as late:
        raise failures.timed_out(
            service,
            row,
            bench.request.timeout_seconds,
            Stage.HEALTH_CHECK,
            [],
            bench.link(service),
            so_far=str(late),
        ) from None
