"""One deployment from request to outcome: the order of the steps, and nothing that could be decided elsewhere."""

from __future__ import annotations

from datetime import datetime

from pulumi_dokploy_deployments.api.errors import ApiError, InvalidRequest, NotFound, ServerError, UnexpectedAnswer
from pulumi_dokploy_deployments.api.models import DeploymentRecord, DeploymentStatus, JobState, Service, ServiceKind
from pulumi_dokploy_deployments.rollout import failures
from pulumi_dokploy_deployments.rollout.await_rules import dead_end
from pulumi_dokploy_deployments.rollout.burst_poll import FAR_AWAY_SECONDS, BurstPoll
from pulumi_dokploy_deployments.rollout.conclusion import Conclusion
from pulumi_dokploy_deployments.rollout.correlation import Correlator, Sighting
from pulumi_dokploy_deployments.rollout.database_run import deploy_database
from pulumi_dokploy_deployments.rollout.errors import RolloutError
from pulumi_dokploy_deployments.rollout.mark import mark, new_nonce
from pulumi_dokploy_deployments.rollout.outcome import RolloutOutcome
from pulumi_dokploy_deployments.rollout.progress import EarlierRun
from pulumi_dokploy_deployments.rollout.request import OnBusy, RolloutRequest, WaitFor, overwrites_title
from pulumi_dokploy_deployments.rollout.stages import Stage
from pulumi_dokploy_deployments.rollout.trigger import AnswerNotFound, Evidence, send_once
from pulumi_dokploy_deployments.rollout.workbench import Workbench
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.pacing import seconds_until_next_look, usual_seconds
from pulumi_dokploy_deployments.waiting.retry import short_budget
from pulumi_dokploy_deployments.waiting.snapshot import Phase, Snapshot
from pulumi_dokploy_deployments.workload.health_probe import Baseline, SwarmProbe, why_unknown


class Rollout:
    """Runs one request. Each instance is good for one run."""

    def __init__(self, request: RolloutRequest, context: RunContext) -> None:
        self.request = request
        self.context = context
        self.nonce = new_nonce()
        self.queued_at: datetime | None = None
        self._bench = Workbench(request, context)
        self._clock, self._client = context.clock, context.client
        self._usual: float | None = None
        self._early: BurstPoll | None = None

    async def execute(self) -> RolloutOutcome:
        """Trigger, recognise, await, prove.

        Raises:
            RolloutError: the deployment did not come to the end that was asked for.
            ApiError: the server refused or could not be reached.
        """
        service = await self._bench.retry_transient(self._read_service, short_budget())
        baseline = await self._baseline(service)
        self._begin_progress(service, baseline)
        if service.kind.is_database:
            return await deploy_database(self._bench, service, baseline, self.nonce)
        asked_at = self._clock.monotonic()
        before = await self._bench.observe()
        # Two requests, one after the other.
        is_far = (self._clock.monotonic() - asked_at) / 2 > FAR_AWAY_SECONDS
        await self._mind_the_busy(service, before)
        self._usual = usual_seconds(before.rows)
        self._bench.progress.known_rows = tuple(row.deployment_id for row in before.rows)
        correlator = Correlator(
            self.nonce,
            frozenset(self._bench.progress.known_rows),
            may_be_overwritten=overwrites_title(service, self.request.method),
        )
        correlator.before(before)
        if is_far and correlator.may_be_overwritten:
            self._early = BurstPoll(self._client, self.request.service, self.nonce, self._clock)
            self._early.start()
        try:
            accepted_at = await self._trigger(service, correlator)
            return await self._to_the_end(service, correlator, accepted_at, baseline)
        finally:
            await self._stop_early_look()

    async def take_up(self, earlier: EarlierRun) -> RolloutOutcome | None:
        """Go on with a deployment that an earlier run has sent, without sending it again.

        None where the server shows nothing of it, or shows that it has failed meanwhile: it has to be sent anew.

        Raises:
            RolloutError: it is still under way and did not come to the end that was asked for.
            ApiError: the server could not be reached.
        """
        service = await self._bench.retry_transient(self._read_service, short_budget())
        if service.kind.is_database:
            return None
        before = await self._bench.observe()
        # Of the rows that are there now only one that still carries the mark is taken: the others may be anybody's.
        known = frozenset(earlier.known_rows) | {row.deployment_id for row in before.rows}
        correlator = Correlator(
            earlier.nonce,
            known,
            may_be_overwritten=overwrites_title(service, self.request.method),
            deployment_id=earlier.deployment_id,
        )
        found = correlator.observe(before)
        if found.phase not in (Phase.WAITING, Phase.ACTIVE, Phase.RUNNING, Phase.FINISHED):
            return None
        if found.row is not None and found.row.status.is_final and found.row.status is not DeploymentStatus.DONE:
            return None
        self.nonce = earlier.nonce
        self._begin_progress(service, earlier.baseline)
        self._bench.progress.is_sent, self._bench.progress.known_rows = True, earlier.known_rows
        self._usual = usual_seconds(before.rows)
        self.context.reporter.status("going on with the deployment that was started earlier")
        return await self._to_the_end(service, correlator, self._clock.monotonic(), earlier.baseline)

    async def _to_the_end(
        self, service: Service, correlator: Correlator, accepted_at: float, baseline: Baseline
    ) -> RolloutOutcome:
        try:
            try:
                row = await self._follow(service, correlator, accepted_at)
            finally:
                await self._bench.log.stop()
            outcome = self._bench.outcome(service, self.nonce, row, baseline, self.queued_at)
            if self.request.wait_for is WaitFor.NONE:
                return outcome
            return await Conclusion(self._bench, service, baseline).conclude(row, outcome)
        except ApiError as error:
            raise failures.contact_lost(service, self._bench.last, error, self._bench.link(service)) from None

    def _begin_progress(self, service: Service, baseline: Baseline) -> None:
        self._bench.progress.service, self._bench.progress.nonce, self._bench.progress.is_sent = (
            service,
            self.nonce,
            False,
        )
        self._bench.progress.baseline, self._bench.progress.link = baseline, self._bench.link(service)

    # --- before ---------------------------------------------------------------------------------------------

    async def _read_service(self) -> Service:
        ref = self.request.service
        try:
            return await self._client.read_service(ref.kind, ref.service_id)
        except NotFound:
            raise failures.unknown_service(ref, self._client.connection.origin) from None

    async def _baseline(self, service: Service) -> Baseline:
        if self.request.wait_for is not WaitFor.HEALTHY or service.kind is ServiceKind.COMPOSE:
            return Baseline()
        probe = SwarmProbe(self._client, self._clock, service)
        try:
            return await self._bench.retry_transient(probe.baseline, short_budget())
        except (ServerError, InvalidRequest, UnexpectedAnswer) as error:
            # Docker out of the server's reach, on a remote server for instance, must not stop a deployment.
            return Baseline(unknown_because=why_unknown(error))

    async def _mind_the_busy(self, service: Service, before: Snapshot) -> None:
        if self.request.on_busy is OnBusy.FAIL and before.jobs:
            raise failures.busy(service, before.jobs, self._bench.link(service))
        if self.request.on_busy is OnBusy.SUPERSEDE and any(job.state is JobState.WAITING for job in before.jobs):
            self.context.reporter.status("dropping the waiting deployments of this service")
            await self._bench.retry_transient(lambda: self._client.drop_waiting_jobs(service.kind, service.service_id))

    # --- trigger --------------------------------------------------------------------------------------------

    async def _trigger(self, service: Service, correlator: Correlator) -> float:
        """Send the request once; gives the monotonic time after which a reading of the queue counts."""
        self.context.reporter.status(f"asking the server to {self.request.method.value}")
        sent_at = self._clock.monotonic()

        async def send() -> None:
            self._bench.progress.is_sent = True
            await self._client.deploy(
                service.kind,
                service.service_id,
                method=self.request.method,
                title=self.request.title or None,
                description=mark(self.request.description, self.nonce),
            )

        async def has_arrived() -> Evidence:
            snapshot = await self._bench.observe(sent_at)
            return correlator.evidence(snapshot)

        try:
            await send_once(
                send, has_arrived, budget=self._bench.budget, clock=self._clock, on_fault=self._bench.tell_fault
            )
        except AnswerNotFound as lost:
            raise failures.answer_not_found(service, lost.cause, self._bench.link(service)) from None
        except ApiError:
            self._bench.progress.is_sent = False
            raise
        if not self._bench.has_faulted:
            correlator.accepted(self._clock.monotonic())
        return sent_at

    # --- await ----------------------------------------------------------------------------------------------

    async def _follow(self, service: Service, correlator: Correlator, accepted_at: float) -> DeploymentRecord:
        phase, phase_since = Phase.UNSEEN, self._clock.monotonic()
        while True:
            snapshot = await self._bench.observe(accepted_at)
            if self._early is not None and self._early.deployment_id is not None:
                correlator.latch(self._early.deployment_id, snapshot)
            sighting = correlator.observe(snapshot)
            if sighting.row is not None or sighting.phase is Phase.WAITING:
                await self._stop_early_look()
            if sighting.phase is not phase:
                phase, phase_since = sighting.phase, self._clock.monotonic()
            self._note(sighting, snapshot, correlator)
            row = sighting.row
            if row is not None:
                if row.status.is_final or self.request.wait_for is WaitFor.NONE:
                    return row
                self._bench.log.start(row)
                await self._bench.log.catch_up(row)
            dead = dead_end(sighting)
            if dead is not None:
                raise failures.dead(
                    dead, service, self._bench.last, await self._bench.tail(), self._bench.link(service)
                )
            spent = self._clock.monotonic() - phase_since
            await self._pause(seconds_until_next_look(phase, spent, self._usual, sighting.jobs_ahead), service)

    def _note(self, sighting: Sighting, snapshot: Snapshot, correlator: Correlator) -> None:
        job = correlator.job
        if job is not None and job.queued_at is not None:
            self.queued_at = job.queued_at
        if sighting.phase is Phase.WAITING:
            ahead = sighting.jobs_ahead
            self.context.reporter.status(f"waiting in the queue ({ahead} before it)")
        elif sighting.phase is Phase.ACTIVE:
            self._bench.stage = Stage.STARTING
            self.context.reporter.status("starting")
        elif sighting.row is not None:
            self._bench.last = self._bench.progress.row = sighting.row
            if self._bench.log.stages.stage is not Stage.QUEUED:
                self._bench.stage = self._bench.log.stages.stage
            elif self._bench.stage is Stage.QUEUED:
                self._bench.stage = Stage.STARTING
            if not sighting.row.status.is_final:
                self.context.reporter.status(self._running_text(sighting.row))
        self._bench.progress.stage = self._bench.stage

    def _running_text(self, row: DeploymentRecord) -> str:
        text = f"{row.status.value}: {self._bench.stage.value}"
        if self._usual is not None:
            text += f" (usually {self._usual:.0f} s)"
        return text

    async def _pause(self, seconds: float, service: Service) -> None:
        remaining = self._bench.deadline - self._clock.monotonic()
        if remaining <= 0:
            tail = await self._bench.tail()
            stage = (
                self._bench.log.stages.reached
                if self._bench.log.stages.reached is not Stage.QUEUED
                else self._bench.stage
            )
            raise failures.timed_out(
                service, self._bench.last, self.request.timeout_seconds, stage, tail, self._bench.link(service)
            )
        self._bench.log.wake.clear()
        await self._clock.sleep(min(seconds, remaining), wake=self._bench.log.wake)

    async def _stop_early_look(self) -> None:
        early, self._early = self._early, None
        if early is not None:
            await early.stop()


async def deploy_and_wait(request: RolloutRequest, context: RunContext) -> RolloutOutcome:
    """Run one deployment to the end that the request asks for; see `Rollout.execute`."""
    return await Rollout(request, context).execute()


async def take_up_and_wait(request: RolloutRequest, earlier: EarlierRun, context: RunContext) -> RolloutOutcome | None:
    """Go on with an earlier run's deployment; see `Rollout.take_up`."""
    return await Rollout(request, context).take_up(earlier)


__all__ = ["Rollout", "RolloutError", "RolloutOutcome", "deploy_and_wait", "take_up_and_wait"]
