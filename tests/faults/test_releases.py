"""`Release` on virtual time: in order and side by side, all or nothing, and what a later run makes of a failure."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.api.text import DeadlineSource, spell
from pulumi_dokploy_deployments.hosts.flat_state import flat_state, inputs_in, state_in
from pulumi_dokploy_deployments.resources.fields import UNKNOWN
from pulumi_dokploy_deployments.resources.life_cycle import Operation, Unfinished
from pulumi_dokploy_deployments.resources.plan import Plan, PlanAction
from pulumi_dokploy_deployments.resources.release import ReleaseLifeCycle
from pulumi_dokploy_deployments.resources.release_errors import ReleaseFailed
from pulumi_dokploy_deployments.resources.release_model import ReleaseInputs
from pulumi_dokploy_deployments.resources.release_state import ReleaseState
from pulumi_dokploy_deployments.rollout.errors import DeploymentTimedOut, Interrupted
from pulumi_dokploy_deployments.simulator.world.faults import FaultKind
from tests.support.bench import Bench
from tests.support.shop import ENV, PASSWORD, REG

CYCLE = ReleaseLifeCycle()
URN = "urn:pulumi:test::shop::dokploy:Release::shop"


@pytest.fixture
def bench(shop: Bench) -> Bench:
    return shop


def inputs(services: Mapping[str, Any], **more: Any) -> ReleaseInputs:
    checked = CYCLE.check({"services": services, "defaults": {"stream_logs": False}, **more})
    assert checked.inputs is not None, [spell(problem.reason) for problem in checked.problems]
    return inputs_in(ReleaseInputs, checked.inputs.flat())


def services_of(tag: int, *, compose: int | str | None = None, **of_api: Any) -> dict[str, Any]:
    """A database, an API by image after it, and a worker by tag after that."""
    return {
        "worker": {"compose_id": "ok", "env": {"TAG": str(compose or tag)}, "after": ["api"]},
        "api": {"application_id": "docker", "image": f"{REG}/shop:{tag}", "after": ["database"], **of_api},
        "database": {"postgres_id": "postgres"},
    }


async def up(
    bench: Bench, declared: ReleaseInputs, state: ReleaseState | None = None, **of_operation: Any
) -> ReleaseState:
    """What an update of the program does; the state goes through the engine."""
    context = bench.run_context()
    declared = await CYCLE.ask(state.inputs if state is not None else None, declared, context)
    operation = Operation(context, urn=URN, **of_operation)
    if state is None:
        made = (await CYCLE.create(declared, operation)).state
    elif (await plan(bench, state, declared)).has_changes:
        made = await CYCLE.update(state, declared, operation)
    else:
        return state
    return stored(made)


async def plan(bench: Bench, state: ReleaseState, declared: ReleaseInputs) -> Plan:
    looked = await CYCLE.look(state, bench.run_context()) if CYCLE.looks(state) else state
    return CYCLE.plan(looked, declared)


def stored(state: object) -> ReleaseState:
    assert isinstance(state, ReleaseState)
    again = state_in(ReleaseState, flat_state(state))
    assert flat_state(again) == flat_state(state), "nothing is lost in the engine"
    return again


def triggers(bench: Bench) -> list[str]:
    """What was asked of the server, in its order."""
    sent = (call.path.removeprefix("/api/") for call in bench.world.requests.calls)
    return [path for path in sent if path.endswith((".deploy", ".redeploy"))]


async def failing(bench: Bench, declared: ReleaseInputs, state: ReleaseState | None = None, **more: Any) -> Unfinished:
    with pytest.raises(Unfinished) as caught:
        await up(bench, declared, state, **more)
    return caught.value


async def test_services_are_deployed_in_order_and_the_table_shows_what_runs(bench: Bench) -> None:
    state = await up(bench, inputs(services_of(1)))
    assert triggers(bench) == ["postgres.deploy", "application.deploy", "compose.deploy"]
    title, *rows = state.outputs.summary.splitlines()
    assert title.split() == ["service", "version", "image", "duration", "verdict"]
    assert [row.split()[0] for row in rows] == ["database", "api", "worker"], "in the order of the release"
    assert all(row.endswith("healthy") for row in rows)
    assert state.outputs.deployments["api"].image == f"{REG}/shop:1"
    assert any(line == f"released:\n{state.outputs.summary}" for line in bench.told.lines)


async def test_services_that_do_not_name_each_other_are_deployed_side_by_side(bench: Bench) -> None:
    began = bench.clock.monotonic()
    bench.world.queue.set_concurrency(4)
    names = ("git", "docker", "other")
    await up(bench, inputs({name: {"application_id": name, "wait_for": "done"} for name in names}))
    side_by_side = bench.clock.monotonic() - began
    began = bench.clock.monotonic()
    chain = {
        name: {"application_id": name, "wait_for": "done", "after": list(names[:i])} for i, name in enumerate(names)
    }
    await up(bench, inputs(chain))
    assert bench.clock.monotonic() - began > 1.8 * side_by_side


async def test_only_what_changed_is_deployed(bench: Bench) -> None:
    state = await up(bench, inputs(services_of(1)))
    assert (await plan(bench, state, inputs(services_of(1)))).action is PlanAction.NOTHING
    changed = await plan(bench, state, inputs(services_of(2, compose=1)))
    assert [str(change) for change in changed.changes] == ["services.api.image"]
    state = await up(bench, inputs(services_of(2, compose=1)), state)
    assert triggers(bench)[3:] == ["application.deploy"]
    assert state.outputs.deployments["api"].image == f"{REG}/shop:2"


async def test_all_or_nothing_a_failure_brings_back_those_already_done_in_reverse_order(bench: Bench) -> None:
    state = await up(bench, inputs(services_of(1)))
    bench.world.set_image(f"{REG}/shop:3", runtime="exits")
    # The worker, which comes last, fails with the tag that ends.
    left = await failing(bench, inputs(services_of(2, compose=3)), state)
    assert isinstance(left.error, ReleaseFailed)
    assert str(left.error).startswith("worker: ")
    assert bench.service("docker").fields["dockerImage"] == f"{REG}/shop:1"
    assert bench.service("ok", "compose").fields["env"] == ENV
    paragraph = spell(left.error.next_step_text)
    assert paragraph.index("It was rolled back") < paragraph.index("api: It was rolled back"), "the last one first"
    assert "is running" in paragraph.partition("api: ")[2]
    assert bench.told.lines[-1].count("rolled back") == 2
    again = stored(left.state)
    found = await plan(bench, again, inputs(services_of(2, compose=3)))
    assert found.action is PlanAction.DEPLOY
    assert {change.path[1] for change in found.changes} == {"api", "worker"}, "what went back is still to be deployed"
    bench.world.set_image(f"{REG}/shop:3", runtime="healthy")
    state = await up(bench, inputs(services_of(2, compose=3)), again)
    assert bench.service("docker").fields["dockerImage"] == f"{REG}/shop:2"
    assert (await plan(bench, state, inputs(services_of(2, compose=3)))).action is PlanAction.NOTHING


async def test_a_first_release_that_fails_goes_back_to_what_the_services_ran_before(bench: Bench) -> None:
    await bench.deploy("docker")
    before = bench.service("docker").fields["dockerImage"]
    bench.world.set_image(f"{REG}/shop:3", runtime="exits")
    left = await failing(bench, inputs(services_of(2, compose=3)))
    assert bench.service("docker").fields["dockerImage"] == before
    assert "database was deployed and stays so" in spell(left.error.next_step_text)
    assert "database: Dokploy keeps no earlier version of a database" in "".join(bench.told.warnings)


async def test_nothing_that_comes_after_a_failure_begins_and_fail_leaves_the_others(bench: Bench) -> None:
    state = await up(bench, inputs(services_of(1), on_failure="fail"))
    bench.world.set_image(f"{REG}/shop:2", runtime="exits")
    services = {**services_of(2), "database": {"postgres_id": "postgres", "triggers": [1]}}
    left = await failing(bench, inputs(services, on_failure="fail"), state)
    assert triggers(bench)[3:] == ["postgres.deploy", "application.deploy"]
    assert str(left.error).startswith("api: ")
    told = spell(left.error.next_step_text)
    assert "worker was not deployed." in told
    assert "database was deployed and stays so." in told
    found = await plan(bench, stored(left.state), inputs(services, on_failure="fail"))
    assert {change.path[1] for change in found.changes} == {"api", "worker"}, "what succeeded is done"


async def test_a_service_that_says_fail_stays_in_a_release_that_goes_back(bench: Bench) -> None:
    state = await up(bench, inputs(services_of(1)))
    bench.world.set_image(f"{REG}/shop:3", runtime="exits")
    left = await failing(bench, inputs(services_of(2, compose=3, on_failure="fail")), state)
    assert bench.service("docker").fields["dockerImage"] == f"{REG}/shop:2"
    assert "api was deployed and stays so" in spell(left.error.next_step_text)


async def test_what_could_not_be_brought_back_is_told_and_is_deployed_by_the_next_update(bench: Bench) -> None:
    state = await up(bench, inputs(services_of(1)))
    bench.world.set_image(f"{REG}/shop:3", runtime="exits")
    bench.world.set_image(f"{REG}/shop:1", runtime="exits")
    left = await failing(bench, inputs(services_of(2, compose=3)), state)
    assert "api: Rolling back to what ran before" in spell(left.error.next_step_text)
    assert "failed as well" in spell(left.error.next_step_text)
    assert bench.told.lines[-1].splitlines()[3].endswith("not rolled back")
    kept = stored(left.state)
    bench.service("docker").fields["dockerImage"] = f"{REG}/shop:2"
    bench.world.set_image(f"{REG}/shop:3", runtime="healthy")
    sent = len(triggers(bench))
    await up(bench, inputs(services_of(2, compose=3)), kept)
    assert triggers(bench)[sent:] == ["application.deploy", "compose.deploy"]


async def test_an_interrupted_release_goes_back_nowhere_and_is_gone_on_with(bench: Bench) -> None:
    state = await up(bench, inputs(services_of(1)))
    bench.world.set_behaviour(bench.service("docker").id, build_seconds=60.0)
    run = asyncio.create_task(up(bench, inputs(services_of(2)), state))
    bench.at(bench.clock.elapsed + 10.0, run.cancel)
    with pytest.raises(Unfinished) as caught:
        await run
    assert isinstance(caught.value.error, Interrupted)
    told = spell(caught.value.error.next_step_text)
    assert "worker was not deployed." in told
    sent = len(triggers(bench))
    await up(bench, inputs(services_of(2)), stored(caught.value.state))
    assert triggers(bench)[sent:] == ["compose.deploy"], "the API's deployment is taken up, not sent again"


async def test_a_killed_run_that_has_left_no_state_is_found_again_by_its_mark(bench: Bench) -> None:
    bench.world.set_behaviour(bench.service("docker").id, build_seconds=60.0)
    services = {name: part for name, part in services_of(2).items() if name != "database"}
    services["api"]["after"] = []
    run = asyncio.create_task(up(bench, inputs(services)))
    bench.at(bench.clock.elapsed + 10.0, run.cancel)
    with pytest.raises(Unfinished):
        await run
    await up(bench, inputs(services))
    assert triggers(bench) == ["application.deploy", "compose.deploy"]


async def test_a_deadline_of_the_whole_release_is_shared(bench: Bench) -> None:
    bench.world.queue.set_concurrency(4)
    bench.world.set_behaviour(bench.service("docker").id, build_seconds=40.0)
    before = bench.service("docker").fields["dockerImage"]
    await bench.deploy("docker")
    chain = {
        "one": {"application_id": "docker", "image": f"{REG}/shop:2"},
        "two": {"application_id": "other", "wait_for": "done", "after": ["one"]},
    }
    bench.world.set_behaviour(bench.service("other").id, build_seconds=40.0)
    left = await failing(bench, inputs(chain), timeout_seconds=60.0, deadline_source=DeadlineSource.RESOURCE_OPTION)
    assert str(left.error).startswith("two: ")
    assert isinstance(left.error, ReleaseFailed)
    assert isinstance(left.error.cause, DeploymentTimedOut)
    assert "one: It was rolled back" in spell(left.error.next_step_text)
    assert bench.service("docker").fields["dockerImage"] == before


async def test_a_service_that_leaves_the_release_is_let_go_and_nothing_is_deployed(bench: Bench) -> None:
    state = await up(bench, inputs(services_of(1)))
    fewer = {name: part for name, part in services_of(1).items() if name != "worker"}
    found = await plan(bench, state, inputs(fewer))
    assert (found.action, [str(change) for change in found.changes]) == (PlanAction.STORE, ["services.worker"])
    state = await up(bench, inputs(fewer), state)
    assert len(triggers(bench)) == 3
    assert set(state.outputs.deployments) == {"api", "database"}


async def test_what_someone_else_has_set_is_seen_and_put_right(bench: Bench) -> None:
    state = await up(bench, inputs(services_of(1)))
    bench.service("docker").fields["dockerImage"] = f"{REG}/theirs:9"
    found = await plan(bench, state, inputs(services_of(1)))
    assert [str(change) for change in found.changes] == ["services.api.image"]
    assert bench.told.warnings[-1].startswith("api: ")
    await up(bench, inputs(services_of(1)), state)
    assert bench.service("docker").fields["dockerImage"] == f"{REG}/shop:1"


FAULTS: tuple[FaultKind, ...] = ("http_error", "refuse", "unauthorized", "lose_answer", "drop_request", "garbage")
PLACES = ("application.deploy", "compose.deploy", "deployment.*", "docker.*", "*.one", "application.update", "*")


@pytest.mark.parametrize("seed", range(24))
async def test_whatever_fails_green_is_all_of_it_and_what_is_told_as_rolled_back_is(bench: Bench, seed: int) -> None:
    state = await up(bench, inputs(services_of(1)))
    chance = random.Random(seed)  # noqa: S311 - a test's own course of events
    broken = chance.choice([0, 0, 2, 3])
    if broken:
        # 2 is the API's new image, 3 the worker's.
        bench.world.set_image(f"{REG}/shop:{broken}", runtime="exits")
    began = bench.clock.elapsed
    for _ in range(chance.randint(0, 4)):
        kind, place = chance.choice(FAULTS), chance.choice(PLACES)
        bench.at(began + chance.uniform(0.0, 25.0), partial(bench.faults.add, kind, place, count=chance.randint(1, 3)))
    sent = len(triggers(bench))
    declared = inputs(services_of(2, compose=3))
    try:
        state = await up(bench, declared, state)
    except (Unfinished, DokployError) as failed:
        error = failed.error if isinstance(failed, Unfinished) else failed
        told = spell(error.next_step_text) if isinstance(error, ReleaseFailed) else ""
        if "api: It was rolled back" in told or "api: What ran before" in told:
            assert bench.service("docker").fields["dockerImage"] == f"{REG}/shop:1"
        if str(error).startswith("worker: ") and told.startswith("It was rolled back"):
            assert bench.service("ok", "compose").fields["env"] == ENV
    else:
        assert not broken, "nothing green that is not true"
        assert bench.service("docker").fields["dockerImage"] == f"{REG}/shop:2"
        assert "TAG=3\n" in bench.service("ok", "compose").fields["env"]
        assert [one.verdict for one in state.outputs.deployments.values()] == ["healthy"] * 3
    # Each of the two may be deployed and brought back; a request that was lost on its way is sent again.
    carried_out = [call for call in bench.world.requests.calls if call.carried_out and call.path.endswith(".deploy")]
    assert len(carried_out) - sent <= 4, "nothing is triggered twice"


async def test_a_refresh_keeps_what_is_there_and_a_release_without_services_is_gone(bench: Bench) -> None:
    state = await up(bench, inputs(services_of(1)))
    del bench.world.services[bench.service("docker").id]
    read = await CYCLE.read(state, bench.run_context())
    assert read is not None
    assert set(read.outputs.deployments) == {"worker", "database"}
    assert "services.api" in [str(change) for change in CYCLE.plan(read, inputs(services_of(1))).changes]


async def test_other_variables_of_a_service_are_in_no_state_and_no_line(bench: Bench) -> None:
    state = await up(bench, inputs(services_of(1)))
    assert PASSWORD not in f"{flat_state(state)}{bench.told}"


async def test_two_names_for_one_service_and_a_wrong_source_fail_before_anything_is_sent(bench: Bench) -> None:
    twice = {"a": {"application_id": "docker"}, "b": {"application_id": bench.service("docker").id}}
    with pytest.raises(DokployError, match="twice, as 'a' and as 'b'"):
        await up(bench, inputs(twice))
    with pytest.raises(DokployError, match=r"^web: .*General, Provider, Docker") as caught:
        await up(bench, inputs({"web": {"application_id": "git", "image": "a:1"}}))
    assert caught.value.property_name == "services"
    assert triggers(bench) == []


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"services": {"web": {"application_id": "a", "imge": "b"}}}, "Did you mean 'image'?"),
        ({"services": {"web": {"image": "b:1"}}}, "web: No service is named."),
        ({"services": {"web": {"application_id": "a", "wait_for": "ever"}}}, "web: 'ever' is not a value of wait_for"),
        ({"services": {"web": {"application_id": "a"}}, "defaults": {"after": ["x"]}}, "unknown input 'after'"),
        ({"services": {"web": {"application_id": "a"}}, "defaults": {"timeout_seconds": -1}}, "timeout_seconds is -1"),
        ({"services": {"web": "api"}}, "'web' of services should be a map of inputs."),
        ({"services": ["web"]}, "should be a map of services"),
        ({}, "has no services"),
        ({"services": {"web": {"application_id": "a", "after": ["web"]}}}, "has no order"),
        ({"services": {"a": {"application_id": "x"}, "b": {"application_id": "x"}}}, "twice"),
    ],
)
def test_bad_input_fails_with_one_paragraph_on_its_property(declared: dict[str, Any], words: str) -> None:
    problems = CYCLE.check(declared).problems
    assert words in " ".join(spell(problem.reason) for problem in problems)
    assert {problem.property_name for problem in problems} <= {"services", "defaults"}


def test_values_that_are_not_known_yet_pass_and_are_planned() -> None:
    known = inputs(services_of(1))
    unknown = inputs({**services_of(1), "api": {"application_id": UNKNOWN, "image": UNKNOWN, "after": ["database"]}})
    assert len(unknown.service_refs) == 2
    assert unknown.flat()["services"]["api"]["image"] is UNKNOWN  # type: ignore[index]
    planned = CYCLE.planned(None, unknown)
    assert planned.unknown == {"deployments", "summary"}
    assert CYCLE.check({"services": UNKNOWN}).problems == ()
    assert CYCLE.check({"services": {"api": UNKNOWN}}).problems == ()
    assert known.names_version_of(known.service_refs[0])
