"""One member over time: how it stands after each reading. Pure; no clock, no request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from pulumi_dokploy_deployments.api.swarm_models import RestartPolicy, UpdateState
from pulumi_dokploy_deployments.workload.causes import exit_code_of, next_step_of, words_for
from pulumi_dokploy_deployments.workload.model import Member, MemberBefore, Unit, UnitHealth, UnitState
from pulumi_dokploy_deployments.workload.sorting import Role, Sorted
from pulumi_dokploy_deployments.workload.verdict import NextStep, State

SHORTEST_LOOK_SECONDS = 0.25
CRASH_LOOP_ENDINGS = 3
"""So many endings in one place are a loop; one or two may be a service that waits for another."""
CRASH_LOOP_SECONDS = 15.0
"""Two endings are a loop as well, once the first one is so long ago and nothing has come up since."""
ROLLBACK_SECONDS = 30.0
"""How long Swarm's own rollback is given to end before it is told as it stands."""
NO_NODE_SECONDS = 30.0
"""A task that Swarm has not been able to place for so long will not start by itself."""
NO_UNITS_SECONDS = 15.0
"""A member without any task or container for so long is not there."""
REJECTED_SECONDS = 15.0
"""How long Swarm may try again to get an image, before that it is missing is told."""
STUCK_SECONDS = 60.0
"""A container that was made and not started, paused, or not replaced for so long stays as it is."""
LONGEST_LIFE_SECONDS = 60.0
"""A process that has ended before must outlive its last run, up to so long."""

_SWARM_DEFAULT = RestartPolicy(condition="any")
_NOT_BEGUN = frozenset({UnitState.CREATED, UnitState.PAUSED, UnitState.REMOVING})
_UNPLACED = frozenset({UnitState.NEW, UnitState.ALLOCATED, UnitState.PENDING})


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


@dataclass
class _Endings:
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
class MemberJudge:
    """Judges one member; takes each reading of it in.

    Args:
        before: the member before the trigger; None where it was not there or that could not be read.
        stable_seconds: how long new units have to stay up without a restart.
        is_always_recreated: whether every deployment makes new units (applications, databases): old ones are then
            never what was asked for.
    """

    before: MemberBefore | None
    stable_seconds: float
    is_always_recreated: bool
    _first_seen: dict[tuple[str, datetime | None, int], float] = field(default_factory=dict)
    _endings: dict[str, _Endings] = field(default_factory=dict)
    _since: dict[str, float] = field(default_factory=dict)
    _first_ending_at: float | None = None
    _last_life: float = 0.0
    _first_failed: Unit | None = None
    _update_started_at: datetime | None = None

    def judge(self, seen: Sorted, at: float, *, stands_alone: bool, is_beside_new: bool = False) -> Standing:
        """How the member stands now.

        Args:
            seen: the member with its units sorted.
            at: the moment of the reading.
            stands_alone: whether the deployment has touched no other member. An untouched one is then no neighbour,
                but what was asked for.
            is_beside_new: whether it has made another member anew.
        """
        member = seen.member
        if member.expected == 0 and not member.is_job:
            return Standing(State.NOT_EXPECTED, "the service asks for no replicas, so nothing has to run", expected=0)
        if member.is_declared is False:
            return Standing(State.UNTOUCHED, "no longer in the file", _up(member.units))
        if not seen.roles:
            return self._without_units(member, at)
        self._forget("no units")
        self._take_in(seen, at)
        if seen.update is not None and seen.update.state.is_rollback:
            return self._rolled_back(seen, at)
        if seen.update is not None and seen.update.state is UpdateState.PAUSED:
            return self._red(
                State.PAUSED,
                "Swarm paused the update because the new version's tasks fail",
                seen,
                said=seen.update.message,
            )
        if member.is_job:
            return self._job(seen)
        if not seen.is_touched:
            if self.is_always_recreated:
                return self._nothing_new(seen, at)
            is_well = all(unit.is_up for unit in member.units if unit.id in seen.roles)
            if _lies_about(member) or is_beside_new or not (stands_alone or is_well):
                return _neighbour(seen)
        elif self.is_always_recreated and not seen.is_recreated:
            return self._nothing_new(seen, at)
        return self._judge_units(seen, at, stands_alone=stands_alone)

    # --- endings ------------------------------------------------------------------------------------------------

    def _take_in(self, seen: Sorted, at: float) -> None:
        """Remember every ending since the trigger, also of runs that were over before they were looked at."""
        update = seen.update.started_at if seen.update is not None else None
        if update != self._update_started_at:
            # What ended before Swarm's update was the earlier version's.
            self._update_started_at = update
            self._endings.clear()
            self._first_ending_at, self._last_life, self._first_failed = None, 0.0, None
        for unit in reversed(seen.units(Role.NEW, Role.RESTARTED)):
            endings = self._endings.setdefault(unit.slot, _Endings())
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

    def _note(self, endings: _Endings, key: tuple[str, int], unit: Unit, at: float) -> None:
        if key in endings.units:
            # An ending that was only counted is described by a later look that meets the process down.
            if unit.has_ended or unit.state is UnitState.RESTARTING:
                endings.units[key] = unit
            return
        endings.units[key] = unit
        self._first_ending_at = at if self._first_ending_at is None else self._first_ending_at
        if unit.has_failed or unit.exit_code:
            self._first_failed = self._first_failed or unit
        self._remember_life(unit)

    def _remember_life(self, unit: Unit) -> None:
        if unit.started is not None and unit.finished is not None and unit.finished > unit.started:
            life = (unit.finished - unit.started).total_seconds()
            self._last_life = max(self._last_life, min(life, LONGEST_LIFE_SECONDS))

    # --- the cases ----------------------------------------------------------------------------------------------

    def _judge_units(self, seen: Sorted, at: float, *, stands_alone: bool) -> Standing:
        member = seen.member
        only_new = seen.update is not None or self.is_always_recreated
        roles = (Role.NEW,) if only_new else (Role.NEW, Role.RESTARTED, Role.OLD)
        counted = tuple(unit for unit in seen.units(*roles) if self._counts(unit, seen))
        self._mark(counted)
        bad = (
            self._unhealthy(seen, counted)
            or self._rejected(seen, at)
            or self._for_good(seen, counted)
            or self._loop(seen, counted, at, stands_alone=stands_alone)
            or self._unplaced(seen, counted, at)
        )
        if bad is not None:
            return bad
        done = self._ended_well(seen, counted)
        up = tuple(unit for unit in counted if unit.is_up)
        waiting = [unit for unit in counted if not unit.is_up and not unit.has_ended]
        replaced = self._not_replaced(seen)
        wanted = member.expected
        if wanted is None:
            wanted = max(1, len({unit.slot for unit in counted if not unit.has_ended} | done))
        if not up and done and not waiting and len(done) >= wanted:
            return self._all_ended(seen, done)
        if len(up) + len(done) < wanted or waiting or replaced:
            return self._not_yet(seen, counted, waiting, replaced, wanted, at)
        self._forget("stuck", "empty slot")
        return self._up(seen, up, wanted, at)

    def _mark(self, counted: Iterable[Unit]) -> None:
        """Remember since when each run has been up without a break."""
        up = [unit for unit in counted if unit.is_up]
        self._first_seen = {unit.run: self._first_seen.get(unit.run, unit.read_at) for unit in up}

    def _counts(self, unit: Unit, seen: Sorted) -> bool:
        """Whether a unit has a say: not what lies about from before, and not what is being replaced."""
        if seen.roles[unit.id] is not Role.OLD:
            return not (unit.is_put_down and not unit.has_ended) and not unit.is_put_down_well
        return not unit.has_ended and not unit.is_put_down and unit not in self._not_replaced(seen)

    def _not_replaced(self, seen: Sorted) -> tuple[Unit, ...]:
        """Old containers of another making than the new ones: they are about to go, or should be."""
        versions = {unit.version for unit in seen.units(Role.NEW) if not unit.is_task}
        if not versions:
            return ()
        return tuple(unit for unit in seen.units(Role.OLD) if not unit.has_ended and unit.version not in versions)

    def _unhealthy(self, seen: Sorted, counted: Iterable[Unit]) -> Standing | None:
        sick = next((unit for unit in counted if unit.health is UnitHealth.UNHEALTHY), None)
        if sick is None:
            return None
        return self._red(State.UNHEALTHY, f"its health check fails ({sick.name})", seen, failed=sick)

    def _rejected(self, seen: Sorted, at: float) -> Standing | None:
        for endings in self._endings.values():
            last = endings.last
            if last is None or last.state is not UnitState.REJECTED:
                continue
            since = self._since.setdefault("rejected", at)
            policy = seen.member.restart or _SWARM_DEFAULT
            again = policy.starts_again(failed=True, endings=endings.count)
            if not again or endings.count >= CRASH_LOOP_ENDINGS or at - since >= REJECTED_SECONDS:
                return self._red(State.REJECTED, "Swarm can't start the new version's tasks", seen, failed=last)
            return None
        self._forget("rejected")
        return None

    def _for_good(self, seen: Sorted, counted: tuple[Unit, ...]) -> Standing | None:
        """A process that has failed and that nothing will start again."""
        for slot, endings in self._endings.items():
            last = endings.last
            live = any(unit.slot == slot and not unit.has_ended for unit in counted)
            if last is None or live or not last.has_ended or not last.has_failed:
                continue
            policy = last.restart or seen.member.restart or _SWARM_DEFAULT
            if not policy.starts_again(failed=True, endings=endings.count):
                times = f" {endings.count} times" if endings.count > 1 else ""
                return self._red(State.FAILED, f"it has ended{times} and will not be started again", seen, failed=last)
        return None

    def _loop(self, seen: Sorted, counted: tuple[Unit, ...], at: float, *, stands_alone: bool) -> Standing | None:
        worst = max(self._endings.values(), key=lambda each: each.count, default=_Endings())
        if not worst.count or self._first_ending_at is None:
            return None
        down = any(not unit.is_up for unit in counted) or not counted
        restarts = worst.last.restarts if worst.last is not None else 0
        was_failing = self.before.was_failing if self.before is not None else restarts > CRASH_LOOP_ENDINGS
        as_before = was_failing and not seen.is_recreated and stands_alone and down
        slow = worst.count >= 2 and down and at - self._first_ending_at >= CRASH_LOOP_SECONDS
        if worst.count < CRASH_LOOP_ENDINGS and not slow and not as_before:
            return None
        if worst.all_well:
            return self._red(
                State.ENDS_AGAIN,
                "its process ends with exit code 0 again and again, and is started anew each time",
                seen,
                failed=worst.last,
                is_plain=True,
                next_step=NextStep.RESTART_POLICY,
            )
        failed = worst.told[-1] if worst.told else worst.last
        count = f"{worst.count} {'task has' if worst.count == 1 else 'tasks have'} failed"
        if failed is not None and not failed.is_task:
            count = f"it has ended {'once more' if worst.count == 1 else f'{worst.count} times'}"
        return self._red(State.CRASHING, f"it crashes again and again ({count})", seen, failed=failed)

    def _unplaced(self, seen: Sorted, counted: Iterable[Unit], at: float) -> Standing | None:
        stuck = [unit for unit in counted if unit.is_task and unit.state in _UNPLACED and unit.error]
        if not stuck:
            self._forget("unplaced")
            return None
        since = self._since.setdefault("unplaced", at)
        if at - since >= NO_NODE_SECONDS:
            return self._red(
                State.UNPLACEABLE, "Swarm finds no place for the new version's tasks", seen, failed=stuck[0]
            )
        return None

    def _ended_well(self, seen: Sorted, counted: Iterable[Unit]) -> set[str]:
        """The slots whose process has ended with 0, which nothing will start again."""
        done: set[str] = set()
        for unit in counted:
            endings = self._endings.get(unit.slot, _Endings())
            ends = unit.state is UnitState.COMPLETE or (unit.state is UnitState.EXITED and unit.exit_code == 0)
            policy = unit.restart or seen.member.restart or _SWARM_DEFAULT
            if ends and not policy.starts_again(failed=False, endings=endings.count):
                done.add(unit.slot)
        live = {unit.slot for unit in counted if not unit.has_ended}
        return done - live

    def _all_ended(self, seen: Sorted, done: set[str]) -> Standing:
        return Standing(State.ENDED_WELL, "it has run to its end (exit code 0)", (), seen.member.expected or len(done))

    def _not_yet(
        self,
        seen: Sorted,
        counted: tuple[Unit, ...],
        waiting: list[Unit],
        replaced: tuple[Unit, ...],
        wanted: int,
        at: float,
    ) -> Standing:
        up = tuple(unit for unit in counted if unit.is_up)
        held = [unit for unit in waiting if unit.state in _NOT_BEGUN] or list(replaced)
        if held and at - self._since.setdefault("stuck", at) >= STUCK_SECONDS:
            what = "is still the old one" if replaced and not waiting else f"stays {held[0].state.value}"
            return self._red(State.FAILED, f"{held[0].name} {what} and nothing more happens", seen, failed=held[0])
        if not held:
            self._forget("stuck")
        updating = seen.update is not None and seen.update.state is UpdateState.UPDATING
        if not waiting and not replaced and not updating:
            # What has ended and should be started again has a successor within moments.
            since = self._since.setdefault("empty slot", at)
            last = next((each.last for each in self._endings.values() if each.last is not None), None)
            if at - since >= (STUCK_SECONDS if up else NO_UNITS_SECONDS):
                what = f"only {len(up)} of {wanted} run" if up else "it has ended"
                return self._red(State.FAILED, f"{what} and nothing more is started", seen, failed=last)
        else:
            self._forget("empty slot")
        due = None
        if "unplaced" in self._since:
            due = max(SHORTEST_LOOK_SECONDS, NO_NODE_SECONDS - (at - self._since["unplaced"]))
        return Standing(
            State.ROLLING,
            f"{len(up)} of {wanted} {self._noun(seen, wanted)} {_runs(wanted)}{self._detail(waiting, counted)}",
            up,
            wanted,
            due_in_seconds=due,
            failed=self._first_failed or next(iter(waiting), None),
        )

    def _up(self, seen: Sorted, up: tuple[Unit, ...], wanted: int, at: float) -> Standing:
        needed = self.stable_seconds + self._last_life
        begun = self._first_seen
        steady = at - max(begun.values(), default=at)
        what = f"{len(up)} {self._noun(seen, len(up))} {_runs(len(up))}"
        updating = seen.update is not None and seen.update.state is UpdateState.UPDATING
        unread = frozenset(unit.id for unit in up if unit.read_at - begun[unit.run] < needed)
        if steady >= needed and not updating:
            if not unread:
                return Standing(
                    State.RUNNING, f"{what} and stayed up for {self.stable_seconds:g} s", up, seen.member.expected
                )
            return Standing(
                State.ROLLING,
                f"{what}; making sure that nothing was restarted",
                up,
                wanted,
                due_in_seconds=SHORTEST_LOOK_SECONDS,
                to_confirm=unread,
            )
        return Standing(
            State.ROLLING,
            f"{len(up)} of {wanted} {self._noun(seen, wanted)} {_runs(wanted)}; watching that they stay up"
            if wanted != 1
            else f"{what}; watching that it stays up",
            up,
            wanted,
            due_in_seconds=max(SHORTEST_LOOK_SECONDS, needed - steady),
        )

    def _without_units(self, member: Member, at: float) -> Standing:
        if member.not_expected_because:
            return Standing(State.NOT_EXPECTED, member.not_expected_because, expected=0)
        kind = "task" if member.service_id or self.is_always_recreated else "container"
        since = self._since.setdefault("no units", at)
        if at - since < NO_UNITS_SECONDS:
            due = max(SHORTEST_LOOK_SECONDS, NO_UNITS_SECONDS - (at - since))
            return Standing(State.ROLLING, f"no {kind} yet", expected=member.expected, due_in_seconds=due)
        known = " any more" if self.before is not None and self.before.units else ""
        return Standing(State.GONE, f"there is no {kind} of it{known}", expected=member.expected)

    def _nothing_new(self, seen: Sorted, at: float) -> Standing:
        since = self._since.setdefault("nothing new", at)
        up, member = _up(seen.member.units), seen.member
        if at - since < STUCK_SECONDS:
            wanted = member.expected if member.expected is not None else 1
            detail = self._detail([unit for unit in member.units if not unit.has_ended and not unit.is_up], ())
            return Standing(
                State.ROLLING,
                f"0 of {wanted} new {'task' if wanted == 1 else 'tasks'} {_runs(wanted)}{detail}",
                (),
                wanted,
            )
        return self._red(State.FAILED, "Swarm has made no new task for the deployment", seen, failed=None, up=up)

    def _job(self, seen: Sorted) -> Standing:
        new = seen.units(Role.NEW, Role.RESTARTED)
        failed = [unit for unit in new if unit.has_failed]
        done = [unit for unit in new if unit.state is UnitState.COMPLETE]
        if done and len(done) + len(failed) == len(new):
            return Standing(State.ENDED_WELL, "the job has run to its end")
        if len(failed) >= CRASH_LOOP_ENDINGS:
            return self._red(State.FAILED, "the job's tasks fail", seen, failed=failed[0])
        return Standing(State.ROLLING, "the job runs")

    def _rolled_back(self, seen: Sorted, at: float) -> Standing:
        assert seen.update is not None  # noqa: S101 - the caller has looked
        since = self._since.setdefault("rollback", at)
        rolling = seen.update.state is UpdateState.ROLLBACK_STARTED
        if rolling and at - since < ROLLBACK_SECONDS:
            return Standing(
                State.ROLLING,
                "the new version failed; Swarm is going back to the earlier one",
                failed=self._first_failed,
            )
        what = "Swarm went back to the earlier version"
        if rolling:
            what = "Swarm is still going back to the earlier version"
        elif seen.update.state is UpdateState.ROLLBACK_PAUSED:
            what = "going back to the earlier version failed as well"
        return self._red(
            State.ROLLED_BACK, f"the new version's tasks failed and {what}", seen, said=seen.update.message
        )

    # --- words --------------------------------------------------------------------------------------------------

    def _red(
        self,
        state: State,
        reason: str,
        seen: Sorted,
        *,
        failed: Unit | None = None,
        said: str = "",
        is_plain: bool = False,
        next_step: NextStep | None = None,
        up: tuple[Unit, ...] | None = None,
    ) -> Standing:
        culprit = failed or self._first_failed
        words = (words_for(culprit) if culprit is not None else "") or said
        if is_plain:
            words = ""
        step = next_step or (next_step_of(culprit) if culprit is not None else NextStep.NONE)
        return Standing(
            state,
            f"{reason}{f': {words}' if words else ''}",
            _up(seen.member.units) if up is None else up,
            seen.member.expected,
            failed=culprit,
            next_step=step,
        )

    def _noun(self, seen: Sorted, number: int) -> str:
        units = seen.member.units
        noun = "task" if not units or units[0].is_task else "container"
        only_new = seen.update is not None or self.is_always_recreated
        up = [seen.roles[unit.id] for unit in units if unit.id in seen.roles and unit.is_up]
        new = "new " if only_new or (seen.is_recreated and all(role is Role.NEW for role in up)) else ""
        return f"{new}{noun}{'' if number == 1 else 's'}"

    def _detail(self, waiting: list[Unit], counted: Iterable[Unit]) -> str:
        states = sorted({_state_words(unit) for unit in waiting})
        error = next((unit.error for unit in waiting if unit.error), "")
        parts = [", ".join(states)] if states else []
        if error:
            parts.append(error)
        detail = f" ({': '.join(parts)})" if parts else ""
        ended = sum(each.count for each in self._endings.values())
        last = next((each.last for each in self._endings.values() if each.last is not None), None)
        words = words_for(last) if last is not None else ""
        return detail + (f"; {ended} ended so far{f': {words}' if words else ''}" if ended else "")

    def _forget(self, *names: str) -> None:
        for name in names:
            self._since.pop(name, None)


def _up(units: Iterable[Unit]) -> tuple[Unit, ...]:
    return tuple(unit for unit in units if unit.is_up and not unit.is_one_off)


def _runs(number: int) -> str:
    return "runs" if number == 1 else "run"


def _state_words(unit: Unit) -> str:
    if unit.state is UnitState.RUNNING and unit.health is UnitHealth.STARTING:
        return "health check starting"
    return unit.state.value


def _lies_about(member: Member) -> bool:
    """Whether nothing of it has run for long: an ended container that the deployment did not start again."""
    units = [unit for unit in member.units if not unit.is_one_off]
    return all(unit.has_ended for unit in units) and not units[0].is_task


def _neighbour(seen: Sorted) -> Standing:
    """An untouched member: told as it is."""
    units = [unit for unit in seen.member.units if not unit.is_one_off]
    odd = next((unit for unit in units if not unit.is_up and not (unit.is_task and unit.has_ended)), None)
    reason = "as it was before the deployment"
    if odd is not None:
        state = "unhealthy" if odd.health is UnitHealth.UNHEALTHY else _state_words(odd)
        words = words_for(odd)
        reason = f"{reason}: {state}{f' ({words})' if words else ''}"
    return Standing(
        State.UNTOUCHED,
        reason,
        _up(units),
        seen.member.expected,
        notes=(reason,) if odd is not None else (),
    )
