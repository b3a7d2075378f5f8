"""Partial state of a `RollbackTarget`: a pin that was asked for and not proven, so that the next run pins again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from pulumi_dokploy_deployments.resources.rollback_target import PINNED_SOURCE, TARGET, PinRecord
from pulumi_dokploy_deployments.resources.rollback_target_model import RollbackTargetOutputs
from pulumi_dokploy_deployments.rollback.targets import Target

_TARGET = TypeAdapter(Target)

State = dict[str, Any]


def partial_state(inputs: Mapping[str, Any], progress: PinRecord) -> tuple[str, State] | None:
    """The id and state of a pin that failed; None where nothing was changed at the server.

    The state remembers the source setting from before the pin: only with it can the pin be released one day.
    """
    service = progress.service
    is_touched = progress.is_sent or progress.private.get(PINNED_SOURCE)
    if service is None or not is_touched or not inputs.get(TARGET):
        return None
    target = _TARGET.validate_python(inputs[TARGET])
    outputs = RollbackTargetOutputs(
        rollback_id=target.rollback_id,
        deployment_id=target.deployment_id,
        version=target.version,
        image=target.image,
        commit_hash=target.commit_hash,
        commit_message=target.commit_message,
        strategy_used=target.strategy.value,
        holds=False,
    )
    state = {**inputs, **outputs.model_dump(), **progress.private}
    return f"{service.kind.value}/{service.service_id}/pin", state
