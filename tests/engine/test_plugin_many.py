"""A hundred deployments in one up: all of them come to their end, in one process and with shared readings.

How long they take is the benchmark's affair: `python -m benchmarks.hundred_deployments`.
"""

from __future__ import annotations

import pytest

from benchmarks.hundred_deployments import measure
from tests.support.harness import MakeWorkspace


@pytest.mark.timeout(400)
def test_a_hundred_deployments_in_one_up_all_succeed_and_share_their_readings(make_workspace: MakeWorkspace) -> None:
    # Slow: a hundred and one deployments of three seconds in two stacks.
    make_workspace("")  # skips where there is no engine

    measured = measure(with_nothing=False)

    assert measured.count == 100
    assert measured.many_requests < measured.count * measured.single_requests, measured.report()
