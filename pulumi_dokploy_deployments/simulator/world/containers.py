"""Plain containers of composes: what `compose up` does to them, and what becomes of them afterwards."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from .agenda import Agenda
from .ids import Ids
from .output import Line, written
from .processes import Process
from .relative import human_duration
from .templates import Json

FIRST_WAIT, LONGEST_WAIT, LONG_LIFE = 0.1, 60.0, 10.0
"""Docker waits twice as long before each restart, and anew from the start after a life of ten seconds (505, 506)."""
NOT_STARTED = (
    "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: "
    'exec: "/bin/false": stat /bin/false: no such file or directory: unknown'
)
"""Error of a container that can't start (transcript 317); compose then fails."""
UNHEALTHY_AFTER = 2.0
"""Seconds until a health check that never passes has failed often enough (transcript 503: two a second apart)."""


@dataclass(frozen=True)
class Unit:
    """A container that should be: the n-th of a service, with everything that decides whether it is made anew."""

    service: str
    number: int
    image: str
    image_id: str
    config_hash: str
    process: Process
    restart: str = "no"
    checked: bool | None = None

    def name(self, project: str) -> str:
        """Return the name that compose v2 gives it."""
        return f"{project}-{self.service}-{self.number}"


@dataclass
class Container:
    """A compose container; `since` is when its listed state began, times are epoch seconds, None is never."""

    id: str
    name: str
    project: str
    server_id: str | None
    unit: Unit
    created: float
    since: float
    state: str = "created"
    started: float | None = None
    finished: float | None = None
    exit_code: int = 0
    oom_killed: bool = False
    error: str = ""
    health: str = ""
    failing: int = 0
    restarts: int = 0
    one_off: bool = False
    lines: list[Line] = field(default_factory=list)
    wait: float = 0.0
    life: int = 0

    def view(self, now: float) -> Json:
        """Return one line of the list, with docker's relative status text."""
        ago = human_duration(now - self.since)
        if self.state == "created":
            status = "Created"
        elif self.state == "running":
            shown = {"starting": "health: starting"}.get(self.health, self.health)
            status = f"Up {ago}" + (f" ({shown})" if shown else "")
        elif self.state == "restarting":
            status = f"Restarting ({self.exit_code}) {ago} ago"
        else:
            status = f"Exited ({self.exit_code}) {ago} ago"
        return {"containerId": self.id[:12], "name": self.name, "state": self.state, "status": status}

    def made_of(self, unit: Unit) -> bool:
        """Tell whether compose keeps it: neither its configuration nor its image changed (transcript 500)."""
        kept = (self.unit.config_hash, self.unit.image, self.unit.image_id)
        return kept == (unit.config_hash, unit.image, unit.image_id)


def image_id(image: str, *parts: object) -> str:
    """Return the id of an image as hex digits; `parts` are what a tag alone doesn't tell."""
    return hashlib.sha256(repr((image, *parts)).encode()).hexdigest()


class Containers:
    """The compose containers of every host."""

    def __init__(self, agenda: Agenda, ids: Ids) -> None:
        """Start without containers."""
        self._agenda = agenda
        self._ids = ids
        self.all: list[Container] = []

    def of(self, project: str, server_id: str | None) -> list[Container]:
        """Return the containers of one compose project, the youngest first as `docker ps -a` lists them."""
        found = [c for c in self.all if c.project == project and c.server_id == server_id]
        return sorted(found, key=lambda container: container.created, reverse=True)

    def find(self, key: str, server_id: str | None) -> Container | None:
        """Return a container by id, short id or name."""
        return next(
            (c for c in self.all if c.server_id == server_id and (c.name == key or c.id.startswith(key))),
            None,
        )

    def prepare(self, project: str, server_id: str | None, units: list[Unit]) -> None:
        """Begin `compose up -d --remove-orphans`: create what it will start, remove what the file dropped.

        A new container beside an old one has a name of its own (530). One-off containers of `compose run` count
        as orphans (532, 533).
        """
        places = {(unit.service, unit.number) for unit in units}
        for container in self.of(project, server_id):
            if container.one_off or (container.unit.service, container.unit.number) not in places:
                self._remove(container)
        for unit in units:
            name = unit.name(project)
            if self._made_of(project, server_id, unit):
                continue
            old = self._named(project, server_id, name)
            self._create(project, server_id, unit, f"{old.id[:12]}_{name}" if old else name)

    def up(self, project: str, server_id: str | None, units: list[Unit]) -> list[Container]:
        """Finish it: put new containers in the place of old ones, leave what did not change running.

        What has ended is started again, what is restarting is left alone (transcripts 501, 502). Returned are the
        containers that could not be started.
        """
        self.prepare(project, server_id, units)
        wanted = [found for unit in units if (found := self._made_of(project, server_id, unit))]
        for container in self.of(project, server_id):
            if container not in wanted:
                self._remove(container)
        for container in wanted:
            container.name = container.unit.name(project)
            if container.state in {"created", "exited"}:
                container.restarts = 0
                self._start(container)
        return [container for container in wanted if container.error]

    def run(self, project: str, server_id: str | None, unit: Unit, exit_code: int) -> Container:
        """Leave a container of `compose run` behind that ended with `exit_code` (transcript 533)."""
        name = f"{project}-{unit.service}-run-{self._ids.hexadecimal(12)}"
        container = self._create(project, server_id, unit, name)
        now = self._agenda.now
        container.one_off, container.state, container.exit_code = True, "exited", exit_code
        container.started = container.finished = container.since = now
        return container

    def stop(self, project: str, server_id: str | None) -> None:
        """Stop a project's containers (compose.stop)."""
        for container in self.of(project, server_id):
            if container.state in {"running", "restarting"}:
                self._end(container, 137)

    def start(self, project: str, server_id: str | None) -> None:
        """Start a project's containers again (compose.start)."""
        for container in self.of(project, server_id):
            if container.state in {"created", "exited"} and not container.one_off:
                container.restarts = 0
                self._start(container)

    def _made_of(self, project: str, server_id: str | None, unit: Unit) -> Container | None:
        found = self.of(project, server_id)
        same = (c for c in found if not c.one_off and (c.unit.service, c.unit.number) == (unit.service, unit.number))
        return next((container for container in same if container.made_of(unit)), None)

    def _named(self, project: str, server_id: str | None, name: str) -> Container | None:
        return next((container for container in self.of(project, server_id) if container.name == name), None)

    def _create(self, project: str, server_id: str | None, unit: Unit, name: str) -> Container:
        now = self._agenda.now
        container = Container(self._ids.hexadecimal(64), name, project, server_id, unit, now, now)
        self.all.append(container)
        return container

    def _remove(self, container: Container) -> None:
        container.life += 1
        self.all.remove(container)

    def _start(self, container: Container) -> None:
        now, process = self._agenda.now, container.unit.process
        container.life += 1
        if process.runtime == "start_fails":
            container.error, container.exit_code = NOT_STARTED, 127
            return
        container.state, container.started, container.since = "running", now, now
        container.exit_code, container.oom_killed, container.failing = 0, False, 0
        container.lines += written(now, process.output)
        if process.ends:
            self._later(container, process.exit_after, self._over)
        self._check(container)

    def _later(self, container: Container, delay: float, action: Callable[[Container], None]) -> None:
        """Do something to a container unless it was stopped, removed or started anew before."""
        life = container.life

        def act() -> None:
            if container.life == life:
                action(container)

        self._agenda.after(delay, act)

    def _check(self, container: Container) -> None:
        checked, process = container.unit.checked, container.unit.process
        if process.runtime == "unhealthy" or checked is False:
            container.health = "starting"
            self._later(container, UNHEALTHY_AFTER, self._failed_check)
        elif checked and not process.ends:
            container.health = "starting" if process.ready_after else "healthy"
            self._later(container, process.ready_after, self._passed_check)

    @staticmethod
    def _passed_check(container: Container) -> None:
        container.health, container.failing = "healthy", 0

    @staticmethod
    def _failed_check(container: Container) -> None:
        container.health, container.failing = "unhealthy", 2

    def _over(self, container: Container) -> None:
        """Let a process end by itself; the restart policy decides over what follows."""
        process = container.unit.process
        lived = self._agenda.now - (container.started or 0.0)
        container.lines += written(self._agenda.now, process.last_words)
        container.oom_killed = process.oom_killed
        self._end(container, process.exit_code)
        if not self._restarts(container):
            return
        container.state = "restarting"
        container.restarts += 1
        container.wait = FIRST_WAIT if lived > LONG_LIFE or not container.wait else container.wait * 2
        container.wait = min(container.wait, LONGEST_WAIT)
        self._later(container, container.wait, self._start)

    def _end(self, container: Container, exit_code: int) -> None:
        container.life += 1
        container.state, container.exit_code, container.health = "exited", exit_code, ""
        container.finished = container.since = self._agenda.now

    @staticmethod
    def _restarts(container: Container) -> bool:
        name, _, limit = container.unit.restart.partition(":")
        if name == "on-failure":
            return container.exit_code != 0 and (not limit or container.restarts < int(limit))
        return name in {"always", "unless-stopped"}
