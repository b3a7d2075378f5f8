"""Swarm's objects: services, their specs, and the tasks that run or ran for them."""

from dataclasses import dataclass, field

from .services import Runtime

STARTING_FAILED = (
    '"starting container failed: failed to create shim task: OCI runtime create failed: runc create '
    'failed: unable to start container process: exec: "/bin/false": stat /bin/false: no such file or '
    'directory: unknown"'
)
"""Error of a container that can't start (transcript 317)."""
EXITED = '"task: non-zero exit (1)"'
"""Error of a container that ends with 1 (transcript 325)."""
UNHEALTHY = '"task: non-zero exit (137): dockerexec: unhealthy container"'
"""Error of a container whose health check never passed (transcript 323)."""
HISTORY = 5
"""Tasks that Swarm keeps per slot (transcripts 319, 339)."""


@dataclass(frozen=True)
class Content:
    """What an image really holds: its tag alone can't tell `:latest` from `:latest` (transcript 334)."""

    runtime: Runtime = "healthy"
    commit: str | None = None
    version: int | None = None
    missing: bool = False
    exit_after: float = 0.2
    start_seconds: float = 0.6


@dataclass(frozen=True)
class Spec:
    """The part of a service spec that matters; `monitor` seconds follow each started task.

    `monitor_given` tells that they were set, not Swarm's default.
    """

    image: str
    content: Content
    env: tuple[str, ...] = ()
    command: str | None = None
    replicas: int = 1
    order: str = "start-first"
    failure_action: str = "rollback"
    monitor: float = 5.0
    monitor_given: bool = False
    force_update: int = 0


@dataclass
class Task:
    """One task; `since` is when its state began, all times are epoch seconds."""

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
    """State of the last rollout: updating, completed, paused, rollback_started, …"""

    state: str
    started: float
    message: str
    completed: float | None = None


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
