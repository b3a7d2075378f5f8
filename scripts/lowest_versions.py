"""Run the tests with the lowest version of every dependency that pyproject.toml allows, in an environment of its own.

Only the package's own dependencies and those of the simulator are held down; test tools and what the dependencies
bring along are the newest. With --print the versions are only printed.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ("hypothesis", "pytest", "pytest-asyncio", "pytest-timeout", "pytest-xdist")
SUITES = ("tests/unit", "tests/contract", "tests/faults", "tests/cli")
NOT_OF_THE_PACKAGE = ("tests/unit/docs", "tests/unit/release", "tests/unit/scripts", "tests/unit/support")
WORKERS = ("-n", "4", "--dist", "worksteal")


def floors(requirements: Iterable[str]) -> list[str]:
    """Each requirement that counts for this Python, at its lowest version; the highest of several for one package."""
    lowest: dict[str, str] = {}
    for text in requirements:
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        named = [each.version for each in requirement.specifier if each.operator in (">=", "==", "~=")]
        if len(named) != 1:
            raise ValueError(f"{text} names no lowest version")
        if key(named[0]) > key(lowest.get(requirement.name, "0")):
            lowest[requirement.name] = named[0]
    return [f"{name}=={version}" for name, version in sorted(lowest.items())]


def key(version: str) -> tuple[int, ...]:
    """A released version for comparing."""
    return tuple(int(part) for part in re.findall(r"\d+", version))


def of_the_package(root: Path = ROOT) -> list[str]:
    """The requirements of the package and of its simulator, as written."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["simulator"]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--print", action="store_true", help="print the versions and end")
    options, chosen = parser.parse_known_args()
    lowest = floors(of_the_package())
    if options.print:
        print("\n".join(lowest))
        return 0
    with tempfile.TemporaryDirectory(prefix="lowest-") as folder:
        python = str(Path(folder) / ("Scripts" if os.name == "nt" else "bin") / "python")
        started = time.monotonic()
        print(f"lowest: installing {', '.join(lowest)} (about half a minute)", flush=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([*pip, *lowest, *TOOLS, "-e", str(ROOT)], check=True)
        print(f"lowest: installed in {time.monotonic() - started:.0f} s; the tests take some minutes", flush=True)
        left_out = [f"--ignore={path}" for path in NOT_OF_THE_PACKAGE]
        tests = chosen or [*WORKERS, *SUITES, *left_out]
        command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
        return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
