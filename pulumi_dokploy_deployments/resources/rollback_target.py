"""The life cycle of `RollbackTarget`: check, resolve, plan, pin, read, release, without any engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from pulumi_dokploy_deployments.api.errors import DokployError, Step
from pulumi_dokploy_deployments.api.models import DeploymentRecord, DeploymentStatus, Service
from pulumi_dokploy_deployments.api.services import name_of
from pulumi_dokploy_deployments.api.text import Action, Input, joined
from pulumi_dokploy_deployments.api.text import inputs as in_words
from pulumi_dokploy_deployments.resources.common import (
    ask_server,
    deployments_of,
    find_service,
    iso,
    note,
    read_service,
    service_named,
)
from pulumi_dokploy_deployments.resources.fields import Problem, service_problems
from pulumi_dokploy_deployments.resources.import_ids import import_id
from pulumi_dokploy_deployments.resources.inputs import Checked
from pulumi_dokploy_deployments.resources.life_cycle import Operation, Planned, Stored, Unfinished
from pulumi_dokploy_deployments.resources.plan import Change, ChangeKind, Plan, PlanAction, input_changes
from pulumi_dokploy_deployments.resources.rollback_target_model import (
    OnRelease,
    RollbackTargetInputs,
    RollbackTargetOutputs,
)
from pulumi_dokploy_deployments.resources.rollback_target_state import (
    PinInputs,
    PinRun,
    Resolution,
    RollbackTargetState,
    outputs_of,
)
from pulumi_dokploy_deployments.rollback.by_image import roll_back_and_verify, running_image
from pulumi_dokploy_deployments.rollback.by_source import deploy_source, ref_of, set_source, source_setting
from pulumi_dokploy_deployments.rollback.candidates import candidates_of
from pulumi_dokploy_deployments.rollback.targets import (
    NoSuchTarget,
    SelectorKind,
    Strategy,
    Target,
    can_pin_by_source,
    choose_way,
    runs_image,
    select,
)
from pulumi_dokploy_deployments.rollout.deploy import deploy
from pulumi_dokploy_deployments.rollout.errors import Interrupted
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.rollout.request import RolloutRequest
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.workload.verdict import Health

SERVICE_FIELDS = RollbackTargetInputs.SERVICE_FIELDS
SELECTORS = tuple(kind.value for kind in SelectorKind)
REPLACING = (*SERVICE_FIELDS, "connection")
MOVING = ("strategy", "source_ref")
SETTINGS = ("on_delete", "timeout_seconds", "stream_logs")


class RollbackTargetLifeCycle:
    """`RollbackTarget`."""

    inputs_model = PinInputs
    state_model = RollbackTargetState
    verb = "pins"
    looks = True

    def check(self, properties: Mapping[str, object]) -> Checked[PinInputs]:
        """Validate the inputs; values that are not known yet pass."""
        declared = {name: value for name, value in properties.items() if name not in PinInputs.COMPUTED}
        problems = service_problems(declared, SERVICE_FIELDS)
        given = [name for name in SELECTORS if declared.get(name) is not None]
        if not given:
            problems.append(
                Problem("version", joined("No version is named. Give exactly one of ", in_words(SELECTORS), "."))
            )
        elif len(given) > 1:
            problems.append(Problem(given[1], joined("Give exactly one selector, not ", in_words(given, "and"), ".")))
        told = {problem.property_name for problem in problems}
        checked = PinInputs.read(declared)
        problems += [problem for problem in checked.problems if problem.property_name not in told]
        return Checked(None, tuple(problems)) if problems else checked

    async def ask(self, earlier: PinInputs | None, inputs: PinInputs, context: RunContext) -> PinInputs:
        """Resolve the selector to one version; an unchanged selector keeps the version it has.

        Raises:
            NoSuchTarget: it does not exist or can't be brought back; the message has the table of those that can.
            DokployError: the service does not exist, or the server can't be reached.
        """
        resolved = await resolve(earlier, inputs, context)
        if resolved.target is not None and (earlier is None or resolved.target != earlier.target):
            context.reporter.line(f"pins {resolved.target.describe(context.clock.now())}")
        return resolved

    async def look(self, state: RollbackTargetState, context: RunContext) -> RollbackTargetState:
        """The state with `holds` as it is now: a deployment made since the last look may have undone the pin.

        Where the server can't be asked the state stays as it was: the next operation that needs the server says why.
        """
        try:
            holds = await _holds_now(state, context)
        except DokployError:
            return state
        target = state.inputs.target
        if state.outputs.holds and not holds and target is not None:
            again = f"pins {target.describe(context.clock.now())} again"
            note(context, f"a later deployment undid the pin; {again}")
        return _with_outputs(state, holds=holds)

    def plan(self, state: RollbackTargetState | None, inputs: PinInputs) -> Plan:
        """What changed and what follows; a pin that no longer holds is a change of its own."""
        if state is None:
            return Plan(action=PlanAction.DEPLOY)
        replacing = input_changes(REPLACING, state.inputs, inputs, replaces=True)
        moving = input_changes(MOVING, state.inputs, inputs) + _selector_changes(state, inputs)
        if not state.outputs.holds:
            moving.append(Change(("holds",), is_output=True))
        settings = input_changes(SETTINGS, state.inputs, inputs)
        changes = (*replacing, *moving, *settings)
        if replacing:
            return Plan(changes, PlanAction.REPLACE)
        if moving:
            return Plan(changes, PlanAction.DEPLOY)
        return Plan(changes, PlanAction.STORE if settings else PlanAction.NOTHING)

    def planned(self, state: RollbackTargetState | None, inputs: PinInputs) -> Planned[RollbackTargetState]:
        """The resolved version is known before it is pinned."""
        if state is not None and not self.plan(state, inputs).deploys:
            return Planned(_with_settings(state, inputs))
        outputs, unknown = RollbackTargetOutputs(), frozenset(RollbackTargetOutputs.model_fields)
        if inputs.target is not None:
            outputs = outputs_of(inputs.target, holds=True)
            unknown = frozenset({"image", "previous_image", "pinned_at"})
        return Planned(RollbackTargetState(inputs=inputs, outputs=outputs, run=PinRun()), unknown)

    async def create(self, inputs: PinInputs, operation: Operation) -> Stored[RollbackTargetState]:
        """Roll back to the resolved version and verify that it runs."""
        if inputs.resolution is None:
            inputs = await resolve(None, inputs, operation.context)
        return Stored(_resource_id(inputs), await _pin(PinRun(), inputs, operation))

    async def update(self, state: RollbackTargetState, inputs: PinInputs, operation: Operation) -> RollbackTargetState:
        """Move the pin, pin again what no longer holds, or store the settings."""
        # The engine hands over the stored state, not what `look` found: only what runs now says whether the pin holds.
        now = _with_outputs(state, holds=await _holds_now(state, operation.context))
        if not self.plan(now, inputs).deploys:
            return _with_settings(now, inputs)
        if inputs.resolution is None:
            inputs = await resolve(state.inputs, inputs, operation.context)
        return await _pin(state.run, inputs, operation)

    async def read(self, state: RollbackTargetState, context: RunContext) -> RollbackTargetState | None:
        """The state with `holds` looked up anew; None when the service itself is gone."""
        service = await find_service(service_named(state.inputs), context)
        if service is None:
            return None
        target = state.inputs.target
        if target is None:
            return state
        image, held = await running_image(service, context), state.outputs.holds
        holds = await _still_holds(service, target, image, held, context)
        if held and not holds:
            runs = f"; {image} runs" if image else ""
            context.reporter.warning(
                (
                    f"{service.name} no longer runs the pinned {target.describe(context.clock.now())}: a later "
                    f"deployment undid the pin{runs}. To pin it again, ",
                    Action.RUN_AGAIN,
                    ".",
                )
            )
        return _with_outputs(state, holds=holds, image=image or state.outputs.image)

    async def import_(self, resource_id: str, context: RunContext) -> Stored[RollbackTargetState] | None:
        """`<kind>/<service id>/<rollback id or deployment id>` of the version that it pins."""
        form = "application/<application id>/<rollback id or deployment id>"
        ref, which = import_id(resource_id, form, allows=lambda kind: not kind.is_database, needs_last=lambda _: True)
        if await find_service(ref, context) is None:
            return None
        row = next(
            (row for row in await deployments_of(ref, context) if which in (row.rollback_id, row.deployment_id)), None
        )
        if row is None:
            return None
        selector = SelectorKind.ROLLBACK_ID if row.rollback_id == which else SelectorKind.DEPLOYMENT_ID
        named = PinInputs.recall({f"{ref.kind.value}_id": ref.service_id, selector.value: which})
        inputs = await resolve(None, named, context)
        if inputs.target is None:
            return None
        state = RollbackTargetState(inputs=inputs, outputs=outputs_of(inputs.target, holds=True), run=PinRun())
        read = await self.read(state, context)
        return Stored(_resource_id(inputs), read) if read is not None else None

    async def delete(self, state: RollbackTargetState, operation: Operation) -> None:
        """Release the pin: put the source back, and with `redeploy` deploy it and wait."""
        context = operation.context
        service = await find_service(service_named(state.inputs), context)
        if service is None:
            return
        was_restored = await _restore_source(service, state.run, context)
        if state.inputs.on_delete is OnRelease.REDEPLOY:
            await deploy(_request(state.inputs, operation, f"{operation.title} (pin released)".strip()), context)
        elif was_restored:
            await _warn_of_builds_while_pinned(service, state.run, context)


# --- which version --------------------------------------------------------------------------------------------


async def resolve(earlier: PinInputs | None, inputs: PinInputs, context: RunContext) -> PinInputs:
    """The inputs with the selector resolved to one version; see `RollbackTargetLifeCycle.ask`."""
    ref, selector = inputs.service, inputs.selector
    if ref is None or selector is None:
        return inputs
    known = earlier.resolution if earlier is not None else None
    if (
        earlier is not None
        and known is not None
        and known.is_of(selector)
        and not input_changes((*REPLACING, *MOVING), earlier, inputs)
    ):
        return inputs.model_copy(update={"resolution": known})
    service = await read_service(ref, context)
    rows = await ask_server(lambda: context.client.deployments_by_type(service.kind.value, service.service_id), context)
    candidates, now = candidates_of(rows), context.clock.now()
    try:
        candidate = select(selector, candidates, service, now)
        source_ref = inputs.source_ref if can_pin_by_source(service) else None
        if source_ref is None and (inputs.strategy is Strategy.SOURCE or not candidate.works):
            source_ref = await ref_of(candidate, service, context)
        target = choose_way(candidate, inputs.strategy, service, candidates, now, source_ref=source_ref)
    except NoSuchTarget as error:
        error.property_name = error.property_name or inputs.selector_property
        raise
    return inputs.model_copy(update={"resolution": Resolution.of(selector, target)})


def _selector_changes(state: RollbackTargetState, inputs: PinInputs) -> list[Change]:
    old, selector = state.inputs.resolution, inputs.selector
    if old is None or selector is None or not old.is_of(selector):
        name = inputs.selector_property or "version"
        is_same_kind = old is not None and old.selected_by.value == name
        return [Change((name,), ChangeKind.UPDATE if is_same_kind else ChangeKind.ADD)]
    new = inputs.resolution
    if new is not None and new.target.deployment_id != old.target.deployment_id:
        return [Change(("resolution",))]
    return []


# --- whether it holds -----------------------------------------------------------------------------------------


async def _holds_now(state: RollbackTargetState, context: RunContext) -> bool:
    target = state.inputs.target
    if target is None or not state.outputs.holds:
        return False
    service = await read_service(service_named(state.inputs), context)
    return await _still_holds(service, target, await running_image(service, context), True, context)


async def _still_holds(service: Service, target: Target, image: str | None, held: bool, context: RunContext) -> bool:
    if target.strategy is Strategy.IMAGE:
        # Where the server can't tell what runs, nothing is claimed to have changed.
        return runs_image(image, target.image or "") if image is not None else held
    if target.image is not None:
        return image.partition("@")[0] == target.image if image is not None else held
    newest = _newest_done(await deployments_of(service, context))
    if newest is None or target.commit_hash is None:
        return held
    return newest.commit_hash is None or newest.commit_hash == target.commit_hash


def _newest_done(rows: list[DeploymentRecord]) -> DeploymentRecord | None:
    done = [row for row in rows if row.status is DeploymentStatus.DONE]
    return max(done, key=lambda row: row.created_at, default=None)


# --- pin and release ------------------------------------------------------------------------------------------


@dataclass
class _Pinning:
    """How far a pin has come."""

    run: PinRun
    record: RunRecord = field(default_factory=RunRecord)


async def _pin(before: PinRun, inputs: PinInputs, operation: Operation) -> RollbackTargetState:
    context, target = operation.context, inputs.target
    service = await read_service(service_named(inputs), context)
    if target is None:
        raise DokployError("No version is named.")
    with _kept(before, inputs, service) as pinning:
        if target.strategy is Strategy.IMAGE:
            seconds = operation.seconds(inputs)
            proof = await roll_back_and_verify(service, target, context, timeout_seconds=seconds, record=pinning.record)
            image, previous, health = proof.image, proof.previous_image, proof.verdict.health
        else:
            setting = source_setting(service)
            now = setting[1] if setting is not None else None
            # A pin that moves keeps the setting from before the first pin, unless someone has changed it since.
            earlier = before.earlier_source if now == before.pinned_source else now
            pinning.run = PinRun(earlier_source=earlier, pinned_source=target.source_ref)
            request = _request(inputs, operation, operation.title)
            run = await deploy_source(service, target, request, context, pinning.record)
            made = run.deployment.deployment_id if run.deployment is not None else None
            pinning.run = pinning.run.model_copy(update={"pinned_by": made})
            previous, health = run.previous_image, run.verdict.health
            image = await running_image(service, context) or target.image or ""
    outputs = outputs_of(target, holds=health in (Health.HEALTHY, Health.UNKNOWN)).model_copy(
        update={
            "image": image or target.image,
            "previous_image": previous or None,
            "pinned_at": iso(context.clock.now()),
        }
    )
    return RollbackTargetState(inputs=inputs, outputs=outputs, run=pinning.run)


@contextmanager
def _kept(before: PinRun, inputs: PinInputs, service: Service) -> Iterator[_Pinning]:
    """A pin on its way; where it fails, what is to be kept of it goes along with the error."""
    pinning = _Pinning(before)
    try:
        yield pinning
    except asyncio.CancelledError:
        error = _interrupted(service, inputs, pinning)
        raise _unfinished(inputs, pinning, error) or error from None
    except DokployError as failure:
        raise _unfinished(inputs, pinning, failure) or failure from failure.__cause__


def _unfinished(inputs: PinInputs, pinning: _Pinning, error: DokployError) -> Unfinished | None:
    """A pin that was asked for and not verified does not hold, so that the next run pins again.

    The state remembers the source setting from before the pin: only with it can the pin be released one day.
    """
    if inputs.target is None or not (pinning.record.is_sent or pinning.run.pinned_source):
        return None
    outputs = outputs_of(inputs.target, holds=False)
    return Unfinished(error, _resource_id(inputs), RollbackTargetState(inputs=inputs, outputs=outputs, run=pinning.run))


def _interrupted(service: Service, inputs: PinInputs, pinning: _Pinning) -> Interrupted:
    version = f"version {inputs.target.version}" if inputs.target and inputs.target.version else "the pinned version"
    if not pinning.record.is_sent:
        return Interrupted(
            f"Interrupted before {name_of(service)} was asked to go back to {version}",
            service=name_of(service),
            next_step=("To pin it, ", Action.RUN_AGAIN, "."),
            step=Step.RUN_AGAIN,
        )
    return Interrupted(
        f"Interrupted: the server was asked to bring {name_of(service)} back to {version}, and whether that runs was "
        "not verified",
        service=name_of(service),
        link=pinning.record.link,
        next_step=("To pin it once more and verify it, ", Action.RUN_AGAIN, "."),
        step=Step.RUN_AGAIN,
    )


async def _restore_source(service: Service, run: PinRun, context: RunContext) -> bool:
    """Put the source setting back, unless someone else has changed it since the pin; whether that was done."""
    setting = source_setting(service)
    if not run.earlier_source or setting is None or setting[1] != run.pinned_source:
        return False
    await set_source(service, run.earlier_source, context)
    return True


async def _warn_of_builds_while_pinned(service: Service, run: PinRun, context: RunContext) -> None:
    """A deployment made while the source was pinned built the pinned version, whoever asked for it."""
    newest = _newest_done(await deployments_of(service, context))
    if newest is None or newest.deployment_id == run.pinned_by:
        return
    context.reporter.warning(
        (
            f"The deployment {newest.deployment_id} of {name_of(service)} was made while its source was pinned to "
            f"{run.pinned_source!r}, so that the pinned version is what it built and what runs. The source is "
            f"{run.earlier_source!r} again: deploy once more to bring that, or release pins with ",
            Input("on_delete"),
            " redeploy.",
        )
    )


def _with_outputs(state: RollbackTargetState, *, holds: bool, image: str | None = None) -> RollbackTargetState:
    found = {"holds": holds} if image is None else {"holds": holds, "image": image}
    return state.model_copy(update={"outputs": state.outputs.model_copy(update=found)})


def _with_settings(state: RollbackTargetState, inputs: PinInputs) -> RollbackTargetState:
    """The pin stays where it is: the version that it was resolved to as well."""
    kept = inputs.model_copy(update={"resolution": inputs.resolution or state.inputs.resolution})
    return state.model_copy(update={"inputs": kept})


def _request(inputs: PinInputs, operation: Operation, title: str) -> RolloutRequest:
    return RolloutRequest(
        service=service_named(inputs),
        title=title,
        timeout_seconds=operation.seconds(inputs),
        deadline_source=operation.deadline_source,
        stream_logs=inputs.stream_logs,
    )


def _resource_id(inputs: PinInputs) -> str:
    service = service_named(inputs)
    return f"{service.kind.value}/{service.service_id}/pin"
