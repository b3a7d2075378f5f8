"""Placement constraints, and what the one node of a simulated swarm is like."""

import re
from collections.abc import Iterable

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
