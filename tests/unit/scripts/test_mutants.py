"""The mutants: every module is there, and what is left out of the count is still in the code."""

from __future__ import annotations

import mutant_trials
import mutants
import pytest


def source_of(module: str) -> str:
    return (mutant_trials.ROOT / mutant_trials.PACKAGE / f"{module}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("module", mutants.MODULES)
def test_each_module_is_there_and_its_room_has_tests(module: str) -> None:
    assert source_of(module)
    assert list((mutant_trials.ROOT / "tests" / "unit" / mutants.room_of(module)).glob("test_*.py"))


def test_a_change_that_is_left_out_could_still_be_made_at_one_place_and_says_why() -> None:
    for known in mutants.known_without_effect():
        lines = [line.strip() for line in source_of(known.module).splitlines()]
        was = known.was.splitlines()
        places = [at for at in range(len(lines)) if lines[at : at + len(was)] == was]
        assert len(places) == 1, known
        assert known.was != known.now
        assert len(known.why) > 20


def test_modules_are_chosen_by_name_and_by_room() -> None:
    assert mutants.chosen_modules(["rollout/mark", "settings/images"]) == ["rollout/mark", "settings/images"]
    assert set(mutants.chosen_modules(["rollback"])) > {"rollback/targets", "rollback/recovery"}
    assert mutants.chosen_modules([]) == list(mutants.MODULES)
    with pytest.raises(ValueError, match="no such module or room: nowhere"):
        mutants.chosen_modules(["nowhere"])
