"""A small model of the server's queue and history, with what tests may know and clients may not: whose row is whose.

Kept apart from the simulator on purpose: two models that agree say more than one. Measured behaviour: one job at a
time, the row comes some ten milliseconds after the job's start, titles of git sources are overwritten after the end,
at most eleven rows, jobs numbered from one after each start of the server.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from pulumi_dokploy_deployments.api.models import DeploymentRecord, QueueJob
from pulumi_dokploy_deployments.waiting.snapshot import Snapshot, snapshot_of
from tests.support.builders import SERVICE_ID, SHA, job, row

PICK_UP = 0.002
ROW_FOLLOWS = 0.04
OVERWRITE = 0.09
KEPT_ROWS = 10
DOWN_SECONDS = 2.5


@dataclass
class ModelRow:
    """A row and its secret: whose it is."""

    id: str
    owner: str
    title: str
    description: str
    created: float
    status: str = "running"
    ended: float | None = None

    def view(self) -> DeploymentRecord:
        """The row as a client sees it."""
        return row(
            self.id,
            status=self.status,
            title=self.title,
            description=self.description,
            at=self.created,
            ended=self.ended,
        )


@dataclass
class ModelJob:
    """A job and its secret: whose it is and how long it will build."""

    number: int
    owner: str
    service_id: str
    description: str
    queued: float
    seconds: float
    is_overwritten: bool
    fails: bool = False
    started: float | None = None

    def view(self) -> QueueJob:
        """The job as a client sees it."""
        return job(
            self.number,
            title=f"by {self.owner}",
            description=self.description,
            service_id=self.service_id,
            queued=self.queued,
            started=self.started,
        )


@dataclass
class ModelServer:
    """One instance with one build at a time."""

    now: float = 10.0
    waiting: list[ModelJob] = field(default_factory=list)
    active: ModelJob | None = None
    rows: list[ModelRow] = field(default_factory=list)
    row_of: dict[str, str] = field(default_factory=dict)
    """Owner → id of the row that the server made for the owner's job. Owners deploy once."""
    up_again_at: float = 0.0
    on_end: Callable[[ModelJob], None] = lambda _: None
    """Called when a build is over, just before its row turns final."""
    _number: int = 0
    _row_number: int = 0
    _order: itertools.count[int] = field(default_factory=itertools.count)
    _agenda: list[tuple[float, int, int, Callable[[], None]]] = field(default_factory=list)
    _life: int = 0

    @property
    def is_up(self) -> bool:
        """Whether the server answers."""
        return self.now >= self.up_again_at

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        while self._agenda and self._agenda[0][0] <= until:
            when, _, life, action = heapq.heappop(self._agenda)
            self.now = max(self.now, when)
            if life == self._life:
                action()
        self.now = until

    def deploy(
        self,
        owner: str,
        description: str,
        seconds: float,
        *,
        is_overwritten: bool = True,
        fails: bool = False,
        service_id: str = SERVICE_ID,
    ) -> None:
        """Accept a request."""
        self._number += 1
        self.waiting.append(
            ModelJob(self._number, owner, service_id, description, self.now, seconds, is_overwritten, fails)
        )
        self._after(PICK_UP, self._pick)

    def clean_queues(self) -> None:
        """Drop the service's waiting jobs."""
        self.waiting = [waiting for waiting in self.waiting if waiting.service_id != SERVICE_ID]

    def restart(self, down_seconds: float = DOWN_SECONDS) -> None:
        """Lose the queue; cancel what ran."""
        self._life += 1
        self._number = 0
        self.waiting, self.active = [], None
        self.up_again_at = self.now + down_seconds
        for lost in self.rows:
            if lost.status == "running":
                lost.status = "cancelled"

    def read_queue(self) -> list[QueueJob]:
        """`queueList`."""
        jobs = [*([self.active] if self.active else []), *self.waiting]
        return [each.view() for each in reversed(jobs)]

    def read_rows(self) -> list[DeploymentRecord]:
        """`deployment.all`."""
        return [each.view() for each in reversed(self.rows)]

    def snapshot(self, between: float = 0.0) -> Snapshot:
        """Queue first, rows after, with some time in between."""
        at, queue = self.now, self.read_queue()
        self.advance(between)
        return snapshot_of(SERVICE_ID, queue, self.read_rows(), at)

    def queue_order(self) -> list[str]:
        """The owners in the order in which their jobs run."""
        return [each.owner for each in ([self.active] if self.active else []) + self.waiting]

    def _after(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (self.now + seconds, next(self._order), self._life, action))

    def _pick(self) -> None:
        if self.active is None and self.waiting:
            self.active = self.waiting.pop(0)
            self.active.started = self.now
            self._after(ROW_FOLLOWS, self._make_row)

    def _make_row(self) -> None:
        running = self.active
        assert running is not None
        if running.service_id == SERVICE_ID:
            self.rows = self.rows[-KEPT_ROWS:]
            self._row_number += 1
            made = ModelRow(
                f"row-{self._row_number}", running.owner, f"by {running.owner}", running.description, self.now
            )
            self.rows.append(made)
            self.row_of[running.owner] = made.id
        self._after(running.seconds, self._end)

    def _end(self) -> None:
        running = self.active
        assert running is not None
        made = self._row_of(running)
        self.on_end(running)
        if made is not None:
            made.status, made.ended = ("error" if running.fails else "done"), self.now
        self._after(OVERWRITE if running.is_overwritten else 0.01, self._leave)

    def _leave(self) -> None:
        running = self.active
        assert running is not None
        made = self._row_of(running)
        if made is not None and running.is_overwritten:
            made.title, made.description = "feat: a commit", f"Commit: {SHA}"
        self.active = None
        self._after(PICK_UP, self._pick)

    def _row_of(self, running: ModelJob) -> ModelRow | None:
        identity = self.row_of.get(running.owner)
        return next((each for each in self.rows if each.id == identity), None)
