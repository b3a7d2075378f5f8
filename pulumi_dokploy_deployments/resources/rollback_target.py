"""The life cycle of `RollbackTarget`: check, resolve, diff, create, read, update, delete, without any engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.api.models import DeploymentRecord, DeploymentStatus, Service
from pulumi_dokploy_deployments.api.services import ServiceRef, name_of
from pulumi_dokploy_deployments.resources.common import iso, read_service, service_is_gone
from pulumi_dokploy_deployments.resources.fields import (
    Checked,
    Diff,
    Problem,
    changed_paths,
    contains_unknown,
    model_problems,
    service_of,
    service_problems,
)
from pulumi_dokploy_deployments.resources.rollback_target_model import (
    OnRelease,
    RollbackTargetInputs,
    RollbackTargetOutputs,
)
from pulumi_dokploy_deployments.rollback.by_image import roll_back_and_verify, running_image
from pulumi_dokploy_deployments.rollback.by_source import (
    deploy_source,
    ref_of,
    set_source,
    source_setting,
)
from pulumi_dokploy_deployments.rollback.candidates import candidates_of
from pulumi_dokploy_deployments.rollback.targets import (
    Selector,
    SelectorKind,
    Strategy,
    Target,
    can_pin_by_source,
    choose_way,
    runs_image,
    select,
)
from pulumi_dokploy_deployments.rollout.deploy import deploy
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.rollout.request import RolloutRequest
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.progress import Activity, Progress
from pulumi_dokploy_deployments.waiting.retry import retry_transient, short_budget
from pulumi_dokploy_deployments.workload.health import Health

SERVICE_FIELDS = ("application_id", "compose_id")
SELECTORS = tuple(kind.value for kind in SelectorKind)
SELECTED, TARGET = "selected", "target"
"""Computed inputs: the selector as it was written, and the one version that it was resolved to."""
EARLIER_SOURCE, PINNED_SOURCE, PINNED_BY = "earlier_source", "pinned_source", "pinned_by"
"""State of a pin by source: the source setting before the pin, what the pin has set it to, and its deployment."""

State = dict[str, Any]


@dataclass
class PinRecord(RunRecord):
    """The record of a pin's run, with what has to be remembered even when it fails."""

    private: dict[str, Any] = field(default_factory=dict)


_TARGET = TypeAdapter(Target)


def check(news: Mapping[str, Any]) -> Checked:
    """Validate the inputs; unknown values pass. Each bad input gives one problem."""
    inputs = {name: value for name, value in news.items() if value is not None and name not in (SELECTED, TARGET)}
    problems = service_problems(inputs, SERVICE_FIELDS)
    given = [name for name in SELECTORS if name in inputs]
    if not given:
        problems.append(Problem("version", f"No version is named. Give exactly one of {', '.join(SELECTORS)}."))
    elif len(given) > 1:
        problems.append(Problem(given[1], f"Give exactly one selector, not {' and '.join(given)}."))
    named = {problem.property_name for problem in problems}
    problems += [p for p in model_problems(RollbackTargetInputs, inputs) if p.property_name not in named]
    return Checked(dict(inputs), tuple(problems))


async def resolve(olds: Mapping[str, Any], inputs: Mapping[str, Any], context: RunContext) -> State:
    """The inputs with the selector resolved to one version; an unchanged selector keeps the version it has.

    Raises:
        NoSuchTarget: it does not exist or can't be brought back; the message has the table of those that can.
        DokployError: the service does not exist, or the server can't be reached.
    """
    service_ref, selector = service_of(inputs), _selector(inputs)
    if service_ref is None or selector is None:
        return dict(inputs)
    selected = str(selector)
    if olds.get(TARGET) and olds.get(SELECTED) == selected and not _changes(_RESOLVING, olds, inputs):
        return {**inputs, SELECTED: selected, TARGET: olds[TARGET]}
    service = await read_service(service_ref, context)
    target = await _resolve(service, selector, inputs, context)
    return {**inputs, SELECTED: selected, TARGET: _TARGET.dump_python(target, mode="json", exclude_none=True)}


async def _resolve(service: Service, selector: Selector, inputs: Mapping[str, Any], context: RunContext) -> Target:
    rows = await retry_transient(
        lambda: context.client.deployments_by_type(service.kind.value, service.service_id),
        budget=short_budget(),
        clock=context.clock,
    )
    candidates, now = candidates_of(rows), context.clock.now()
    candidate = select(selector, candidates, service, now)
    strategy = Strategy(inputs.get("strategy") or Strategy.AUTO)
    source_ref = inputs.get("source_ref") if can_pin_by_source(service) else None
    if source_ref is None and (strategy is Strategy.SOURCE or not candidate.works):
        source_ref = await ref_of(candidate, service, context)
    return choose_way(candidate, strategy, service, candidates, now, source_ref=source_ref)


def describe(inputs: Mapping[str, Any], context: RunContext) -> str:
    """What a preview says of the resolved target; empty while it is not known."""
    if not inputs.get(TARGET):
        return ""
    return f"pins {_TARGET.validate_python(inputs[TARGET]).describe(context.clock.now())}"


REPLACING = (*SERVICE_FIELDS, "connection")
_RESOLVING = (*REPLACING, "strategy", "source_ref")
_SETTINGS = ("on_delete", "timeout_seconds", "stream_logs")


def diff(olds: Mapping[str, Any], news: Mapping[str, Any]) -> Diff:
    """What changed; a pin that no longer holds is a change of its own."""
    replaces = _changes(REPLACING, olds, news)
    moved = _changes(("strategy", "source_ref"), olds, news)
    selector = _selector(news)
    old_target = olds.get(TARGET) or {}
    if selector is None or str(selector) != olds.get(SELECTED):
        moved.append(next((name for name in SELECTORS if news.get(name) is not None), SELECTED))
    elif (news.get(TARGET) or old_target).get("deployment_id") != old_target.get("deployment_id"):
        moved.append(TARGET)
    if olds.get("holds") is False:
        moved.append("holds")
    settings = _changes(_SETTINGS, olds, news)
    return Diff(tuple(replaces + moved + settings), tuple(replaces), deploys=bool(replaces or moved))


def _changes(names: tuple[str, ...], olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
    paths: list[str] = []
    for name in names:
        default = RollbackTargetInputs.model_fields[name].default
        old = olds.get(name) if olds.get(name) is not None else default
        new = news.get(name) if news.get(name) is not None else default
        paths += changed_paths(name, old, new)
    return paths


async def look(state: Mapping[str, Any], context: RunContext) -> State:
    """The state with `holds` as it is now, for a diff: a deployment made since the last look may have undone the pin.

    Where the server can't be asked the state stays as it was: the next operation that needs the server says why.
    """
    try:
        holds = await _holds_now(state, context)
    except DokployError:
        return dict(state)
    if state.get("holds", True) and not holds:
        context.reporter.progress(
            Progress(Activity.NOTE, detail=f"a later deployment undid the pin; {describe(state, context)} again")
        )
    return {**state, "holds": holds}


async def _holds_now(state: Mapping[str, Any], context: RunContext) -> bool:
    if not state.get(TARGET) or state.get("holds") is False:
        return False
    service = await read_service(_service_ref(state), context)
    target = _TARGET.validate_python(state[TARGET])
    return await _still_holds(service, target, await running_image(service, context), True, context)


async def create(inputs: Mapping[str, Any], context: RunContext, *, default_title: str = "") -> tuple[str, State]:
    """Roll back to the resolved version and prove that it runs; gives the resource's id and its state."""
    resolved = inputs if inputs.get(TARGET) else await resolve({}, inputs, context)
    state = await _pin({}, resolved, context, default_title)
    service = _service_ref(inputs)
    return f"{service.kind.value}/{service.service_id}/pin", state


async def update(
    olds: Mapping[str, Any], news: Mapping[str, Any], context: RunContext, *, default_title: str = ""
) -> State:
    """Move the pin, pin again what no longer holds, or store the settings."""
    # The engine hands over the stored state, not what `look` found: only what runs now says whether the pin holds.
    now = {**olds, "holds": await _holds_now(olds, context)}
    if not diff(now, news).deploys:
        # A setting that the program no longer gives must not stay in the state, where it would differ for ever.
        kept = {name: value for name, value in olds.items() if name not in _SETTINGS}
        return {**kept, **{name: news[name] for name in _SETTINGS if name in news}}
    resolved = news if news.get(TARGET) else await resolve(olds, news, context)
    return await _pin(olds, resolved, context, default_title)


async def read(state: Mapping[str, Any], context: RunContext) -> State | None:
    """The state with `holds` looked up anew; None when the service itself is gone."""
    try:
        service = await read_service(_service_ref(state), context)
    except DokployError as error:
        if service_is_gone(error):
            return None
        raise
    target = _TARGET.validate_python(state[TARGET])
    image = await running_image(service, context)
    holds = await _still_holds(service, target, image, bool(state.get("holds", True)), context)
    if state.get("holds", True) and not holds:
        context.reporter.warning(
            f"{service.name} no longer runs the pinned {target.describe(context.clock.now())}: a later deployment "
            f"undid the pin{f'; {image} runs' if image else ''}. The next `pulumi up` pins it again."
        )
    return {**state, "holds": holds, "image": image or state.get("image")}


async def delete(state: Mapping[str, Any], context: RunContext, *, default_title: str = "") -> None:
    """Release the pin: put the source back, and with `redeploy` deploy it and wait."""
    try:
        service = await read_service(_service_ref(state), context)
    except DokployError as error:
        if service_is_gone(error):
            return
        raise
    was_restored = await _restore_source(service, state, context)
    if OnRelease(state.get("on_delete") or OnRelease.RETAIN) is OnRelease.REDEPLOY:
        await deploy(_request(state, f"{default_title} (pin released)".strip()), context)
    elif was_restored:
        await _warn_of_builds_while_pinned(service, state, context)


async def _warn_of_builds_while_pinned(service: Service, state: Mapping[str, Any], context: RunContext) -> None:
    """A deployment made while the source was pinned built the pinned version, whoever asked for it."""
    rows = await retry_transient(
        lambda: context.client.deployments_of(service.kind, service.service_id),
        budget=short_budget(),
        clock=context.clock,
    )
    newest = _newest_done(rows)
    if newest is None or newest.deployment_id == state.get(PINNED_BY):
        return
    context.reporter.warning(
        f"The deployment {newest.deployment_id} of {name_of(service)} was made while its source was pinned to "
        f"{state.get(PINNED_SOURCE)!r}, so that the pinned version is what it built and what runs. The source is "
        f"{state.get(EARLIER_SOURCE)!r} again: deploy once more to bring that, or release pins with on_delete redeploy."
    )


async def _pin(olds: Mapping[str, Any], inputs: Mapping[str, Any], context: RunContext, title: str) -> State:
    service = await read_service(_service_ref(inputs), context)
    target = _TARGET.validate_python(inputs[TARGET])
    private = {name: olds.get(name) for name in (EARLIER_SOURCE, PINNED_SOURCE, PINNED_BY)}
    record = context.record = context.record or PinRecord()
    record.service, record.private = service, private
    if target.strategy is Strategy.IMAGE:
        seconds = _known(inputs).timeout_seconds
        proof = await roll_back_and_verify(service, target, context, timeout_seconds=seconds, record=record)
        image, previous, health = proof.image, proof.previous_image, proof.verdict.health
    else:
        setting = source_setting(service)
        now = setting[1] if setting is not None else None
        # A pin that moves keeps the setting from before the first pin, unless someone has changed it since.
        earlier = private[EARLIER_SOURCE] if now == private[PINNED_SOURCE] else now
        private = {EARLIER_SOURCE: earlier, PINNED_SOURCE: target.source_ref}
        record.private = private
        run = await deploy_source(service, target, _request(inputs, title), context, record)
        private[PINNED_BY] = run.deployment.deployment_id if run.deployment is not None else None
        previous, health = run.previous_image, run.verdict.health
        image = await running_image(service, context) or target.image or ""
    outputs = RollbackTargetOutputs(
        rollback_id=target.rollback_id,
        deployment_id=target.deployment_id,
        version=target.version,
        image=image or target.image,
        previous_image=previous or None,
        commit_hash=target.commit_hash,
        commit_message=target.commit_message,
        strategy_used=target.strategy.value,
        pinned_at=iso(context.clock.now()),
        holds=health in (Health.HEALTHY, Health.UNKNOWN),
    )
    return {**inputs, **outputs.model_dump(), **private}


async def _still_holds(service: Service, target: Target, image: str | None, held: bool, context: RunContext) -> bool:
    if target.strategy is Strategy.IMAGE:
        # Where the server can't tell what runs, nothing is claimed to have changed.
        return runs_image(image, target.image or "") if image is not None else held
    if target.image is not None:
        return image.partition("@")[0] == target.image if image is not None else held
    rows = await retry_transient(
        lambda: context.client.deployments_of(service.kind, service.service_id),
        budget=short_budget(),
        clock=context.clock,
    )
    newest = _newest_done(rows)
    if newest is None or target.commit_hash is None:
        return held
    return newest.commit_hash is None or newest.commit_hash == target.commit_hash


def _newest_done(rows: list[DeploymentRecord]) -> DeploymentRecord | None:
    done = [row for row in rows if row.status is DeploymentStatus.DONE]
    return max(done, key=lambda row: row.created_at, default=None)


async def _restore_source(service: Service, state: Mapping[str, Any], context: RunContext) -> bool:
    """Put the source setting back, unless someone else has changed it since the pin; whether that was done."""
    earlier, pinned = state.get(EARLIER_SOURCE), state.get(PINNED_SOURCE)
    setting = source_setting(service)
    if not earlier or setting is None or setting[1] != pinned:
        return False
    await set_source(service, str(earlier), context)
    return True


def _selector(inputs: Mapping[str, Any]) -> Selector | None:
    for kind in SelectorKind:
        value = inputs.get(kind.value)
        if value is not None:
            if contains_unknown(value):
                return None
            numeric = kind in (SelectorKind.VERSION, SelectorKind.PREVIOUS)
            return Selector(kind, int(value) if numeric else str(value))
    return None


def _service_ref(inputs: Mapping[str, Any]) -> ServiceRef:
    service = service_of(inputs)
    if service is None:
        raise DokployError("No service is named.")
    return service


def _known(inputs: Mapping[str, Any]) -> RollbackTargetInputs:
    """The declared inputs alone. Outputs stand under some of their names, so that selectors are left out."""
    names = set(RollbackTargetInputs.model_fields) - set(SELECTORS)
    return RollbackTargetInputs.model_validate({k: v for k, v in inputs.items() if k in names and v is not None})


def _request(inputs: Mapping[str, Any], title: str) -> RolloutRequest:
    known = _known(inputs)
    return RolloutRequest(
        service=_service_ref(inputs),
        title=title,
        timeout_seconds=known.timeout_seconds,
        stream_logs=known.stream_logs,
    )
