"""Stacks behave as recorded: each member is a Swarm service with an update and an end of its own."""

from dataclasses import dataclass
from typing import Any

import pytest

from pulumi_dokploy_deployments.simulator.world import World, composing, factory
from pulumi_dokploy_deployments.simulator.world.services import Behaviour, Deployable
from tests.support.recorded_workloads import Look, look, occurs, polls_of, seen, shape, watch
from tests.support.simulator_recordings import empty_world, load, simulator


@dataclass(frozen=True)
class Case:
    """The recordings whose files were deployed before, and how many seconds the last one was ago."""

    before: tuple[str, ...]
    age: float = 60.0
    seconds: float = 40.0


CASES = {
    "508-cstack": Case(("508-cstack",), age=1200.0),
    "509-cstackbad": Case(("509-cstackbad",), age=303.0),
    "510-cstack2": Case(("510-cstack2",), age=400.0),
    "535-cstackbad": Case(("509-cstackbad",), age=303.0),
    "536-cstackbad": Case(("509-cstackbad", "535-cstackbad"), age=30.0),
    "537-cstackbad": Case(("535-cstackbad", "536-cstackbad")),
    "538-cstackbad": Case(("535-cstackbad", "537-cstackbad"), age=20.0),
}


def ready(name: str) -> tuple[World, Deployable]:
    """Return a world in which everything is as it was before the recorded deployment."""
    world, case = empty_world(), CASES[name]
    world.set_image("127.0.0.1:5055/fatal:1", runtime="exits", exit_code=7, exit_after=0.05)
    stack = factory.raw_compose(world, name, "", compose_type="stack", behaviour=Behaviour(build_seconds=0.4))
    for index, before in enumerate(case.before, 1):
        stack.update({"composeFile": load(before)["service"]["composeFile"]})
        world.trigger(stack, "deploy", "before", "")
        world.advance(world.now + (case.age if index == len(case.before) else 60))
    stack.update({"composeFile": load(name)["service"]["composeFile"]})
    return world, stack


@pytest.mark.parametrize("name", CASES)
def test_members_go_through_the_recorded_states(name: str) -> None:
    world, stack = ready(name)
    world.trigger(stack, "deploy", "title", "")
    samples = [seen(found, stack.app_name) for found in watch(world, stack, CASES[name].seconds)]
    wanted = [seen(poll, load(name)["service"]["appName"]) for poll in polls_of(name)]
    assert wanted
    assert occurs(wanted, samples) is None


@pytest.mark.parametrize("name", CASES)
def test_what_is_asked_of_a_stack_has_the_recorded_shape(name: str) -> None:
    world, stack = ready(name)
    recorded = load(name)["polls"]
    for found in (look(world, stack), after_deploying(world, stack)):
        for column in ("getContainersByAppNameMatch", "getStackContainersByAppName"):
            likes = [line for poll in recorded for line in poll[column][1]]
            if likes:
                assert shape(found[column][1], likes[:1]) == []
        (_, whole), *_ = recorded[0]["getConfig_of_services"].values()
        update, labels = whole["UpdateStatus"], whole["Spec"]["Labels"]
        like = whole | {"UpdateStatus": None, "Spec": whole["Spec"] | {"Labels": {}}}
        for _, config in found["getConfig_of_services"].values():
            assert shape(config, like) == []
            if update and config.get("UpdateStatus"):
                assert shape(config["UpdateStatus"], update) == []
            assert config["Spec"]["Labels"].keys() == labels.keys()


def after_deploying(world: World, stack: Deployable) -> Look:
    """Return a look at a stack two seconds after a deployment."""
    world.trigger(stack, "deploy", "title", "")
    world.advance(world.now + 2)
    return look(world, stack)


def test_images_are_pinned_to_their_digest_unless_nobody_knows_them() -> None:
    for name, pinned in (("508-cstack", True), ("538-cstackbad", False)):
        world, stack = ready(name)
        found = after_deploying(world, stack)
        for services in (load(name)["polls"][0]["getConfig_of_services"], found["getConfig_of_services"]):
            for _, config in services.values():
                assert ("@sha256:" in config["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]) is pinned


def test_an_unchanged_stack_keeps_its_tasks_and_shows_no_update() -> None:
    world, stack = ready("508-cstack")
    before = look(world, stack)["getStackContainersByAppName"][1]
    found = after_deploying(world, stack)
    assert [line["containerId"] for line in found["getStackContainersByAppName"][1]] == [
        line["containerId"] for line in before
    ]
    ((_, service),) = found["getConfig_of_services"].values()
    assert "UpdateStatus" not in service


def test_the_file_decides_over_update_and_restart_of_each_member() -> None:
    for name in CASES:
        world, stack = ready(name)
        found = after_deploying(world, stack)
        polls = polls_of(name) or load(name)["polls"]
        recorded = {config["Spec"]["Name"].split("_")[1]: config for _, config in services(polls[0])}
        for _, config in services(found):
            like = recorded[config["Spec"]["Name"].split("_")[1]]["Spec"]
            assert config["Spec"]["UpdateConfig"] == like["UpdateConfig"]
            assert config["Spec"]["TaskTemplate"]["RestartPolicy"] == like["TaskTemplate"]["RestartPolicy"]
            assert config["Spec"]["Mode"] == like["Mode"]


def services(found: Look) -> list[tuple[int, Any]]:
    """Return the inspected Swarm services of a look."""
    return list(found["getConfig_of_services"].values())


def test_a_member_that_left_the_file_is_removed() -> None:
    world, stack = ready("510-cstack2")
    assert [member.name for member in composing.members_of(stack)] == ["db", "web"]
    stack.update({"composeFile": load("508-cstack")["service"]["composeFile"]})
    after_deploying(world, stack)
    assert [item.name for item in world.swarm.of_stack(stack.app_name)] == [f"{stack.app_name}_web"]


def test_one_member_may_crash_while_the_other_keeps_running() -> None:
    world, stack = ready("510-cstack2")
    states = set()
    for found in watch(world, stack, 30):
        lines = found["getStackContainersByAppName"][1]
        assert lines[0]["name"].endswith("_db.1")
        assert lines[0]["state"] == "running"
        states.add(lines[1]["state"])
    assert states == {"running", "ready"}


async def test_servers_before_v0_30_list_a_stack_s_old_containers_beside_the_running_one() -> None:
    target, time = simulator(server_version="v0.29.8")
    recorded = load("604-v0.29.8-cstackbad")
    crashing = load("603-v0.29.8-cstackbad")["service"]["composeFile"]
    stack = factory.raw_compose(target.world, "bad", crashing, compose_type="stack")
    for text, seconds in ((crashing, 20), (recorded["service"]["composeFile"], 20)):
        stack.update({"composeFile": text})
        target.world.trigger(stack, "deploy", "t", "")
        time.now += seconds
        target.world.advance(time.now)
    query = {"appName": stack.app_name, "appType": "stack"}
    async with target.client() as client:
        listing = (await client.get("/api/docker.getContainersByAppNameMatch", params=query)).json()
        version = await client.get("/api/settings.getDokployVersion")
    like = recorded["polls"][-1]["getContainersByAppNameMatch"][1]
    assert listing[0].keys() == like[0].keys()
    assert [line["state"] for line in listing][:3] == ["running", "exited", "exited"]
    assert {line["status"].split(" (")[0].split(" ")[0] for line in listing} == {"Up", "Exited"}
    assert version.json() == "v0.29.8"
