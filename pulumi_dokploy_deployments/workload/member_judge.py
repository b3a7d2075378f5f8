"""One member over time: how it stands after each reading. Pure; no clock, no request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from pulumi_dokploy_deployments.api.swarm_models import RestartPolicy, UpdateState
from pulumi_dokploy_deployments.workload.causes import next_step_of, words_for
from pulumi_dokploy_deployments.workload.endings import EndingLog
from pulumi_dokploy_deployments.workload.model import Member, MemberBefore, Unit, UnitHealth, UnitState
from pulumi_dokploy_deployments.workload.sorting import Role, Sorted
from pulumi_dokploy_deployments.workload.standing import Standing, lies_about, neighbour, runs, state_words, up_of
from pulumi_dokploy_deployments.workload.verdict import NextStep, State

SHORTEST_LOOK_SECONDS = 0.25
CRASH_LOOP_ENDINGS = 3
"""So many tasks ended in one place are a loop; one or two may be a service that waits for another."""
CRASH_LOOP_SECONDS = 15.0
"""Two endings are a loop as well, once they go on for so long. Docker starts a container again within a second, so
that their number alone says nothing: a service may try ten times until its database is up."""
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

_SWARM_DEFAULT = RestartPolicy(condition="any")
_NOT_BEGUN = frozenset({UnitState.CREATED, UnitState.PAUSED, UnitState.REMOVING})
_UNPLACED = frozenset({UnitState.NEW, UnitState.ALLOCATED, UnitState.PENDING})


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
    _since: dict[str, float] = field(default_factory=dict)
    _endings: EndingLog = field(init=False)

    def __post_init__(self) -> None:
        self._endings = EndingLog(self.before)

    def judge(self, seen: Sorted, at: float, *, stands_alone: bool, is_beside_new: bool) -> Standing:
        """How the member stands now.

        Args:
            seen: the member with its units sorted.
            at: the moment of the reading.
            stands_alone: whether the deployment has touched no other member. An untouched one is then no neighbour,
                but what was asked for.
            is_beside_new: whether it has made another member anew.
        """
        member = seen.member
        still_up = {unit.run for unit in member.units if unit.is_up}
        self._first_seen = {run: since for run, since in self._first_seen.items() if run in still_up}
        if member.expected == 0 and not member.is_job:
            return Standing(State.NOT_EXPECTED, "the service asks for no replicas, so nothing has to run", expected=0)
        if member.is_declared is False:
            return Standing(State.UNTOUCHED, "no longer in the file", up_of(member.units))
        if not seen.roles:
            return self._without_units(member, at)
        self._forget("no units")
        self._endings.take_in(seen, at)
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
            if lies_about(member) or is_beside_new or not (stands_alone or is_well):
                return neighbour(seen)
        elif self.is_always_recreated and not seen.is_recreated:
            return self._nothing_new(seen, at)
        return self._judge_units(seen, at, stands_alone=stands_alone)

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
            wanted = max(1, len({unit.slot for unit in counted}))
        if not up and done and not waiting and len(done) >= wanted:
            return self._all_ended(seen, done)
        if len(up) + len(done) < wanted or waiting or replaced:
            return self._not_yet(seen, counted, waiting, replaced, wanted, at)
        self._forget("stuck", "empty slot")
        return self._stays_up(seen, up, wanted, at)

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
        for endings in self._endings.slots.values():
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
        for slot, endings in self._endings.slots.items():
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
        worst = self._endings.worst
        if not worst.count or self._endings.first_at is None:
            return None
        down = any(not unit.is_up for unit in counted) or not counted
        restarts = worst.last.restarts if worst.last is not None else 0
        was_failing = self.before.was_failing if self.before is not None else restarts > CRASH_LOOP_ENDINGS
        as_before = was_failing and not seen.is_recreated and stands_alone and down
        since = self._endings.first_at
        goes_on = (down and at - since >= CRASH_LOOP_SECONDS) or self._endings.last_at - since >= CRASH_LOOP_SECONDS
        is_loop = worst.count >= 2 and goes_on
        if worst.last is not None and worst.last.is_task:
            is_loop = is_loop or worst.count >= CRASH_LOOP_ENDINGS
        if not is_loop and not as_before:
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
        step = next_step_of(failed) if failed is not None else NextStep.NONE
        # A container that has been started anew no longer tells with what it ended.
        step = NextStep.EXIT_CODE if step is NextStep.NONE else step
        return self._red(State.CRASHING, f"it crashes again and again ({count})", seen, failed=failed, next_step=step)

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
            endings = self._endings.of(unit.slot)
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
            last = self._endings.any_last
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
            f"{len(up)} of {wanted} {self._noun(seen, wanted)} {runs(wanted)}{self._detail(waiting, counted)}",
            up,
            wanted,
            due_in_seconds=due,
            failed=self._endings.first_failed or next(iter(waiting), None),
        )

    def _stays_up(self, seen: Sorted, up: tuple[Unit, ...], wanted: int, at: float) -> Standing:
        needed = self.stable_seconds + self._endings.longest_life
        begun = self._first_seen
        steady = at - max(begun.values(), default=at)
        what = f"{len(up)} {self._noun(seen, len(up))} {runs(len(up))}"
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
            f"{len(up)} of {wanted} {self._noun(seen, wanted)} {runs(wanted)}; watching that they stay up"
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
        up, member = up_of(seen.member.units), seen.member
        if at - since < STUCK_SECONDS:
            wanted = member.expected if member.expected is not None else 1
            detail = self._detail([unit for unit in member.units if not unit.has_ended and not unit.is_up], ())
            return Standing(
                State.ROLLING,
                f"0 of {wanted} new {'task' if wanted == 1 else 'tasks'} {runs(wanted)}{detail}",
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
                failed=self._endings.first_failed,
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
        culprit = failed or self._endings.first_failed
        words = (words_for(culprit) if culprit is not None else "") or said
        if is_plain:
            words = ""
        step = next_step or (next_step_of(culprit) if culprit is not None else NextStep.NONE)
        return Standing(
            state,
            f"{reason}{f': {words}' if words else ''}",
            up_of(seen.member.units) if up is None else up,
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
        states = sorted({state_words(unit) for unit in waiting})
        error = next((unit.error for unit in waiting if unit.error), "")
        parts = [", ".join(states)] if states else []
        if error:
            parts.append(error)
        detail = f" ({': '.join(parts)})" if parts else ""
        ended = self._endings.count
        last = self._endings.any_last
        words = words_for(last) if last is not None else ""
        return detail + (f"; {ended} ended so far{f': {words}' if words else ''}" if ended else "")

    def _forget(self, *names: str) -> None:
        for name in names:
            self._since.pop(name, None)
