"""The real client against the simulator, in one process and on virtual time; and the simulator's own truth."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import LogStreamFailure, LogStreamUnavailable
from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.functions import logs
from pulumi_dokploy_deployments.rollout import build_log, log_follower
from pulumi_dokploy_deployments.rollout.deploy import deploy
from pulumi_dokploy_deployments.rollout.errors import RolloutError
from pulumi_dokploy_deployments.rollout.mark import carries
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.rollout.request import RolloutRequest
from pulumi_dokploy_deployments.simulator import BrokenConnection, ContainerQuery, LogClosed, Simulator
from pulumi_dokploy_deployments.simulator.world.services import Deployable
from pulumi_dokploy_deployments.simulator.world.versions import DEFAULT
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.workload import last_words
from tests.support.listener import Listener
from tests.support.virtual_clock import VirtualClock

__all__ = ["Bench", "Listener", "Network", "VirtualClock"]

LOG_POLL_SECONDS = 0.05
FRAME_SECONDS = 0.001
SILENCE_SECONDS = 1.0
UNLIMITED_SECONDS = 86_400.0
TURNS = 12
"""So many turns of the loop an answer without a wait takes at the most."""


class Network(httpx.AsyncBaseTransport):
    """Requests and answers take their time on the way, and time-outs pass in virtual time."""

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        clock: VirtualClock,
        chance: random.Random,
        most: float,
        on_the_way: Callable[[httpx.Request], None],
    ) -> None:
        self._inner, self._clock, self._chance, self._most = inner, clock, chance, most
        self._on_the_way = on_the_way

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """There and back, within the time that the request is given."""
        self._on_the_way(request)
        await self._clock.sleep(self._chance.uniform(0.001, self._most))
        limit = request.extensions.get("timeout", {}).get("read")
        response = await self._answer(request, limit if limit is not None else UNLIMITED_SECONDS)
        await self._clock.sleep(self._chance.uniform(0.001, self._most))
        return response

    async def _answer(self, request: httpx.Request, seconds: float) -> httpx.Response:
        over = asyncio.Event()
        answer = asyncio.ensure_future(self._inner.handle_async_request(request))
        answer.add_done_callback(lambda _: over.set())
        # Most answers come at once, and need no place on the clock's agenda.
        for _ in range(TURNS):
            await asyncio.sleep(0)
            if answer.done():
                return await answer
        try:
            await self._clock.sleep(seconds, wake=over)
            if answer.done():
                return await answer
        finally:
            answer.cancel()
        raise httpx.ReadTimeout("", request=request)


class Bench:
    """One server, any number of clients, and what the server itself knows."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        *,
        seed: int = 0,
        build_seconds: float = 5.0,
        most_delay: float = 0.02,
        server_version: str = str(DEFAULT),
        cloud: bool = False,
        server_ahead: float = 0.0,
    ) -> None:
        """`server_ahead`: by how many seconds the server's clock is ahead of the client's."""
        self.clock = VirtualClock()
        self.start = self.clock.now()
        self.simulator = Simulator(
            clock=lambda: self.clock.epoch() + server_ahead,
            sleep=self.clock.sleep,
            build_seconds=build_seconds,
            seed=seed,
            server_version=server_version,
            cloud=cloud,
        )
        self.world, self.faults = self.simulator.world, self.simulator.faults
        self.told = Listener()
        self._chance = random.Random(seed)  # noqa: S311 - network delays
        self._most_delay = most_delay
        self._when_sent: list[Callable[[], None]] = []
        self.made: list[tuple[str, str]] = []
        """Each row that the server made: its id, and the description that its job brought along."""
        self._record_rows(monkeypatch)
        monkeypatch.setattr(logs, "SystemClock", lambda: self.clock)
        for module in (build_log, log_follower):
            monkeypatch.setattr(module, "open_log_stream", self._open_log)
        monkeypatch.setattr(last_words, "open_container_log", self._open_container_log)

    # --- the truth ----------------------------------------------------------------------------------------------

    def _record_rows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        history = self.world.history
        insert = history.insert

        def recording(*args: Any, **more: Any) -> Any:
            made = insert(*args, **more)
            self.made.append((made.id, str(more.get("description"))))
            return made

        monkeypatch.setattr(history, "insert", recording)

    def rows_made_for(self, nonce: str) -> list[str]:
        """The ids of the rows that the server made for a run."""
        return [identity for identity, description in self.made if carries(description, nonce)]

    def ours_made(self) -> list[str]:
        """The ids of the rows that the server made for requests of this package."""
        return [identity for identity, description in self.made if "(pulumi run " in description]

    def advance(self) -> None:
        """Let the server do what is due by now."""
        self.world.advance(self.simulator.clock())

    def when_sent(self, action: Callable[[], None]) -> None:
        """Do something once, just before the server gets the next request to deploy."""
        self._when_sent.append(action)

    def accepted(self, kind: str = "application") -> int:
        """How many deployments the server accepted from us."""
        return sum(1 for call in self.world.requests.of(f"{kind}.deploy") if call.carried_out)

    def service(self, name: str, kind: str = "application") -> Deployable:
        """A service of the ready-made instance."""
        found = self.world.by_name(f"{kind}:{name}")
        assert isinstance(found, Deployable)
        return found

    # --- the run ------------------------------------------------------------------------------------------------

    def run_context(self, key: str = "owner", *, has_live_log: bool = False) -> RunContext:
        """A client of its own, with its own network and watcher."""
        transport = Network(self.simulator.transport(), self.clock, self._chance, self._most_delay, self._on_the_way)
        secret = self.simulator.ready["api_keys"].get(key, key)
        client = DokployClient(Connection.parse("http://127.0.0.1:3000", secret), transport=transport)
        return RunContext(client, self.clock, self.told, has_live_log=has_live_log)

    async def deploy(
        self,
        name: str = "git",
        *,
        kind: ServiceKind = ServiceKind.APPLICATION,
        context: RunContext | None = None,
        **more: Any,
    ) -> RunRecord:
        """Deploy a service of the ready-made instance and wait."""
        group = {ServiceKind.APPLICATION: "applications", ServiceKind.COMPOSE: "composes"}.get(kind, "databases")
        identity = self.simulator.ready[group][name]
        context = context or self.run_context()
        return await deploy(RolloutRequest(ServiceRef(kind, identity), **more), context)

    def start_in_background(self, name: str, *, context: RunContext) -> asyncio.Task[RunRecord]:
        """Deploy a service while the test does something else."""
        return asyncio.ensure_future(self.deploy(name, context=context))

    async def failure(self, name: str = "git", **more: Any) -> RolloutError:
        """Deploy, and give the failure, whose text is one plain paragraph with a next step."""
        with pytest.raises(RolloutError) as caught:
            await self.deploy(name, **more)
        text = str(caught.value)
        assert f'"{name}"' in text
        assert text.endswith(".")
        for secret in (*self.simulator.ready["secrets"], *self.simulator.ready["api_keys"].values()):
            assert secret not in text
        return caught.value

    def at(self, seconds: float, action: Any) -> None:
        """Do something to the world at a moment of virtual time."""

        def act() -> None:
            self.advance()
            action()

        self.clock.after(seconds - self.clock.elapsed, act)

    def colleague_deploys(self, name: str = "git", description: str = "") -> None:
        """Another client deploys the service, as the dashboard does."""
        self.world.trigger(self.service(name), "deploy", "Manual deployment", description)

    def _on_the_way(self, request: httpx.Request) -> None:
        if request.url.path.endswith(".deploy"):
            actions, self._when_sent = self._when_sent, []
            for action in actions:
                action()

    # --- the live log -------------------------------------------------------------------------------------------

    def _open_log(self, connection: Connection, log_path: str, *, server_id: str | None = None) -> Any:
        @asynccontextmanager
        async def stream() -> AsyncIterator[AsyncIterator[str]]:
            refused = self.faults.take("listen-deployment", "websocket_refused")
            if refused is not None:
                raise _unavailable(LogStreamFailure.UPGRADE_REFUSED)
            yield self._chunks(connection.api_key.get_secret_value(), log_path, server_id)

        return stream()

    async def _chunks(self, key: str, log_path: str, server_id: str | None) -> AsyncIterator[str]:
        async for frame in self._frames(self.simulator.connect_log(log_path, key, server_id)):
            yield frame

    def _open_container_log(self, connection: Connection, container_id: str, **asked: Any) -> Any:
        query = ContainerQuery(
            container_id,
            run_type=str(asked["run_type"]),
            tail=str(asked.get("tail", 100)),
            server_id=asked.get("server_id"),
            service_id=asked.get("service_id"),
        )
        log = self.simulator.connect_container_log(query, connection.api_key.get_secret_value())

        @asynccontextmanager
        async def stream() -> AsyncIterator[AsyncIterator[str]]:
            # Its reader measures silence in real seconds, in which hours of virtual time would pass.
            yield self._frames(log, silence_seconds=SILENCE_SECONDS)

        return stream()

    async def _frames(self, log: Any, silence_seconds: float = UNLIMITED_SECONDS) -> AsyncIterator[str]:
        spoke_at = self.clock.monotonic()
        while self.clock.monotonic() - spoke_at < silence_seconds:
            try:
                frame = log.receive()
            except BrokenConnection:
                raise _unavailable(LogStreamFailure.BROKEN) from None
            except LogClosed:
                raise _unavailable(LogStreamFailure.KEY_REFUSED) from None
            if frame is not None:
                yield frame
                spoke_at = self.clock.monotonic()
            # A flood takes time as well.
            await self.clock.sleep(LOG_POLL_SECONDS if frame is None else FRAME_SECONDS)


def _unavailable(failure: LogStreamFailure) -> LogStreamUnavailable:
    return LogStreamUnavailable("No live log.", failure=failure, operation="listen-deployment", server="simulator")
