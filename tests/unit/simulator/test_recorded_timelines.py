"""Every state that the recorder saw on the real server occurs in the simulator too, in the same order."""

from collections.abc import Callable
from typing import Any

import pytest

from pulumi_dokploy_deployments.simulator.world import World
from pulumi_dokploy_deployments.simulator.world.services import Commit, Deployable
from tests.support.simulator_recordings import STEP, application, compose, empty_world, load, occurs_in_order, run

GOOD = Commit("d361209502c6916f665f594699c444bb27427681", "feat: good commit on main")
BAD = Commit("dfa17aa27828b434ffca57969a9b7c30b3ae7c56", "fix: a broken Dockerfile")
LONG = Commit("ec6c81aa7b1cf709770bea66a0950f91c0b9a7af", "chore: a slow build (25 s)")
COMPOSED = Commit("7dcbbc6947141f3e6c6bf14d86002c2c238c09a8", "compose: slow build")
UNCACHED = Commit("9a72acccf0a29c1d713f2c37bae5adb36ba47a8d", "compose: slow build, not cached")

Make = Callable[[World], Deployable]
SERVICES: dict[str, Make] = {
    "30-app-deploy-ok": lambda world: application(world, "okapp", GOOD, build_seconds=0.68),
    "33-app-redeploy": lambda world: _built_before(application(world, "okapp", GOOD, build_seconds=0.44)),
    "34-app-broken": lambda world: application(world, "broken", BAD, build_seconds=0.37, build="fails"),
    "37-app-docker": lambda world: application(world, "docker", None, build_seconds=0.056),
    "40-queue-same-app": lambda world: application(world, "slow", LONG, build_seconds=25.5, steps=25),
    "130-killBuild": lambda world: application(world, "slow", LONG, build_seconds=25.5, steps=25),
    "133-remove-running": lambda world: application(world, "slow", LONG, build_seconds=21.0, steps=25),
    "170-compose-deploy": lambda world: compose(world, "ok", None, build_seconds=0.34),
    "171-compose-redeploy": lambda world: compose(world, "ok", None, build_seconds=0.31),
    "172-compose-broken": lambda world: compose(world, "broken", None, build_seconds=0.37, build="fails"),
    "173-compose-stack": lambda world: compose(world, "stack", None, build_seconds=0.047),
    "242-compose-git-kill": lambda world: compose(world, "git", COMPOSED, build_seconds=0.86),
    "243-compose-git-ok": lambda world: compose(world, "git", COMPOSED, build_seconds=0.45),
    "250-compose-git-kill-running": lambda world: compose(world, "git", UNCACHED, build_seconds=36.2),
}
IN_THE_WAY = {"40-deploy-compose-behind", "40-deploy-okapp-behind"}
"""Actions on other services than the one that the recorder watched."""


def _built_before(service: Deployable) -> Deployable:
    service.checked_out = GOOD
    return service


def _action(world: World, service: Deployable, name: str) -> Callable[[], object] | None:
    if name in {"killbuild", "<lambda>", "kb"}:
        return lambda: world.kill_builds(service.kind, None)
    if name == "rm":
        return lambda: world.history.remove(world.history.of("applicationId", service.id)[0])
    if name == "cleanq":
        return lambda: world.queue.clean(service.id)
    if "deploy" not in name or name in IN_THE_WAY:
        return None
    request = load(name)["request"]
    kind = "redeploy" if request["path"].endswith("redeploy") else "deploy"
    body = request["body"]
    return lambda: world.trigger(service, kind, body["title"], body["description"])


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_recorded_states_occur_in_their_order(name: str) -> None:
    events = load(f"timeline-{name}")["events"]
    world = empty_world()
    service = SERVICES[name](world)
    actions: list[tuple[float, Callable[[], object]]] = []
    polls: list[tuple[tuple[Any, ...], tuple[Any, ...]]] = []
    for event in events:
        if "rows" in event:
            rows = tuple((row["status"], row["title"], row["description"]) for row in event["rows"])
            queue = tuple((job["state"], job["title"], job["type"]) for job in event["queue"])
            polls.append((rows, queue))
        else:
            action = _action(world, service, event["action"])
            if action is not None:
                # The request took effect some milliseconds before its answer arrived, in the order of sending.
                previous = actions[-1][0] if actions else 0.0
                actions.append((max(event["t_end_ms"] / 1000 - 0.02, previous + STEP), action))
    seconds = events[-1]["t_ms"] / 1000 + 1.0
    samples = run(world, service, actions, seconds)
    if name == "171-compose-redeploy":
        # The recorder filtered out the row of the deployment before.
        samples.rows = [tuple(row for row in rows if row[1] == "run:c2") for rows in samples.rows]
    assert occurs_in_order(samples, polls) is None


def test_row_appears_30_to_50_milliseconds_after_the_answer() -> None:
    recorded = load("200-row-latency")["row_createdAt_minus_response_ms"]
    world = empty_world()
    service = application(world, "docker", None, build_seconds=0.05)
    samples = run(world, service, [(0.0, lambda: world.trigger(service, "deploy", "t", "d"))], 0.2)
    appeared = next(index for index, rows in enumerate(samples.rows) if rows) * 5
    assert min(recorded) - 5 <= appeared <= max(recorded)


def test_row_turns_final_before_its_job_leaves_and_before_its_title_is_overwritten() -> None:
    world = empty_world()
    service = application(world, "okapp", GOOD, build_seconds=0.5)
    samples = run(world, service, [(0.0, lambda: world.trigger(service, "deploy", "mine", "d"))], 1.0)
    final = samples.rows.index((("done", "mine", "d"),))
    overwritten = samples.rows.index((("done", GOOD.message, f"Commit: {GOOD.sha}"),))
    empty = next(index for index in range(final, len(samples.queue)) if not samples.queue[index])
    assert final < overwritten <= empty
    assert 10 <= overwritten - final <= 26  # steps of 5 ms: 50 to 130 ms


def test_other_services_wait_behind_a_build_and_run_together_with_more_slots() -> None:
    world = empty_world()
    slow = application(world, "slow", LONG, build_seconds=5.0)
    other = application(world, "other", GOOD, build_seconds=0.2)
    world.trigger(slow, "deploy", "s", "")
    world.trigger(other, "deploy", "o", "")
    world.advance(world.now + 1)
    assert [job.state for job in world.queue.newest_first()] == ["waiting", "active"]
    world.queue.set_concurrency(2)
    world.trigger(slow, "deploy", "s2", "")
    world.advance(world.now + 0.1)
    states = {job.data["titleLog"]: job.state for job in world.queue.newest_first()}
    assert states == {"s": "active", "o": "active", "s2": "waiting"}
