"""Starts the simulator in a process of its own, for tests that need a real socket."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from pulumi_dokploy_deployments.simulator.world.templates import Json
from pulumi_dokploy_deployments.simulator.world.versions import DEFAULT


@dataclass
class RunningSimulator:
    """A started simulator; `ready` is the first line of its output."""

    ready: Json
    client: httpx.Client = field(default_factory=httpx.Client, init=False, repr=False)

    @property
    def endpoint(self) -> str:
        """Return its address, e.g. http://127.0.0.1:40001."""
        return str(self.ready["endpoint"])

    @property
    def api_key(self) -> str:
        """Return the owner's key."""
        return str(self.ready["api_key"])

    def control(self, verb: str, **arguments: object) -> object:
        """Run a verb of the control interface; raises with the reason when it is refused."""
        answer = self.client.post(f"{self.endpoint}/_simulator/{verb}", json=arguments)
        if answer.status_code != 200:
            raise ValueError(f"{verb}: {answer.text}")
        result: object = answer.json()["result"]
        return result

    def state(self) -> Json:
        """Return what really runs and what was received."""
        found: Json = self.client.get(f"{self.endpoint}/_simulator/state").json()
        return found


@dataclass
class SimulatorProcess(RunningSimulator):
    """One that runs in a process of its own."""

    process: subprocess.Popen[str]


@contextmanager
def start_simulator(
    *,
    build_seconds: float = 1.0,
    slow_seconds: float | None = None,
    seed: int = 0,
    port: int = 0,
    server_version: str = str(DEFAULT),
    cloud: bool = False,
) -> Iterator[SimulatorProcess]:
    """Run a simulator for the length of the context; it also ends with this process.

    `server_version` is the release of Dokploy that it plays, e.g. "v0.28.3"; `cloud` plays Dokploy Cloud.
    """
    command = [sys.executable, "-m", "pulumi_dokploy_deployments.simulator"]
    command += ["--with-parent", str(os.getpid())]
    command += ["--port", str(port), "--build-seconds", str(build_seconds), "--seed", str(seed)]
    command += ["--server-version", server_version, *(["--cloud"] if cloud else [])]
    if slow_seconds is not None:
        command += ["--slow-seconds", str(slow_seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own module
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise RuntimeError(f"the simulator ended with {process.wait()} before it was ready")
        running = SimulatorProcess(json.loads(line), process)
        with running.client:
            yield running
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()
