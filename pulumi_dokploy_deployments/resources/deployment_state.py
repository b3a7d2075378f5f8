"""What is stored of a `Deployment`, and how it comes from a run's record."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, field_serializer

from pulumi_dokploy_deployments.api.errors import ApiError, DokployError
from pulumi_dokploy_deployments.api.models import DeploymentRecord, DeploymentStatus
from pulumi_dokploy_deployments.resources.common import iso
from pulumi_dokploy_deployments.resources.deployment_model import DeploymentInputs, DeploymentOutputs, RunningService
from pulumi_dokploy_deployments.resources.life_cycle import Unfinished
from pulumi_dokploy_deployments.resources.named_settings import SettingsBefore, before_ours, wanted_of
from pulumi_dokploy_deployments.resources.state import ResourceState, RunState
from pulumi_dokploy_deployments.rollout.errors import (
    ContactLost,
    DeploymentTimedOut,
    Interrupted,
    RolloutError,
    TriggerFailed,
)
from pulumi_dokploy_deployments.rollout.mark import unmark
from pulumi_dokploy_deployments.rollout.record import EarlierRun, RunRecord
from pulumi_dokploy_deployments.workload.model import Baseline


class LeftAs(StrEnum):
    """How a run was left that did not come to its end."""

    BROKEN_OFF = "broken off"
    """The server may still be working on it."""
    FAILED = "failed"
    """It came to a bad end."""


class DeploymentRun(RunState):
    """What a later run has to know of the last one."""

    nonce: str = ""
    """The mark of the run's deployment."""
    left_as: LeftAs | None = None
    """None for a run that came to its end."""
    known_rows: tuple[str, ...] = ()
    """The deployments that were in the history before the request."""
    before: Baseline = Field(default_factory=Baseline)
    """What ran before the request."""
    settings_before: SettingsBefore | None = None
    """What the service was set to before this resource set it; None where it has set nothing."""
    drift: tuple[str, ...] = ()
    """The inputs that someone else has changed on the service since."""
    is_adopted: bool = False
    """An imported deployment whose triggers the program has not given yet."""

    @field_serializer("before")
    def _dumped(self, before: Baseline) -> object:
        return before.dump()

    @property
    def as_earlier(self) -> EarlierRun:
        """The run as the next one takes it up."""
        return EarlierRun(nonce=self.nonce, known_rows=self.known_rows, before=self.before)


class DeploymentState(ResourceState[DeploymentInputs, DeploymentOutputs, DeploymentRun]):
    """What is stored of a `Deployment`."""


def state_of(inputs: DeploymentInputs, record: RunRecord, earlier: DeploymentState | None = None) -> DeploymentState:
    """The state after a run that came to its end; `earlier` is the one before it."""
    outputs = DeploymentOutputs(
        status=DeploymentStatus.DONE.value,
        stage=record.stage.value,
        queued_seconds=record.queued_seconds,
        version=record.version,
        app_name=record.known_service.app_name,
        url=record.link,
        health=record.verdict.health.value,
        running=tuple(
            RunningService(name=member.name, tasks=member.tasks, image=member.image)
            for member in record.verdict.members
            if member.tasks
        ),
        superseded_by=record.superseded_by,
    )
    if record.deployment is not None:
        outputs = with_row(outputs, record.deployment)
    run = DeploymentRun(nonce=record.nonce, settings_before=_before(record, earlier))
    return DeploymentState(inputs=inputs, outputs=outputs, run=run)


def _before(record: RunRecord, earlier: DeploymentState | None) -> SettingsBefore | None:
    if earlier is None:
        return before_ours(None, record.change, None)
    return before_ours(earlier.run.settings_before, record.change, wanted_of(earlier.inputs))


def resource_id_of(record: RunRecord) -> str:
    """`<kind>/<service id>/<deployment id>`; where there is no row, the run's mark stands for it."""
    service, row = record.known_service, record.deployment
    return f"{service.kind.value}/{service.service_id}/{row.deployment_id if row is not None else record.nonce}"


def unfinished(
    inputs: DeploymentInputs, record: RunRecord, error: DokployError, earlier: DeploymentState | None = None
) -> Unfinished | None:
    """What is to be kept of a run that failed with this error; None where the server has nothing of it."""
    if record.service is None or not record.is_sent:
        return None
    if isinstance(error, RolloutError) and error.deployment is not None:
        record.deployment = error.deployment
    outputs = DeploymentOutputs(stage=record.stage.value, app_name=record.service.app_name, url=record.link)
    if record.deployment is not None:
        outputs = with_row(outputs, record.deployment)
    run = DeploymentRun(
        nonce=record.nonce,
        left_as=LeftAs.BROKEN_OFF if _goes_on_without_us(error) else LeftAs.FAILED,
        known_rows=record.known_rows,
        before=record.before,
        settings_before=_before(record, earlier),
    )
    state = DeploymentState(inputs=inputs, outputs=outputs, run=run)
    return Unfinished(error, resource_id_of(record), state)


def _goes_on_without_us(error: DokployError) -> bool:
    return isinstance(error, Interrupted | DeploymentTimedOut | ContactLost | TriggerFailed | ApiError)


def with_row(outputs: DeploymentOutputs, row: DeploymentRecord) -> DeploymentOutputs:
    """The outputs with what the server's row gives."""
    return outputs.model_copy(
        update={
            "deployment_id": row.deployment_id,
            "status": row.status.value,
            "title": row.title,
            "description": unmark(row.description) if row.commit_hash is None else row.description,
            "commit_hash": row.commit_hash,
            "commit_message": row.commit_message,
            "created_at": iso(row.created_at),
            "started_at": iso(row.started_at),
            "finished_at": iso(row.finished_at),
            "duration_seconds": row.duration_seconds,
            "rollback_id": row.rollback_id,
        }
    )
