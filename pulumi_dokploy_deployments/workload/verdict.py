"""The judgement on what runs: how it stands, why, and what the person does next. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pulumi_dokploy_deployments.workload.model import Unit


class Health(StrEnum):
    """The judgement on what runs."""

    PENDING = "pending"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"
    NOT_CHECKED = "not checked"


class State(StrEnum):
    """How a workload, or one member of it, stands."""

    UNKNOWN = "unknown"
    ROLLING = "rolling"
    RUNNING = "running"
    """Up for the whole window without a restart."""
    ENDED_WELL = "ended well"
    """A job: its process has ended with 0, and nothing will start it again."""
    NOTHING_RECREATED = "nothing recreated"
    """The same file and the same image as before: everything kept its containers."""
    NOT_EXPECTED = "not expected"
    """Need not run: no replicas, an inactive profile."""
    UNTOUCHED = "untouched"
    """A neighbour that this deployment left as it was; told, not judged."""
    ENDS_AGAIN = "ends again and again"
    """Its process ends with 0 and is started again, without an end."""
    FAILED = "failed"
    """Its process has ended otherwise than well, or was never started, and nothing more will be started."""
    CRASHING = "crashing"
    UNPLACEABLE = "unplaceable"
    REJECTED = "image missing or rejected"
    UNHEALTHY = "unhealthy"
    PAUSED = "update paused"
    ROLLED_BACK = "rolled back by Swarm"
    GONE = "gone"

    @property
    def health(self) -> Health:
        """What the state means."""
        if self is State.UNKNOWN:
            return Health.UNKNOWN
        if self is State.ROLLING:
            return Health.PENDING
        return Health.HEALTHY if self in _GREEN else Health.UNHEALTHY


_GREEN = frozenset({State.RUNNING, State.ENDED_WELL, State.NOTHING_RECREATED, State.NOT_EXPECTED, State.UNTOUCHED})


class NextStep(StrEnum):
    """What the cause of a failure lies in, so that the next step fits it."""

    NONE = "none"
    PLACEMENT = "placement"
    PORT = "port"
    IMAGE = "image"
    HEALTH_CHECK = "health check"
    EXIT_CODE = "exit code"
    OUT_OF_MEMORY = "out of memory"
    RESTART_POLICY = "restart policy"
    """A process that ends with 0 under a policy that starts it again: a job that should not be, or should stay."""


@dataclass(frozen=True)
class MemberReport:
    """What was seen of one member last.

    Attributes:
        name: the member's name.
        tasks: how many of its units are up.
        expected: how many have to be; None where that is not known.
        image: what it runs.
        state: how it stands.
        reason: why, with Docker's own error where there is one.
    """

    name: str
    tasks: int
    expected: int | None
    image: str
    state: State
    reason: str


@dataclass(frozen=True)
class FailedUnit:
    """The unit that made the verdict red: whose last words are worth reading."""

    member: str
    unit: Unit


@dataclass(frozen=True)
class Verdict:
    """A judgement with its reason, in words for the user.

    Attributes:
        health: the judgement.
        reason: why.
        still_runs: what serves users in place of the new version, where that is known.
        due_in_seconds: when a pending verdict may become final, where that is known: looking then loses no time.
        state: how the workload stands.
        warnings: what the user should read although the verdict is good: sentences without a full stop.
        notes: what was seen and not judged: one-off containers, untouched neighbours, inactive profiles.
        members: what was seen of each member.
        failed_unit: the unit that failed, where there is one.
        next_step: what the cause lies in.
        to_confirm: ids of the units that have to be read from Docker anew before the verdict can become good.
    """

    health: Health
    reason: str
    still_runs: str = ""
    due_in_seconds: float | None = None
    state: State = State.UNKNOWN
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    members: tuple[MemberReport, ...] = ()
    failed_unit: FailedUnit | None = None
    next_step: NextStep = NextStep.NONE
    to_confirm: frozenset[str] = frozenset()

    @property
    def is_final(self) -> bool:
        """Whether further looking would change nothing."""
        return self.health is not Health.PENDING

    @property
    def running(self) -> list[dict[str, str | int]]:
        """What was proven to run, for an output: names, numbers of units, images."""
        return [
            {"name": member.name, "tasks": member.tasks, "image": member.image}
            for member in self.members
            if member.tasks
        ]

    @property
    def last_seen(self) -> str:
        """What was seen of each member, with its error, in one line."""
        if len(self.members) < 2:
            return self.reason
        return "; ".join(f"{member.name}: {member.reason}" for member in self.members)
