"""Does what was asked for really run? The one judge over everything that runs. Pure; no clock, no request.

A row that is `done` only means that Docker took the change. The common false success: the new tasks crash, Swarm goes
back to the old version by itself, and Dokploy's database knows nothing of it (transcripts 317, 321, 325, 536).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from pulumi_dokploy_deployments.workload.member_judge import (
    NO_UNITS_SECONDS,
    SHORTEST_LOOK_SECONDS,
    MemberJudge,
)
from pulumi_dokploy_deployments.workload.model import Baseline, Member, Reading, Unit
from pulumi_dokploy_deployments.workload.sorting import Role, Sorted, Sorter
from pulumi_dokploy_deployments.workload.standing import Standing
from pulumi_dokploy_deployments.workload.verdict import (
    FailedUnit,
    Health,
    MemberReport,
    NextStep,
    State,
    Verdict,
)

STABLE_SECONDS = 5.0
"""How long what is new must stay up. Swarm's own monitor window is five seconds as well (transcript 315)."""
MOST_NAMED = 3
"""So many members are named in a reason at the most."""

_BY_WEIGHT = (
    State.ROLLED_BACK,
    State.PAUSED,
    State.REJECTED,
    State.UNPLACEABLE,
    State.CRASHING,
    State.FAILED,
    State.ENDS_AGAIN,
    State.UNHEALTHY,
    State.GONE,
)


class Judge:
    """Judges one workload after a deployment; feed it every reading in turn.

    Args:
        before: what was there before the trigger; where it could not be read, `since` alone tells old from new.
        since: the start of the deployment on the server's clock; None where there is no row (databases, pins).
        stable_seconds: how long what is new must stay up without a restart.
        is_always_recreated: whether every deployment makes new units (applications, databases, pins). Composes and
            stacks keep what has not changed.
        is_remote: whether the workload runs on another server than Dokploy itself.
    """

    def __init__(
        self,
        before: Baseline,
        since: datetime | None,
        stable_seconds: float = STABLE_SECONDS,
        *,
        is_always_recreated: bool = False,
        is_remote: bool = False,
    ) -> None:
        self._before = before
        self._stable_seconds = stable_seconds
        self._is_always_recreated = is_always_recreated
        self._sorter = Sorter(before, since, is_remote, is_single=is_always_recreated)
        self._members: dict[str, MemberJudge] = {}
        self._empty_since: float | None = None

    def judge(self, reading: Reading) -> Verdict:
        """Take a reading in and say what it means together with the earlier ones."""
        sights = [self._sorter.sort(member) for member in (*reading.members, *self._vanished(reading))]
        if not sights:
            return self._nothing(reading.at)
        touched = {sight.member.name for sight in sights if sight.is_touched}
        recreated = {sight.member.name for sight in sights if sight.is_recreated}
        standings: list[tuple[Sorted, Standing]] = []
        for sight in sights:
            name = sight.member.name
            standing = self._judge_of(name).judge(
                sight, reading.at, stands_alone=not touched - {name}, is_beside_new=bool(recreated - {name})
            )
            standings.append((sight, standing))
        return self._together(standings)

    def _judge_of(self, name: str) -> MemberJudge:
        if name not in self._members:
            before = self._sorter.known(name)
            self._members[name] = MemberJudge(before, self._stable_seconds, self._is_always_recreated)
        return self._members[name]

    def _vanished(self, reading: Reading) -> list[Member]:
        """Members that were seen in this wait and are gone; where the file is known, it says who belongs there."""
        if any(member.is_declared is not None for member in reading.members):
            return []
        there = {member.name for member in reading.members}
        return [Member(name=name) for name in self._members if name not in there]

    def _nothing(self, at: float) -> Verdict:
        if self._empty_since is None:
            self._empty_since = at
        left = NO_UNITS_SECONDS - (at - self._empty_since)
        if left > 0:
            return Verdict(
                Health.PENDING,
                "no container yet",
                due_in_seconds=max(SHORTEST_LOOK_SECONDS, left),
                state=State.ROLLING,
            )
        return Verdict(Health.UNHEALTHY, "nothing of it is there", "nothing of it runs", state=State.GONE)

    # --- together -----------------------------------------------------------------------------------------------

    def _together(self, standings: list[tuple[Sorted, Standing]]) -> Verdict:
        reports = tuple(_report(sight, standing) for sight, standing in standings)
        red = sorted(
            (each for each in standings if each[1].state.health is Health.UNHEALTHY),
            key=lambda each: _BY_WEIGHT.index(each[1].state),
        )
        if red:
            return self._red(red, standings, reports)
        rolling = [each for each in standings if each[1].state is State.ROLLING]
        if rolling:
            return self._pending(rolling, len(standings), reports)
        runs = any(standing.up for _, standing in standings)
        ended = any(standing.state is State.ENDED_WELL for _, standing in standings)
        excused = all(standing.state is State.NOT_EXPECTED for _, standing in standings)
        if not runs and not ended and not excused:
            reason = _joined(standings, len(standings))
            return Verdict(
                Health.UNHEALTHY,
                f"nothing of it runs: {reason}",
                "nothing of it runs",
                state=State.GONE,
                members=reports,
            )
        return self._green(standings, reports)

    def _red(
        self,
        red: list[tuple[Sorted, Standing]],
        standings: list[tuple[Sorted, Standing]],
        reports: tuple[MemberReport, ...],
    ) -> Verdict:
        sight, worst = red[0]
        return Verdict(
            Health.UNHEALTHY,
            _joined(red, len(standings)),
            still_runs=_still_runs(standings),
            state=worst.state,
            members=reports,
            failed_unit=FailedUnit(sight.member.name, worst.failed) if worst.failed is not None else None,
            next_step=worst.next_step,
        )

    def _pending(
        self, rolling: list[tuple[Sorted, Standing]], count: int, reports: tuple[MemberReport, ...]
    ) -> Verdict:
        dues = [standing.due_in_seconds for _, standing in rolling]
        known = [due for due in dues if due is not None]
        failed = (FailedUnit(sight.member.name, each.failed) for sight, each in rolling if each.failed is not None)
        return Verdict(
            Health.PENDING,
            _joined(rolling, count),
            due_in_seconds=max(known) if len(known) == len(dues) else None,
            state=State.ROLLING,
            members=reports,
            failed_unit=next(failed, None),
            to_confirm=frozenset(unit for _, standing in rolling for unit in standing.to_confirm),
        )

    def _green(self, standings: list[tuple[Sorted, Standing]], reports: tuple[MemberReport, ...]) -> Verdict:
        states = {standing.state for _, standing in standings}
        warnings = [f"{sight.member.name} was left {note}" for sight, standing in standings for note in standing.notes]
        judged = [each for each in standings if each[1].state in (State.RUNNING, State.ENDED_WELL)]
        state = State.RUNNING if State.RUNNING in states or State.UNTOUCHED in states else State.ENDED_WELL
        if states == {State.NOT_EXPECTED}:
            state = State.NOT_EXPECTED
        reason = _joined(judged or standings, len(standings))
        if self._is_nothing_recreated(standings):
            state = State.NOTHING_RECREATED
            warnings.insert(0, _nothing_recreated(standings))
        return Verdict(
            Health.HEALTHY,
            reason,
            state=state,
            warnings=tuple(warnings),
            notes=_notes(standings),
            members=reports,
        )

    def _is_nothing_recreated(self, standings: list[tuple[Sorted, Standing]]) -> bool:
        """Whether everything that runs is what ran before: nothing made anew, and nothing taken out."""
        if self._is_always_recreated or not any(standing.up for _, standing in standings):
            return False
        there = {sight.member.name for sight, _ in standings if sight.member.units}
        if self._before.was_read and set(self._before.members) - there:
            return False
        return not any(sight.is_recreated for sight, _ in standings)


def _report(sight: Sorted, standing: Standing) -> MemberReport:
    member = sight.member
    shown = [unit.image for unit in standing.up] + [member.image] + [unit.image for unit in member.units]
    image = next((image for image in shown if image), "")
    return MemberReport(
        name=member.name,
        tasks=len(standing.up),
        expected=standing.expected,
        image=_short(image),
        state=standing.state,
        reason=standing.reason,
    )


def _short(image: str) -> str:
    """The image without the digest that Swarm adds to it; it stays where there is no tag."""
    name = image.partition("@")[0]
    return name if ":" in name.rpartition("/")[2] else image


def _notes(standings: list[tuple[Sorted, Standing]]) -> tuple[str, ...]:
    """What was seen and not judged."""
    notes = [
        f"{sight.member.name}: {standing.reason}"
        for sight, standing in standings
        if standing.state in (State.NOT_EXPECTED, State.UNTOUCHED) and not standing.notes and len(standings) > 1
    ]
    for sight, _ in standings:
        notes += [
            f"{sight.member.name}: {unit.name} is a one-off container ({unit.state.value})"
            for unit in sight.member.units
            if unit.is_one_off
        ]
    return tuple(notes)


def _joined(standings: list[tuple[Sorted, Standing]], count: int) -> str:
    """The reasons, each with its member's name where there are several members."""
    if count == 1:
        return standings[0][1].reason
    named = [f"{sight.member.name}: {standing.reason}" for sight, standing in standings[:MOST_NAMED]]
    more = f"; and {len(standings) - MOST_NAMED} more" if len(standings) > MOST_NAMED else ""
    return "; ".join(named) + more


def _lasting(sight: Sorted, standing: Standing) -> tuple[Unit, ...]:
    """What really serves: not what is up between two crashes."""
    if standing.state not in (State.CRASHING, State.ENDS_AGAIN):
        return standing.up
    return tuple(unit for unit in standing.up if sight.roles.get(unit.id) is Role.OLD)


def _still_runs(standings: list[tuple[Sorted, Standing]]) -> str:
    up = [(sight, replace(standing, up=_lasting(sight, standing))) for sight, standing in standings]
    up = [each for each in up if each[1].up]
    if not up:
        return "nothing of it runs at the moment"
    if len(standings) > 1:
        names = ", ".join(sight.member.name for sight, _ in up[:MOST_NAMED])
        return f"running: {names}{', …' if len(up) > MOST_NAMED else ''}"
    sight, standing = up[0]
    is_earlier = standing.state is State.ROLLED_BACK or all(
        sight.roles.get(unit.id) is Role.OLD for unit in standing.up
    )
    noun = "task" if standing.up[0].is_task else "container"
    count = f"{len(standing.up)} {noun}{'' if len(standing.up) == 1 else 's'}"
    image = _short(sight.member.image or standing.up[0].image)
    which = "the earlier version still runs" if is_earlier else "running"
    return f"{which} ({count}{f', image {image}' if image else ''})"


def _nothing_recreated(standings: list[tuple[Sorted, Standing]]) -> str:
    kept = [sight.member.name for sight, standing in standings if standing.up]
    names = ", ".join(kept[:MOST_NAMED]) + (", …" if len(kept) > MOST_NAMED else "")
    return (
        f"Nothing was recreated: {names} {'runs' if len(kept) == 1 else 'run'} on as before, since neither the file "
        "nor an image's name has changed. An image pushed again under the same tag, :latest for instance, is not "
        "pulled for that: give each build a tag of its own, or set pull_policy: always"
    )


__all__ = ["STABLE_SECONDS", "Health", "Judge", "NextStep", "State", "Verdict"]
