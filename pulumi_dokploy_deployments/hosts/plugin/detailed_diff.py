"""What changed, by property path, as the engine shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi.provider.experimental.provider import PropertyDiff, PropertyDiffKind

from pulumi_dokploy_deployments.resources.fields import Diff, contains_unknown
from pulumi_dokploy_deployments.schema.names import camel

_OUTPUTS = ("holds", "status")
"""Outputs that can be a change of their own."""
_PLAIN_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")

_Kinds = tuple[PropertyDiffKind, PropertyDiffKind]
_ADD: _Kinds = (PropertyDiffKind.ADD, PropertyDiffKind.ADD_REPLACE)
_DELETE: _Kinds = (PropertyDiffKind.DELETE, PropertyDiffKind.DELETE_REPLACE)
_UPDATE: _Kinds = (PropertyDiffKind.UPDATE, PropertyDiffKind.UPDATE_REPLACE)


def detailed(change: Diff, olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, PropertyDiff]:
    """The change by property path, with what happens there.

    A path of an output, `holds` for instance, is a difference in the state; every other one is in the inputs.
    """
    replaced = {_top(path) for path in change.replaces}
    found: dict[str, PropertyDiff] = {}
    for name in dict.fromkeys(_top(path) for path in change.changed):
        is_input = name not in _OUTPUTS
        paths = list(_walk(camel(name), olds.get(name), news.get(name))) if is_input else []
        for path, kinds in paths or [(camel(name), _UPDATE)]:
            found[path] = PropertyDiff(kinds[name in replaced], is_input)
    return found


def _top(path: str) -> str:
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def _walk(path: str, old: Any, new: Any) -> Iterator[tuple[str, _Kinds]]:
    if old is None and new is None:
        return
    if old is None:
        yield path, _ADD
    elif new is None:
        yield path, _DELETE
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}, key=str):
            yield from _walk_key(_below(path, str(key)), key, old, new)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            below = f"{path}[{index}]"
            if index >= len(old):
                yield below, _ADD
            elif index >= len(new):
                yield below, _DELETE
            else:
                yield from _walk(below, old[index], new[index])
    elif contains_unknown(new) or type(old) is not type(new) or old != new:
        yield path, _UPDATE


def _walk_key(path: str, key: Any, old: Mapping[Any, Any], new: Mapping[Any, Any]) -> Iterator[tuple[str, _Kinds]]:
    if key not in old:
        yield path, _ADD
    elif key not in new:
        yield path, _DELETE
    else:
        yield from _walk(path, old[key], new[key])


def _below(path: str, key: str) -> str:
    if _PLAIN_KEY.fullmatch(key):
        return f"{path}.{key}"
    quoted = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'{path}["{quoted}"]'
