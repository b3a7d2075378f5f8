"""One client and one watcher per server for the whole plugin process, so that its waits share their readings."""

from __future__ import annotations

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.hosts.configuration import warn_of_plain_http
from pulumi_dokploy_deployments.rollout.clock import SystemClock
from pulumi_dokploy_deployments.rollout.context import Surroundings
from pulumi_dokploy_deployments.rollout.reporter import Reporter
from pulumi_dokploy_deployments.rollout.watcher import Watcher


class Servers:
    """The servers that this process talks to."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[DokployClient, Watcher]] = {}
        self.clock = SystemClock()

    def surroundings(
        self, connection: Connection, reporter: Reporter, *, request_timeout_seconds: float | None = None
    ) -> Surroundings:
        """What a run on this server works in."""
        warn_of_plain_http(connection, reporter)
        client, watcher = self._server(connection, request_timeout_seconds)
        return Surroundings(client, self.clock, reporter, watcher)

    def _server(self, connection: Connection, timeout: float | None) -> tuple[DokployClient, Watcher]:
        key = (connection.origin, connection.api_key.get_secret_value())
        if key not in self._known:
            client = (
                DokployClient(connection) if timeout is None else DokployClient(connection, timeout_seconds=timeout)
            )
            self._known[key] = (client, Watcher(client, self.clock))
        return self._known[key]
