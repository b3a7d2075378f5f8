"""The control interface: POST /_simulator/<verb> and GET /_simulator/state, for tests in other processes.

`set_behaviour` takes the fields of Behaviour, `members` those of Process by service of a compose; so do
`create_application` and `create_compose`, next to what the service is made of.
"""

import json
from collections.abc import Callable
from dataclasses import asdict

from starlette.responses import Response

from pulumi_dokploy_deployments.simulator.http import answers
from pulumi_dokploy_deployments.simulator.world import World, factory
from pulumi_dokploy_deployments.simulator.world.redis_queue import RedisQueue
from pulumi_dokploy_deployments.simulator.world.templates import Json

Verb = Callable[[World, Json], object]


def state(world: World) -> Json:
    """Return what really runs, the queue, the faults, and every API call received so far."""
    names = {service.app_name: service for service in world.services.values()}
    services: Json = {}
    for swarm in world.swarm.services:
        owner = names.get(swarm.name)
        services[swarm.name] = {
            "service": owner.name if owner else None,
            "id": owner.id if owner else None,
            "image": swarm.spec.image,
            "content": asdict(swarm.spec.content),
            "update": swarm.update.state if swarm.update else None,
            "running": [asdict(task.spec.content) for task in world.swarm.running(swarm)],
            "tasks": [
                {
                    "id": task.id,
                    "slot": task.slot,
                    "image": task.spec.image,
                    "content": asdict(task.spec.content),
                    "desired": task.desired,
                    "state": task.state,
                    "created": task.created,
                }
                for task in swarm.newest_first()
            ],
        }
    return {
        "now": world.now,
        "version": str(world.version),
        "cloud": world.cloud,
        "down_until": world.down_until,
        "services": services,
        "containers": [asdict(container) for container in world.containers.all],
        "queue": [job.view() for job in world.queue.newest_first()],
        "rows": [row.fields for row in world.history.rows],
        "asked": world.history.asked,
        "faults": world.faults.view(),
        "requests": [request.view() for request in world.requests.calls],
        "counters": world.requests.counters(),
    }


def _restart(world: World, given: Json) -> object:
    world.restart(**given)
    return True


def _lose_queue(world: World, given: Json) -> object:
    world.lose_queue()
    return True


def _database(down: bool) -> Verb:
    def verb(world: World, given: Json) -> object:
        world.faults.database_down = down
        return True

    return verb


def _fault(world: World, given: Json) -> object:
    return asdict(world.faults.add(given.pop("kind"), **given))


def _odd_answer(world: World, given: Json) -> object:
    return asdict(world.faults.add_odd(given.pop("name"), **given))


def _clear_faults(world: World, given: Json) -> object:
    world.faults.clear(given.get("kind"))
    return True


def _settings(world: World, given: Json) -> object:
    for name in ("answer_seconds", "newer_server", "unknown_status", "torn_log", "database_down", "queued_rows"):
        if name in given:
            setattr(world.faults, name, given[name])
    if "queue_gap_seconds" in given:
        if not isinstance(world.queue, RedisQueue):
            raise ValueError(f"{world.version} has no queue in Redis")
        world.queue.gap_seconds = float(given["queue_gap_seconds"])
    return world.faults.view()


def _preview(world: World, given: Json) -> object:
    return world.trigger_preview(given.pop("service"), **given).view()


def _unlist(world: World, given: Json) -> object:
    world.unlisted.add(world.by_name(given["service"]).id)
    return True


def _push_commit(world: World, given: Json) -> object:
    return asdict(world.push_commit(given.pop("service"), given.pop("message"), **given))


def _set_behaviour(world: World, given: Json) -> object:
    world.set_behaviour(given.pop("service"), **given)
    return True


def _set_image(world: World, given: Json) -> object:
    world.set_image(given.pop("image"), **given)
    return True


def _set_fields(world: World, given: Json) -> object:
    service = world.by_name(given["service"])
    unknown = given["fields"].keys() - service.fields.keys()
    if unknown:
        raise KeyError(f"no column {sorted(unknown)[0]}")
    service.update(given["fields"])
    return True


def _server_id(world: World, name: str | None) -> str | None:
    """Return the id of a server that is given by name or id."""
    for server in world.servers.values():
        if name in {server.id, server.fields["name"]}:
            return server.id
    if name:
        raise KeyError(f"no server {name!r}")
    return None


def _create_application(world: World, given: Json) -> object:
    server_id = _server_id(world, given.pop("server", None))
    columns: Json = given.pop("fields", {})
    build_server = _server_id(world, given.pop("build_server", None))
    if build_server is not None:
        registry = next(iter(world.registries), None)
        columns = {"buildServerId": build_server, "buildRegistryId": registry} | columns
    name, image = given.pop("name"), given.pop("image", None)
    if image is None:
        message = given.pop("message", "feat: first commit")
        service = factory.git_application(world, name, message, server_id=server_id, **columns)
    else:
        service = factory.docker_application(world, name, image, server_id=server_id, **columns)
    world.set_behaviour(service.id, **given)
    return {"applicationId": service.id, "appName": service.app_name}


def _create_compose(world: World, given: Json) -> object:
    server_id = _server_id(world, given.pop("server", None))
    own = {key: given.pop(key) for key in ("compose_type", "env") if key in given}
    service = factory.raw_compose(world, given.pop("name"), given.pop("compose_file"), server_id=server_id, **own)
    world.set_behaviour(service.id, **given)
    return {"composeId": service.id, "appName": service.app_name}


def _run_once(world: World, given: Json) -> object:
    return world.run_once(given["compose"], given["member"], int(given["exit_code"]))


def _clear_requests(world: World, given: Json) -> object:
    world.requests.clear()
    return True


VERBS: dict[str, Verb] = {
    "restart": _restart,
    "lose_queue": _lose_queue,
    "database_down": _database(True),
    "database_up": _database(False),
    "fault": _fault,
    "odd_answer": _odd_answer,
    "clear_faults": _clear_faults,
    "settings": _settings,
    "preview": _preview,
    "unlist": _unlist,
    "push_commit": _push_commit,
    "create_application": _create_application,
    "create_compose": _create_compose,
    "run_once": _run_once,
    "set_behaviour": _set_behaviour,
    "set_fields": _set_fields,
    "set_image": _set_image,
    "clear_requests": _clear_requests,
}


def answer(world: World, method: str, verb: str, raw: bytes) -> Response:
    """Run a verb; mistakes in its arguments come back as 400 with the reason."""
    if method == "GET" and verb == "state":
        return answers.page(state(world))
    run = VERBS.get(verb)
    if method != "POST" or run is None:
        return answers.page({"message": f"unknown verb {verb!r}", "verbs": sorted(VERBS)}, 404)
    try:
        given = json.loads(raw or b"{}")
        return answers.page({"result": run(world, given)})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return answers.page({"message": f"{type(error).__name__}: {error}"}, 400)
