"""Does the compose really run? Verdicts over what Docker could say of composes and stacks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pulumi_dokploy_deployments.workload.causes import next_step_of
from pulumi_dokploy_deployments.workload.member_judge import NO_UNITS_SECONDS, STUCK_SECONDS
from pulumi_dokploy_deployments.workload.model import Baseline, Member, Reading, UnitState
from pulumi_dokploy_deployments.workload.standing import state_words
from pulumi_dokploy_deployments.workload.verdict import Health, NextStep, State
from tests.unit.workload.sights import (
    MADE,
    before,
    compose_judge,
    container,
    failed,
    member,
    moment,
    sight,
    state_after,
    swarm,
    task,
    update,
    verdict_on,
    watch,
)

WEB, DB = member("web", container("web")), member("db", container("db"))
OLD_DB = member("db", container("db", made=0.0, started=0.0))
NEW_WEB = member("web", container("web-new"))
OLD_WEB = member("web", container("web", made=0.0, started=0.0))


def test_a_compose_is_healthy_when_its_containers_stay_up() -> None:
    ours = compose_judge()
    assert ours.judge(sight(0.0, WEB, DB)).health is Health.PENDING
    assert ours.judge(sight(4.0, WEB, DB)).health is Health.PENDING
    verdict = ours.judge(sight(5.0, WEB, DB))
    assert (verdict.health, verdict.state) == (Health.HEALTHY, State.RUNNING)
    assert verdict.reason == (
        "web: 1 new container runs and stayed up for 5 s; db: 1 new container runs and stayed up for 5 s"
    )


def test_nothing_is_good_before_docker_was_asked_anew_at_the_end_of_the_window() -> None:
    """A container that was restarted between two looks shows the same id and the same state."""
    ours = compose_judge()
    stale = Reading(0.0, (WEB,))
    ours.judge(stale)
    verdict = ours.judge(replace(stale, at=9.0))
    assert (verdict.health, verdict.to_confirm) == (Health.PENDING, frozenset({"id-web"}))
    again = replace(WEB.units[0], restarts=1, started=moment(MADE + 4), read_at=9.1)
    assert ours.judge(Reading(9.1, (member("web", again),))).health is Health.PENDING
    assert ours.judge(sight(9.2, WEB)).health is Health.PENDING


def _again(restarts: int, at: float) -> Member:
    return member("web", replace(WEB.units[0], restarts=restarts, started=moment(MADE + at)))


def test_restarts_between_two_looks_are_counted() -> None:
    ours = compose_judge()
    ours.judge(sight(0.0, WEB))
    verdict = None
    for number in range(1, 9):
        at = number * 2.0
        verdict = ours.judge(sight(at, _again(number, at)))
        assert verdict.health is (Health.PENDING if at < 17.0 else Health.UNHEALTHY)
        if verdict.is_final:
            break
    verdict = ours.judge(sight(18.0, _again(9, 18.0)))
    assert (verdict.state, verdict.reason) == (State.CRASHING, "it crashes again and again (it has ended 9 times)")
    assert verdict.next_step is NextStep.EXIT_CODE
    assert verdict.still_runs == "nothing of it runs at the moment"


def test_a_container_may_try_many_times_until_what_it_waits_for_is_up() -> None:
    """Docker starts it again within a second; a database takes longer."""
    ours = compose_judge()
    for number in range(12):
        assert ours.judge(sight(float(number), _again(number, number), DB)).health is Health.PENDING
    assert watch(ours, _again(11, 11), DB, begin=12.0)[1].health is Health.HEALTHY


def test_a_container_that_ran_once_and_ended_well_is_no_failure() -> None:
    migrate = member("migrate", container("migrate", "exited", exit_code=0))
    assert verdict_on(compose_judge(), WEB, migrate).health is Health.HEALTHY


@pytest.mark.parametrize(
    ("worker", "state", "words", "step"),
    [
        (container("worker", "exited", exit_code=1), State.FAILED, "exit code 1", NextStep.EXIT_CODE),
        (container("worker", "dead", exit_code=1), State.FAILED, "exit code 1", NextStep.EXIT_CODE),
        (container("worker", health="unhealthy"), State.UNHEALTHY, "health check", NextStep.HEALTH_CHECK),
        (
            container("worker", "exited", exit_code=137, is_out_of_memory=True),
            State.FAILED,
            "memory ran out (exit code 137)",
            NextStep.OUT_OF_MEMORY,
        ),
    ],
)
def test_a_container_that_is_not_well_is_named_with_the_cause(
    worker: object, state: State, words: str, step: NextStep
) -> None:
    verdict = verdict_on(compose_judge(), WEB, member("worker", worker))  # type: ignore[arg-type]
    assert (verdict.state, verdict.next_step) == (state, step)
    assert verdict.reason.startswith("worker: ")
    assert words in verdict.reason
    assert verdict.still_runs == "running: web"
    assert verdict.failed_unit is not None
    assert verdict.failed_unit.member == "worker"


def test_starting_containers_are_waited_for() -> None:
    ours = compose_judge()
    starting = member("db", container("db", health="starting"))
    verdict = ours.judge(sight(4.0, WEB, starting))
    assert verdict.reason == "web: 1 new container runs; watching that it stays up; db: 0 of 1 new container runs " + (
        "(health check starting)"
    )
    ready = member("db", container("db", health="healthy"))
    assert ours.judge(sight(6.0, WEB, ready)).health is Health.PENDING
    assert ours.judge(sight(11.0, WEB, ready)).health is Health.HEALTHY


def test_a_compose_without_any_container_is_not_healthy() -> None:
    at, verdict = watch(compose_judge())
    assert (at, verdict.health, verdict.state) == (NO_UNITS_SECONDS, Health.UNHEALTHY, State.GONE)


def test_a_compose_in_which_everything_has_ended_is_not_called_running() -> None:
    migrate = member("migrate", container("migrate", "exited", exit_code=0))
    verdict = verdict_on(compose_judge(), migrate)
    assert (verdict.state, verdict.reason) == (State.ENDED_WELL, "it has run to its end (exit code 0)")


def test_what_runs_to_its_end_again_is_not_called_unchanged() -> None:
    old = member("migrate", container("migrate", "exited", made=0.0, started=0.0, exit_code=0))
    again = member("migrate", container("migrate", "exited", made=0.0, exit_code=0))
    verdict = verdict_on(compose_judge(before(old)), again)
    assert (verdict.health, verdict.state, verdict.warnings) == (Health.HEALTHY, State.ENDED_WELL, ())


def test_a_container_that_restarts_once_while_it_waits_for_another_is_no_failure() -> None:
    ours = compose_judge()
    down = member("web", container("web", "restarting", restarts=1, exit_code=1, restart="always"))
    assert "restarting" in ours.judge(sight(0.0, down, DB)).reason
    up = member("web", container("web", restarts=1, started=MADE + 1, restart="always"))
    assert ours.judge(sight(2.0, up, DB)).health is Health.PENDING
    assert watch(ours, up, DB, begin=3.0)[1].health is Health.HEALTHY


def test_a_container_that_keeps_restarting_is_told_even_if_it_is_up_in_between() -> None:
    ours = compose_judge()
    verdict = None
    for number in range(20):
        state = "running" if number % 3 == 1 else "restarting"
        unit = container(
            "web", state, restarts=number // 3, started=MADE + number, exit_code=0 if state == "running" else 2
        )
        verdict = ours.judge(sight(float(number), member("web", unit)))
        if verdict.is_final:
            break
    assert verdict is not None
    assert verdict.state is State.CRASHING
    assert "exit code 2" in verdict.reason


def test_a_container_that_ends_well_again_and_again_is_told() -> None:
    unit = container("web", "restarting", restarts=3, exit_code=0, restart="always")
    at, verdict = watch(compose_judge(), member("web", unit))
    assert (at, verdict.state) == (15.0, State.ENDS_AGAIN)


def test_attempts_that_are_used_up_are_told() -> None:
    unit = container("web", "exited", restarts=2, exit_code=4)
    limited = replace(unit, restart=unit.restart.model_copy(update={"condition": "on-failure", "max_attempts": 2}))  # type: ignore[union-attr]
    verdict = verdict_on(compose_judge(), member("web", limited))
    assert (verdict.state, verdict.reason) == (
        State.FAILED,
        "it has ended 3 times and will not be started again: exit code 4",
    )


def test_the_number_of_endings_is_told_from_two_on() -> None:
    unit = container("web", "exited", restarts=1, exit_code=4)
    limited = replace(unit, restart=unit.restart.model_copy(update={"condition": "on-failure", "max_attempts": 1}))  # type: ignore[union-attr]
    verdict = verdict_on(compose_judge(), member("web", limited))
    assert verdict.reason == "it has ended 2 times and will not be started again: exit code 4"


def test_a_container_that_was_made_and_never_started_is_told() -> None:
    at, verdict = watch(compose_judge(), WEB, member("db", container("db", "created", started=None)))
    assert (at, verdict.state) == (STUCK_SECONDS, State.FAILED)
    assert "stays created" in verdict.reason


@pytest.mark.parametrize("state", ["paused", "created"])
def test_a_container_that_is_stopped_by_hand_is_not_healthy(state: str) -> None:
    assert verdict_on(compose_judge(), member("web", container("web", state))).health is Health.UNHEALTHY


@pytest.mark.parametrize("code", [0, 1])
def test_one_of_several_containers_that_is_down_makes_its_service_not_healthy(code: int) -> None:
    both = member("web", container("web1"), container("web2", "exited", exit_code=code, restart="always"))
    at, verdict = watch(compose_judge(), both)
    assert (at, verdict.state) == (STUCK_SECONDS, State.FAILED)
    assert verdict.reason.startswith("only 1 of 2 run and nothing more is started")


def test_one_of_several_containers_that_has_run_to_its_end_is_fine() -> None:
    for expected in (None, 1):
        both = member("web", container("web1"), container("web2", "exited", exit_code=0), expected=expected)
        assert verdict_on(compose_judge(), both).state is State.RUNNING


# --- what the deployment did not touch --------------------------------------------------------------------------


def test_nothing_recreated_is_good_and_says_why_it_usually_is() -> None:
    verdict = verdict_on(compose_judge(before(OLD_WEB, OLD_DB)), OLD_WEB, OLD_DB)
    assert (verdict.health, verdict.state) == (Health.HEALTHY, State.NOTHING_RECREATED)
    assert ":latest" in verdict.warnings[0]
    assert "web, db run on as before" in verdict.warnings[0]


def test_something_recreated_is_no_reason_for_a_warning() -> None:
    verdict = verdict_on(compose_judge(before(OLD_WEB, OLD_DB)), NEW_WEB, OLD_DB)
    assert (verdict.health, verdict.state, verdict.warnings) == (Health.HEALTHY, State.RUNNING, ())
    assert verdict.notes == ("db: as it was before the deployment",)


@pytest.mark.parametrize(
    ("unit", "how"),
    [
        (container("cache", made=0.0, started=0.0, health="unhealthy"), "unhealthy"),
        (container("cache", "exited", made=0.0, started=0.0, exit_code=1), "exited (exit code 1)"),
        (container("cache", "paused", made=0.0, started=0.0), "paused"),
    ],
)
def test_a_neighbour_that_was_not_well_before_is_told_and_not_judged(unit: object, how: str) -> None:
    cache = member("cache", unit)  # type: ignore[arg-type]
    verdict = verdict_on(compose_judge(before(OLD_WEB, cache)), NEW_WEB, cache)
    assert verdict.health is Health.HEALTHY
    (warning,) = [warning for warning in verdict.warnings if warning.startswith("cache was left as it was before")]
    assert how in warning


@pytest.mark.parametrize("code", [0, 1])
def test_what_ended_before_a_deployment_that_touched_nothing_is_told_and_not_judged(code: int) -> None:
    ended = member("migrate", container("migrate", "exited", made=0.0, started=0.0, exit_code=code))
    seed = replace(ended, name="seed")
    verdict = verdict_on(compose_judge(before(OLD_WEB, ended, seed)), OLD_WEB, ended, seed)
    assert (verdict.health, verdict.state) == (Health.HEALTHY, State.NOTHING_RECREATED)
    nothing_recreated, *left = verdict.warnings
    assert nothing_recreated.startswith("Nothing was recreated: ")
    words = f"was left as it was before the deployment: exited (exit code {code})"
    assert left == [f"migrate {words}", f"seed {words}"]


def test_a_neighbour_that_goes_on_crashing_is_judged() -> None:
    cache = member("cache", container("cache", "restarting", made=0.0, started=0.0, restarts=7, exit_code=1))
    ours = compose_judge(before(OLD_WEB, cache, failing=["cache"]))
    assert verdict_on(ours, NEW_WEB, cache, seconds=10).health is Health.PENDING
    for number in (8, 9, 10):
        more = container("cache", "restarting", made=0.0, started=number, restarts=number, exit_code=1)
        verdict = ours.judge(sight(10.0 * number, NEW_WEB, member("cache", more)))
    assert (verdict.state, verdict.still_runs) == (State.CRASHING, "running: web")


def test_what_was_failing_before_and_ends_once_more_is_told_at_once() -> None:
    def web(restarts: int, started: float) -> Member:
        down = container("web", "restarting", made=0.0, started=started, restarts=restarts, exit_code=1)
        return member("web", down)

    verdict = compose_judge(before(web(7, 0.0), failing=["web"])).judge(sight(0.0, web(8, MADE)))
    assert (verdict.state, verdict.reason) == (
        State.CRASHING,
        "it crashes again and again (it has ended once more): exit code 1",
    )


def test_a_container_that_a_clock_set_back_has_started_earlier_was_restarted() -> None:
    old = member("cache", container("cache", made=0.0, started=50.0))
    sick = member("cache", container("cache", made=0.0, started=40.0, health="unhealthy"))
    assert verdict_on(compose_judge(before(OLD_WEB, old)), NEW_WEB, sick).state is State.UNHEALTHY


def test_a_process_that_ends_well_and_is_started_again_needs_another_restart_policy() -> None:
    assert next_step_of(container("web", "restarting", exit_code=0)) is NextStep.RESTART_POLICY


def test_only_a_running_unit_whose_health_check_has_not_ended_yet_is_starting() -> None:
    words = {health: state_words(container("web", health=health)) for health in ("", "starting", "unhealthy")}
    assert words == {"": "running", "starting": "health check starting", "unhealthy": "running"}


def test_where_nothing_else_was_touched_what_is_not_well_is_no_neighbour() -> None:
    sick = member("web", container("web", made=0.0, started=0.0, health="unhealthy"))
    assert verdict_on(compose_judge(before(sick)), sick).state is State.UNHEALTHY


def test_old_containers_of_the_same_making_count_beside_new_ones() -> None:
    first = container("web1", made=0.0, started=0.0, version="a")
    more = container("web2", version="a")
    verdict = verdict_on(compose_judge(before(member("web", first))), member("web", more, first))
    assert (verdict.health, verdict.reason) == (Health.HEALTHY, "2 containers run and stayed up for 5 s")


def test_an_old_container_that_is_not_replaced_is_never_green() -> None:
    first = container("web1", made=0.0, started=0.0, version="a")
    more = container("web2", version="b")
    at, verdict = watch(compose_judge(before(member("web", first))), member("web", more, first))
    assert (at, verdict.state) == (STUCK_SECONDS, State.FAILED)
    assert "still the old one" in verdict.reason


def test_a_new_container_that_is_never_started_beside_the_old_one_is_what_is_told() -> None:
    first = container("web1", made=0.0, started=0.0, version="a")
    more = container("web2", "created", started=None, version="b")
    at, verdict = watch(compose_judge(before(member("web", first))), member("web", more, first))
    assert (at, verdict.state) == (STUCK_SECONDS, State.FAILED)
    assert verdict.reason.startswith("shop-web2-1 stays created")
    paused = container("web3", "paused", version="b")
    verdict = watch(compose_judge(), member("web", more, paused))[1]
    assert "stays created" in verdict.reason
    assert verdict.failed_unit is not None
    assert verdict.failed_unit.unit.id == more.id


def test_of_several_containers_that_are_never_started_the_first_one_s_log_is_what_is_read() -> None:
    first, second = (container(name, "created", started=None) for name in ("web1", "web2"))
    verdict = watch(compose_judge(), member("web", first, second))[1]
    assert verdict.reason.startswith("shop-web1-1 stays created")
    assert verdict.failed_unit is not None
    assert verdict.failed_unit.unit.id == first.id


def test_one_off_containers_and_members_no_longer_in_the_file_are_told() -> None:
    run = replace(container("run", "exited", exit_code=130), is_one_off=True)
    old = member("old", container("old", "exited", exit_code=1), is_declared=False)
    web = Member(name="web", units=(run, *WEB.units), is_declared=True)
    verdict = verdict_on(compose_judge(), web, old)
    assert verdict.health is Health.HEALTHY
    assert verdict.notes == ("old: no longer in the file", "web: shop-run-1 is a one-off container (exited)")


# --- members without a unit -------------------------------------------------------------------------------------


def test_a_member_of_the_file_without_a_container_is_red() -> None:
    at, verdict = watch(compose_judge(), WEB, Member(name="worker", is_declared=True))
    assert (at, verdict.state, verdict.reason) == (
        NO_UNITS_SECONDS,
        State.GONE,
        "worker: there is no container of it",
    )


@pytest.mark.parametrize("why", ["its profile is not active", "it asks for no replicas"])
def test_a_member_that_need_not_have_one_is_told(why: str) -> None:
    verdict = verdict_on(compose_judge(), WEB, Member(name="tools", is_declared=True, not_expected_because=why))
    assert (verdict.health, verdict.notes) == (Health.HEALTHY, (f"tools: {why}",))
    assert verdict.state is State.RUNNING
    (tools,) = [report for report in verdict.members if report.name == "tools"]
    assert (tools.tasks, tools.expected) == (0, 0)


def test_a_member_that_vanishes_while_it_is_watched_is_told() -> None:
    ours = compose_judge()
    ours.judge(sight(0.0, WEB, DB))
    at, verdict = watch(ours, WEB, begin=1.0)
    assert (at, verdict.state) == (1.0 + NO_UNITS_SECONDS, State.GONE)
    assert verdict.reason.startswith("db: ")


def test_the_time_without_a_container_begins_anew_when_there_was_one_in_between() -> None:
    ours, empty = compose_judge(), Member(name="db", is_declared=True)
    assert watch(ours, WEB, empty, seconds=NO_UNITS_SECONDS - 1.0)[1].health is Health.PENDING
    ours.judge(sight(NO_UNITS_SECONDS, WEB, DB))
    again = NO_UNITS_SECONDS + 1.0
    at, verdict = watch(ours, WEB, empty, begin=again)
    assert (at, verdict.state) == (again + NO_UNITS_SECONDS, State.GONE)


def test_a_compose_of_which_nothing_runs_is_red_even_if_nothing_of_it_was_touched() -> None:
    dead = member("web", container("web", "exited", made=0.0, started=0.0, exit_code=0))
    assert verdict_on(compose_judge(before(dead)), dead).health is Health.UNHEALTHY


# --- stacks -----------------------------------------------------------------------------------------------------

OLD_STACK = (
    swarm(task("db1", made=0.0), name="db"),
    swarm(task("web1", made=0.0), name="web", update=update("completed", 1.0)),
)


def test_a_stack_s_member_that_swarm_rolled_back_is_red_beside_a_good_one() -> None:
    ours = compose_judge(before(*OLD_STACK))
    web = swarm(task("web3"), failed(2), name="web", update=update("rollback_completed"))
    verdict = ours.judge(sight(0.0, OLD_STACK[0], web))
    assert verdict.state is State.ROLLED_BACK
    assert verdict.reason == (
        "web: the new version's tasks failed and Swarm went back to the earlier version: task: non-zero exit (1)"
    )


def test_a_stack_s_member_that_crashes_is_red_beside_a_good_one() -> None:
    web = swarm(task("w", "ready", desired="ready"), *(failed(number) for number in range(3)), name="web")
    verdict = verdict_on(compose_judge(), swarm(task("db1"), name="db"), web)
    assert (verdict.state, verdict.still_runs) == (State.CRASHING, "running: db")


def test_a_stack_s_member_that_was_failing_before_and_goes_on_is_red_with_its_one_ending() -> None:
    web = swarm(task("w", "ready", made=0.0, desired="ready"), task("w0", "running", made=0.0), name="web")
    ours = compose_judge(before(web, failing=["web"]))
    down = swarm(
        task("w", "ready", made=0.0, desired="ready"),
        task("w0", "failed", made=0.0, error="task: non-zero exit (1)", exit_code=1),
        name="web",
    )
    verdict = verdict_on(ours, down)
    assert (verdict.state, verdict.reason) == (
        State.CRASHING,
        "it crashes again and again (1 task has failed): task: non-zero exit (1)",
    )


def test_what_swarm_restarts_by_itself_is_no_new_version() -> None:
    moved = swarm(task("web2"), task("web1", "shutdown", made=0.0), name="web", update=update("completed", 1.0))
    verdict = verdict_on(compose_judge(before(*OLD_STACK)), OLD_STACK[0], moved)
    assert (verdict.health, verdict.state) == (Health.HEALTHY, State.NOTHING_RECREATED)


def test_old_failed_tasks_are_not_held_against_a_good_deployment() -> None:
    history = [failed(number, made=0.0) for number in range(4)]
    was = swarm(*history, name="web")
    now = swarm(task("new"), *history, name="web", update=update("completed"))
    assert verdict_on(compose_judge(before(was, failing=["web"])), now).health is Health.HEALTHY


# --- without a baseline -----------------------------------------------------------------------------------------


def test_without_a_baseline_the_start_tells_what_was_recreated() -> None:
    assert verdict_on(compose_judge(Baseline()), OLD_WEB).state is State.NOTHING_RECREATED
    assert verdict_on(compose_judge(Baseline()), WEB).state is State.RUNNING


def test_an_unknown_state_of_a_newer_docker_is_waited_for_and_shown() -> None:
    odd = member("web", container("web", "hibernating"))
    verdict = verdict_on(compose_judge(), odd)
    assert verdict.health is Health.PENDING
    assert "hibernating" in verdict.reason
    assert not UnitState("hibernating").is_known


@pytest.mark.parametrize("code", [0, 1])
def test_a_container_that_ended_before_the_deployment_has_no_say(code: int) -> None:
    old = container("old", "exited", made=0.0, started=0.0, exit_code=code)
    verdict = verdict_on(compose_judge(before(member("web", old))), member("web", container("web"), old))
    assert verdict.reason == "1 new container runs and stayed up for 5 s"
    kept = container("web", made=0.0)
    verdict = verdict_on(compose_judge(before(member("web", kept, old))), member("web", kept, old))
    assert verdict.state is State.NOTHING_RECREATED


def test_without_a_baseline_a_container_that_ended_before_the_deployment_has_no_say_either() -> None:
    old = container("old", "exited", made=0.0, started=0.0, exit_code=1)
    verdict = verdict_on(compose_judge(Baseline()), member("web", container("web"), old))
    assert (verdict.health, verdict.reason) == (Health.HEALTHY, "1 new container runs and stayed up for 5 s")


def test_an_ending_keeps_its_exit_code_when_the_process_runs_again() -> None:
    ours = compose_judge()
    for number in range(1, 12):
        down = container("web", "restarting", restarts=number, exit_code=2)
        ours.judge(sight(number * 2.0, member("web", down)))
        verdict = ours.judge(sight(number * 2.0 + 1.0, _again(number, number * 2.0 + 1.0)))
        if verdict.is_final:
            break
    assert verdict.state is State.CRASHING
    assert verdict.reason.endswith("exit code 2")


def _ended(code: int, policy: str) -> Member:
    return member("web", container("web", "exited", exit_code=code, restart=policy))


def test_a_process_that_has_failed_and_is_started_again_has_not_run_to_its_end() -> None:
    """Docker starts it again within moments; a look may come in between."""
    assert compose_judge().judge(sight(0.0, _ended(3, "on-failure"))).health is Health.PENDING
    assert compose_judge().judge(sight(0.0, _ended(3, "no"))).state is State.FAILED
    assert compose_judge().judge(sight(0.0, _ended(0, "on-failure"))).state is State.ENDED_WELL
    assert compose_judge().judge(sight(0.0, _ended(0, "always"))).health is Health.PENDING


def test_a_crash_that_was_only_counted_is_told_by_the_look_that_meets_the_process_down() -> None:
    """While it runs again, Docker no longer tells with what it ended."""
    ours = compose_judge()
    ours.judge(sight(0.0, WEB))
    for number in (1, 2):
        ours.judge(sight(number * 2.0, _again(number, number * 2.0)))
    down = container("web", "restarting", restarts=2, exit_code=137, is_out_of_memory=True)
    verdict = ours.judge(sight(30.0, member("web", down)))
    assert (verdict.state, verdict.next_step) == (State.CRASHING, NextStep.OUT_OF_MEMORY)
    assert "it has ended 2 times): killed because memory ran out (exit code 137)" in verdict.reason


def test_tasks_of_a_stack_beside_earlier_ones_are_told_as_new() -> None:
    both = swarm(task("new"), task("old", made=0.0, slot=2), expected=2, update=update("completed"))
    verdict = compose_judge(before(swarm(task("old", made=0.0, slot=2)))).judge(sight(0.0, both))
    assert verdict.reason == "1 of 2 new tasks run"


@pytest.mark.parametrize(("number", "rest"), [(3, ""), (4, "; and 1 more"), (5, "; and 2 more")])
def test_of_many_members_three_are_told_by_name(number: int, rest: str) -> None:
    many = [member(f"web{each}", container(f"web{each}")) for each in range(number)]
    words = "; ".join(f"web{each}: 1 new container runs and stayed up for 5 s" for each in range(3))
    assert verdict_on(compose_judge(), *many).reason == f"{words}{rest}"


def test_a_container_that_has_gone_on_meanwhile_may_be_held_as_long_again() -> None:
    ours = compose_judge()
    held, runs = member("web", container("web", "paused")), member("web", container("web", health="starting"))
    ours.judge(sight(0.0, held))
    ours.judge(sight(50.0, runs))
    assert state_after(ours, held, at=51.0, seconds=STUCK_SECONDS) is State.FAILED


def test_of_several_members_that_fail_the_heaviest_state_and_its_unit_are_the_verdict_s() -> None:
    ended = member("a", container("a", "exited", exit_code=3))
    sick = member("b", container("b", health="unhealthy"))
    for order in ((ended, sick), (sick, ended)):
        verdict = compose_judge().judge(sight(0.0, *order))
        assert (verdict.state, verdict.next_step) == (State.FAILED, NextStep.EXIT_CODE)
        assert verdict.failed_unit is not None
        assert verdict.failed_unit.member == "a"
        assert verdict.reason.startswith("a: it has ended")


@pytest.mark.parametrize(("expected", "told"), [(None, 1), (1, 1)])
def test_of_what_has_run_to_its_end_as_many_are_reported_as_were_wanted(expected: int | None, told: int) -> None:
    ended = member("migrate", container("migrate", "exited", exit_code=0), expected=expected)
    assert [each.expected for each in compose_judge().judge(sight(0.0, ended)).members] == [told]


def test_more_that_have_run_to_their_end_than_were_wanted_are_no_failure() -> None:
    both = (container(f"migrate{number}", "exited", exit_code=0) for number in (1, 2))
    assert compose_judge().judge(sight(0.0, member("migrate", *both, expected=1))).state is State.ENDED_WELL


@pytest.mark.parametrize(("number", "rest"), [(1, ""), (3, ""), (4, ", …"), (5, ", …")])
def test_of_many_members_that_still_run_three_are_named(number: int, rest: str) -> None:
    up = [member(f"web{each}", container(f"web{each}")) for each in range(number)]
    verdict = compose_judge().judge(sight(0.0, member("db", container("db", "exited", exit_code=1)), *up))
    names = ", ".join(f"web{each}" for each in range(min(number, 3)))
    assert verdict.still_runs == f"running: {names}{rest}"


@pytest.mark.parametrize(("number", "rest"), [(1, " runs on"), (3, " run on"), (4, ", … run on")])
def test_of_many_members_of_which_nothing_was_recreated_three_are_named(number: int, rest: str) -> None:
    kept = [member(f"web{each}", container(f"web{each}", made=0.0, started=0.0)) for each in range(number)]
    verdict = verdict_on(compose_judge(before(*kept)), *kept)
    names = ", ".join(f"web{each}" for each in range(min(number, 3)))
    assert verdict.warnings[0].startswith(f"Nothing was recreated: {names}{rest} as before")
