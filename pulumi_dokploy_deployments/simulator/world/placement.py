"""Which tasks the one node of a simulated swarm takes: placement constraints, and ports in host mode."""

import re
from collections.abc import Iterable

from .tasks import PORT_TAKEN, SwarmService, Task

NODE = "vm"
ATTRIBUTES = {
    "node.hostname": NODE,
    "node.role": "manager",
    "node.platform.os": "linux",
    "node.platform.arch": "x86_64",
}


def unmet(constraints: Iterable[str]) -> bool:
    """Tell whether the node fails one of the constraints, such as "node.labels.disk == ssd"."""
    return any(not _met(constraint) for constraint in constraints)


def _met(constraint: str) -> bool:
    match = re.fullmatch(r"\s*(\S+?)\s*(==|!=)\s*(\S+)\s*", constraint)
    if match is None:
        return False
    return (ATTRIBUTES.get(match[1]) == match[3]) is (match[2] == "==")


def why_not_placed(service: SwarmService, task: Task) -> str:
    """Return why no node takes a task, or nothing; a port in host mode is taken while another task runs (541)."""
    others = [other for other in service.tasks if other is not task and other.alive]
    if task.spec.host_port and any(other.spec.host_port for other in others):
        return PORT_TAKEN
    return task.spec.unplaceable
