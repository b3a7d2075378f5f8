"""Plays the matrix of faults and writes its outcomes into the page about reliability."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from tests.faults.matrix.cases import cases, play
from tests.faults.matrix.page import PAGE, with_table


def main() -> None:
    """Play every case; the first broken promise ends it with its traceback."""
    outcomes: dict[tuple[str, str], str] = {}
    for case in cases():
        with pytest.MonkeyPatch.context() as patch:
            outcomes[case.fault.name, case.phase.name] = asyncio.run(play(case, patch))
    page = with_table(PAGE.read_text(encoding="utf-8"), outcomes)
    PAGE.write_text(page, encoding="utf-8")
    for word, count in Counter(outcomes.values()).most_common():
        print(f"{count:4}  {word}")


main()
