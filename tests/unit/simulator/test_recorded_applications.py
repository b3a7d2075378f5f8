"""Applications behave as recorded: processes that end, that die late or get ready late, tasks without a node."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from pulumi_dokploy_deployments.simulator.world import World, factory
from pulumi_dokploy_deployments.simulator.world.services import Behaviour, Deployable
from tests.support.recorded_workloads import look, occurs, polls_of, seen, shape, watch
from tests.support.simulator_recordings import empty_world, load

FATAL: dict[str, Any] = {"runtime": "exits", "exit_code": 7, "output": ["starting", "FATAL: cannot reach db:5432"]}
DONE: dict[str, Any] = {"runtime": "exits", "exit_code": 0, "exit_after": 0.5, "output": ["migrated"]}
PORT = {"Ports": [{"Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8088, "PublishMode": "host"}]}


@dataclass(frozen=True)
class Case:
    """What the recorded application was like; `ages` are the seconds that earlier deployments were ago."""

    behaviour: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=dict)
    ages: tuple[float, ...] = ()
    seconds: float = 25.0
    remote: bool = False


CASES = {
    "520-exit0": Case(DONE, seconds=40),
    "521-once0": Case(DONE),
    "522-once7": Case(FATAL),
    "523-max2": Case(FATAL),
    "524-fatal": Case(FATAL),
    "525-late": Case({"runtime": "exits", "exit_after": 9.0}, seconds=40),
    "526-slowready": Case({"ready_after": 14.0}),
    "527-hplace": Case(columns={"placementSwarm": {"Constraints": ["node.labels.zone==nowhere"]}}, ages=(1020.0,)),
    "540-hostport": Case(columns={"endpointSpecSwarm": PORT}),
    "541-hostport": Case(columns={"endpointSpecSwarm": PORT}, ages=(8.0,)),
    "542-rcrash": Case({"runtime": "exits"}, ages=(5.6 + 5.65 * 20,), remote=True),
}


def ready(name: str) -> tuple[World, Deployable]:
    """Return a world in which everything is as it was before the recorded deployment."""
    world, case, recorded = empty_world(), CASES[name], load(name)["service"]
    server = factory.create_server(world, "remote") if case.remote else None
    columns = {key: recorded[key] for key in ("command", "replicas", "restartPolicySwarm")} | case.columns
    service = factory.docker_application(
        world,
        name,
        recorded["dockerImage"],
        server_id=server.id if server else None,
        behaviour=Behaviour(build_seconds=0.3),
        **columns,
    )
    world.set_behaviour(service.id, **case.behaviour)
    for age in case.ages:
        world.trigger(service, "deploy", "before", "")
        world.advance(world.now + age)
    return world, service


@pytest.mark.parametrize("name", CASES)
def test_tasks_go_through_the_recorded_states(name: str) -> None:
    recorded = load(name)
    world, service = ready(name)
    world.trigger(service, "deploy", "title", "")
    samples = [seen(found, service.app_name) for found in watch(world, service, CASES[name].seconds)]
    wanted = [seen(poll, recorded["service"]["appName"]) for poll in polls_of(name)]
    assert wanted
    assert occurs(wanted, samples) is None


@pytest.mark.parametrize("name", CASES)
def test_inspected_tasks_and_services_have_the_recorded_shape(name: str) -> None:
    world, service = ready(name)
    world.trigger(service, "deploy", "title", "")
    found = list(watch(world, service, CASES[name].seconds))[-1]
    for poll in polls_of(name):
        for column in ("getConfig", "getConfig_of_services"):
            (_, like), *_ = poll[column].values()
            like = without_parts(like)
            for _, config in found[column].values():
                assert shape(config, like) == []
        listing = poll["getServiceContainersByAppName"][1]
        assert shape(found["getServiceContainersByAppName"][1], listing) == []


def without_parts(like: dict[str, Any]) -> dict[str, Any]:
    """Leave out what a task has only while it runs, or while an update goes on."""
    status = {key: value for key, value in like.get("Status", {}).items() if key not in {"ContainerStatus", "Err"}}
    return {key: value for key, value in like.items() if key not in {"Status", "UpdateStatus"}} | (
        {"Status": status} if status else {}
    )


def specs(name: str) -> tuple[Any, Any]:
    """Return the restart policies that a task and its service show, recorded and simulated."""
    world, service = ready(name)
    world.trigger(service, "deploy", "title", "")
    world.advance(world.now + 2)

    def policies(found: dict[str, Any]) -> Any:
        (_, task), *_ = found["getConfig"].values()
        ((_, whole),) = found["getConfig_of_services"].values()
        return task["Spec"].get("RestartPolicy"), whole["Spec"]["TaskTemplate"]["RestartPolicy"]

    return policies(load(name)["polls"][0]), policies(look(world, service))


@pytest.mark.parametrize("name", ["520-exit0", "521-once0", "523-max2"])
def test_a_restart_policy_is_shown_with_swarm_s_defaults_on_the_service_only(name: str) -> None:
    recorded, actual = specs(name)
    assert actual == recorded


@pytest.mark.parametrize(("policy", "tasks"), [("521-once0", 1), ("522-once7", 1), ("523-max2", 3)])
def test_attempts_that_are_used_up_leave_nothing_that_is_meant_to_run(policy: str, tasks: int) -> None:
    world, service = ready(policy)
    world.trigger(service, "deploy", "title", "")
    world.advance(world.now + 600)
    swarm = world.swarm.find(service.app_name)
    assert swarm is not None
    assert len(swarm.tasks) == tasks
    assert {task.desired for task in swarm.tasks} == {"shutdown"}


@pytest.mark.parametrize("name", ["574-named", "575-named"])
def test_an_image_that_can_t_be_pulled_fails_the_row_and_leaves_what_ran(name: str) -> None:
    world = empty_world()
    image = load(name)["service"]["dockerImage"]
    service = factory.docker_application(world, "shop", "127.0.0.1:5055/bb:1", behaviour=Behaviour(build_seconds=0.1))
    world.trigger(service, "deploy", "before", "")
    world.advance(world.now + 20)
    before = look(world, service)["getServiceContainersByAppName"][1][0]["containerId"]
    world.set_image(image, missing=True)
    service.update({"dockerImage": image})
    world.trigger(service, "deploy", "title", "")
    world.advance(world.now + 1)
    found = look(world, service)
    assert found["newest_row"]["status"] == load(name)["polls"][-1]["newest_row"]["status"] == "error"
    assert [line["containerId"] for line in found["getServiceContainersByAppName"][1]] == [before]


def test_a_task_that_waits_for_a_port_starts_when_the_old_one_is_gone() -> None:
    world, service = ready("541-hostport")
    world.trigger(service, "deploy", "title", "")
    world.advance(world.now + 60)
    swarm = world.swarm.find(service.app_name)
    assert swarm is not None
    waiting, old = swarm.newest_first()[:2]
    assert (waiting.state, waiting.desired, old.state) == ("pending", "running", "running")
    old.spec = waiting.spec
    world.swarm._stop(swarm, old)
    world.advance(world.now + 20)
    assert (waiting.state, waiting.error) == ("running", "")


def test_a_task_without_a_node_may_be_meant_to_be_ready_as_well() -> None:
    world, service = ready("541-hostport")
    world.set_behaviour(service.id, pending_desired="ready")
    world.trigger(service, "deploy", "title", "")
    world.advance(world.now + 5)
    newest = look(world, service)["getServiceContainersByAppName"][1][0]
    assert (newest["state"], newest["node"]) == ("ready", "")
    assert newest["error"] == '"no suitable node (host-mode port already in use on 1 node)"'


def test_a_process_that_ends_with_0_within_the_update_makes_swarm_roll_back() -> None:
    world, service = ready("540-hostport")
    service.update({"endpointSpecSwarm": None})
    for behaviour in ({"runtime": "healthy"}, DONE):
        world.set_behaviour(service.id, **behaviour)
        world.trigger(service, "deploy", "title", "")
        world.advance(world.now + 20)
    ((_, whole),) = look(world, service)["getConfig_of_services"].values()
    assert whole["UpdateStatus"]["State"] == "rollback_completed"
