"""What runs at one moment: members, each with its units, and what was there before the trigger. Data only.

A member is a Swarm service, or one service of a compose file. A unit is one of its tasks or containers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pulumi_dokploy_deployments.api.swarm_models import RestartPolicy, UpdateStatus
from pulumi_dokploy_deployments.api.wire import Instant, OpenStrEnum


class UnitState(OpenStrEnum):
    """Swarm's word for a task's state, or Docker's for a container's."""

    NEW = "new"
    ALLOCATED = "allocated"
    PENDING = "pending"
    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    PREPARING = "preparing"
    READY = "ready"
    STARTING = "starting"
    RUNNING = "running"
    COMPLETE = "complete"
    SHUTDOWN = "shutdown"
    FAILED = "failed"
    REJECTED = "rejected"
    REMOVE = "remove"
    ORPHANED = "orphaned"
    CREATED = "created"
    RESTARTING = "restarting"
    PAUSED = "paused"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"


class UnitHealth(OpenStrEnum):
    """What a container's own health check says."""

    NONE = ""
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


_ENDED = frozenset(
    {
        UnitState.COMPLETE,
        UnitState.SHUTDOWN,
        UnitState.FAILED,
        UnitState.REJECTED,
        UnitState.REMOVE,
        UnitState.ORPHANED,
        UnitState.EXITED,
        UnitState.DEAD,
    }
)
_FAILED = frozenset({UnitState.FAILED, UnitState.REJECTED, UnitState.DEAD})
_PUT_DOWN = frozenset({"shutdown", "remove"})


@dataclass(frozen=True)
class Unit:
    """One task or container.

    Attributes:
        id: Swarm's id of the task (a restarted one is another task), or Docker's of the container (which stays).
        name: as Docker has it.
        slot: the place that it fills; tasks of one slot follow each other. A container is a slot of its own.
        is_task: whether it is a task of Swarm.
        born: when it was created; None for a task of old that was not looked at.
        started: when its process was started last.
        finished: when its process ended last.
        restarts: how many times Docker has started a container again. Always 0 for a task.
        desired_state: what Swarm wants of a task: `running`, `ready`, `shutdown`, …
        exit_code: of the process that ended last; None where that is not known.
        version: what tells one configuration of a container from another.
        error: Docker's own words on why it does not run.
        read_at: the moment of the reading in which this was read from Docker, on this machine's clock. What Docker
            was not asked for anew keeps the moment of the earlier reading.
    """

    id: str
    name: str
    slot: str
    is_task: bool
    state: UnitState
    read_at: float
    born: datetime | None = None
    started: datetime | None = None
    finished: datetime | None = None
    restarts: int = 0
    desired_state: str = ""
    exit_code: int | None = None
    is_out_of_memory: bool = False
    health: UnitHealth = UnitHealth.NONE
    image: str = ""
    version: str = ""
    error: str = ""
    is_one_off: bool = False
    restart: RestartPolicy | None = None

    @property
    def has_ended(self) -> bool:
        """Whether its process has ended, or never began, and nothing of it will run any more."""
        return self.state in _ENDED

    @property
    def has_failed(self) -> bool:
        """Whether it ended otherwise than well."""
        return self.state in _FAILED or (self.state is UnitState.EXITED and bool(self.exit_code))

    @property
    def is_put_down(self) -> bool:
        """Whether Swarm takes it away, because of an update for instance."""
        return self.is_task and self.desired_state in _PUT_DOWN

    @property
    def is_put_down_well(self) -> bool:
        """Whether Swarm has taken it away, and it did not end by itself."""
        return self.state in (UnitState.SHUTDOWN, UnitState.REMOVE, UnitState.ORPHANED)

    @property
    def is_up(self) -> bool:
        """Whether it runs, is meant to, and its health check, where it has one, passes."""
        if self.state is not UnitState.RUNNING or self.health in (UnitHealth.STARTING, UnitHealth.UNHEALTHY):
            return False
        return not self.is_task or self.desired_state in ("running", "complete")

    @property
    def run(self) -> tuple[str, datetime | None, int]:
        """One run of its process: another start or another restart is another run."""
        return (self.id, None if self.is_task else self.started, self.restarts)


@dataclass(frozen=True)
class Member:
    """One Swarm service, or one service of a compose file.

    Attributes:
        name: as the file has it; the application's or database's own name where it is one service.
        units: newest first.
        expected: how many units have to run; None where that is not known, 0 where none has to.
        not_expected_because: why it need not have any unit, in words; empty where it has to.
        is_declared: whether the file names it; None where that is not known.
        restart: what Docker does when a process ends; None where that is not known.
        update: Swarm's last update of it.
        is_job: whether Swarm runs it to its end, once.
        image: what it is set to run.
        service_id: Swarm's id of it; empty for a compose file's service.
    """

    name: str
    units: tuple[Unit, ...] = ()
    expected: int | None = None
    not_expected_because: str = ""
    is_declared: bool | None = None
    restart: RestartPolicy | None = None
    update: UpdateStatus | None = None
    is_job: bool = False
    image: str = ""
    service_id: str = ""


@dataclass(frozen=True)
class Reading:
    """What runs at one moment of this machine's monotonic clock."""

    at: float
    members: tuple[Member, ...] = ()

    @property
    def units(self) -> tuple[Unit, ...]:
        """The units of all members."""
        return tuple(unit for member in self.members for unit in member.units)


class UnitBefore(BaseModel):
    """A unit as it was before the trigger."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    restarts: int = 0
    started: Instant | None = None
    has_ended: bool = False


class MemberBefore(BaseModel):
    """A member as it was before the trigger."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    units: Mapping[str, UnitBefore] = Field(default_factory=dict)
    image: str = ""
    update_started_at: Instant | None = None
    service_id: str = ""
    was_failing: bool = False
    """Whether its process ended again and again already."""


class Baseline(BaseModel):
    """What was there before the trigger. Can be kept in a JSON state: `dump` and `load`.

    A baseline that could not be read is empty: then the start of the deployment tells old from new.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    members: Mapping[str, MemberBefore] = Field(default_factory=dict)
    was_read: bool = False
    unknown_because: str = ""
    """Why the server can't tell what runs, in words for the user; empty where it can."""

    @property
    def is_known(self) -> bool:
        """Whether the server can tell what runs."""
        return not self.unknown_because

    @property
    def image(self) -> str:
        """What a service of one member was set to run; empty for a compose."""
        return next(iter(self.members.values())).image if len(self.members) == 1 else ""

    @property
    def unit_ids(self) -> frozenset[str]:
        """The ids of all units."""
        return frozenset(unit_id for member in self.members.values() for unit_id in member.units)

    @property
    def update_started_at(self) -> datetime | None:
        """The start of the last update of a service of one member."""
        return next(iter(self.members.values())).update_started_at if len(self.members) == 1 else None

    def dump(self) -> dict[str, Any]:
        """As JSON has it."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @classmethod
    def load(cls, dumped: Mapping[str, Any] | None) -> Self:
        """What `dump` wrote; an unreadable one is a baseline that could not be read."""
        try:
            return cls.model_validate(dumped or {})
        except ValidationError:
            return cls()
