"""What can be seen of a workload, made short for tests: tasks, containers, members, and the server of a judge."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pulumi_dokploy_deployments.api.swarm_models import RestartPolicy, UpdateState, UpdateStatus
from pulumi_dokploy_deployments.workload.judge import Judge
from pulumi_dokploy_deployments.workload.model import (
    Baseline,
    Member,
    MemberBefore,
    Reading,
    Unit,
    UnitBefore,
    UnitHealth,
    UnitState,
)
from pulumi_dokploy_deployments.workload.verdict import Health, State, Verdict
from tests.support.builders import EPOCH

STARTED = 100.0
"""Seconds since the test's epoch at which the deployment's row was made."""
SINCE = EPOCH + timedelta(seconds=STARTED)
MADE = STARTED + 9.0
"""When new units are made, where a test says nothing else: just after the update."""
UPDATED = STARTED + 8.0
NONE, ANY = RestartPolicy(condition="none"), RestartPolicy(condition="any")


def moment(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


def task(
    task_id: str, state: str = "running", *, desired: str | None = None, slot: int = 1, made: float = MADE, **more: Any
) -> Unit:
    """A task; what has ended is put down, as Swarm does."""
    ended = UnitState(state) in (UnitState.FAILED, UnitState.COMPLETE, UnitState.SHUTDOWN, UnitState.REJECTED)
    return Unit(
        id=task_id,
        name=f"shop.{slot}",
        slot=f"shop.{slot}",
        is_task=True,
        state=UnitState(state),
        read_at=0.0,
        desired_state=desired if desired is not None else "shutdown" if ended else "running",
        born=moment(made),
        **more,
    )


def failed(number: int, error: str = "task: non-zero exit (1)", **more: Any) -> Unit:
    return task(f"failed{number}", "failed", error=error, exit_code=1, **more)


def container(
    name: str,
    state: str = "running",
    *,
    started: float | None = MADE,
    made: float = MADE,
    health: str = "",
    restart: str = "no",
    **more: Any,
) -> Unit:
    return Unit(
        id=f"id-{name}",
        name=f"shop-{name}-1",
        slot=f"id-{name}",
        is_task=False,
        state=UnitState(state),
        read_at=0.0,
        born=moment(made),
        started=moment(started) if started is not None else None,
        health=UnitHealth(health),
        restart=RestartPolicy(condition=restart),
        **more,
    )


def update(state: str, started: float = UPDATED, message: str = "") -> UpdateStatus:
    return UpdateStatus(state=UpdateState(state), started_at=moment(started), message=message)


def swarm(*tasks: Unit, name: str = "shop", expected: int | None = 1, **more: Any) -> Member:
    """A Swarm service."""
    return Member(name=name, units=tasks, expected=expected, image="registry/shop:2", service_id="service", **more)


def member(name: str, *units: Unit, **more: Any) -> Member:
    """A service of a compose file."""
    return Member(name=name, units=units, **more)


def before(*members: Member, failing: Iterable[str] = ()) -> Baseline:
    """A baseline that was read, of these members."""
    return Baseline(
        members={
            each.name: MemberBefore(
                units={
                    unit.id: UnitBefore(restarts=unit.restarts, started=unit.started, has_ended=unit.has_ended)
                    for unit in each.units
                },
                image=each.image,
                update_started_at=each.update.started_at if each.update is not None else None,
                service_id=each.service_id,
                was_failing=each.name in failing,
            )
            for each in members
        },
        was_read=True,
    )


NOTHING_BEFORE = before()
OLD = swarm(task("old", made=0.0))


def judge(known: Baseline = NOTHING_BEFORE, **more: Any) -> Judge:
    """The judge of an application."""
    return Judge(known, more.pop("since", SINCE), is_always_recreated=True, **more)


def compose_judge(known: Baseline = NOTHING_BEFORE, **more: Any) -> Judge:
    """The judge of a compose or a stack."""
    return Judge(known, more.pop("since", SINCE), **more)


def sight(at: float, *members: Member) -> Reading:
    """A reading in which Docker was asked for everything."""
    return Reading(
        at, tuple(replace(each, units=tuple(replace(unit, read_at=at) for unit in each.units)) for each in members)
    )


def watch(judge: Judge, *members: Member, seconds: float = 90.0, begin: float = 0.0) -> tuple[float, Verdict]:
    """Look once a second at something that does not change, until the verdict is final or the time is over."""
    at = begin
    while True:
        verdict = judge.judge(sight(at, *members))
        if verdict.is_final or at - begin >= seconds:
            return at, verdict
        at += 1.0


def verdict_on(judge: Judge, *members: Member, seconds: float = 90.0) -> Verdict:
    """The verdict on something that does not change."""
    return watch(judge, *members, seconds=seconds)[1]


def state_after(judge: Judge, seen: Member, *, at: float, seconds: float) -> State:
    """The verdict's state on what has stayed so for so many seconds, as it may from `at` on: it is open until then."""
    for moment_before in (at, at + seconds - 1.0):
        assert judge.judge(sight(moment_before, seen)).health is Health.PENDING
    return judge.judge(sight(at + seconds, seen)).state
