"""`docker inspect` of containers: those of composes, and those behind Swarm's tasks."""

from .containers import Container, image_id
from .ids import iso_nano
from .tasks import SwarmService, Task
from .templates import Json

NODE_ID = "k95dc6gspay41bmhh2bds4lut"


def state_of(task: Task) -> str:
    """Return created, running or exited; a container whose health is awaited runs although its task is `starting`."""
    if task.state == "starting" and not _checked(task):
        return "created"
    return "running" if task.alive else "exited"


def _checked(task: Task) -> bool:
    content = task.spec.content
    return content.runtime == "unhealthy" or bool(content.ready_after)


def of_compose(container: Container) -> Json:
    unit = container.unit
    restarting = container.state == "restarting"
    state: Json = {
        "Status": container.state,
        "Running": container.state in {"running", "restarting"},
        "Paused": False,
        "Restarting": restarting,
        "OOMKilled": container.oom_killed,
        "Dead": False,
        "Pid": 21159 if container.state == "running" else 0,
        "ExitCode": container.exit_code,
        "Error": container.error,
        "StartedAt": _moment(container.started),
        "FinishedAt": _moment(container.finished),
    }
    if container.health:
        state["Health"] = {"Status": container.health, "FailingStreak": container.failing, "Log": []}
    folder = f"/etc/dokploy/compose/{container.project}/code"
    labels = {
        "com.docker.compose.config-hash": unit.config_hash,
        "com.docker.compose.container-number": str(unit.number),
        "com.docker.compose.oneoff": str(container.one_off),
        "com.docker.compose.project": container.project,
        "com.docker.compose.project.config_files": f"{folder}/docker-compose.yml",
        "com.docker.compose.project.working_dir": folder,
        "com.docker.compose.service": unit.service,
        "com.docker.compose.version": "",
    }
    name, _, limit = unit.restart.partition(":")
    policy = {"Name": "" if name == "no" else name, "MaximumRetryCount": int(limit or 0)}
    return _inspected(
        container.id,
        container.name,
        container.created,
        unit.image,
        unit.image_id,
        restarts=container.restarts,
        state=state,
        labels=labels,
        policy=policy,
    )


def of_task(service: SwarmService, task: Task) -> Json:
    """Return the container behind a task: Swarm replaces it instead of restarting it (transcript 508)."""
    status = state_of(task)
    created, running = status == "created", status == "running"
    state: Json = {
        "Status": status,
        "Running": running,
        "Paused": False,
        "Restarting": False,
        "OOMKilled": task.oom_killed,
        "Dead": False,
        "Pid": 21159 if running else 0,
        "ExitCode": task.exit_code,
        "Error": "",
        "StartedAt": _moment(task.started or (task.since if running else None)),
        "FinishedAt": _moment(None if running or created else task.since),
    }
    if _checked(task):
        health = "starting" if task.state == "starting" else "healthy" if running else "unhealthy"
        state["Health"] = {"Status": health, "FailingStreak": 0, "Log": []}
    labels = {
        "com.docker.swarm.node.id": NODE_ID,
        "com.docker.swarm.service.id": service.id,
        "com.docker.swarm.service.name": service.name,
        "com.docker.swarm.task": "",
        "com.docker.swarm.task.id": task.id,
        "com.docker.swarm.task.name": f"{service.name}.{task.slot}.{task.id}",
    }
    if task.spec.namespace:
        labels["com.docker.stack.namespace"] = task.spec.namespace
    return _inspected(
        task.container_id,
        f"{service.name}.{task.slot}.{task.id}",
        task.created,
        task.spec.full_image,
        image_id(task.spec.image),
        restarts=0,
        state=state,
        labels=labels,
        policy={"Name": "", "MaximumRetryCount": 0},
    )


def _inspected(
    container_id: str,
    name: str,
    created: float,
    image: str,
    image_id: str,
    *,
    restarts: int,
    state: Json,
    labels: dict[str, str],
    policy: Json,
) -> Json:
    return {
        "Id": container_id,
        "Created": iso_nano(created),
        "State": state,
        "Image": f"sha256:{image_id}",
        "Name": f"/{name}",
        "RestartCount": restarts,
        "HostConfig": {"RestartPolicy": policy},
        "Config": {
            "Image": image,
            "Env": ["SECRET_TOKEN=simulated-environment-secret"],
            "Labels": labels,
        },
    }


def _moment(at: float | None) -> str:
    """Return a moment as docker writes it; the beginning of its calendar for never."""
    return "0001-01-01T00:00:00Z" if at is None else iso_nano(at)
