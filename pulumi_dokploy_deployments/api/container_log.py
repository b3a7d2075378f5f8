"""The log of one task or container, over Dokploy's WebSocket; optional for the server, so every failure is typed."""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import quote

from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.log_stream import LogStream

CONTAINER_OPERATION = "docker-container-logs"
_SSH_ERROR = "SSH error:"


class RunType(StrEnum):
    """Whose log `containerId` names."""

    SWARM = "swarm"
    """A task's, by its id, or all tasks' of a service, by its name."""
    NATIVE = "native"
    """A container's."""


class ContainerLogStream(LogStream):
    """The text of one task's or container's log, each line with its timestamp, in chunks that are cut anywhere.

    The server follows the log and never closes it: whoever has enough leaves the `async with` block.
    """

    def __init__(
        self,
        connection: Connection,
        container_id: str,
        *,
        run_type: RunType,
        tail: int,
        server_id: str | None,
        service_id: str | None,
        open_timeout: float,
    ) -> None:
        super().__init__(connection, container_id, server_id, open_timeout)
        self._query = {"containerId": container_id, "tail": str(tail), "runType": run_type.value}
        if server_id is not None:
            self._query["serverId"] = server_id
        if service_id is not None:
            self._query["serviceId"] = service_id

    def _url(self) -> str:
        query = "&".join(f"{name}={quote(value, safe='', errors='replace')}" for name, value in self._query.items())
        return f"{self._connection.websocket_origin}/{CONTAINER_OPERATION}?{query}"

    def _check_first_words(self, text: str) -> None:
        # A container may write anything; only what stands in place of a log, without a timestamp, is a refusal.
        if text.startswith(_SSH_ERROR):
            super()._check_first_words(text)


def open_container_log(
    connection: Connection,
    container_id: str,
    *,
    run_type: RunType,
    tail: int = 100,
    server_id: str | None = None,
    service_id: str | None = None,
    open_timeout_seconds: float = 10.0,
) -> ContainerLogStream:
    """Follow the log of a task or a container, from its last `tail` lines on.

    Args:
        connection: address and key.
        container_id: a task's id or a service's name with `RunType.SWARM`, else a container's id.
        run_type: which of the two.
        tail: how many lines of what was written before.
        server_id: the remote server that it runs on.
        service_id: Dokploy's id of the service, by which access to it is checked.
        open_timeout_seconds: how long opening may take.

    Raises:
        LogStreamUnavailable: on entering, or from the iteration, as for a build log.
    """
    return ContainerLogStream(
        connection,
        container_id,
        run_type=run_type,
        tail=tail,
        server_id=server_id,
        service_id=service_id,
        open_timeout=open_timeout_seconds,
    )
