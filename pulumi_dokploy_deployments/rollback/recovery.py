"""`on_failure: rollback`: note what runs before a deployment, and bring it back when the deployment fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pulumi_dokploy_deployments.api.errors import DokployError, Step
from pulumi_dokploy_deployments.api.models import Service, ServiceKind, SourceType
from pulumi_dokploy_deployments.api.services import name_of
from pulumi_dokploy_deployments.api.text import Text, clause, joined
from pulumi_dokploy_deployments.rollback.by_image import roll_back_and_verify
from pulumi_dokploy_deployments.rollback.by_source import deploy_source, set_source
from pulumi_dokploy_deployments.rollback.candidates import Candidate, candidates_of
from pulumi_dokploy_deployments.rollback.targets import Strategy, Target, runs_image
from pulumi_dokploy_deployments.rollout.deploy import deploy
from pulumi_dokploy_deployments.rollout.errors import (
    DeploymentFailed,
    RolloutError,
    ServiceUnhealthy,
    UnexpectedCommit,
    UnexpectedImage,
)
from pulumi_dokploy_deployments.rollout.next_steps import AGAIN
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.rollout.request import RolloutRequest, WaitFor
from pulumi_dokploy_deployments.settings.apply import plan_change, put_back
from pulumi_dokploy_deployments.settings.wanted import Wanted
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.progress import Activity, Progress
from pulumi_dokploy_deployments.waiting.retry import retry_transient, short_budget
from pulumi_dokploy_deployments.workload.model import Reading, Unit, UnitState
from pulumi_dokploy_deployments.workload.probe import WorkloadProbe
from pulumi_dokploy_deployments.workload.verify import runs_steadily

RECOVERABLE = (DeploymentFailed, ServiceUnhealthy, UnexpectedCommit, UnexpectedImage)
"""Endings after which the server has come to rest. After a timeout it still works, and would undo any rollback."""


@dataclass(frozen=True)
class Recovery:
    """How bringing back what ran before went.

    Attributes:
        told: what was done and what runs now, as a sentence.
        is_recovered: whether the earlier version was seen to run.
    """

    told: Text
    is_recovered: bool


class RolledBack(RolloutError):
    """The deployment failed, and what ran before was checked and if necessary brought back.

    Attributes:
        cause: the failure of the deployment itself.
        recovery: what was done, and what runs now.
    """

    def __init__(self, cause: RolloutError, recovery: Recovery) -> None:
        super().__init__(
            cause.what,
            reason=cause.reason,
            service=cause.service,
            deployment=cause.deployment,
            log_tail=cause.log_tail,
            last_words=cause.last_words,
            link=cause.link,
            next_step=joined(recovery.told, " Fix the cause", AGAIN),
            step=Step.FIX_AND_RUN_AGAIN,
            property_name=cause.property_name,
        )
        self.cause = cause
        self.recovery = recovery

    @property
    def is_recovered(self) -> bool:
        """Whether the earlier version was seen to run."""
        return self.recovery.is_recovered


@dataclass(frozen=True)
class RecoveryPoint:
    """What ran before a deployment, and the ways back to it."""

    service: Service
    task_ids: frozenset[str]
    image: str
    candidate: Candidate | None
    """The deployment that brought what runs; None where the history does not tell."""
    why_no_way: str
    """Why there is no way back, as the end of a sentence; empty where there is one."""
    by_settings: bool = False
    """Whether the way back is what the service was set to before the run, deployed once more."""

    @property
    def name(self) -> str:
        """How messages name what ran before."""
        if self.candidate is None:
            if self.image:
                return f"image {self.image}"
            return "the earlier settings" if self.by_settings else "the earlier version"
        version = f"version {self.candidate.version}, " if self.candidate.version is not None else ""
        commit = f", commit {self.candidate.commit_hash[:12]}" if self.candidate.commit_hash else ""
        return f"{version}deployment {self.candidate.deployment_id}{commit}"


async def note_recovery_point(service: Service, context: RunContext, wanted: Wanted | None = None) -> RecoveryPoint:
    """What runs now, and how it could be brought back.

    Args:
        service: as it was read just now.
        context: the server, the clock and the listener.
        wanted: what the deployment will set on the service: what it is set to now is then a way back.

    Raises:
        SettingRefused: the service can't be set to what is wanted.
        AccessDenied: the key's user may not see what runs.
        ApiError: the server can't be reached.
    """
    wanted = wanted or Wanted()
    will_change = bool(wanted) and bool(await plan_change(service, wanted, context))
    if service.kind is not ServiceKind.APPLICATION:
        why = "" if will_change else f"Dokploy keeps no earlier versions of {_a(service.kind)}"
        return RecoveryPoint(service, frozenset(), "", None, why, by_settings=will_change)
    probe = WorkloadProbe(context.client, context.clock, service)
    seen = await retry_transient(probe.observe, budget=short_budget(), clock=context.clock)
    rows = await retry_transient(
        lambda: context.client.deployments_by_type(service.kind.value, service.service_id),
        budget=short_budget(),
        clock=context.clock,
    )
    running = _running(seen)
    image = _image_of(seen)
    candidate = _origin_of(running, seen, image, candidates_of(rows))
    why_no_way = _why_no_way(service, running, image, candidate, wanted)
    by_settings = bool(why_no_way) and bool(running) and will_change
    return RecoveryPoint(
        service=service,
        task_ids=frozenset(unit.id for unit in running),
        image=image,
        candidate=candidate,
        why_no_way="" if by_settings else why_no_way,
        by_settings=by_settings,
    )


@dataclass(frozen=True)
class WayBack:
    """From a deployment to what ran before it.

    Attributes:
        point: what ran before.
        request: the deployment.
        record: the deployment's run, which knows what it has set on the service.
    """

    point: RecoveryPoint
    request: RolloutRequest
    record: RunRecord

    async def take(self, context: RunContext) -> Recovery:
        """Bring back what ran before and prove that it runs. Never raises: what failed is told."""
        point, change = self.point, self.record.change
        settings = ""
        try:
            # First, so that whatever is deployed from here on has the variables from before.
            is_put_back = change is None or await put_back(point.service, change, context)
            if change and is_put_back:
                settings = " The service is set as it was before."
            if point.by_settings and not is_put_back:
                return Recovery("It could not be rolled back: what it is set to could not be put back.", False)
            if await _still_runs(point, context):
                return Recovery(f"What ran before ({point.name}) is running.{settings}", True)
            if point.why_no_way:
                return Recovery(f"It could not be rolled back: {point.why_no_way}.", False)
            await _bring_back(point, self.request, context)
        except DokployError as error:
            failed = joined(f"Rolling back to what ran before ({point.name}) failed as well: ", clause(error.text), ".")
            return Recovery(failed, False)
        return Recovery(f"It was rolled back to what ran before ({point.name}), which is running.{settings}", True)


async def deploy_or_recover(
    request: RolloutRequest, service: Service, context: RunContext, record: RunRecord | None = None
) -> WayBack:
    """Run the deployment; when it fails, bring back what ran before, prove it, and fail with both facts.

    Gives the way back from the deployment that has succeeded.

    Raises:
        RolledBack: the deployment failed; the message says what runs now.
        RolloutError: an ending after which nothing can be brought back safely.
        ApiError: the server refused or could not be reached.
    """
    record = record or RunRecord()
    way_back = WayBack(await note_recovery_point(service, context, request.wanted), request, record)
    try:
        await deploy(request, context, record)
    except RECOVERABLE as failure:
        context.reporter.progress(
            Progress(Activity.RECOVERING, detail=f"checking what ran before ({way_back.point.name})")
        )
        raise RolledBack(failure, await way_back.take(context)) from None
    return way_back


def no_way_warning(point: RecoveryPoint) -> str:
    """What a preview and a run say when `on_failure: rollback` can't do anything."""
    return (
        f"on_failure is rollback, but there is nothing to go back to for {name_of(point.service)} if this deployment "
        f"fails: {point.why_no_way}."
    )


async def _still_runs(point: RecoveryPoint, context: RunContext) -> bool:
    """Whether what ran before runs already: never replaced, or brought back by Swarm itself (transcript 325).

    A built application's image is always `<appName>:latest`, which the failed build has overwritten. What Swarm
    starts from that tag is the broken version, whatever Swarm calls it (transcripts 301, 334), so that only tasks
    from before count there, and only while nothing was rolled out that a restart would bring up.
    """
    if not point.task_ids:
        return False
    probe = WorkloadProbe(context.client, context.clock, point.service)
    seen = await retry_transient(probe.observe, budget=short_budget(), clock=context.clock)
    same_tasks = frozenset(unit.id for unit in _running(seen)) == point.task_ids
    names_its_version = point.service.source_type is SourceType.DOCKER or _is_stored(point)
    was_rolled_back = _is_rollback(seen)
    if names_its_version and (same_tasks or was_rolled_back):
        return await runs_steadily(context, probe, point.image)
    return same_tasks and not was_rolled_back and await runs_steadily(context, probe, point.image)


def _is_rollback(seen: Reading) -> bool:
    return any(member.update is not None and member.update.state.is_rollback for member in seen.members)


def _is_stored(point: RecoveryPoint) -> bool:
    return point.candidate is not None and runs_image(point.image, point.candidate.image or "")


async def _bring_back(point: RecoveryPoint, request: RolloutRequest, context: RunContext) -> None:
    if point.candidate is not None and point.candidate.works:
        target = _target(point.candidate, Strategy.IMAGE)
        await roll_back_and_verify(point.service, target, context, timeout_seconds=request.timeout_seconds)
        return
    # It is another deployment than the one that was asked for: no later run may take it for that.
    again = replace(request, expect_commit=None, wait_for=WaitFor.HEALTHY, wanted=Wanted(), digest="")
    if point.by_settings:
        await deploy(replace(again, title="back to what ran before"), context)
        return
    target = Target(
        strategy=Strategy.SOURCE,
        deployment_id=point.candidate.deployment_id if point.candidate is not None else "",
        created_at=context.clock.now(),
        title="",
        image=point.image,
        source_ref=point.image.partition("@")[0],
    )
    await deploy_source(point.service, target, replace(again, title=f"back to {target.source_ref}"), context)
    pinned = await context.client.read_service(point.service.kind, point.service.service_id)
    # What the service was set to before the run, whether that is what failed or what ran: its owner set it so.
    await set_source(pinned, point.service.docker_image or "", context)


def _target(candidate: Candidate, strategy: Strategy) -> Target:
    return Target(
        strategy=strategy,
        deployment_id=candidate.deployment_id,
        created_at=candidate.created_at,
        title=candidate.title,
        rollback_id=candidate.rollback_id,
        version=candidate.version,
        image=candidate.image,
        commit_hash=candidate.commit_hash,
        commit_message=candidate.commit_message,
    )


def _running(seen: Reading) -> list[Unit]:
    return [unit for unit in seen.units if unit.state is UnitState.RUNNING and unit.desired_state == "running"]


def _image_of(seen: Reading) -> str:
    return seen.members[0].image if len(seen.members) == 1 else ""


def _origin_of(running: Sequence[Unit], seen: Reading, image: str, candidates: Sequence[Candidate]) -> Candidate | None:
    """The deployment that made the running tasks: the pinned one, else the newest before the tasks were made.

    None after a rollback of Swarm's own: its tasks are younger than the deployment that failed (transcript 325), so
    that their age tells nothing.
    """
    stored = next((c for c in candidates if c.image is not None and runs_image(image, c.image)), None)
    if stored is not None:
        return stored
    if _is_rollback(seen):
        return None
    made = [unit.born for unit in running if unit.born is not None]
    if not made:
        return None
    earlier = [c for c in candidates if c.created_at <= min(made) and c.was_successful]
    return earlier[0] if earlier else None


def _a(kind: ServiceKind) -> str:
    return "a compose" if kind is ServiceKind.COMPOSE else "a database"


def _why_no_way(
    service: Service, running: Sequence[Unit], image: str, candidate: Candidate | None, wanted: Wanted
) -> str:
    if not running:
        return "none of its tasks is running"
    if candidate is not None and candidate.works:
        return ""
    if service.source_type is SourceType.DOCKER:
        if image.partition("@")[0] != (wanted.image or service.docker_image or ""):
            return ""
        return f"the image that runs, {image}, is the one that is about to be deployed"
    if candidate is None:
        return "its history does not show which deployment runs"
    return f"the deployment that runs, {candidate.deployment_id}, can't be brought back: {candidate.why_not}"
