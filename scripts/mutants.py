"""How much the tests notice: changes the pure decision modules one place at a time, and runs their room's unit tests.

Everything happens in temporary copies of the checkout. Of each place one change is tried, and of the places a sample;
the same seed and the same code give the same sample.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from mutant_trials import PACKAGE, ROOT, Workshop

if TYPE_CHECKING:
    from mutations import Mutation, Place

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


def draw(sources: Mapping[str, str], sample: int, seed: int, known: Iterable[Known] = ()) -> Iterator[Mutation]:
    """One change at each drawn place: from each module as many as it has places, in proportion, and two at least."""
    from mutations import places_of  # needs cosmic-ray, which only `make mutants` installs

    left_out = {(each.module, each.was, each.now) for each in known}
    places = {module: places_of(module, source) for module, source in sources.items()}
    total = sum(len(found) for found in places.values())
    turns: list[str] = []
    changes: dict[str, Iterator[Mutation]] = {}
    for module, found in sorted(places.items()):
        turns += [module] * min(len(found), max(LEAST_PER_MODULE, round(sample * len(found) / total)))
        changes[module] = _changes_at(found, sources[module], random.Random(f"{seed} {module}"), left_out)  # noqa: S311 - a sample
    random.Random(seed).shuffle(turns)  # noqa: S311 - so that all workers have slow and fast rooms
    for module in turns:
        yield from itertools.islice(changes[module], 1)


def _changes_at(
    places: list[Place], source: str, chance: random.Random, left_out: set[tuple[str, str, str]]
) -> Iterator[Mutation]:
    chance.shuffle(places)
    for place in places:
        change = _change_at(place, source, chance, left_out)
        if change is not None:
            yield change


def _change_at(
    place: Place, source: str, chance: random.Random, left_out: set[tuple[str, str, str]]
) -> Mutation | None:
    from mutations import mutation_at

    for way in chance.sample(place.ways, len(place.ways)):
        change = mutation_at(place, way, source)
        if change is not None and (change.module, change.was, change.now) not in left_out:
            return change
    return None


_shop: list[Workshop] = []
"""That of this process, if it tries changes."""


def open_shop(folder: Path) -> None:
    """Make this process one that tries changes."""
    _shop.append(Workshop(folder / str(os.getpid())))


def attempt(mutation: Mutation) -> Outcome:
    """Try a change in this process's workshop."""
    return Outcome(mutation, _shop[0].notices(mutation))


def run(drawn: Iterable[Mutation], workers: int) -> list[Outcome]:
    """Try the changes, each in the process that is free, and tell the ones that nobody noticed.

    Raises:
        RuntimeError: a room's tests fail without any change, or can't be run.
    """
    outcomes: list[Outcome] = []
    with (
        tempfile.TemporaryDirectory(prefix="mutants-") as folder,
        ProcessPoolExecutor(workers, get_context("spawn"), open_shop, (Path(folder),)) as pool,
    ):
        attempts = [pool.submit(attempt, each) for each in drawn]
        try:
            for tried in as_completed(attempts):
                outcomes.append(tried.result())
                if len(outcomes) % TELL_EVERY == 0:
                    print(f"mutants: {len(outcomes)} of {len(attempts)} tried", flush=True)
                if not outcomes[-1].noticed:
                    print(f"not noticed: {told(outcomes[-1].mutation)}", flush=True)
        finally:
            pool.shutdown(cancel_futures=True)
    return outcomes


def told(mutation: Mutation) -> str:
    """Where a change is and what it is."""
    place = f"{PACKAGE}/{mutation.module}.py:{mutation.line} ({mutation.operator})"
    return "\n".join([place, indented("- ", mutation.was), indented("+ ", mutation.now)])


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
    parser.add_argument("--all", action="store_const", dest="sample", const=sys.maxsize, help="change every place")
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
            print(told(each))
        return 0
    started = time.monotonic()
    print(f"mutants: seed {options.seed}", flush=True)
    try:
        outcomes = run(drawn, options.workers)
    except RuntimeError as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 2
    print(report(outcomes))
    print(f"mutants: {time.monotonic() - started:.0f} s")
    share = 100 * sum(each.noticed for each in outcomes) / len(outcomes)
    return 0 if share >= options.at_least else 1


if __name__ == "__main__":
    sys.exit(main())
