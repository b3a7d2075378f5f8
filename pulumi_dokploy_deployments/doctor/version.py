"""Where the server's version stands in the supported range, and what it lacks, in words for people."""

from __future__ import annotations

from pulumi_dokploy_deployments.api.answers import UPDATES
from pulumi_dokploy_deployments.api.versions import (
    FLOOR,
    FULL_FROM,
    MEASURED_TO,
    Capabilities,
    Capability,
    Support,
)
from pulumi_dokploy_deployments.doctor.findings import Cause, Finding, failure, note, ok, warning

CHECK = "version"
RANGE = f"{FULL_FROM} to {MEASURED_TO}"
UPDATE = f"Update Dokploy under {UPDATES}."

_WORDS = {
    Capability.BUILD_LOG_READ: "build logs by request",
    Capability.BUILD_LOG_LIVE: "live build logs",
    Capability.CONTAINER_LOG_READ: "the containers' own logs",
    Capability.ROLLBACK_REGISTRY_LOGIN: "rollbacks from a registry that wants a login",
    Capability.PERMISSION_LIST: "the list of the key's permissions",
    Capability.LIBSQL: "libsql databases",
    Capability.REMOVE_DEPLOYMENT: "removing a deployment from the history",
    Capability.SEARCH: "finding services by name",
}


def judge(known: Capabilities) -> Finding:
    """What the version means for those who deploy."""
    match known.support:
        case Support.TOO_OLD:
            return failure(
                CHECK,
                Cause.VERSION,
                f"Dokploy {known.version} is older than {FLOOR}, which this program needs in order to recognise its "
                "own deployments: it deploys nothing there.",
                UPDATE,
            )
        case Support.PARTIAL:
            return warning(
                CHECK,
                Cause.VERSION,
                f"Dokploy {known.version} can be deployed to, and is older than {FULL_FROM}, from which on everything "
                f"works.{_lacking(known)}",
                UPDATE,
            )
        case Support.FULL:
            return ok(CHECK, f"Dokploy {known.version}, fully supported ({RANGE}).{_lacking(known)}")
        case Support.NEWER:
            return note(
                CHECK,
                f"Dokploy {known.version} is newer than the fully supported range ({RANGE}): not measured, and taken "
                f"to be like {MEASURED_TO}.",
            )
        case Support.UNKNOWN:
            return note(CHECK, f"The server does not tell its version; it is taken to be like {MEASURED_TO}.")


def _lacking(known: Capabilities) -> str:
    named = [_WORDS[one] for one in known.lacking() if one in _WORDS]
    return f" It lacks: {', '.join(named)}." if named else ""
