"""What a run comes to."""

from __future__ import annotations

from dataclasses import dataclass, field

from pulumi_dokploy_deployments.api.models import DeploymentRecord, Service
from pulumi_dokploy_deployments.rollout.stages import Stage
from pulumi_dokploy_deployments.workload.health import Health, Verdict


@dataclass
class RolloutOutcome:
    """What became of a deployment. What the server does not give is None."""

    service: Service
    nonce: str
    row: DeploymentRecord | None
    stage: Stage
    url: str
    queued_seconds: float | None = None
    version: int | None = None
    verdict: Verdict = field(default_factory=lambda: Verdict(Health.NOT_CHECKED, "not asked for"))
    superseded_by: str | None = None
    previous_image: str = ""

    @property
    def duration_seconds(self) -> float | None:
        """From the job's start to the row's end, by the server's clock."""
        if self.row is None or self.row.started_at is None or self.row.finished_at is None:
            return None
        return (self.row.finished_at - self.row.started_at).total_seconds()
