"""Does the new version really run? Verdicts over what Swarm was recorded to say, and over what it could say."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulumi_dokploy_deployments.api.swarm_models import Container, ServiceInspection, ServiceTask, TaskInspection
from pulumi_dokploy_deployments.workload.health import (
    CRASH_LOOP_TASKS,
    NO_NODE_SECONDS,
    NO_TASKS_SECONDS,
    ROLLBACK_PATIENCE_SECONDS,
    STABLE_SECONDS,
    ContainerJudge,
    Health,
    SwarmJudge,
    SwarmObservation,
    Verdict,
)
from tests.support.builders import EPOCH, inspected, swarm_service, task, transcript

STARTED = 100.0
"""Seconds since the test's epoch at which the deployment's row was made."""


def _judge(*earlier: str, **more: Any) -> SwarmJudge:
    return SwarmJudge(since=EPOCH + timedelta(seconds=STARTED), earlier_tasks=frozenset(earlier), **more)


def _seen(
    at: float,
    *tasks: ServiceTask,
    service: ServiceInspection | None = None,
    made: dict[str, float] | None = None,
    expected: int | None = 1,
) -> SwarmObservation:
    """An observation; tasks without a time of their own were made just after the deployment's update."""
    times = made or {}
    return SwarmObservation(
        at=at,
        tasks=tasks,
        inspected={each.task_id: inspected(each.task_id, at=times.get(each.task_id, STARTED + 9)) for each in tasks},
        service=service,
        expected_replicas=expected,
    )


def _watch(judge: SwarmJudge, *tasks: ServiceTask, seconds: float = 60.0, **more: Any) -> Verdict:
    """Look once a second at something that does not change, until the verdict is final or the time is over."""
    at, verdict = 0.0, judge.judge(_seen(0.0, *tasks, **more))
    while not verdict.is_final and at < seconds:
        at += 1.0
        verdict = judge.judge(_seen(at, *tasks, **more))
    return verdict


# --- what was recorded ------------------------------------------------------------------------------------------


def _recorded(name: str, *, replicas: int = 1, until: float = 60.0) -> list[tuple[float, Verdict]]:
    """The verdicts over a recording, looked at once a second; between its polls nothing changed."""
    polls = transcript(name)["polls"]
    update = polls[0]["getConfig_of_service"]["UpdateStatus"]
    began = datetime.fromisoformat(update["StartedAt"][:26] + "+00:00") if update else EPOCH
    first = polls[0]["getServiceContainersByAppName"][1]
    new = {
        each["containerId"]
        for poll in polls
        for each in poll["getServiceContainersByAppName"][1]
        if each["containerId"] not in _BEFORE.get(name, frozenset(each["containerId"] for each in first[1:]))
    }
    earlier = frozenset(
        each["containerId"] for poll in polls for each in poll["getServiceContainersByAppName"][1]
    ) - frozenset(new)
    judge = SwarmJudge(since=began - timedelta(milliseconds=60), earlier_tasks=earlier)
    verdicts: list[tuple[float, Verdict]] = []
    at = polls[0]["ms"] / 1000
    while at <= until:
        poll = [each for each in polls if each["ms"] <= at * 1000][-1]
        shown = poll["getConfig_of_service"]
        tasks = [ServiceTask.model_validate(each) for each in poll["getServiceContainersByAppName"][1]]
        service = ServiceInspection.model_validate(
            {
                "ID": "swarm-service-1",
                "Spec": {
                    "TaskTemplate": {"ContainerSpec": {"Image": shown["image"]}},
                    "Mode": {"Replicated": {"Replicas": replicas}},
                },
                "UpdateStatus": shown["UpdateStatus"],
            }
        )
        made = {
            each: TaskInspection.model_validate(
                {"ID": each, "ServiceID": "swarm-service-1", "CreatedAt": began + timedelta(milliseconds=1)}
            )
            for each in new
        }
        verdict = judge.judge(SwarmObservation(at, tuple(tasks), made, service))
        verdicts.append((at, verdict))
        if verdict.is_final:
            break
        at += 1.0
    return verdicts


_BEFORE = {
    "317-tasks-crash-loop": frozenset({"o9r66gqii6jqj3vcy4taqgbiv", "mddvu1oh2z9ruabvo84lkcoz3"}),
    "313-tasks-after-deploy": frozenset[str](),
}
_BEFORE |= {
    name: frozenset(
        each["containerId"]
        for each in transcript(name)["polls"][0]["getServiceContainersByAppName"][1]
        if not each["containerId"].startswith(new)
    )
    for name, new in {
        "321-tasks-swarm-rollback": ("zkfei4", "tq4xr7"),
        "325-tasks-exit-1-default-update-config": ("he94hx", "7tlb3u", "azjzgp"),
        "329-tasks-3-replicas": ("hje4g7", "n24b6q", "tur3ay"),
    }.items()
}


@pytest.mark.parametrize(
    ("name", "replicas", "tasks"),
    [
        ("313-tasks-after-deploy", 1, "1 new task runs"),
        ("315-tasks-update-ok", 1, "1 new task runs"),
        ("319-tasks-recovered", 1, "1 new task runs"),
        ("329-tasks-3-replicas", 3, "3 new tasks run"),
    ],
)
def test_recorded_good_updates_are_healthy_after_the_window_and_not_before(
    name: str, replicas: int, tasks: str
) -> None:
    verdicts = _recorded(name, replicas=replicas)
    at, last = verdicts[-1]
    assert last.health is Health.HEALTHY
    assert last.reason == f"{tasks} and stayed up for 5 s"
    assert at - verdicts[0][0] >= STABLE_SECONDS
    assert {verdict.health for _, verdict in verdicts[:-1]} == {Health.PENDING}


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("317-tasks-crash-loop", "starting container failed: failed to create shim task"),
        ("321-tasks-swarm-rollback", "starting container failed: failed to create shim task"),
        ("325-tasks-exit-1-default-update-config", "task: non-zero exit (1)"),
    ],
)
def test_recorded_rollbacks_of_swarm_are_named_with_the_tasks_error_and_what_still_runs(name: str, error: str) -> None:
    verdicts = _recorded(name)
    at, last = verdicts[-1]
    assert last.health is Health.UNHEALTHY
    assert last.reason.startswith(f"the new version's tasks failed and Swarm went back to the earlier version: {error}")
    assert last.still_runs == "the earlier version still runs (1 task, image 127.0.0.1:5055/bb:2)"
    assert at < 5.0, "it is told as soon as Swarm has gone back"


def test_the_recorded_health_check_that_never_passes_is_told_with_docker_s_words() -> None:
    verdicts = _recorded("323-tasks-unhealthy")
    assert verdicts[0][1] == Verdict(Health.PENDING, "0 of 1 new tasks run (starting)")
    assert verdicts[-1][1].health is Health.UNHEALTHY
    assert "dockerexec: unhealthy container" in verdicts[-1][1].reason
    assert verdicts[-1][1].still_runs.startswith("the earlier version still runs")


def test_the_recorded_paused_update_is_told_and_that_nothing_runs() -> None:
    at, last = _recorded("327-tasks-update-paused")[-1]
    assert last == Verdict(
        Health.UNHEALTHY,
        "Swarm paused the update because the new version's tasks fail: task: non-zero exit (1)",
        "nothing of the service runs at the moment",
    )
    assert 10.0 < at < 12.0


@pytest.mark.parametrize("name", ["337-running-after-rollback-6s", "339-running-after-next-deploy", "334-running-v3"])
def test_recorded_tasks_are_made_after_the_start_of_the_update_that_makes_them(name: str) -> None:
    view = transcript(name)
    update = view["service"]["UpdateStatus"]["StartedAt"]
    assert view["inspected"][1]["created"] < update <= view["inspected"][0]["created"]


# --- healthy ----------------------------------------------------------------------------------------------------


def test_a_first_creation_has_no_update_and_is_healthy_after_the_window() -> None:
    judge = _judge()
    assert judge.judge(_seen(0.0, task("a"), service=swarm_service())).health is Health.PENDING
    assert judge.judge(_seen(4.9, task("a"), service=swarm_service())).health is Health.PENDING
    assert judge.judge(_seen(5.0, task("a"), service=swarm_service())).health is Health.HEALTHY


def test_the_error_that_the_server_s_trimming_makes_up_is_no_error() -> None:
    assert _watch(_judge(), task("a", error="Error:"), service=swarm_service()).health is Health.HEALTHY


def test_an_old_task_that_still_runs_is_not_the_new_version() -> None:
    verdict = _watch(_judge("old"), task("old"), service=swarm_service())
    assert verdict == Verdict(Health.PENDING, "0 of 1 new tasks run")


def test_a_task_made_before_the_deployment_is_old_even_if_it_was_not_noted_before() -> None:
    verdict = _watch(_judge(), task("a"), service=swarm_service(), made={"a": STARTED - 5.0})
    assert verdict.health is Health.PENDING


def test_a_task_that_could_not_be_inspected_proves_nothing() -> None:
    seen = SwarmObservation(0.0, (task("a"),), {}, swarm_service(), 1)
    judge = _judge()
    assert [judge.judge(SwarmObservation(float(at), *_parts(seen))).health for at in range(8)] == [Health.PENDING] * 8


def _parts(seen: SwarmObservation) -> tuple[Any, ...]:
    return seen.tasks, seen.inspected, seen.service, seen.expected_replicas


def test_while_swarm_still_updates_nothing_is_healthy() -> None:
    judge = _judge()
    updating = swarm_service(update="updating", started=STARTED + 8)
    assert _watch(judge, task("a"), service=updating, seconds=30).health is Health.PENDING
    completed = swarm_service(update="completed", started=STARTED + 8)
    assert judge.judge(_seen(31.0, task("a"), service=completed)).health is Health.HEALTHY


def test_the_window_begins_anew_when_a_task_is_replaced() -> None:
    judge = _judge()
    service = swarm_service()
    judge.judge(_seen(0.0, task("a"), service=service))
    judge.judge(_seen(4.0, task("b"), service=service))
    assert judge.judge(_seen(6.0, task("b"), service=service)).health is Health.PENDING
    assert judge.judge(_seen(9.0, task("b"), service=service)).health is Health.HEALTHY


def test_fewer_tasks_than_asked_for_are_not_healthy() -> None:
    three = swarm_service(replicas=3)
    verdict = _watch(_judge(), task("a", slot=1), task("b", slot=2), service=three)
    assert verdict == Verdict(Health.PENDING, "2 of 3 new tasks run (running)")


def test_a_service_that_asks_for_no_replicas_needs_nothing_to_run() -> None:
    for verdict in (
        _judge().judge(_seen(0.0, service=swarm_service(replicas=0))),
        _judge().judge(_seen(0.0, service=None, expected=0)),
    ):
        assert verdict.health is Health.HEALTHY
        assert "no replicas" in verdict.reason


def test_a_global_service_is_healthy_when_all_of_its_new_tasks_run() -> None:
    service = swarm_service(mode={"Global": {}})
    starting = _seen(0.0, task("a"), task("b", slot=2, current="Starting 1 second ago"), service=service, expected=None)
    judge = _judge()
    assert judge.judge(starting).health is Health.PENDING
    both = (task("a"), task("b", slot=2))
    assert _watch(judge, *both, service=service, expected=None).reason.startswith("2 new tasks run")


# --- not healthy ------------------------------------------------------------------------------------------------


def _failed(number: int, error: str = "task: non-zero exit (1)") -> ServiceTask:
    return task(f"failed{number}", desired="shutdown", current="Failed 3 seconds ago", error=error)


def test_a_crash_loop_is_told_after_three_failed_tasks_and_with_their_error() -> None:
    judge = _judge()
    service = swarm_service()
    for number in range(1, CRASH_LOOP_TASKS):
        verdict = judge.judge(_seen(float(number), _failed(number), service=service))
        assert verdict == Verdict(Health.PENDING, f"0 of 1 new tasks run; {number} failed so far")
    verdict = judge.judge(_seen(9.0, _failed(3), service=service))
    assert verdict.reason == ("the new version crashes again and again (3 tasks have failed): task: non-zero exit (1)")
    assert verdict.still_runs == "nothing of the service runs at the moment"


def test_a_service_that_waits_for_another_may_fail_once_or_twice() -> None:
    assert _watch(_judge(), task("a"), _failed(1), _failed(2), service=swarm_service()).health is Health.HEALTHY


def test_an_old_version_that_crashed_all_through_the_build_is_not_held_against_the_new_one() -> None:
    """Tasks of the old version, made between our row's start and Swarm's update, are not the new version's."""
    build_ends = STARTED + 60.0
    crashed = [_failed(number) for number in range(4)]
    made = {each.task_id: STARTED + 10.0 * (number + 1) for number, each in enumerate(crashed)}
    completed = swarm_service(update="completed", started=build_ends)
    made["new"] = build_ends + 0.001
    verdict = _watch(_judge("older"), task("new"), *crashed, service=completed, made=made)
    assert verdict.health is Health.HEALTHY


def test_a_new_version_that_crashes_after_a_crashing_old_one_is_told() -> None:
    judge = _judge("older")
    made = {f"failed{number}": STARTED + 60.5 + number for number in range(4)}
    for number in range(4):
        update = swarm_service(update="updating", started=STARTED + 60)
        verdict = judge.judge(_seen(float(number), _failed(number), service=update, made=made))
    assert verdict.health is Health.UNHEALTHY


def test_a_database_goes_by_the_tasks_that_were_there_before() -> None:
    judge = SwarmJudge(since=None, earlier_tasks=frozenset({"old"}))
    assert judge.judge(_seen(0.0, task("old"), service=swarm_service())).health is Health.PENDING
    assert _watch(judge, task("new"), service=swarm_service()).health is Health.HEALTHY


@pytest.mark.parametrize("started", [STARTED - 300.0, STARTED - 1.5])
@pytest.mark.parametrize("state", ["rollback_completed", "paused", "updating"])
def test_the_status_of_an_earlier_update_says_nothing_of_this_one(state: str, started: float) -> None:
    stale = swarm_service(update=state, started=started)
    assert _watch(_judge("old"), task("a"), service=stale).health is Health.HEALTHY


def test_a_database_s_earlier_update_is_known_by_its_start() -> None:
    stale = swarm_service(update="rollback_completed", started=50.0)
    judge = SwarmJudge(None, frozenset({"old"}), earlier_update=EPOCH + timedelta(seconds=50))
    assert _watch(judge, task("a"), service=stale).health is Health.HEALTHY


def test_a_rollback_that_does_not_end_is_told_as_it_stands() -> None:
    rolling = swarm_service(update="rollback_started", started=STARTED + 8)
    judge = _judge("old")
    assert judge.judge(_seen(0.0, task("old"), service=rolling)).health is Health.PENDING
    late = judge.judge(_seen(ROLLBACK_PATIENCE_SECONDS, task("old"), service=rolling))
    assert late.health is Health.UNHEALTHY
    assert "still going back to the earlier version" in late.reason


def test_a_rollback_that_failed_as_well_is_not_called_a_return() -> None:
    paused = swarm_service(update="rollback_paused", started=STARTED + 8)
    verdict = _judge("old").judge(_seen(0.0, _failed(1), service=paused))
    assert verdict.health is Health.UNHEALTHY
    assert "went back" not in verdict.reason
    assert "going back to the earlier version failed as well" in verdict.reason
    assert verdict.still_runs == "nothing of the service runs at the moment"


def test_a_task_that_finds_no_node_is_told_with_swarm_s_reason() -> None:
    pending = task("a", current="Pending 3 seconds ago", node="", error="no suitable node (insufficient memory)")
    judge = _judge()
    assert _watch(judge, pending, service=swarm_service(), seconds=NO_NODE_SECONDS - 1).health is Health.PENDING
    verdict = _watch(judge, pending, service=swarm_service(), seconds=NO_NODE_SECONDS + 1)
    assert verdict.reason == "Swarm can't start the new version's tasks: no suitable node (insufficient memory)"


def test_a_pending_task_without_an_error_is_waited_for() -> None:
    pending = task("a", current="Pending 3 seconds ago", node="")
    assert _watch(_judge(), pending, service=swarm_service(), seconds=300).health is Health.PENDING


def test_a_service_without_any_task_is_told_here_and_unknown_on_a_remote_server() -> None:
    local = _watch(_judge(), service=swarm_service())
    assert local == Verdict(Health.UNHEALTHY, "Swarm knows no task of the service", "nothing of the service runs")
    assert _watch(_judge(is_remote=True), service=None).health is Health.UNKNOWN
    assert _watch(_judge(), seconds=NO_TASKS_SECONDS - 1).health is Health.PENDING


# --- jobs -------------------------------------------------------------------------------------------------------

JOB = {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}}


def _ended(number: int) -> ServiceTask:
    return task(f"done{number}", desired="complete", current="Complete 2 seconds ago")


def test_a_job_is_done_when_its_task_has_run_to_its_end() -> None:
    service = swarm_service(mode=JOB)
    judge = _judge()
    running = task("a", desired="complete", current="Running 2 seconds ago")
    assert judge.judge(_seen(0.0, running, service=service)).health is Health.PENDING
    assert judge.judge(_seen(1.0, _ended(1), service=service)).health is Health.HEALTHY


def test_a_job_whose_only_task_failed_has_not_run_to_its_end() -> None:
    service = swarm_service(mode=JOB)
    verdict = _judge().judge(_seen(0.0, _failed(1), service=service))
    assert verdict.health is Health.PENDING


def test_a_job_that_succeeds_after_a_failure_is_done() -> None:
    service = swarm_service(mode=JOB)
    assert _judge().judge(_seen(0.0, _ended(1), _failed(1), service=service)).health is Health.HEALTHY


def test_a_job_whose_tasks_keep_failing_is_told() -> None:
    service = swarm_service(mode=JOB)
    tasks = [_failed(number) for number in range(CRASH_LOOP_TASKS)]
    verdict = _judge().judge(_seen(0.0, *tasks, service=service))
    assert verdict == Verdict(Health.UNHEALTHY, "the job's tasks fail: task: non-zero exit (1)")


def test_an_old_run_of_a_job_does_not_count() -> None:
    service = swarm_service(mode=JOB)
    assert _judge("done1").judge(_seen(0.0, _ended(1), service=service)).health is Health.PENDING


# --- any course of events ---------------------------------------------------------------------------------------

TASKS = st.builds(
    task,
    st.sampled_from(["old", "a", "b", "c", "d"]),
    slot=st.integers(1, 3),
    desired=st.sampled_from(["running", "running", "running", "ready", "shutdown"]),
    current=st.sampled_from(["Running 1 second ago"] * 4 + ["Starting now", "Failed now", "Pending now", "Odd"]),
)
SIGHTS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.5, 1.0, 2.0, 6.0]),
        st.lists(TASKS, max_size=5, unique_by=lambda each: each.task_id),
        st.sampled_from([None, "updating", "completed", "completed", "rollback_started", "paused", "a newer word"]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(SIGHTS, st.integers(1, 3))
def test_healthy_only_when_as_many_new_tasks_as_expected_ran_for_the_whole_window(
    sights: list[tuple[float, list[ServiceTask], str | None]], expected: int
) -> None:
    judge = _judge("old")
    at = 0.0
    ran: list[tuple[float, frozenset[str]]] = []
    for pause, tasks, update in sights:
        at += pause
        service = swarm_service(update=update, started=STARTED + 5, replicas=expected)
        up = {
            each.task_id
            for each in tasks
            if each.task_id != "old" and each.desired_state == "running" and each.phase == "running"
        }
        ran.append((at, frozenset(up)))
        verdict = judge.judge(_seen(at, *tasks, service=service))
        assert verdict.reason
        if verdict.health is Health.HEALTHY:
            earlier = [number for number, (when, _) in enumerate(ran) if when <= at - STABLE_SECONDS]
            assert earlier, "healthy before the window was over"
            within = [running for _, running in ran[max(earlier) :]]
            assert len(frozenset.intersection(*within)) >= expected
            assert update not in ("updating", "rollback_started", "rollback_completed", "paused")


# --- composes ---------------------------------------------------------------------------------------------------


def _container(name: str, state: str = "running", status: str = "Up 5 seconds") -> Container:
    return Container(container_id=f"id-{name}", name=name, state=state, status=status)


def _watch_containers(*containers: Container, seconds: int = 30) -> Verdict:
    judge = ContainerJudge()
    verdict = judge.judge(0.0, list(containers))
    for at in range(1, seconds):
        if verdict.is_final:
            break
        verdict = judge.judge(float(at), list(containers))
    return verdict


def test_a_compose_is_healthy_when_its_containers_stay_up() -> None:
    judge = ContainerJudge()
    both = [_container("web"), _container("db", status="Up 2 minutes (healthy)")]
    assert judge.judge(0.0, both).health is Health.PENDING
    assert judge.judge(4.0, both).health is Health.PENDING
    assert judge.judge(5.0, both) == Verdict(Health.HEALTHY, "2 containers run and stayed up for 5 s")


def test_a_container_that_ran_once_and_ended_well_is_no_failure() -> None:
    verdict = _watch_containers(_container("web"), _container("migrate", "exited", "Exited (0) 3 seconds ago"))
    assert verdict.health is Health.HEALTHY


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("exited", "Exited (1) 3 seconds ago"),
        ("dead", "Dead"),
        ("running", "Up 2 minutes (unhealthy)"),
    ],
)
def test_a_container_that_is_not_well_is_named_with_docker_s_words(state: str, status: str) -> None:
    verdict = _watch_containers(_container("web"), _container("worker", state, status))
    assert verdict.health is Health.UNHEALTHY
    assert f"worker: {status}" in verdict.reason
    assert "web" in verdict.still_runs


def test_starting_containers_are_waited_for_and_begin_the_window_anew() -> None:
    judge = ContainerJudge()
    judge.judge(0.0, [_container("web")])
    starting = [_container("web"), _container("db", status="Up 1 second (health: starting)")]
    assert judge.judge(4.0, starting).reason == "1 of 2 containers are starting"
    ready = [_container("web"), _container("db")]
    assert judge.judge(6.0, ready).health is Health.PENDING
    assert judge.judge(11.0, ready).health is Health.HEALTHY


def test_a_compose_without_containers_is_unknown_and_not_healthy() -> None:
    verdict = _watch_containers()
    assert verdict == Verdict(Health.UNKNOWN, "the server reports no containers for this compose")


def test_a_compose_in_which_everything_has_ended_is_not_called_running() -> None:
    verdict = _watch_containers(_container("migrate", "exited", "Exited (0) 3 seconds ago"))
    assert verdict.health is Health.HEALTHY
    assert verdict.reason == "all containers have run to their end"


def test_a_container_that_restarts_once_while_it_waits_for_another_is_no_failure() -> None:
    judge = ContainerJudge()
    restarting = _container("web", "restarting", "Restarting (1) 1 second ago")
    assert judge.judge(0.0, [restarting, _container("db")]).reason == "restarting: web: Restarting (1) 1 second ago"
    assert judge.judge(2.0, [_container("web"), _container("db")]).health is Health.PENDING
    assert judge.judge(7.0, [_container("web"), _container("db")]).health is Health.HEALTHY


def test_a_container_that_keeps_restarting_is_told_even_if_it_is_up_in_between() -> None:
    judge = ContainerJudge()
    restarting, up = _container("web", "restarting", "Restarting (1) 1 second ago"), _container("web")
    verdicts = [judge.judge(float(at), [up if at % 3 == 1 else restarting]) for at in range(19)]
    assert verdicts[-1].health is Health.UNHEALTHY
    assert {verdict.health for verdict in verdicts[:15]} == {Health.PENDING}
    assert verdicts[-1].reason == "containers of the compose keep restarting (web: Restarting (1) 1 second ago)"
    assert verdicts[-1].still_runs == "nothing of the compose runs"
