"""The life cycle of `RollbackTarget`: check, resolve, plan, pin, read, release, without any engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from pulumi_dokploy_deployments.api.errors import DokployError, Step
from pulumi_dokploy_deployments.api.models import Service
from pulumi_dokploy_deployments.api.services import name_of
from pulumi_dokploy_deployments.api.text import Action, Input, Text, clause, joined
from pulumi_dokploy_deployments.api.text import inputs as in_words
from pulumi_dokploy_deployments.resources.common import (
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
from pulumi_dokploy_deployments.resources.plan import (
    Change,
    ChangeKind,
    Plan,
    PlanAction,
    input_changes,
    replacing_changes,
)
from pulumi_dokploy_deployments.resources.rollback_target_model import (
    OnRelease,
    RollbackTargetInputs,
    RollbackTargetOutputs,
)
from pulumi_dokploy_deployments.resources.rollback_target_state import (
    PinInputs,
    PinRun,
    RollbackTargetState,
    outputs_of,
)
from pulumi_dokploy_deployments.resources.rollback_target_version import (
    MOVING,
    REPLACING,
    holds_now,
    newest_done,
    resolve,
    still_holds,
)
from pulumi_dokploy_deployments.resources.service_names import with_known_service
from pulumi_dokploy_deployments.rollback.by_image import roll_back_and_verify, running_image
from pulumi_dokploy_deployments.rollback.by_source import deploy_source, set_source, source_setting
from pulumi_dokploy_deployments.rollback.targets import (
    SelectorKind,
    Strategy,
)
from pulumi_dokploy_deployments.rollout.deploy import deploy
from pulumi_dokploy_deployments.rollout.errors import Interrupted
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.rollout.request import RolloutRequest
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.workload.verdict import Health

__all__ = ["MOVING", "REPLACING", "SELECTORS", "SETTINGS", "RollbackTargetLifeCycle"]

SERVICE_FIELDS = RollbackTargetInputs.SERVICE_FIELDS
SELECTORS = tuple(kind.value for kind in SelectorKind)
SETTINGS = ("on_delete", "timeout_seconds", "stream_logs")


class RollbackTargetLifeCycle:
    """`RollbackTarget`."""

    inputs_model = PinInputs
    state_model = RollbackTargetState
    verb = "pins"

    def looks(self, _state: RollbackTargetState) -> bool:
        """Any deployment may have undone the pin."""
        return True

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
        resolved = await resolve(earlier, with_known_service(earlier, inputs), context)
        if resolved.target is not None and (earlier is None or resolved.target != earlier.target):
            context.reporter.line(f"pins {resolved.target.describe(context.clock.now())}")
        return resolved

    async def look(self, state: RollbackTargetState, context: RunContext) -> RollbackTargetState:
        """The state with `holds` as it is now: a deployment made since the last look may have undone the pin.

        Where the server can't be asked the state stays as it was, and a warning says that nothing was checked.
        """
        target = state.inputs.target
        try:
            holds = await holds_now(state, context)
        except DokployError as error:
            context.reporter.warning(_not_checked(state, error))
            return state
        if state.outputs.holds is not False and holds is False and target is not None:
            again = f"pins {target.describe(context.clock.now())} again"
            note(context, f"a later deployment undid the pin; {again}")
        return _with_outputs(state, holds=holds)

    def plan(self, state: RollbackTargetState | None, inputs: PinInputs) -> Plan:
        """What changed and what follows; a pin that no longer holds is a change of its own."""
        if state is None:
            return Plan(action=PlanAction.DEPLOY)
        replacing = replacing_changes(REPLACING, state.inputs, inputs)
        moving = input_changes(MOVING, state.inputs, inputs) + _selector_changes(state, inputs)
        if state.outputs.holds is False:
            moving.append(Change(("holds",), is_output=True))
        settings = input_changes(SETTINGS, state.inputs, inputs)
        changes = (*replacing, *moving, *settings)
        if any(change.replaces for change in replacing):
            return Plan(changes, PlanAction.REPLACE)
        if moving:
            return Plan(changes, PlanAction.DEPLOY)
        return Plan(changes, PlanAction.STORE if changes else PlanAction.NOTHING)

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
        now = _with_outputs(state, holds=await holds_now(state, operation.context))
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
        holds = await still_holds(service, target, image, context)
        if held is not False and holds is False:
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
        state = RollbackTargetState(inputs=inputs, outputs=outputs_of(inputs.target, holds=None), run=PinRun())
        read = await self.read(state, context)
        return Stored(_resource_id(inputs), read) if read is not None else None

    def needs_server(self, state: RollbackTargetState) -> bool:
        """Whether a source setting has to be put back, or the current source is to be deployed."""
        return state.inputs.on_delete is OnRelease.REDEPLOY or state.run.earlier_source is not None

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
    # What could not be checked is not claimed to hold.
    outputs = outputs_of(target, holds=True if health is Health.HEALTHY else None).model_copy(
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
    newest = newest_done(await deployments_of(service, context))
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


def _not_checked(state: RollbackTargetState, error: DokployError) -> Text:
    """The warning of an unchanged pin whose server can't be asked: green must not mean that nobody looked."""
    ref = state.inputs.service
    return joined(f"Whether the pin of {ref} still holds was not checked: ", clause(error.text), ".")


def _with_outputs(state: RollbackTargetState, *, holds: bool | None, image: str | None = None) -> RollbackTargetState:
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
