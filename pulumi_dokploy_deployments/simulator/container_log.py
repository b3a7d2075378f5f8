"""The output of containers by /docker-container-logs, as a subscription that needs no socket."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from pulumi_dokploy_deployments.simulator.subscription import LogClosed, Subscription
from pulumi_dokploy_deployments.simulator.world import World, reading
from pulumi_dokploy_deployments.simulator.world.access import Principal

VALID_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}")
VALID_SINCE = re.compile(r"all|[0-9]+[smhd]")
VALID_SEARCH = re.compile(r"[a-zA-Z0-9 ._-]{0,500}")
LONGEST_TAIL = 10_000


@dataclass(frozen=True)
class ContainerQuery:
    """What a client asks for; `run_type` "swarm" reads services and tasks, anything else containers."""

    container_id: str | None
    run_type: str | None = None
    tail: str = "100"
    since: str = "all"
    search: str = ""
    server_id: str | None = None
    service_id: str | None = None

    def refusal(self) -> str | None:
        """Return why the server closes with 4000, None when the question is well-formed."""
        if not self.container_id:
            return "containerId no provided"
        if not VALID_ID.fullmatch(self.container_id):
            return "Invalid container ID format"
        if not self.tail.isdecimal() or int(self.tail) > LONGEST_TAIL:
            return "Invalid tail parameter"
        if not VALID_SINCE.fullmatch(self.since):
            return "Invalid since parameter"
        return None if VALID_SEARCH.fullmatch(self.search) else "Invalid search parameter"


class ContainerLog(Subscription):
    """What has been written, then what is written, until the client goes: a terminal, so lines end with CR LF."""

    endpoint = "docker-container-logs"

    def __init__(self, world: World, clock: Callable[[], float], api_key: str | None, query: ContainerQuery) -> None:
        """Subscribe to the containers that `query` names."""
        super().__init__(world, clock)
        self._query = query
        self._seen: dict[str, int] = {}
        self._follows = False
        # Each connection costs the key one verification, before anything is looked at.
        principal = world.access.verify(api_key, world.now, cost=1)
        refusal = query.refusal()
        if refusal is not None:
            self._end = LogClosed(4000, refusal)
        elif principal is None or world.faults.database_down:
            self._end = LogClosed()
        elif not self._allowed(principal):
            self._end = LogClosed(4003, "Not authorized")
        elif query.server_id and query.server_id not in world.servers:
            self._frames.append("Server not found")
        else:
            self._begin()

    def _allowed(self, principal: Principal) -> bool:
        """Access to the service is enough; without a service to go by, docker:read and the server decide."""
        query = self._query
        if query.service_id is not None:
            return principal.may_access(query.service_id)
        known = not query.server_id or query.server_id in self._world.servers
        return known and principal.permissions()["docker"]["read"]

    def _sources(self) -> list[reading.Source] | None:
        query = self._query
        read = reading.service if query.run_type == "swarm" else reading.container
        return read(self._world, str(query.container_id), query.server_id or None)

    def _begin(self) -> None:
        query, sources = self._query, self._sources()
        if sources is None:
            swarm = query.run_type == "swarm"
            reason = "no such task or service" if swarm else "Error response from daemon: No such container"
            self._frames.append(f"{reason}: {query.container_id}\r\n")
            # By ssh the end of the command closes the connection; on the own host nobody notices it.
            self._end = LogClosed() if query.server_id else None
            return
        self._follows = True
        mixed, now = query.run_type == "swarm", self._world.now
        lines = []
        for source in sources:
            self._seen[source.id] = len(source.lines)
            lines += reading.chosen(source.lines, int(query.tail), query.since, now, mixed=mixed)
        self._send(reading.searched(lines, query.search))

    def _collect(self) -> None:
        if not self._follows:
            return
        for source in self._sources() or []:
            fresh = source.lines[self._seen.get(source.id, 0) :]
            self._seen[source.id] = len(source.lines)
            self._send(reading.searched(fresh, self._query.search))

    def _send(self, lines: list[str]) -> None:
        if lines:
            self._frames.append("".join(f"{line}\r\n" for line in lines))
