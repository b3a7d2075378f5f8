"""One event loop on a thread of its own for a process whose calls come from several threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from pulumi_dokploy_deployments.hosts.servers import Servers

T = TypeVar("T")


class Session(Servers):
    """The servers of a process, and the loop in which all of its waits happen.

    Dynamic providers are called from four threads, and Python programs have a loop of their own. With one loop for
    everything, one reading of the queue serves every wait.
    """

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="dokploy-waits", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the shared loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


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
