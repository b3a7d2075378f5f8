"""One deployment from request to proof: the order of the steps, and nothing that could be decided elsewhere."""

from __future__ import annotations

from contextlib import suppress

from pulumi_dokploy_deployments.api.errors import ApiError
from pulumi_dokploy_deployments.api.models import DeploymentStatus, ServiceStatus
from pulumi_dokploy_deployments.api.versions import Capability
from pulumi_dokploy_deployments.rollout import failures
from pulumi_dokploy_deployments.rollout.burst_poll import FAR_AWAY_SECONDS, BurstPoll
from pulumi_dokploy_deployments.rollout.conclude import conclude
from pulumi_dokploy_deployments.rollout.correlation import Correlator
from pulumi_dokploy_deployments.rollout.database import deploy_database
from pulumi_dokploy_deployments.rollout.follow import follow
from pulumi_dokploy_deployments.rollout.mark import carries, mark, new_nonce, nonce_with
from pulumi_dokploy_deployments.rollout.named_version import set_for_request
from pulumi_dokploy_deployments.rollout.record import EarlierRun, RunRecord
from pulumi_dokploy_deployments.rollout.request import OnBusy, RolloutRequest, WaitFor, overwrites_title
from pulumi_dokploy_deployments.rollout.trigger import AnswerNotFound, Evidence, send_once
from pulumi_dokploy_deployments.rollout.wait import Wait
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.pacing import usual_seconds
from pulumi_dokploy_deployments.waiting.progress import Activity
from pulumi_dokploy_deployments.waiting.retry import retry_transient, short_budget
from pulumi_dokploy_deployments.waiting.snapshot import Phase, Snapshot
from pulumi_dokploy_deployments.workload.model import Baseline
from pulumi_dokploy_deployments.workload.probe import WorkloadProbe

PAUSE_WHERE_JOBS_SURVIVE_SECONDS = 1.0
"""How often a server is asked at least that does not answer, where its jobs survive a restart."""
SECOND_LOOK_SECONDS = 3.0
"""So long after the first look the history is read again, where it seems to be empty and should not be."""


async def deploy(request: RolloutRequest, context: RunContext, record: RunRecord | None = None) -> RunRecord:
    """Trigger, recognise, await, prove.

    Args:
        request: what is asked for.
        context: the server, the clock and the listener.
        record: a fresh record that the caller wants to read even when the run fails.

    Raises:
        TooOld: the server's version is below the oldest one that this package works with; nothing was sent.
        RolloutError: the deployment did not come to the end that was asked for.
        ApiError: the server refused or could not be reached.
    """
    record = record or RunRecord()
    record.nonce = new_nonce()
    wait = Wait(request, context, record)
    service = await wait.begin()
    await require_supported(context)
    if await wait.can(Capability.QUEUE_SURVIVES_RESTART):
        # What waits runs as soon as the server is back, and may be over a moment later.
        wait.budget.longest_pause_seconds = PAUSE_WHERE_JOBS_SURVIVE_SECONDS
    record.before = await _baseline(wait)
    if service.kind.is_database:
        await deploy_database(wait)
        return record
    asked_at, watcher = wait.clock.monotonic(), context.shared_watcher
    snapshot = await wait.observe()
    if not snapshot.rows and service.status is not ServiceStatus.IDLE:
        # A service that has been deployed has a history. Taken for empty, its old rows could be taken for new ones.
        await wait.clock.sleep(SECOND_LOOK_SECONDS)
        asked_at = wait.clock.monotonic()
        snapshot = await wait.observe(asked_at)
    # Two requests, one after the other. Where hundreds begin at once they wait for each other's, and say nothing.
    is_far = (wait.clock.monotonic() - asked_at) / 2 > FAR_AWAY_SECONDS
    if watcher.is_crowded:
        is_far = watcher.round_trip_seconds > FAR_AWAY_SECONDS
    record.usual_seconds = usual_seconds(snapshot.rows)
    if await _went_on_with(wait, snapshot):
        return record
    await _mind_the_busy(wait, snapshot)
    record.known_rows = tuple(row.deployment_id for row in snapshot.rows)
    may_be_overwritten = overwrites_title(service, request.method)
    correlator = Correlator(record.nonce, frozenset(record.known_rows), may_be_overwritten=may_be_overwritten)
    correlator.before(snapshot)
    burst = None
    if is_far and may_be_overwritten:
        burst = BurstPoll(wait.client, request.service, record.nonce, wait.clock)
        burst.start()
    try:
        async with set_for_request(wait):
            sent_at = await _trigger(wait, correlator)
        await _to_the_end(wait, correlator, sent_at, burst)
    finally:
        if burst is not None:
            await burst.stop()
    return record


async def resume(
    request: RolloutRequest, earlier: EarlierRun, context: RunContext, record: RunRecord | None = None
) -> RunRecord | None:
    """Go on with a deployment that an earlier run has sent, without sending it again.

    None where the server shows nothing of it, or shows that it has failed meanwhile: it has to be sent anew.

    Raises:
        RolloutError: it is still under way and did not come to the end that was asked for.
        ApiError: the server could not be reached.
    """
    record = record or RunRecord()
    wait = Wait(request, context, record)
    service = await wait.begin()
    if service.kind.is_database:
        return None
    snapshot = await wait.observe()
    # Of the rows that are there now only one that still carries the mark is taken: the others may be anybody's.
    known = frozenset(earlier.known_rows) | {row.deployment_id for row in snapshot.rows}
    correlator = Correlator(
        earlier.nonce,
        known,
        may_be_overwritten=overwrites_title(service, request.method),
        deployment_id=earlier.deployment_id,
    )
    found = correlator.observe(snapshot)
    if found.phase not in (Phase.WAITING, Phase.ACTIVE, Phase.RUNNING, Phase.FINISHED):
        return None
    if found.row is not None and found.row.status.is_final and found.row.status is not DeploymentStatus.DONE:
        return None
    record.nonce, record.before, record.is_sent = earlier.nonce, earlier.before, True
    record.known_rows = earlier.known_rows
    record.usual_seconds = usual_seconds(snapshot.rows)
    wait.tell(Activity.RESUMING)
    await _to_the_end(wait, correlator, wait.clock.monotonic(), None)
    return record


async def _to_the_end(wait: Wait, correlator: Correlator, sent_at: float, burst: BurstPoll | None) -> None:
    try:
        row = await follow(wait, correlator, not_before=sent_at, burst=burst)
        if correlator.was_carried_out_twice:
            cancelled_first = correlator.runs_again
            wait.context.reporter.warning(failures.carried_out_twice(wait.service, row, by_restart=cancelled_first))
        if wait.request.wait_for is not WaitFor.NONE:
            await conclude(wait, row)
    except ApiError as error:
        raise failures.contact_lost(wait.service, wait.record.deployment, error, wait.record.link) from None
    finally:
        await wait.log.close()


async def _went_on_with(wait: Wait, snapshot: Snapshot) -> bool:
    """Go on with a run of the same resource and the same inputs that was killed and is still under way.

    Only what waits or runs is taken, and only by its digest: it names the stack, the resource, the service and what
    is deployed, so that it can be nobody else's, and nothing that is over is taken for the present.
    """
    record, digest = wait.record, wait.request.digest
    marked = [job.data.description_log for job in snapshot.jobs]
    marked += [row.description for row in snapshot.rows if not row.status.is_final]
    nonce = next((found for text in marked if (found := nonce_with(text, digest)) is not None), None)
    if nonce is None:
        return False
    # What ran before that run is not known any more: what runs is judged by the deployment's own start.
    record.nonce, record.is_sent, record.before = nonce, True, Baseline()
    record.known_rows = tuple(
        row.deployment_id for row in snapshot.rows if row.status.is_final or not carries(row.description, nonce)
    )
    may_be_overwritten = overwrites_title(wait.service, wait.request.method)
    correlator = Correlator(nonce, frozenset(record.known_rows), may_be_overwritten=may_be_overwritten)
    wait.tell(Activity.RESUMING)
    await _to_the_end(wait, correlator, float("-inf"), None)
    return True


async def require_supported(context: RunContext) -> None:
    """See to it that the server is new enough before anything is sent to it.

    A server that can't be asked for its version counts as new enough: it has just answered something else.

    Raises:
        TooOld: its version is below the oldest that this package can work with.
    """
    with suppress(ApiError):
        await retry_transient(context.client.require_supported, budget=short_budget(), clock=context.clock)


async def _baseline(wait: Wait) -> Baseline:
    """What runs before the request; an empty one where that could not be read."""
    if wait.request.wait_for is not WaitFor.HEALTHY:
        return Baseline()
    probe = WorkloadProbe(wait.client, wait.clock, wait.service)
    try:
        return await wait.retry(probe.baseline, short_budget())
    except ApiError:
        # A proxy's odd answer, or Docker out of the server's reach for a moment, must neither stop a deployment nor
        # switch its proof off: what runs afterwards is judged by the deployment's start.
        return Baseline()


async def _mind_the_busy(wait: Wait, before: Snapshot) -> None:
    on_busy, service = wait.request.on_busy, wait.service
    if on_busy is OnBusy.FAIL and before.jobs:
        raise failures.busy(service, before.jobs, wait.record.link)
    if on_busy is OnBusy.SUPERSEDE and _can_be_dropped(before) and any(job.is_of_cloud for job in before.jobs):
        wait.context.reporter.warning(failures.not_dropped(service))
    elif on_busy is OnBusy.SUPERSEDE and _can_be_dropped(before):
        wait.tell(Activity.DROPPING_WAITING)
        await wait.retry(lambda: wait.client.drop_waiting_jobs(service.kind, service.service_id))


def _can_be_dropped(before: Snapshot) -> bool:
    """Whether deployments of the service wait. Previews of pull requests go with them, but are not dropped alone."""
    return any(job.state.is_waiting and not job.is_preview for job in before.jobs)


async def _trigger(wait: Wait, correlator: Correlator) -> float:
    """Send the request once; gives the monotonic time after which a reading of the queue counts."""
    request, record, service = wait.request, wait.record, wait.service
    wait.tell(Activity.REQUESTING, request.method.value)
    sent_at = wait.clock.monotonic()

    async def send() -> None:
        record.is_sent = True
        try:
            await wait.client.deploy(
                service.kind,
                service.service_id,
                method=request.method,
                title=request.title or None,
                description=mark(request.description, record.nonce, request.digest),
            )
        except ApiError as error:
            record.is_sent = error.may_have_been_carried_out
            raise

    async def look() -> Evidence:
        try:
            return correlator.evidence(await wait.look(sent_at, correlator.take_jobs))
        except ApiError:
            if correlator.job is not None:
                # The rows can't be read, but the queue has shown the job.
                return True
            raise

    async def has_arrived() -> Evidence:
        return await wait.retry(look)

    try:
        await send_once(
            send, has_arrived, budget=wait.budget, clock=wait.clock, on_fault=wait.tell_fault, until=wait.deadline
        )
    except AnswerNotFound as lost:
        raise failures.answer_not_found(service, lost.cause, record.link) from None
    except ApiError:
        record.is_sent = False
        raise
    if not wait.has_faulted:
        correlator.accepted(sent_at)
    return sent_at
