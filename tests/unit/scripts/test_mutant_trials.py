"""Which tests a change is tried with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from mutant_trials import Room

if TYPE_CHECKING:
    from mutations import Mutation

ROOM = Room(
    seconds={"slow": 3.0, "quick": 0.1, "elsewhere": 0.2},
    entered={"rollout/mark": {7: ["slow"], 8: ["slow", "quick"], 9: []}},
)


@pytest.mark.parametrize(
    ("module", "lines", "tests"),
    [
        ("rollout/mark", (7,), ["slow"]),
        ("rollout/mark", (7, 8), ["quick", "slow"]),
        ("rollout/mark", (9, 10), ["quick", "elsewhere", "slow"]),
        ("rollout/stages", (7,), ["quick", "elsewhere", "slow"]),
    ],
    ids=["those that enter it", "the quick ones first", "all, where it runs at an import", "all, in a module unseen"],
)
def test_a_change_is_tried_with_the_tests_that_enter_it(module: str, lines: tuple[int, ...], tests: list[str]) -> None:
    assert ROOM.tests_for(cast("Mutation", SimpleNamespace(module=module, lines=lines))) == tests
