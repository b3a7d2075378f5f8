"""The real client against the simulator, in one process and on virtual time; and the simulator's own truth."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import LogStreamFailure, LogStreamUnavailable
from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.rollout import log_follower
from pulumi_dokploy_deployments.rollout.deploy import deploy
from pulumi_dokploy_deployments.rollout.errors import RolloutError
from pulumi_dokploy_deployments.rollout.mark import carries
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.rollout.request import RolloutRequest
from pulumi_dokploy_deployments.simulator import BrokenConnection, ContainerQuery, LogClosed, Simulator
from pulumi_dokploy_deployments.simulator.world.services import Deployable
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.workload import last_words
from tests.support.listener import Listener
from tests.support.virtual_clock import VirtualClock

__all__ = ["Bench", "Listener", "Network", "VirtualClock"]

LOG_POLL_SECONDS = 0.05


class Network(httpx.AsyncBaseTransport):
    """Requests and answers take their time on the way."""

    def __init__(
        self, inner: httpx.AsyncBaseTransport, clock: VirtualClock, chance: random.Random, most: float
    ) -> None:
        self._inner, self._clock, self._chance, self._most = inner, clock, chance, most

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """There and back."""
        await self._clock.sleep(self._chance.uniform(0.001, self._most))
        response = await self._inner.handle_async_request(request)
        await self._clock.sleep(self._chance.uniform(0.001, self._most))
        return response


class Bench:
    """One server, any number of clients, and what the server itself knows."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *, seed: int = 0, build_seconds: float = 5.0, most_delay: float = 0.02
    ) -> None:
        self.clock = VirtualClock()
        self.simulator = Simulator(
            clock=self.clock.epoch, sleep=self.clock.sleep, build_seconds=build_seconds, seed=seed
        )
        self.world, self.faults = self.simulator.world, self.simulator.faults
        self.told = Listener()
        self._chance = random.Random(seed)  # noqa: S311 - network delays
        self._most_delay = most_delay
        self.made: list[tuple[str, str]] = []
        """Each row that the server made: its id, and the description that its job brought along."""
        self._record_rows(monkeypatch)
        monkeypatch.setattr(log_follower, "open_log_stream", self._open_log)
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
        transport = Network(self.simulator.transport(), self.clock, self._chance, self._most_delay)
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
            self.world.advance(self.clock.epoch())
            action()

        self.clock.after(seconds - self.clock.elapsed, act)

    def colleague_deploys(self, name: str = "git", description: str = "") -> None:
        """Another client deploys the service, as the dashboard does."""
        self.world.trigger(self.service(name), "deploy", "Manual deployment", description)

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
            yield self._frames(log)

        return stream()

    async def _frames(self, log: Any) -> AsyncIterator[str]:
        while True:
            try:
                frame = log.receive()
            except BrokenConnection:
                raise _unavailable(LogStreamFailure.BROKEN) from None
            except LogClosed:
                raise _unavailable(LogStreamFailure.KEY_REFUSED) from None
            if frame is not None:
                yield frame
            else:
                await self.clock.sleep(LOG_POLL_SECONDS)


def _unavailable(failure: LogStreamFailure) -> LogStreamUnavailable:
    return LogStreamUnavailable("No live log.", failure=failure, operation="listen-deployment", server="simulator")
