"""The simulator in one object: a populated world, its ASGI application and ways to it without a socket."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from pulumi_dokploy_deployments.simulator import websocket_faults
from pulumi_dokploy_deployments.simulator.container_log import ContainerLog, ContainerQuery
from pulumi_dokploy_deployments.simulator.http import control
from pulumi_dokploy_deployments.simulator.http.app import HttpApp
from pulumi_dokploy_deployments.simulator.live_log import LiveLog
from pulumi_dokploy_deployments.simulator.websocket import serve
from pulumi_dokploy_deployments.simulator.world import World
from pulumi_dokploy_deployments.simulator.world import seed as seeding
from pulumi_dokploy_deployments.simulator.world.faults import Faults
from pulumi_dokploy_deployments.simulator.world.templates import Json
from pulumi_dokploy_deployments.simulator.world.versions import DEFAULT, Version

if TYPE_CHECKING:
    import httpx

AGE = 3660.0
"""Seconds that the instance is old at the start: some services have been running for an hour."""


def slow_default(build_seconds: float) -> float:
    """Return how long `slow` builds when nobody says so."""
    return max(20.0, 10.0 * build_seconds)


class Simulator:
    """A Dokploy server without a socket.

    `clock` gives epoch seconds and may be virtual; `sleep` must then be virtual too (slow answers and
    live logs wait with it). `build_seconds` and `slow_seconds` are lengths of builds.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        build_seconds: float = 1.0,
        seed: int = 0,
        *,
        slow_seconds: float | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        endpoint: str = "http://127.0.0.1:3000",
        populated: bool = True,
        server_version: str = str(DEFAULT),
        cloud: bool = False,
    ) -> None:
        """Create the instance; `endpoint` is only what `ready` tells, `populated` False leaves it empty.

        `server_version` is the release that is played, e.g. "v0.29.8"; ValueError for what is none. `cloud` plays
        Dokploy Cloud: every service is on the remote server, finished jobs stay listed.
        """
        self.clock = clock
        self._sleep = sleep
        self.world = World(clock() - AGE, seed, Version.parse(server_version), cloud=cloud)
        slow = slow_default(build_seconds) if slow_seconds is None else slow_seconds
        contents = seeding.populate(self.world, build_seconds, slow) if populated else seeding.keys(self.world)
        self.ready: Json = {"endpoint": endpoint, "server_version": str(self.world.version), **contents}
        self.world.advance(clock())
        self._http = HttpApp(self.world, clock, sleep)

    @property
    def faults(self) -> Faults:
        """Return the faults, to switch them on and off."""
        return self.world.faults

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve HTTP and WebSocket as ASGI; raises BrokenConnection where a connection breaks."""
        if scope["type"] == "lifespan":
            return
        if scope["type"] == "websocket":
            await websocket_faults.serve(self.world, self.clock, self._websocket, scope, receive, send)
            return
        path = str(scope["path"])
        if path.startswith("/_simulator/"):
            self.world.advance(self.clock())
            raw = b""
            while True:
                message = await receive()
                raw += message.get("body", b"")
                if not message.get("more_body"):
                    break
            verb = path.removeprefix("/_simulator/")
            response = control.answer(self.world, str(scope["method"]), verb, raw)
            await response(scope, receive, send)
            return
        await self._http(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await serve(self.world, self.clock, self._sleep, scope, receive, send)

    def transport(self) -> "httpx.AsyncBaseTransport":
        """Return a transport for httpx.AsyncClient whose faults are httpx's own exceptions."""
        # Imported here, so that a simulator in a process of its own starts without an HTTP client.
        from pulumi_dokploy_deployments.simulator.transport import InProcessTransport

        return InProcessTransport(self)

    def client(self, key: str = "owner") -> "httpx.AsyncClient":
        """Return an HTTP client with the named API key (see `ready["api_keys"]`)."""
        import httpx

        headers = {"x-api-key": self.ready["api_keys"][key]}
        return httpx.AsyncClient(transport=self.transport(), base_url=self.ready["endpoint"], headers=headers)

    def connect_log(self, log_path: str | None, api_key: str | None = None, server_id: str | None = None) -> LiveLog:
        """Subscribe to a live log in-process; without a key the owner's is used."""
        key = self.ready["api_key"] if api_key is None else api_key
        return websocket_faults.AfflictedLog(self.world, self.clock, log_path, key, server_id)

    def connect_container_log(self, query: ContainerQuery, api_key: str | None = None) -> ContainerLog:
        """Subscribe to the output of containers in-process; without a key the owner's is used."""
        key = self.ready["api_key"] if api_key is None else api_key
        return ContainerLog(self.world, self.clock, key, query)
