"""How the tests are dealt to several workers."""

from __future__ import annotations

import os

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deal tests that wait for the engine to all workers, before those that only compute.

    Each worker begins with an equal share of the list, in its order. The engine's tests stand together in one
    folder; one worker would wait for all of them.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers > 1:
        items.sort(key=lambda item: item.get_closest_marker("engine") is None)
        items[:] = [item for first in range(workers) for item in items[first::workers]]
