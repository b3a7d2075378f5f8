"""The life cycle of `Deployment`: check, ask, plan, create, update, read, without any engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from pulumi_dokploy_deployments.api.errors import ApiError, DokployError
from pulumi_dokploy_deployments.api.models import Service
from pulumi_dokploy_deployments.api.services import dashboard_link, name_of
from pulumi_dokploy_deployments.api.text import Input
from pulumi_dokploy_deployments.resources.common import (
    ask_server,
    deployments_of,
    find_service,
    note,
    read_service,
    service_named,
)
from pulumi_dokploy_deployments.resources.deployment_deletion import needs_release, own_row, release
from pulumi_dokploy_deployments.resources.deployment_model import (
    NAMED,
    DeploymentInputs,
    DeploymentOutputs,
    OnFailure,
)
from pulumi_dokploy_deployments.resources.deployment_state import (
    DeploymentRun,
    DeploymentState,
    LeftAs,
    resource_id_of,
    state_of,
    unfinished,
    with_row,
)
from pulumi_dokploy_deployments.resources.fields import SERVICE_ID_FIELDS, Problem, service_problems, told_once
from pulumi_dokploy_deployments.resources.import_ids import LATEST, import_id
from pulumi_dokploy_deployments.resources.inputs import Checked
from pulumi_dokploy_deployments.resources.life_cycle import Operation, Planned, Stored
from pulumi_dokploy_deployments.resources.named_settings import (
    STORED_IMAGE,
    announce,
    drift_of,
    drift_warning,
    no_longer_named,
    setting_problems,
    wanted_of,
)
from pulumi_dokploy_deployments.resources.plan import (
    Change,
    ChangeKind,
    Plan,
    PlanAction,
    input_changes,
    replacing_changes,
)
from pulumi_dokploy_deployments.resources.service_names import named_service, with_known_service
from pulumi_dokploy_deployments.rollback.by_image import running_image
from pulumi_dokploy_deployments.rollback.recovery import (
    WayBack,
    deploy_or_recover,
    no_way_warning,
    note_recovery_point,
)
from pulumi_dokploy_deployments.rollout.deploy import deploy, resume
from pulumi_dokploy_deployments.rollout.failures import interrupted
from pulumi_dokploy_deployments.rollout.mark import digest_of
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.rollout.request import RolloutRequest, WaitFor
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.workload.probe import WorkloadProbe
from pulumi_dokploy_deployments.workload.verdict import Health

# Inputs that say how the next deployment is made, or what happens at the end: stored, no reason to deploy.
SETTINGS = (
    *("wait_for", "timeout_seconds", "stable_seconds", "if_unproven"),
    *("on_failure", "on_busy", "on_delete", "expect_commit", "stream_logs"),
)
DEPLOYING = (*NAMED, "triggers", "method")
REPLACING = (*SERVICE_ID_FIELDS, "connection")
# `title` and `description` are no reason to do anything: they only matter to the next deployment.

_NOT_FOR_DATABASES = {
    "method": "Dokploy deploys it from its image and knows no other way",
    "expect_commit": "it is not built from a commit",
    "on_failure": "Dokploy keeps no earlier version of it; only `fail` is possible where no image is named",
}


@dataclass(frozen=True)
class Made:
    """What a create or an update has made.

    Attributes:
        state: the state afterwards.
        is_deployed: whether there was anything to deploy.
        resource_id: the id of a new resource; empty where nothing was sent.
        way_back: from what was deployed to what ran before; None without `on_failure: rollback`, or where nothing was
            deployed.
    """

    state: DeploymentState
    is_deployed: bool = False
    resource_id: str = ""
    way_back: WayBack | None = None


class DeploymentLifeCycle:
    """`Deployment`."""

    inputs_model = DeploymentInputs
    state_model = DeploymentState
    verb = "deploys"

    def looks(self, state: DeploymentState) -> bool:
        """Only what was set can have been changed."""
        return bool(wanted_of(state.inputs))

    def check(self, properties: Mapping[str, object]) -> Checked[DeploymentInputs]:
        """Validate the inputs; values that are not known yet pass."""
        declared = {name: value for name, value in properties.items() if name not in DeploymentInputs.COMPUTED}
        checked = DeploymentInputs.read(declared)
        problems = service_problems(declared)
        told = {problem.property_name for problem in problems}
        problems += [problem for problem in checked.problems if problem.property_name not in told]
        inputs = checked.inputs
        if inputs is None or problems:
            return Checked(None, tuple(problems))
        if SERVICE_ID_FIELDS[inputs.service_property].is_database:
            problems += [
                Problem(name, (Input(name), f" does not go with a database: {why}."))
                for name, why in _NOT_FOR_DATABASES.items()
                if getattr(inputs, name) != DeploymentInputs.model_fields[name].default
                and not (name == "on_failure" and inputs.given & frozenset(NAMED))
            ]
        problems = told_once([*problems, *setting_problems(inputs)])
        return Checked(None, tuple(problems)) if problems else checked

    async def ask(
        self, earlier: DeploymentInputs | None, inputs: DeploymentInputs, context: RunContext
    ) -> DeploymentInputs:
        """Find out whether the service exists and the key may see it; warn of what the deployment will run into.

        Nothing is sent for a resource that does not change.
        """
        inputs = with_known_service(earlier, inputs)
        if earlier is not None and not _changes(earlier, inputs):
            return inputs
        await ask_server(context.client.require_supported, context)
        service, inputs = await named_service(inputs, context)
        wanted = wanted_of(inputs)
        if wanted:
            await announce(service, wanted, context)
        if earlier is not None and (told := no_longer_named(earlier, inputs)):
            context.reporter.warning(told)
        if inputs.on_failure is OnFailure.ROLLBACK and not inputs.unknown & frozenset(NAMED):
            point = await note_recovery_point(service, context, wanted)
            if point.why_no_way:
                context.reporter.warning(no_way_warning(point))
        if inputs.wait_for is WaitFor.HEALTHY and "wait_for" not in inputs.unknown:
            await _warn_of_blindness(service, context)
        await _warn_of_pin(service, context)
        return inputs

    async def look(self, state: DeploymentState, context: RunContext) -> DeploymentState:
        """The state with what someone else has changed of the named settings since.

        Where the server can't be asked the state stays as it was: the next operation that needs the server says why.
        """
        ref = state.inputs.service
        if ref is None or not self.looks(state):
            return state
        try:
            return await _with_drift(state, await read_service(ref, context), context)
        except DokployError:
            return state

    def plan(self, state: DeploymentState | None, inputs: DeploymentInputs) -> Plan:
        """What changed and what follows; a run that did not come to its end is a change of its own.

        The first triggers that a program gives for an imported deployment are that deployment's: they don't deploy.
        """
        if state is None:
            return Plan(action=PlanAction.DEPLOY)
        changes = _changes(state.inputs, inputs)
        plan = Plan(tuple(changes), PlanAction.STORE if changes else PlanAction.NOTHING)
        if any(change.replaces for change in changes):
            return replace(plan, action=PlanAction.REPLACE)
        if _sets_anew(changes):
            return replace(plan, action=PlanAction.DEPLOY)
        if state.run.is_adopted:
            return plan
        if any(_deploys(change) for change in changes):
            return replace(plan, action=PlanAction.DEPLOY)
        found = [Change((name,), is_output=True) for name in state.run.drift if getattr(inputs, name) is not None]
        if found:
            return Plan((*changes, *found), PlanAction.DEPLOY)
        if state.run.left_as is not None:
            return Plan((*changes, Change(("status",), is_output=True)), PlanAction.DEPLOY)
        return plan

    def planned(self, state: DeploymentState | None, inputs: DeploymentInputs) -> Planned[DeploymentState]:
        """All outputs of a new deployment are unknown; changed settings leave them as they are."""
        if state is not None and not self.plan(state, inputs).deploys:
            return Planned(_with_settings(state, inputs))
        known = {}
        if state is not None:
            known = {"app_name": state.outputs.app_name, "url": state.outputs.url}
        outputs = DeploymentOutputs().model_copy(update=known)
        unknown = frozenset(DeploymentOutputs.model_fields) - {name for name, value in known.items() if value}
        return Planned(DeploymentState(inputs=inputs, outputs=outputs, run=DeploymentRun()), unknown)

    async def create(self, inputs: DeploymentInputs, operation: Operation) -> Stored[DeploymentState]:
        """Deploy, and wait for the end that `wait_for` names."""
        made = await self.bring(None, inputs, operation)
        return Stored(made.resource_id, made.state)

    async def update(self, state: DeploymentState, inputs: DeploymentInputs, operation: Operation) -> DeploymentState:
        """Deploy again if the change asks for it, go on with what an earlier run has left, or store the settings."""
        return (await self.bring(state, inputs, operation)).state

    async def bring(self, state: DeploymentState | None, inputs: DeploymentInputs, operation: Operation) -> Made:
        """Create it, where there is no state yet, or update it; gives the way back from what was deployed as well.

        Raises:
            Unfinished: it failed, and the server has something of it.
            DokployError: it failed, and the state stays as it was.
        """
        if state is None:
            return await self._deploy(None, inputs, operation)
        plan, context = self.plan(state, inputs), operation.context
        if not plan.deploys and self.looks(state):
            # The engine hands over the stored state, not what `look` found.
            state = await self.look(state, context)
            plan = self.plan(state, inputs)
        if not plan.deploys:
            if state.run.is_adopted:
                note(context, "takes the triggers as those of the imported deployment")
            return Made(_with_settings(state, inputs))
        if plan.touches((*DEPLOYING, *REPLACING)):
            note(context, f"{', '.join(str(change) for change in plan.changes[:3])} changed")
        elif state.run.left_as is LeftAs.BROKEN_OFF:
            resumed = await self._resume(state, inputs, operation)
            if resumed is not None:
                return Made(resumed, is_deployed=True)
            note(context, "the earlier deployment is not under way any more; deploying again")
        return await self._deploy(state, inputs, operation)

    async def _deploy(self, earlier: DeploymentState | None, inputs: DeploymentInputs, operation: Operation) -> Made:
        request, context = _request(inputs, operation), operation.context
        way_back = None
        with _kept(inputs, earlier) as record:
            if inputs.on_failure is OnFailure.ROLLBACK:
                service = await read_service(request.service, context)
                way_back = await deploy_or_recover(request, service, context, record)
            else:
                await deploy(request, context, record)
        return Made(state_of(inputs, record, earlier), True, resource_id_of(record), way_back)

    async def _resume(
        self, state: DeploymentState, inputs: DeploymentInputs, operation: Operation
    ) -> DeploymentState | None:
        if inputs.on_failure is OnFailure.ROLLBACK:
            note(operation.context, "on_failure: rollback holds for new runs; this one is only waited for")
        earlier = replace(state.run.as_earlier, deployment_id=state.outputs.deployment_id)
        with _kept(inputs, state) as record:
            run = await resume(_request(inputs, operation), earlier, operation.context, record)
        return state_of(inputs, run, state) if run is not None else None

    async def read(self, state: DeploymentState, context: RunContext) -> DeploymentState | None:
        """The state as the server has it now; None when the service itself is gone.

        A row that the server has dropped from its history is `pruned`, not deleted.
        """
        ref = state.inputs.service
        if ref is None:
            return state
        service = await find_service(ref, context)
        if service is None:
            return None
        if self.looks(state):
            state = await _with_drift(state, service, context)
        link = dashboard_link(context.client.connection.origin, service)
        outputs = state.outputs.model_copy(update={"app_name": service.app_name, "url": link})
        if service.kind.is_database:
            outputs = outputs.model_copy(update={"status": service.status.value})
            return state.model_copy(update={"outputs": outputs})
        rows = await deployments_of(service, context)
        row = own_row(rows, state)
        newer = [other for other in rows if row is None or other.created_at > row.created_at]
        newest = max(newer, key=lambda other: other.created_at, default=None)
        superseded_by = newest.deployment_id if newest is not None else None
        if row is None:
            superseded_by = superseded_by or state.outputs.superseded_by
        else:
            outputs = with_row(outputs, row)
        outputs = outputs.model_copy(update={"superseded_by": superseded_by, "pruned": row is None})
        return state.model_copy(update={"outputs": outputs})

    async def import_(self, resource_id: str, context: RunContext) -> Stored[DeploymentState] | None:
        """`<kind>/<service id>/<deployment id>`, or `…/latest` for the newest one in the history.

        Databases leave no deployments in the history and are named `<kind>/<service id>`.
        """
        forms = ("application/<application id>/<deployment id>", "…/latest")
        ref, which = import_id(resource_id, *forms, needs_last=lambda kind: not kind.is_database)
        inputs = DeploymentInputs.recall({f"{ref.kind.value}_id": ref.service_id})
        outputs, found = DeploymentOutputs(), resource_id
        if not ref.kind.is_database:
            if await find_service(ref, context) is None:
                return None
            rows = await deployments_of(ref, context)
            if which != LATEST:
                rows = [row for row in rows if row.deployment_id == which]
            row = max(rows, key=lambda row: row.created_at, default=None)
            if row is None:
                return None
            outputs = with_row(DeploymentOutputs(stage="done"), row)
            found = f"{ref.kind.value}/{ref.service_id}/{row.deployment_id}"
        state = DeploymentState(inputs=inputs, outputs=outputs, run=DeploymentRun(is_adopted=True))
        read = await self.read(state, context)
        return Stored(found, read) if read is not None else None

    def needs_server(self, state: DeploymentState) -> bool:
        """Whether something may still wait or run, or is to be removed from the history."""
        return needs_release(state)

    async def delete(self, state: DeploymentState, operation: Operation) -> None:
        """Release the deployment as `on_delete` says. What can't be stopped is said, not forced."""
        await release(state, operation.context)


def _changes(old: DeploymentInputs, new: DeploymentInputs) -> list[Change]:
    return replacing_changes(REPLACING, old, new) + input_changes((*DEPLOYING, *SETTINGS), old, new)


def _deploys(change: Change) -> bool:
    """What is no longer named stays set as it is: that is no reason to deploy."""
    is_dropped = change.name in NAMED and change.kind is ChangeKind.DELETE
    return change.name in DEPLOYING and not is_dropped


def _sets_anew(changes: Iterable[Change]) -> bool:
    return any(change.name in NAMED and _deploys(change) for change in changes)


async def _with_drift(state: DeploymentState, service: Service, context: RunContext) -> DeploymentState:
    was_proven = state.outputs.health == Health.HEALTHY.value and state.run.left_as is None
    drift = await drift_of(service, wanted_of(state.inputs), context, was_proven=was_proven)
    if drift.names and state.run.left_as is None:
        context.reporter.warning(drift_warning(service, drift))
    run = state.run.model_copy(update={"drift": drift.names})
    return state.model_copy(update={"run": run})


def _with_settings(state: DeploymentState, inputs: DeploymentInputs) -> DeploymentState:
    run = state.run.model_copy(update={"is_adopted": False})
    return state.model_copy(update={"inputs": inputs, "run": run})


def _request(inputs: DeploymentInputs, operation: Operation) -> RolloutRequest:
    service = service_named(inputs)
    # A run that was killed leaves no state. Its deployment is found again by what makes it this resource's.
    what = [operation.urn, str(service), inputs.method.value, inputs.triggers]
    wanted = wanted_of(inputs)
    if wanted:
        what += [wanted.image, wanted.git_ref, dict(wanted.env)]
    return RolloutRequest(
        service=service,
        method=inputs.method,
        title=inputs.title or operation.title,
        description=inputs.description or "",
        wait_for=inputs.wait_for,
        on_busy=inputs.on_busy,
        timeout_seconds=operation.seconds(inputs),
        deadline_source=operation.deadline_source,
        expect_commit=inputs.expect_commit,
        stream_logs=inputs.stream_logs,
        stable_seconds=inputs.stable_seconds,
        if_unproven=inputs.if_unproven,
        # Without anything that names a version, two runs of the same inputs may well be meant as two.
        digest=digest_of(what) if operation.urn and (inputs.triggers or wanted) else "",
        wanted=wanted,
    )


@contextmanager
def _kept(inputs: DeploymentInputs, earlier: DeploymentState | None) -> Iterator[RunRecord]:
    """A run's record; where the run fails, what the server has of it goes along with the error."""
    record = RunRecord()
    try:
        yield record
    except asyncio.CancelledError:
        error = interrupted(record.service, record.deployment, record.stage, record.link, is_sent=record.is_sent)
        raise unfinished(inputs, record, error, earlier) or error from None
    except DokployError as failure:
        raise unfinished(inputs, record, failure, earlier) or failure from failure.__cause__


async def _warn_of_blindness(service: Service, context: RunContext) -> None:
    """Say before the deployment that its health won't be checked, for instance with a key without docker:read."""
    try:
        reason = (await WorkloadProbe(context.client, context.clock, service).baseline()).unknown_because
    except ApiError:
        # What can't be told at the moment may be told after the deployment.
        return
    if reason:
        context.reporter.warning(
            (
                f"Whether the new version of {name_of(service)} runs can't be checked after this deployment: {reason}. "
                "Dokploy's own status will count; set ",
                Input("wait_for"),
                " to done to accept that.",
            )
        )


async def _warn_of_pin(service: Service, context: RunContext) -> None:
    """A pinned service runs a stored image; a deployment puts its own in the place (transcript 339)."""
    if not service.rollback_active:
        return
    image = await running_image(service, context)
    pinned = STORED_IMAGE.search(image or "")
    if pinned is not None:
        context.reporter.warning(
            f"{name_of(service)} is pinned to version {pinned.group(1)}, and this deployment takes its place."
        )
