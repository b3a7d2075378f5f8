"""The run of a database: it deploys within the request and leaves no row, so that what runs is the only witness."""

from __future__ import annotations

from pulumi_dokploy_deployments.api.errors import ApiError, ServerError
from pulumi_dokploy_deployments.rollout import failures
from pulumi_dokploy_deployments.rollout.conclude import mind_the_verdict, verify_running
from pulumi_dokploy_deployments.rollout.named_version import compare_with_named, set_for_request
from pulumi_dokploy_deployments.rollout.request import WaitFor
from pulumi_dokploy_deployments.rollout.trigger import AnswerNotFound, Evidence, send_once
from pulumi_dokploy_deployments.rollout.wait import Wait
from pulumi_dokploy_deployments.waiting.progress import Activity, Stage
from pulumi_dokploy_deployments.workload.probe import WorkloadProbe


async def deploy_database(wait: Wait) -> None:
    """Deploy the wait's database and prove that it runs.

    Raises:
        RolloutError: the server could not deploy it, or it does not run.
        ApiError: the server refused or could not be reached.
    """
    service, record = wait.service, wait.record
    wait.tell(Activity.REQUESTING, "deploy, which takes until the image has been pulled")
    probe = WorkloadProbe(wait.client, wait.clock, service, before=record.before)

    async def send() -> None:
        record.is_sent = True
        try:
            await wait.client.deploy(service.kind, service.service_id, timeout_seconds=max(1.0, wait.remaining))
        except ServerError as error:
            if error.status == 500:
                # The server's own answer after it has tried; only a proxy's leaves open what happened.
                raise failures.database_failed(service, error, record.link) from None
            raise
        except ApiError as error:
            record.is_sent = error.may_have_been_carried_out
            raise

    async def has_arrived() -> Evidence:
        if not record.before.is_known or wait.request.wait_for is not WaitFor.HEALTHY:
            return None
        seen = await wait.retry(probe.observe)
        # No new task yet proves nothing: the server may still be pulling the image.
        return True if any(unit.id not in record.before.unit_ids for unit in seen.units) else None

    try:
        # The server may go on for minutes behind a proxy that has given up: what runs is watched until the deadline.
        async with set_for_request(wait):
            try:
                await send_once(
                    send,
                    has_arrived,
                    budget=wait.budget,
                    clock=wait.clock,
                    on_fault=wait.tell_fault,
                    arrives_within=wait.remaining,
                    answers_within=max(1.0, wait.remaining),
                )
            except ApiError:
                record.is_sent = False
                raise
    except AnswerNotFound as lost:
        raise failures.database_failed(service, lost.cause, record.link) from None
    record.stage = Stage.UPDATE
    if wait.request.wait_for is WaitFor.HEALTHY:
        await verify_running(wait, None)
    await mind_the_verdict(wait)
    await compare_with_named(wait)
    record.stage = Stage.DONE
    wait.tell_the_end()
