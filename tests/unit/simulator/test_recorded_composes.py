"""Containers of compose v2 behave as recorded: what is recreated, what restarts, what ends, what lies beside."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from pulumi_dokploy_deployments.simulator.world import World, composing, factory
from pulumi_dokploy_deployments.simulator.world.services import Behaviour, Deployable
from tests.support.recorded_workloads import look, occurs, polls_of, seen, shape, watch
from tests.support.simulator_recordings import empty_world, load

WEB = "services:\n  web:\n    image: 127.0.0.1:5055/bb:{}\n    command: ['/bin/busybox','sleep','100000']\n"
DB = WEB.format(1).replace("web", "db")


@dataclass(frozen=True)
class Case:
    """What had been deployed before, and how long ago; None is the recorded file itself."""

    before: str | None = None
    age: float = 600.0
    seconds: float = 15.0
    env: str = ""
    prepare: Callable[[World, Deployable], object] = field(default=lambda world, service: None)


def leave_a_one_off_container(world: World, service: Deployable) -> None:
    world.run_once(service.id, "db", 130)


CASES = {
    "500-cok": Case(),
    "501-ccrash": Case(seconds=90),
    "502-cexit": Case(),
    "503-chealth": Case(),
    "504-cjob": Case(),
    "505-cloop4": Case(seconds=90),
    "506-cloop9": Case(seconds=90),
    "507-cbroken": Case(),
    "515-cscale": Case(),
    "516-cprofile": Case(),
    "530-cok": Case(WEB.format(1)),
    "531-cok": Case(WEB.format(2)),
    "532-cok": Case(load("531-cok")["service"]["composeFile"], age=4.5),
    "533-cok": Case(prepare=leave_a_one_off_container),
    "534-cok-redeploy": Case(),
    "571-cok": Case(DB, env="TAG=1"),
    "572-cok": Case(WEB.format(1), env="TAG=2"),
    "573-cok": Case(WEB.format(2), env="TAG=9"),
}


def ready(name: str) -> tuple[World, Deployable]:
    """Return a world in which everything is as it was before the recorded deployment."""
    world, case, recorded = empty_world(), CASES[name], load(name)
    world.set_image("127.0.0.1:5055/fatal:1", runtime="exits", exit_code=7, output=["starting", "FATAL: no db"])
    world.set_image("127.0.0.1:5055/bb:9", missing=True)
    file = recorded["service"]["composeFile"]
    compose = factory.raw_compose(world, name, case.before or file, behaviour=Behaviour(build_seconds=0.7))
    world.trigger(compose, "deploy", "before", "")
    world.advance(world.now + case.age)
    compose.update({"composeFile": file, "env": case.env})
    case.prepare(world, compose)
    return world, compose


def restarts(found: dict[str, Any]) -> int:
    """Return the restarts that the units of a look have behind them."""
    configs = (config for _, config in found["getConfig"].values() if config)
    return max((config["RestartCount"] for config in configs), default=0)


@pytest.mark.parametrize("name", CASES)
def test_containers_go_through_the_recorded_states(name: str) -> None:
    recorded, case = load(name), CASES[name]
    world, compose = ready(name)
    # Restarts are counted from what was there before.
    base, own = restarts(recorded["before"]), restarts(look(world, compose))
    world.trigger(compose, "redeploy" if "redeploy" in name else "deploy", "title", "")
    samples = [seen(found, compose.app_name, own) for found in watch(world, compose, case.seconds)]
    wanted = [seen(poll, recorded["service"]["appName"], base) for poll in polls_of(name)]
    assert wanted or name == "571-cok"
    assert occurs(wanted, samples) is None


@pytest.mark.parametrize("name", [name for name in CASES if polls_of(name) and polls_of(name)[-1]["getConfig"]])
def test_inspected_containers_have_the_recorded_shape(name: str) -> None:
    world, compose = ready(name)
    actual = look(world, compose)
    for poll in polls_of(name):
        (_, like), *_ = poll["getConfig"].values()
        for _, config in actual["getConfig"].values():
            health = like["State"].pop("Health", None)
            assert shape(config, like) == []
            if health is not None:
                assert shape(config["State"]["Health"], health) == []
    listing = polls_of(name)[-1]["getContainersByAppNameMatch"][1]
    assert {tuple(line) for line in actual["getContainersByAppNameMatch"][1]} == {tuple(line) for line in listing}


@pytest.mark.parametrize("name", CASES)
def test_the_file_lists_the_recorded_services(name: str) -> None:
    _, compose = ready(name)
    assert [member.name for member in composing.members_of(compose)] == load(name)["loadServices"][1]


def test_a_service_with_the_same_definition_has_the_same_hash_whatever_its_scale() -> None:
    hashes = {}
    for name in ("500-cok", "515-cscale", "516-cprofile", "504-cjob", "530-cok"):
        _, compose = ready(name)
        hashes[name] = composing.members_of(compose)[0].config_hash
    assert len({hashes[name] for name in ("500-cok", "515-cscale", "516-cprofile", "504-cjob")}) == 1
    assert hashes["530-cok"] != hashes["500-cok"]


def test_an_image_that_does_not_exist_leaves_what_ran_untouched() -> None:
    world, compose = ready("573-cok")
    (before,) = world.containers.of(compose.app_name, None)
    world.trigger(compose, "deploy", "t", "")
    world.advance(world.now + 2)
    assert world.rows_of(compose)[0]["status"] == "error"
    (after,) = world.containers.of(compose.app_name, None)
    assert (after.id, after.state, after.started) == (before.id, "running", before.started)


def test_waits_between_restarts_double_up_to_a_minute_and_start_anew_after_a_long_life() -> None:
    # Thirteen and twelve within five minutes, as before 505 and 506.
    for seconds, restarts_seen in ((4, 13), (9, 12), (11, 26)):
        world = empty_world()
        command = f"['/bin/busybox','sh','-c','/bin/busybox sleep {seconds}; exit 1']"
        text = f"services:\n  web:\n    image: a:1\n    command: {command}\n    restart: always\n"
        compose = factory.raw_compose(world, "loop", text)
        world.trigger(compose, "deploy", "t", "")
        world.advance(world.now + 300)
        (container,) = world.containers.of(compose.app_name, None)
        assert container.restarts == restarts_seen


def test_on_failure_restarts_as_often_as_it_says_and_never_after_a_good_end() -> None:
    for code, restarts_seen in ((1, 2), (0, 0)):
        world = empty_world()
        text = "services:\n  web:\n    image: a:1\n    restart: on-failure:2\n"
        compose = factory.raw_compose(world, "job", text)
        world.set_behaviour(compose.id, members={"web": {"runtime": "exits", "exit_code": code}})
        world.trigger(compose, "deploy", "t", "")
        world.advance(world.now + 60)
        (container,) = world.containers.of(compose.app_name, None)
        assert (container.state, container.exit_code, container.restarts) == ("exited", code, restarts_seen)


def test_a_late_health_check_shows_starting_and_then_healthy() -> None:
    world = empty_world()
    text = WEB.format(1) + "    healthcheck:\n      test: ['CMD','true']\n"
    compose = factory.raw_compose(world, "slow", text, behaviour=Behaviour(build_seconds=0.5, ready_after=12.0))
    world.trigger(compose, "deploy", "t", "")
    world.advance(world.now + 5)
    (container,) = world.containers.of(compose.app_name, None)
    assert container.view(world.now)["status"].endswith("(health: starting)")
    world.advance(world.now + 10)
    assert container.view(world.now)["status"].endswith("(healthy)")


def test_a_killed_process_is_inspected_as_out_of_memory() -> None:
    world = empty_world()
    compose = factory.raw_compose(world, "big", WEB.format(1))
    killed = {"runtime": "exits", "exit_code": 137, "oom_killed": True}
    world.set_behaviour(compose.id, members={"web": killed})
    world.trigger(compose, "deploy", "t", "")
    world.advance(world.now + 5)
    ((_, config),) = look(world, compose)["getConfig"].values()
    assert (config["State"]["OOMKilled"], config["State"]["ExitCode"]) == (True, 137)


def test_a_container_that_can_t_be_started_fails_the_row_and_keeps_the_reason() -> None:
    world = empty_world()
    compose = factory.raw_compose(world, "nothing", WEB.format(1))
    world.set_behaviour(compose.id, members={"web": {"runtime": "start_fails"}})
    world.trigger(compose, "deploy", "t", "")
    world.advance(world.now + 5)
    ((_, config),) = look(world, compose)["getConfig"].values()
    assert (config["State"]["Status"], config["State"]["ExitCode"]) == ("created", 127)
    assert "no such file or directory" in config["State"]["Error"]
    row = world.rows_of(compose)[0]
    assert row["status"] == "error"
    assert "no such file or directory" in world.logs.tail(row["logPath"], 5)
