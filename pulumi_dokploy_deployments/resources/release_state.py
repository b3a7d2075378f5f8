"""What is stored of a `Release`: of each service the state of its deployment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field, field_serializer

from pulumi_dokploy_deployments.resources.deployment_model import DeploymentInputs, DeploymentOutputs
from pulumi_dokploy_deployments.resources.deployment_state import DeploymentRun, DeploymentState
from pulumi_dokploy_deployments.resources.inputs import recalled
from pulumi_dokploy_deployments.resources.release_model import ReleasedDeployment, ReleaseInputs, ReleaseOutputs
from pulumi_dokploy_deployments.resources.release_order import NOTHING, images_of, table, verdict, version_of
from pulumi_dokploy_deployments.resources.state import ResourceState, RunState
from pulumi_dokploy_deployments.waiting.progress_words import seconds_text


def _states(value: object) -> object:
    if not isinstance(value, Mapping):
        return {}
    return {str(name): part if isinstance(part, DeploymentState) else _state(part) for name, part in value.items()}


def _state(stored: object) -> DeploymentState:
    parts = stored if isinstance(stored, Mapping) else {}
    inputs, outputs, run = (part if isinstance(part, Mapping) else {} for part in map(parts.get, _PARTS))
    return DeploymentState(
        inputs=DeploymentInputs.recall(inputs),
        outputs=recalled(DeploymentOutputs, outputs),
        run=recalled(DeploymentRun, run),
    )


_PARTS = ("inputs", "outputs", "run")


class ReleaseRun(RunState):
    """What a later run has to know of the last one."""

    deployments: Annotated[dict[str, DeploymentState], BeforeValidator(_states)] = Field(default_factory=dict)
    """The deployments by the release's names for their services; one that was taken back as it was before."""

    @field_serializer("deployments")
    def _dumped(self, deployments: dict[str, DeploymentState]) -> object:
        return {
            name: {
                "inputs": state.inputs.flat(),
                "outputs": state.outputs.model_dump(mode="json"),
                "run": state.run.model_dump(mode="json"),
            }
            for name, state in deployments.items()
        }


class ReleaseState(ResourceState[ReleaseInputs, ReleaseOutputs, ReleaseRun]):
    """What is stored of a `Release`."""


def state_of(inputs: ReleaseInputs, deployments: Mapping[str, DeploymentState]) -> ReleaseState:
    """The state with these deployments, in the order of the release."""
    ordered = {name: deployments[name] for name in (*inputs.order, *deployments) if name in deployments}
    made = {name: made_of(state) for name, state in ordered.items()}
    outputs = ReleaseOutputs(
        deployments=made, summary=table([row(name, one, one.verdict) for name, one in made.items()])
    )
    return ReleaseState(inputs=inputs, outputs=outputs, run=ReleaseRun(deployments=ordered))


def row(name: str, made: ReleasedDeployment | None, told: str) -> list[str]:
    """A service's row in the table, with this verdict."""
    if made is None:
        return [name, NOTHING, NOTHING, NOTHING, told]
    duration = NOTHING if made.duration_seconds is None else seconds_text(made.duration_seconds)
    return [name, made.version, made.image, duration, told]


def made_of(state: DeploymentState) -> ReleasedDeployment:
    """What of a deployment's outputs a release gives."""
    outputs = state.outputs
    return ReleasedDeployment(
        deployment_id=outputs.deployment_id,
        status=outputs.status,
        version=version_of(outputs.version, outputs.commit_hash),
        image=images_of(outputs.running),
        commit_hash=outputs.commit_hash,
        duration_seconds=outputs.duration_seconds,
        verdict=verdict(outputs.status, outputs.health),
        url=outputs.url,
    )
