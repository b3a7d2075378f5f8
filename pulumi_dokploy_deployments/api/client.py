"""The client: one method for each endpoint, one attempt for each call.

Retries belong to those who know whether a call may be repeated (`waiting.retry`, `rollout.trigger`).
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import httpx
from pydantic import ConfigDict, SecretStr, TypeAdapter, ValidationError

from pulumi_dokploy_deployments.api.answers import (
    UPDATES,
    Answer,
    error_of,
    not_what_was_asked,
    reading_of,
    wrong_shape,
)
from pulumi_dokploy_deployments.api.asked import Asked
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import (
    AccessDenied,
    ApiError,
    InvalidRequest,
    MissingEndpoint,
    NotFound,
    Step,
    TooOld,
    UnexpectedAnswer,
)
from pulumi_dokploy_deployments.api.exchange import (
    MOST_BYTES,
    MOST_BYTES_OF_A_LIST,
    MOST_BYTES_OF_A_LOG,
    Exchanger,
    Sending,
)
from pulumi_dokploy_deployments.api.models import (
    DeploymentRecord,
    DeployMethod,
    Project,
    QueueJob,
    Registry,
    Server,
    Service,
    ServiceKind,
)
from pulumi_dokploy_deployments.api.redact import Redactor
from pulumi_dokploy_deployments.api.swarm_models import (
    Container,
    ContainerInspection,
    ServiceInspection,
    ServiceTask,
    TaskInspection,
)
from pulumi_dokploy_deployments.api.versions import FLOOR, Capabilities, Support, capabilities_of

T = TypeVar("T")

MAX_LOG_LINES = 10_000
"""The most lines that `deployment.readLogs` gives (its request schema)."""
DATABASE_DEPLOY_TIMEOUT_SECONDS = 900.0
"""Deploying a database is synchronous and pulls the image within the request."""
ROLLBACK_TIMEOUT_SECONDS = 300.0
_GONE = "Deployment not found"

# What an answer has to look like is worked out when the first one comes: most processes see few kinds of them.
_LATER = ConfigDict(defer_build=True)
_DEPLOYMENTS = TypeAdapter(list[DeploymentRecord], config=_LATER)
_JOBS = TypeAdapter(list[QueueJob], config=_LATER)
_TASKS = TypeAdapter(list[ServiceTask], config=_LATER)
_CONTAINERS = TypeAdapter(list[Container], config=_LATER)
_SERVERS = TypeAdapter(list[Server], config=_LATER)
_REGISTRIES = TypeAdapter(list[Registry], config=_LATER)
_PROJECTS = TypeAdapter(list[Project], config=_LATER)
# Models defer their building themselves.
_SERVICE = TypeAdapter(Service)
_TASK_INSPECTION = TypeAdapter(TaskInspection)
_SERVICE_INSPECTION = TypeAdapter(ServiceInspection)
_CONTAINER_INSPECTION = TypeAdapter(ContainerInspection)
_TEXT = TypeAdapter(str)
_NAMES = TypeAdapter(list[str])


@dataclass
class _Known:
    """What a client has found out about its server; all views of one client share it."""

    has_worked: bool = False
    capabilities: Capabilities | None = None
    missing_endpoints: set[str] = field(default_factory=set)
    masked: set[str] = field(default_factory=set, repr=False)
    redactor: Redactor | None = field(default=None, repr=False)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class DokployClient:
    """The endpoints of one Dokploy server.

    Args:
        connection: address, key and extra headers.
        timeout_seconds: how long one exchange may take, from the connecting to the last byte of the answer;
            connecting has at most 10 seconds of it.
        transport: the seam for tests.

    Every method raises an `ApiError` when the call does not succeed, and a `ConfigurationError` where the machine's
    environment does not allow an HTTP client to be made.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        timeout_seconds: float = 30.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.connection = connection
        self._timeout_seconds = timeout_seconds
        self._longest_seconds: tuple[float | Callable[[], float], ...] = ()
        self._secrets = connection.secrets
        self._exchanger = Exchanger(connection, transport)
        self._known = _Known()
        self._known.masked.update(connection.secret_values)

    @property
    def redactor(self) -> Redactor:
        """Masks the connection's secrets, and what `mask` was told, in lines of logs; takes out control characters."""
        if self._known.redactor is None:
            self._known.redactor = Redactor(self._known.masked)
        return self._known.redactor

    def mask(self, values: Iterable[str]) -> None:
        """Mask these values too: a log may show the secret variables that a service was given."""
        new = set(values) - self._known.masked
        if new:
            self._known.masked |= new
            self._known.redactor = None

    @property
    def has_worked(self) -> bool:
        """Whether address and key have worked: from then on a 401 is no wrong key, and a page not the server."""
        return self._known.has_worked

    def within(self, seconds: float | Callable[[], float]) -> Self:
        """The same client for calls that may take no longer than this, whatever is usual for them.

        It shares the connections and all that is known of the server; it is not closed by itself.

        Args:
            seconds: how long, or what tells it at each call: what is left until a deadline, for instance.
        """
        view = copy.copy(self)
        view._longest_seconds = (*self._longest_seconds, seconds)
        return view

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._exchanger.aclose()

    # --- services -------------------------------------------------------------------------------------------

    async def read_service(self, kind: ServiceKind, service_id: str) -> Service:
        """`<kind>.one`. Raises `NotFound` for an unknown id."""
        operation = f"{kind.value}.one"
        answer = await self._get(operation, {kind.id_field: service_id}, root=dict)
        return self._parse(operation, _SERVICE, {**answer, "kind": kind})

    async def deploy(
        self,
        kind: ServiceKind,
        service_id: str,
        *,
        method: DeployMethod = DeployMethod.DEPLOY,
        title: str | None = None,
        description: str | None = None,
        timeout_seconds: float | None = None,
    ) -> None:
        """`<kind>.deploy` or `.redeploy`. The answer carries no deployment id (transcripts 30, 33, 170, 171).

        For databases the call returns when the service has been updated, and title and description do not exist.

        Args:
            timeout_seconds: how long the answer may take; for databases 15 minutes where nothing is said.
        """
        body: dict[str, Any] = {kind.id_field: service_id}
        if kind.is_database:
            longest = timeout_seconds if timeout_seconds is not None else DATABASE_DEPLOY_TIMEOUT_SECONDS
            await self._post(f"{kind.value}.deploy", body, timeout_seconds=longest)
            return
        if title is not None:
            body["title"] = title
        if description is not None:
            body["description"] = description
        await self._post(f"{kind.value}.{method.value}", body, timeout_seconds=timeout_seconds)

    async def drop_waiting_jobs(self, kind: ServiceKind, service_id: str) -> None:
        """`<kind>.cleanQueues`: drops every waiting job of this service; the active one goes on (transcript 45)."""
        await self._post(f"{kind.value}.cleanQueues", {kind.id_field: service_id})

    async def kill_build(self, kind: ServiceKind, service_id: str) -> None:
        """`<kind>.killBuild`. Kills EVERY build on the host, other services' too (transcript 233)."""
        await self._post(f"{kind.value}.killBuild", {kind.id_field: service_id})

    async def update_service(self, kind: ServiceKind, service_id: str, settings: Mapping[str, Any]) -> None:
        """`<kind>.update` with the given wire fields, `dockerImage` or `customGitBranch` for instance.

        An unknown application is an `InvalidRequest`; an unknown compose is accepted in silence (measured on v0.30.2).
        Without settings nothing is sent: the server would answer 500.
        """
        if not settings:
            return
        await self._post(f"{kind.value}.update", {kind.id_field: service_id, **settings})

    # --- deployments ----------------------------------------------------------------------------------------

    async def deployments_of(self, kind: ServiceKind, service_id: str) -> list[DeploymentRecord]:
        """The service's history, newest first. Databases have none."""
        if kind.is_database:
            return []
        if kind is ServiceKind.COMPOSE:
            return await self.deployments_by_compose(service_id)
        return await self.deployments_by_application(service_id)

    async def deployments_by_application(self, application_id: str) -> list[DeploymentRecord]:
        """`deployment.all`. An unknown id gives an empty list to an owner (transcript 65)."""
        return await self._read("deployment.all", _DEPLOYMENTS, {"applicationId": application_id})

    async def deployments_by_compose(self, compose_id: str) -> list[DeploymentRecord]:
        """`deployment.allByCompose`. An unknown id gives an empty list to an owner (transcript 69)."""
        return await self._read("deployment.allByCompose", _DEPLOYMENTS, {"composeId": compose_id})

    async def deployments_by_server(self, server_id: str) -> list[DeploymentRecord]:
        """`deployment.allByServer`."""
        return await self._read("deployment.allByServer", _DEPLOYMENTS, {"serverId": server_id})

    async def deployments_by_type(self, type_name: str, identity: str) -> list[DeploymentRecord]:
        """`deployment.allByType`, the only read that carries each row's rollback version."""
        return await self._read("deployment.allByType", _DEPLOYMENTS, {"id": identity, "type": type_name})

    async def all_deployments(self) -> list[DeploymentRecord]:
        """`deployment.allCentralized`: every row of the organization that the key's user may see."""
        return await self._read("deployment.allCentralized", _DEPLOYMENTS)

    async def queue(self) -> list[QueueJob]:
        """`deployment.queueList`: waiting and active jobs of the whole instance, newest first."""
        return await self._read("deployment.queueList", _JOBS)

    async def read_log(self, deployment_id: str, *, tail: int = 100) -> str:
        """`deployment.readLogs`: the last lines of the build log; works while the build runs (transcript 49)."""
        query = {"deploymentId": deployment_id, "tail": _bounded(tail)}
        return await self._read("deployment.readLogs", _TEXT, query, root=str)

    async def kill_process(self, deployment_id: str) -> None:
        """`deployment.killProcess`. Always refused for applications and composes on v0.30.2 (transcript 44)."""
        await self._post("deployment.killProcess", {"deploymentId": deployment_id})

    async def remove_deployment(self, deployment_id: str) -> None:
        """`deployment.removeDeployment`. Does not stop a running one (timeline 133).

        Raises `NotFound` for one that is gone; v0.28.5 and v0.28.6 take that without a word.
        """
        try:
            await self._post("deployment.removeDeployment", {"deploymentId": deployment_id})
        except InvalidRequest as error:
            if _GONE not in error.message:
                raise
            # What v0.28.3 says of it; later ones say 404 (transcript 71).
            raise NotFound(
                error.text, operation=error.operation, server=error.server, status=error.status, code=error.code
            ) from None

    # --- rollbacks ------------------------------------------------------------------------------------------

    async def rollback(self, rollback_id: str) -> None:
        """`rollback.rollback`: synchronous, empty answer, no row; every failure is one and the same 400."""
        await self._post("rollback.rollback", {"rollbackId": rollback_id}, timeout_seconds=ROLLBACK_TIMEOUT_SECONDS)

    # --- what runs ------------------------------------------------------------------------------------------

    async def tasks_of(self, app_name: str, *, server_id: str | None = None) -> list[ServiceTask]:
        """`docker.getServiceContainersByAppName`: Swarm's tasks, newest first; needs `docker:read`."""
        return await self._read(
            "docker.getServiceContainersByAppName", _TASKS, _optional(appName=app_name, serverId=server_id)
        )

    async def stack_tasks_of(self, app_name: str, *, server_id: str | None = None) -> list[ServiceTask]:
        """`docker.getStackContainersByAppName`: the tasks of a compose that is deployed as a stack."""
        return await self._read(
            "docker.getStackContainersByAppName", _TASKS, _optional(appName=app_name, serverId=server_id)
        )

    async def containers_of(self, app_name: str, *, app_type: str, server_id: str | None = None) -> list[Container]:
        """`docker.getContainersByAppNameMatch`: the containers of a compose."""
        return await self._read(
            "docker.getContainersByAppNameMatch",
            _CONTAINERS,
            _optional(appName=app_name, appType=app_type, serverId=server_id),
        )

    async def inspect_task(self, task_id: str, *, server_id: str | None = None) -> TaskInspection | None:
        """`docker.getConfig` with a task id; None where Swarm no longer knows it (transcript 304)."""
        return await self._inspect(_TASK_INSPECTION, task_id, server_id)

    async def inspect_service(self, swarm_service_id: str, *, server_id: str | None = None) -> ServiceInspection | None:
        """`docker.getConfig` with Swarm's service id; never with the app's name, which may name an image."""
        return await self._inspect(_SERVICE_INSPECTION, swarm_service_id, server_id)

    async def inspect_container(self, container_id: str, *, server_id: str | None = None) -> ContainerInspection | None:
        """`docker.getConfig` with a container's id; None where Docker no longer knows it."""
        return await self._inspect(_CONTAINER_INSPECTION, container_id, server_id)

    async def compose_services(self, compose_id: str) -> list[str]:
        """`compose.loadServices` of the file as it lies on the server, those behind inactive profiles included.

        Nothing is cloned for it (`type=cache`). Raises `NotFound` where the file names no service.
        """
        return await self._read("compose.loadServices", _NAMES, {"composeId": compose_id, "type": "cache"})

    async def compose_file(self, compose_id: str) -> str:
        """The compose file as `compose.one` gives it; empty for those that come from git. May hold secrets."""
        answer = await self._get("compose.one", {"composeId": compose_id}, root=dict)
        text = answer.get("composeFile") if isinstance(answer, Mapping) else None
        return text if isinstance(text, str) else ""

    async def service_log(self, kind: ServiceKind, service_id: str, *, tail: int) -> str:
        """`<kind>.readLogs`: what the containers of an application or a database wrote, dead ones too.

        Since v0.29.0. Each line with its timestamp, not in order (transcript 524).
        """
        query = {kind.id_field: service_id, "tail": _bounded(tail)}
        return await self._read(f"{kind.value}.readLogs", _TEXT, query, root=str)

    async def compose_log(self, compose_id: str, container_id: str, *, tail: int) -> str:
        """`compose.readLogs`: what one container of a compose wrote (transcript 531). Since v0.29.0."""
        query = {"composeId": compose_id, "containerId": container_id, "tail": _bounded(tail)}
        return await self._read("compose.readLogs", _TEXT, query, root=str)

    # --- the instance ---------------------------------------------------------------------------------------

    async def server_version(self) -> str:
        """`settings.getDokployVersion`, `v0.30.2` for instance."""
        return await self._read("settings.getDokployVersion", _TEXT, root=str)

    async def capabilities(self) -> Capabilities:
        """What the server can do, by its version, which is read once.

        A server that does not tell its version counts as the newest measured one.
        """
        async with self._known.lock:
            known = self._known.capabilities
            if known is None:
                try:
                    known = capabilities_of(await self.server_version())
                except (AccessDenied, InvalidRequest, MissingEndpoint, UnexpectedAnswer):
                    known = capabilities_of(None)
                for endpoint in self._known.missing_endpoints:
                    known = known.without(endpoint)
                self._known.capabilities = known
            return known

    async def require_supported(self) -> Capabilities:
        """What the server can do, where it is new enough for deployments.

        Raises:
            TooOld: its version is below the oldest that this package can work with.
        """
        known = await self.capabilities()
        if known.support is Support.TOO_OLD:
            raise TooOld(
                f"Dokploy {known.version} is older than {FLOOR}, which this package needs in order to recognise its "
                "own deployment; nothing was sent.",
                next_step=f"Update Dokploy under {UPDATES}.",
                step=Step.CHANGE_SERVER,
            )
        return known

    def note_missing(self, endpoint: str) -> None:
        """Remember that the server has no such endpoint, whatever its version says; calls do so by themselves."""
        self._known.missing_endpoints.add(endpoint)
        if self._known.capabilities is not None:
            self._known.capabilities = self._known.capabilities.without(endpoint)

    async def servers(self) -> list[Server]:
        """`server.all`."""
        return await self._read("server.all", _SERVERS)

    async def registries(self) -> list[Registry]:
        """`registry.all`, without credentials."""
        return await self._read("registry.all", _REGISTRIES)

    async def read(self, operation: str, shape: TypeAdapter[T], query: Mapping[str, Any] | None = None) -> T:
        """A query that has no method of its own, reduced at once to `shape`."""
        return await self._read(operation, shape, query, root=None)

    async def look(self, path: str) -> Answer:
        """GET a path below the address without the key, and take the answer as it comes.

        Raises:
            ConnectionFailed: no answer came; its `trouble` tells why.
            SomethingInFront: the answer was broken on the way.
        """
        sending = Sending("GET", path.lstrip("/"), timeout_seconds=self._limit(None), with_key=False)
        outcome = await self._exchanger.exchange(sending, self._asked(sending, path.lstrip("/")))
        if isinstance(outcome, ApiError):
            raise outcome
        return outcome

    # --- settings and names ---------------------------------------------------------------------------------

    async def environment_text(self, kind: ServiceKind, service_id: str) -> SecretStr:
        """The service's environment as `<kind>.one` gives it, to the letter (transcript 561); empty where it has none.

        It holds secrets, so that it is read only by whoever has to change it.
        """
        answer = await self._get(f"{kind.value}.one", {kind.id_field: service_id}, root=dict)
        text = answer.get("env") if isinstance(answer, Mapping) else None
        return SecretStr(text if isinstance(text, str) else "")

    async def projects(self) -> list[Project]:
        """`project.all`: projects with their environments and services.

        An owner sees databases by their ids alone, a member with their names (transcript 550). The searches
        (`application.search` and its sisters) would give names, but leave out what an owner has not created, know no
        libsql, and take `_` and `%` in a name for wildcards.
        """
        return await self._read("project.all", _PROJECTS)

    # --- transport ------------------------------------------------------------------------------------------

    async def _inspect(self, adapter: TypeAdapter[T], identity: str, server_id: str | None) -> T | None:
        operation = "docker.getConfig"
        query = _optional(containerId=identity, serverId=server_id)
        # An unknown id is answered with nothing at all (transcript 304).
        answer = await self._get(operation, query, root=dict, may_be_empty=True)
        return None if answer is None else self._parse(operation, adapter, answer)

    async def _read(
        self,
        operation: str,
        adapter: TypeAdapter[T],
        query: Mapping[str, Any] | None = None,
        *,
        root: type | None = list,
    ) -> T:
        return self._parse(operation, adapter, await self._get(operation, query, root=root))

    async def _get(
        self,
        operation: str,
        query: Mapping[str, Any] | None = None,
        *,
        root: type | None,
        may_be_empty: bool = False,
    ) -> Any:
        most = _LONGEST.get(root, MOST_BYTES)
        sending = Sending("GET", f"api/{operation}", query=query, timeout_seconds=self._limit(None), most_bytes=most)
        return await self._send(sending, operation, root=root, may_be_empty=may_be_empty)

    async def _post(self, operation: str, body: Mapping[str, Any], *, timeout_seconds: float | None = None) -> Any:
        limit = self._limit(timeout_seconds)
        sending = Sending("POST", f"api/{operation}", body=body, timeout_seconds=limit)
        return await self._send(sending, operation, root=None, may_be_empty=True)

    async def _send(self, sending: Sending, operation: str, *, root: type | None, may_be_empty: bool) -> Any:
        asked = self._asked(sending, operation, may_be_empty=may_be_empty)
        outcome = await self._exchanger.exchange(sending, asked)
        if isinstance(outcome, ApiError):
            raise outcome
        reading = reading_of(outcome, asked)
        error = error_of(reading, outcome, asked)
        if isinstance(error, MissingEndpoint):
            self.note_missing(operation)
        is_empty = may_be_empty and reading.body is None
        if error is None and root is not None and not is_empty and not isinstance(reading.body, root):
            error = not_what_was_asked(asked, f"JSON that is no {_KIND_OF_JSON[root]}")
        elif reading.proves_key:
            self._known.has_worked = True
        if error is not None:
            raise error
        return reading.body

    def _limit(self, timeout_seconds: float | None) -> float:
        limit = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        return min(limit, *(each() if callable(each) else each for each in self._longest_seconds), limit)

    def _asked(self, sending: Sending, operation: str, *, may_be_empty: bool = False) -> Asked:
        return Asked(
            operation=operation,
            server=self.connection.origin,
            connection=self.connection.name,
            secrets=self._secrets,
            sent=frozenset(sending.query or sending.body or ()),
            may_be_empty=may_be_empty,
            has_worked=self._known.has_worked,
        )

    def _parse(self, operation: str, adapter: TypeAdapter[T], answer: Any) -> T:
        try:
            return adapter.validate_python(answer)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            reason = f"{place}: {first['msg']}"
        # Raised here and not above: the validation error holds the answer, with whatever secrets are in it.
        raise wrong_shape(self._asked(Sending("GET", operation), operation), reason)


_KIND_OF_JSON: dict[type | None, str] = {list: "list", dict: "object", str: "string"}
_LONGEST: dict[type | None, int] = {list: MOST_BYTES_OF_A_LIST, str: MOST_BYTES_OF_A_LOG}


def _bounded(tail: int) -> int:
    return max(1, min(tail, MAX_LOG_LINES))


def _optional(**query: str | None) -> dict[str, str]:
    return {name: value for name, value in query.items() if value is not None}
