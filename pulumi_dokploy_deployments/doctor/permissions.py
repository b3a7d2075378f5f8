"""What the key's user may do, by the feature that needs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, TypeAdapter

from pulumi_dokploy_deployments.api.wire import WireModel
from pulumi_dokploy_deployments.doctor.findings import Cause, Finding, failure, ok, warning

OPERATION = "user.getPermissions"
IDENTITY_OPERATION = "user.get"
CHECK = "permissions"

# Permission → what needs it. Read in v0.30.2's routers.
NEEDED: tuple[tuple[str, str, str], ...] = (
    ("deployment", "read", "list, queue, logs, watch, candidates, and every wait for a deployment"),
    ("service", "read", "finding a service, and the proof that a compose runs"),
    ("deployment", "create", "deploy and rollback"),
    ("deployment", "cancel", "kill, remove, and dropping what waits"),
    ("docker", "read", "the proof that the new version really runs (wait_for: healthy), and that of a rollback"),
)
_INDISPENSABLE = frozenset({("deployment", "read"), ("service", "read"), ("deployment", "create")})


def _flags(value: Any) -> Any:
    """Only flags are kept, whatever else a newer server sends."""
    if not isinstance(value, Mapping):
        return {}
    return {
        str(resource): {str(name): flag for name, flag in actions.items() if isinstance(flag, bool)}
        for resource, actions in value.items()
        if isinstance(actions, Mapping)
    }


Permissions = Annotated[dict[str, dict[str, bool]], BeforeValidator(_flags)]
PERMISSIONS: TypeAdapter[dict[str, dict[str, bool]]] = TypeAdapter(Permissions)


class Member(WireModel):
    """What is kept of `user.get`."""

    role: str | None = None

    @property
    def is_privileged(self) -> bool:
        """Whether access lists of services don't apply, and the own keys can be listed."""
        return self.role in ("owner", "admin")


MEMBER = TypeAdapter(Member)


def judge(permissions: Mapping[str, Mapping[str, bool]], role: str | None) -> list[Finding]:
    """One finding for each permission that is missing, or one that all are there."""
    missing = [
        (resource, action, purpose)
        for resource, action, purpose in NEEDED
        if not permissions.get(resource, {}).get(action, False)
    ]
    who = f"The key's user ({role or 'role unknown'})"
    if not missing:
        return [ok(CHECK, f"{who} may do everything that this program needs.")]
    return [lacking(resource, action, purpose, who) for resource, action, purpose in missing]


def lacking(resource: str, action: str, purpose: str, who: str = "The key's user") -> Finding:
    """The finding for one missing permission."""
    message = f"{who} lacks {resource}:{action}, which is needed for: {purpose}."
    if (resource, action) == ("docker", "read"):
        return warning(
            CHECK,
            Cause.NO_PERMISSION,
            f"{message} Without it a deployment counts as good when Dokploy calls it done.",
            'Give the user "Access to Docker" under Settings → Users, or use the key of an owner or admin.',
        )
    kind = failure if (resource, action) in _INDISPENSABLE else warning
    return kind(
        CHECK,
        Cause.NO_PERMISSION,
        message,
        "Give the user's role that permission under Settings → Users, or use the key of an owner or admin.",
    )
