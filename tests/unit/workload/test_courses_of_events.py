"""Any course of events: no green over what is down, restarting or old; and everything that stands still ends."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pulumi_dokploy_deployments.workload.model import Baseline, Member, Unit, UnitHealth, UnitState
from pulumi_dokploy_deployments.workload.verdict import Health, Verdict
from tests.unit.workload.sights import (
    MADE,
    before,
    compose_judge,
    container,
    judge,
    moment,
    sight,
    swarm,
    task,
    update,
)

WINDOW = 5.0
DEADLINE = 1800.0
NAMES = ("web", "web+", "db")
"""Containers; the first two are of one member."""


@dataclass
class Box:
    """One container as Docker has it: what the judge can see, and the truth that it can't."""

    unit: Unit
    up_since: float | None
    up_before: float | None = None
    """Since when it was up before it felt ill."""
    was_seen_ill: bool = False


class ComposeLife(RuleBasedStateMachine):
    """Containers of a compose that come, go, crash and recover while a judge looks on, at any pace."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.number = 0
        self.boxes: dict[str, Box] = {}
        self.old: dict[str, Unit] = {}
        self.verdict: Verdict | None = None
        self.judge = compose_judge()

    @initialize(existed=st.sets(st.sampled_from(NAMES)))
    def begin(self, existed: set[str]) -> None:
        for name in existed:
            unit = container(name, made=0.0, started=0.0, version="old", restart="always")
            self.old[name] = unit
            self.boxes[name] = Box(unit, up_since=-1000.0)
        self.judge = compose_judge(before(*self._members()))

    def _over(self) -> bool:
        return self.verdict is not None and self.verdict.is_final

    @precondition(lambda self: not self._over())
    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, 2.5, 6.0, 20.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: not self._over())
    @rule(name=st.sampled_from(NAMES))
    def recreate(self, name: str) -> None:
        self.number += 1
        unit = container(f"{name}{self.number}", started=MADE + self.now, version="new", restart="always")
        self.boxes[name] = Box(unit, up_since=self.now)

    @precondition(lambda self: not self._over() and self.boxes)
    @rule(data=st.data(), comes_back=st.booleans(), code=st.sampled_from([0, 1, 137]))
    def crash(self, data: st.DataObject, comes_back: bool, code: int) -> None:
        box = self.boxes[data.draw(st.sampled_from(sorted(self.boxes)))]
        if box.unit.state is not UnitState.RUNNING:
            return
        ended = moment(MADE + self.now)
        state = UnitState.RESTARTING if comes_back else UnitState.EXITED
        restarts = box.unit.restarts + (1 if comes_back else 0)
        box.unit = replace(box.unit, state=state, restarts=restarts, exit_code=code, finished=ended)
        box.up_since = None

    @precondition(lambda self: not self._over() and self.boxes)
    @rule(data=st.data())
    def come_back(self, data: st.DataObject) -> None:
        box = self.boxes[data.draw(st.sampled_from(sorted(self.boxes)))]
        if box.unit.state is UnitState.RUNNING:
            return
        started = moment(MADE + self.now)
        box.unit = replace(box.unit, state=UnitState.RUNNING, started=started, exit_code=0, health=UnitHealth.NONE)
        box.up_since = self.now

    @precondition(lambda self: not self._over() and self.boxes)
    @rule(data=st.data(), health=st.sampled_from(["starting", "unhealthy", "healthy"]))
    def feel(self, data: st.DataObject, health: str) -> None:
        box = self.boxes[data.draw(st.sampled_from(sorted(self.boxes)))]
        if box.unit.state is UnitState.RUNNING:
            was_well = box.unit.health in (UnitHealth.NONE, UnitHealth.HEALTHY)
            box.unit = replace(box.unit, health=UnitHealth(health))
            if was_well and health != "healthy":
                box.up_before, box.up_since, box.was_seen_ill = box.up_since, None, False
            elif not was_well and health == "healthy":
                # What came and went between two looks was no restart, and nobody can know of it.
                box.up_since = self.now if box.was_seen_ill else box.up_before

    @precondition(lambda self: not self._over() and self.boxes)
    @rule(data=st.data())
    def vanish(self, data: st.DataObject) -> None:
        self.boxes.pop(data.draw(st.sampled_from(sorted(self.boxes))))

    def _members(self) -> list[Member]:
        units: dict[str, list[Unit]] = {}
        for name, box in self.boxes.items():
            units.setdefault(name.rstrip("+"), []).append(box.unit)
        return [Member(name=name, units=tuple(each)) for name, each in units.items()]

    @rule()
    def look(self) -> None:
        if self._over():
            return
        for box in self.boxes.values():
            box.was_seen_ill |= box.unit.health in (UnitHealth.STARTING, UnitHealth.UNHEALTHY)
        self.verdict = self.judge.judge(sight(self.now, *self._members()))

    @invariant()
    def green_is_true(self) -> None:
        if self.verdict is None or self.verdict.health is not Health.HEALTHY:
            return
        assert self.boxes
        # A neighbour that was not restarted is told, however it feels.
        runs = {name: (unit.run, unit.state) for name, unit in self.old.items()}
        touched = {
            name.rstrip("+") for name, box in self.boxes.items() if runs.get(name) != (box.unit.run, box.unit.state)
        }
        touched |= {name.rstrip("+") for name in self.old if name not in self.boxes}
        for name, box in self.boxes.items():
            if name.rstrip("+") not in touched and touched:
                continue
            same = [each.unit.version for other, each in self.boxes.items() if other.rstrip("+") == name.rstrip("+")]
            assert len(set(same)) == 1, f"{name} is partly old"
            ended_well = box.unit.state is UnitState.EXITED and box.unit.exit_code == 0
            assert ended_well or box.unit.state is UnitState.RUNNING, f"{name} is down"
            assert ended_well or box.unit.health in (UnitHealth.NONE, UnitHealth.HEALTHY), f"{name} is not well"
            if not ended_well:
                assert box.up_since is not None
                assert self.now - box.up_since >= WINDOW, f"{name} was up for {self.now - box.up_since} s only"

    def teardown(self) -> None:
        """Nothing changes any more: then it ends, and long before the deadline."""
        at = self.now
        verdict = self.verdict
        while verdict is None or not verdict.is_final:
            at += 1.0
            verdict = self.judge.judge(sight(at, *self._members()))
            can_still_change = any(
                box.unit.state is UnitState.RESTARTING or box.unit.health is UnitHealth.STARTING
                for box in self.boxes.values()
            )
            if can_still_change and at - self.now > 120.0:
                return
            assert at - self.now < DEADLINE / 10, verdict.reason
        self.verdict = verdict
        self.now = at if verdict.health is not Health.HEALTHY else self.now


TestComposeLife = ComposeLife.TestCase
TestComposeLife.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


# --- Swarm ------------------------------------------------------------------------------------------------------

OLD_TASK = task("old", made=0.0)
TASKS = st.builds(
    task,
    st.sampled_from(["old", "a", "b", "c", "d"]),
    st.sampled_from(["running"] * 4 + ["starting", "failed", "complete", "pending", "rejected", "odd"]),
    slot=st.integers(1, 3),
    desired=st.sampled_from(["running", "running", "running", "ready", "shutdown"]),
)
SIGHTS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.5, 1.0, 2.0, 6.0]),
        st.lists(TASKS, max_size=5, unique_by=lambda each: each.id),
        st.sampled_from(["updating", "completed", "completed", "rollback_started", "paused", "a newer word"]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(SIGHTS, st.integers(1, 3), st.booleans(), st.sampled_from([1.0, 5.0, 8.0]))
def test_healthy_only_when_as_many_new_tasks_as_expected_ran_for_the_whole_window(
    sights: list[tuple[float, list[Unit], str]], expected: int, has_baseline: bool, window: float
) -> None:
    known = before(swarm(OLD_TASK)) if has_baseline else Baseline()
    ours = judge(known, stable_seconds=window)
    at = 0.0
    ran: list[tuple[float, frozenset[str]]] = []
    for pause, tasks, state in sights:
        at += pause
        tasks = [replace(each, born=moment(0.0)) if each.id == "old" else each for each in tasks]
        up = {
            each.id
            for each in tasks
            if each.id != "old" and each.desired_state == "running" and each.state is UnitState.RUNNING
        }
        ran.append((at, frozenset(up)))
        verdict = ours.judge(sight(at, swarm(*tasks, expected=expected, update=update(state))))
        assert verdict.reason
        if verdict.health is Health.HEALTHY:
            earlier = [number for number, (when, _) in enumerate(ran) if when <= at - window]
            ended_well = verdict.state.value == "ended well" or any(each.state is UnitState.COMPLETE for each in tasks)
            assert earlier or ended_well, "healthy before the window was over"
            if not ended_well:
                within = [running for _, running in ran[max(earlier) :]]
                assert len(frozenset.intersection(*within)) >= expected
            assert state not in ("updating", "rollback_started", "paused")
        if verdict.is_final:
            break


@settings(max_examples=150, deadline=None)
@given(st.lists(TASKS, max_size=5, unique_by=lambda each: each.id), st.integers(0, 3))
def test_what_stands_still_in_swarm_ends_unless_swarm_is_still_at_work(tasks: list[Unit], expected: int) -> None:
    at_work = {"starting", "ready", "preparing", "pending", "odd"}
    ours = judge(before(swarm(OLD_TASK)))
    at, verdict = 0.0, None
    while verdict is None or not verdict.is_final:
        verdict = ours.judge(sight(at, swarm(*tasks, expected=expected, update=update("completed"))))
        at += 1.0
        if at > DEADLINE / 10:
            assert any(
                (each.state.value in at_work or each.desired_state == "ready") and each.desired_state != "shutdown"
                for each in tasks
            ), verdict.reason
            return
