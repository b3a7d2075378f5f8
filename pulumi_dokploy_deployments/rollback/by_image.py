"""Brings a stored image back through the server's rollback endpoint, and verifies that it runs.

The endpoint answers 200 with an empty body, makes no row and sets no status (transcripts 165, 166, 336), so its answer
proves nothing: what Swarm runs afterwards is compared with the pinned image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from pulumi_dokploy_deployments.api.errors import AccessDenied, ApiError, InvalidRequest, NotFound, Step
from pulumi_dokploy_deployments.api.models import Service
from pulumi_dokploy_deployments.api.services import dashboard_link, name_of
from pulumi_dokploy_deployments.api.text import Action, Input, Text
from pulumi_dokploy_deployments.rollback.targets import Target, runs_image
from pulumi_dokploy_deployments.rollout.deploy import require_supported
from pulumi_dokploy_deployments.rollout.errors import RolloutError
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.rollout.trigger import AnswerNotFound, Evidence, send_once
from pulumi_dokploy_deployments.rollout.wait import LAST_REQUEST_SECONDS
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.progress import Activity, Progress
from pulumi_dokploy_deployments.waiting.retry import RetryBudget, retry_transient, short_budget
from pulumi_dokploy_deployments.workload.model import Baseline
from pulumi_dokploy_deployments.workload.probe import WorkloadProbe
from pulumi_dokploy_deployments.workload.verdict import Health, Verdict
from pulumi_dokploy_deployments.workload.verify import VerificationTimedOut, judge_for, wait_until_final

ANSWERS_WITHIN_SECONDS = 10.0
"""A rollback is carried out within its request; only after so long is it looked for at the server."""


RETRY_SECONDS = 120.0
"""How long faults on the way are retried."""


class RollbackFailed(RolloutError):
    """The earlier version could not be brought back."""


class RollbackUnproven(RolloutError):
    """The server took the rollback, and the pinned version is not what runs."""


@dataclass(frozen=True)
class Proof:
    """What was found to run after a rollback."""

    verdict: Verdict
    image: str
    previous_image: str


async def roll_back_and_verify(
    service: Service,
    target: Target,
    context: RunContext,
    *,
    timeout_seconds: float,
    record: RunRecord | None = None,
) -> Proof:
    """Roll back to the stored image and wait until its tasks run and stay up.

    Args:
        service: the application.
        target: the stored version.
        context: the server, the clock and the listener.
        timeout_seconds: how long to wait for the proof.
        record: a record that the caller wants to read even when the rollback fails.

    Raises:
        TooOld: the server's version is below the oldest one that this package works with; nothing was sent.
        RollbackFailed: the server refused; the message says which of its causes it was, as far as that can be known.
        RollbackUnproven: something else runs afterwards; the message says what.
        ApiError: the server could not be reached.
    """
    clock = context.clock
    deadline = clock.monotonic() + timeout_seconds
    in_time = context.client.within(lambda: max(LAST_REQUEST_SECONDS, deadline - clock.monotonic()))
    context = replace(context, client=in_time)
    budget = RetryBudget(RETRY_SECONDS, until=deadline)
    probe = WorkloadProbe(context.client, context.clock, service)
    baseline = await retry_transient(probe.baseline, budget=budget, clock=context.clock)
    record = record or RunRecord()
    record.service, record.before = service, baseline
    await require_supported(context)
    context.reporter.progress(Progress(Activity.ROLLING_BACK, detail=target.describe(context.clock.now())))
    await _send(service, target, context, record, budget, deadline)
    if not baseline.is_known:
        context.reporter.warning(
            "The server took the rollback, but whether the version runs could not be checked: "
            f"{baseline.unknown_because}."
        )
        return Proof(Verdict(Health.UNKNOWN, baseline.unknown_because), target.image or "", "")
    return await _prove(service, target, context, probe, baseline, deadline, budget)


async def running_image(service: Service, context: RunContext) -> str | None:
    """The image that Swarm runs for the service now; None where the server can't tell."""
    probe = WorkloadProbe(context.client, context.clock, service)
    baseline = await retry_transient(probe.baseline, budget=short_budget(), clock=context.clock)
    return baseline.image if baseline.is_known and baseline.image else None


async def _send(
    service: Service,
    target: Target,
    context: RunContext,
    record: RunRecord,
    budget: RetryBudget,
    deadline: float,
) -> None:
    client, baseline = context.client, record.before
    # One of its own: what it sees would count as there before the rollback in the probe that proves it.
    probe = WorkloadProbe(client, context.clock, service)

    async def send() -> None:
        record.is_sent = True
        await client.rollback(target.rollback_id or "")

    async def has_arrived() -> Evidence:
        if not baseline.is_known:
            return None
        now = await retry_transient(probe.baseline, budget=budget, clock=context.clock)
        moved = now.update_started_at != baseline.update_started_at or now.image != baseline.image
        return moved and runs_image(now.image, target.image or "")

    try:
        await send_once(
            send,
            has_arrived,
            budget=budget,
            clock=context.clock,
            on_fault=lambda error: context.reporter.progress(
                Progress(Activity.RETRYING, detail=error.message.rstrip("."))
            ),
            # The server works within the request, for minutes behind a proxy that has long given up.
            arrives_within=math.inf,
            answers_within=ANSWERS_WITHIN_SECONDS,
            until=deadline,
        )
    except (InvalidRequest, AnswerNotFound) as error:
        record.is_sent = isinstance(error, AnswerNotFound)
        reason = await _why_refused(service, target, context) if isinstance(error, InvalidRequest) else str(error)
        kept: Text = "The version that ran before keeps running."
        if record.is_sent:
            kept = (
                "Whether the server has carried it out is not known. Look at what runs before you ",
                Action.RUN_AGAIN,
                ".",
            )
        raise RollbackFailed(
            f"{name_of(service)} could not be rolled back to {target.describe(context.clock.now())}: {reason}",
            service=name_of(service),
            link=dashboard_link(client.connection.origin, service),
            next_step=kept,
            step=Step.LOOK_AT_SERVICE,
        ) from None


async def _why_refused(service: Service, target: Target, context: RunContext) -> str:
    """The server has one text for every failure (transcripts 73, 109): look for the cause."""
    client = context.client
    try:
        now = await client.read_service(service.kind, service.service_id)
        rows = await client.deployments_by_type(service.kind.value, service.service_id)
    except AccessDenied:
        return "the API key's user may not access the service"
    except NotFound:
        return "the service no longer exists"
    except ApiError as error:
        return f"the server gives no reason, and the cause could not be looked up: {error.message.rstrip('.')}"
    if all(row.rollback_id != target.rollback_id for row in rows):
        return "the version is no longer in the server's history, which keeps about ten deployments"
    if not now.rollback_active or now.rollback_registry_id is None:
        return "rollbacks are turned off, or have no registry, in the application's settings"
    return (
        "the server gives no reason, but its own log does. The usual cause is that the login to the rollback registry "
        "fails, or that the registry can't be reached"
    )


async def _prove(
    service: Service,
    target: Target,
    context: RunContext,
    probe: WorkloadProbe,
    baseline: Baseline,
    deadline: float,
    budget: RetryBudget,
) -> Proof:
    judge = judge_for(service, baseline, None)
    image = ""

    async def look() -> Verdict:
        nonlocal image
        seen = await probe.observe()
        image = seen.members[0].image if len(seen.members) == 1 else ""
        return judge.judge(seen)

    link = dashboard_link(context.client.connection.origin, service)
    name = name_of(service)
    wanted = target.describe(context.clock.now())
    try:
        verdict = await wait_until_final(look, context, deadline, budget)
    except VerificationTimedOut as late:
        raise RollbackUnproven(
            f"{name} was rolled back to {wanted}, but it did not run in time",
            reason=f"{late}; image {image or 'unknown'}",
            service=name,
            link=link,
            next_step=(
                "Look at the service's log for why it is not ready. If it needs longer to start, raise ",
                Input("timeout_seconds"),
                ".",
            ),
            step=Step.CHANGE_INPUT,
            property_name="timeout_seconds",
        ) from None
    if verdict.health is Health.UNHEALTHY:
        still = f"; {verdict.still_runs}" if verdict.still_runs else ""
        raise RollbackUnproven(
            f"The server took the rollback of {name} to {wanted}, but that version does not run",
            reason=f"{verdict.reason}{still}",
            service=name,
            link=link,
            next_step=(
                "Its image may no longer be in the registry. ",
                Action.LIST_CANDIDATES,
                " and choose another one.",
            ),
            step=Step.CHANGE_INPUT,
        )
    if not runs_image(image, target.image or ""):
        raise RollbackUnproven(
            f"The server took the rollback of {name} to {wanted}, but {image or 'an unknown image'} runs instead",
            service=name,
            link=link,
            next_step=("Another deployment may have been made meanwhile. ", Action.RUN_AGAIN, " to pin the version."),
            step=Step.RUN_AGAIN,
        )
    return Proof(verdict, image, baseline.image)
