"""How often something has ended since the trigger: each ending once, however it was noticed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pulumi_dokploy_deployments.workload.endings import EndingLog
from pulumi_dokploy_deployments.workload.model import Unit
from pulumi_dokploy_deployments.workload.sorting import Sorter
from tests.unit.workload.sights import SINCE, before, container, failed, member, moment, swarm, task

SORTER = Sorter(before(), SINCE)
WEB = container("web", restart="always")


def taken_in(*looks: tuple[Unit, ...]) -> EndingLog:
    log = EndingLog(None)
    for at, units in enumerate(looks):
        seen = swarm(*units) if units[0].is_task else member("web", *units)
        log.take_in(SORTER.sort(seen), float(at))
    return log


DOWN = replace(container("web", "restarting", restart="always", exit_code=3), restarts=1)


@pytest.mark.parametrize(
    ("looks", "count"),
    [
        ([(WEB,), (WEB,)], 0),
        ([(WEB,), (replace(WEB, restarts=1),), (replace(WEB, restarts=1),)], 1),
        ([(WEB,), (replace(WEB, restarts=3),)], 3),
        ([(container("web", "exited", exit_code=3),), (replace(WEB, restarts=1),)], 1),
        ([(container("web", "exited", exit_code=3),), (container("web", "exited", exit_code=3),)], 1),
        ([(replace(WEB, restarts=1),), (DOWN,), (replace(WEB, restarts=2),)], 2),
        ([(failed(1),), (task("b"), failed(1)), (failed(2), failed(1))], 2),
        ([(task("a", "shutdown"),)], 0),
    ],
)
def test_each_ending_counts_once_whether_it_was_seen_or_only_counted(looks: list[tuple[Unit, ...]], count: int) -> None:
    log = taken_in(*looks)
    assert log.count == log.worst.count == count
    assert (log.first_at is None) is (count == 0)


def test_first_and_last_are_the_moments_in_which_the_endings_were_noticed() -> None:
    log = taken_in((WEB,), (replace(WEB, restarts=1),), (WEB,), (replace(WEB, restarts=2),), (WEB,))
    assert (log.first_at, log.last_at) == (1.0, 3.0)


def test_the_first_that_failed_stays_the_first() -> None:
    log = taken_in((failed(1),), (failed(2), failed(1)))
    assert log.first_failed is not None
    assert log.first_failed.id == "failed1"


@pytest.mark.parametrize(("seconds", "life"), [(4.0, 4.0), (59.0, 59.0), (61.0, 60.0), (0.0, 0.0), (-5.0, 0.0)])
def test_how_long_a_run_lasted_counts_up_to_a_minute(seconds: float, life: float) -> None:
    ended = replace(DOWN, started=moment(200.0), finished=moment(200.0 + seconds))
    assert taken_in((ended,)).longest_life == life
