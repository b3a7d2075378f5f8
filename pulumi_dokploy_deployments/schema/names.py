"""Names on both sides of the wire: `application_id` in the core, `applicationId` in the schema."""

from __future__ import annotations

import re
from functools import cache

PACKAGE = "dokploy-deployments"
MODULE = f"{PACKAGE}:index"
DEPLOYMENT = f"{MODULE}:Deployment"
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


def function_token(name: str) -> str:
    """A function's token in the schema."""
    return f"{MODULE}:{camel(name)}"
