"""How much the tests notice: changes the pure decision modules one place at a time, and runs their room's unit tests.

Everything happens in temporary copies of the checkout. Of each place one change is tried, and of the places a sample;
the same seed and the same code give the same sample.
"""

from __future__ import annotations

import argparse
import itertools
import os
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mutations import Mutation, Place

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "pulumi_dokploy_deployments"
MODULES = (
    *(f"api/{name}" for name in ("answers", "hiding", "redact", "versions", "who_answered")),
    *(f"waiting/{name}" for name in ("pacing", "retry", "snapshot", "watcher")),
    *(f"workload/{name}" for name in ("causes", "endings", "judge", "member_judge", "sorting", "standing")),
    *(f"settings/{name}" for name in ("change", "env_text", "images", "wanted")),
    *(f"rollout/{name}" for name in ("correlation", "dead_ends", "log_window", "mark", "sighting", "stages")),
    *(f"rollout/{name}" for name in ("telling_line", "trigger")),
    *(f"rollback/{name}" for name in ("by_image", "by_source", "candidates", "recovery", "targets")),
    "resources/release_order",
)
NOT_COPIED = (".git", ".venv", "venv", "build", "dist", "__pycache__", ".*_cache", ".hypothesis", ".state")
WITHOUT_EFFECT = ROOT / "scripts" / "mutants_without_effect.toml"
LEAST_PER_MODULE = 2
TELL_EVERY = 20


@dataclass(frozen=True)
class Known:
    """A change that no test can notice."""

    module: str
    was: str
    now: str
    why: str


@dataclass(frozen=True)
class Outcome:
    """What became of one change."""

    mutation: Mutation
    noticed: bool


def known_without_effect(path: Path = WITHOUT_EFFECT) -> list[Known]:
    """The changes that are known to make no difference, with the reason."""
    return [Known(**each) for each in tomllib.loads(path.read_text(encoding="utf-8"))["change"]]


def draw(sources: Mapping[str, str], sample: int, seed: int, known: Iterable[Known] = ()) -> list[Mutation]:
    """One change at each drawn place: from each module as many as it has places, in proportion, and two at least."""
    from mutations import places_of  # needs cosmic-ray, which only `make mutants` installs

    left_out = {(each.module, each.was, each.now) for each in known}
    places = {module: places_of(module, source) for module, source in sources.items()}
    total = sum(len(found) for found in places.values())
    drawn: list[Mutation] = []
    for module, found in sorted(places.items()):
        chance = random.Random(f"{seed} {module}")  # noqa: S311 - a sample
        chance.shuffle(found)
        share = max(LEAST_PER_MODULE, round(sample * len(found) / total))
        changes = (_change_at(place, sources[module], chance, left_out) for place in found)
        drawn += itertools.islice((change for change in changes if change is not None), share)
    random.Random(seed).shuffle(drawn)  # noqa: S311 - so that both workers have slow and fast rooms
    return drawn


def _change_at(
    place: Place, source: str, chance: random.Random, left_out: set[tuple[str, str, str]]
) -> Mutation | None:
    from mutations import mutation_at

    for way in chance.sample(place.ways, len(place.ways)):
        change = mutation_at(place, way, source)
        if change is not None and (change.module, change.was, change.now) not in left_out:
            return change
    return None


class Workshop:
    """A copy of the checkout, in which one change after the other is made and taken back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*NOT_COPIED))

    def notices(self, mutation: Mutation, timeout_seconds: float) -> bool:
        """Whether the tests of the module's room fail, or do not end, with this change."""
        path = self.folder / PACKAGE / f"{mutation.module}.py"
        original = path.read_text(encoding="utf-8")
        path.write_text(mutation.code, encoding="utf-8")
        try:
            return not self.passes(mutation.module, timeout_seconds)
        finally:
            path.write_text(original, encoding="utf-8")

    def passes(self, module: str, timeout_seconds: float | None = None) -> bool:
        """Whether the room's tests pass; those that bear the module's name run first.

        Raises:
            RuntimeError: pytest ran no tests.
        """
        room, name = module.split("/")
        own = self.folder / "tests" / "unit" / room / f"test_{name}.py"
        tests = [str(each.relative_to(self.folder)) for each in (own, own.parent) if each.exists()]
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", *tests]
        environ = {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            ended = subprocess.run(
                command, cwd=self.folder, env=environ, timeout=timeout_seconds, capture_output=True, check=False
            )
        except subprocess.TimeoutExpired:
            return False
        if ended.returncode > 2:
            raise RuntimeError(f"pytest ended with {ended.returncode}: {ended.stdout.decode()[-2000:]}")
        return ended.returncode == 0


def run(drawn: Sequence[Mutation], limits: dict[str, float], shops: Sequence[Workshop]) -> list[Outcome]:
    """Try the changes, each in the workshop that is free."""
    waiting: queue.SimpleQueue[Mutation] = queue.SimpleQueue()
    for each in drawn:
        waiting.put(each)
    outcomes: list[Outcome] = []
    problems: list[Exception] = []

    def work(shop: Workshop) -> None:
        while not problems:
            try:
                mutation = waiting.get_nowait()
                noticed = shop.notices(mutation, limits[room_of(mutation.module)])
            except queue.Empty:
                return
            except Exception as problem:  # noqa: BLE001 - told by the main thread
                problems.append(problem)
                return
            outcomes.append(Outcome(mutation, noticed))
            if len(outcomes) % TELL_EVERY == 0:
                print(f"mutants: {len(outcomes)} of {len(drawn)} tried", flush=True)
            if not noticed:
                place = f"{PACKAGE}/{mutation.module}.py:{mutation.line}"
                print(f"not noticed: {place} ({mutation.operator})", flush=True)
                print(indented("- ", mutation.was), indented("+ ", mutation.now), sep="\n", flush=True)

    threads = [threading.Thread(target=work, args=(shop,)) for shop in shops]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]
    return outcomes


def indented(sign: str, text: str) -> str:
    """A change's lines for the report."""
    return "\n".join(f"    {sign}{line}" for line in text.splitlines() or [""])


def room_of(module: str) -> str:
    """The folder of a module."""
    return module.partition("/")[0]


def report(outcomes: Sequence[Outcome]) -> str:
    """The share noticed, module by module and at the end of all."""
    lines = []
    for module in sorted({each.mutation.module for each in outcomes}):
        tried = [each for each in outcomes if each.mutation.module == module]
        lines.append(row(module, tried))
    return "\n".join([*lines, row("all", outcomes)])


def row(name: str, tried: Sequence[Outcome]) -> str:
    """One line of the report."""
    noticed = sum(each.noticed for each in tried)
    return f"{name:<24} {noticed:>4} of {len(tried):>4}  {100 * noticed / len(tried):5.1f} %"


def chosen_modules(patterns: Sequence[str]) -> list[str]:
    """The modules that were asked for by name or by room; all without a name.

    Raises:
        ValueError: there is no such module.
    """
    chosen: list[str] = []
    for pattern in patterns:
        found = [each for each in MODULES if each == pattern or room_of(each) == pattern]
        if not found:
            raise ValueError(f"no such module or room: {pattern}. There are: {', '.join(MODULES)}")
        chosen += found
    return chosen or list(MODULES)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", help="modules or rooms, for instance rollout/mark or rollback; else all")
    parser.add_argument("--sample", type=int, default=160, help="how many places to change (160)")
    parser.add_argument("--seed", type=int, default=1, help="which sample (1)")
    parser.add_argument("--workers", type=int, default=2, help="how many changes at the same time (2)")
    parser.add_argument("--at-least", type=float, default=0.0, help="fail below this share, in percent")
    parser.add_argument("--list", action="store_true", help="print the sample and end")
    options = parser.parse_args()
    modules = chosen_modules(options.modules)
    sources = {module: (ROOT / PACKAGE / f"{module}.py").read_text(encoding="utf-8") for module in modules}
    drawn = draw(sources, options.sample, options.seed, known_without_effect())
    if options.list:
        for each in drawn:
            print(f"{each.module}:{each.line} ({each.operator})")
            print(indented("- ", each.was), indented("+ ", each.now), sep="\n")
        return 0
    os.nice(10)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        shops = [Workshop(Path(folder) / str(number)) for number in range(options.workers)]
        limits = {}
        for room in sorted({room_of(each) for each in modules}):
            began = time.monotonic()
            if not shops[0].passes(next(each for each in modules if room_of(each) == room)):
                print(f"mutants: tests/unit/{room} fails without any change", file=sys.stderr)
                return 2
            limits[room] = 20 + 4 * (time.monotonic() - began)
        print(f"mutants: {len(drawn)} changes, seed {options.seed}", flush=True)
        outcomes = run(drawn, limits, shops)
    print(report(outcomes))
    print(f"mutants: {time.monotonic() - started:.0f} s")
    share = 100 * sum(each.noticed for each in outcomes) / len(outcomes)
    return 0 if share >= options.at_least else 1


if __name__ == "__main__":
    sys.exit(main())
