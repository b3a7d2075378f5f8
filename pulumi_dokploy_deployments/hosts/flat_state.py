"""The one place where states and inputs become the engine's flat property maps, and come back from them.

A state lies flat: inputs and outputs under their own names, where an output wins over an input of the same name, and
under `run` what only this package reads, with the number of the layout:

    {"application_id": …, "triggers": …, "deployment_id": …, "status": …, "run": {"version": 2, "nonce": …}}

Release 0.1.0 wrote no number and laid everything side by side; such states are read as well (`_FROM_0_1_0`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from pulumi_dokploy_deployments.api.errors import DokployError, Step
from pulumi_dokploy_deployments.resources.deployment_state import DeploymentRun
from pulumi_dokploy_deployments.resources.fields import UNKNOWN
from pulumi_dokploy_deployments.resources.inputs import InputsT, ResourceInputs, recalled
from pulumi_dokploy_deployments.resources.life_cycle import AnyState, StateT
from pulumi_dokploy_deployments.resources.rollback_target_state import PinInputs, PinRun, Resolution, fingerprint
from pulumi_dokploy_deployments.resources.state import STATE_VERSION
from pulumi_dokploy_deployments.rollback.targets import SelectorKind, Target

Flat = dict[str, Any]
Given = Mapping[str, Any]
ModelT = TypeVar("ModelT", bound=BaseModel)

RUN, VERSION = "run", "version"
_TARGET = TypeAdapter(Target)


class StateTooNew(DokployError):
    """The state was written by a later release of this package."""


# --- out ------------------------------------------------------------------------------------------------------


def flat_inputs(inputs: ResourceInputs) -> Flat:
    """The inputs that are given, and those that were worked out; what is not known yet is `UNKNOWN`."""
    return inputs.flat()


def flat_computed(inputs: ResourceInputs) -> Flat:
    """Only the inputs that were worked out."""
    return {name: value for name, value in flat_inputs(inputs).items() if name in inputs.COMPUTED}


def flat_state(state: AnyState) -> Flat:
    """A state as it is stored."""
    run = {VERSION: state.version, **state.run.model_dump(mode="json")}
    return {**flat_inputs(state.inputs), **state.outputs.model_dump(mode="json"), RUN: run}


def flat_plan(state: AnyState, unknown: frozenset[str]) -> Flat:
    """A state as it is planned: some outputs are not known yet."""
    if not unknown:
        return flat_state(state)
    outputs = {**state.outputs.model_dump(mode="json"), **dict.fromkeys(unknown, UNKNOWN)}
    return {**flat_inputs(state.inputs), **outputs}


# --- in -------------------------------------------------------------------------------------------------------


def inputs_in(model: type[InputsT], properties: Given) -> InputsT:
    """Inputs that were checked once, as the engine hands them back."""
    if issubclass(model, PinInputs):
        properties = {**properties, "resolution": _resolution(properties)}
    return model.recall(properties)


def state_in(kind: type[StateT], properties: Given) -> StateT:
    """A stored state.

    Raises:
        StateTooNew: a later release has written it.
    """
    fields = kind.model_fields
    inputs_model: type[ResourceInputs] = _model(fields["inputs"].annotation)
    outputs_model: type[BaseModel] = _model(fields["outputs"].annotation)
    # Under a name that both have stands the output.
    own = {name: value for name, value in properties.items() if name not in outputs_model.model_fields}
    return kind(
        inputs=inputs_in(inputs_model, own),
        outputs=recalled(outputs_model, properties),
        run=recalled(_model(fields["run"].annotation), _run(kind, properties)),
    )


def _model(annotation: Any) -> Any:
    return annotation


def _run(kind: type[AnyState], properties: Given) -> Given:
    record = properties.get(RUN)
    if not isinstance(record, Mapping):
        names = _FROM_0_1_0.get(kind.model_fields["run"].annotation, {})
        return {name: properties.get(old) for name, old in names.items()}
    version = record.get(VERSION)
    if isinstance(version, int | float) and version > STATE_VERSION:
        raise StateTooNew(
            f"The state of this resource was written by a later release of pulumi-dokploy-deployments (layout "
            f"{version:g}; this one reads layouts up to {STATE_VERSION}).",
            next_step="Update the package here as well.",
            step=Step.UPDATE_PACKAGE,
        )
    return record


_FROM_0_1_0: Mapping[Any, Mapping[str, str]] = {
    DeploymentRun: {
        "nonce": "nonce",
        "left_as": "unfinished",
        "known_rows": "known_rows",
        "before": "baseline",
        "is_adopted": "adopted",
    },
    PinRun: {"earlier_source": "earlier_source", "pinned_source": "pinned_source", "pinned_by": "pinned_by"},
}
"""What 0.1.0 called the parts of `run`, which stood beside inputs and outputs."""


def _resolution(properties: Given) -> Any:
    """The version that was worked out; 0.1.0 wrote the selector's text as `selected` and the version as `target`."""
    selected, target = properties.get("selected"), properties.get("target")
    if "resolution" in properties or not isinstance(selected, str) or not isinstance(target, Mapping):
        return properties.get("resolution")
    try:
        kind = SelectorKind(selected.partition(" ")[0])
        return Resolution(
            selected_by=kind, fingerprint=fingerprint(selected), target=_TARGET.validate_python(dict(target))
        )
    except (ValueError, ValidationError):
        return None
