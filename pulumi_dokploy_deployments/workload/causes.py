"""From Docker's words to what they mean: the exit code, the cause, the kind of next step. Pure."""

from __future__ import annotations

import re

from pulumi_dokploy_deployments.workload.model import Unit, UnitHealth, UnitState
from pulumi_dokploy_deployments.workload.verdict import NextStep

KILLED = 137
"""128 + 9: ended by a kill, which is what the kernel does when memory runs out."""

_EXIT = re.compile(r"non-zero exit \((\d+)\)")
_NO_NODE = "no suitable node"
_PORT = ("host-mode port already in use", "port is already allocated", "address already in use")
_IMAGE = (
    "no such image",
    "pull access denied",
    "manifest unknown",
    "manifest for",
    "repository does not exist",
    "invalid reference format",
    "failed to pull",
    "image not found",
)


def exit_code_of(unit: Unit) -> int | None:
    """The exit code of the unit's process, where it is known."""
    if unit.exit_code is not None and unit.exit_code > 0:
        return unit.exit_code
    found = _EXIT.search(unit.error)
    if found:
        return int(found.group(1))
    has_told = unit.state in (UnitState.COMPLETE, UnitState.EXITED, UnitState.RESTARTING)
    return unit.exit_code if has_told and unit.exit_code == 0 else None


def next_step_of(unit: Unit) -> NextStep:
    """What kind of thing made this unit fail."""
    said = unit.error.lower()
    if any(words in said for words in _PORT):
        return NextStep.PORT
    if _NO_NODE in said:
        return NextStep.PLACEMENT
    if any(words in said for words in _IMAGE):
        return NextStep.IMAGE
    if unit.health is UnitHealth.UNHEALTHY or "unhealthy container" in said:
        return NextStep.HEALTH_CHECK
    code = exit_code_of(unit)
    if unit.is_out_of_memory or code == KILLED:
        return NextStep.OUT_OF_MEMORY
    if code == 0:
        return NextStep.RESTART_POLICY
    return NextStep.EXIT_CODE if code is not None or unit.has_failed else NextStep.NONE


def words_for(unit: Unit) -> str:
    """How the unit ended, with Docker's own error; empty where nothing is known."""
    code = exit_code_of(unit)
    ending = ""
    if unit.is_out_of_memory:
        ending = f"killed because memory ran out (exit code {code})" if code else "killed because memory ran out"
    elif code is not None and not _EXIT.search(unit.error):
        ending = f"exit code {code}"
    return ": ".join(part for part in (ending, unit.error) if part)
