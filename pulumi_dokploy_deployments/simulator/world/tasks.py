"""Swarm's objects: services, their specs, and the tasks that run or ran for them."""

from dataclasses import dataclass, field
from typing import Literal

from .output import Line
from .processes import Process

STARTING_FAILED = (
    '"starting container failed: failed to create shim task: OCI runtime create failed: runc create '
    'failed: unable to start container process: exec: "/bin/false": stat /bin/false: no such file or '
    'directory: unknown"'
)
"""Error of a container that can't start (transcript 317)."""
NOT_PLACED = '"no suitable node ({})"'
"""Error of a task that waits for a node, with the scheduler's reason (transcripts 527, 541)."""
UNMET = "scheduling constraints not satisfied on 1 node"
PORT_TAKEN = "host-mode port already in use on 1 node"
UNHEALTHY = '"task: non-zero exit (137): dockerexec: unhealthy container"'
"""Error of a container whose health check never passed (transcript 323)."""
HISTORY = 5
"""Tasks that Swarm keeps per slot (transcripts 319, 339)."""


@dataclass(frozen=True)
class Content(Process):
    """What an image really holds: its tag alone can't tell `:latest` from `:latest` (transcript 334)."""

    commit: str | None = None
    version: int | None = None
    missing: bool = False


@dataclass(frozen=True)
class Restart:
    """When Swarm replaces a task that ended: `attempts` 0 is for ever, `delay` is seconds, None is Swarm's own."""

    condition: Literal["any", "on-failure", "none"] = "any"
    delay: float | None = None
    attempts: int = 0

    def applies(self, exit_code: int, started_again: int) -> bool:
        """Tell whether a task that ended with `exit_code` gets a successor."""
        if self.condition == "none" or (self.condition == "on-failure" and exit_code == 0):
            return False
        return not self.attempts or started_again < self.attempts


@dataclass(frozen=True)
class Spec:
    """The part of a service spec that matters; `monitor` seconds follow each started task.

    `monitor_given` tells that they were set, not Swarm's default; `restart` None that nothing was. `unplaceable`
    is the reason for which no node takes a task. `namespace` is the stack's name, `digest` its image's.
    """

    image: str
    content: Content
    env: tuple[str, ...] = ()
    command: str | None = None
    replicas: int = 1
    order: str = "start-first"
    failure_action: str = "rollback"
    rollback_order: str = "start-first"
    monitor: float = 5.0
    monitor_given: bool = False
    force_update: int = 0
    restart: Restart | None = None
    constraints: tuple[str, ...] = ()
    unplaceable: str = ""
    host_port: bool = False
    pending_desired: Literal["running", "ready"] = "running"
    namespace: str = ""
    digest: str = ""

    @property
    def full_image(self) -> str:
        """Return the image with its digest, as stacks pin it (transcript 508)."""
        return f"{self.image}@sha256:{self.digest}" if self.digest else self.image


@dataclass
class Task:
    """One task; `since` is when its state began, `attempt` counts the restarts before it, times are epoch seconds."""

    id: str
    slot: int
    spec: Spec
    created: float
    index: int
    desired: str
    state: str
    since: float
    message: str = "created"
    error: str = ""
    exit_code: int = 0
    container_id: str = ""
    on_node: bool = False
    attempt: int = 0
    started: float | None = None
    oom_killed: bool = False
    lines: list[Line] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        """Tell whether a container of it still exists in a running state."""
        return self.state in {"running", "starting"}

    @property
    def over(self) -> bool:
        """Tell whether it will never run again."""
        return self.state in {"shutdown", "failed", "rejected", "complete"}


@dataclass
class UpdateStatus:
    """State of the last rollout: updating, completed, paused, rollback_started, …

    `launched` are the tasks that a rollback started; others may fail without stopping it (transcript 542).
    """

    state: str
    started: float
    message: str
    completed: float | None = None
    launched: list[str] = field(default_factory=list)


@dataclass
class SwarmService:
    """A Swarm service on one host; `generation` tells a superseded rollout to stop."""

    id: str
    name: str
    server_id: str | None
    created: float
    updated: float
    index: int
    spec: Spec
    previous: Spec | None = None
    update: UpdateStatus | None = None
    tasks: list[Task] = field(default_factory=list)
    generation: int = 0

    def of_slot(self, slot: int) -> list[Task]:
        """Return the tasks of one slot, newest first."""
        return sorted((task for task in self.tasks if task.slot == slot), key=_age, reverse=True)

    def newest_first(self) -> list[Task]:
        """Return all tasks as `docker service ps` lists them: by slot, newest first (transcript 329)."""
        slots = sorted({task.slot for task in self.tasks})
        return [task for slot in slots for task in self.of_slot(slot)]

    def current(self, slot: int) -> Task | None:
        """Return the slot's task that is meant to run, newest first."""
        return next((task for task in self.of_slot(slot) if task.desired in {"running", "ready"}), None)

    def trim(self, slot: int) -> None:
        """Forget the oldest finished tasks of a slot."""
        for task in self.of_slot(slot)[HISTORY:]:
            if task.over:
                self.tasks.remove(task)


def _age(task: Task) -> tuple[float, int]:
    return task.created, task.index
