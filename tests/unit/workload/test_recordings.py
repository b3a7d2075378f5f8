"""Every recorded course of events, through the real client and probe, to the right verdict at the right moment."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from pulumi_dokploy_deployments.workload.verdict import Health, NextStep, State
from tests.support.builders import TRANSCRIPTS, transcript
from tests.unit.workload.replay import Course, Outcome, course, play, swarm_course

GREEN, RED, OPEN = Health.HEALTHY, Health.UNHEALTHY, Health.PENDING
STABLE = "stayed up for 5 s"
KEPT = "Nothing was recreated"


class Case(NamedTuple):
    """A recording and what has to come of it."""

    recording: str
    health: Health
    state: State
    reason: str
    """A part of the reason; of the first warning where it begins with "Nothing"."""
    at: tuple[float, float]
    """Between which seconds after the first look the verdict is final; for a pending one, how long is looked."""
    next_step: NextStep = NextStep.NONE
    still_runs: str = ""
    continued_by: str | None = None
    stable_seconds: float = 5.0
    hold_seconds: float = 70.0
    is_same_without_baseline: bool = True


AT_ONCE = (0.0, 0.0)
AFTER_THE_WINDOW = (5.0, 6.5)
EXIT, IMAGE = NextStep.EXIT_CODE, NextStep.IMAGE
NOTHING = "nothing of it runs at the moment"

CASES = [
    # --- composes ---
    Case("500-cok", GREEN, State.NOTHING_RECREATED, KEPT, AFTER_THE_WINDOW),
    Case("501-ccrash", RED, State.CRASHING, "exit code 1", (16.0, 18.0), EXIT, NOTHING),
    Case("502-cexit", RED, State.FAILED, "will not be started again: exit code 3", AT_ONCE, EXIT, NOTHING),
    Case("503-chealth", RED, State.UNHEALTHY, "health check fails", AT_ONCE, NextStep.HEALTH_CHECK, NOTHING),
    Case("504-cjob", GREEN, State.NOTHING_RECREATED, "init: it has run to its end", AFTER_THE_WINDOW),
    Case("505-cloop4", RED, State.CRASHING, "exit code 1", (22.0, 24.0), EXIT, NOTHING),
    Case("506-cloop9", RED, State.CRASHING, "exit code 1", (23.0, 25.5), EXIT, NOTHING),
    Case("507-cbroken", RED, State.GONE, "there is no container of it", (15.0, 16.0), still_runs=NOTHING),
    Case("515-cscale", GREEN, State.NOTHING_RECREATED, "3 containers run and stayed up", AFTER_THE_WINDOW),
    Case("516-cprofile", GREEN, State.NOTHING_RECREATED, "web: 1 container runs", AFTER_THE_WINDOW),
    Case("530-cok", OPEN, State.ROLLING, "(created)", (1.0, 2.0), hold_seconds=1.0),
    Case(
        "530-cok", GREEN, State.RUNNING, "1 new container runs and stayed up", AFTER_THE_WINDOW, continued_by="531-cok"
    ),
    Case(
        "531-cok",
        RED,
        State.CRASHING,
        "web: it crashes again and again (it has ended 5 times): exit code 7",
        (15.0, 17.5),
        EXIT,
        "running: db",
        continued_by="532-cok",
    ),
    Case("532-cok", GREEN, State.RUNNING, "1 container runs", AFTER_THE_WINDOW, is_same_without_baseline=False),
    Case("533-cok", GREEN, State.NOTHING_RECREATED, KEPT, AFTER_THE_WINDOW),
    Case("534-cok-redeploy", GREEN, State.NOTHING_RECREATED, KEPT, AFTER_THE_WINDOW),
    Case("543-rcompose", GREEN, State.NOTHING_RECREATED, KEPT, AFTER_THE_WINDOW),
    Case("571-cok", OPEN, State.ROLLING, "web: no container yet", (1.0, 2.0), hold_seconds=1.0),
    Case("571-cok", GREEN, State.RUNNING, "1 new container runs", (5.0, 9.5), continued_by="572-cok"),
    Case("572-cok", OPEN, State.ROLLING, "(created)", (2.0, 4.0), hold_seconds=1.0),
    Case("573-cok", GREEN, State.RUNNING, STABLE, AFTER_THE_WINDOW, is_same_without_baseline=False),
    Case("602-v0.29.8-cok", GREEN, State.RUNNING, "1 new container runs", AFTER_THE_WINDOW),
    # --- stacks ---
    Case("508-cstack", GREEN, State.NOTHING_RECREATED, "2 tasks run and stayed up", AFTER_THE_WINDOW),
    Case(
        "509-cstackbad",
        RED,
        State.CRASHING,
        "task: non-zero exit (1)",
        AT_ONCE,
        EXIT,
        NOTHING,
        is_same_without_baseline=False,
    ),
    Case(
        "510-cstack2",
        RED,
        State.CRASHING,
        "web: it crashes again and again",
        (3.0, 6.0),
        EXIT,
        "running: db",
        is_same_without_baseline=False,
    ),
    Case("535-cstackbad", GREEN, State.RUNNING, "1 new task runs and stayed up", (8.0, 10.0)),
    Case(
        "536-cstackbad",
        RED,
        State.ROLLED_BACK,
        "Swarm went back to the earlier version: task: non-zero exit (7)",
        (22.0, 24.0),
        EXIT,
        "the earlier version still runs (1 task, image 127.0.0.1:5055/bb:1)",
        continued_by="537-cstackbad",
    ),
    Case("537-cstackbad", OPEN, State.ROLLING, "0 of 1 new task runs (ready)", (70.0, 71.0)),
    Case(
        "538-cstackbad", RED, State.ROLLED_BACK, "No such image: 127.0.0.1:5055/nosuch:9", (10.0, 12.0), IMAGE, NOTHING
    ),
    Case("603-v0.29.8-cstackbad", RED, State.CRASHING, "3 tasks have failed", (12.0, 14.0), EXIT, NOTHING),
    Case("604-v0.29.8-cstackbad", GREEN, State.RUNNING, "1 new task runs and stayed up", (8.0, 10.0)),
    # --- applications ---
    Case("520-exit0", RED, State.ENDS_AGAIN, "ends with exit code 0", (14.0, 16.0), NextStep.RESTART_POLICY, NOTHING),
    Case("521-once0", GREEN, State.ENDED_WELL, "it has run to its end", (2.9, 4.0)),
    Case(
        "522-once7", RED, State.FAILED, "will not be started again: task: non-zero exit (7)", (2.4, 3.5), EXIT, NOTHING
    ),
    Case("523-max2", RED, State.FAILED, "has ended 3 times and will not be started again", (9.9, 11.0), EXIT, NOTHING),
    Case("524-fatal", RED, State.CRASHING, "task: non-zero exit (7)", (15.0, 18.0), EXIT, NOTHING),
    Case("525-late", GREEN, State.RUNNING, STABLE, (5.0, 8.0)),
    Case("525-late", RED, State.CRASHING, "2 tasks have failed", (28.0, 30.0), EXIT, NOTHING, stable_seconds=15.0),
    Case("526-slowready", GREEN, State.RUNNING, STABLE, (20.0, 23.0)),
    Case("527-hplace", RED, State.UNPLACEABLE, "constraints not satisfied", (30.0, 31.0), NextStep.PLACEMENT, NOTHING),
    Case("540-hostport", GREEN, State.RUNNING, STABLE, (6.0, 8.0)),
    Case(
        "541-hostport",
        RED,
        State.UNPLACEABLE,
        "no suitable node (host-mode port already in use on 1 node)",
        (30.0, 31.0),
        NextStep.PORT,
        "the earlier version still runs (1 task, image 127.0.0.1:5055/bb:1)",
    ),
    Case("542-rcrash", RED, State.ROLLED_BACK, "task: non-zero exit (1)", AT_ONCE, EXIT, NOTHING),
    Case("574-named", RED, State.GONE, "there is no task of it", (15.0, 16.0), still_runs=NOTHING),
    Case("575-named", RED, State.GONE, "there is no task of it", (15.0, 16.0), still_runs=NOTHING),
    Case("605-v0.29.8-docker", GREEN, State.RUNNING, "1 new task runs and stayed up", (5.0, 7.0)),
]

WITHOUT_BASELINE = {
    "509-cstackbad": (State.CRASHING, "3 tasks have failed"),
    "510-cstack2": (State.CRASHING, "web: it crashes again and again (2 tasks have failed)"),
    "532-cok": (State.NOTHING_RECREATED, "1 container runs"),
    "573-cok": (State.NOTHING_RECREATED, "1 container runs"),
}
"""What can be said by the deployment's start alone, where that is less than what the comparison gives."""


def _id(case: Case) -> str:
    more = f"+{case.continued_by}" if case.continued_by else ""
    return f"{case.recording}{more}-{case.stable_seconds:g}s"


def _check(case: Case, events: Course, outcome: Outcome) -> None:
    verdict = outcome.verdict
    assert (verdict.health, verdict.state) == (case.health, case.state), verdict
    said = " ".join((verdict.reason, *verdict.warnings))
    assert case.reason in said
    waited = outcome.at - events.begins
    assert case.at[0] - 0.01 <= waited <= case.at[1], f"after {waited:.1f} s: {verdict.reason}"


@pytest.mark.parametrize("case", CASES, ids=_id)
async def test_each_recorded_course_of_events_gets_its_verdict_at_its_moment(case: Case) -> None:
    events = course(case.recording, continued_by=case.continued_by)
    outcome = await play(events, stable_seconds=case.stable_seconds, hold_seconds=case.hold_seconds)
    _check(case, events, outcome)
    assert {verdict.health for _, verdict in outcome.seen[:-1]} <= {Health.PENDING}
    assert outcome.verdict.next_step is case.next_step
    if case.still_runs:
        assert outcome.verdict.still_runs == case.still_runs
    if case.health is RED and case.state is not State.GONE:
        assert outcome.verdict.failed_unit is not None


@pytest.mark.parametrize("case", CASES, ids=_id)
async def test_without_a_baseline_the_start_of_the_deployment_tells_old_from_new(case: Case) -> None:
    events = course(case.recording, continued_by=case.continued_by)
    outcome = await play(events, stable_seconds=case.stable_seconds, hold_seconds=case.hold_seconds, has_baseline=False)
    if case.is_same_without_baseline:
        _check(case, events, outcome)
        return
    state, reason = WITHOUT_BASELINE[case.recording]
    assert (outcome.verdict.health, outcome.verdict.state) == (case.health, state)
    assert reason in outcome.verdict.reason


@pytest.mark.parametrize("case", CASES, ids=_id)
async def test_a_look_costs_two_requests_and_one_for_each_unit_that_is_new_or_has_changed(case: Case) -> None:
    events = course(case.recording, continued_by=case.continued_by)
    outcome = await play(events, stable_seconds=case.stable_seconds, hold_seconds=case.hold_seconds)
    units = len({unit for _, shown in events.steps for unit in shown["getConfig"]})
    services = len({unit for _, shown in events.steps for unit in shown["getConfig_of_services"]})
    assert outcome.asked[0] <= 3 + units + services
    steady = [count for count in outcome.asked if count <= 2]
    assert len(steady) >= len(outcome.asked) - len(events.steps) - 3


def test_no_recording_of_what_runs_is_left_out() -> None:
    recorded = {
        path
        for number in (*range(500, 544), *range(571, 576), *range(602, 606))
        for path in _named(number)
        if "polls" in transcript(path)
    }
    assert recorded == {case.recording for case in CASES}


def _named(number: int) -> list[str]:
    return [path.stem for path in TRANSCRIPTS.glob(f"{number}-*.json")]


async def test_the_profile_that_is_not_active_is_told_and_not_missed() -> None:
    outcome = await play(course("516-cprofile"))
    assert outcome.verdict.notes == ("mig: its profile is not active",)


async def test_a_one_off_container_is_told_and_not_judged() -> None:
    events = course("533-cok")
    listed = events.before["getContainersByAppNameMatch"]
    for _, shown in events.steps:
        # In the recording --remove-orphans takes it away; where it stays, it is none of the deployment's.
        shown["getContainersByAppNameMatch"] = listed
        shown["getConfig"] = events.before["getConfig"]
    verdict = (await play(events)).verdict
    assert verdict.health is GREEN
    assert [note for note in verdict.notes if "one-off container" in note]


async def test_what_runs_is_told_by_name_number_and_image() -> None:
    verdict = (await play(course("515-cscale"))).verdict
    assert verdict.running == [{"name": "web", "tasks": 3, "image": "127.0.0.1:5055/bb:1"}]


# --- one Swarm service, recorded in the older shape -------------------------------------------------------------


def _ids(name: str, *new: str) -> frozenset[str]:
    listed = transcript(name)["polls"][0]["getServiceContainersByAppName"][1]
    return frozenset(each["containerId"] for each in listed if not each["containerId"].startswith(new))


FIRST: tuple[str, ...] = ("",)


@pytest.mark.parametrize(
    ("name", "replicas", "new", "tasks"),
    [
        ("313-tasks-after-deploy", 1, FIRST, "1 new task runs"),
        ("315-tasks-update-ok", 1, ("o9r66g",), "1 new task runs"),
        ("319-tasks-recovered", 1, None, "1 new task runs"),
        ("329-tasks-3-replicas", 3, ("hje4g7", "n24b6q", "tur3ay"), "3 new tasks run"),
    ],
)
async def test_recorded_good_updates_are_healthy_after_the_window_and_not_before(
    name: str, replicas: int, new: tuple[str, ...] | None, tasks: str
) -> None:
    outcome = await play(swarm_course(name, replicas=replicas, before=_before(name, new)))
    assert outcome.verdict.reason == f"{tasks} and stayed up for 5 s"
    assert outcome.seen[-1][0] - outcome.seen[0][0] >= 5.0
    assert {verdict.health for _, verdict in outcome.seen[:-1]} == {Health.PENDING}


def _before(name: str, new: tuple[str, ...] | None) -> frozenset[str]:
    if new is None:
        listed = transcript(name)["polls"][0]["getServiceContainersByAppName"][1]
        return frozenset(each["containerId"] for each in listed[1:])
    return _ids(name, *new)


@pytest.mark.parametrize(
    ("name", "new", "error"),
    [
        ("317-tasks-crash-loop", None, "starting container failed: failed to create shim task"),
        ("321-tasks-swarm-rollback", ("zkfei4", "tq4xr7"), "starting container failed: failed to create shim task"),
        ("325-tasks-exit-1-default-update-config", ("he94hx", "7tlb3u", "azjzgp"), "task: non-zero exit (1)"),
    ],
)
async def test_recorded_rollbacks_of_swarm_are_named_with_the_tasks_error_and_what_still_runs(
    name: str, new: tuple[str, ...] | None, error: str
) -> None:
    before = frozenset({"o9r66gqii6jqj3vcy4taqgbiv", "mddvu1oh2z9ruabvo84lkcoz3"}) if new is None else _ids(name, *new)
    outcome = await play(swarm_course(name, before=before))
    verdict = outcome.verdict
    assert verdict.state is State.ROLLED_BACK
    assert verdict.reason.startswith(
        f"the new version's tasks failed and Swarm went back to the earlier version: {error}"
    )
    assert verdict.still_runs == "the earlier version still runs (1 task, image 127.0.0.1:5055/bb:2)"
    assert outcome.at < 5.0, "it is told as soon as Swarm has gone back"


async def test_the_recorded_health_check_that_never_passes_is_told_with_docker_s_words() -> None:
    name = "323-tasks-unhealthy"
    outcome = await play(swarm_course(name, before=_before(name, None)))
    assert outcome.seen[0][1].reason == "0 of 1 new task runs (starting)"
    assert outcome.verdict.state is State.ROLLED_BACK
    assert outcome.verdict.next_step is NextStep.HEALTH_CHECK
    assert "dockerexec: unhealthy container" in outcome.verdict.reason
    assert outcome.verdict.still_runs.startswith("the earlier version still runs")


async def test_the_recorded_paused_update_is_told_and_that_nothing_runs() -> None:
    name = "327-tasks-update-paused"
    outcome = await play(swarm_course(name, before=_before(name, None)))
    assert outcome.verdict.state is State.PAUSED
    assert outcome.verdict.reason == (
        "Swarm paused the update because the new version's tasks fail: task: non-zero exit (1)"
    )
    assert outcome.verdict.still_runs == NOTHING
    assert 10.0 < outcome.at < 12.0


@pytest.mark.parametrize("name", ["337-running-after-rollback-6s", "339-running-after-next-deploy", "334-running-v3"])
def test_recorded_tasks_are_made_after_the_start_of_the_update_that_makes_them(name: str) -> None:
    view: dict[str, Any] = transcript(name)
    update = view["service"]["UpdateStatus"]["StartedAt"]
    assert view["inspected"][1]["created"] < update <= view["inspected"][0]["created"]
