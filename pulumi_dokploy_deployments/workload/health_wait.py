"""Looks at what runs until the judge has made up its mind or the deadline has passed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pulumi_dokploy_deployments.api.models import DeploymentRecord, Service
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.progress import Activity, Progress, Stage
from pulumi_dokploy_deployments.waiting.retry import RetryBudget, retry_transient
from pulumi_dokploy_deployments.workload.health import STABLE_SECONDS, ContainerJudge, SwarmJudge, Verdict
from pulumi_dokploy_deployments.workload.health_probe import Baseline, ComposeProbe, SwarmProbe

LOOK_EVERY_SECONDS = 1.0
CROWDED_LOOK_SECONDS = 2.5
"""Where many wait at once. Two looks still fall into the window in which new tasks have to stay up."""
STEADY_PATIENCE_SECONDS = 20.0
"""How long tasks are given to settle before they count as not steady."""


async def wait_for_tasks(
    context: RunContext,
    service: Service,
    row: DeploymentRecord | None,
    baseline: Baseline,
    deadline: float,
    budget: RetryBudget,
) -> Verdict:
    """The final verdict on an application's or a database's tasks.

    Raises:
        TimeoutError: the deadline has passed; its text says how far things had come.
        ApiError: the server does not tell.
    """
    probe = SwarmProbe(context.client, context.clock, service)
    judge = SwarmJudge(
        since=row.started_at if row is not None else None,
        earlier_tasks=baseline.task_ids,
        earlier_update=baseline.update_started_at,
        is_remote=service.server_id is not None,
    )

    async def look() -> Verdict:
        return judge.judge(await probe.observe(baseline.task_ids))

    return await wait_until_final(look, context, deadline, budget)


async def wait_for_containers(context: RunContext, service: Service, deadline: float, budget: RetryBudget) -> Verdict:
    """The final verdict on a compose's containers; raises as `wait_for_tasks` does."""
    probe = ComposeProbe(context.client, service)
    judge = ContainerJudge()

    async def look() -> Verdict:
        return judge.judge(context.clock.monotonic(), await probe.observe())

    return await wait_until_final(look, context, deadline, budget)


async def runs_steadily(context: RunContext, probe: SwarmProbe, image: str) -> bool:
    """Whether tasks of the service, by this image, run and stay the same ones for the stable window."""
    steady: frozenset[str] = frozenset()
    since: float | None = None
    until = context.clock.monotonic() + STEADY_PATIENCE_SECONDS
    while True:
        seen = await probe.observe(frozenset())
        running = frozenset(
            task.task_id for task in seen.tasks if task.desired_state == "running" and task.phase == "running"
        )
        right = seen.service is not None and seen.service.image == image
        if not running or running != steady or not right:
            steady, since = running, seen.at
        elif since is not None and seen.at - since >= STABLE_SECONDS:
            return True
        if context.clock.monotonic() >= until:
            return False
        context.reporter.progress(Progress(Activity.RECOVERING, detail="watching that what ran before stays up"))
        await context.clock.sleep(LOOK_EVERY_SECONDS)


async def wait_until_final(
    look: Callable[[], Awaitable[Verdict]], context: RunContext, deadline: float, budget: RetryBudget
) -> Verdict:
    """Look every second or so until the verdict is final; raises `TimeoutError` with its last words at the deadline."""
    while True:
        verdict = await retry_transient(look, budget=budget, clock=context.clock)
        if verdict.is_final:
            return verdict
        context.reporter.progress(Progress(Activity.VERIFYING, Stage.HEALTH_CHECK, detail=verdict.reason))
        remaining = deadline - context.clock.monotonic()
        if remaining <= 0:
            raise TimeoutError(verdict.reason)
        pause = CROWDED_LOOK_SECONDS if context.shared_watcher.is_crowded else LOOK_EVERY_SECONDS
        if verdict.due_in_seconds is not None and not context.shared_watcher.is_crowded:
            pause = min(pause, verdict.due_in_seconds)
        await context.clock.sleep(min(pause, remaining))
