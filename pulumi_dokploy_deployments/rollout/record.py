"""The record of one run: what is known of it, from before the request to the proof. Only the run writes it.

Whoever hands a record in can read it when the run fails or is broken off: that is all a later run needs to go on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from pulumi_dokploy_deployments.api.models import DeploymentRecord, Service
from pulumi_dokploy_deployments.settings.change import SettingsChange
from pulumi_dokploy_deployments.waiting.progress import Stage
from pulumi_dokploy_deployments.workload.model import Baseline
from pulumi_dokploy_deployments.workload.verdict import Health, Verdict


@dataclass
class RunRecord:
    """One run as far as it has come. What the server does not give is None."""

    nonce: str = ""
    """The mark by which the run recognises its own deployment."""
    service: Service | None = None
    link: str = ""
    """The service's page in the dashboard."""
    is_sent: bool = False
    """Whether the server may have taken the request."""
    known_rows: tuple[str, ...] = ()
    """The deployments that were in the history before the request."""
    before: Baseline = field(default_factory=Baseline)
    """What ran before the request."""
    change: SettingsChange | None = None
    """What the run has set on the service, with what was there before; None where it named nothing."""
    deployment: DeploymentRecord | None = None
    """The run's deployment as last seen."""
    stage: Stage = Stage.QUEUED
    queued_at: datetime | None = None
    usual_seconds: float | None = None
    """The median duration of the service's past deployments."""
    version: int | None = None
    """The number of the stored version that the deployment made."""
    verdict: Verdict = field(default_factory=lambda: Verdict(Health.NOT_CHECKED, "not asked for"))
    superseded_by: str | None = None
    """A newer deployment that someone else made."""

    @property
    def queued_seconds(self) -> float | None:
        """How long the job waited in the queue, by the server's clock."""
        started = self.deployment.started_at if self.deployment is not None else None
        if started is None or self.queued_at is None:
            return None
        return max(0.0, (started - self.queued_at).total_seconds())

    @property
    def duration_seconds(self) -> float | None:
        """From the job's start to its end, by the server's clock."""
        return self.deployment.duration_seconds if self.deployment is not None else None

    @property
    def previous_image(self) -> str:
        """The image that ran before; empty where that is not known."""
        return self.before.image

    @property
    def known_service(self) -> Service:
        """The service, which every run knows once it has begun."""
        if self.service is None:
            raise LookupError("the run has not begun")
        return self.service


@dataclass(frozen=True)
class EarlierRun:
    """A run that was broken off after its request, as whoever started it has kept it."""

    nonce: str
    deployment_id: str | None = None
    known_rows: tuple[str, ...] = ()
    before: Baseline = field(default_factory=Baseline)
