"""One event loop, one client and one watcher per server for a whole provider process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.waiting.clock import SystemClock
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.reporter import Reporter
from pulumi_dokploy_deployments.waiting.watcher import Watcher

T = TypeVar("T")


class Session:
    """Shares connections and readings between all resources of a process.

    Dynamic providers are called from four threads; the waiting itself happens in one event loop on a thread of its
    own, so that one reading of the queue serves every wait.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="dokploy-waits", daemon=True)
        self._thread.start()
        self._clients: dict[tuple[str, ...], DokployClient] = {}
        self._watchers: dict[tuple[str, ...], Watcher] = {}
        self._lock = threading.Lock()
        self.clock = SystemClock()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the shared loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def run_context(self, connection: Connection, reporter: Reporter) -> RunContext:
        """What a run on this server works in."""
        key = connection.identity
        with self._lock:
            if key not in self._clients:
                self._clients[key] = DokployClient(connection)
                self._watchers[key] = Watcher(self._clients[key], self.clock)
            return RunContext(self._clients[key], self.clock, reporter, self._watchers[key])


class _Shared:
    """Holds the process's session; the first calls of a provider come from several threads at once."""

    lock = threading.Lock()
    session: Session | None = None


def shared_session() -> Session:
    """The session of this process."""
    with _Shared.lock:
        if _Shared.session is None:
            _Shared.session = Session()
        return _Shared.session
