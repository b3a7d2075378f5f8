"""The deployment queue: per server a FIFO with limited concurrency, one job per service at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from .agenda import Agenda, Event
from .history import Row
from .ids import milliseconds
from .templates import Json

LOCAL = "__local__"
PICK_UP = 0.002
"""Seconds from adding a job to an idle queue until it is active (transcripts 42, 205)."""


@dataclass
class Job:
    """A queued or active deployment as deployment.queueList shows it (transcript 42)."""

    id: str
    data: Json
    added: float
    started: float | None = None
    killed: bool = False
    events: list[Event] = field(default_factory=list)
    failure: str | None = None
    """Why the deployment failed, once it did."""
    row: Row | None = None
    """The row that a newer server writes while the job waits."""

    @property
    def state(self) -> str:
        """Return `waiting` or `active`; finished jobs are gone."""
        return "waiting" if self.started is None else "active"

    @property
    def service_id(self) -> str:
        """Return the id of the application or compose."""
        return str(self.data.get("applicationId") or self.data.get("composeId"))

    @property
    def partition(self) -> str:
        """Return the server that runs it: each remote server has a line of its own."""
        return str(self.data.get("serverId") or LOCAL)

    def view(self) -> Json:
        """Return the job's public fields; `processedOn` is absent while it waits."""
        view: Json = {
            "id": self.id,
            "name": "deployments",
            "data": dict(self.data),
            "timestamp": milliseconds(self.added),
        }
        if self.started is not None:
            view["processedOn"] = milliseconds(self.started)
        view["state"] = self.state
        return view


class Queue:
    """In-memory queue: lost with the process, numbering from 1 after each start (transcript 140)."""

    def __init__(self, agenda: Agenda, run: Callable[[Job], None]) -> None:
        """`run` starts an active job; it must call `done` in the end."""
        self._agenda = agenda
        self._run = run
        self._number = 0
        self.concurrency: dict[str, int] = {}
        self.waiting: list[Job] = []
        self.active: list[Job] = []

    def add(self, data: Json) -> Job:
        """Append a job; it becomes active when its server has a free slot and its service is idle."""
        job = self._create(data)
        self.waiting.append(job)
        self._agenda.after(PICK_UP, self.drain)
        return job

    def _create(self, data: Json) -> Job:
        self._number += 1
        return Job(f"job-{self._number}", data, self._agenda.now)

    def drain(self) -> None:
        """Start whatever may start now."""
        for job in list(self.waiting):
            running = [other for other in self.active if other.partition == job.partition]
            if len(running) >= self.concurrency.get(job.partition, 1):
                continue
            if any(other.service_id == job.service_id for other in running):
                continue
            self._start(job)

    def _start(self, job: Job) -> None:
        self.waiting.remove(job)
        self.active.append(job)
        job.started = self._agenda.now
        self._run(job)

    def done(self, job: Job) -> None:
        """Take a finished job out and let the next one start."""
        if job in self.active:
            self.active.remove(job)
            self._agenda.after(PICK_UP, self.drain)

    def clean(self, service_id: str | None = None) -> list[Job]:
        """Drop the waiting jobs of one service, or all of them, and return them; active ones go on (45)."""
        dropped = [job for job in self.waiting if service_id is None or job.service_id == service_id]
        self.waiting = [job for job in self.waiting if job not in dropped]
        return dropped

    def set_concurrency(self, value: int, partition: str = LOCAL) -> None:
        """Let `value` services of one host build at once; it counts from the next start (transcript 232)."""
        self.concurrency[partition] = value

    def lose(self) -> list[Job]:
        """Forget everything, as a dying process does; return the jobs that were active."""
        lost, self.active, self.waiting, self._number = self.active, [], [], 0
        for job in lost:
            self._interrupt(job)
        return lost

    @staticmethod
    def _interrupt(job: Job) -> None:
        for event in job.events:
            event.cancelled = True
        job.events.clear()

    def stop(self) -> None:
        """Do what the end of the server's process does to the queue: in memory, nothing is left (140)."""
        self.lose()

    def resume(self, rerun_seconds: float) -> None:
        """Go on after a restart; `rerun_seconds` counts only where an interrupted job is run again."""

    def holds(self, row: Row) -> bool:
        """Tell whether a job that waits will take over this row."""
        return any(job.row is row for job in self.waiting)

    def is_torn(self) -> bool:
        """Tell whether listing the jobs fails at this moment."""
        return False

    def newest_first(self) -> Iterator[Job]:
        """Yield the jobs as queueList sorts them: by timestamp, newest first; ties keep waiting first."""
        jobs = [*self.waiting, *self.active]
        yield from sorted(jobs, key=lambda job: milliseconds(job.added), reverse=True)
