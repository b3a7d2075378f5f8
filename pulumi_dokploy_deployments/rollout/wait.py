"""One wait: its deadline, its retries, its log, and the record that it writes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from pulumi_dokploy_deployments.api.errors import ApiError, NotFound
from pulumi_dokploy_deployments.api.models import DeploymentRecord, Service
from pulumi_dokploy_deployments.api.services import dashboard_link
from pulumi_dokploy_deployments.rollout import failures
from pulumi_dokploy_deployments.rollout.closing import closing_line
from pulumi_dokploy_deployments.rollout.log_follower import LogFollower
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.rollout.request import RolloutRequest
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.progress import Activity, Progress, Stage
from pulumi_dokploy_deployments.waiting.retry import RetryBudget, retry_transient, short_budget
from pulumi_dokploy_deployments.waiting.snapshot import Snapshot
from pulumi_dokploy_deployments.workload.verdict import Health

T = TypeVar("T")

RETRY_SECONDS = 180.0
"""How long a wait retries while the server does not answer."""


class Wait:
    """What every step of a wait works with.

    Args:
        request: what was asked for; of a deployment that is only watched, how long and how closely.
        context: the server, the clock and the listener.
        record: what is known, written by the steps.
    """

    def __init__(self, request: RolloutRequest, context: RunContext, record: RunRecord) -> None:
        self.request, self.context, self.record = request, context, record
        self.client, self.clock = context.client, context.clock
        self.budget = RetryBudget(budget_seconds=min(RETRY_SECONDS, request.timeout_seconds))
        self.log = LogFollower(context, show=request.stream_logs)
        self.began_at = self.clock.monotonic()
        self.deadline = self.began_at + request.timeout_seconds
        self.has_faulted = False
        self.started_at: float | None = None
        """When the job started, on this machine's monotonic clock."""

    async def begin(self) -> Service:
        """Read the service, with short retries.

        Raises:
            UnknownService: there is none with this id.
            ApiError: the key does not open it, or the server can't be reached.
        """
        ref = self.request.service
        try:
            service = await self.retry(lambda: self.client.read_service(ref.kind, ref.service_id), short_budget())
        except NotFound:
            raise failures.unknown_service(ref, self.client.connection.origin) from None
        self.record.service = service
        self.record.link = dashboard_link(self.client.connection.origin, service)
        return service

    @property
    def service(self) -> Service:
        """The service, known after `begin`."""
        return self.record.known_service

    @property
    def remaining(self) -> float:
        """Seconds to the deadline; negative once it has passed."""
        return self.deadline - self.clock.monotonic()

    async def retry(self, call: Callable[[], Awaitable[T]], budget: RetryBudget | None = None) -> T:
        """Make a call that may be repeated, within the wait's budget or another one, and within the deadline."""
        budget = budget or self.budget
        # A fault near the end must not make the wait longer than its deadline.
        budget.budget_seconds = min(budget.budget_seconds, max(1.0, self.remaining))
        return await retry_transient(call, budget=budget, clock=self.clock, on_fault=self.tell_fault)

    async def observe(self, not_before: float = float("-inf")) -> Snapshot:
        """The service's jobs and rows now; `not_before` is the monotonic time of the trigger."""
        ref, watcher = self.request.service, self.context.shared_watcher
        return await self.retry(lambda: watcher.observe(ref.kind, ref.service_id, not_before=not_before))

    async def observe_rows(self, before: Snapshot) -> Snapshot:
        """The service's rows now, with the jobs of an earlier snapshot: an older reading of the queue is as good."""
        at = self.clock.monotonic()
        return before.with_rows(await self.rows(), at)

    async def rows(self) -> list[DeploymentRecord]:
        """The service's rows now."""
        ref = self.request.service
        return await self.retry(lambda: self.client.deployments_of(ref.kind, ref.service_id))

    @property
    def shown_lines(self) -> int:
        """How many lines of the log a message shows: few where the whole log has been streamed."""
        return failures.SHORT_TAIL_LINES if self.request.stream_logs else failures.TAIL_LINES

    async def tail(self, lines: int | None = None) -> list[str]:
        """The end of the build log: so many lines, else as many as a message shows."""
        row = self.record.deployment
        if row is None:
            return []
        lines = lines or self.shown_lines
        tail = await failures.log_tail(self.client, row, lines)
        if not self.request.stream_logs:
            for line in tail:
                self.log.stages.read(line)
        return tail or [line for line in await self.log.end_of(row, self.service) if line.strip()][-lines:]

    def tell(self, activity: Activity, detail: str = "", *, jobs_ahead: int | None = None) -> None:
        """Say what is being done now."""
        elapsed = None if self.started_at is None else self.clock.monotonic() - self.started_at
        record = self.record
        self.context.reporter.progress(
            Progress(activity, record.stage, jobs_ahead, record.usual_seconds, elapsed, detail)
        )

    def tell_the_end(self) -> None:
        """Say what was proven, and how long it took."""
        verdict, service = self.record.verdict, self.service
        if verdict.health is Health.NOT_CHECKED:
            return
        line = closing_line(
            service.name,
            verdict,
            stable_seconds=self.request.stable_seconds,
            noun="container" if service.runs_containers else "task",
            version=self.record.version,
            seconds=self.clock.monotonic() - self.began_at,
        )
        self.tell(Activity.DONE, line)

    def tell_fault(self, error: ApiError) -> None:
        """Say which fault is being retried."""
        self.has_faulted = True
        self.tell(Activity.RETRYING, error.message.rstrip("."))

    async def too_late(self) -> Exception:
        """The error of the deadline that has passed while the deployment was followed."""
        tail = await self.tail()
        reached = self.log.stages.reached
        stage = reached if reached is not Stage.QUEUED else self.record.stage
        return failures.timed_out(
            self.service,
            self.record.deployment,
            self.request.timeout_seconds,
            stage,
            tail,
            self.record.link,
            deadline=self.request.deadline_source,
        )
