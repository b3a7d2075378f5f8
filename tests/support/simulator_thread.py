"""The simulator in a thread of the tests' own process: a real socket, without another interpreter to start."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread

from pulumi_dokploy_deployments.simulator.process import RunningSimulator
from pulumi_dokploy_deployments.simulator.server import Options, serve
from pulumi_dokploy_deployments.simulator.world.templates import Json

STARTING_SECONDS = 20.0
ENDING_SECONDS = 10.0


@contextmanager
def simulator_thread(options: Options) -> Iterator[RunningSimulator]:
    """A simulator that serves as long as this lasts."""
    ready = Future[tuple[Json, asyncio.AbstractEventLoop, asyncio.Event]]()

    async def work() -> None:
        stop = asyncio.Event()
        await serve(options, stop, lambda told: ready.set_result((told, asyncio.get_running_loop(), stop)))

    def run() -> None:
        try:
            asyncio.run(work())
        except Exception as error:
            if ready.done():
                raise
            ready.set_exception(error)

    thread = Thread(target=run, name="simulator", daemon=True)
    thread.start()
    told, loop, stop = ready.result(STARTING_SECONDS)
    running = RunningSimulator(told)
    try:
        with running.client:
            yield running
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(ENDING_SECONDS)
        assert not thread.is_alive(), "the simulator did not end"
