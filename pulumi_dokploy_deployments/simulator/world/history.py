"""Rows of the deployment history and the rollback versions tied to them, with their cascades."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

from .ids import Ids, iso
from .logs import Logs
from .templates import Json

COLUMNS = (
    "deploymentId",
    "title",
    "description",
    "status",
    "logPath",
    "pid",
    "applicationId",
    "composeId",
    "serverId",
    "isPreviewDeployment",
    "previewDeploymentId",
    "createdAt",
    "startedAt",
    "finishedAt",
    "errorMessage",
    "scheduleId",
    "backupId",
    "rollbackId",
    "volumeBackupId",
    "buildServerId",
)
"""Columns of `deployment`, in their order (transcripts 31, 411)."""
KEPT = 10
"""Rows that survive the pruning before each insert, so at most eleven exist (transcript 150)."""


@dataclass
class Row:
    """One deployment: `fields` are the columns in the order of deployment.all (transcript 31)."""

    fields: Json

    @property
    def id(self) -> str:
        """Return the deploymentId."""
        return str(self.fields["deploymentId"])

    @property
    def status(self) -> str:
        """Return running, done, error or cancelled."""
        return str(self.fields["status"])


@dataclass
class Rollback:
    """One version that can be rolled back to (transcript 164); fullContext holds a password."""

    fields: Json

    @property
    def id(self) -> str:
        """Return the rollbackId."""
        return str(self.fields["rollbackId"])

    @property
    def image(self) -> str:
        """Return the local image name `<appName>:v<version>`."""
        return str(self.fields["image"] or "")


class History:
    """All deployment rows, in the order of their insertion."""

    def __init__(self, ids: Ids, logs: Logs, drop_image: Callable[[str], None]) -> None:
        """`drop_image` removes a local image when its version is pruned or deleted."""
        self._ids = ids
        self._logs = logs
        self._drop_image = drop_image
        self.rows: list[Row] = []
        self.asked: dict[str, Json] = {}
        """What each row was asked for, kept through overwriting and pruning: the truth that tests compare with."""
        self.rollbacks: list[Rollback] = []
        self._version = 0

    def insert(
        self, at: float, *, owner: Json, title: str, description: str, log_path: str, status: str = "running"
    ) -> Row:
        """Prune the owner's history, then add a row; `owner` is {"applicationId": …} or another id."""
        self.prune(owner)
        fields: Json = {
            **dict.fromkeys(COLUMNS),
            "deploymentId": self._ids.nano(),
            "title": title,
            "description": description,
            "status": status,
            "logPath": log_path,
            "isPreviewDeployment": False,
            "createdAt": iso(at),
            "startedAt": iso(at) if status == "running" else None,
            **owner,
        }
        row = Row(fields)
        self.rows.append(row)
        self.asked[row.id] = {"title": title, "description": description}
        return row

    def begin(self, row: Row, at: float, log_path: str) -> Row:
        """Let a row that waited run."""
        row.fields |= {"status": "running", "startedAt": iso(at), "logPath": log_path}
        return row

    def prune(self, owner: Json) -> None:
        """Drop all but the newest ten rows of the owner, with their logs and versions (transcript 150)."""
        (column, service_id), *_ = owner.items()
        for row in self.of(column, str(service_id))[KEPT:]:
            rollback = self.find_rollback(row.fields["rollbackId"])
            if rollback is not None:
                self.delete_rollback(rollback)
            self.remove(row)

    def finish(self, row: Row, status: str, at: float) -> None:
        """Set a status; finishedAt follows for done and error, not for cancelled (transcript 140)."""
        row.fields["status"] = status
        row.fields["finishedAt"] = iso(at) if status in {"done", "error"} else None

    def of(self, column: str, value: str) -> list[Row]:
        """Return the rows whose `column` is `value`, newest first."""
        found = [row for row in self.rows if row.fields.get(column) == value]
        order = {id(row): index for index, row in enumerate(found)}
        return sorted(found, key=lambda row: (row.fields["createdAt"], order[id(row)]), reverse=True)

    def find(self, deployment_id: object) -> Row | None:
        """Return the row with this deploymentId."""
        return next((row for row in self.rows if row.id == deployment_id), None)

    def remove(self, row: Row) -> None:
        """Delete a row, its log file and its rollback version; the image stays (transcript 169)."""
        if row in self.rows:
            self.rows.remove(row)
        self.rollbacks = [item for item in self.rollbacks if item.fields["deploymentId"] != row.id]
        self._logs.remove(str(row.fields["logPath"]))

    def add_rollback(self, row: Row, at: float, app_name: str, context: Json) -> Rollback:
        """Create the next version for a row: the number counts over the whole instance, not per service."""
        self._version += 1
        rollback = Rollback(
            {
                "rollbackId": self._ids.nano(),
                "deploymentId": row.id,
                "version": self._version,
                "image": f"{app_name}:v{self._version}",
                "createdAt": iso(at),
                "fullContext": copy.deepcopy(context),
            }
        )
        self.rollbacks.append(rollback)
        row.fields["rollbackId"] = rollback.id
        return rollback

    def find_rollback(self, rollback_id: object) -> Rollback | None:
        """Return the version with this rollbackId."""
        return next((item for item in self.rollbacks if item.id == rollback_id), None)

    def rollback_of(self, row: Row) -> Rollback | None:
        """Return the version that belongs to a row."""
        return self.find_rollback(row.fields["rollbackId"])

    def delete_rollback(self, rollback: Rollback) -> None:
        """Delete a version, its local image and, by the cascade, its deployment row (transcript 168)."""
        self._drop_image(rollback.image)
        self.rollbacks = [item for item in self.rollbacks if item is not rollback]
        self.rows = [row for row in self.rows if row.fields["rollbackId"] != rollback.id]
