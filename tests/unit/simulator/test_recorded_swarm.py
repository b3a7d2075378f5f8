"""Swarm behaves as recorded: rollouts, failing containers, automatic rollbacks, pinned versions."""

from collections.abc import Iterator
from typing import Any

from pulumi_dokploy_deployments.simulator.world import World, factory, inspection
from pulumi_dokploy_deployments.simulator.world.services import Commit, Deployable
from tests.support.simulator_recordings import START, application, empty_world, load

WAITING = {"new", "pending", "assigned", "accepted", "preparing", "ready"}
SHOWN = 3
"""Tasks of a slot that are compared: how many old ones Swarm still remembers varies by a moment."""


def clock(text: str) -> float:
    """Return the virtual second of a recorded time of day (the story began at 17:17:06)."""
    hours, minutes, seconds = (float(part) for part in text.split(":"))
    return START + (hours - 17) * 3600 + (minutes - 17) * 60 + seconds - 6


def state_word(text: str) -> str:
    """Return the state in a currentState text; those before the start count as one."""
    word = text.split(" ")[0].lower()
    return "waiting" if word in WAITING else word


def signature(tasks: list[dict[str, Any]], update: str | None) -> tuple[Any, ...]:
    """Return what is compared of one poll."""
    slots: dict[str, list[tuple[str, str, str]]] = {}
    for task in tasks:
        slot = task["name"].rsplit(".", 1)[1]
        error = "" if task["error"] == "Error:" else task["error"]
        slots.setdefault(slot, []).append((task["state"], state_word(task["currentState"]), error))
    return update, tuple((slot, tuple(found[:SHOWN])) for slot, found in sorted(slots.items()))


def recorded_polls(name: str) -> list[tuple[Any, ...]]:
    """Return the recorded polls of one transcript."""
    polls = []
    for poll in load(name)["polls"]:
        config = poll["getConfig_of_service"]
        update = config["UpdateStatus"]["State"] if config["UpdateStatus"] else None
        polls.append(signature(poll["getServiceContainersByAppName"][1], update))
    return polls


def sampled(world: World, service: Deployable, until: float) -> Iterator[tuple[Any, ...]]:
    """Yield the signature every 50 milliseconds until a moment."""
    while world.now < until:
        world.advance(world.now + 0.05)
        swarm = world.swarm.find(service.app_name)
        update = swarm.update.state if swarm and swarm.update else None
        yield signature(inspection.service_tasks(world, service.app_name, None), update)


def deploy_and_compare(world: World, service: Deployable, at: str, transcript: str, seconds: float = 20.0) -> None:
    """Deploy at a recorded time of day and look for each recorded poll, in order."""
    world.advance(clock(at))
    world.trigger(service, "deploy", "ws probe", "nonce")
    samples = list(sampled(world, service, world.now + seconds))
    position = 0
    for update, slots in recorded_polls(transcript):
        # The recorder read the tasks first and the service up to half a second later.
        while position < len(samples):
            later = {seen[0] for seen in samples[position : position + 12]}
            if samples[position][1] == slots and update in later:
                break
            position += 1
        assert position < len(samples), f"{transcript}: never seen {update} {slots}"


def test_the_recorded_story_of_one_docker_application_happens_again() -> None:
    world = empty_world()
    dock = application(world, "dock", None, build_seconds=0.06)
    deploy_and_compare(world, dock, "17:17:06", "313-tasks-after-deploy", 10)
    dock.update({"dockerImage": "127.0.0.1:5055/bb:2"})
    deploy_and_compare(world, dock, "17:17:41", "315-tasks-update-ok", 17)
    dock.update({"command": "/bin/false"})
    deploy_and_compare(world, dock, "17:17:59", "317-tasks-crash-loop")
    dock.update({"command": None})
    deploy_and_compare(world, dock, "17:18:28", "319-tasks-recovered", 17)
    dock.update({"command": "/bin/false"})
    deploy_and_compare(world, dock, "17:18:46", "321-tasks-swarm-rollback")
    dock.update({"command": None})
    world.set_behaviour(dock.id, runtime="unhealthy")
    deploy_and_compare(world, dock, "17:19:20", "323-tasks-unhealthy")
    world.set_behaviour(dock.id, runtime="exits")
    deploy_and_compare(world, dock, "17:20:49", "325-tasks-exit-1-default-update-config")
    dock.update({"updateConfigSwarm": {"FailureAction": "pause", "Order": "stop-first"}})
    deploy_and_compare(world, dock, "17:21:31", "327-tasks-update-paused", 23)
    world.set_behaviour(dock.id, runtime="healthy")
    dock.update({"updateConfigSwarm": None, "replicas": 3})
    deploy_and_compare(world, dock, "17:21:55", "329-tasks-3-replicas", 15)


def test_a_healthy_deployment_ends_a_paused_update_and_fills_three_replicas() -> None:
    world = empty_world()
    dock = application(world, "dock", None, build_seconds=0.06)
    for runtime, replicas, seconds in (("healthy", 1, 20), ("exits", 1, 25), ("healthy", 3, 20)):
        world.set_behaviour(dock.id, runtime=runtime)
        dock.update({"replicas": replicas})
        if runtime == "exits":
            dock.update({"updateConfigSwarm": {"FailureAction": "pause", "Order": "stop-first"}})
        world.trigger(dock, "deploy", "t", "")
        world.advance(world.now + seconds)
    swarm = world.swarm.find(dock.app_name)
    assert swarm is not None
    assert swarm.update is not None
    assert swarm.update.state == "completed"
    assert sorted(task.slot for task in world.swarm.running(swarm)) == [1, 2, 3]


def rolling_world() -> tuple[World, Deployable]:
    """Return a built application with rollbacks, deployed three times as in 331 to 333."""
    world = empty_world()
    registry = factory.create_registry(world, "local")
    app = application(world, "slow2", Commit("1" * 40, "release 1"), build_seconds=0.3)
    app.update({"rollbackActive": True, "rollbackRegistryId": registry.id})
    for release in (1, 2, 3):
        if release > 1:
            world.push_commit(app.id, f"release {release}")
        world.trigger(app, "deploy", "ws probe", "nonce")
        world.advance(world.now + 10.9)
    return world, app


def test_rolling_back_pins_the_stored_image_and_the_next_deployment_undoes_it() -> None:
    world, app = rolling_world()
    swarm = world.swarm.find(app.app_name)
    assert swarm is not None
    before = load("334-running-v3")["service"]
    assert before["image"].endswith(":latest")
    assert swarm.spec.image == f"{app.app_name}:latest"
    rows = [dict(row) for row in world.rows_of(app)]
    first = world.history.rollbacks[0]
    assert world.roll_back(first)
    pinned = load("337-running-after-rollback-6s")["service"]["image"].replace("slow2-yc6rsr", app.app_name)
    assert swarm.spec.image == pinned
    assert swarm.previous is not None
    assert swarm.previous.image == f"{app.app_name}:latest"
    states = []
    for _ in range(130):
        world.advance(world.now + 0.05)
        states.append(swarm.update.state if swarm.update else None)
    assert [state for index, state in enumerate(states) if state not in states[:index]] == [
        "updating",
        "completed",
    ]
    assert [task.spec.content.commit for task in world.swarm.running(swarm)] == ["1" * 40]
    assert world.rows_of(app) == rows
    world.trigger(app, "deploy", "again", "")
    world.advance(world.now + 11)
    assert [task.spec.image for task in world.swarm.running(swarm)] == [f"{app.app_name}:latest"]


def shape(value: Any, where: str = "") -> set[str]:
    """Return the places of an inspected object with the values that every server has in common."""
    if isinstance(value, dict):
        found = {place for key, item in value.items() for place in shape(item, f"{where}.{key}")}
        return found | ({f"{where} is empty"} if not value else set())
    if isinstance(value, list):
        return {place for item in value for place in shape(item, f"{where}[]")}
    own = (".ID", "Id", "Index", "At", "Image", "Name", ".Addr", "NetworkID", "Target", "ForceUpdate")
    return {where if where.endswith(own) else f"{where} = {value!r}"}


def test_an_updated_service_shows_swarm_s_defaults_and_what_was_set_before_without_them() -> None:
    world, app = rolling_world()
    swarm = world.swarm.find(app.app_name)
    assert swarm is not None
    recorded = load("430-getConfig-service-by-id")["response"][1]
    assert shape(inspection.inspect(world, swarm.id, None)) == shape(recorded)


def test_a_service_that_swarm_rolled_back_shows_no_previous_spec() -> None:
    world = empty_world()
    app = application(world, "crash", None, build_seconds=0.06)
    for runtime in ("healthy", "exits"):
        world.set_behaviour(app.id, runtime=runtime)
        world.trigger(app, "deploy", "t", "")
        world.advance(world.now + 20)
    swarm = world.swarm.find(app.app_name)
    assert swarm is not None
    recorded = load("431-getConfig-service-rolled-back")["response"][1]
    assert shape(inspection.inspect(world, swarm.id, None)) == shape(recorded)


def test_a_monitor_that_was_set_is_shown_in_the_previous_spec_too() -> None:
    world, app = rolling_world()
    app.update({"updateConfigSwarm": {"Parallelism": 1, "Order": "start-first", "Monitor": 7_000_000_000}})
    for _ in range(2):
        world.trigger(app, "deploy", "t", "")
        world.advance(world.now + 20)
    swarm = world.swarm.find(app.app_name)
    assert swarm is not None
    view = inspection.inspect(world, swarm.id, None)
    assert view is not None
    assert view["PreviousSpec"]["UpdateConfig"]["Monitor"] == 7_000_000_000
    assert "Monitor" not in view["PreviousSpec"]["RollbackConfig"]


def test_versions_count_over_the_whole_instance() -> None:
    world, app = rolling_world()
    other = application(world, "other", Commit("9" * 40, "first"), build_seconds=0.1)
    other.update({key: app.fields[key] for key in ("rollbackActive", "rollbackRegistryId")})
    world.trigger(other, "deploy", "t", "")
    world.advance(world.now + 1)
    assert world.history.rollbacks[-1].image == f"{other.app_name}:v4"


def test_a_failed_build_has_a_version_whose_image_nobody_has() -> None:
    world, app = rolling_world()
    world.push_commit(app.id, "fix: broken", build="fails")
    world.trigger(app, "deploy", "t", "")
    world.advance(world.now + 1)
    row = world.rows_of(app)[0]
    rollback = world.history.find_rollback(row["rollbackId"])
    assert row["status"] == "error"
    assert rollback is not None
    assert world.roll_back(rollback), "the call succeeds all the same"
    world.advance(world.now + 20)
    swarm = world.swarm.find(app.app_name)
    assert swarm is not None
    assert swarm.update is not None
    assert swarm.update.state == "rollback_completed"
    assert [task.spec.image for task in world.swarm.running(swarm)] == [f"{app.app_name}:latest"]
    assert any(task.state == "rejected" for task in swarm.tasks)
