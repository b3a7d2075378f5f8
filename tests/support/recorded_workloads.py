"""Recordings of what runs after a deployment, and the same looks at a simulated world, in one form to compare."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pulumi_dokploy_deployments.simulator.world import World, inspection
from pulumi_dokploy_deployments.simulator.world.services import Deployable
from tests.support.simulator_recordings import load

WAITING = {"new", "pending", "assigned", "accepted", "preparing", "ready"}
STEP = 0.05
"""Seconds between two looks at the world."""
LAG = 60
"""Looks between the first and the last question of a recorded poll: the machine was busy."""
SHOWN = 3
"""Tasks of a slot that are compared: how many old ones Swarm still remembers varies by a moment."""
Look = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """What is compared of one look: the row's status, the listing, and the inspected units and services."""

    row: str | None
    listed: Any
    inspected: Any


def look(world: World, service: Deployable) -> Look:
    """Ask the simulated world what the recorder asked the real server."""
    rows = world.rows_of(service)
    found: Look = {"newest_row": rows[0] if rows else None}
    host, name = service.server_id, service.app_name
    if service.kind == "application":
        listing = inspection.service_tasks(world, name, host)
        found["getServiceContainersByAppName"] = [200, listing]
    elif service.fields["composeType"] == "stack":
        containers = inspection.stack_containers(world, name, host)
        found["getContainersByAppNameMatch"] = [200, containers]
        listing = inspection.stack_tasks(world, name, host)
        found["getStackContainersByAppName"] = [200, listing]
        listing = [line for line in containers if line["containerId"]] + listing
    else:
        listing = [container.view(world.now) for container in world.containers.of(name, host)]
        found["getContainersByAppNameMatch"] = [200, listing]
    ids = [line["containerId"] for line in listing]
    found["getConfig"] = {unit: [200, inspection.inspect(world, unit, host)] for unit in ids}
    services = {config["ServiceID"] for _, config in found["getConfig"].values() if config and "ServiceID" in config}
    found["getConfig_of_services"] = {unit: [200, inspection.inspect(world, unit, host)] for unit in services}
    return found


def polls_of(name: str) -> list[Look]:
    """Return the recorded looks at this deployment's row that saw the same moment in all of their questions."""
    polls: list[Look] = load(name)["polls"]
    created = max(str((poll["newest_row"] or {}).get("createdAt")) for poll in polls)
    own = [poll for poll in polls if (poll["newest_row"] or {}).get("createdAt") == created]
    return [poll for poll in own if all(config is not None for _, config in poll["getConfig"].values())]


def seen(found: Look, app_name: str, restarts: int = 0) -> Seen:
    """Reduce a look to what is compared; `restarts` is what the units had behind them before."""
    row = found["newest_row"]
    listed: Any
    tasks = found.get("getServiceContainersByAppName") or found.get("getStackContainersByAppName")
    if tasks is not None:
        listed = _slots(tasks[1])
    else:
        containers = found["getContainersByAppNameMatch"][1]
        listed = sorted((_plain(line["name"], app_name), line["state"]) for line in containers)
    configs = [config for _, config in found["getConfig"].values()]
    units = sorted(_unit(config, app_name, restarts) for config in configs if "RestartCount" in config)
    updates = sorted(_update(config) for _, config in found["getConfig_of_services"].values())
    return Seen(row["status"] if row else None, listed, (units, updates))


def _plain(name: str, app_name: str) -> str:
    """Return a container's name without what differs from one project to the next."""
    return re.sub(r"[0-9a-f]{12}", "#", name.replace(app_name, "app"))


def _unit(config: Any, app_name: str, restarts: int) -> tuple[Any, ...]:
    state, labels = config["State"], config["Config"]["Labels"]
    name = _plain(config["Name"].lstrip("/"), app_name)
    if "com.docker.compose.service" not in labels:
        # A container that Swarm has only created has an exit code that means nothing (transcript 535).
        code = None if state["Status"] == "created" else state["ExitCode"]
        return (name.rsplit(".", 1)[0], state["Status"], code)
    return (
        labels["com.docker.compose.service"],
        labels["com.docker.compose.container-number"],
        labels["com.docker.compose.oneoff"],
        name,
        config["Config"]["Image"],
        config["RestartCount"] - restarts,
        config["HostConfig"]["RestartPolicy"]["Name"],
        state["Status"],
        state["Running"],
        state["Restarting"],
        state["ExitCode"],
        state.get("Health", {}).get("Status"),
        state["FinishedAt"].startswith("0001"),
    )


def _slots(lines: list[dict[str, Any]]) -> tuple[Any, ...]:
    slots: dict[str, list[tuple[str, str, str]]] = {}
    for line in lines:
        member = re.sub(r"^[^_.]*", "app", line["name"])
        word = line["currentState"].split(" ")[0].lower()
        error = "" if line["error"] == "Error:" else line["error"]
        slots.setdefault(member, []).append((line["state"], "waiting" if word in WAITING else word, error))
    return tuple((member, tuple(found[:SHOWN])) for member, found in sorted(slots.items()))


def _update(config: Any) -> tuple[str, str | None]:
    name = re.sub(r"^[^_]*", "app", config["Spec"]["Name"])
    update = config.get("UpdateStatus")
    return name, update["State"] if update else None


def watch(world: World, service: Deployable, seconds: float) -> Iterator[Look]:
    """Look at the world again and again while time goes on."""
    for _ in range(int(seconds / STEP)):
        world.advance(world.now + STEP)
        yield look(world, service)


def occurs(recorded: list[Seen], samples: list[Seen]) -> str | None:
    """Tell which recorded look never happens, None when all do, in their order.

    The recorder asked for the row first, then for the listing, and inspected unit by unit a moment later.
    """
    position = 0
    for number, wanted in enumerate(recorded):
        while position < len(samples):
            rows = {sample.row for sample in samples[max(0, position - LAG) : position + 1]}
            later = [sample.inspected for sample in samples[position : position + LAG]]
            if samples[position].listed == wanted.listed and wanted.row in rows and wanted.inspected in later:
                break
            position += 1
        else:
            return f"look {number} of {len(recorded)}: {wanted}"
    return None


def shape(value: Any, like: Any, where: str = "$") -> list[str]:
    """Return what of `like` a value lacks: keys and types; the recorder kept only a part of each object."""
    if isinstance(like, dict) and isinstance(value, dict):
        wanted = {key: item for key, item in like.items() if key != "kind"}
        found = [f"{where}.{key} is missing" for key, item in wanted.items() if key not in value and item is not None]
        return found + [
            problem
            for key in wanted.keys() & value.keys()
            for problem in shape(value[key], wanted[key], f"{where}.{key}")
        ]
    if isinstance(like, list) and isinstance(value, list):
        return [problem for item in value for problem in shape(item, like[0], f"{where}[]")] if like else []
    fits = like is None or isinstance(value, type(like))
    return [] if fits else [f"{where}: {value!r} instead of {like!r}"]
