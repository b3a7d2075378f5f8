"""One client and one watcher per server and key for the whole process, so that its waits share their readings."""

from __future__ import annotations

import threading

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.hosts.configuration import warn_of_plain_http
from pulumi_dokploy_deployments.hosts.declared import DeclaredServices
from pulumi_dokploy_deployments.waiting.clock import SystemClock
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.reporter import Reporter
from pulumi_dokploy_deployments.waiting.watcher import Watcher


class Servers:
    """The servers that this process talks to. May be asked from several threads."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], tuple[DokployClient, Watcher]] = {}
        self._lock = threading.Lock()
        self.clock = SystemClock()
        self.declared = DeclaredServices()

    def run_context(
        self, connection: Connection, reporter: Reporter, *, request_timeout_seconds: float | None = None
    ) -> RunContext:
        """What a run on this server works in."""
        warn_of_plain_http(connection, reporter)
        client, watcher = self._server(connection, request_timeout_seconds)
        return RunContext(client, self.clock, reporter, watcher)

    def _server(self, connection: Connection, timeout: float | None) -> tuple[DokployClient, Watcher]:
        key = connection.identity
        with self._lock:
            if key not in self._known:
                client = (
                    DokployClient(connection) if timeout is None else DokployClient(connection, timeout_seconds=timeout)
                )
                self._known[key] = (client, Watcher(client, self.clock))
            return self._known[key]
