"""New, restarted or old: what each unit of a member has to do with the deployment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pulumi_dokploy_deployments.workload.model import Baseline, Member, Unit
from pulumi_dokploy_deployments.workload.sorting import CLOCK_SLACK, REMOTE_CLOCK_SLACK, UPDATE_SLACK, Role, Sorter
from tests.unit.workload.sights import SINCE, STARTED, UPDATED, before, container, member, moment, swarm, task, update

UNREAD = Baseline()
WEB = container("web", made=0.0, started=10.0)
RESTARTED_ONCE = replace(WEB, restarts=1)


def role_of(sorter: Sorter, unit: Unit, of: Member | None = None) -> Role:
    seen = of if of is not None else member("web")
    return sorter.sort(replace(seen, units=(unit,))).roles[unit.id]


# --- by what was there before -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "role"),
    [
        (WEB, Role.OLD),
        (replace(WEB, restarts=1), Role.RESTARTED),
        (replace(WEB, started=moment(11.0)), Role.RESTARTED),
        (replace(WEB, started=moment(9.0)), Role.RESTARTED),
        (container("web", "exited", made=0.0, started=10.0, exit_code=0), Role.RESTARTED),
        (container("web", "restarting", made=0.0, started=10.0), Role.RESTARTED),
        (container("another"), Role.NEW),
    ],
)
def test_a_container_that_was_there_is_restarted_once_anything_of_its_run_differs(now: Unit, role: Role) -> None:
    assert role_of(Sorter(before(member("web", WEB)), SINCE), now) is role


def test_a_count_of_restarts_that_begins_anew_is_another_run() -> None:
    assert role_of(Sorter(before(member("web", RESTARTED_ONCE)), SINCE), WEB) is Role.RESTARTED


def test_a_container_that_was_only_made_before_and_has_started_since_is_new() -> None:
    made = container("web", "created", made=0.0, started=None)
    assert role_of(Sorter(before(member("web", made)), SINCE), WEB) is Role.NEW
    assert role_of(Sorter(before(member("web", made)), SINCE), made) is Role.OLD


def test_a_member_that_was_not_there_is_new() -> None:
    assert role_of(Sorter(before(member("db")), SINCE), WEB) is Role.NEW


def test_a_workload_of_one_member_is_known_by_any_name_and_others_by_their_own() -> None:
    known = before(member("earlier-name", WEB))
    assert role_of(Sorter(known, SINCE, is_single=True), WEB) is Role.OLD
    assert role_of(Sorter(known, SINCE), WEB) is Role.NEW
    two = before(member("earlier-name", WEB), member("db"))
    assert role_of(Sorter(two, SINCE, is_single=True), WEB) is Role.NEW


@pytest.mark.parametrize(("ended_before", "role"), [(False, Role.RESTARTED), (True, Role.OLD)])
def test_a_task_that_has_ended_since_counts_and_one_that_had_ended_does_not(ended_before: bool, role: Role) -> None:
    was = task("a", "failed" if ended_before else "running", made=0.0)
    assert role_of(Sorter(before(swarm(was)), SINCE), task("a", "failed", made=0.0), swarm()) is role


def test_a_task_that_swarm_has_put_down_or_that_still_runs_is_old() -> None:
    sorter = Sorter(before(swarm(task("a", made=0.0))), SINCE)
    assert role_of(sorter, task("a", "shutdown", made=0.0), swarm()) is Role.OLD
    assert role_of(sorter, task("a", made=0.0), swarm()) is Role.OLD


# --- by Swarm's update ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "role"),
    [
        (UPDATED, Role.NEW),
        (UPDATED - UPDATE_SLACK.total_seconds(), Role.NEW),
        (UPDATED - UPDATE_SLACK.total_seconds() - 0.001, Role.OLD),
    ],
)
def test_a_task_of_the_update_is_new_and_one_from_before_it_is_not(made: float, role: Role) -> None:
    assert role_of(Sorter(before(), SINCE), task("a", made=made), swarm(update=update("updating"))) is role


def test_a_task_that_was_there_or_of_an_unknown_age_is_not_the_update_s() -> None:
    seen = swarm(update=update("updating"))
    assert role_of(Sorter(before(swarm(task("a"))), SINCE), task("a"), seen) is Role.OLD
    assert role_of(Sorter(before(), SINCE), replace(task("a"), born=None), seen) is Role.OLD


@pytest.mark.parametrize(
    ("since", "is_remote", "was_read", "started", "counts"),
    [
        (STARTED, False, True, STARTED, True),
        (STARTED, False, True, STARTED - CLOCK_SLACK.total_seconds(), True),
        (STARTED, False, True, STARTED - CLOCK_SLACK.total_seconds() - 0.001, False),
        (STARTED, True, False, STARTED - REMOTE_CLOCK_SLACK.total_seconds(), True),
        (STARTED, True, False, STARTED - REMOTE_CLOCK_SLACK.total_seconds() - 0.001, False),
        (STARTED, True, True, 0.0, True),
        (None, False, True, 0.0, True),
        (None, False, False, 0.0, True),
    ],
)
def test_an_update_is_the_deployment_s_if_it_began_with_it(
    since: float | None, is_remote: bool, was_read: bool, started: float, counts: bool
) -> None:
    sorter = Sorter(before() if was_read else UNREAD, moment(since) if since is not None else None, is_remote)
    assert (sorter.sort(swarm(update=update("completed", started))).update is not None) is counts


def test_an_update_that_does_not_say_when_it_began_is_told_as_it_is() -> None:
    undated = update("completed").model_copy(update={"started_at": None})
    assert Sorter(before(), SINCE).sort(swarm(update=undated)).update is undated


def test_an_update_that_was_there_before_is_not_the_deployment_s() -> None:
    known = before(swarm(update=update("completed", STARTED + 1)))
    assert Sorter(known, SINCE).sort(swarm(update=update("completed", STARTED + 1))).update is None
    assert Sorter(known, SINCE).sort(swarm(update=update("completed", STARTED + 2))).update is not None
    unread = known.model_copy(update={"was_read": False})
    assert Sorter(unread, SINCE).sort(swarm(update=update("completed", STARTED + 1))).update is not None


# --- by the deployment's start ----------------------------------------------------------------------------------

AT_ONCE, TOO_EARLY = STARTED - CLOCK_SLACK.total_seconds(), STARTED - CLOCK_SLACK.total_seconds() - 0.001


@pytest.mark.parametrize(
    ("unit", "role"),
    [
        (task("a", made=AT_ONCE), Role.NEW),
        (task("a", made=TOO_EARLY), Role.OLD),
        (replace(task("a", "failed", made=0.0), finished=moment(AT_ONCE)), Role.RESTARTED),
        (replace(task("a", "failed", made=0.0), finished=moment(STARTED + 30)), Role.RESTARTED),
        (replace(task("a", "failed", made=0.0), finished=moment(TOO_EARLY)), Role.OLD),
        (replace(task("a", "shutdown", made=0.0), finished=moment(STARTED + 30)), Role.OLD),
        (task("a", "failed", made=0.0), Role.OLD),
        (replace(task("a"), born=None), Role.OLD),
        (container("a", made=AT_ONCE), Role.NEW),
        (container("a", made=0.0, started=AT_ONCE), Role.RESTARTED),
        (container("a", made=0.0, started=STARTED + 30), Role.RESTARTED),
        (container("a", made=0.0, started=TOO_EARLY), Role.OLD),
        (container("a", "created", made=0.0, started=None), Role.OLD),
        (container("a", "restarting", made=0.0, started=TOO_EARLY), Role.RESTARTED),
    ],
)
def test_where_nothing_was_read_before_the_time_tells(unit: Unit, role: Role) -> None:
    assert role_of(Sorter(UNREAD, SINCE), unit, swarm() if unit.is_task else None) is role


@pytest.mark.parametrize(
    ("unit", "role"),
    [
        (task("a", made=0.0), Role.NEW),
        (task("a", "failed", made=0.0), Role.OLD),
        (container("a", made=0.0), Role.NEW),
        (container("a", "exited", exit_code=1, made=0.0), Role.NEW),
    ],
)
def test_where_nothing_is_known_of_the_time_either_all_but_ended_tasks_are_taken_for_new(
    unit: Unit, role: Role
) -> None:
    assert role_of(Sorter(UNREAD, None), unit, swarm() if unit.is_task else None) is role


def test_one_off_containers_have_no_role() -> None:
    assert Sorter(before(), SINCE).sort(member("web", replace(WEB, is_one_off=True))).roles == {}
