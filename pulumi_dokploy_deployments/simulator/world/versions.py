"""What each release of Dokploy can do: the one table that the simulated server asks when it plays an older one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase


@dataclass(frozen=True, order=True)
class Version:
    """A release, ordered as releases are."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read "v0.29.8" or "0.29.8"; raises ValueError for anything else."""
        found = re.fullmatch(r"v?(\d+)\.(\d+)\.(\d+)", text)
        if found is None:
            raise ValueError(f"no version of Dokploy: {text!r}; write it like v0.30.2")
        return cls(*(int(part) for part in found.groups()))

    def __str__(self) -> str:
        """Return it as `settings.getDokployVersion` does."""
        return f"v{self.major}.{self.minor}.{self.patch}"


DEFAULT = Version(0, 30, 2)
"""The release that the simulator plays when nobody asks for another one."""
PROFILES = tuple(Version.parse(text) for text in ("v0.28.3", "v0.29.8", "v0.29.14", "v0.30.2"))
"""The releases against which the contract is held; the first and second were recorded too (601-605, 620-629)."""


class Capability(StrEnum):
    """A behaviour that came with a release; without it the server does what older ones did."""

    TITLES = "deploy takes title and description; before, every row is called Manual or Rebuild deployment"
    DATA_IN_CONTEXT = (
        "rows of a service are looked up without the service: an unknown one has none (65); before, 404 (625)"
    )
    REMOVAL_WITHOUT_ROW = "removing a row that is gone is no error by itself; before, 400"
    REMOVAL_FINDS_ROW = "removing looks for the row first: 404 (71)"
    COLONS_IN_LOG_PATHS = "the live log opens paths with a colon, as every deployment's has; v0.29.3 alone does not"
    LIBSQL = "the eighth type of database"
    QUEUE_IN_MEMORY = "the queue is lost with the process, has a line for each server, numbers job-1, job-2 (42, 140)"
    LOGS_OF_REMOTE_SERVICES = "readLogs asks the service for its host; before, the file is missing on Dokploy's own"
    STACK_TASKS_LISTED = "getContainersByAppNameMatch lists a stack's running tasks; before, old containers too (604)"
    SCHEDULES_LOOKED_UP = "allByType looks for the schedule: 404 (427); before, an unknown one has no rows"


SINCE: dict[Capability, Version] = {
    Capability.TITLES: Version(0, 25, 0),
    Capability.REMOVAL_WITHOUT_ROW: Version(0, 28, 5),
    Capability.DATA_IN_CONTEXT: Version(0, 28, 7),
    Capability.REMOVAL_FINDS_ROW: Version(0, 28, 7),
    Capability.LIBSQL: Version(0, 29, 0),
    Capability.QUEUE_IN_MEMORY: Version(0, 29, 9),
    Capability.LOGS_OF_REMOTE_SERVICES: Version(0, 29, 9),
    Capability.SCHEDULES_LOOKED_UP: Version(0, 29, 9),
    Capability.STACK_TASKS_LISTED: Version(0, 30, 0),
}
"""The first release with each capability, read in the source of the releases around it."""

GAPS: dict[Capability, frozenset[Version]] = {
    Capability.COLONS_IN_LOG_PATHS: frozenset({Version(0, 29, 3)}),
}
"""Releases without a capability that those before and after them have."""

ENDPOINTS: tuple[tuple[str, Version], ...] = (
    ("*.killBuild", Version(0, 25, 8)),
    ("settings.cleanAllDeploymentQueue", Version(0, 27, 0)),
    ("*.clearDeployments", Version(0, 27, 1)),
    ("deployment.removeDeployment", Version(0, 27, 1)),
    ("deployment.queueList", Version(0, 28, 3)),
    ("*.search", Version(0, 28, 3)),
    ("user.getPermissions", Version(0, 28, 7)),
    ("libsql.*", Version(0, 29, 0)),
    ("compose.saveEnvironment", Version(0, 29, 0)),
    ("deployment.readLogs", Version(0, 29, 5)),
    ("*.readLogs", Version(0, 29, 0)),
    ("settings.updateBuildsConcurrency", Version(0, 29, 9)),
)
"""The first release with an endpoint; the first pattern that fits counts, others are as old as the simulator's floor.

A missing endpoint is answered with 404 and exactly "Not found" (621, 622, 629)."""


def has(version: Version, capability: Capability) -> bool:
    """Tell whether a release has a capability."""
    return version >= SINCE.get(capability, Version(0, 0, 0)) and version not in GAPS.get(capability, ())


def offers(version: Version, endpoint: str) -> bool:
    """Tell whether a release has an endpoint, e.g. `deployment.readLogs`."""
    for pattern, since in ENDPOINTS:
        if fnmatchcase(endpoint, pattern):
            return version >= since
    return True
