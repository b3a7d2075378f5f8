"""What a run is given: the request as a validated value, and the surroundings it works in."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.models import DeployMethod, Service, ServiceKind
from pulumi_dokploy_deployments.rollout.clock import Clock, SystemClock
from pulumi_dokploy_deployments.rollout.progress import Progress
from pulumi_dokploy_deployments.rollout.reporter import Reporter, SilentReporter
from pulumi_dokploy_deployments.rollout.watcher import Watcher

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


@dataclass(frozen=True)
class ServiceRef:
    """Which service."""

    kind: ServiceKind
    service_id: str

    def __str__(self) -> str:
        return f"{self.kind.value} {self.service_id}"


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


@dataclass
class Surroundings:
    """The server, the clock and the listener of a run. The watcher is shared by all runs on one server."""

    client: DokployClient
    clock: Clock = field(default_factory=SystemClock)
    reporter: Reporter = field(default_factory=SilentReporter)
    watcher: Watcher | None = None
    has_live_log: bool = True
    """Whether the log WebSocket is tried; without it the log is read by requests."""
    progress: Progress = field(default_factory=Progress)
    """What is known of the run so far; hosts that keep the state of failed runs read it."""

    def __post_init__(self) -> None:
        if self.watcher is None:
            self.watcher = Watcher(self.client, self.clock)

    @property
    def shared_watcher(self) -> Watcher:
        """The watcher, which is always there after construction."""
        assert self.watcher is not None  # noqa: S101 - set in __post_init__
        return self.watcher


def name_of(service: Service) -> str:
    """How messages name a service."""
    return f'{service.kind.value} "{service.name}"'


def dashboard_link(origin: str, service: Service) -> str:
    """The service's page in the dashboard, at its deployments where it has any."""
    if service.project_id is None or service.environment_id is None:
        return origin
    page = (
        f"{origin}/dashboard/project/{service.project_id}/environment/{service.environment_id}"
        f"/services/{service.kind.value}/{service.service_id}"
    )
    return page if service.kind.is_database else f"{page}?tab=deployments"


def overwrites_title(service: Service, method: DeployMethod) -> bool:
    """Whether the server replaces title and description by the commit's after the end.

    It does for git sources on `deploy`, with `done` as with `error`, and never on `redeploy` (timelines 33, 242).
    """
    return service.source_type is not None and service.source_type.is_git and method is DeployMethod.DEPLOY
