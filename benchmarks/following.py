"""How late a deployment's end is seen and how many requests that costs, on virtual time, beside polls at a fixed pace.

The server is the simulator, the client the real one. A request takes one round trip, and so does everything that is
the limit: whoever is asked cannot answer earlier. The builds' lengths vary by a twentieth, and the log's end line comes
6 to 140 ms before the row turns final, as measured on a real server (transcript 300).
"""

from __future__ import annotations

import asyncio
import random
import statistics
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import httpx
import pytest

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.models import DeploymentStatus, ServiceKind
from pulumi_dokploy_deployments.rollout import deploy as deploying
from pulumi_dokploy_deployments.rollout.follow import follow
from pulumi_dokploy_deployments.rollout.request import WaitFor
from pulumi_dokploy_deployments.simulator.world import scripts
from pulumi_dokploy_deployments.waiting.context import RunContext
from tests.support.bench import UNLIMITED_SECONDS, Bench

ROUND_TRIP_SECONDS = 0.03
DURATIONS = (2.0, 20.0, 120.0, 600.0)
FIXED_POLLS = (3.0, 5.0, 10.0)
SAMPLES = 25
VARIES_BY = 0.05
END_LINE_SECONDS = (0.006, 0.140)


class Log(StrEnum):
    """What is there of the live log, and of the service's past."""

    STREAM = "stream"
    """The live log, with a line each second."""
    QUIET_STREAM = "quiet stream"
    """The live log, silent through most of the build."""
    NO_STREAM = "no stream"
    FIRST_DEPLOYMENT = "first deployment"
    """Neither a live log nor any earlier deployment, so that nobody knows how long it will take."""


@dataclass
class Samples:
    """What was measured for one way of following one length of build."""

    lags: list[float] = field(default_factory=list)
    requests: list[Counter[str]] = field(default_factory=list)

    @property
    def median_lag(self) -> float:
        """In seconds."""
        return statistics.median(self.lags)

    @property
    def high_lag(self) -> float:
        """The 99th percentile, in seconds; of few samples that is the largest one."""
        return sorted(self.lags)[min(len(self.lags) - 1, round(0.99 * len(self.lags)))]

    @property
    def median_requests(self) -> float:
        """Of all endpoints together."""
        return statistics.median(sum(each.values()) for each in self.requests)

    @property
    def by_endpoint(self) -> dict[str, float]:
        """The mean of each endpoint."""
        names = sorted({name for each in self.requests for name in each})
        return {name: round(statistics.fmean(each[name] for each in self.requests), 1) for name in names}


class _Steady(httpx.AsyncBaseTransport):
    """Each request takes exactly one round trip."""

    def __init__(self, inner: httpx.AsyncBaseTransport, bench: Bench, one_way: float) -> None:
        self._inner, self._bench, self._one_way = inner, bench, one_way

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self._bench.clock.sleep(self._one_way)
        response = await self._inner.handle_async_request(request)
        await self._bench.clock.sleep(self._one_way)
        return response


class _Measuring(Bench):
    """A bench that knows when a row turned final, and when the client knew."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seed: int, round_trip: float) -> None:
        super().__init__(monkeypatch, seed=seed, build_seconds=2.0)
        self.one_way = round_trip / 2
        self.final_at = self.known_at = 0.0
        finish = self.world.history.finish

        def finishing(row: Any, status: Any, now: float) -> Any:
            self.final_at = now
            return finish(row, status, now)

        async def following(*args: Any, **more: Any) -> Any:
            row = await follow(*args, **more)
            self.known_at = self.clock.epoch()
            return row

        monkeypatch.setattr(self.world.history, "finish", finishing)
        monkeypatch.setattr(deploying, "follow", following)

    @property
    def lag(self) -> float:
        """Seconds from the final row to the client's knowledge of it."""
        return self.known_at - self.final_at

    def context(self, *, has_live_log: bool) -> RunContext:
        """A client whose requests take one round trip."""
        transport = _Steady(self.simulator.transport(), self, self.one_way)
        connection = Connection.parse("http://127.0.0.1:3000", self.simulator.ready["api_key"])
        client = DokployClient(connection, transport=transport)
        return RunContext(client, self.clock, self.told, has_live_log=has_live_log)

    async def _frames(self, log: Any, silence_seconds: float = UNLIMITED_SECONDS) -> AsyncIterator[str]:
        spoke_at = self.clock.monotonic()
        while self.clock.monotonic() - spoke_at < silence_seconds:
            frames = list(iter(log.receive, None))
            if frames:
                # On its way as long as an answer.
                await self.clock.sleep(self.one_way)
                for frame in frames:
                    yield frame
                spoke_at = self.clock.monotonic()
                continue
            due = self.world.agenda.next_due()
            # What is not on the agenda yet comes of a request, and that takes its time.
            longest = 0.01 if due is None else max(0.001, due - self.clock.epoch())
            await self.clock.sleep(min(longest, 1.0))


@contextmanager
def _measuring(seed: int, round_trip: float) -> Iterator[_Measuring]:
    chance = random.Random(seed)  # noqa: S311 - no secret
    near = chance.uniform(*END_LINE_SECONDS) / (1 - 0.9)

    def offset(place: float, duration: float) -> float:
        if place >= scripts.LATE:
            return max(0.0, duration - (1 - place) * near)
        short = min(duration, 1.0)
        if place <= scripts.EARLY:
            return place * short
        begin, end = scripts.EARLY * short, duration - (1 - scripts.LATE) * near
        return begin + (end - begin) * (place - scripts.EARLY) / (scripts.LATE - scripts.EARLY)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(scripts.Script, "offset", staticmethod(offset))
        yield _Measuring(monkeypatch, seed, round_trip)


def _varied(seconds: float, seed: int) -> float:
    chance = random.Random(1000 + seed)  # noqa: S311 - no secret
    return seconds * chance.uniform(1 - VARIES_BY, 1 + VARIES_BY)


def _prepare(bench: _Measuring, seconds: float, log: Log, seed: int) -> None:
    service = bench.service("other")
    service.behaviour.steps = 0 if log is Log.QUIET_STREAM else round(seconds)
    service.behaviour.build_seconds = _varied(seconds, seed)


def _earlier(bench: _Measuring, seconds: float) -> None:
    """Three good deployments in the service's past."""
    service, history = bench.service("other"), bench.world.history
    for back in range(3, 0, -1):
        began = bench.clock.epoch() - back * (seconds + 60.0)
        row = history.insert(began, owner={"applicationId": service.id}, title="Earlier", description="", log_path="")
        row.fields["startedAt"] = row.fields["createdAt"]
        history.finish(row, "done", began + seconds)


async def _ours(seconds: float, log: Log, seed: int, wait_for: str, round_trip: float, into: Samples) -> None:
    with _measuring(seed, round_trip) as bench:
        _prepare(bench, seconds, log, seed)
        if log is not Log.FIRST_DEPLOYMENT:
            _earlier(bench, seconds)
        bench.world.requests.clear()
        context = bench.context(has_live_log=log in (Log.STREAM, Log.QUIET_STREAM))
        shown = log in (Log.STREAM, Log.QUIET_STREAM)
        await bench.deploy(
            "other", context=context, wait_for=WaitFor(wait_for), stream_logs=shown, timeout_seconds=7200.0
        )
        into.lags.append(bench.lag)
        into.requests.append(_endpoints(bench))


async def _fixed(seconds: float, pause: float, seed: int, round_trip: float, into: Samples) -> None:
    """What a poll of the newest row at a fixed pace comes to."""
    with _measuring(seed, round_trip) as bench:
        _prepare(bench, seconds, Log.QUIET_STREAM, seed)
        bench.world.requests.clear()
        client = bench.context(has_live_log=False).client
        identity = bench.service("other").id
        await client.deploy(ServiceKind.APPLICATION, identity)
        while True:
            await bench.clock.sleep(pause)
            rows = await client.deployments_by_application(identity)
            if rows and rows[0].status is DeploymentStatus.DONE:
                break
        bench.known_at = bench.clock.epoch()
        into.lags.append(bench.lag)
        into.requests.append(_endpoints(bench))


def _endpoints(bench: Bench) -> Counter[str]:
    counted = bench.world.requests.counters()
    return Counter({path.removeprefix("/api/"): number for path, number in counted.items()})


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    build_seconds: float
    how: str
    median_lag: float
    high_lag: float
    requests: float
    by_endpoint: dict[str, float]


def measure(
    *,
    durations: tuple[float, ...] = DURATIONS,
    samples: int = SAMPLES,
    wait_for: str = "done",
    round_trip: float = ROUND_TRIP_SECONDS,
    fixed_polls: tuple[float, ...] = FIXED_POLLS,
    told: Callable[[str], None] = lambda _: None,
) -> list[Line]:
    """Follow so many builds of each length in each way.

    Args:
        durations: lengths of builds, in seconds.
        samples: so many builds of each.
        wait_for: `done` or `healthy`.
        round_trip: how long a request takes, in seconds.
        fixed_polls: the pauses of the fixed polls beside it, in seconds.
        told: is told what is being measured.
    """
    lines = []
    for seconds in durations:
        limit = Line(seconds, "limit: one round trip", round_trip, round_trip, 0.0, {})
        lines.append(limit)
        for pause in fixed_polls:
            found = Samples()
            for seed in range(samples):
                asyncio.run(_fixed(seconds, pause, seed, round_trip, found))
            lines.append(_line(seconds, f"fixed poll, {pause:g} s", found))
        for log in Log:
            told(f"{seconds:g} s, {log.value}")
            found = Samples()
            for seed in range(samples):
                asyncio.run(_ours(seconds, log, seed, wait_for, round_trip, found))
            lines.append(_line(seconds, log.value, found))
    return lines


def _line(seconds: float, how: str, found: Samples) -> Line:
    return Line(
        seconds,
        how,
        round(found.median_lag, 3),
        round(found.high_lag, 3),
        found.median_requests,
        found.by_endpoint,
    )
