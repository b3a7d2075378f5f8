"""One deployment from request to outcome: the order of the steps, and nothing that could be decided elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn, TypeVar

from pulumi_dokploy_deployments.api.errors import (
    AccessDenied,
    ApiError,
    InvalidRequest,
    NotFound,
    ServerError,
    UnexpectedAnswer,
)
from pulumi_dokploy_deployments.api.models import (
    Deployment,
    DeploymentStatus,
    JobState,
    Service,
    ServiceKind,
)
from pulumi_dokploy_deployments.rollout import failures
from pulumi_dokploy_deployments.rollout.await_rules import dead_end
from pulumi_dokploy_deployments.rollout.context import (
    OnBusy,
    RolloutRequest,
    Surroundings,
    WaitFor,
    dashboard_link,
    overwrites_title,
)
from pulumi_dokploy_deployments.rollout.correlation import Correlator, Phase, Sighting
from pulumi_dokploy_deployments.rollout.early_look import FAR_AWAY_SECONDS, EarlyLook
from pulumi_dokploy_deployments.rollout.errors import RolloutError
from pulumi_dokploy_deployments.rollout.health import Health, Verdict
from pulumi_dokploy_deployments.rollout.health_probe import Baseline, SwarmProbe, why_unknown
from pulumi_dokploy_deployments.rollout.health_wait import wait_for_containers, wait_for_tasks
from pulumi_dokploy_deployments.rollout.log_follower import LogFollower
from pulumi_dokploy_deployments.rollout.nonce import mark, new_nonce
from pulumi_dokploy_deployments.rollout.observation import Snapshot
from pulumi_dokploy_deployments.rollout.pacing import seconds_until_next_look, usual_seconds
from pulumi_dokploy_deployments.rollout.patience import Patience, patiently, quick_patience
from pulumi_dokploy_deployments.rollout.progress import EarlierRun
from pulumi_dokploy_deployments.rollout.stages import Stage
from pulumi_dokploy_deployments.rollout.trigger import AnswerNotFound, Evidence, send_once

T = TypeVar("T")

COMMIT_SETTLES_SECONDS = 3.0
"""The commit overwrites the title some 130 ms after the status is final (timeline 242)."""
WAIT_BUDGET_SECONDS = 180.0
"""How long a wait bears a server that does not answer."""


@dataclass
class RolloutOutcome:
    """What became of a deployment. What the server does not give is None."""

    service: Service
    nonce: str
    row: Deployment | None
    stage: Stage
    url: str
    queued_seconds: float | None = None
    version: int | None = None
    verdict: Verdict = field(default_factory=lambda: Verdict(Health.NOT_CHECKED, "not asked for"))
    superseded_by: str | None = None
    previous_image: str = ""

    @property
    def duration_seconds(self) -> float | None:
        """From the job's start to the row's end, by the server's clock."""
        if self.row is None or self.row.started_at is None or self.row.finished_at is None:
            return None
        return (self.row.finished_at - self.row.started_at).total_seconds()


class Rollout:
    """Runs one request. Each instance is good for one run."""

    def __init__(self, request: RolloutRequest, around: Surroundings) -> None:
        self.request = request
        self.around = around
        self.nonce = new_nonce()
        self.queued_at: datetime | None = None
        self._clock = around.clock
        self._client = around.client
        self._patience = Patience(budget_seconds=min(WAIT_BUDGET_SECONDS, request.timeout_seconds))
        self._log = LogFollower(around, show=request.stream_logs)
        self._deadline = self._clock.monotonic() + request.timeout_seconds
        self._last: Deployment | None = None
        self._stage = Stage.QUEUED
        self._usual: float | None = None
        self._progress = around.progress
        self._early: EarlyLook | None = None
        self._has_faulted = False

    async def execute(self) -> RolloutOutcome:
        """Trigger, recognise, await, prove.

        Raises:
            RolloutError: the deployment did not come to the end that was asked for.
            ApiError: the server refused or could not be reached.
        """
        service = await self._with(quick_patience(), self._read_service)
        baseline = await self._baseline(service)
        self._begin_progress(service, baseline)
        if service.kind.is_database:
            return await self._deploy_database(service, baseline)
        asked_at = self._clock.monotonic()
        before = await self._with(self._patience, lambda: self._observe(float("-inf")))
        # Two requests, one after the other.
        is_far = (self._clock.monotonic() - asked_at) / 2 > FAR_AWAY_SECONDS
        await self._mind_the_busy(service, before)
        self._usual = usual_seconds(before.rows)
        self._progress.known_rows = tuple(row.deployment_id for row in before.rows)
        correlator = Correlator(
            self.nonce,
            frozenset(self._progress.known_rows),
            may_be_overwritten=overwrites_title(service, self.request.method),
        )
        correlator.before(before)
        if is_far and correlator.may_be_overwritten:
            self._early = EarlyLook(self._client, self.request.service, self.nonce, self._clock)
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
        service = await self._with(quick_patience(), self._read_service)
        if service.kind.is_database:
            return None
        before = await self._with(self._patience, lambda: self._observe(float("-inf")))
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
        self._progress.is_sent, self._progress.known_rows = True, earlier.known_rows
        self._usual = usual_seconds(before.rows)
        self.around.reporter.status("going on with the deployment that was started earlier")
        return await self._to_the_end(service, correlator, self._clock.monotonic(), earlier.baseline)

    async def _to_the_end(
        self, service: Service, correlator: Correlator, accepted_at: float, baseline: Baseline
    ) -> RolloutOutcome:
        try:
            try:
                row = await self._follow(service, correlator, accepted_at)
            finally:
                await self._log.stop()
            outcome = self._outcome(service, row, baseline)
            if self.request.wait_for is WaitFor.NONE:
                return outcome
            return await self._conclude(service, row, baseline, outcome)
        except ApiError as error:
            raise failures.lost_sight(service, self._last, error, self._link(service)) from None

    def _begin_progress(self, service: Service, baseline: Baseline) -> None:
        self._progress.service, self._progress.nonce, self._progress.is_sent = service, self.nonce, False
        self._progress.baseline, self._progress.link = baseline, self._link(service)

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
            return await self._with(quick_patience(), probe.baseline)
        except (ServerError, InvalidRequest, UnexpectedAnswer) as error:
            # Docker out of the server's reach, on a remote server for instance, must not stop a deployment.
            return Baseline(unknown_because=why_unknown(error))

    async def _mind_the_busy(self, service: Service, before: Snapshot) -> None:
        if self.request.on_busy is OnBusy.FAIL and before.jobs:
            raise failures.busy(service, before.jobs, self._link(service))
        if self.request.on_busy is OnBusy.SUPERSEDE and any(job.state is JobState.WAITING for job in before.jobs):
            self.around.reporter.status("dropping the waiting deployments of this service")
            await self._with(self._patience, lambda: self._client.drop_waiting_jobs(service.kind, service.service_id))

    # --- trigger --------------------------------------------------------------------------------------------

    async def _trigger(self, service: Service, correlator: Correlator) -> float:
        """Send the request once; gives the monotonic time after which a reading of the queue counts."""
        self.around.reporter.status(f"asking the server to {self.request.method.value}")
        sent_at = self._clock.monotonic()

        async def send() -> None:
            self._progress.is_sent = True
            await self._client.deploy(
                service.kind,
                service.service_id,
                method=self.request.method,
                title=self.request.title or None,
                description=mark(self.request.description, self.nonce),
            )

        async def has_arrived() -> Evidence:
            snapshot = await self._with(self._patience, lambda: self._observe(sent_at))
            return correlator.evidence(snapshot)

        try:
            await send_once(send, has_arrived, patience=self._patience, clock=self._clock, on_fault=self._tell_fault)
        except AnswerNotFound as lost:
            raise failures.answer_not_found(service, lost.cause, self._link(service)) from None
        except ApiError:
            self._progress.is_sent = False
            raise
        if not self._has_faulted:
            correlator.accepted(self._clock.monotonic())
        return sent_at

    # --- await ----------------------------------------------------------------------------------------------

    async def _follow(self, service: Service, correlator: Correlator, accepted_at: float) -> Deployment:
        phase, phase_since = Phase.UNSEEN, self._clock.monotonic()
        while True:
            snapshot = await self._with(self._patience, lambda: self._observe(accepted_at))
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
                self._log.start(row)
                await self._log.catch_up(row)
            dead = dead_end(sighting)
            if dead is not None:
                raise failures.dead(dead, service, self._last, await self._tail(), self._link(service))
            spent = self._clock.monotonic() - phase_since
            await self._pause(seconds_until_next_look(phase, spent, self._usual, sighting.jobs_ahead), service)

    def _note(self, sighting: Sighting, snapshot: Snapshot, correlator: Correlator) -> None:
        job = correlator.job
        if job is not None and job.queued_at is not None:
            self.queued_at = job.queued_at
        if sighting.phase is Phase.WAITING:
            ahead = sighting.jobs_ahead
            self.around.reporter.status(f"waiting in the queue ({ahead} before it)")
        elif sighting.phase is Phase.ACTIVE:
            self._stage = Stage.STARTING
            self.around.reporter.status("starting")
        elif sighting.row is not None:
            self._last = self._progress.row = sighting.row
            if self._log.stages.stage is not Stage.QUEUED:
                self._stage = self._log.stages.stage
            elif self._stage is Stage.QUEUED:
                self._stage = Stage.STARTING
            if not sighting.row.status.is_final:
                self.around.reporter.status(self._running_text(sighting.row))
        self._progress.stage = self._stage

    def _running_text(self, row: Deployment) -> str:
        text = f"{row.status.value}: {self._stage.value}"
        if self._usual is not None:
            text += f" (usually {self._usual:.0f} s)"
        return text

    async def _pause(self, seconds: float, service: Service) -> None:
        remaining = self._deadline - self._clock.monotonic()
        if remaining <= 0:
            tail = await self._tail()
            stage = self._log.stages.reached if self._log.stages.reached is not Stage.QUEUED else self._stage
            raise failures.timed_out(
                service, self._last, self.request.timeout_seconds, stage, tail, self._link(service)
            )
        self._log.wake.clear()
        await self._clock.sleep(min(seconds, remaining), wake=self._log.wake)

    # --- conclude -------------------------------------------------------------------------------------------

    async def _conclude(
        self, service: Service, row: Deployment, baseline: Baseline, outcome: RolloutOutcome
    ) -> RolloutOutcome:
        row = await self._settle(service, row)
        outcome.row = self._last = self._progress.row = row
        await self._log.catch_up(row, final=True)
        if row.status is not DeploymentStatus.DONE:
            self._fail_with(row, service, await self._tail())
        self._expect_commit(service, row)
        outcome.stage = self._stage = Stage.UPDATE
        if row.rollback_id is not None:
            outcome.version = await self._version_of(service, row)
        if self.request.wait_for is WaitFor.HEALTHY:
            self._stage = self._progress.stage = Stage.HEALTH_CHECK
            outcome.verdict = await self._prove(service, row, baseline)
        newer = await self._newer_than(row)
        outcome.superseded_by = newer.deployment_id if newer is not None else None
        if newer is not None and newer.status.is_final and outcome.verdict.health is not Health.NOT_CHECKED:
            # What was judged may be the newer deployment's doing: neither healthy nor unhealthy is proven.
            outcome.verdict = Verdict(Health.UNKNOWN, "a newer deployment took its place before it was proven")
        if outcome.verdict.health is Health.UNHEALTHY:
            raise failures.unhealthy(service, row, outcome.verdict, self._link(service))
        if outcome.verdict.health is Health.UNKNOWN:
            self.around.reporter.warning(
                f"Dokploy says that the deployment is done; that the new version runs could not be checked: "
                f"{outcome.verdict.reason}."
            )
        if outcome.superseded_by is not None:
            self.around.reporter.warning(
                f"A newer deployment of this service, {outcome.superseded_by}, has been made by someone else."
            )
        outcome.stage = Stage.DONE
        return outcome

    async def _settle(self, service: Service, row: Deployment) -> Deployment:
        """Wait for the commit that the server writes into the row after the end."""
        if not overwrites_title(service, self.request.method):
            return row
        until = self._clock.monotonic() + COMMIT_SETTLES_SECONDS
        while row.commit_hash is None and self._clock.monotonic() < until:
            await self._clock.sleep(0.15)
            row = await self._row_again(row)
        return row

    async def _row_again(self, row: Deployment) -> Deployment:
        rows = await self._with(self._patience, self._rows)
        return next((found for found in rows if found.deployment_id == row.deployment_id), row)

    def _fail_with(self, row: Deployment, service: Service, tail: list[str]) -> NoReturn:
        link = self._link(service)
        if row.status is DeploymentStatus.CANCELLED:
            raise failures.cancelled(service, row, tail, link)
        raise failures.failed(service, row, self._log.stages.reached, tail, link)

    def _expect_commit(self, service: Service, row: Deployment) -> None:
        expected = self.request.expect_commit
        if expected and not (row.commit_hash or "").startswith(expected.lower()):
            raise failures.other_commit(service, row, expected, self._link(service))

    async def _version_of(self, service: Service, row: Deployment) -> int | None:
        rows = await self._with(
            self._patience,
            lambda: self._client.deployments_by_type(service.kind.value, service.service_id),
        )
        found = next((other for other in rows if other.deployment_id == row.deployment_id), None)
        return found.rollback.version if found is not None and found.rollback is not None else None

    async def _newer_than(self, row: Deployment) -> Deployment | None:
        rows = await self._with(self._patience, self._rows)
        newer = [other for other in rows if other.created_at > row.created_at]
        return max(newer, key=lambda other: other.created_at, default=None)

    # --- prove ----------------------------------------------------------------------------------------------

    async def _prove(self, service: Service, row: Deployment | None, baseline: Baseline) -> Verdict:
        if not baseline.is_known:
            return Verdict(Health.UNKNOWN, baseline.unknown_because)
        try:
            if service.kind is ServiceKind.COMPOSE:
                return await wait_for_containers(self.around, service, self._deadline, self._patience)
            return await wait_for_tasks(self.around, service, row, baseline, self._deadline, self._patience)
        except (AccessDenied, NotFound) as error:
            return Verdict(Health.UNKNOWN, why_unknown(error))
        except TimeoutError as late:
            raise failures.timed_out(
                service,
                row,
                self.request.timeout_seconds,
                Stage.HEALTH_CHECK,
                [],
                self._link(service),
                so_far=str(late),
            ) from None

    # --- databases ------------------------------------------------------------------------------------------

    async def _deploy_database(self, service: Service, baseline: Baseline) -> RolloutOutcome:
        """Databases deploy within the request and leave no row: what runs is the only witness."""
        self.around.reporter.status("deploying (this takes until the image has been pulled)")
        probe = SwarmProbe(self._client, self._clock, service)

        async def send() -> None:
            self._progress.is_sent = True
            try:
                remaining = max(1.0, self._deadline - self._clock.monotonic())
                await self._client.deploy(service.kind, service.service_id, timeout_seconds=remaining)
            except ServerError as error:
                if error.status == 500:
                    # The server's own answer after it has tried; only a proxy's leaves open what happened.
                    raise failures.database_failed(service, error, self._link(service)) from None
                raise

        async def has_arrived() -> Evidence:
            if not baseline.is_known or self.request.wait_for is not WaitFor.HEALTHY:
                return None
            seen = await self._with(self._patience, lambda: probe.observe(baseline.task_ids))
            # No new task yet proves nothing: the server may still be pulling the image.
            return True if any(task.task_id not in baseline.task_ids for task in seen.tasks) else None

        try:
            await send_once(send, has_arrived, patience=self._patience, clock=self._clock, on_fault=self._tell_fault)
        except AnswerNotFound as lost:
            raise failures.database_failed(service, lost.cause, self._link(service)) from None
        outcome = self._outcome(service, None, baseline)
        outcome.stage = Stage.UPDATE
        if self.request.wait_for is WaitFor.HEALTHY:
            outcome.verdict = await self._prove(service, None, baseline)
        if outcome.verdict.health is Health.UNHEALTHY:
            raise failures.unhealthy(service, None, outcome.verdict, self._link(service))
        if outcome.verdict.health is Health.UNKNOWN:
            self.around.reporter.warning(
                f"The deployment was accepted; that the database runs could not be checked: {outcome.verdict.reason}."
            )
        outcome.stage = Stage.DONE
        return outcome

    # --- helpers --------------------------------------------------------------------------------------------

    def _outcome(self, service: Service, row: Deployment | None, baseline: Baseline) -> RolloutOutcome:
        queued = None
        if row is not None and row.started_at is not None and self.queued_at is not None:
            queued = max(0.0, (row.started_at - self.queued_at).total_seconds())
        return RolloutOutcome(
            service=service,
            nonce=self.nonce,
            row=row,
            stage=self._stage,
            url=self._link(service),
            queued_seconds=queued,
            previous_image=baseline.image,
        )

    async def _observe(self, not_before: float) -> Snapshot:
        ref = self.request.service
        return await self.around.shared_watcher.observe(ref.kind, ref.service_id, not_before=not_before)

    async def _rows(self) -> list[Deployment]:
        ref = self.request.service
        return await self._client.deployments_of(ref.kind, ref.service_id)

    async def _tail(self) -> list[str]:
        if self._last is None:
            return []
        lines = failures.SHORT_TAIL_LINES if self.request.stream_logs else failures.TAIL_LINES
        tail = await failures.log_tail(self._client, self._last, lines)
        if not self.request.stream_logs:
            for line in tail:
                self._log.stages.read(line)
        return tail

    def _link(self, service: Service) -> str:
        return dashboard_link(self._client.connection.origin, service)

    async def _with(self, patience: Patience, call: Callable[[], Awaitable[T]]) -> T:
        # A fault near the end must not make the wait longer than its deadline.
        patience.budget_seconds = min(patience.budget_seconds, max(1.0, self._deadline - self._clock.monotonic()))
        return await patiently(call, patience=patience, clock=self._clock, on_fault=self._tell_fault)

    async def _stop_early_look(self) -> None:
        early, self._early = self._early, None
        if early is not None:
            await early.stop()

    def _tell_fault(self, error: ApiError) -> None:
        self._has_faulted = True
        self.around.reporter.status(f"{error.message.rstrip('.')}; trying again")


async def deploy_and_wait(request: RolloutRequest, around: Surroundings) -> RolloutOutcome:
    """Run one deployment to the end that the request asks for; see `Rollout.execute`."""
    return await Rollout(request, around).execute()


async def take_up_and_wait(request: RolloutRequest, earlier: EarlierRun, around: Surroundings) -> RolloutOutcome | None:
    """Go on with an earlier run's deployment; see `Rollout.take_up`."""
    return await Rollout(request, around).take_up(earlier)


__all__ = ["Rollout", "RolloutError", "RolloutOutcome", "deploy_and_wait", "take_up_and_wait"]
