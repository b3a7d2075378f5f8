"""Names on both sides of the wire: `application_id` in the core, `applicationId` in the schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

PACKAGE = "dokploy-deployments"
MODULE = f"{PACKAGE}:index"
DEPLOYMENT = f"{MODULE}:Deployment"
RELEASE = f"{MODULE}:Release"
ROLLBACK_TARGET = f"{MODULE}:RollbackTarget"
PROVIDER = f"pulumi:providers:{PACKAGE}"

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")
_UNDERSCORE = re.compile(r"_([a-z0-9])")


def pascal(name: str) -> str:
    """`applicationId` to `ApplicationId`, as Go and C# write it."""
    return name[:1].upper() + name[1:]


@cache
def camel(name: str) -> str:
    """`application_id` to `applicationId`."""
    return _UNDERSCORE.sub(lambda found: found.group(1).upper(), name)


@cache
def snake(name: str) -> str:
    """`applicationId` to `application_id`."""
    return _HUMP.sub(lambda found: f"_{found.group(1).lower()}", name)


NESTED: Mapping[str, int] = {"defaults": 0, "services": 1, "deployments": 1}
"""Properties that hold a package's own names as keys, with how many of the user's keys stand above those."""


def nested(name: str, value: Any, rename: Callable[[str], str]) -> Any:
    """A property's value with the package's own names in it renamed; whatever else is nested is the user's."""
    return _renamed(value, NESTED[name], rename) if name in NESTED else value


def _renamed(value: Any, depth: int, rename: Callable[[str], str]) -> Any:
    if not isinstance(value, Mapping):
        return value
    if depth:
        return {key: _renamed(part, depth - 1, rename) for key, part in value.items()}
    return {rename(key): part for key, part in value.items()}


def function_token(name: str) -> str:
    """A function's token in the schema."""
    return f"{MODULE}:{camel(name)}"
