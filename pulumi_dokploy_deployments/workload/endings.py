"""What has ended since the trigger, by the place it held: counted even where nobody looked at that moment. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from pulumi_dokploy_deployments.workload.causes import exit_code_of
from pulumi_dokploy_deployments.workload.model import MemberBefore, Unit, UnitState
from pulumi_dokploy_deployments.workload.sorting import Role, Sorted

LONGEST_LIFE_SECONDS = 60.0
"""A process that has ended before must outlive its last run, up to so long."""


@dataclass
class Endings:
    """What has ended in one slot since the trigger."""

    units: dict[tuple[str, int], Unit] = field(default_factory=dict)
    base_restarts: int | None = None

    @property
    def count(self) -> int:
        return len(self.units)

    @property
    def last(self) -> Unit | None:
        return next(reversed(self.units.values()), None)

    @property
    def told(self) -> list[Unit]:
        """The endings that were met while the process was down: only those know their exit code."""
        return [unit for unit in self.units.values() if unit.has_ended or unit.state is UnitState.RESTARTING]

    @property
    def all_well(self) -> bool:
        return bool(self.told) and all(exit_code_of(unit) == 0 and not unit.has_failed for unit in self.told)


@dataclass
class EndingLog:
    """The endings of one member.

    Attributes:
        slots: by place; a container is a place of its own.
        first_at: when the first one was noticed; last_at: when the last one was.
        first_failed: the first unit that failed.
        longest_life: how long a run that has ended lasted, in seconds, up to a minute.
    """

    before: MemberBefore | None
    slots: dict[str, Endings] = field(default_factory=dict)
    first_at: float | None = None
    last_at: float = 0.0
    first_failed: Unit | None = None
    longest_life: float = 0.0
    _update_started_at: datetime | None = None

    @property
    def count(self) -> int:
        """How many in all."""
        return sum(each.count for each in self.slots.values())

    @property
    def worst(self) -> Endings:
        """Those of the place that has the most."""
        return max(self.slots.values(), key=lambda each: each.count, default=Endings())

    @property
    def any_last(self) -> Unit | None:
        """A last one of some place."""
        return next((each.last for each in self.slots.values() if each.last is not None), None)

    def of(self, slot: str) -> Endings:
        """Those of a place."""
        return self.slots.get(slot, Endings())

    def take_in(self, seen: Sorted, at: float) -> None:
        """Remember every ending since the trigger, also of runs that were over before they were looked at."""
        update = seen.update.started_at if seen.update is not None else None
        if update != self._update_started_at:
            # What ended before Swarm's update was the earlier version's.
            self._update_started_at = update
            self.slots.clear()
            self.first_at, self.longest_life, self.first_failed = None, 0.0, None
        for unit in reversed(seen.units(Role.NEW, Role.RESTARTED)):
            endings = self.slots.setdefault(unit.slot, Endings())
            if unit.is_task:
                if unit.has_ended and not unit.is_put_down_well:
                    self._note(endings, (unit.id, 0), unit, at)
                continue
            if endings.base_restarts is None:
                was = self.before.units.get(unit.id) if self.before is not None else None
                known = was.restarts if was is not None else unit.restarts
                endings.base_restarts = 0 if seen.roles[unit.id] is Role.NEW else min(known, unit.restarts)
            if unit.state is UnitState.RESTARTING:
                self._remember_life(unit)
            for number in range(endings.base_restarts + 1, unit.restarts + 1):
                self._note(endings, (unit.id, number), unit, at)
            if unit.has_ended:
                self._note(endings, (unit.id, unit.restarts + 1), unit, at)

    def _note(self, endings: Endings, key: tuple[str, int], unit: Unit, at: float) -> None:
        if key in endings.units:
            # An ending that was only counted is described by a later look that meets the process down.
            if unit.has_ended or unit.state is UnitState.RESTARTING:
                endings.units[key] = unit
            return
        endings.units[key] = unit
        self.first_at = at if self.first_at is None else self.first_at
        self.last_at = at
        if unit.has_failed or unit.exit_code:
            self.first_failed = self.first_failed or unit
        self._remember_life(unit)

    def _remember_life(self, unit: Unit) -> None:
        if unit.started is not None and unit.finished is not None:
            life = (unit.finished - unit.started).total_seconds()
            self.longest_life = max(self.longest_life, min(life, LONGEST_LIFE_SECONDS))
