"""Does the new version really run? Verdicts over what Swarm could say of applications and databases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pulumi_dokploy_deployments.api.swarm_models import RestartPolicy
from pulumi_dokploy_deployments.workload.member_judge import (
    CRASH_LOOP_ENDINGS,
    NO_NODE_SECONDS,
    NO_UNITS_SECONDS,
    REJECTED_SECONDS,
    ROLLBACK_SECONDS,
    STUCK_SECONDS,
)
from pulumi_dokploy_deployments.workload.model import Baseline, Unit, UnitState
from pulumi_dokploy_deployments.workload.verdict import Health, NextStep, State, Verdict
from tests.unit.workload.sights import (
    ANY,
    MADE,
    NONE,
    OLD,
    STARTED,
    UPDATED,
    before,
    failed,
    judge,
    moment,
    sight,
    state_after,
    swarm,
    task,
    update,
    verdict_on,
    watch,
)

NOTHING = "nothing of it runs at the moment"
COMPLETED = update("completed")


# --- healthy ----------------------------------------------------------------------------------------------------


def test_a_first_creation_has_no_update_and_is_healthy_after_the_window() -> None:
    ours = judge()
    assert ours.judge(sight(0.0, swarm(task("a")))).health is Health.PENDING
    assert ours.judge(sight(4.9, swarm(task("a")))).health is Health.PENDING
    verdict = ours.judge(sight(5.0, swarm(task("a"))))
    assert (verdict.state, verdict.reason) == (State.RUNNING, "1 new task runs and stayed up for 5 s")


def test_the_window_is_as_long_as_asked_for() -> None:
    at, verdict = watch(judge(stable_seconds=12.0), swarm(task("a")))
    assert (at, verdict.reason) == (12.0, "1 new task runs and stayed up for 12 s")


def test_a_pending_verdict_says_when_it_may_become_final() -> None:
    ours = judge(stable_seconds=8.0)
    assert ours.judge(sight(0.0, swarm(task("a")))).due_in_seconds == 8.0
    assert ours.judge(sight(6.0, swarm(task("a")))).due_in_seconds == 2.0


def test_an_old_task_that_still_runs_is_not_the_new_version() -> None:
    at, verdict = watch(judge(before(OLD)), OLD)
    assert at == STUCK_SECONDS
    assert (verdict.state, verdict.health) == (State.FAILED, Health.UNHEALTHY)
    assert verdict.reason == "Swarm has made no new task for the deployment"
    assert verdict.still_runs == "the earlier version still runs (1 task, image registry/shop:2)"


def test_while_swarm_makes_no_new_task_what_is_not_up_of_the_old_ones_is_told() -> None:
    both = swarm(task("old", made=0.0), task("late", "preparing", made=0.0, slot=2), expected=2)
    verdict = judge(before(both)).judge(sight(0.0, both))
    assert (verdict.health, verdict.reason) == (Health.PENDING, "0 of 2 new tasks run (preparing)")


@pytest.mark.parametrize(
    ("service_id", "health"),
    [("service", Health.PENDING), ("a-new-one", Health.HEALTHY), ("the-new-one", Health.HEALTHY)],
)
def test_a_task_that_was_not_there_is_new_only_in_a_service_that_was_made_anew(service_id: str, health: Health) -> None:
    made = replace(swarm(task("another")), service_id=service_id)
    assert verdict_on(judge(before(OLD)), made, seconds=30).health is health


def test_an_old_task_beside_a_new_one_does_not_count() -> None:
    both = swarm(task("new"), task("old", made=0.0, slot=2), expected=2, update=COMPLETED)
    verdict = verdict_on(judge(before(OLD)), both, seconds=30)
    assert (verdict.health, verdict.reason) == (Health.PENDING, "1 of 2 new tasks run")


def test_a_task_made_before_the_deployment_is_old_even_if_nothing_is_known_of_before() -> None:
    verdict = verdict_on(judge(Baseline()), swarm(task("a", made=STARTED - 5.0)), seconds=30)
    assert verdict.health is Health.PENDING


def test_while_swarm_still_updates_nothing_is_healthy() -> None:
    ours = judge(before(OLD))
    assert verdict_on(ours, swarm(task("a"), update=update("updating")), seconds=30).health is Health.PENDING
    assert ours.judge(sight(31.0, swarm(task("a"), update=COMPLETED))).health is Health.HEALTHY


def test_the_window_begins_anew_when_a_task_is_replaced() -> None:
    ours = judge()
    ours.judge(sight(0.0, swarm(task("a"))))
    ours.judge(sight(4.0, swarm(task("b"))))
    assert ours.judge(sight(6.0, swarm(task("b")))).health is Health.PENDING
    assert ours.judge(sight(9.0, swarm(task("b")))).health is Health.HEALTHY


def test_a_task_that_was_not_there_for_a_moment_begins_its_window_anew() -> None:
    """An empty list is what Dokploy gives as well when it could not ask Docker."""
    ours = judge()
    ours.judge(sight(0.0, swarm(task("a"))))
    ours.judge(sight(2.0, swarm()))
    assert ours.judge(sight(5.0, swarm(task("a")))).health is Health.PENDING
    assert ours.judge(sight(10.0, swarm(task("a")))).health is Health.HEALTHY


def test_a_task_that_follows_a_dead_one_must_outlive_it() -> None:
    dead = task("a", "failed", exit_code=1, started=moment(MADE), finished=moment(MADE + 9.0))
    at, verdict = watch(judge(), swarm(task("b"), dead))
    assert verdict.health is Health.HEALTHY
    assert at == 5.0 + 9.0


def test_fewer_tasks_than_asked_for_are_not_healthy() -> None:
    two = swarm(task("a"), task("b", slot=2), expected=3)
    verdict = verdict_on(judge(), two, seconds=STUCK_SECONDS - 1)
    assert (verdict.health, verdict.reason) == (Health.PENDING, "2 of 3 new tasks run")
    verdict = verdict_on(judge(), two)
    assert (verdict.state, verdict.reason) == (State.FAILED, "only 2 of 3 run and nothing more is started")


def test_a_service_that_asks_for_no_replicas_needs_nothing_to_run() -> None:
    verdict = judge().judge(sight(0.0, swarm(expected=0)))
    assert (verdict.health, verdict.state) == (Health.HEALTHY, State.NOT_EXPECTED)
    assert "no replicas" in verdict.reason
    assert verdict.notes == (), "the reason says it"


def test_a_global_service_is_healthy_when_all_of_its_new_tasks_run() -> None:
    ours = judge()
    starting = swarm(task("a"), task("b", "starting", slot=2), expected=None)
    assert ours.judge(sight(0.0, starting)).health is Health.PENDING
    both = swarm(task("a"), task("b", slot=2), expected=None)
    assert watch(ours, both, begin=1.0)[1].reason.startswith("2 new tasks run")


# --- not healthy ------------------------------------------------------------------------------------------------


def test_a_crash_loop_is_told_after_three_endings_in_one_place_and_with_the_error() -> None:
    ours = judge()
    for number in range(1, CRASH_LOOP_ENDINGS):
        tasks = [failed(each) for each in range(number)]
        verdict = ours.judge(sight(float(number), swarm(task(f"a{number}", "starting"), *tasks)))
        assert verdict.health is Health.PENDING
        assert verdict.reason == (f"0 of 1 new task runs (starting); {number} ended so far: task: non-zero exit (1)")
    verdict = ours.judge(sight(9.0, swarm(task("b", "ready"), *(failed(each) for each in range(3)))))
    assert verdict.reason == "it crashes again and again (3 tasks have failed): task: non-zero exit (1)"
    assert (verdict.state, verdict.still_runs) == (State.CRASHING, NOTHING)
    assert verdict.next_step is NextStep.EXIT_CODE


def test_a_service_that_waits_for_another_may_fail_once_or_twice() -> None:
    assert verdict_on(judge(), swarm(task("a"), failed(1), failed(2))).health is Health.HEALTHY


def test_each_of_many_replicas_may_fail_once_or_twice() -> None:
    up = [task(f"up{slot}", slot=slot) for slot in range(5)]
    down = [failed(slot, slot=slot) for slot in range(5)]
    assert verdict_on(judge(), swarm(*up, *down, expected=5)).health is Health.HEALTHY


def test_what_has_failed_first_is_named_while_it_is_waited_for() -> None:
    verdict = judge().judge(sight(0.0, swarm(task("a", "ready", desired="ready"), failed(1))))
    assert (verdict.health, verdict.failed_unit is not None) == (Health.PENDING, True)
    assert verdict.failed_unit is not None
    assert (verdict.failed_unit.member, verdict.failed_unit.unit.id) == ("shop", "failed1")


def test_two_endings_and_nothing_that_comes_up_are_a_loop_as_well() -> None:
    for status in (None, update("completed")):
        down = swarm(task("a", "ready", desired="ready"), failed(1), failed(2), update=status)
        at, verdict = watch(judge(), down)
        assert (at, verdict.state) == (15.0, State.CRASHING)


def test_an_old_version_that_crashed_all_through_the_build_is_not_held_against_the_new_one() -> None:
    """Tasks of the old version, made between our row's start and Swarm's update, are not the new version's."""
    build_ends = STARTED + 60.0
    crashed = [failed(number, made=STARTED + 10.0 * (number + 1)) for number in range(4)]
    new = task("new", made=build_ends + 0.001)
    verdict = verdict_on(judge(before(OLD)), swarm(new, *crashed, update=update("completed", build_ends)))
    assert verdict.health is Health.HEALTHY


def test_what_the_old_version_did_before_the_update_was_seen_is_forgotten() -> None:
    ours = judge(before(OLD, failing=["shop"]))
    crashed = [failed(number, made=STARTED + 1) for number in range(3)]
    ours.judge(sight(0.0, swarm(task("b", "ready", made=STARTED + 2), *crashed)))
    new = swarm(task("new"), *crashed, update=COMPLETED)
    assert watch(ours, new, begin=1.0)[1].health is Health.HEALTHY


def test_a_new_version_that_crashes_after_a_crashing_old_one_is_told() -> None:
    ours = judge(before(OLD))
    crashed = [failed(number, made=UPDATED + 1 + number) for number in range(4)]
    verdict = verdict_on(ours, swarm(*crashed, update=update("updating"), restart=ANY))
    assert verdict.state is State.CRASHING


def test_a_database_goes_by_the_tasks_that_were_there_before() -> None:
    ours = judge(before(OLD), since=None)
    assert ours.judge(sight(0.0, OLD)).health is Health.PENDING
    assert watch(ours, swarm(task("new"), update=COMPLETED), begin=1.0)[1].health is Health.HEALTHY


def test_a_service_that_was_renamed_in_between_is_still_the_same_one() -> None:
    renamed = swarm(task("old", made=0.0), name="shop-2")
    assert verdict_on(judge(before(OLD)), renamed, seconds=30).health is Health.PENDING


@pytest.mark.parametrize("started", [STARTED - 300.0, STARTED - 1.5])
@pytest.mark.parametrize("state", ["rollback_completed", "paused", "updating"])
def test_the_status_of_an_earlier_update_says_nothing_of_this_one(state: str, started: float) -> None:
    stale = swarm(task("a"), update=update(state, started))
    assert verdict_on(judge(Baseline()), stale).health is Health.HEALTHY
    again = judge(before(swarm(task("old"), update=update(state, started))), since=None)
    assert again.judge(sight(0.0, stale)).health is Health.PENDING, "nothing new since"


def test_an_update_that_somebody_made_before_the_deployment_is_not_its_own() -> None:
    somebody_s = swarm(task("theirs", made=STARTED - 50.0), update=update("completed", STARTED - 51.0))
    ours = judge(before(swarm(task("old", made=0.0), update=update("completed", 1.0))))
    assert verdict_on(ours, somebody_s, seconds=30).health is not Health.HEALTHY


def test_another_machine_s_clock_does_not_make_an_old_version_new_or_a_new_one_old() -> None:
    late = swarm(task("new", made=STARTED - 40.0), update=update("completed", STARTED - 41.0))
    ours = judge(before(swarm(task("old"), update=update("completed", STARTED - 90.0))), is_remote=True)
    assert verdict_on(ours, late).health is Health.HEALTHY


def test_a_rollback_that_does_not_end_is_told_as_it_stands() -> None:
    ours = judge(before(OLD))
    rolling = swarm(task("old", made=0.0), update=update("rollback_started"))
    at, verdict = watch(ours, rolling)
    assert at == ROLLBACK_SECONDS
    assert verdict.state is State.ROLLED_BACK
    assert "still going back to the earlier version" in verdict.reason
    assert verdict.still_runs.startswith("the earlier version still runs")


def test_a_rollback_that_failed_as_well_is_not_called_a_return() -> None:
    verdict = judge(before(OLD)).judge(sight(0.0, swarm(failed(1), update=update("rollback_paused"))))
    assert verdict.health is Health.UNHEALTHY
    assert "went back" not in verdict.reason
    assert "going back to the earlier version failed as well" in verdict.reason
    assert verdict.still_runs == NOTHING


@pytest.mark.parametrize(("state", "desired"), [("pending", "running"), ("pending", "ready"), ("new", "ready")])
def test_a_task_that_finds_no_node_is_told_with_swarm_s_reason_whatever_is_desired(state: str, desired: str) -> None:
    stuck = task("a", state, desired=desired, error="no suitable node (insufficient memory)")
    at, verdict = watch(judge(before(OLD)), swarm(stuck, task("old", made=0.0), update=update("updating")))
    assert at == NO_NODE_SECONDS
    assert verdict.state is State.UNPLACEABLE
    assert verdict.reason == "Swarm finds no place for the new version's tasks: no suitable node (insufficient memory)"
    assert verdict.next_step is NextStep.PLACEMENT


def test_what_keeps_a_task_from_its_place_is_told_while_it_is_waited_for() -> None:
    stuck = task("a", "pending", desired="ready", error="no suitable node (insufficient memory)")
    verdict = verdict_on(judge(), swarm(stuck), seconds=3)
    assert verdict.reason == "0 of 1 new task runs (pending: no suitable node (insufficient memory))"
    assert verdict.due_in_seconds == NO_NODE_SECONDS - 3


def test_a_pending_task_without_an_error_is_waited_for() -> None:
    assert verdict_on(judge(), swarm(task("a", "pending")), seconds=300).health is Health.PENDING


def test_a_service_without_any_task_is_told_here_and_on_a_remote_server() -> None:
    for ours in (judge(), judge(is_remote=True)):
        at, verdict = watch(ours, swarm())
        assert (at, verdict.state, verdict.still_runs) == (NO_UNITS_SECONDS, State.GONE, NOTHING)
        assert verdict.reason == "there is no task of it"


def test_an_image_that_can_t_be_had_is_told_after_swarm_has_tried_again() -> None:
    rejected = task("a", "rejected", error="No such image: shop:9")
    for policy, seconds in (
        (None, REJECTED_SECONDS),
        (RestartPolicy(condition="on-failure"), REJECTED_SECONDS),
        (NONE, 0.0),
    ):
        at, verdict = watch(judge(), swarm(task("b", "preparing"), rejected, restart=policy))
        assert (at, verdict.state, verdict.next_step) == (seconds, State.REJECTED, NextStep.IMAGE)
    assert verdict.reason == "Swarm can't start the new version's tasks: No such image: shop:9"


def test_an_image_that_is_there_at_the_second_try_is_no_failure() -> None:
    rejected = task("a", "rejected", error="No such image: shop:9")
    ours = judge()
    ours.judge(sight(0.0, swarm(task("b", "preparing"), rejected)))
    assert watch(ours, swarm(task("b"), rejected), begin=1.0)[1].health is Health.HEALTHY


def test_a_process_that_failed_and_is_not_started_again_is_told_at_once() -> None:
    verdict = judge().judge(sight(0.0, swarm(failed(1, "task: non-zero exit (7)"), restart=NONE)))
    assert (verdict.state, verdict.health) == (State.FAILED, Health.UNHEALTHY)
    assert verdict.reason == "it has ended and will not be started again: task: non-zero exit (7)"


def test_one_place_of_several_that_will_not_be_filled_again_is_told() -> None:
    both = swarm(task("a", slot=2), failed(1, slot=1), expected=2, restart=NONE)
    assert judge().judge(sight(0.0, both)).state is State.FAILED


@pytest.mark.parametrize("order", [1, -1])
def test_a_place_that_is_filled_again_hides_none_that_is_not(order: int) -> None:
    tasks = [failed(1, slot=1), task("again", slot=1), failed(2, slot=2)][::order]
    verdict = verdict_on(judge(), swarm(*tasks, expected=2, restart=NONE))
    assert (verdict.state, verdict.failed_unit is not None) == (State.FAILED, True)
    assert "will not be started again" in verdict.reason


def test_a_process_that_ended_well_and_is_not_started_again_is_a_job_that_has_run() -> None:
    done = task("a", "complete", exit_code=0)
    verdict = judge().judge(sight(0.0, swarm(done, restart=NONE)))
    assert (verdict.health, verdict.state) == (Health.HEALTHY, State.ENDED_WELL)


def test_a_process_that_ends_well_and_is_started_again_without_an_end_is_told() -> None:
    ended = [task(f"done{number}", "complete", exit_code=0) for number in range(3)]
    verdict = judge().judge(sight(0.0, swarm(task("a", "ready", desired="ready"), *ended, restart=ANY)))
    assert (verdict.state, verdict.next_step) == (State.ENDS_AGAIN, NextStep.RESTART_POLICY)
    assert verdict.reason == "its process ends with exit code 0 again and again, and is started anew each time"


def test_a_process_that_ended_and_is_not_replaced_in_time_is_told() -> None:
    at, verdict = watch(judge(), swarm(failed(1), restart=ANY))
    assert (at, verdict.state) == (NO_UNITS_SECONDS, State.FAILED)
    assert "nothing more is started" in verdict.reason


@pytest.mark.parametrize(
    ("unit", "step"),
    [
        (failed(1, "task: non-zero exit (137): dockerexec: unhealthy container"), NextStep.HEALTH_CHECK),
        (task("a", "failed", exit_code=137, is_out_of_memory=True), NextStep.OUT_OF_MEMORY),
        (task("a", "failed", error="task: non-zero exit (137)", exit_code=137), NextStep.OUT_OF_MEMORY),
        (task("a", "failed", error="Bind for 0.0.0.0:80 failed: port is already allocated"), NextStep.PORT),
        (task("a", "rejected", error="pull access denied for shop"), NextStep.IMAGE),
        (failed(1), NextStep.EXIT_CODE),
        (task("a", "failed", error="no exit code is told"), NextStep.EXIT_CODE),
    ],
)
def test_the_next_step_fits_the_cause(unit: object, step: NextStep) -> None:
    verdict = verdict_on(judge(), swarm(unit, restart=NONE))  # type: ignore[arg-type]
    assert verdict.next_step is step
    assert verdict.failed_unit is not None


def test_a_kill_for_memory_is_named() -> None:
    killed = task("a", "failed", error="task: non-zero exit (137)", exit_code=137, is_out_of_memory=True)
    verdict = verdict_on(judge(), swarm(killed, restart=NONE))
    assert "killed because memory ran out (exit code 137)" in verdict.reason


# --- jobs -------------------------------------------------------------------------------------------------------


def _ended(number: int) -> object:
    return task(f"done{number}", "complete", desired="complete")


def test_a_job_is_done_when_its_task_has_run_to_its_end() -> None:
    ours = judge()
    running = task("a", desired="complete")
    assert ours.judge(sight(0.0, swarm(running, is_job=True))).health is Health.PENDING
    assert ours.judge(sight(1.0, swarm(_ended(1), is_job=True))).state is State.ENDED_WELL  # type: ignore[arg-type]


def test_a_job_whose_only_task_failed_has_not_run_to_its_end() -> None:
    assert judge().judge(sight(0.0, swarm(failed(1), is_job=True))).health is Health.PENDING


def test_a_job_that_succeeds_after_a_failure_is_done() -> None:
    seen = swarm(_ended(1), failed(1), is_job=True)  # type: ignore[arg-type]
    assert judge().judge(sight(0.0, seen)).health is Health.HEALTHY


def test_a_job_whose_tasks_keep_failing_is_told() -> None:
    tasks = [failed(number) for number in range(CRASH_LOOP_ENDINGS)]
    verdict = judge().judge(sight(0.0, swarm(*tasks, is_job=True)))
    assert (verdict.health, verdict.reason) == (Health.UNHEALTHY, "the job's tasks fail: task: non-zero exit (1)")
    assert verdict.failed_unit is not None
    assert verdict.failed_unit.unit.id == tasks[0].id


def test_an_old_run_of_a_job_does_not_count() -> None:
    old = swarm(_ended(1), is_job=True)  # type: ignore[arg-type]
    assert judge(before(old)).judge(sight(0.0, old)).health is Health.PENDING


def test_beside_tasks_that_crash_only_the_earlier_ones_are_said_to_run() -> None:
    crashed = (failed(1), failed(2), failed(3))
    updating = update("updating")
    verdict = judge(before(OLD)).judge(sight(0.0, swarm(task("old", made=0.0), *crashed, update=updating)))
    assert (verdict.state, verdict.still_runs) == (
        State.CRASHING,
        "the earlier version still runs (1 task, image registry/shop:2)",
    )
    verdict = judge(before(OLD)).judge(sight(0.0, swarm(task("another try"), *crashed, update=updating)))
    assert (verdict.state, verdict.still_runs) == (State.CRASHING, NOTHING)


def test_what_makes_no_new_task_is_told_also_by_a_look_that_comes_late() -> None:
    ours = judge(before(OLD))
    assert ours.judge(sight(0.0, OLD)).health is Health.PENDING
    assert ours.judge(sight(STUCK_SECONDS + 7.5, OLD)).state is State.FAILED


def test_a_third_rejected_task_is_enough() -> None:
    tries = [task(f"r{number}", "rejected", error="No such image: shop:9") for number in range(3)]
    assert judge().judge(sight(0.0, swarm(*tries[:2]))).health is Health.PENDING
    assert judge().judge(sight(0.0, swarm(*tries))).state is State.REJECTED


def test_a_task_that_found_a_place_meanwhile_may_wait_for_one_as_long_again() -> None:
    ours = judge()
    waiting = swarm(task("a", "pending", error="no suitable node"))
    ours.judge(sight(0.0, waiting))
    ours.judge(sight(20.0, swarm(task("a", "preparing"))))
    assert state_after(ours, waiting, at=25.0, seconds=NO_NODE_SECONDS) is State.UNPLACEABLE


@pytest.mark.parametrize("state", ["running", "preparing"])
def test_a_place_that_was_filled_meanwhile_may_be_empty_as_long_again(state: str) -> None:
    ours = judge()
    one, both = swarm(task("a"), expected=2), swarm(task("a"), task("b", state, slot=2), expected=2)
    ours.judge(sight(0.0, one))
    ours.judge(sight(50.0, both))
    assert state_after(ours, one, at=51.0, seconds=STUCK_SECONDS) is State.FAILED


def test_a_place_whose_tasks_are_rejected_is_told_whatever_the_other_places_do() -> None:
    fine = task("fine", made=MADE + 1.0)
    refused = [task(f"r{number}", "rejected", error="No such image: shop:9", slot=2) for number in range(3)]
    crashed = task("crashed", "failed", exit_code=1)
    for order in ((fine, *refused), (*refused, fine), (crashed, *refused), (*refused, crashed)):
        assert judge().judge(sight(0.0, swarm(*order, expected=2))).state is State.REJECTED


def test_where_the_number_of_tasks_is_not_known_one_is_waited_for() -> None:
    ours = judge(before(OLD))
    old = replace(OLD, expected=None)
    assert ours.judge(sight(0.0, old)).reason == "0 of 1 new task runs"


def test_where_nothing_was_read_before_an_old_task_beside_a_new_one_does_not_count_either() -> None:
    both = swarm(task("new"), task("old", made=0.0, slot=2), expected=2)
    verdict = verdict_on(judge(Baseline()), both, seconds=30)
    assert (verdict.health, verdict.reason) == (Health.PENDING, "1 of 2 new tasks run")


def test_what_crashed_before_swarm_s_update_was_the_earlier_version() -> None:
    ours = judge(before(OLD))
    earlier = [failed(number, made=float(number)) for number in (1, 2)]
    ours.judge(sight(0.0, swarm(*earlier)))
    crashed = failed(3)
    seen = swarm(task("b", "preparing"), crashed, *earlier, update=update("updating"))
    assert ours.judge(sight(1.0, seen)).health is Health.PENDING


def test_a_service_that_asks_for_no_replicas_is_reported_so() -> None:
    verdict = judge().judge(sight(0.0, swarm(expected=0)))
    assert verdict.health is Health.HEALTHY
    assert [(each.tasks, each.expected) for each in verdict.members] == [(0, 0)]


def test_what_the_earlier_version_died_of_is_not_told_of_the_new_one() -> None:
    ours = judge(before(OLD))
    earlier = failed(1, "task: non-zero exit (9)", made=1.0)
    ours.judge(sight(0.0, swarm(earlier)))
    paused = update("paused", message="update paused")
    verdict = ours.judge(sight(1.0, swarm(task("b"), earlier, update=paused)))
    assert verdict.state is State.PAUSED
    assert "update paused" in verdict.reason
    assert "(9)" not in verdict.reason
    assert verdict.failed_unit is None


def test_of_what_still_runs_the_newest_one_s_image_is_told() -> None:
    new, old = task("a", made=1.0, image="shop:2"), task("b", made=0.0, slot=2, image="shop:1")
    running = replace(swarm(new, old, expected=2), image="")
    verdict = watch(judge(before(running)), running)[1]
    assert verdict.still_runs == "the earlier version still runs (2 tasks, image shop:2)"


def test_a_failed_task_that_has_a_successor_is_not_the_end_whatever_the_policy_says() -> None:
    ours = judge()
    assert ours.judge(sight(0.0, swarm(failed(1), restart=NONE))).state is State.FAILED
    ours = judge()
    assert ours.judge(sight(0.0, swarm(task("b"), failed(1), restart=NONE))).health is Health.PENDING


def test_another_update_s_tasks_may_be_rejected_as_long_again() -> None:
    ours = judge()

    def look(at: float, started: float, *tasks: Unit) -> Verdict:
        return ours.judge(
            sight(at, swarm(task("b", "preparing", made=started), *tasks, update=update("updating", started)))
        )

    first = task("r1", "rejected", error="No such image: shop:9", made=UPDATED)
    again = task("r2", "rejected", error="No such image: shop:9", made=UPDATED + 12.0)
    look(0.0, UPDATED, first)
    look(12.0, UPDATED + 12.0, first)
    assert look(14.0, UPDATED + 12.0, again, first).health is Health.PENDING
    assert look(14.0 + REJECTED_SECONDS - 1.0, UPDATED + 12.0, again, first).health is Health.PENDING
    assert look(14.0 + REJECTED_SECONDS, UPDATED + 12.0, again, first).state is State.REJECTED


def test_of_several_tasks_that_find_no_place_the_first_one_is_told() -> None:
    stuck = [
        task(name, "pending", slot=slot, error=f"no suitable node ({name})") for slot, name in ((1, "a"), (2, "b"))
    ]
    verdict = watch(judge(), swarm(*stuck, expected=2))[1]
    assert (verdict.state, verdict.failed_unit is not None) == (State.UNPLACEABLE, True)
    assert verdict.reason.endswith("no suitable node (a)")


def test_of_tasks_that_fail_again_and_again_the_last_one_is_told() -> None:
    ours = judge()
    crashed = [failed(number, f"task: non-zero exit ({number})") for number in (1, 2, 3)]
    verdict = ours.judge(sight(0.0, swarm(*crashed[::-1])))
    assert verdict.state is State.CRASHING
    assert verdict.reason.endswith("task: non-zero exit (3)")


def test_while_there_is_no_task_the_next_look_is_due_when_that_is_told() -> None:
    ours = judge()
    for at, due in ((0.0, 15.0), (5.0, 10.0), (14.9, 0.25)):
        assert ours.judge(sight(at, swarm())).due_in_seconds == due


def test_a_job_of_which_a_task_still_runs_has_not_run_to_its_end() -> None:
    one, other = task("a", "complete", exit_code=0), task("b", slot=2)
    assert judge().judge(sight(0.0, swarm(one, other, is_job=True))).health is Health.PENDING
    ended = replace(other, state=UnitState.COMPLETE)
    assert judge().judge(sight(0.0, swarm(one, ended, is_job=True))).state is State.ENDED_WELL


def test_one_place_that_has_ended_and_one_that_runs_are_not_three() -> None:
    done = task("a", "complete", exit_code=0)
    verdict = verdict_on(judge(), swarm(done, task("b", slot=2), expected=3, restart=NONE), seconds=30)
    assert verdict.health is Health.PENDING
