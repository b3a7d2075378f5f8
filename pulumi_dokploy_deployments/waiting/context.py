"""What a run is given to work in: the server, the clock, the listener, and the watcher that all runs share."""

from __future__ import annotations

from dataclasses import dataclass, field

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.waiting.clock import Clock, SystemClock
from pulumi_dokploy_deployments.waiting.reporter import Reporter, SilentReporter
from pulumi_dokploy_deployments.waiting.watcher import Watcher


@dataclass
class RunContext:
    """The server, the clock and the listener of a run. The watcher is shared by all runs on one server."""

    client: DokployClient
    clock: Clock = field(default_factory=SystemClock)
    reporter: Reporter = field(default_factory=SilentReporter)
    watcher: Watcher | None = None
    has_live_log: bool = True
    """Whether the log WebSocket is tried; without it the log is read by requests."""

    def __post_init__(self) -> None:
        if self.watcher is None:
            self.watcher = Watcher(self.client, self.clock)

    @property
    def shared_watcher(self) -> Watcher:
        """The watcher, which is always there after construction."""
        assert self.watcher is not None  # noqa: S101 - set in __post_init__
        return self.watcher
