"""Triggers of a Python program as values that the engine can carry: times, sets and the like become strings and lists.

The SDK refuses what it does not know with a traceback of its own. Here such a value is told by its place in the map.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from inspect import isawaitable
from pathlib import PurePath
from typing import Any
from uuid import UUID

import pulumi

from pulumi_dokploy_deployments.api.errors import DokployError, Step
from pulumi_dokploy_deployments.resources.paths import Path, spelled
from pulumi_dokploy_deployments.schema.names import NESTED

MOST_EXACT = 2**53
"""The engine knows one kind of number, which is exact up to here."""
_LEFT_TO_THE_SDK = pulumi.Asset | pulumi.Archive | pulumi.Resource


class UnusableTrigger(DokployError):
    """A value among the triggers can't be compared from one run to the next."""


def with_plain_triggers(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of a resource with its triggers as plain values, those of a release's services too.

    Other inputs stay as they are.

    Raises:
        UnusableTrigger: a value can't be carried; the message says where it is and what to give in its place.
    """
    return _with_plain_triggers(inputs, ())


def _with_plain_triggers(inputs: Mapping[str, Any], path: Path) -> dict[str, Any]:
    found = dict(inputs)
    if found.get("triggers") is not None:
        found["triggers"] = plain_trigger(found["triggers"], (*path, "triggers"))
    for name, depth in () if path else NESTED.items():
        if found.get(name) is not None:
            found[name] = within(found[name], depth, (name,), _with_plain_triggers)
    return found


def within(value: Any, depth: int, path: Path, change: Callable[[Mapping[str, Any], Path], Any]) -> Any:
    """A value of a program with the maps that lie so deep in it changed. Outputs stay outputs.

    Args:
        value: what the program gives.
        depth: how many maps with keys of the user's stand above.
        path: where the value is.
        change: gives a map anew; it is told where the map is.
    """
    if isinstance(value, pulumi.Output):
        return value.apply(lambda known: within(known, depth, path, change))
    if not isinstance(value, Mapping):
        return value
    if depth:
        return {key: within(part, depth - 1, (*path, str(key)), change) for key, part in value.items()}
    return change(value, path)


def plain_trigger(value: Any, path: Path) -> Any:
    """A value among the triggers as the engine carries it. Outputs stay outputs."""
    if isinstance(value, pulumi.Output):
        return value.apply(lambda known: plain_trigger(known, path))
    if value is None or isinstance(value, str | bool | float | _LEFT_TO_THE_SDK) or isawaitable(value):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, Enum):
        return plain_trigger(value.value, path)
    if isinstance(value, int):
        return value if abs(value) <= MOST_EXACT else str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal | PurePath | UUID):
        return str(value)
    if isinstance(value, Mapping):
        return {_key(key, path): plain_trigger(part, (*path, str(key))) for key, part in value.items()}
    if isinstance(value, Set):
        return sorted((plain_trigger(part, path) for part in value), key=lambda part: (type(part).__name__, str(part)))
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [plain_trigger(part, (*path, index)) for index, part in enumerate(value)]
    # Here, so that a program that declares resources starts without the client behind it.
    from pulumi_dokploy_deployments.hosts.program_errors import for_program

    raise for_program(
        UnusableTrigger(
            f"{spelled(path)} is of the type {type(value).__name__}, which can't be stored and compared with the next "
            "run's.",
            next_step=_instead_of(value),
            step=Step.CHANGE_INPUT,
            property_name="triggers",
        )
    )


def _instead_of(value: Any) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return "Give a digest of it, hashlib.sha256(…).hexdigest() for instance."
    return "Give a string, a number, a map or a list, str(…) of it for instance."


def _key(key: Any, path: Path) -> Any:
    if isinstance(key, str):
        return key.value if isinstance(key, Enum) else key
    plain = plain_trigger(key, path)
    return plain if isinstance(plain, str) else str(plain)
