"""What every step of one run works with: the request, its run_context, its deadline, patience and log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from pulumi_dokploy_deployments.api.errors import ApiError
from pulumi_dokploy_deployments.api.models import DeploymentRecord, Service
from pulumi_dokploy_deployments.api.services import dashboard_link
from pulumi_dokploy_deployments.rollout import failures
from pulumi_dokploy_deployments.rollout.log_follower import LogFollower
from pulumi_dokploy_deployments.rollout.outcome import RolloutOutcome
from pulumi_dokploy_deployments.rollout.request import RolloutRequest
from pulumi_dokploy_deployments.rollout.stages import Stage
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.retry import RetryBudget, retry_transient
from pulumi_dokploy_deployments.waiting.snapshot import Snapshot
from pulumi_dokploy_deployments.workload.health_probe import Baseline

T = TypeVar("T")

WAIT_BUDGET_SECONDS = 180.0
"""How long a wait bears a server that does not answer."""


class Workbench:
    """The tools of one run, and what it has seen so far."""

    def __init__(self, request: RolloutRequest, context: RunContext) -> None:
        self.request, self.context = request, context
        self.client, self.clock, self.progress = context.client, context.clock, context.progress
        self.budget = RetryBudget(budget_seconds=min(WAIT_BUDGET_SECONDS, request.timeout_seconds))
        self.log = LogFollower(context, show=request.stream_logs)
        self.deadline = self.clock.monotonic() + request.timeout_seconds
        self.last: DeploymentRecord | None = None
        self.stage = Stage.QUEUED
        self.has_faulted = False

    async def retry_transient(self, call: Callable[[], Awaitable[T]], budget: RetryBudget | None = None) -> T:
        """Make a call that may be repeated, within the run's patience or another one, and within the deadline."""
        budget = budget or self.budget
        # A fault near the end must not make the wait longer than its deadline.
        budget.budget_seconds = min(budget.budget_seconds, max(1.0, self.deadline - self.clock.monotonic()))
        return await retry_transient(call, budget=budget, clock=self.clock, on_fault=self.tell_fault)

    async def observe(self, not_before: float = float("-inf")) -> Snapshot:
        """The service's jobs and rows now; `not_before` is the monotonic time of the trigger."""
        ref, watcher = self.request.service, self.context.shared_watcher
        return await self.retry_transient(lambda: watcher.observe(ref.kind, ref.service_id, not_before=not_before))

    async def rows(self) -> list[DeploymentRecord]:
        """The service's rows now."""
        ref = self.request.service
        return await self.retry_transient(lambda: self.client.deployments_of(ref.kind, ref.service_id))

    async def tail(self) -> list[str]:
        """The end of the build log, short where the whole log has run along."""
        if self.last is None:
            return []
        lines = failures.SHORT_TAIL_LINES if self.request.stream_logs else failures.TAIL_LINES
        tail = await failures.log_tail(self.client, self.last, lines)
        if not self.request.stream_logs:
            for line in tail:
                self.log.stages.read(line)
        return tail

    def link(self, service: Service) -> str:
        """The service's page in the dashboard."""
        return dashboard_link(self.client.connection.origin, service)

    def outcome(
        self, service: Service, nonce: str, row: DeploymentRecord | None, baseline: Baseline, queued_at: datetime | None
    ) -> RolloutOutcome:
        """The outcome as far as it is known when the row is final, or the database's request answered."""
        queued = None
        if row is not None and row.started_at is not None and queued_at is not None:
            queued = max(0.0, (row.started_at - queued_at).total_seconds())
        return RolloutOutcome(
            service=service,
            nonce=nonce,
            row=row,
            stage=self.stage,
            url=self.link(service),
            queued_seconds=queued,
            previous_image=baseline.image,
        )

    def tell_fault(self, error: ApiError) -> None:
        """Show a fault that is borne."""
        self.has_faulted = True
        self.context.reporter.status(f"{error.message.rstrip('.')}; trying again")
