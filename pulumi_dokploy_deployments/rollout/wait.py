"""One wait: its deadline, its retries, its log, and the record that it writes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from pulumi_dokploy_deployments.api.errors import ApiError, NotFound
from pulumi_dokploy_deployments.api.models import DeploymentRecord, Service
from pulumi_dokploy_deployments.api.services import dashboard_link
from pulumi_dokploy_deployments.api.versions import Capabilities, Capability
from pulumi_dokploy_deployments.rollout import failures
from pulumi_dokploy_deployments.rollout.closing import closing_line
from pulumi_dokploy_deployments.rollout.log_follower import LogFollower
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.rollout.request import RolloutRequest
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.progress import Activity, Progress, Stage
from pulumi_dokploy_deployments.waiting.retry import RetryBudget, retry_transient, short_budget
from pulumi_dokploy_deployments.waiting.snapshot import Snapshot
from pulumi_dokploy_deployments.waiting.watcher import TakeJobs
from pulumi_dokploy_deployments.workload.verdict import Health

T = TypeVar("T")

RETRY_SECONDS = 180.0
"""How long a wait retries while the server does not answer."""
LAST_REQUEST_SECONDS = 1.0
"""What a request is given at the least, also when the deadline has passed."""
COURTESY_SECONDS = 5.0
"""How long a request may take whose answer only makes a message better: the log's end, for instance."""


class Wait:
    """What every step of a wait works with.

    Args:
        request: what was asked for; of a deployment that is only watched, how long and how closely.
        context: the server, the clock and the listener.
        record: what is known, written by the steps.

    Attributes:
        client: the server; requests end with the deadline.
        context: what the run is given, with this client.
        after: the same with the client as it came: for courtesies, which also come after the deadline.
    """

    def __init__(self, request: RolloutRequest, context: RunContext, record: RunRecord) -> None:
        self.request, self.record = request, record
        self.clock = context.clock
        self.client = context.client.within(self._seconds_for_a_request)
        self.context = replace(context, client=self.client)
        self.after = context
        self.log = LogFollower(self.context, show=request.stream_logs)
        self.began_at = self.clock.monotonic()
        self.deadline = self.began_at + request.timeout_seconds
        self.budget = RetryBudget(RETRY_SECONDS, until=self.deadline)
        self.has_faulted = False
        self._seen: Snapshot | None = None
        self.started_at: float | None = None
        """When the job started, on this machine's monotonic clock."""

    async def begin(self) -> Service:
        """Read the service, with short retries.

        Raises:
            UnknownService: there is none with this id.
            ApiError: the key does not open it, or the server can't be reached.
        """
        self.client.mask(self.request.wanted.masked_values)
        ref, watcher = self.request.service, self.context.shared_watcher
        try:
            service = await self.retry(
                lambda: watcher.timed(self.client.read_service(ref.kind, ref.service_id)), short_budget()
            )
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

    def _seconds_for_a_request(self) -> float:
        return max(LAST_REQUEST_SECONDS, self.remaining)

    async def retry(self, call: Callable[[], Awaitable[T]], budget: RetryBudget | None = None) -> T:
        """Make a call that may be repeated, within the wait's budget or another one, and within the deadline."""
        budget = budget or self.budget
        # A fault near the end must not make the wait longer than its deadline.
        budget.until = min(budget.until, self.deadline)
        return await retry_transient(call, budget=budget, clock=self.clock, on_fault=self.tell_fault)

    async def observe(self, not_before: float = float("-inf"), take_jobs: TakeJobs | None = None) -> Snapshot:
        """The service's jobs and rows now; see `look`."""
        return await self.retry(lambda: self.look(not_before, take_jobs))

    async def look(self, not_before: float = float("-inf"), take_jobs: TakeJobs | None = None) -> Snapshot:
        """The service's jobs and rows now, by one attempt.

        Args:
            not_before: the monotonic time of the trigger.
            take_jobs: is shown the jobs before the rows are read; where they tell enough, rows that can't be read
                are taken as they were last.
        """
        ref, watcher = self.request.service, self.context.shared_watcher
        self._seen = await watcher.observe(
            ref.kind,
            ref.service_id,
            not_before=not_before,
            within=self._seconds_for_a_request(),
            take_jobs=take_jobs,
            earlier=self._seen,
        )
        return self._seen

    async def observe_rows(self, before: Snapshot) -> Snapshot:
        """The service's rows now, with the jobs of an earlier snapshot: an older reading of the queue is as good."""
        at = self.clock.monotonic()
        return before.with_rows(await self.rows(), at)

    async def can(self, capability: Capability) -> bool:
        """Whether the server can do something; see `known`."""
        return (await self.known()).has(capability)

    async def known(self) -> Capabilities:
        """What the server can do; where its version can't be read now, what the newest measured one can."""
        try:
            return await self.client.capabilities()
        except ApiError:
            return Capabilities()

    async def rows(self) -> list[DeploymentRecord]:
        """The service's rows now."""
        ref, watcher = self.request.service, self.context.shared_watcher
        return await self.retry(lambda: watcher.rows(ref.kind, ref.service_id, within=self._seconds_for_a_request()))

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
        is_read = not row.log_path or await self.can(Capability.BUILD_LOG_READ)
        tail = await failures.log_tail(self.after.client.within(COURTESY_SECONDS), row, lines) if is_read else []
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
