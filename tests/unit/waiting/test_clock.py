"""The clock of the tests keeps the promises of the clock that the waiting code is given."""

from __future__ import annotations

import asyncio

from pulumi_dokploy_deployments.waiting.clock import Clock, SystemClock
from tests.support.virtual_clock import VirtualClock


async def test_sleepers_wake_in_the_order_of_their_times_and_nobody_waits_in_earnest(clock: VirtualClock) -> None:
    told: list[tuple[str, float]] = []

    async def sleeper(name: str, *pauses: float) -> None:
        for pause in pauses:
            await clock.sleep(pause)
            told.append((name, round(clock.elapsed, 3)))

    real = asyncio.get_running_loop().time()
    await asyncio.gather(sleeper("slow", 3600.0), sleeper("quick", 1.0, 2.0), sleeper("none", 0.0))
    assert told == [("none", 0.0), ("quick", 1.0), ("quick", 3.0), ("slow", 3600.0)]
    assert asyncio.get_running_loop().time() - real < 1.0


async def test_a_set_wake_ends_the_pause_at_that_moment(clock: VirtualClock) -> None:
    wake = asyncio.Event()
    clock.after(2.0, wake.set)
    await clock.sleep(100.0, wake=wake)
    assert clock.elapsed == 2.0


async def test_a_pause_ends_by_itself_when_nobody_wakes_it(clock: VirtualClock) -> None:
    await clock.sleep(5.0, wake=asyncio.Event())
    assert clock.elapsed == 5.0
    assert (clock.now() - VirtualClock().now()).total_seconds() == 5.0


async def test_the_real_clock_honours_the_wake_and_the_end_of_the_pause() -> None:
    real: Clock = SystemClock()
    wake = asyncio.Event()
    wake.set()
    before = real.monotonic()
    await real.sleep(60.0, wake=wake)
    await real.sleep(0.0, wake=asyncio.Event())
    await real.sleep(0.0)
    assert real.monotonic() - before < 1.0
    assert real.now().tzinfo is not None
