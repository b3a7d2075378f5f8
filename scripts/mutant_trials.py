"""Trials of changes: a copy of the checkout, in it a process that has imported the package, and a fork for each trial.

A trial imports anew the changed module and what depends on it, and runs those tests of the room that enter the changed
lines, the quick ones first. A change that runs when the module is imported is tried with all of the room's tests.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import coverage
    from mutations import Mutation

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "pulumi_dokploy_deployments"
NOT_COPIED = (".git", ".venv", "venv", "build", "dist", "__pycache__", ".*_cache", ".hypothesis", ".state")
ARGUMENTS = ("-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "--hypothesis-seed=0")
LEAST_SECONDS, TIMES_THE_USUAL = 15.0, 8.0
"""A trial that takes longer than both has been caught in a loop."""


@dataclass
class Room:
    """What the tests of one room do without any change."""

    seconds: dict[str, float] = field(default_factory=dict)
    """How long each test takes, by its name."""
    entered: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    """The tests that enter each line of each module; no test enters what runs at an import."""
    imported: list[str] = field(default_factory=list)
    """What of the package the tests import."""

    def tests_for(self, mutation: Mutation) -> list[str]:
        """The tests that can notice a change, the quick ones first."""
        lines = self.entered.get(mutation.module, {})
        found = {test for line in mutation.lines for test in lines.get(line, [])}
        return sorted(found or self.seconds, key=lambda test: self.seconds[test])


class Workshop:
    """A copy of the checkout, in which one change after the other is made and taken back.

    It takes the process that makes it for itself: its folder, its imports, its alarm.
    """

    def __init__(self, folder: Path) -> None:
        import grimp  # import-linter's, which only development has

        self._folder = folder
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*NOT_COPIED))
        os.chdir(folder)
        sys.path[:0] = [str(folder), str(folder / "scripts")]
        os.nice(10)
        self._graph = grimp.build_graph(PACKAGE, exclude_type_checking_imports=True, cache_dir=None)
        self._rooms: dict[str, Room] = {}

    def notices(self, mutation: Mutation) -> bool:
        """Whether the tests of the module's room fail, or do not end, with this change."""
        room = self._room(mutation.module.partition("/")[0])
        tests = room.tests_for(mutation)
        path = self._folder / PACKAGE / f"{mutation.module}.py"
        original = path.read_text(encoding="utf-8")
        path.write_text(mutation.code, encoding="utf-8")
        seconds = max(LEAST_SECONDS, TIMES_THE_USUAL * sum(room.seconds[test] for test in tests))
        try:
            return not self._passes(mutation.module, tests, seconds)
        finally:
            path.write_text(original, encoding="utf-8")

    def _passes(self, module: str, tests: list[str], seconds: float) -> bool:
        changed = f"{PACKAGE}.{module.replace('/', '.')}"
        stale = {changed, *self._graph.find_downstream_modules(changed)}
        code = _in_a_fork(lambda: _try_changed(stale, tests), seconds)
        if code is not None and code > pytest.ExitCode.INTERRUPTED:
            raise RuntimeError(f"pytest ended with {code} for {module}")
        return code == pytest.ExitCode.OK

    def _room(self, name: str) -> Room:
        """Run the room's tests once, to learn which of them enter which lines, and import what they import.

        Raises:
            RuntimeError: they fail without any change.
        """
        if name not in self._rooms:
            told = self._folder / f"{name}.json"
            if _in_a_fork(lambda: _learn(name, told), seconds=600) != pytest.ExitCode.OK:
                raise RuntimeError(f"tests/unit/{name} fails without any change")
            learned = json.loads(told.read_text(encoding="utf-8"))
            entered = {
                module: {int(line): tests for line, tests in lines.items()}
                for module, lines in learned.pop("entered").items()
            }
            self._rooms[name] = Room(entered=entered, **learned)
            for each in self._rooms[name].imported:
                importlib.import_module(each)
        return self._rooms[name]


class _Recorder:
    """Notes how long each test takes, and tells coverage which one runs."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self._measured = measured
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> object:
        self._measured.switch_context(item.nodeid)
        began = time.monotonic()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.monotonic() - began
            self._measured.switch_context("")


class _Selected:
    """Runs the named tests alone, in their order."""

    def __init__(self, tests: Iterable[str]) -> None:
        self._places = {test: place for place, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self._places), key=lambda item: self._places[item.nodeid]
        )


def _learn(room: str, told: Path) -> int:
    import coverage  # only `make mutants` installs it

    measured = coverage.Coverage(data_file=None, source=[str(Path(PACKAGE, room).resolve())], config_file=False)
    recorder = _Recorder(measured)
    measured.start()
    code = pytest.main([*ARGUMENTS, f"tests/unit/{room}"], plugins=[recorder])
    measured.stop()
    data = measured.get_data()
    entered = {}
    for file in data.measured_files():
        lines = {line: [test for test in tests if test] for line, tests in data.contexts_by_lineno(file).items()}
        entered[f"{room}/{Path(file).stem}"] = lines
    imported = sorted(name for name in sys.modules if name.partition(".")[0] == PACKAGE)
    told.write_text(json.dumps({"seconds": recorder.seconds, "entered": entered, "imported": imported}))
    return code


def _try_changed(stale: Collection[str], tests: list[str]) -> int:
    sys.dont_write_bytecode = True
    for name in stale:
        sys.modules.pop(name, None)
        parent, _, child = name.rpartition(".")
        if parent in sys.modules:
            vars(sys.modules[parent]).pop(child, None)  # else `from parent import child` would find the old one
    files = dict.fromkeys(test.partition("::")[0] for test in tests)
    return pytest.main([*ARGUMENTS, *files], plugins=[_Selected(tests)])


def _in_a_fork(work: Callable[[], int], seconds: float) -> int | None:
    """What this gives in another process, or None if it takes too long or dies."""
    child = os.fork()
    if child == 0:
        code = int(pytest.ExitCode.INTERNAL_ERROR)
        try:
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nowhere, stream)
            os.setsid()
            code = work()
        finally:
            os._exit(code)

    def kill(_number: int, _frame: FrameType | None) -> None:
        os.killpg(child, signal.SIGKILL)

    signal.signal(signal.SIGALRM, kill)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    _, status = os.waitpid(child, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
