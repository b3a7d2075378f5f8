"""One deployment as it is asked for, and the choices that it has."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from pulumi_dokploy_deployments.api.models import DeployMethod, Service
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.api.text import DeadlineSource
from pulumi_dokploy_deployments.settings.wanted import Wanted
from pulumi_dokploy_deployments.workload.judge import STABLE_SECONDS

DEFAULT_TIMEOUT_SECONDS = 1800.0


class WaitFor(StrEnum):
    """When a deployment counts as finished."""

    HEALTHY = "healthy"
    DONE = "done"
    NONE = "none"


class OnBusy(StrEnum):
    """What to do when another deployment of the service waits or runs."""

    QUEUE = "queue"
    FAIL = "fail"
    SUPERSEDE = "supersede"


class IfUnproven(StrEnum):
    """What to do where the server really can't tell whether the new version runs."""

    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class RolloutRequest:
    """One deployment as asked for."""

    service: ServiceRef
    method: DeployMethod = DeployMethod.DEPLOY
    title: str = ""
    description: str = ""
    wait_for: WaitFor = WaitFor.HEALTHY
    on_busy: OnBusy = OnBusy.QUEUE
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    expect_commit: str | None = None
    stream_logs: bool = True
    deadline_source: DeadlineSource = DeadlineSource.INPUT
    """Where `timeout_seconds` comes from, so that a message can name the limit to raise."""
    stable_seconds: float = STABLE_SECONDS
    """How long what is new must stay up without a restart."""
    if_unproven: IfUnproven = IfUnproven.WARN
    digest: str = ""
    """Stands for the resource and what it deploys (`mark.digest_of`); empty where two runs can't be told to be one."""
    wanted: Wanted = field(default_factory=Wanted)
    """The image, branch and variables that the service is set to right before the request."""

    def without_proof(self) -> RolloutRequest:
        """The same request, for which the server's own `done` is enough."""
        return replace(self, wait_for=WaitFor.DONE) if self.wait_for is WaitFor.HEALTHY else self


def overwrites_title(service: Service, method: DeployMethod) -> bool:
    """Whether the server replaces title and description by the commit's after the end.

    It does for git sources on `deploy`, with `done` as with `error`, and never on `redeploy` (timelines 33, 242).
    """
    return service.source_type is not None and service.source_type.is_git and method is DeployMethod.DEPLOY
