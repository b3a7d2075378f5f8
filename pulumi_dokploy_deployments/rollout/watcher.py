"""The shared watcher: one reading of the instance's queue serves every wait on the same server (truth rule 7)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.models import QueueJob, ServiceKind
from pulumi_dokploy_deployments.rollout.clock import Clock
from pulumi_dokploy_deployments.rollout.observation import Snapshot, snapshot_of

FRESH_SECONDS = 0.1
"""How old a reading of the queue may be to be shared."""


@dataclass(frozen=True)
class _QueueReading:
    began_at: float
    jobs: list[QueueJob]


class Watcher:
    """Reads the queue and the rows of one server for all waits of the process.

    Readings of the queue are shared by everyone who asks within a tenth of a second, and never with somebody whose
    own trigger came after the reading had begun: a job missing from an older reading says nothing.
    """

    def __init__(self, client: DokployClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._reading: _QueueReading | None = None
        self._lock = asyncio.Lock()

    async def observe(self, kind: ServiceKind, service_id: str, *, not_before: float = float("-inf")) -> Snapshot:
        """The service's jobs, then its rows. `not_before` is the monotonic time of the caller's trigger."""
        reading = await self._queue(not_before)
        rows = await self._client.deployments_of(kind, service_id)
        return snapshot_of(service_id, reading.jobs, rows, reading.began_at)

    async def _queue(self, not_before: float) -> _QueueReading:
        async with self._lock:
            now = self._clock.monotonic()
            reading = self._reading
            if reading is None or reading.began_at <= not_before or now - reading.began_at > FRESH_SECONDS:
                reading = _QueueReading(now, await self._client.queue())
                self._reading = reading
            return reading
