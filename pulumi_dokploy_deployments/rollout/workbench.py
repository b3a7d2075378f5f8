"""What every step of one run works with: the request, its surroundings, its deadline, patience and log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from pulumi_dokploy_deployments.api.errors import ApiError
from pulumi_dokploy_deployments.api.models import Deployment, Service
from pulumi_dokploy_deployments.rollout import failures
from pulumi_dokploy_deployments.rollout.context import RolloutRequest, Surroundings, dashboard_link
from pulumi_dokploy_deployments.rollout.health_probe import Baseline
from pulumi_dokploy_deployments.rollout.log_follower import LogFollower
from pulumi_dokploy_deployments.rollout.observation import Snapshot
from pulumi_dokploy_deployments.rollout.outcome import RolloutOutcome
from pulumi_dokploy_deployments.rollout.patience import Patience, patiently
from pulumi_dokploy_deployments.rollout.stages import Stage

T = TypeVar("T")

WAIT_BUDGET_SECONDS = 180.0
"""How long a wait bears a server that does not answer."""


class Workbench:
    """The tools of one run, and what it has seen so far."""

    def __init__(self, request: RolloutRequest, around: Surroundings) -> None:
        self.request, self.around = request, around
        self.client, self.clock, self.progress = around.client, around.clock, around.progress
        self.patience = Patience(budget_seconds=min(WAIT_BUDGET_SECONDS, request.timeout_seconds))
        self.log = LogFollower(around, show=request.stream_logs)
        self.deadline = self.clock.monotonic() + request.timeout_seconds
        self.last: Deployment | None = None
        self.stage = Stage.QUEUED
        self.has_faulted = False

    async def patiently(self, call: Callable[[], Awaitable[T]], patience: Patience | None = None) -> T:
        """Make a call that may be repeated, within the run's patience or another one, and within the deadline."""
        patience = patience or self.patience
        # A fault near the end must not make the wait longer than its deadline.
        patience.budget_seconds = min(patience.budget_seconds, max(1.0, self.deadline - self.clock.monotonic()))
        return await patiently(call, patience=patience, clock=self.clock, on_fault=self.tell_fault)

    async def observe(self, not_before: float = float("-inf")) -> Snapshot:
        """The service's jobs and rows now; `not_before` is the monotonic time of the trigger."""
        ref, watcher = self.request.service, self.around.shared_watcher
        return await self.patiently(lambda: watcher.observe(ref.kind, ref.service_id, not_before=not_before))

    async def rows(self) -> list[Deployment]:
        """The service's rows now."""
        ref = self.request.service
        return await self.patiently(lambda: self.client.deployments_of(ref.kind, ref.service_id))

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
        self, service: Service, nonce: str, row: Deployment | None, baseline: Baseline, queued_at: datetime | None
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
        self.around.reporter.status(f"{error.message.rstrip('.')}; trying again")
