"""Runs the benchmarks, prints a table of each, and writes all figures as JSON.

    make bench                                  all parts, about six minutes
    python -m benchmarks following many         only these
    python -m benchmarks --quick                smaller numbers, about two minutes

A part has a bound on its time. The machine and its load before and after each part are told, since only ratios within
one part mean anything on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

PARTS = ("following", "proving", "many", "starting", "logs", "engine")
MOST_SECONDS = 400
"""How long one part may take."""


def main() -> int:
    """The command line. Each part runs in a process of its own, so that its bound holds and its memory is its own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What following deployments costs.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"one of {', '.join(PARTS)}; all where none is given")
    parser.add_argument("--quick", action="store_true", help="smaller numbers")
    parser.add_argument("--json", type=Path, default=Path("build/benchmarks.json"), help="where the figures go")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    unknown = set(given.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    if given.alone:
        print(json.dumps([asdict(line) for line in _measure(given.parts[0], quick=given.quick)]))
        return 0
    figures: dict[str, Any] = {"machine": machine()}
    failed = [part for part in given.parts or PARTS if not _run(part, figures, quick=given.quick)]
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(f"\nAll figures, by endpoint too: {given.json}")
    return 1 if failed else 0


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = ""
    if Path("/proc/cpuinfo").exists():
        found = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
        model = found[0].partition(":")[2].strip() if found else ""
    return {
        "cpu": model or platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "when": time.strftime("%Y-%m-%d"),
    }


def _run(part: str, figures: dict[str, Any], *, quick: bool) -> bool:
    print(f"\n## {part}\n", flush=True)
    before = os.getloadavg()[0]
    command = [sys.executable, "-m", "benchmarks", part, "--alone", *(["--quick"] if quick else [])]
    try:
        run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=MOST_SECONDS)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(f"{part}: {error}", file=sys.stderr)
        figures[part] = {"failed": type(error).__name__}
        return False
    lines = json.loads(run.stdout)
    load = [round(before, 2), round(os.getloadavg()[0], 2)]
    figures[part] = {"load_before_and_after": load, "lines": lines}
    print(_table(lines))
    print(f"\nLoad: {load[0]:g} before, {load[1]:g} after.", flush=True)
    return True


def _measure(part: str, *, quick: bool) -> Sequence[Any]:
    """The lines of one part. The parts import much, each something else."""

    def told(text: str) -> None:
        print(f"  {text}", file=sys.stderr, flush=True)

    return _PARTS[part](told, quick)


def _following(told: Callable[[str], None], quick: bool) -> Sequence[Any]:
    from benchmarks import following

    return following.measure(samples=5 if quick else following.SAMPLES, told=told)


def _proving(told: Callable[[str], None], quick: bool) -> Sequence[Any]:
    from benchmarks import following

    return following.measure(samples=5 if quick else 15, wait_for="healthy", fixed_polls=(), told=told)


def _many(told: Callable[[str], None], quick: bool) -> Sequence[Any]:
    from benchmarks import many

    return many.measure((1, 10, 100) if quick else many.COUNTS, 10.0 if quick else many.BUILD_SECONDS, told)


def _starting(_told: Callable[[str], None], quick: bool) -> Sequence[Any]:
    from benchmarks import starting

    return starting.measure(3 if quick else starting.RUNS)


def _logs(_told: Callable[[str], None], quick: bool) -> Sequence[Any]:
    from benchmarks import log_lines

    return log_lines.measure(1.0 if quick else log_lines.SECONDS)


def _engine(told: Callable[[str], None], quick: bool) -> Sequence[Any]:
    from benchmarks import engine

    return engine.measure(10 if quick else engine.COUNT, told)


_PARTS: dict[str, Callable[[Callable[[str], None], bool], Sequence[Any]]] = {
    "following": _following,
    "proving": _proving,
    "many": _many,
    "starting": _starting,
    "logs": _logs,
    "engine": _engine,
}


def _table(lines: list[dict[str, Any]]) -> str:
    """A Markdown table; what is told by endpoint is only in the JSON."""
    names = [name for name in lines[0] if name != "by_endpoint"]
    rows = [[name.replace("_", " ") for name in names]]
    rows += [[_shown(line[name]) for name in names] for line in lines]
    widths = [max(len(row[place]) for row in rows) for place in range(len(names))]
    shown = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([shown[0], "| " + " | ".join("-" * width for width in widths) + " |", *shown[1:]])


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
