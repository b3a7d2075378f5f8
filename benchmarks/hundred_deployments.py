"""A hundred deployments at once against one: does the plugin really wait for all of them at the same time?

    .venv/bin/python -m benchmarks.hundred_deployments

Deploys simulated services whose builds take three seconds: one in a stack of its own, then a hundred in one
`pulumi up --parallel 100`. The engine's own time is that of a hundred resources of a provider that does nothing. The
hundred may take one and a half times as long as the single one, plus the engine's own time. Exit code 1 when they
take longer.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.services import applications
from pulumi_dokploy_deployments.simulator.process import RunningSimulator, start_simulator

BUILD_SECONDS = 3.0
COUNT = 100
MOST_RATIO = 1.5
COMMAND_SECONDS = 300.0
SETUP = Path(__file__).resolve().parent.parent / "scripts" / "setup_engine.py"
PROJECT = "name: benchmark\nruntime: yaml\nresources:\n"
RESOURCE = """  service{number}:
    type: dokploy-deployments:Deployment
    properties:
      applicationId: {application}
      waitFor: {wait_for}
"""
NOTHING = """  nothing{number}:
    type: noop:index:Nothing
    properties: {{number: {number}}}
"""
NOOP_PLUGIN = """#!{python}
import json, sys
from pulumi.provider.experimental import provider, server

NUMBER = {{"number": {{"type": "number"}}}}
SCHEMA = {{"name": "noop", "version": "1.0.0", "resources": {{"noop:index:Nothing": {{
    "inputProperties": NUMBER, "properties": NUMBER}}}}}}


class Noop(provider.Provider):
    async def get_schema(self, request):
        return provider.GetSchemaResponse(json.dumps(SCHEMA))

    async def create(self, request):
        return provider.CreateResponse("nothing", request.properties)


server.main(sys.argv[1:], "1.0.0", Noop())
"""


@dataclass(frozen=True)
class Measured:
    """Wall times in seconds, and how many requests the server got."""

    count: int
    single: float
    many: float
    engine_alone: float
    single_requests: int
    many_requests: int

    @property
    def allowed(self) -> float:
        """The most that the many may take."""
        return MOST_RATIO * self.single + self.engine_alone

    @property
    def is_good(self) -> bool:
        return self.many <= self.allowed

    def report(self) -> str:
        """The figures for people."""
        return "\n".join(
            [
                f"one deployment of {BUILD_SECONDS:g} s:     {self.single:6.1f} s  {self.single_requests} requests",
                f"{self.count} of them in one up:     {self.many:6.1f} s  {self.many_requests} requests",
                f"{self.count} no-op resources:         {self.engine_alone:6.1f} s",
                f"allowed: {MOST_RATIO:g} x {self.single:.1f} s + {self.engine_alone:.1f} s = {self.allowed:.1f} s",
            ]
        )


class Stack:
    """One YAML program with a state of its own."""

    def __init__(self, root: Path, engine_bin: str, simulator: RunningSimulator) -> None:
        self._folder = root
        (root / "backend").mkdir(parents=True)
        outer = {k: v for k, v in os.environ.items() if not k.startswith(("DOKPLOY_", "PULUMI_"))}
        noop = root / "pulumi-resource-noop"
        noop.write_text(NOOP_PLUGIN.format(python=sys.executable))
        noop.chmod(0o755)
        path = os.pathsep.join([str(root), str(Path(sys.executable).parent), engine_bin, outer.get("PATH", os.defpath)])
        self._env = {
            **outer,
            "PATH": path,
            "PULUMI_HOME": str(root / "home"),
            "PULUMI_BACKEND_URL": (root / "backend").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "benchmark",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "DOKPLOY_ENDPOINT": simulator.endpoint,
            "DOKPLOY_API_KEY": simulator.api_key,
            "NO_COLOR": "1",
        }

    def write(self, resources: Iterable[str]) -> None:
        """Write the program and make the stack."""
        (self._folder / "Pulumi.yaml").write_text(PROJECT + "".join(resources))
        self._run("stack", "init", "benchmark")

    def up(self, parallel: int) -> float:
        """`pulumi up`; gives its wall time."""
        started = time.monotonic()
        self._run("up", "--yes", "--skip-preview", "--parallel", str(parallel), "--suppress-progress")
        return time.monotonic() - started

    def _run(self, *args: str) -> None:
        run = subprocess.run(
            ["pulumi", *args],
            cwd=self._folder,
            env=self._env,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if run.returncode:
            raise SystemExit(f"pulumi {' '.join(args)} failed:\n{run.stdout}\n{run.stderr}")


def measure(count: int = COUNT, wait_for: str = "done", *, with_nothing: bool = True) -> Measured:
    """Run the stacks and measure them; without that of resources which do nothing, the engine's own time is 0."""
    setup = subprocess.run([sys.executable, SETUP, "--print-bin"], stdout=subprocess.PIPE, text=True, check=True)
    engine_bin = setup.stdout.strip()
    with tempfile.TemporaryDirectory() as scratch, start_simulator(build_seconds=BUILD_SECONDS) as simulator:
        ids = applications(simulator, count + 1, BUILD_SECONDS)
        deployments = [
            RESOURCE.format(number=number, application=application, wait_for=wait_for)
            for number, application in enumerate(ids)
        ]

        def stack(name: str, resources: Sequence[str]) -> Stack:
            made = Stack(Path(scratch) / name, engine_bin, simulator)
            made.write(resources)
            return made

        engine_alone = 0.0
        if with_nothing:
            engine_alone = stack("nothing", [NOTHING.format(number=number) for number in range(count)]).up(count)
        one, many = stack("one", deployments[:1]), stack("many", deployments[1:])
        simulator.control("clear_requests")
        single = one.up(count)
        single_requests = _requests(simulator)
        simulator.control("clear_requests")
        together = many.up(count)
        return Measured(count, single, together, engine_alone, single_requests, _requests(simulator))


def _requests(simulator: RunningSimulator) -> int:
    state = simulator.state()
    counted = state["counters"]
    return sum(counted.values()) if counted else len(state["requests"])


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="A hundred deployments at once against one.")
    parser.add_argument("--count", type=int, default=COUNT, help="how many at once (default 100)")
    parser.add_argument(
        "--wait-for", default="done", choices=["healthy", "done"], help="what counts as the end (default done)"
    )
    given = parser.parse_args()
    measured = measure(given.count, given.wait_for)
    print(measured.report())
    print("good" if measured.is_good else "TOO SLOW")
    return 0 if measured.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
