"""Preview deployments of pull requests: jobs and rows of their own beside an application's."""

from collections.abc import Callable
from dataclasses import dataclass

from .history import Row
from .ids import log_stamp
from .jobs import Job
from .logs import path_of
from .services import Deployable
from .state import State
from .templates import Json

PREPARE = 0.030
"""Seconds from an active job to its row, as for any deployment."""


def data_of(world: State, service: Deployable, title: str, description: str) -> Json:
    """Return the data of a preview's job: it names the application, and is told apart only by its type."""
    data: Json = {
        "applicationId": service.id,
        "titleLog": title,
        "descriptionLog": description,
        "type": "deploy",
        "applicationType": "application-preview",
        "server": service.server_id is not None,
        "previewDeploymentId": world.ids.nano(),
    }
    if world.cloud and service.server_id is not None:
        data["serverId"] = service.server_id
    return data


@dataclass
class PreviewBuild:
    """One running preview; what it deploys is a service of its own, and the application is left alone."""

    world: State
    job: Job
    service: Deployable
    leave: Callable[[Job], None]
    """Takes the job off the queue."""
    row: Row | None = None

    @property
    def killable(self) -> bool:
        """Tell whether a `docker build` can be interrupted: previews are not that detailed."""
        return False

    def kill(self) -> None:
        """Do nothing."""

    def start(self) -> None:
        """Begin: the row follows a moment later."""
        self.job.events.append(self.world.agenda.after(PREPARE, self._create_row))

    def _create_row(self) -> None:
        world, data = self.world, self.job.data
        app_name = f"preview-{self.service.app_name}-{world.ids.suffix()}"
        self.row = world.history.insert(
            world.now,
            owner={"previewDeploymentId": data["previewDeploymentId"]},
            title=str(data["titleLog"]),
            description=str(data["descriptionLog"]),
            log_path=path_of(app_name, log_stamp(world.now)),
        )
        world.logs.create(str(self.row.fields["logPath"])).chunks.append("Initializing deployment\n")
        self.job.events.append(world.agenda.after(self.service.behaviour.build_seconds, self._finish))

    def _finish(self) -> None:
        if self.row is not None:
            self.world.history.finish(self.row, "done", self.world.now)
        self.leave(self.job)
