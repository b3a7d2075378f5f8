"""`docker inspect`, `docker service ps` and `docker stack ps` of the simulated hosts."""

from . import container_inspection
from .container_inspection import NODE_ID
from .ids import iso_nano
from .images import LocalImage
from .placement import NODE
from .relative import ago, human_duration
from .state import State
from .swarm import RESTART_DELAY, STOP_GRACE
from .tasks import Restart, Spec, SwarmService, Task
from .templates import Json

SECOND = 1_000_000_000
"""In the nanoseconds of Docker's durations."""
NETWORK = "m1mrvi435cch6nfqiz98eiqvb"


def service_tasks(world: State, name: str, server_id: str | None) -> list[Json]:
    """Return the lines of `docker service ps`, as Dokploy splits them (transcripts 302-329)."""
    service = world.swarm.find(name, server_id)
    if service is None:
        return []
    lines = [_line(task, service.name, world.now) for task in service.newest_first()]
    return _with_slip(lines)


def stack_tasks(world: State, stack: str, server_id: str | None) -> list[Json]:
    """Return the lines of `docker stack ps` (docker.getStackContainersByAppName)."""
    services = world.swarm.of_stack(stack, server_id)
    lines = [_line(task, service.name, world.now) for service in services for task in service.newest_first()]
    order = ("containerId", "name", "state", "node", "currentState", "error")
    return [{key: line[key] for key in order} for line in _with_slip(lines)]


def stack_containers(world: State, stack: str, server_id: str | None) -> list[Json]:
    """Return a stack's running tasks in the shape of containers (getContainersByAppNameMatch)."""
    found: list[Json] = []
    for service in world.swarm.of_stack(stack, server_id):
        for task in service.newest_first():
            if task.desired != "running":
                continue
            line = _line(task, service.name, world.now)
            status = f"{line['currentState']} ({task.error})" if task.error else str(line["currentState"])
            found.append(
                {
                    "containerId": task.container_id[:12],
                    "name": f"{line['name']}.{task.id}",
                    "node": line["node"],
                    "state": task.state,
                    "status": status,
                }
            )
    if found and not str(found[-1]["status"]).endswith(")"):
        found[-1]["status"] += " (Error:)"
    return found


def _line(task: Task, name: str, now: float) -> Json:
    return {
        "containerId": task.id,
        "name": f"{name}.{task.slot}",
        "state": task.desired,
        "currentState": ago(task.state, now - task.since),
        "node": NODE if task.on_node else "",
        "error": task.error,
    }


def _with_slip(lines: list[Json]) -> list[Json]:
    """Repeat Dokploy's slip: the output is trimmed, so the last line's empty error reads "Error:"."""
    if lines and not lines[-1]["error"]:
        lines[-1]["error"] = "Error:"
    return lines


def matching_containers(world: State, name: str, server_id: str | None) -> list[Json]:
    """Return what `docker ps -a` lists under a name: compose containers and those of tasks."""
    found = [
        container.view(world.now)
        for container in world.containers.all
        if container.server_id == server_id and container.name.startswith(name)
    ]
    for service in world.swarm.services:
        if service.server_id == server_id and service.name.startswith(name):
            found += [_task_container(service, t, world.now) for t in service.newest_first() if t.container_id]
    return found


def old_stack_containers(world: State, stack: str, server_id: str | None) -> list[Json]:
    """Return a stack's containers as servers before v0.30.0 list them: old ones that ended, too (transcript 604)."""
    found = [
        (task.created, _task_container(service, task, world.now))
        for service in world.swarm.of_stack(stack, server_id)
        for task in service.tasks
        if task.container_id
    ]
    return [line for _, line in sorted(found, key=lambda item: item[0], reverse=True)]


def _task_container(service: SwarmService, task: Task, now: float) -> Json:
    span = human_duration(now - task.since)
    state = container_inspection.state_of(task)
    texts = {"created": "Created", "running": f"Up {span}", "exited": f"Exited ({task.exit_code}) {span} ago"}
    return {
        "containerId": task.container_id[:12],
        "name": f"{service.name}.{task.slot}.{task.id}",
        "state": state,
        "status": texts[state],
    }


def inspect(world: State, key: str, server_id: str | None) -> Json | None:
    """Return `docker inspect <key>`: container, image, service or task; None for an unknown name.

    A built application owns an image called like its service, and the image comes first (transcript 301).
    """
    container = world.containers.find(key, server_id) if len(key) >= 12 else None
    if container is not None:
        return container_inspection.of_compose(container)
    owner = world.swarm.find_container(key, server_id) if len(key) >= 12 else None
    if owner is not None:
        return container_inspection.of_task(*owner)
    image = world.images.local.get(f"{key}:latest")
    if image is not None:
        return _image(f"{key}:latest", image)
    service = world.swarm.find(key, server_id)
    if service is not None:
        return _service(service)
    found = world.swarm.find_task(key, server_id)
    return _task(*found) if found else None


def _image(name: str, image: LocalImage) -> Json:
    return {
        "Id": f"sha256:{image.id}",
        "RepoTags": [name],
        "RepoDigests": [],
        "Parent": "",
        "Comment": "",
        "Created": iso_nano(image.created),
        "Container": "",
        "ContainerConfig": {"Hostname": "", "Env": ["PATH=/usr/bin:/bin"], "Labels": {}},
        "DockerVersion": "20.10.24+dfsg1",
        "Author": "",
        "Config": {"Env": ["PATH=/usr/bin:/bin"], "Cmd": ["/bin/busybox", "sleep", "100000"]},
        "Architecture": "amd64",
        "Os": "linux",
        "Size": 3964512,
        "VirtualSize": 3964512,
        "GraphDriver": {"Data": {}, "Name": "overlay2"},
        "RootFS": {"Type": "layers", "Layers": [f"sha256:{image.id}"]},
        "Metadata": {"LastTagTime": iso_nano(image.created)},
    }


def _template(spec: Spec) -> Json:
    container: Json = {"Image": spec.full_image, "Isolation": "default"}
    if spec.namespace:
        container["Labels"] = {"com.docker.stack.namespace": spec.namespace}
    if spec.env:
        container["Env"] = list(spec.env)
    if spec.command:
        container["Command"] = spec.command.split(" ")
    template: Json = {"ContainerSpec": container, "Resources": {"Limits": {}, "Reservations": {}}}
    if spec.restart is not None:
        template["RestartPolicy"] = _restart(spec.restart)
    return template | {
        "Placement": {"Constraints": list(spec.constraints)} if spec.constraints else {},
        "Networks": [{"Target": NETWORK}],
        "ForceUpdate": spec.force_update,
    }


def _restart(restart: Restart, delay: float | None = None) -> Json:
    delay = restart.delay if delay is None else delay
    waits = {} if delay is None else {"Delay": int(delay * SECOND)}
    return {"Condition": restart.condition, **waits, "MaxAttempts": restart.attempts}


def _spec(name: str, spec: Spec, *, defaults: bool) -> Json:
    """Return a spec; Swarm adds its defaults to the present one and to no other (transcripts 430, 431)."""
    monitor = {"Monitor": int(spec.monitor * SECOND)} if defaults or spec.monitor_given else {}
    template = _template(spec)
    if defaults:
        container = template["ContainerSpec"]
        isolation = container.pop("Isolation")
        container |= {"StopGracePeriod": int(STOP_GRACE * SECOND), "DNSConfig": {}, "Isolation": isolation}
        restart = spec.restart or Restart()
        delay = RESTART_DELAY if restart.delay is None else restart.delay
        template = {
            "ContainerSpec": container,
            "Resources": template["Resources"],
            **template,
            "RestartPolicy": _restart(restart, delay),
        }
    labels = (
        {"com.docker.stack.image": spec.image, "com.docker.stack.namespace": spec.namespace} if spec.namespace else {}
    )
    return {
        "Name": name,
        "Labels": labels,
        "TaskTemplate": template | {"Runtime": "container"},
        "Mode": {"Replicated": {"Replicas": spec.replicas}},
        "UpdateConfig": {
            "Parallelism": 1,
            "FailureAction": spec.failure_action,
            **monitor,
            "MaxFailureRatio": 0,
            "Order": spec.order,
        },
        "RollbackConfig": {
            "Parallelism": 1,
            "FailureAction": "pause",
            **({"Monitor": 5 * SECOND} if defaults else {}),
            "MaxFailureRatio": 0,
            "Order": spec.rollback_order,
        },
        "EndpointSpec": {"Mode": "vip"},
    }


def _service(service: SwarmService) -> Json:
    view: Json = {
        "ID": service.id,
        "Version": {"Index": service.index},
        "CreatedAt": iso_nano(service.created),
        "UpdatedAt": iso_nano(service.updated),
        "Spec": _spec(service.name, service.spec, defaults=True),
    }
    if service.previous is not None:
        view["PreviousSpec"] = _spec(service.name, service.previous, defaults=False)
    view["Endpoint"] = {"Spec": {"Mode": "vip"}, "VirtualIPs": [{"NetworkID": NETWORK, "Addr": "10.0.1.6/24"}]}
    if service.update is not None:
        update: Json = {"State": service.update.state, "StartedAt": iso_nano(service.update.started)}
        if service.update.completed is not None:
            update["CompletedAt"] = iso_nano(service.update.completed)
        view["UpdateStatus"] = update | {"Message": service.update.message}
    return view


def _task(service: SwarmService, task: Task) -> Json:
    status: Json = {
        "Timestamp": iso_nano(task.since),
        "State": task.state,
        "Message": task.message,
    }
    if task.error:
        status["Err"] = task.error.strip('"')
    if task.container_id:
        pid = 22795 if task.alive else 0
        status["ContainerStatus"] = {
            "ContainerID": task.container_id,
            "PID": pid,
            "ExitCode": task.exit_code,
        }
    view: Json = {
        "ID": task.id,
        "Version": {"Index": task.index},
        "CreatedAt": iso_nano(task.created),
        "UpdatedAt": iso_nano(task.since + 0.025),
        "Labels": {},
        "Spec": _template(task.spec),
        "ServiceID": service.id,
        "Slot": task.slot,
    }
    if task.on_node:
        view["NodeID"] = NODE_ID
    view["Status"] = status | {"PortStatus": {}}
    view["DesiredState"] = task.desired
    if task.on_node:
        view["NetworksAttachments"] = [
            {"Network": {"ID": NETWORK, "Spec": {"Name": "dokploy-network"}}, "Addresses": ["10.0.1.7/24"]}
        ]
    return view | {"Volumes": None}
