"""The table of outcomes on the page about reliability: made of a run of the matrix, and read back by its test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.faults.matrix.cases import RIGHT
from tests.faults.matrix.catalogue import FAULTS, Family
from tests.faults.matrix.phases import PHASES

PAGE = Path(__file__).parents[3] / "docs" / "reliability.md"
BEGIN = "<!-- The table below is written by `make reliability`. -->"
END = "<!-- The end of the table. -->"
CHECK = "✓"
_NOTHING = ""

Outcomes = Mapping[tuple[str, str], str]
"""The outcome by the names of fault and phase; a pair that makes no sense is left out."""


def table_of(outcomes: Outcomes) -> str:
    """What the phases are, and one table for each family of faults."""
    phases = "".join(f"| {phase.name} | {phase.meaning} |\n" for phase in PHASES)
    tables = [f"| phase | what is done, and when the fault strikes |\n| --- | --- |\n{phases}"]
    head = f"| fault | {' | '.join(phase.name for phase in PHASES)} |\n|{' --- |' * (len(PHASES) + 1)}\n"
    for family in Family:
        rows = "".join(
            f"| {fault.name} | {' | '.join(_cell(outcomes, fault.name, phase.name) for phase in PHASES)} |\n"
            for fault in FAULTS
            if fault.family is family
        )
        tables.append(f"**{family.value[0].upper()}{family.value[1:]}**\n\n{head}{rows}")
    return "\n".join(tables)


def _cell(outcomes: Outcomes, fault: str, phase: str) -> str:
    word = outcomes.get((fault, phase), _NOTHING)
    return CHECK if word == RIGHT else word


def outcomes_on(page: str) -> dict[tuple[str, str], str]:
    """What the page's table says."""
    found: dict[tuple[str, str], str] = {}
    names = [phase.name for phase in PHASES]
    for line in _between(page).splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == len(names) + 1 and cells[0] not in ("fault", "---"):
            said = zip(names, cells[1:], strict=True)
            found |= {(cells[0], name): RIGHT if cell == CHECK else cell for name, cell in said if cell != _NOTHING}
    return found


def with_table(page: str, outcomes: Outcomes) -> str:
    """The page with this table in the place of the one that it has."""
    head, tail = page.split(BEGIN)[0], page.split(END)[1]
    return f"{head}{BEGIN}\n\n{table_of(outcomes)}\n{END}{tail}"


def _between(page: str) -> str:
    assert page.count(BEGIN) == page.count(END) == 1, f"{PAGE} has lost the place of its table"
    return page.split(BEGIN)[1].split(END)[0]
