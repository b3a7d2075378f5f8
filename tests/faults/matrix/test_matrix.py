"""Whatever goes wrong, in whichever phase: one run, no false green, an end in time, and words that can be read."""

from __future__ import annotations

import pytest

from tests.faults.matrix.cases import Case, cases, play

CASES = cases()


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_fault_in_a_phase_keeps_every_promise(monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    await play(case, monkeypatch)
