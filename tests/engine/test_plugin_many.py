"""A hundred deployments in one up: all of them come to their end, in one process and with shared readings.

How long they take is the benchmark's affair: `python benchmarks/hundred_deployments.py`.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from tests.support.harness import MakeWorkspace

BENCHMARK = Path(__file__).parent.parent.parent / "benchmarks" / "hundred_deployments.py"


@pytest.mark.timeout(400)
def test_a_hundred_deployments_in_one_up_all_succeed_and_share_their_readings(make_workspace: MakeWorkspace) -> None:
    # Slow: a hundred and one deployments of three seconds in two stacks, and a hundred resources that do nothing.
    make_workspace("")  # skips where there is no engine
    spec = importlib.util.spec_from_file_location("hundred_deployments", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = benchmark
    spec.loader.exec_module(benchmark)

    measured = benchmark.measure()

    assert measured.count == 100
    assert measured.many_requests < measured.count * measured.single_requests, measured.report()
