"""What an update has to do: the changed properties with what each causes, and the one action that follows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from pulumi_dokploy_deployments.resources.fields import contains_unknown
from pulumi_dokploy_deployments.resources.inputs import ResourceInputs, ServiceResourceInputs
from pulumi_dokploy_deployments.resources.paths import Path, spelled


class ChangeKind(StrEnum):
    """What happens to a property."""

    ADD = "add"
    UPDATE = "update"
    DELETE = "delete"


class PlanAction(StrEnum):
    """What the changes amount to."""

    NOTHING = "nothing"
    STORE = "store"
    """New settings for later; nothing is sent to the server."""
    DEPLOY = "deploy"
    """Deploy, or pin, in place."""
    REPLACE = "replace"
    """A new resource for another service or server."""


@dataclass(frozen=True)
class Change:
    """One changed property.

    Attributes:
        path: where.
        kind: what happens there.
        replaces: whether it needs a new resource.
        is_output: whether it is what was found at the server that differs, and no input.
    """

    path: Path
    kind: ChangeKind = ChangeKind.UPDATE
    replaces: bool = False
    is_output: bool = False

    def __str__(self) -> str:
        return spelled(self.path)

    @property
    def name(self) -> str:
        """The property's own name."""
        return str(self.path[0])


@dataclass(frozen=True)
class Plan:
    """What an update has to do."""

    changes: tuple[Change, ...] = ()
    action: PlanAction = PlanAction.NOTHING

    @property
    def has_changes(self) -> bool:
        """Whether anything has to be done."""
        return bool(self.changes)

    @property
    def deploys(self) -> bool:
        """Whether something is sent to the server."""
        return self.action in (PlanAction.DEPLOY, PlanAction.REPLACE)

    def touches(self, names: Iterable[str]) -> bool:
        """Whether one of these inputs changes."""
        wanted = frozenset(names)
        return any(change.name in wanted and not change.is_output for change in self.changes)


def input_changes(
    names: Iterable[str], old: ResourceInputs, new: ResourceInputs, *, replaces: bool = False
) -> list[Change]:
    """Which of these inputs differ. One that is not given counts as its default."""
    changes: list[Change] = []
    for name in names:
        if name in new.unknown:
            found = [Change((name,), ChangeKind.UPDATE if name in old.given else ChangeKind.ADD)]
        else:
            found = list(value_changes((name,), getattr(old, name), getattr(new, name)))
        if len(found) == 1 and found[0].path == (name,):
            found = [replace(found[0], kind=_kind(name in old.given, name in new.given))]
        changes += [replace(change, replaces=replaces) for change in found]
    return changes


def replacing_changes(names: Iterable[str], old: ServiceResourceInputs, new: ServiceResourceInputs) -> list[Change]:
    """Which of the inputs differ whose change needs a new resource; the same service by another name needs none."""
    changes = input_changes(names, old, new, replaces=True)
    if old.service is None or old.service != new.service or new.service_property in new.unknown:
        return changes
    return [replace(one, replaces=one.name not in ServiceResourceInputs.SERVICE_FIELDS) for one in changes]


def _kind(was_given: bool, is_given: bool) -> ChangeKind:
    if was_given == is_given:
        return ChangeKind.UPDATE
    return ChangeKind.ADD if is_given else ChangeKind.DELETE


def value_changes(path: Path, old: object, new: object) -> Iterator[Change]:
    """Where two values differ."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}, key=str):
            below = (*path, str(key))
            if key not in old:
                yield Change(below, ChangeKind.ADD)
            elif key not in new:
                yield Change(below, ChangeKind.DELETE)
            else:
                yield from value_changes(below, old[key], new[key])
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            below = (*path, index)
            if index >= len(old):
                yield Change(below, ChangeKind.ADD)
            elif index >= len(new):
                yield Change(below, ChangeKind.DELETE)
            else:
                yield from value_changes(below, old[index], new[index])
    elif not _is_same(old, new):
        yield Change(path, _kind(old is not None, new is not None))


def _is_same(old: object, new: object) -> bool:
    # bool is an int in Python: True must not equal 1 here. A NaN, which equals nothing, must not differ for ever.
    if contains_unknown(new) or contains_unknown(old):
        return False
    is_equal = old == new or (old != old and new != new)
    return is_equal and isinstance(old, bool) == isinstance(new, bool)
