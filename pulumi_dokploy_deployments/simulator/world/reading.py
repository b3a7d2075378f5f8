"""Whose output `docker logs` and `docker service logs` read: which containers, on which host."""

from dataclasses import dataclass

from .output import Line, jumbled, selected
from .state import State
from .tasks import SwarmService


@dataclass(frozen=True)
class Source:
    """The output of one container; `lines` is what it wrote so far and grows."""

    id: str
    lines: list[Line]


def container(state: State, key: str, host: str | None) -> list[Source] | None:
    """Return the source that `docker container logs` reads; None for a container that the host doesn't have."""
    found = state.containers.find(key, host)
    if found is not None:
        return [Source(found.id, found.lines)]
    owner = state.swarm.find_container(key, host)
    return None if owner is None else [Source(owner[1].id, owner[1].lines)]


def service(state: State, key: str, host: str | None) -> list[Source] | None:
    """Return the sources that `docker service logs` reads: of a task, or of all tasks of a service, dead ones too.

    They come in no order that means anything (transcripts 520, 524).
    """
    found = state.swarm.find(key, host)
    if found is not None:
        return _tasks(found)
    owner = state.swarm.find_task(key, host)
    return None if owner is None else [Source(owner[1].id, owner[1].lines)]


def application(state: State, app_name: str, host: str | None) -> tuple[list[Source], bool] | None:
    """Return what readLogs reads for an appName, and whether it is a service's output.

    That is the youngest running container; only when none runs it is the service with all its tasks.
    """
    services = [item for item in state.swarm.services if item.server_id == host and item.name.startswith(app_name)]
    running = [task for item in services for task in item.tasks if task.alive and task.container_id]
    if running:
        youngest = max(running, key=lambda task: (task.created, task.index))
        return [Source(youngest.id, youngest.lines)], False
    return (_tasks(services[0]), True) if services else None


def text(sources: list[Source], tail: int, since: str, search: str, now: float, *, mixed: bool) -> str:
    """Return the lines as one text; of a service `tail` counts for each task."""
    lines = [line for source in sources for line in chosen(source.lines, tail, since, now, mixed=mixed)]
    return "".join(f"{line}\n" for line in searched(lines, search))


def chosen(lines: list[Line], tail: int, since: str, now: float, *, mixed: bool) -> list[Line]:
    """Return what one source gives at first."""
    found = selected(lines, tail, since, now)
    return jumbled(found) if mixed else found


def searched(lines: list[Line], search: str) -> list[str]:
    """Return the stamped lines that contain a text, whatever its case."""
    stamped = (line.stamped() for line in lines)
    return [line for line in stamped if search.lower() in line.lower()]


def _tasks(found: SwarmService) -> list[Source]:
    return [Source(task.id, task.lines) for task in sorted(found.tasks, key=lambda task: task.id)]
