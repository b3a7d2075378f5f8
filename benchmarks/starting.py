"""What starting costs: CPU time of whole processes, beside the same without this package."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from dataclasses import dataclass

RUNS = 9
_LOADING = """\
from pulumi_dokploy_deployments.loading import loading
with loading():
    import pulumi_dokploy_deployments.hosts."""
PROCESSES: dict[str, tuple[str, ...]] = {
    "python": ("-c", "pass"),
    "import pulumi": ("-c", "import pulumi"),
    "a program that declares a Deployment": ("-c", "import pulumi_dokploy_deployments as d; d.Deployment"),
    "our dynamic provider": ("-c", f"import pulumi.dynamic\n{_LOADING}dynamic.operations"),
    "the SDK's provider server": ("-c", "import pulumi.provider.experimental.server"),
    "our plugin": ("-c", f"{_LOADING}plugin.serving"),
    "dokploy-deployments --help": ("-c", "from pulumi_dokploy_deployments.cli.main import app; app(['--help'])"),
}


@dataclass(frozen=True)
class Line:
    """One line of the table; the median, in milliseconds."""

    process: str
    cpu_ms: float


def measure(runs: int = RUNS) -> list[Line]:
    """Start each process so many times, by turns, so that a busy machine is busy for all of them."""
    found: dict[str, list[float]] = {name: [] for name in PROCESSES}
    for _ in range(runs):
        for name, arguments in PROCESSES.items():
            found[name].append(1000 * _cpu_seconds(arguments))
    return [Line(name, round(statistics.median(each), 1)) for name, each in found.items()]


def _cpu_seconds(arguments: tuple[str, ...]) -> float:
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0
    return used.ru_utime + used.ru_stime
