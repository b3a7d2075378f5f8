"""Which version a pin's selector means, and whether that version still runs."""

from __future__ import annotations

from pulumi_dokploy_deployments.api.models import DeploymentRecord, DeploymentStatus, Service
from pulumi_dokploy_deployments.resources.common import ask_server, deployments_of, read_service, service_named
from pulumi_dokploy_deployments.resources.plan import input_changes
from pulumi_dokploy_deployments.resources.rollback_target_model import RollbackTargetInputs
from pulumi_dokploy_deployments.resources.rollback_target_state import PinInputs, Resolution, RollbackTargetState
from pulumi_dokploy_deployments.resources.service_names import named_service
from pulumi_dokploy_deployments.rollback.by_image import running_image
from pulumi_dokploy_deployments.rollback.by_source import ref_of
from pulumi_dokploy_deployments.rollback.candidates import candidates_of
from pulumi_dokploy_deployments.rollback.targets import (
    NoSuchTarget,
    Strategy,
    Target,
    can_pin_by_source,
    choose_way,
    runs_image,
    select,
)
from pulumi_dokploy_deployments.waiting.context import RunContext

REPLACING = (*RollbackTargetInputs.SERVICE_FIELDS, "connection")
MOVING = ("strategy", "source_ref")


async def resolve(earlier: PinInputs | None, inputs: PinInputs, context: RunContext) -> PinInputs:
    """The inputs with the selector resolved to one version; see `LifeCycle.ask`."""
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
    await ask_server(context.client.require_supported, context)
    service, inputs = await named_service(inputs, context)
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


async def holds_now(state: RollbackTargetState, context: RunContext) -> bool | None:
    """Whether the pinned version runs at this moment; None where the server can't tell.

    One that did not hold at the last look still does not: it was to be pinned again.

    Raises:
        DokployError: the service does not exist, or the server can't be reached.
    """
    target = state.inputs.target
    if target is None or state.outputs.holds is False:
        return False
    service = await read_service(service_named(state.inputs), context)
    return await still_holds(service, target, await running_image(service, context), context)


async def still_holds(service: Service, target: Target, image: str | None, context: RunContext) -> bool | None:
    """Whether the version still runs, by what Swarm runs or by the newest deployment; None where nothing tells."""
    if target.strategy is Strategy.IMAGE:
        return runs_image(image, target.image or "") if image is not None else None
    if target.image is not None:
        return image.partition("@")[0] == target.image if image is not None else None
    newest = newest_done(await deployments_of(service, context))
    if newest is None or newest.commit_hash is None or target.commit_hash is None:
        return None
    return newest.commit_hash == target.commit_hash


def newest_done(rows: list[DeploymentRecord]) -> DeploymentRecord | None:
    """The newest deployment that was successful."""
    done = [row for row in rows if row.status is DeploymentStatus.DONE]
    return max(done, key=lambda row: row.created_at, default=None)
