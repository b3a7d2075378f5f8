"""Looks at what runs until the judge has made up its mind or the deadline has passed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from pulumi_dokploy_deployments.api.errors import AccessDenied, MissingEndpoint, NotFound, ServerError
from pulumi_dokploy_deployments.api.models import Service, ServiceKind
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.progress import Activity, Progress, Stage
from pulumi_dokploy_deployments.waiting.retry import RetryBudget, retry_transient
from pulumi_dokploy_deployments.workload.judge import STABLE_SECONDS, Judge
from pulumi_dokploy_deployments.workload.member_judge import SHORTEST_LOOK_SECONDS
from pulumi_dokploy_deployments.workload.model import Baseline
from pulumi_dokploy_deployments.workload.probe import WorkloadProbe, why_unknown
from pulumi_dokploy_deployments.workload.verdict import Health, Verdict

LOOK_EVERY_SECONDS = 1.0
STEADY_LOOK_SECONDS = 2.5
"""While everything is up and only has to stay so, and where many wait at once.

Two looks still fall into the window in which new units have to stay up, and what ends in between shows in the next.
"""
OWN_FAILURE = 500
"""The status with which Dokploy says that it could not ask Docker; proxies use those above."""
SETTLING_SECONDS = 20.0
"""How long tasks are given to settle before they count as not steady."""


class VerificationTimedOut(TimeoutError):
    """The deadline has passed before the verdict was final.

    Its text says what was seen last of each member, with its error.

    Attributes:
        verdict: the last verdict; pending.
    """

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.last_seen)
        self.verdict = verdict


def judge_for(
    service: Service, before: Baseline, since: datetime | None, stable_seconds: float = STABLE_SECONDS
) -> Judge:
    """The judge for a service's workload. Applications and databases get new tasks with every deployment."""
    return Judge(
        before,
        since,
        stable_seconds,
        is_always_recreated=service.kind is not ServiceKind.COMPOSE,
        is_remote=service.server_id is not None,
    )


async def wait_for_workload(
    context: RunContext,
    service: Service,
    *,
    since: datetime | None,
    before: Baseline,
    deadline: float,
    budget: RetryBudget,
    stable_seconds: float = STABLE_SECONDS,
) -> Verdict:
    """The final verdict on what runs of the service.

    Args:
        context: the server, the clock, the listener.
        service: whose workload it is.
        since: the start of the deployment's row; None where there is none (databases, pins).
        before: what was there before the trigger.
        deadline: the moment on the monotonic clock at which waiting ends.
        budget: how long faults are retried.
        stable_seconds: how long what is new must stay up without a restart.

    Raises:
        VerificationTimedOut: the deadline has passed.
        ApiError: the server can't be asked any more. That it does not tell is no error but a verdict.
    """
    if not before.is_known:
        return Verdict(Health.UNKNOWN, before.unknown_because)
    probe = WorkloadProbe(context.client, context.clock, service, before=before, since=since)
    judge = judge_for(service, before, since, stable_seconds)
    confirm: frozenset[str] = frozenset()

    async def look() -> Verdict:
        nonlocal confirm
        verdict = judge.judge(await probe.observe(confirm))
        confirm = verdict.to_confirm
        return verdict

    try:
        return await wait_until_final(look, context, deadline, budget)
    except ServerError as error:
        if error.status != OWN_FAILURE:
            raise
        # Not a proxy's word but the server's own, and no passing one: it was asked for as long as the budget allows.
        return Verdict(Health.UNKNOWN, why_unknown(error))
    except (AccessDenied, MissingEndpoint, NotFound) as error:
        return Verdict(Health.UNKNOWN, why_unknown(error))


async def wait_until_final(
    look: Callable[[], Awaitable[Verdict]], context: RunContext, deadline: float, budget: RetryBudget
) -> Verdict:
    """Look every second or so until the verdict is final; raises `VerificationTimedOut` at the deadline."""
    while True:
        verdict = await retry_transient(look, budget=budget, clock=context.clock)
        if verdict.is_final:
            return verdict
        context.reporter.progress(Progress(Activity.VERIFYING, Stage.HEALTH_CHECK, detail=verdict.reason))
        remaining = deadline - context.clock.monotonic()
        if remaining <= 0:
            raise VerificationTimedOut(verdict)
        await context.clock.sleep(min(_pause(verdict, is_crowded=context.shared_watcher.is_crowded), remaining))


async def runs_steadily(
    context: RunContext, probe: WorkloadProbe, image: str, stable_seconds: float = STABLE_SECONDS
) -> bool:
    """Whether units of the service, by this image, run and stay the same ones for the window."""
    steady: frozenset[object] = frozenset()
    since: float | None = None
    until = context.clock.monotonic() + SETTLING_SECONDS + max(0.0, stable_seconds - STABLE_SECONDS)
    while True:
        seen = await probe.observe()
        running = frozenset(unit.run for unit in seen.units if unit.is_up)
        right = len(seen.members) == 1 and seen.members[0].image == image
        if not running or running != steady or not right:
            steady, since = running, seen.at
        elif since is not None and seen.at - since >= stable_seconds:
            return True
        if context.clock.monotonic() >= until:
            return False
        context.reporter.progress(Progress(Activity.RECOVERING, detail="watching that what ran before stays up"))
        await context.clock.sleep(LOOK_EVERY_SECONDS)


def _pause(verdict: Verdict, *, is_crowded: bool) -> float:
    if verdict.to_confirm:
        return SHORTEST_LOOK_SECONDS
    if is_crowded:
        return STEADY_LOOK_SECONDS
    due = verdict.due_in_seconds
    return LOOK_EVERY_SECONDS if due is None else min(STEADY_LOOK_SECONDS, due)
