"""Following one deployment of a service to its end: `watch`, and `logs --follow`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.errors import AccessDenied, NotFound
from pulumi_dokploy_deployments.api.models import DeploymentRecord, DeploymentStatus, JobState, Service, ServiceKind
from pulumi_dokploy_deployments.api.services import dashboard_link
from pulumi_dokploy_deployments.cli.errors import JobLost
from pulumi_dokploy_deployments.cli.live import WatchReporter
from pulumi_dokploy_deployments.functions.logs import unknown_deployment
from pulumi_dokploy_deployments.rollout import failures
from pulumi_dokploy_deployments.rollout.await_rules import dead_end
from pulumi_dokploy_deployments.rollout.correlation import Sighting
from pulumi_dokploy_deployments.rollout.log_follower import LogFollower
from pulumi_dokploy_deployments.rollout.stages import Stage
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.pacing import seconds_until_next_look, usual_seconds
from pulumi_dokploy_deployments.waiting.retry import RetryBudget, retry_transient
from pulumi_dokploy_deployments.waiting.snapshot import Phase, Snapshot
from pulumi_dokploy_deployments.workload.health import Health, Verdict
from pulumi_dokploy_deployments.workload.health_probe import Baseline
from pulumi_dokploy_deployments.workload.health_wait import wait_for_containers, wait_for_tasks

LOST_SECONDS = 3.0
"""A job that left the queue has its row well before that."""
WAIT_BUDGET_SECONDS = 180.0


@dataclass(frozen=True)
class Watched:
    """What became of what was watched; no row where nothing waited or ran."""

    row: DeploymentRecord | None
    verdict: Verdict | None = None

    @property
    def succeeded(self) -> bool:
        """Whether it is done and not known to be broken. Nothing to watch is no failure."""
        if self.row is None:
            return True
        unhealthy = self.verdict is not None and self.verdict.health is Health.UNHEALTHY
        return self.row.status is DeploymentStatus.DONE and not unhealthy


class Watch:
    """Follows one deployment: the given one, else whatever of the service runs or waits.

    Args:
        context: the server, the clock, and the reporter below.
        service: whose deployment it is.
        reporter: is told the statuses and the log.
        deployment_id: the one to follow.
    """

    def __init__(
        self, context: RunContext, service: Service, reporter: WatchReporter, deployment_id: str | None = None
    ) -> None:
        self._context = context
        self._clock = context.clock
        self._client: DokployClient = context.client
        self._service = service
        self._reporter = reporter
        self._deployment_id = deployment_id
        self._patience = RetryBudget(budget_seconds=WAIT_BUDGET_SECONDS)
        self._log = LogFollower(context, show=True)
        self._known: frozenset[str] | None = None
        self._lost_since: float | None = None
        self._orphaned_since: float | None = None
        self._saw_it_run = False

    async def to_the_end(self, *, health: bool, timeout_seconds: float) -> Watched:
        """Follow it to its end, and where asked for to the proof that it runs.

        Raises:
            RolloutError: it is stuck, lost, or not over in time.
            ApiError: the server can't be reached any more.
        """
        deadline = self._clock.monotonic() + timeout_seconds
        try:
            row = await self._follow(deadline, timeout_seconds)
        finally:
            await self._log.stop()
        if row is None:
            return Watched(None)
        await self._log.catch_up(row, final=True)
        verdict = None
        if health and self._saw_it_run and row.status is DeploymentStatus.DONE:
            verdict = await self._prove(row, deadline, timeout_seconds)
        good = Watched(row, verdict).succeeded
        self._reporter.progress.enter(Stage.DONE if good else Stage.FAILED, self._clock.monotonic())
        return Watched(row, verdict)

    async def _follow(self, deadline: float, timeout_seconds: float) -> DeploymentRecord | None:
        phase, since = Phase.UNSEEN, self._clock.monotonic()
        while True:
            seen = await self._look()
            row = self._pick(seen)
            if row is not None and row.status.is_final:
                return row
            if row is None and not seen.jobs and not self._may_still_come():
                return None
            now_in = await self._note(row, seen)
            if now_in is not phase:
                phase, since = now_in, self._clock.monotonic()
            remaining = deadline - self._clock.monotonic()
            if remaining <= 0:
                await self._too_late(row, timeout_seconds)
            spent = self._clock.monotonic() - since
            pause = seconds_until_next_look(phase, spent, self._reporter.progress.usual_seconds)
            self._log.wake.clear()
            await self._clock.sleep(min(pause, remaining), wake=self._log.wake)

    async def _look(self) -> Snapshot:
        ref = self._service
        watcher = self._context.shared_watcher
        seen = await retry_transient(
            lambda: watcher.observe(ref.kind, ref.service_id),
            budget=self._patience,
            clock=self._clock,
            on_fault=lambda error: self._reporter.status(f"{error.message.rstrip('.')}; trying again"),
        )
        if self._known is None:
            self._known = frozenset(row.deployment_id for row in seen.rows)
            self._reporter.progress.usual_seconds = usual_seconds(seen.rows)
        return seen

    def _pick(self, seen: Snapshot) -> DeploymentRecord | None:
        if self._deployment_id is not None:
            found = next((row for row in seen.rows if row.deployment_id == self._deployment_id), None)
            if found is None:
                raise unknown_deployment(self._client.connection.origin, self._deployment_id)
            return found
        running = [row for row in seen.rows if not row.status.is_final]
        # A quick one may be over before it was seen to run.
        fresh = [row for row in seen.rows if row.deployment_id not in (self._known or ())]
        candidates = running or fresh
        if not candidates:
            return None
        self._deployment_id = candidates[-1].deployment_id
        return candidates[-1]

    def _may_still_come(self) -> bool:
        """Whether a job was seen, is gone, and its row may be on its way."""
        if self._lost_since is None:
            return False
        if self._clock.monotonic() - self._lost_since < LOST_SECONDS:
            return True
        raise JobLost(
            "The waiting deployment is no longer in the queue, and no row came up for it: somebody dropped it, or "
            "Dokploy was restarted, which loses its queue.",
            next_step="Deploy again where that is needed.",
        )

    async def _note(self, row: DeploymentRecord | None, seen: Snapshot) -> Phase:
        now = self._clock.monotonic()
        if row is None:
            if seen.jobs:
                self._lost_since = now
            if seen.jobs and seen.jobs[0].state is JobState.WAITING:
                ahead = seen.ahead.get(seen.jobs[0].id, 0)
                self._reporter.status(f"waiting in the queue ({ahead} before it)")
                return Phase.WAITING
            self._reporter.status(Stage.STARTING.value)
            return Phase.ACTIVE
        if not self._saw_it_run:
            self._saw_it_run = True
            if row.started_at is not None:
                ago = (self._clock.now() - row.started_at).total_seconds()
                self._reporter.progress.started_earlier(now - max(0.0, ago))
        self._log.start(row)
        await self._log.catch_up(row)
        stage = self._log.stages.stage
        shown = Stage.STARTING if stage is Stage.QUEUED else stage
        self._reporter.status(f"{row.status.value}: {shown.value}")
        await self._mind_the_orphan(row, seen)
        return Phase.RUNNING

    async def _mind_the_orphan(self, row: DeploymentRecord, seen: Snapshot) -> None:
        if any(job.state is not JobState.WAITING for job in seen.jobs):
            self._orphaned_since = None
            return
        if self._orphaned_since is None:
            self._orphaned_since = seen.at
        dead = dead_end(Sighting(Phase.RUNNING, row, orphaned_seconds=seen.at - self._orphaned_since))
        if dead is not None:
            tail = await failures.log_tail(self._client, row)
            raise failures.dead(dead, self._service, row, tail, self._link())

    async def _prove(self, row: DeploymentRecord, deadline: float, timeout_seconds: float) -> Verdict:
        self._reporter.status(Stage.HEALTH_CHECK.value)
        try:
            if self._service.kind is ServiceKind.COMPOSE:
                return await wait_for_containers(self._context, self._service, deadline, self._patience)
            return await wait_for_tasks(self._context, self._service, row, Baseline(), deadline, self._patience)
        except (AccessDenied, NotFound) as error:
            return Verdict(Health.UNKNOWN, str(error))
        except TimeoutError as late:
            raise failures.timed_out(
                self._service, row, timeout_seconds, Stage.HEALTH_CHECK, [str(late)], self._link()
            ) from None

    async def _too_late(self, row: DeploymentRecord | None, timeout_seconds: float) -> NoReturn:
        tail = await failures.log_tail(self._client, row) if row is not None else []
        stage = self._reporter.progress.stage
        raise failures.timed_out(self._service, row, timeout_seconds, stage, tail, self._link())

    def _link(self) -> str:
        return dashboard_link(self._client.connection.origin, self._service)
