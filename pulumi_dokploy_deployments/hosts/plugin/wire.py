"""Values at the plugin's edge: plain Python inside, the engine's property values with their marks outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.provider.experimental.property_value import Computed, PropertyValue, ResourceReference

from pulumi_dokploy_deployments.resources.fields import UNKNOWN, UnknownValue
from pulumi_dokploy_deployments.schema.names import camel, nested, snake

UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
UNKNOWN_TEXTS = frozenset(
    {
        UNKNOWN_TEXT,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""How the protocol writes a value that is not known yet: one text for each kind of value."""
_NESTED_NAMES = frozenset({"target", "baseline"})
"""Records in states of release 0.1.0, whose names were translated."""
_DERIVED = frozenset({"resolution", "run"})
"""Worked out from the other properties: a secret where one of these is."""
_INTERNAL = "__"

Props = dict[str, Any]
Wire = Mapping[str, PropertyValue]


def plain(value: PropertyValue) -> Any:
    """The value without marks; what is not known yet becomes `UNKNOWN`."""
    inner = value.value
    if isinstance(inner, Computed) or (isinstance(inner, str) and inner in UNKNOWN_TEXTS):
        return UNKNOWN
    if isinstance(inner, Mapping):
        return {key: plain(part) for key, part in inner.items()}
    if isinstance(inner, pulumi.Asset | pulumi.Archive):
        return {"asset": {name: str(part) for name, part in sorted(vars(inner).items())}}
    if isinstance(inner, ResourceReference):
        return inner.urn
    if isinstance(inner, Sequence) and not isinstance(inner, str):
        return [plain(part) for part in inner]
    return inner


def wired(value: Any) -> PropertyValue:
    """A plain value as the engine takes it."""
    if isinstance(value, UnknownValue):
        return PropertyValue(UNKNOWN_TEXT)
    if value is None or isinstance(value, bool | str):
        return PropertyValue(value)
    if isinstance(value, int | float):
        return PropertyValue(float(value))
    if isinstance(value, Mapping):
        return PropertyValue({str(key): wired(part) for key, part in value.items()})
    if isinstance(value, Sequence):
        return PropertyValue([wired(part) for part in value])
    raise TypeError(f"{type(value).__name__} can't be given to the engine")


@dataclass(frozen=True)
class Received:
    """Properties as they came from the engine, under the names of the core."""

    plain: Props = field(default_factory=dict)
    originals: dict[str, PropertyValue] = field(default_factory=dict)

    @property
    def wire(self) -> dict[str, PropertyValue]:
        """The properties as they came."""
        return {camel(name): value for name, value in self.originals.items()}


def received(properties: Wire) -> Received:
    """Take properties in: names to snake case, marks aside."""
    kept = {snake(name): value for name, value in properties.items() if not name.startswith(_INTERNAL)}
    return Received({name: _renamed(name, plain(value), snake) for name, value in kept.items()}, kept)


def sent(state: Mapping[str, Any], *marked: Received) -> dict[str, PropertyValue]:
    """Give properties out: names to camel case; whatever came in as a secret goes out as one.

    A value that is unchanged keeps its marks to the depth; one that has changed under a name that held a secret
    is marked as a whole.
    """
    return {camel(name): _marked(name, value, marked) for name, value in state.items()}


def _marked(name: str, value: Any, marked: Sequence[Received]) -> PropertyValue:
    if name in _DERIVED and any(part.contains_secret() for each in marked for part in each.originals.values()):
        return wired(value).with_secret(True)
    for source in marked:
        original = source.originals.get(name)
        if original is None:
            continue
        if _same(source.plain[name], value):
            return original
        if original.contains_secret():
            return _wired_as(name, value).with_secret(True)
    return _wired_as(name, value)


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _wired_as(name: str, value: Any) -> PropertyValue:
    return wired(_renamed(name, value, camel))


def _renamed(name: str, value: Any, rename: Any) -> Any:
    if name in _NESTED_NAMES and isinstance(value, Mapping):
        return {rename(key): part for key, part in value.items()}
    return nested(name, value, rename)
