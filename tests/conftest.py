"""What tests of several folders share: how they are dealt to workers, commands that are made once, a hurried clock."""

from __future__ import annotations

import functools
import gc
import hashlib
import os
import time
from collections.abc import Iterator

import pytest
import typer.testing
from typer.main import get_command

from pulumi_dokploy_deployments.waiting.clock import SystemClock

gc.disable()  # until everything is collected
ENGINE_SHARE = 0.3
"""The engine's tests, which are the longest, are over before the rest is."""
BLOCK = 20
"""So many of the other tests stay together, since those of a file share what is made for them."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mix tests that wait for the engine with those that only compute, and deal the former to all workers.

    Each worker begins with an equal share of the list, in its order, and takes from the end of another's when it has
    no more. Left as they are, one worker would wait for all of the engine's tests while the others keep the processors
    busy, and then nobody would. Some files wait more than others, so the order of the engine's tests is drawn by lot,
    the same one each time, and so is that of the blocks in which the others are dealt.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers == 1:
        return
    engine = [item for item in items if item.get_closest_marker("engine") is not None]
    engine.sort(key=_lot)
    others = [item for item in items if item.get_closest_marker("engine") is None]
    blocks = [others[first : first + BLOCK] for first in range(0, len(others), BLOCK)]
    blocks.sort(key=lambda block: _lot(block[0]))
    rest = [item for block in blocks for item in block]
    count = len(items)
    items[:] = []
    for worker in range(workers):
        dealt = engine[worker::workers]
        share = (count - len(items)) // (workers - worker)  # as xdist cuts the list
        kept = [rest.pop(0) for _ in range(share - len(dealt))]
        placed = [(ENGINE_SHARE * place / len(dealt), item) for place, item in enumerate(dealt)]
        placed += [(place / len(kept), item) for place, item in enumerate(kept)]
        items += [item for _, item in sorted(placed, key=lambda each: each[0])]


def _lot(item: pytest.Item) -> bytes:
    return hashlib.sha256(item.nodeid.encode()).digest()


def pytest_collection_finish() -> None:
    """Leave the tests themselves out of every search for garbage: they stay to the end."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _commands_are_made_once() -> Iterator[None]:
    """Typer's runner would make all commands anew from their functions for each call."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(typer.testing, "_get_command", functools.cache(get_command))
        yield


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between retries pass at once."""
    slept = 0.0

    async def sleep(_self: SystemClock, seconds: float, *, wake: object = None) -> None:
        nonlocal slept
        slept += seconds

    monkeypatch.setattr(SystemClock, "sleep", sleep)
    monkeypatch.setattr(SystemClock, "monotonic", lambda _self: time.monotonic() + slept)
