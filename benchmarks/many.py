"""Many waits in one process: wall time, requests, CPU and memory, over real sockets to a simulator on this machine.

    python -m benchmarks.many --endpoint URL --key KEY

is one process of waits; it prints its own figures as JSON. `measure` starts one for each number of waits. All builds
begin at once and take equally long, so that all waits end in the same moment: the worst case. The simulator shares
the machine, and its CPU time is told beside ours.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.services import applications
from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.rollout.deploy import deploy
from pulumi_dokploy_deployments.rollout.request import RolloutRequest, WaitFor
from pulumi_dokploy_deployments.simulator.process import SimulatorProcess, start_simulator
from pulumi_dokploy_deployments.waiting.clock import SystemClock
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.reporter import SilentReporter
from pulumi_dokploy_deployments.waiting.watcher import Watcher

COUNTS = (1, 10, 100, 500)
BUILD_SECONDS = 30.0
MOST_SECONDS = 180.0


@dataclass(frozen=True)
class Line:
    """One line of the table; times in seconds, memory in MB."""

    waits: int
    wall_seconds: float
    requests_a_wait: float
    cpu_ms_a_wait: float
    memory_mb: float
    simulator_cpu_seconds: float
    by_endpoint: dict[str, float]


def measure(
    counts: tuple[int, ...] = COUNTS,
    build_seconds: float = BUILD_SECONDS,
    told: Callable[[str], None] = lambda _: None,
) -> list[Line]:
    """Run so many waits in a process of their own, once for each number."""
    lines = []
    for count in counts:
        told(f"{count} waits of {build_seconds:g} s")
        with start_simulator(build_seconds=build_seconds) as simulator:
            identities = applications(simulator, count, build_seconds)
            simulator.control("clear_requests")
            before = _cpu_seconds(simulator)
            lines.append(_run(simulator, identities, before))
    return lines


def _run(simulator: SimulatorProcess, identities: list[str], before: float) -> Line:
    command = [sys.executable, "-m", "benchmarks.many", "--endpoint", simulator.endpoint, "--key", simulator.api_key]
    run = subprocess.run(
        command,
        input=",".join(identities),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=MOST_SECONDS,
    )
    own = json.loads(run.stdout)
    counters = simulator.state()["counters"]
    by_endpoint = {path.removeprefix("/api/"): round(number / len(identities), 2) for path, number in counters.items()}
    requests = sum(counters.values())
    count = len(identities)
    return Line(
        count,
        round(own["wall_seconds"], 2),
        round(requests / count, 1),
        round(1000 * own["cpu_seconds"] / count, 1),
        round(own["memory_mb"], 1),
        round(_cpu_seconds(simulator) - before, 2),
        by_endpoint,
    )


def _cpu_seconds(simulator: SimulatorProcess) -> float:
    """The CPU time of the simulator's process so far; 0 where the system does not tell."""
    stat = Path(f"/proc/{simulator.process.pid}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _wait_for_all(endpoint: str, key: str, identities: list[str]) -> dict[str, float]:
    clock = SystemClock()
    async with DokployClient(Connection.parse(endpoint, key)) as client:
        await client.server_version()
        watcher = Watcher(client, clock)
        began, cpu = time.monotonic(), time.process_time()

        async def one(identity: str) -> None:
            context = RunContext(client, clock, SilentReporter(), watcher)
            request = RolloutRequest(ServiceRef(ServiceKind.APPLICATION, identity), wait_for=WaitFor.DONE)
            await deploy(request, context)

        await asyncio.gather(*map(one, identities))
        return {
            "wall_seconds": time.monotonic() - began,
            "cpu_seconds": time.process_time() - cpu,
            "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def main() -> None:
    """One process of waits; the services' ids come on stdin, separated by commas."""
    parser = argparse.ArgumentParser(description="Deploy these applications at once and wait for all of them.")
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--key", required=True)
    given = parser.parse_args()
    print(json.dumps(asyncio.run(_wait_for_all(given.endpoint, given.key, sys.stdin.read().split(",")))))


if __name__ == "__main__":
    main()
