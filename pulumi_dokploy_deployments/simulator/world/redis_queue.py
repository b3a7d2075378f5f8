"""The queue of releases before v0.29.9: in Redis, so that it outlives the server's process (timeline-601)."""

from collections.abc import Callable

from .agenda import Agenda, Event
from .jobs import Job, Queue
from .templates import Json

RERUN_AFTER_TERM = 31.0
"""Seconds from the server's first answer until an interrupted job is run again, after SIGTERM (timeline-601)."""
RERUN_AFTER_KILL = 95.0
"""The same after SIGKILL, when the dead process' lock has to run out first."""
RUNS = 2
"""How often a job is run: one that is interrupted in its second run is dropped."""


class RedisQueue(Queue):
    """One line for the whole instance, numbered 1, 2, … over every restart (623); one job runs at a time."""

    def __init__(self, agenda: Agenda, run: Callable[[Job], None]) -> None:
        """`run` starts an active job; it must call `done` in the end."""
        super().__init__(agenda, run)
        self.gap_seconds = 0.0
        """How long listing the jobs fails after a job has left: it was there, and then it was not."""
        self._torn_until = 0.0
        self._stopped = False
        self._interrupted: dict[str, Event | None] = {}
        self._runs: dict[str, int] = {}

    def _create(self, data: Json) -> Job:
        self._number += 1
        return Job(str(self._number), data, self._agenda.now)

    def drain(self) -> None:
        """Start the next job when none really runs; interrupted ones are listed as active and don't."""
        running = [job for job in self.active if job.id not in self._interrupted]
        if self.waiting and not running and not self._stopped:
            job = self.waiting[0]
            self._runs[job.id] = self._runs.get(job.id, 0) + 1
            self._start(job)

    def done(self, job: Job) -> None:
        """Take a finished job out and let the next one start."""
        super().done(job)
        self._runs.pop(job.id, None)
        self._torn_until = self._agenda.now + self.gap_seconds

    def lose(self) -> list[Job]:
        """Forget everything, as an emptied Redis does; the numbering goes on."""
        number = self._number
        self._forget_reruns()
        lost = super().lose()
        self._number = number
        return lost

    def stop(self) -> None:
        """Keep every job; the active ones stay listed as active."""
        self._stopped = True
        self._forget_reruns()
        for job in self.active:
            self._interrupt(job)
            self._interrupted[job.id] = None

    def resume(self, rerun_seconds: float) -> None:
        """Start what waits at once, and run the interrupted jobs again after `rerun_seconds`."""
        self._stopped = False
        for job in self.active:
            self._interrupted[job.id] = self._agenda.after(rerun_seconds, self._again(job))
        self.drain()

    def _again(self, job: Job) -> Callable[[], None]:
        def again() -> None:
            self._interrupted.pop(job.id, None)
            self.active.remove(job)
            if self._runs.get(job.id, 0) < RUNS:
                job.started = None
                self.waiting.insert(0, job)
            self.drain()

        return again

    def _forget_reruns(self) -> None:
        for event in self._interrupted.values():
            if event is not None:
                event.cancelled = True
        self._interrupted.clear()

    def is_torn(self) -> bool:
        """Tell whether a job has left a moment ago, so that listing fails."""
        return self._agenda.now < self._torn_until
