"""What is known of a run while it goes on, for hosts that keep it when the run does not come to its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pulumi_dokploy_deployments.api.models import DeploymentRecord, Service
from pulumi_dokploy_deployments.rollout.stages import Stage
from pulumi_dokploy_deployments.workload.health_probe import Baseline


@dataclass
class Progress:
    """How far a run has come. The run writes it, its host reads it when the run is broken off or fails."""

    service: Service | None = None
    nonce: str = ""
    is_sent: bool = False
    """Whether the server may have taken the request."""
    known_rows: tuple[str, ...] = ()
    """The rows that were there before the request."""
    baseline: Baseline = field(default_factory=Baseline)
    row: DeploymentRecord | None = None
    stage: Stage = Stage.QUEUED
    link: str = ""
    private: dict[str, Any] = field(default_factory=dict)
    """What a resource has to remember even when its run fails."""


@dataclass(frozen=True)
class EarlierRun:
    """A run that was broken off after its request, as its host has kept it."""

    nonce: str
    deployment_id: str | None = None
    known_rows: tuple[str, ...] = ()
    baseline: Baseline = field(default_factory=Baseline)
