"""What becomes of what a good deployment starts: green only where it runs, red with the cause and its last words."""

from __future__ import annotations

import pytest

from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.rollout.errors import DeploymentFailed, DeploymentTimedOut, ServiceUnhealthy
from pulumi_dokploy_deployments.workload.verdict import Health, State
from tests.support.bench import Bench

APPLICATION, COMPOSE = ServiceKind.APPLICATION, ServiceKind.COMPOSE
FATAL = "FATAL: cannot reach db:5432"


@pytest.mark.parametrize(
    ("kind", "name", "state", "words"),
    [
        (COMPOSE, "job", State.RUNNING, "stayed up"),
        (COMPOSE, "scaled", State.RUNNING, "3 new containers"),
        (COMPOSE, "profile", State.RUNNING, "stayed up"),
        (COMPOSE, "tag", State.RUNNING, "stayed up"),
        (APPLICATION, "slowready", State.RUNNING, "stayed up"),
        (APPLICATION, "buildserver", State.RUNNING, "stayed up"),
    ],
)
async def test_green_is_what_runs_or_has_ended_well(
    bench: Bench, kind: ServiceKind, name: str, state: State, words: str
) -> None:
    run = await bench.deploy(name, kind=kind)
    assert (run.verdict.health, run.verdict.state) == (Health.HEALTHY, state)
    assert words in run.verdict.reason
    assert run.verdict.running


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        (COMPOSE, "crash", ("web:", "exit code 7", FATAL)),
        (COMPOSE, "loop4", ("again and again",)),
        (COMPOSE, "exit3", ("exit code 3",)),
        (COMPOSE, "unhealthy", ("unhealthy",)),
        (COMPOSE, "stack-crash", ("web:", "non-zero exit (1)", "running: db")),
        (COMPOSE, "stack-missing", ("No such image",)),
        (APPLICATION, "exit0", ("exit code 0 again and again", "migrated")),
        (APPLICATION, "fatal", ("non-zero exit (7)", FATAL)),
        (APPLICATION, "once7", ("non-zero exit (7)", FATAL)),
        (APPLICATION, "max2", ("non-zero exit (7)", FATAL)),
        (APPLICATION, "oom", ("memory",)),
        (APPLICATION, "unplaceable", ("no suitable node",)),
    ],
)
async def test_red_says_why_with_the_process_s_own_last_words(
    bench: Bench, kind: ServiceKind, name: str, words: tuple[str, ...]
) -> None:
    error = await bench.failure(name, kind=kind)
    assert isinstance(error, ServiceUnhealthy)
    text = str(error)
    assert [word for word in words if word not in text] == [], text
    assert bench.clock.elapsed < 150.0, "a state that nothing will change any more has an end"
    assert "container's log" not in text, "the log is shown, and where there is no container nobody is sent to one"


async def test_a_process_that_dies_later_than_the_window_is_caught_by_a_longer_one(bench: Bench) -> None:
    assert (await bench.deploy("late")).verdict.health is Health.HEALTHY
    error = await bench.failure("late", stable_seconds=15.0)
    assert isinstance(error, ServiceUnhealthy)


async def test_a_job_that_ended_with_0_and_is_not_started_again_is_green(bench: Bench) -> None:
    run = await bench.deploy("once0")
    assert (run.verdict.health, run.verdict.state) == (Health.HEALTHY, State.ENDED_WELL)


async def test_an_image_that_is_missing_fails_the_deployment_itself(bench: Bench) -> None:
    error = await bench.failure("missing", kind=COMPOSE)
    assert isinstance(error, DeploymentFailed)
    assert "manifest" in str(error) or "No such image" in str(error) or "not found" in str(error)


async def test_nothing_recreated_is_green_and_says_so(bench: Bench) -> None:
    await bench.deploy("job", kind=COMPOSE)
    bench.told.warnings.clear()
    run = await bench.deploy("job", kind=COMPOSE)
    assert (run.verdict.health, run.verdict.state) == (Health.HEALTHY, State.NOTHING_RECREATED)
    assert any("recreated" in warning for warning in bench.told.warnings)


async def test_a_build_that_fails_on_a_build_server_shows_its_log(bench: Bench) -> None:
    """The log is on the build server, and only the live log can be asked for there."""
    error = await bench.failure("buildserver-broken", context=bench.run_context(has_live_log=True))
    assert isinstance(error, DeploymentFailed)
    assert error.log_tail
    assert "exit code" in str(error)


async def test_a_deadline_in_the_health_check_says_what_was_seen_of_each_member(bench: Bench) -> None:
    error = await bench.failure("unplaceable", timeout_seconds=20.0)
    assert isinstance(error, DeploymentTimedOut)
    assert "no suitable node" in str(error)
