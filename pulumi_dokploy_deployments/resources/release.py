"""The life cycle of `Release`: that of several deployments, as one resource that is all or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace

from pulumi_dokploy_deployments.api.errors import DokployError, Step
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.api.text import Input, joined
from pulumi_dokploy_deployments.resources.deployment import DeploymentLifeCycle
from pulumi_dokploy_deployments.resources.deployment_model import DeploymentInputs, OnFailure
from pulumi_dokploy_deployments.resources.deployment_state import DeploymentState
from pulumi_dokploy_deployments.resources.fields import Problem, UnknownValue
from pulumi_dokploy_deployments.resources.inputs import Checked, ResourceInputs
from pulumi_dokploy_deployments.resources.life_cycle import Operation, Planned, Stored, Unfinished
from pulumi_dokploy_deployments.resources.plan import Change, ChangeKind, Plan, PlanAction, input_changes
from pulumi_dokploy_deployments.resources.release_errors import release_failed, release_interrupted, service_failed
from pulumi_dokploy_deployments.resources.release_model import (
    ReleaseDefaults,
    ReleasedService,
    ReleaseInputs,
    ReleaseOutputs,
)
from pulumi_dokploy_deployments.resources.release_order import meant, problem_of, table
from pulumi_dokploy_deployments.resources.release_state import ReleaseRun, ReleaseState, made_of, row, state_of
from pulumi_dokploy_deployments.resources.releasing import Member, Outcome, Releasing, of_service
from pulumi_dokploy_deployments.rollout.mark import new_nonce
from pulumi_dokploy_deployments.waiting.context import RunContext

REPLACING = ("connection",)


class ReleaseLifeCycle:
    """`Release`."""

    inputs_model = ReleaseInputs
    state_model = ReleaseState
    verb = "deploys"

    def __init__(self) -> None:
        self._cycle = DeploymentLifeCycle()

    def looks(self, state: ReleaseState) -> bool:
        """Only what was set can have been changed."""
        return any(self._cycle.looks(each) for each in state.run.deployments.values())

    def check(self, properties: Mapping[str, object]) -> Checked[ReleaseInputs]:
        """Validate the release, and of each service what a `Deployment` validates; unknown values pass."""
        declared = {name: value for name, value in properties.items() if name not in ReleaseInputs.COMPUTED}
        checked = ReleaseInputs.read(declared)
        problems = [*checked.problems, *_problems_of_defaults(declared.get("defaults"))]
        problems += _problems_of_order(declared.get("services"))
        inputs = checked.inputs
        if inputs is None or problems:
            return Checked(None, tuple(problems))
        for name, deployment in inputs.deployments.items():
            given = _given(declared, name)
            if isinstance(given, Mapping):
                # As it was given: what the model could not take is not in it any more.
                found = self._cycle.check({**deployment.flat(), **_without_order(given)}).problems
                problems += [Problem("services", joined(f"{name}: ", problem.reason)) for problem in found]
        problems += _problems_of_pairs(inputs)
        return Checked(None, tuple(problems)) if problems else checked

    async def ask(self, earlier: ReleaseInputs | None, inputs: ReleaseInputs, context: RunContext) -> ReleaseInputs:
        """Ask about each service that is known, as a `Deployment` does."""
        before = earlier.deployments if earlier is not None else {}
        known = {name: one for name, one in inputs.deployments.items() if one.can_be_asked_about}
        asking = (self._ask(name, before.get(name), one, of_service(context, name)) for name, one in known.items())
        answers = await asyncio.gather(*asking, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        asked = [answer for answer in answers if isinstance(answer, DeploymentInputs)]
        found = {name: one.found_service for name, one in zip(known, asked, strict=True) if one.found_service}
        inputs = inputs.model_copy(update={"found_services": found}) if found else inputs
        problems = _problems_of_pairs(inputs)
        if problems:
            raise DokployError(problems[0].reason, step=Step.CHANGE_INPUT, property_name="services")
        if inputs.on_failure is OnFailure.ROLLBACK:
            _tell_what_stays(earlier, inputs, context)
        return inputs

    async def _ask(
        self, name: str, earlier: DeploymentInputs | None, inputs: DeploymentInputs, context: RunContext
    ) -> DeploymentInputs:
        try:
            return await self._cycle.ask(earlier, inputs, context)
        except DokployError as error:
            raise service_failed(name, error) from error

    async def look(self, state: ReleaseState, context: RunContext) -> ReleaseState:
        """The state with what someone else has changed of the named settings since."""
        found = {
            name: await self._cycle.look(each, of_service(context, name))
            for name, each in state.run.deployments.items()
        }
        return state.model_copy(update={"run": ReleaseRun(deployments=found)})

    def plan(self, state: ReleaseState | None, inputs: ReleaseInputs) -> Plan:
        """What changed of each service and what follows."""
        if state is None:
            return Plan(action=PlanAction.DEPLOY)
        replacing = input_changes(REPLACING, state.inputs, inputs, replaces=True)
        if replacing:
            return Plan(tuple(replacing), PlanAction.REPLACE)
        changes, deploys = input_changes(("on_failure",), state.inputs, inputs), False
        for name, deployment in inputs.deployments.items():
            earlier = state.run.deployments.get(name)
            if earlier is None:
                changes.append(Change(("services", name), ChangeKind.ADD))
                deploys = True
                continue
            plan = self._cycle.plan(earlier, deployment)
            changes += [_of_release(name, change, state.inputs, inputs) for change in plan.changes]
            deploys = deploys or plan.deploys
            if _after(state.inputs, name) != _after(inputs, name):
                changes.append(Change(("services", name, "after")))
        gone = state.run.deployments.keys() - inputs.services.keys()
        if "services" not in inputs.unknown:
            changes += [Change(("services", name), ChangeKind.DELETE) for name in sorted(gone)]
        changes = list({change.path: change for change in changes}.values())
        if deploys:
            return Plan(tuple(changes), PlanAction.DEPLOY)
        return Plan(tuple(changes), PlanAction.STORE if changes else PlanAction.NOTHING)

    def planned(self, state: ReleaseState | None, inputs: ReleaseInputs) -> Planned[ReleaseState]:
        """All outputs are unknown where something is deployed, and stay as they are otherwise."""
        if state is not None and not self.plan(state, inputs).deploys:
            return Planned(state.model_copy(update={"inputs": inputs}))
        planned = ReleaseState(inputs=inputs, outputs=ReleaseOutputs(), run=ReleaseRun())
        return Planned(planned, frozenset(ReleaseOutputs.model_fields))

    async def create(self, inputs: ReleaseInputs, operation: Operation) -> Stored[ReleaseState]:
        """Deploy all services, or none that stays deployed."""
        resource_id = f"release/{new_nonce()}"
        return Stored(resource_id, await self._release({}, resource_id, inputs, operation))

    async def update(self, state: ReleaseState, inputs: ReleaseInputs, operation: Operation) -> ReleaseState:
        """Deploy what has changed, in the order of all; what is no longer named is let go at the end."""
        return await self._release(state.run.deployments, "", inputs, operation)

    async def _release(
        self, before: Mapping[str, DeploymentState], resource_id: str, inputs: ReleaseInputs, operation: Operation
    ) -> ReleaseState:
        deployments = inputs.deployments
        members = [Member(name, deployments[name], _same(before.get(name), deployments[name])) for name in inputs.order]
        releasing = Releasing(members, inputs.predecessors, self._cycle, operation)
        kept = {**before}
        try:
            try:
                await releasing.carry_out()
                if releasing.failed and inputs.on_failure is OnFailure.ROLLBACK:
                    await releasing.take_back()
            finally:
                # Whatever happens from here on, this is how things are.
                kept = {**before, **{each.name: each.state for each in members if each.state is not None}}
        except asyncio.CancelledError:
            told = release_interrupted(members)
            raise (Unfinished(told, resource_id, state_of(inputs, kept)) if kept else told) from None
        if releasing.failed:
            operation.context.reporter.line(f"not released:\n{_failed_table(members)}")
            error = release_failed(releasing.failed[0], members, inputs.on_failure)
            raise Unfinished(error, resource_id, state_of(inputs, kept)) if kept else error
        await self._let_go(before, releasing, resource_id, inputs, kept)
        state = state_of(inputs, {name: each for name, each in kept.items() if name in inputs.services})
        operation.context.reporter.line(f"released:\n{state.outputs.summary}")
        return state

    async def _let_go(
        self,
        before: Mapping[str, DeploymentState],
        releasing: Releasing,
        resource_id: str,
        inputs: ReleaseInputs,
        kept: Mapping[str, DeploymentState],
    ) -> None:
        """Delete what the release no longer deploys, as its `on_delete` says."""
        for name, state in before.items():
            member = releasing.members.get(name)
            if member is not None and member.earlier is not None:
                continue
            gone = Member(name, state.inputs, state)
            try:
                if self._cycle.needs_server(state):
                    await self._cycle.delete(state, releasing.operation_for(gone))
            except DokployError as error:
                raise Unfinished(service_failed(name, error), resource_id, state_of(inputs, kept)) from error

    async def read(self, state: ReleaseState, context: RunContext) -> ReleaseState | None:
        """The state as the server has it now; None when all of its services are gone."""
        found: dict[str, DeploymentState] = {}
        for name, each in state.run.deployments.items():
            now = await self._cycle.read(each, of_service(context, name))
            if now is not None:
                found[name] = now
        if state.run.deployments and not found:
            return None
        return state_of(state.inputs, found)

    async def import_(self, resource_id: str, context: RunContext) -> Stored[ReleaseState] | None:
        """A release is nothing that the server knows.

        Raises:
            DokployError: always.
        """
        raise DokployError(
            "A release can't be imported: the server knows only its deployments.",
            next_step="Leave the import out; the first update of the program deploys the services.",
            step=Step.CHANGE_INPUT,
        )

    def needs_server(self, state: ReleaseState) -> bool:
        """Whether something may still wait or run, or is to be removed from the history."""
        return any(self._cycle.needs_server(each) for each in state.run.deployments.values())

    async def delete(self, state: ReleaseState, operation: Operation) -> None:
        """Let each deployment go as its `on_delete` says."""
        for name, each in reversed(list(state.run.deployments.items())):
            if self._cycle.needs_server(each):
                await self._cycle.delete(each, replace(operation, context=of_service(operation.context, name)))


def _problems_of_defaults(given: object) -> list[Problem]:
    if not isinstance(given, Mapping):
        return []
    known = _declarable(ReleaseDefaults)
    wrong = [name for name in given if name not in known]
    if wrong:
        told = f"The release has an unknown input {wrong[0]!r} in its defaults.{meant(str(wrong[0]), known)}"
        return [Problem("defaults", told)]
    found = ReleaseDefaults.read({str(name): value for name, value in given.items()}).problems
    return [Problem("defaults", problem.reason) for problem in found]


def _problems_of_order(given: object) -> list[Problem]:
    if given is not None and not isinstance(given, Mapping):
        # Not known yet, or told by the model.
        return []
    services = {str(name): part for name, part in (given or {}).items()}
    for name, part in services.items():
        if not isinstance(part, Mapping | UnknownValue):
            return [Problem("services", (f"{name!r} of ", Input("services"), " should be a map of inputs."))]
    known = {name: part for name, part in services.items() if isinstance(part, Mapping)}
    told = problem_of({name: known.get(name, {}) for name in services}, _declarable(ReleasedService))
    return [Problem("services", told)] if told else []


def _problems_of_pairs(inputs: ReleaseInputs) -> list[Problem]:
    """Two names for one service: it would be deployed twice."""
    names: dict[ServiceRef, str] = {}
    for name, deployment in inputs.deployments.items():
        ref = deployment.service
        if ref is None:
            continue
        if ref in names:
            told = f"The release deploys {ref} twice, as {names[ref]!r} and as {name!r}. Leave one of them out."
            return [Problem("services", told)]
        names[ref] = name
    return []


def _declarable(model: type[ResourceInputs]) -> list[str]:
    return [name for name in model.model_fields if name not in model.COMPUTED]


def _given(declared: Mapping[str, object], name: str) -> object:
    services = declared.get("services")
    return services.get(name) if isinstance(services, Mapping) else None


def _without_order(given: Mapping[str, object]) -> dict[str, object]:
    return {str(name): value for name, value in given.items() if name != "after" and value is not None}


def _tell_what_stays(earlier: ReleaseInputs | None, inputs: ReleaseInputs, context: RunContext) -> None:
    """Say of what is about to change and can't be brought back that the release is not all or nothing there."""
    before = earlier.deployments if earlier is not None else {}
    for name, deployment in inputs.deployments.items():
        is_left_out = deployment.on_failure is OnFailure.FAIL and "on_failure" not in inputs.services[name].given
        is_left_out = is_left_out and (inputs.defaults is None or "on_failure" not in inputs.defaults.given)
        if is_left_out and before.get(name) != deployment:
            context.reporter.warning(
                f"{name}: Dokploy keeps no earlier version of a database, and no image is named for this one. If the "
                "release fails, it stays as it was deployed."
            )


def _same(state: DeploymentState | None, inputs: DeploymentInputs) -> DeploymentState | None:
    """The state, if it is one of the service that the inputs name."""
    return state if state is not None and state.inputs.service == inputs.service else None


def _of_release(name: str, change: Change, old: ReleaseInputs, new: ReleaseInputs) -> Change:
    """A deployment's change with its place in the release."""
    if change.is_output and change.name not in ReleasedService.model_fields:
        return replace(change, path=("deployments", name, *change.path))
    own = [inputs.services[name].given for inputs in (old, new) if name in inputs.services]
    if any(change.name in given for given in own):
        return replace(change, path=("services", name, *change.path), replaces=False)
    if change.name == "on_failure":
        return replace(change, path=("on_failure",))
    return replace(change, path=("defaults", *change.path))


def _after(inputs: ReleaseInputs, name: str) -> tuple[str, ...]:
    service = inputs.services.get(name)
    return (service.after or ()) if service is not None else ()


def _failed_table(members: Iterable[Member]) -> str:
    rows = []
    for member in members:
        now = {
            Outcome.DEPLOYED: member.state,
            Outcome.UNCHANGED: member.state,
            Outcome.ROLLED_BACK: member.earlier,
        }.get(member.outcome)
        made = made_of(now) if now is not None else None
        rows.append(row(member.name, made, member.outcome.value))
    return table(rows)
