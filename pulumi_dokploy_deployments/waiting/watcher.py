"""The shared watcher: one reading of the instance's queue serves every wait on the same server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.errors import ApiError
from pulumi_dokploy_deployments.api.models import DeploymentRecord, JobState, QueueJob, ServiceKind
from pulumi_dokploy_deployments.waiting.clock import Clock
from pulumi_dokploy_deployments.waiting.snapshot import OrderedQueue, Snapshot

T = TypeVar("T")

FRESH_SECONDS = 0.1
"""How old a reading of the queue may be to be shared."""
CROWDED_FRESH_SECONDS = 0.25
"""The same where many wait. A row still comes up three times in the time that its mark lasts (transcript 331)."""
FEW_SERVICES = 8
"""So many services at once are read each for itself at every look, unless a job of theirs waits in the queue."""
WAITED_FOR_SECONDS = 30.0
"""A service that was looked at so long ago is waited for still: the longest pause between two looks is 25 s."""
ROWS_KEPT_SECONDS = 20.0
"""How old a reading of a service's rows may be, while many wait and the queue shows no change."""

LONG_READING_SECONDS = 2.0
"""A reading of the queue that takes longer is not waited for by those who can't wait as long as it may take."""

TakeJobs = Callable[[tuple[QueueJob, ...]], bool]
"""Is shown the service's jobs before its rows are read; whether they tell enough where the rows can't be read."""

_Jobs = tuple[tuple[str, JobState], ...]


@dataclass(frozen=True)
class _QueueReading:
    began_at: float
    queue: OrderedQueue


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
        self._looked_at: dict[str, float] = {}
        self._quickest = float("inf")
        self._lock = asyncio.Lock()
        self._reading_since: float | None = None

    @property
    def is_crowded(self) -> bool:
        """Whether more than a few services are waited for at once, so that each has to do with fewer looks."""
        if len(self._looked_at) <= FEW_SERVICES:
            return False
        oldest = self._clock.monotonic() - WAITED_FOR_SECONDS
        # In the order of their last looks: those that are over stand in front.
        while self._looked_at and (first := next(iter(self._looked_at.items())))[1] < oldest:
            del self._looked_at[first[0]]
        return len(self._looked_at) > FEW_SERVICES

    async def observe(
        self,
        kind: ServiceKind,
        service_id: str,
        *,
        not_before: float = float("-inf"),
        within: float | None = None,
        take_jobs: TakeJobs | None = None,
        earlier: Snapshot | None = None,
    ) -> Snapshot:
        """The service's jobs, then its rows.

        Args:
            kind: the service's kind.
            service_id: the service.
            not_before: the monotonic time of the caller's trigger; an earlier reading says nothing.
            within: how long each request may take, in seconds; None for what is usual.
            take_jobs: is shown the service's jobs as soon as they are read.
            earlier: its rows are taken where the rows can't be read and `take_jobs` says that the jobs tell enough.

        Raises:
            ApiError: the queue could not be read, or the rows could not and the jobs don't tell enough.
        """
        self._note(service_id)
        reading = await self._queue(not_before, within)
        told = reading.queue.snapshot(service_id, [], reading.began_at)
        is_enough = take_jobs(told.jobs) if take_jobs is not None else False
        jobs = tuple((job.id, job.state) for job in told.jobs)
        rows = self._kept_rows(service_id, jobs, reading.began_at, not_before)
        if rows is None:
            try:
                rows = await self.timed(self._for(within).deployments_of(kind, service_id))
            except ApiError as error:
                if not (is_enough and earlier is not None and error.is_transient):
                    raise
                return told.with_rows(list(earlier.rows), reading.began_at)
            self._rows[service_id] = _RowsReading(reading.began_at, jobs, rows)
        return told.with_rows(rows, reading.began_at)

    async def rows(self, kind: ServiceKind, service_id: str, *, within: float | None = None) -> list[DeploymentRecord]:
        """The service's rows alone; `within` as in `observe`."""
        self._note(service_id)
        return await self.timed(self._for(within).deployments_of(kind, service_id))

    def _for(self, within: float | None) -> DokployClient:
        return self._client if within is None else self._client.within(within)

    @property
    def round_trip_seconds(self) -> float:
        """How long an answer takes where nothing else waits for one: the quickest so far; endless before the first."""
        return self._quickest

    async def timed(self, request: Awaitable[T]) -> T:
        """Make a request whose answer tells how far away the server is."""
        began = self._clock.monotonic()
        answer = await request
        self._quickest = min(self._quickest, self._clock.monotonic() - began)
        return answer

    def _note(self, service_id: str) -> None:
        self._looked_at.pop(service_id, None)
        self._looked_at[service_id] = self._clock.monotonic()

    def _kept_rows(self, service_id: str, jobs: _Jobs, at: float, not_before: float) -> list[DeploymentRecord] | None:
        """The rows of the last reading, where many or jobs wait and nothing can have happened; None to read anew.

        A row turns final before its job leaves the queue, and appears after its job has become active. So while the
        same jobs stand in the queue, and each active one has its row, the rows are as they were.
        """
        kept = self._rows.get(service_id)
        if kept is None or at - kept.began_at > ROWS_KEPT_SECONDS or kept.began_at <= not_before or kept.jobs != jobs:
            return None
        active = sum(1 for _, state in jobs if not state.is_waiting)
        if not self.is_crowded and active == len(jobs):
            return None
        running = sum(1 for row in kept.rows if not row.status.is_final)
        return kept.rows if jobs and running >= active else None

    async def _queue(self, not_before: float, within: float | None) -> _QueueReading:
        since, now = self._reading_since, self._clock.monotonic()
        if within is not None and since is not None and now - since > LONG_READING_SECONDS:
            # Somebody else's reading hangs, and may do so for longer than this caller has.
            return _QueueReading(now, OrderedQueue(await self._for(within).queue()))
        async with self._lock:
            now = self._clock.monotonic()
            fresh = CROWDED_FRESH_SECONDS if self.is_crowded else FRESH_SECONDS
            reading = self._reading
            if reading is None or reading.began_at <= not_before or now - reading.began_at > fresh:
                self._reading_since = now
                try:
                    reading = _QueueReading(now, OrderedQueue(await self.timed(self._for(within).queue())))
                finally:
                    self._reading_since = None
                self._reading = reading
                self._rows = {
                    known: old for known, old in self._rows.items() if now - old.began_at <= ROWS_KEPT_SECONDS
                }
            return reading
