"""What a server can do, by its version: one table, with the release that each thing came with.

Read in the source of each release from v0.24.0 to v0.30.2 and tried on real v0.28.3, v0.29.8 and v0.30.2 servers
(transcripts 620-629 and 602-605). No other place compares version numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_LONGEST = 100
_VERSION = re.compile(r"v?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?:[-+.]\S*)?")


@dataclass(frozen=True, order=True)
class ServerVersion:
    """A version of Dokploy. A pre-release counts as the release that it becomes."""

    major: int
    minor: int
    patch: int = 0

    @classmethod
    def parse(cls, text: str) -> ServerVersion | None:
        """The version that `settings.getDokployVersion` gives, `v0.30.2`; None for what is none, `canary` for instance.

        A suffix is left out: `v0.30.0-canary.2` is v0.30.0.
        """
        found = _VERSION.fullmatch(text[:_LONGEST].strip())
        return cls(int(found[1]), int(found[2]), int(found[3] or 0)) if found else None

    def __str__(self) -> str:
        return f"v{self.major}.{self.minor}.{self.patch}"


def _v(minor: int, patch: int) -> ServerVersion:
    return ServerVersion(0, minor, patch)


FLOOR: Final = _v(28, 3)
"""The oldest version that a deployment can be recognised on: the first with `deployment.queueList`."""
FULL_FROM: Final = _v(29, 5)
"""From here on everything works."""
MEASURED_TO: Final = _v(30, 2)
"""The newest version that was measured. Newer ones are taken to be like it."""


class Capability(StrEnum):
    """Something that not every version can do, or does in another way."""

    MARKS = "marks"
    """`application.deploy` and its sisters take a title and a description, which the row then carries."""
    QUEUE_LIST = "queue list"
    """`deployment.queueList`: waiting and active jobs."""
    BUILD_LOG_READ = "build log read"
    """`deployment.readLogs`: the end of a build log by request."""
    BUILD_LOG_LIVE = "build log live"
    """The WebSocket `/listen-deployment`, opened with the key. v0.29.3 refuses every path with a colon in it, and
    each log has one."""
    CONTAINER_LOG_READ = "container log read"
    """`application.readLogs`, `compose.readLogs`, `<database>.readLogs`: what the containers wrote."""
    TASK_STATE = "task state"
    """The tasks of a service tell `currentState` beside the desired one."""
    STACK_TASKS_ONLY = "stack tasks only"
    """`docker.getContainersByAppNameMatch` lists a stack's tasks; before, exited containers of old versions too
    (transcript 604)."""
    QUEUE_SURVIVES_RESTART = "queue survives restart"
    """The queue is kept in Redis: waiting jobs survive a restart, and the active one is run again (timeline 601)."""
    PERMISSION_LIST = "permission list"
    """`user.getPermissions`."""
    REMOVE_DEPLOYMENT = "remove deployment"
    """`deployment.removeDeployment`."""
    KILL_BUILD = "kill build"
    """`<kind>.killBuild`."""
    ROLLBACK_REGISTRY = "rollback registry"
    """Versions for rollbacks are kept in a registry that the application names."""
    ROLLBACK_REGISTRY_LOGIN = "rollback registry login"
    """A rollback logs in to that registry; before, its image had to be readable without."""
    BUILD_SERVER = "build server"
    """Rows name the server that built, `buildServerId`."""
    LIBSQL = "libsql"
    """The eighth type of database."""
    SEARCH = "search"
    """`application.search` and its sisters: services by name."""


@dataclass(frozen=True)
class Since:
    """From which release on, to which (included), and which ones in between lack it."""

    first: ServerVersion
    last: ServerVersion | None = None
    but_not: tuple[ServerVersion, ...] = ()

    def includes(self, version: ServerVersion) -> bool:
        """Whether the release has it."""
        return self.first <= version and (self.last is None or version <= self.last) and version not in self.but_not


TABLE: Final[dict[Capability, Since]] = {
    Capability.MARKS: Since(_v(25, 0)),
    Capability.KILL_BUILD: Since(_v(25, 8)),
    Capability.BUILD_SERVER: Since(_v(26, 0)),
    Capability.ROLLBACK_REGISTRY: Since(_v(26, 0)),
    Capability.TASK_STATE: Since(_v(27, 0)),
    Capability.REMOVE_DEPLOYMENT: Since(_v(27, 1)),
    Capability.QUEUE_LIST: Since(_v(28, 3)),
    Capability.SEARCH: Since(_v(28, 3)),
    Capability.ROLLBACK_REGISTRY_LOGIN: Since(_v(28, 4)),
    Capability.PERMISSION_LIST: Since(_v(28, 7)),
    Capability.CONTAINER_LOG_READ: Since(_v(29, 0)),
    Capability.LIBSQL: Since(_v(29, 0)),
    Capability.BUILD_LOG_LIVE: Since(_v(24, 0), but_not=(_v(29, 3),)),
    Capability.BUILD_LOG_READ: Since(_v(29, 5)),
    Capability.QUEUE_SURVIVES_RESTART: Since(_v(24, 0), last=_v(29, 8)),
    Capability.STACK_TASKS_ONLY: Since(_v(30, 0)),
}

_ENDPOINTS: Final[dict[str, Capability]] = {
    "deployment.queueList": Capability.QUEUE_LIST,
    "deployment.readLogs": Capability.BUILD_LOG_READ,
    "deployment.removeDeployment": Capability.REMOVE_DEPLOYMENT,
    "user.getPermissions": Capability.PERMISSION_LIST,
}
_ENDPOINTS_OF_A_SERVICE: Final[dict[str, Capability]] = {
    "readLogs": Capability.CONTAINER_LOG_READ,
    "killBuild": Capability.KILL_BUILD,
    "search": Capability.SEARCH,
}


class Support(StrEnum):
    """Where a version stands."""

    TOO_OLD = "too old"
    """Nothing is deployed."""
    PARTIAL = "partial"
    """Deployments work; some things are missing."""
    FULL = "full"
    """Measured, or read in the source between two measured ones."""
    NEWER = "newer"
    """Not measured; taken to be like the newest measured one."""
    UNKNOWN = "unknown"
    """The version could not be read; taken to be like the newest measured one."""


@dataclass(frozen=True)
class Capabilities:
    """What one server can do.

    Attributes:
        version: its version; None where it could not be read.
        missing: what it was seen not to have, whatever its version.
    """

    version: ServerVersion | None = None
    missing: frozenset[Capability] = frozenset()

    def has(self, capability: Capability) -> bool:
        """Whether the server can do it. A server whose version is unknown counts as the newest measured one."""
        return capability not in self.missing and TABLE[capability].includes(self.version or MEASURED_TO)

    def lacking(self) -> tuple[Capability, ...]:
        """What the newest measured version can do and this server can't, in the order of the table."""
        return tuple(one for one in TABLE if TABLE[one].includes(MEASURED_TO) and not self.has(one))

    def without(self, endpoint: str) -> Capabilities:
        """The same for a server that turned out to have no such endpoint; unknown endpoints change nothing."""
        capability = capability_of(endpoint)
        if capability is None or not self.has(capability):
            return self
        return Capabilities(self.version, self.missing | {capability})

    @property
    def support(self) -> Support:
        """Where the version stands."""
        if self.version is None:
            return Support.UNKNOWN
        if self.version < FLOOR:
            return Support.TOO_OLD
        if self.version < FULL_FROM:
            return Support.PARTIAL
        return Support.FULL if self.version <= MEASURED_TO else Support.NEWER


def capabilities_of(version: str | None) -> Capabilities:
    """What a server of this version can do; None, and what is no version, count as the newest measured one."""
    return Capabilities(ServerVersion.parse(version) if version is not None else None)


def capability_of(endpoint: str) -> Capability | None:
    """The capability that an endpoint stands for; None where every supported version has it."""
    return _ENDPOINTS.get(endpoint) or _ENDPOINTS_OF_A_SERVICE.get(endpoint.partition(".")[2])
