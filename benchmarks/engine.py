"""What the real engine and a provider cost together: CPU time of `pulumi up` with everything that it starts.

One deployment against one resource of a provider that does nothing, on both hosts; then an `up` of a hundred
deployments in which nothing is to be done, against a hundred resources that do nothing. The simulator is not counted.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.hundred_deployments import NOTHING, RESOURCE, SETUP, Stack
from benchmarks.services import applications
from pulumi_dokploy_deployments.simulator.process import start_simulator

BUILD_SECONDS = 1.0
COUNT = 100
MOST_SECONDS = 300.0
_DEPLOYMENT = """\
import pulumi_dokploy_deployments as dokploy

dokploy.Deployment("service", application_id="{application}", wait_for="done", triggers={{"release": "1"}})
"""
_EMPTY = """\
from pulumi.dynamic import CreateResult, Resource, ResourceProvider


class Nothing(ResourceProvider):
    def create(self, props):
        return CreateResult("nothing", props)


class Empty(Resource):
    def __init__(self):
        super().__init__(Nothing(), "nothing", {"number": 1})


Empty()
"""


@dataclass(frozen=True)
class Line:
    """One line of the table; times in seconds."""

    what: str
    cpu_seconds: float
    wall_seconds: float
    against_nothing: float
    """CPU time as a multiple of the same with resources that do nothing."""


class _PythonStack(Stack):
    """A Python program with a state of its own."""

    def write(self, resources: Iterable[str]) -> None:
        (self._folder / "Pulumi.yaml").write_text("name: benchmark\nruntime: python\n")
        (self._folder / "__main__.py").write_text("".join(resources))
        self._run("stack", "init", "benchmark")


def measure(count: int = COUNT, told: Callable[[str], None] = lambda _: None) -> list[Line]:
    """One run of each."""
    setup = subprocess.run([sys.executable, SETUP, "--print-bin"], stdout=subprocess.PIPE, text=True, check=True)
    engine = setup.stdout.strip()
    lines: list[Line] = []
    with tempfile.TemporaryDirectory() as scratch, start_simulator(build_seconds=BUILD_SECONDS) as simulator:
        ids = applications(simulator, count + 2, BUILD_SECONDS)
        plugin, dynamic, *rest = ids

        def compare(what: str, kind: type[Stack], resources: list[str], nothing: list[str], *, twice: bool) -> None:
            told(what)
            used = []
            for name, program in (("nothing", nothing), ("deployment", resources)):
                stack = kind(Path(scratch) / f"{len(lines)}-{name}", engine, simulator)
                stack.write(program)
                if twice:
                    stack.up(count)
                used.append(_used(lambda stack=stack: stack.up(count)))  # type: ignore[misc]
            (cpu_nothing, wall_nothing), (cpu, wall) = used
            lines.append(Line(f"{what}: nothing", round(cpu_nothing, 2), round(wall_nothing, 1), 1.0))
            lines.append(Line(what, round(cpu, 2), round(wall, 1), round(cpu / cpu_nothing, 2)))

        def deployments(identities: list[str]) -> list[str]:
            return [
                RESOURCE.format(number=number, application=identity, wait_for="done")
                for number, identity in enumerate(identities)
            ]

        nothing = [NOTHING.format(number=number) for number in range(count)]
        compare("plugin, one deployment", Stack, deployments([plugin]), nothing[:1], twice=False)
        compare(
            "dynamic, one deployment", _PythonStack, [_DEPLOYMENT.format(application=dynamic)], [_EMPTY], twice=False
        )
        compare(f"plugin, {count} unchanged", Stack, deployments(rest), nothing, twice=True)
    return lines


def _used(run: Callable[[], object]) -> tuple[float, float]:
    """CPU time of the processes that a call starts and waits for, and wall time."""
    before, began = os.times(), time.monotonic()
    run()
    after = os.times()
    user, system = after.children_user - before.children_user, after.children_system - before.children_system
    return user + system, time.monotonic() - began
