"""Whatever goes wrong, in whichever phase: one run, no false green, an end in time, words to read; as the page says."""

from __future__ import annotations

import pytest

from tests.faults.matrix.cases import Case, cases, play
from tests.faults.matrix.catalogue import FAULTS
from tests.faults.matrix.page import PAGE, outcomes_on, with_table
from tests.faults.matrix.phases import PHASES

CASES = cases()
TOLD = outcomes_on(PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_fault_in_a_phase_keeps_every_promise(monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    outcome = await play(case, monkeypatch)
    assert outcome == TOLD.get((case.fault.name, case.phase.name)), "docs/reliability.md: `make reliability`"


def test_the_page_has_a_cell_for_every_case_and_no_other() -> None:
    assert set(TOLD) == {(case.fault.name, case.phase.name) for case in CASES}
    page = PAGE.read_text(encoding="utf-8")
    assert with_table(page, TOLD) == page


def test_every_fault_and_every_phase_is_in_the_matrix() -> None:
    assert len(FAULTS) >= 24
    assert {case.fault.name for case in CASES} == {fault.name for fault in FAULTS}
    assert {case.phase.name for case in CASES} == {phase.name for phase in PHASES}


def test_the_version_crashes_in_about_half_of_the_cases_that_deploy() -> None:
    crashing = [case.crashes for case in CASES if case.phase.deploys]
    assert 0.4 < sum(crashing) / len(crashing) < 0.6
