"""The shared watcher: one reading of the instance's queue serves every wait on the same server."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.models import DeploymentRecord, JobState, QueueJob, ServiceKind
from pulumi_dokploy_deployments.waiting.clock import Clock
from pulumi_dokploy_deployments.waiting.snapshot import Snapshot, snapshot_of

FRESH_SECONDS = 0.1
"""How old a reading of the queue may be to be shared."""
CROWDED_FRESH_SECONDS = 0.25
"""The same where many wait. A row still comes up three times in the time that its mark lasts (transcript 331)."""
FEW_SERVICES = 8
"""So many services at once are read each for itself at every look, unless a job of theirs waits in the queue."""
ROWS_KEPT_SECONDS = 5.0
"""How old a reading of a service's rows may be, while many wait and the queue shows no change."""

_Jobs = tuple[tuple[str, JobState], ...]


@dataclass(frozen=True)
class _QueueReading:
    began_at: float
    jobs: list[QueueJob]


@dataclass(frozen=True)
class _RowsReading:
    began_at: float
    jobs: _Jobs
    """The service's jobs in the reading of the queue before it."""
    rows: list[DeploymentRecord]


class Watcher:
    """Reads the queue and the rows of one server for all waits of the process.

    Readings of the queue are shared by everyone who asks within a tenth of a second, and never with somebody whose
    own trigger came after the reading had begun: a job missing from an older reading says nothing. Where more than a
    few services are waited for, the queue also says whose rows can have changed, and only those are read.
    """

    def __init__(self, client: DokployClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._reading: _QueueReading | None = None
        self._rows: dict[str, _RowsReading] = {}
        self._lock = asyncio.Lock()

    @property
    def is_crowded(self) -> bool:
        """Whether more than a few services are waited for at once, so that each has to do with fewer looks."""
        return len(self._rows) > FEW_SERVICES

    async def observe(self, kind: ServiceKind, service_id: str, *, not_before: float = float("-inf")) -> Snapshot:
        """The service's jobs, then its rows. `not_before` is the monotonic time of the caller's trigger."""
        reading = await self._queue(not_before)
        jobs = tuple((job.id, job.state) for job in reading.jobs if job.service_id == service_id)
        rows = self._kept_rows(service_id, jobs, reading.began_at, not_before)
        if rows is None:
            rows = await self._client.deployments_of(kind, service_id)
            self._rows[service_id] = _RowsReading(reading.began_at, jobs, rows)
        return snapshot_of(service_id, reading.jobs, rows, reading.began_at)

    def _kept_rows(self, service_id: str, jobs: _Jobs, at: float, not_before: float) -> list[DeploymentRecord] | None:
        """The rows of the last reading, where many or jobs wait and nothing can have happened; None to read anew.

        A row turns final before its job leaves the queue, and appears after its job has become active. So while the
        same jobs stand in the queue, and each active one has its row, the rows are as they were.
        """
        for known, old in list(self._rows.items()):
            if at - old.began_at > ROWS_KEPT_SECONDS:
                del self._rows[known]
        kept = self._rows.get(service_id)
        if kept is None or kept.began_at <= not_before or kept.jobs != jobs:
            return None
        active = sum(1 for _, state in jobs if state is not JobState.WAITING)
        if not self.is_crowded and active == len(jobs):
            return None
        running = sum(1 for row in kept.rows if not row.status.is_final)
        return kept.rows if jobs and running >= active else None

    async def _queue(self, not_before: float) -> _QueueReading:
        async with self._lock:
            now = self._clock.monotonic()
            fresh = CROWDED_FRESH_SECONDS if self.is_crowded else FRESH_SECONDS
            reading = self._reading
            if reading is None or reading.began_at <= not_before or now - reading.began_at > fresh:
                reading = _QueueReading(now, await self._client.queue())
                self._reading = reading
            return reading
