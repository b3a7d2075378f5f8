"""Where a deployment stands, as one snapshot shows it."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi_dokploy_deployments.api.models import DeploymentRecord, QueueJob
from pulumi_dokploy_deployments.waiting.snapshot import Phase


@dataclass(frozen=True)
class Sighting:
    """What a snapshot says of the run's deployment."""

    phase: Phase
    row: DeploymentRecord | None = None
    jobs_ahead: int = 0
    """How many jobs the server will run before ours."""
    missing_seconds: float = 0.0
    """How long neither job nor row has been seen, while the server answered."""
    orphaned_seconds: float = 0.0
    """How long the row has been `running` without a job behind it."""
    ended_job: QueueJob | None = None
    """Our job where Dokploy Cloud lists it as failed or cancelled, and the row does not say so."""
    ended_seconds: float = 0.0
    """How long that has been so."""
