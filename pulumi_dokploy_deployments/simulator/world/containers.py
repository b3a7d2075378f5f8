"""Plain containers of composes, as `docker ps -a` lists them (docker.getContainersByAppNameMatch)."""

from dataclasses import dataclass

from .ids import Ids
from .relative import human_duration
from .services import Deployable
from .templates import Json


@dataclass
class Container:
    """A compose container; `since` is when its state began, `version` counts what it was made from."""

    id: str
    name: str
    project: str
    server_id: str | None
    image: str
    created: float
    state: str
    since: float
    commit: str | None
    exit_code: int = 0
    health: str = ""

    def view(self, now: float) -> Json:
        """Return one line of the list, with docker's relative status text."""
        ago = human_duration(now - self.since)
        if self.state == "running":
            status = f"Up {ago}" + (f" ({self.health})" if self.health else "")
        elif self.state == "restarting":
            status = f"Restarting ({self.exit_code}) {ago} ago"
        else:
            status = f"Exited ({self.exit_code}) {ago} ago"
        return {"containerId": self.id[:12], "name": self.name, "state": self.state, "status": status}


class Containers:
    """The compose containers of every host."""

    def __init__(self, ids: Ids) -> None:
        """Start without containers."""
        self._ids = ids
        self.all: list[Container] = []

    def of(self, project: str, server_id: str | None) -> list[Container]:
        """Return the containers of one compose project."""
        return [c for c in self.all if c.project == project and c.server_id == server_id]

    def up(self, compose: Deployable, now: float) -> None:
        """Do what `compose up -d` does: recreate what changed, leave the rest running."""
        project, commit = compose.app_name, compose.checked_out.sha if compose.checked_out else None
        image = f"{project}_web:latest" if compose.from_git else "local/busybox:1"
        current = self.of(project, compose.server_id)
        wanted = (compose.checked_out.runtime if compose.checked_out else None) or compose.behaviour.runtime
        unchanged = bool(current) and current[0].commit == commit and current[0].state == "running"
        if unchanged and wanted == "healthy" and current[0].health != "unhealthy":
            return
        self.all = [c for c in self.all if c not in current]
        exits = wanted in {"exits", "start_fails"}
        checked = "healthcheck" in str(compose.fields["composeFile"])
        health = "unhealthy" if wanted == "unhealthy" else ("healthy" if checked and not exits else "")
        self.all.append(
            Container(
                self._ids.hexadecimal(64),
                f"{project}_web_1",
                project,
                compose.server_id,
                image,
                now,
                "exited" if exits else "running",
                now,
                commit,
                exit_code=1 if exits else 0,
                health=health,
            )
        )

    def stop(self, project: str, server_id: str | None, now: float) -> None:
        """Stop a project's containers (compose.stop)."""
        for container in self.of(project, server_id):
            container.state, container.since, container.exit_code = "exited", now, 137

    def start(self, project: str, server_id: str | None, now: float) -> None:
        """Start a project's containers again (compose.start)."""
        for container in self.of(project, server_id):
            container.state, container.since, container.exit_code = "running", now, 0

    def find(self, key: str, server_id: str | None) -> Container | None:
        """Return a container by id, short id or name."""
        return next(
            (c for c in self.all if c.server_id == server_id and (c.name == key or c.id.startswith(key))),
            None,
        )
