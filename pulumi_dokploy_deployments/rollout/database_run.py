"""The run of a database: it deploys within the request and leaves no row, so that what runs is the only witness."""

from __future__ import annotations

from pulumi_dokploy_deployments.api.errors import ServerError
from pulumi_dokploy_deployments.api.models import Service
from pulumi_dokploy_deployments.rollout import failures
from pulumi_dokploy_deployments.rollout.conclusion import prove
from pulumi_dokploy_deployments.rollout.outcome import RolloutOutcome
from pulumi_dokploy_deployments.rollout.request import WaitFor
from pulumi_dokploy_deployments.rollout.stages import Stage
from pulumi_dokploy_deployments.rollout.trigger import AnswerNotFound, Evidence, send_once
from pulumi_dokploy_deployments.rollout.workbench import Workbench
from pulumi_dokploy_deployments.workload.health import Health
from pulumi_dokploy_deployments.workload.health_probe import Baseline, SwarmProbe


async def deploy_database(bench: Workbench, service: Service, baseline: Baseline, nonce: str) -> RolloutOutcome:
    """Databases deploy within the request and leave no row: what runs is the only witness."""
    bench.context.reporter.status("deploying (this takes until the image has been pulled)")
    probe = SwarmProbe(bench.client, bench.clock, service)

    async def send() -> None:
        bench.progress.is_sent = True
        try:
            remaining = max(1.0, bench.deadline - bench.clock.monotonic())
            await bench.client.deploy(service.kind, service.service_id, timeout_seconds=remaining)
        except ServerError as error:
            if error.status == 500:
                # The server's own answer after it has tried; only a proxy's leaves open what happened.
                raise failures.database_failed(service, error, bench.link(service)) from None
            raise

    async def has_arrived() -> Evidence:
        if not baseline.is_known or bench.request.wait_for is not WaitFor.HEALTHY:
            return None
        seen = await bench.retry_transient(lambda: probe.observe(baseline.task_ids))
        # No new task yet proves nothing: the server may still be pulling the image.
        return True if any(task.task_id not in baseline.task_ids for task in seen.tasks) else None

    try:
        await send_once(send, has_arrived, budget=bench.budget, clock=bench.clock, on_fault=bench.tell_fault)
    except AnswerNotFound as lost:
        raise failures.database_failed(service, lost.cause, bench.link(service)) from None
    outcome = bench.outcome(service, nonce, None, baseline, None)
    outcome.stage = Stage.UPDATE
    if bench.request.wait_for is WaitFor.HEALTHY:
        outcome.verdict = await prove(bench, service, None, baseline)
    if outcome.verdict.health is Health.UNHEALTHY:
        raise failures.unhealthy(service, None, outcome.verdict, bench.link(service))
    if outcome.verdict.health is Health.UNKNOWN:
        bench.context.reporter.warning(
            f"The deployment was accepted; that the database runs could not be checked: {outcome.verdict.reason}."
        )
    outcome.stage = Stage.DONE
    return outcome
