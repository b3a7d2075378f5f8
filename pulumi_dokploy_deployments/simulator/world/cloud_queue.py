"""The job runner of Dokploy Cloud: finished jobs stay listed, a waiting one is `pending` (read in the source)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .agenda import Agenda
from .history import Row
from .ids import Ids, milliseconds
from .jobs import Job, Queue
from .templates import Json

LISTED = 50
"""Jobs of one server that are listed, the newest ones."""


@dataclass
class CloudJob(Job):
    """A job of the cloud: it changes its id when it starts, from the request's to the run's."""

    run: str = ""
    finished: float | None = None
    cancelled: bool = False

    @property
    def state(self) -> str:
        """Return pending, active, completed, failed or cancelled."""
        if self.cancelled:
            return "cancelled"
        if self.started is None:
            return "pending"
        if self.finished is None:
            return "active"
        return "completed" if self.failure is None else "failed"

    @property
    def since(self) -> float:
        """Return what is listed as its time: the start of the run, before it the request's."""
        return self.added if self.started is None else self.started

    def view(self) -> Json:
        """Return the job's public fields; `processedOn` is there even while it waits."""
        view: Json = {
            "id": self.id if self.started is None else self.run,
            "name": "deployment/requested",
            "data": dict(self.data),
            "timestamp": milliseconds(self.since),
            "processedOn": milliseconds(self.since),
        }
        if self.finished is not None:
            view["finishedOn"] = milliseconds(self.finished)
        if self.state == "failed":
            view["failedReason"] = self.failure
        return view | {"state": self.state}


class CloudQueue(Queue):
    """One job at a time on each remote server; services without a server are not run at all."""

    def __init__(self, agenda: Agenda, run: Callable[[Job], None], ids: Ids) -> None:
        """`run` starts an active job; it must call `done` in the end."""
        super().__init__(agenda, run)
        self._ids = ids
        self.finished: list[CloudJob] = []

    def add(self, data: Json) -> Job:
        """Append a job; without a server it goes nowhere, as Dokploy's own queue does nothing here."""
        return super().add(data) if data.get("serverId") else self._create(data)

    def _create(self, data: Json) -> Job:
        return CloudJob(self._ulid(), data, self._agenda.now, run=self._ulid())

    def _ulid(self) -> str:
        return f"01{self._ids.docker()[:24].upper()}"

    def done(self, job: Job) -> None:
        """Keep a finished job in the list and let the next one start."""
        if job in self.active:
            self._finish(job)

    def _finish(self, job: Job) -> None:
        if isinstance(job, CloudJob):
            job.finished = self._agenda.now
            self.finished.append(job)
        super().done(job)

    def clean(self, service_id: str | None = None) -> list[Job]:
        """Drop nothing: the cloud's jobs are not in Dokploy's own queue."""
        return []

    def cancel(self, service_id: str) -> None:
        """Mark the service's jobs as cancelled; what already runs on the server goes on to its end."""
        for job in [*self.waiting, *self.active]:
            if job.service_id == service_id and isinstance(job, CloudJob):
                job.cancelled = True
                if job in self.waiting:
                    self.waiting.remove(job)
                self._finish(job)

    def stop(self) -> None:
        """Go on: the runner is another process than the dashboard."""

    def holds(self, row: Row) -> bool:
        """Tell whether a job that waits or runs has this row."""
        return any(job.row is row for job in [*self.waiting, *self.active])

    def newest_first(self) -> Iterator[Job]:
        """Yield the jobs of every server, at most fifty of each, by the start of their run."""
        listed: dict[str, int] = {}
        jobs = [job for job in [*self.waiting, *self.active, *self.finished] if isinstance(job, CloudJob)]
        for job in sorted(jobs, key=lambda job: job.since, reverse=True):
            listed[job.partition] = listed.get(job.partition, 0) + 1
            if listed[job.partition] <= LISTED:
                yield job
