"""A short soak: nothing lost, doubled or green without a reason, and nothing left behind."""

from __future__ import annotations

from tests.soak.soak import SERVICES, run


def test_nothing_is_lost_doubled_or_falsely_green_under_random_faults() -> None:
    tally = run(80, seed=11, most_seconds=20.0)
    assert tally.is_good, tally.summary()
    assert tally.false_red == [], tally.summary()
    assert tally.asked >= SERVICES
    assert tally.green > 0
    assert tally.red > 0
    assert tally.faults > 10
    assert tally.ended["tasks"] <= tally.started["tasks"]
    assert tally.ended["sockets"] <= tally.started["sockets"]
