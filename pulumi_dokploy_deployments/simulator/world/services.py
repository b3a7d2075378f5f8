"""What can be deployed: applications, composes and databases, with the behaviour a test gives them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .processes import PROCESS_FIELDS, Process, Runtime
from .templates import Json

Build = Literal["ok", "fails", "clone_fails", "log_unwritable"]
"""How a build ends: `log_unwritable` is the row that could not be prepared (transcript 220)."""
ServiceKind = Literal["application", "compose", "postgres", "mysql", "mariadb", "mongo", "redis", "libsql"]
DATABASE_KINDS: tuple[ServiceKind, ...] = ("postgres", "mysql", "mariadb", "mongo", "redis", "libsql")


@dataclass(frozen=True)
class Commit:
    """One commit of a git source; `build` and `runtime` override the service's behaviour for it."""

    sha: str
    message: str
    build: Build | None = None
    runtime: Runtime | None = None


@dataclass
class Repository:
    """A git remote: what each branch (or tag) holds, oldest commit first."""

    url: str
    refs: dict[str, list[Commit]] = field(default_factory=dict)

    def head(self, ref: str) -> Commit | None:
        """Return the newest commit of `ref`, or None when the remote has no such branch or tag."""
        commits = self.refs.get(ref)
        return commits[-1] if commits else None


@dataclass
class Behaviour:
    """How a service's deployments go. `build_seconds` counts from the row's start to its end.

    The fields from `runtime` on are those of Process, for each container of the service. `members` overrides
    them for single services of a compose, by name. `unplaceable` is Swarm's reason for not placing new tasks
    ("scheduling constraints not satisfied on 1 node"), `pending_desired` the desired state of such tasks.
    """

    build: Build = "ok"
    runtime: Runtime = "healthy"
    build_seconds: float = 1.0
    steps: int = 0
    start_seconds: float = 0.6
    exit_after: float = 0.2
    exit_code: int = 1
    oom_killed: bool = False
    ready_after: float = 0.0
    output: tuple[str, ...] = ()
    last_words: tuple[str, ...] = ()
    members: dict[str, Process] = field(default_factory=dict)
    unplaceable: str = ""
    host_port: bool = False
    pending_desired: Literal["running", "ready"] = "running"

    @property
    def process(self) -> Process:
        """Return what a container of the service does."""
        return Process(**{name: getattr(self, name) for name in PROCESS_FIELDS})


@dataclass
class Service:
    """Common part of everything deployable: the stored columns and the behaviour."""

    kind: ServiceKind
    fields: Json
    behaviour: Behaviour = field(default_factory=Behaviour)

    @property
    def id(self) -> str:
        """Return the service's own id, the value of `<kind>Id`."""
        return str(self.fields[f"{self.kind}Id"])

    @property
    def name(self) -> str:
        """Return the name shown in the dashboard."""
        return str(self.fields["name"])

    @property
    def app_name(self) -> str:
        """Return the name of the Swarm service, image and log folder."""
        return str(self.fields["appName"])

    @property
    def server_id(self) -> str | None:
        """Return the remote server that it runs on; None is Dokploy's own host."""
        value = self.fields.get("serverId")
        return str(value) if value else None

    @property
    def status_field(self) -> str:
        """Return the column that carries the service's status."""
        return "composeStatus" if self.kind == "compose" else "applicationStatus"

    def set_status(self, status: str) -> None:
        """Store the service's own status: idle, running, done or error."""
        self.fields[self.status_field] = status

    def update(self, changes: Mapping[str, object]) -> None:
        """Store changed columns; ids and appName can't be changed, unknown keys are ignored."""
        fixed = {f"{self.kind}Id", "appName", "serverId"}
        for key, value in changes.items():
            if key in self.fields and key not in fixed:
                self.fields[key] = value


@dataclass
class Deployable(Service):
    """An application or compose: it has a source, a queue group and a history of deployments."""

    repository: Repository | None = None
    checked_out: Commit | None = None
    stored_file: str | None = None
    """The compose file as the last deployment left it on the host."""

    @property
    def build_server_id(self) -> str | None:
        """Return the server that only builds the application; None when nothing but its own server does."""
        value = self.fields.get("buildServerId")
        return str(value) if value else None

    @property
    def build_host(self) -> str | None:
        """Return the host on which it is built and which has the log (transcripts 580, 581)."""
        return self.build_server_id or self.server_id

    @property
    def source_type(self) -> str:
        """Return `docker`, `git`, `raw`, `github`, …"""
        return str(self.fields["sourceType"])

    @property
    def from_git(self) -> bool:
        """Tell whether the source is cloned, so that the title gets overwritten (transcript 242)."""
        return self.source_type not in {"docker", "raw", "drop"}

    @property
    def ref(self) -> str:
        """Return the configured branch or tag."""
        column = "customGitBranch" if self.source_type == "git" else "branch"
        return str(self.fields.get(column) or "")

    @property
    def built(self) -> bool:
        """Tell whether deployments build an image `appName:latest` on the host (transcript 301)."""
        return self.kind == "application" and self.source_type != "docker"


@dataclass
class Server:
    """A remote server (server.create, transcript 181)."""

    fields: Json

    @property
    def id(self) -> str:
        """Return the serverId."""
        return str(self.fields["serverId"])


@dataclass
class Registry:
    """A container registry with its password in clear, as Dokploy stores it (transcript 160)."""

    fields: Json

    @property
    def id(self) -> str:
        """Return the registryId."""
        return str(self.fields["registryId"])

    def tag(self, image: str) -> str:
        """Return the full name under which `image` is pushed: registry/prefix/name:tag (transcript 331)."""
        prefix = str(self.fields["imagePrefix"] or self.fields["username"]).lower()
        repository = image.rsplit("/", 1)[-1]
        url = str(self.fields["registryUrl"] or "")
        return f"{url}/{prefix}/{repository}" if url else f"{prefix}/{repository}"

    def public(self) -> Json:
        """Return the columns without the password, as application.one nests them."""
        return {key: value for key, value in self.fields.items() if key != "password"}
