"""How one member stands, and the words for it. Data and words only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pulumi_dokploy_deployments.workload.causes import words_for
from pulumi_dokploy_deployments.workload.model import Member, Unit, UnitHealth, UnitState
from pulumi_dokploy_deployments.workload.sorting import Sorted
from pulumi_dokploy_deployments.workload.verdict import NextStep, State


@dataclass(frozen=True)
class Standing:
    """How one member stands."""

    state: State
    reason: str
    up: tuple[Unit, ...] = ()
    expected: int | None = None
    due_in_seconds: float | None = None
    to_confirm: frozenset[str] = frozenset()
    failed: Unit | None = None
    next_step: NextStep = NextStep.NONE
    notes: tuple[str, ...] = ()


def up_of(units: Iterable[Unit]) -> tuple[Unit, ...]:
    return tuple(unit for unit in units if unit.is_up and not unit.is_one_off)


def runs(number: int) -> str:
    return "runs" if number == 1 else "run"


def state_words(unit: Unit) -> str:
    if unit.state is UnitState.RUNNING and unit.health is UnitHealth.STARTING:
        return "health check starting"
    return unit.state.value


def lies_about(member: Member) -> bool:
    """Whether nothing of it has run for long: an ended container that the deployment did not start again."""
    units = [unit for unit in member.units if not unit.is_one_off]
    return all(unit.has_ended for unit in units) and not units[0].is_task


def neighbour(seen: Sorted) -> Standing:
    """An untouched member: told as it is."""
    units = [unit for unit in seen.member.units if not unit.is_one_off]
    odd = next((unit for unit in units if not unit.is_up and not (unit.is_task and unit.has_ended)), None)
    reason = "as it was before the deployment"
    if odd is not None:
        state = "unhealthy" if odd.health is UnitHealth.UNHEALTHY else state_words(odd)
        words = words_for(odd)
        reason = f"{reason}: {state}{f' ({words})' if words else ''}"
    return Standing(
        State.UNTOUCHED,
        reason,
        up_of(units),
        seen.member.expected,
        notes=(reason,) if odd is not None else (),
    )
