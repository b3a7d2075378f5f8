"""The client: one method for each endpoint, one attempt for each call.

Retries belong to those who know whether a call may be repeated (`rollout.budget`, `rollout.trigger`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import TypeAdapter, ValidationError

from pulumi_dokploy_deployments.api.answers import LOCATION, connection_error, read_answer, unsendable
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import ApiError, ConfigurationError, UnexpectedAnswer
from pulumi_dokploy_deployments.api.models import (
    DeploymentRecord,
    DeployMethod,
    QueueJob,
    Registry,
    Server,
    Service,
    ServiceKind,
)
from pulumi_dokploy_deployments.api.one_line import one_line, sentence
from pulumi_dokploy_deployments.api.swarm_models import (
    Container,
    ContainerInspection,
    ServiceInspection,
    ServiceTask,
    TaskInspection,
)
from pulumi_dokploy_deployments.api.user_agent import user_agent

T = TypeVar("T")

MAX_SAME_ORIGIN_REDIRECTS = 3
CONNECT_TIMEOUT_SECONDS = 10.0
KEEPALIVE_EXPIRY_SECONDS = 3.0
"""Less than the five seconds after which Dokploy closes an idle connection: a POST must not meet that moment."""
MAX_LOG_LINES = 10_000
"""The most lines that `deployment.readLogs` gives (its request schema)."""
DATABASE_DEPLOY_TIMEOUT_SECONDS = 900.0
"""Deploying a database is synchronous and pulls the image within the request."""
ROLLBACK_TIMEOUT_SECONDS = 300.0

_DEPLOYMENTS = TypeAdapter(list[DeploymentRecord])
_JOBS = TypeAdapter(list[QueueJob])
_TASKS = TypeAdapter(list[ServiceTask])
_CONTAINERS = TypeAdapter(list[Container])
_SERVERS = TypeAdapter(list[Server])
_REGISTRIES = TypeAdapter(list[Registry])
_TEXT = TypeAdapter(str)
_NAMES = TypeAdapter(list[str])


class DokployClient:
    """The endpoints of one Dokploy server.

    Args:
        connection: address and key.
        timeout_seconds: how long one answer may take; connecting has at most 10 seconds of it.
        transport: the seam for tests.

    Every method raises an `ApiError` when the call does not succeed.
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
        self._http = _http_client(connection, transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    # --- services -------------------------------------------------------------------------------------------

    async def read_service(self, kind: ServiceKind, service_id: str) -> Service:
        """`<kind>.one`. Raises `NotFound` for an unknown id."""
        operation = f"{kind.value}.one"
        answer = await self._get(operation, {kind.id_field: service_id})
        if not isinstance(answer, Mapping):
            raise self._unexpected(operation, "not an object")
        return self._parse(operation, TypeAdapter(Service), {**answer, "kind": kind})

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
        lines = max(1, min(tail, MAX_LOG_LINES))
        answer = await self._get("deployment.readLogs", {"deploymentId": deployment_id, "tail": lines})
        return self._parse("deployment.readLogs", _TEXT, answer or "")

    async def kill_process(self, deployment_id: str) -> None:
        """`deployment.killProcess`. Always refused for applications and composes on v0.30.2 (transcript 44)."""
        await self._post("deployment.killProcess", {"deploymentId": deployment_id})

    async def remove_deployment(self, deployment_id: str) -> None:
        """`deployment.removeDeployment`. Does not stop a running one (timeline 133)."""
        await self._post("deployment.removeDeployment", {"deploymentId": deployment_id})

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
        return await self._inspect(TypeAdapter(TaskInspection), task_id, server_id)

    async def inspect_service(self, swarm_service_id: str, *, server_id: str | None = None) -> ServiceInspection | None:
        """`docker.getConfig` with Swarm's service id; never with the app's name, which may name an image."""
        return await self._inspect(TypeAdapter(ServiceInspection), swarm_service_id, server_id)

    async def inspect_container(self, container_id: str, *, server_id: str | None = None) -> ContainerInspection | None:
        """`docker.getConfig` with a container's id; None where Docker no longer knows it."""
        return await self._inspect(TypeAdapter(ContainerInspection), container_id, server_id)

    async def compose_services(self, compose_id: str) -> list[str]:
        """`compose.loadServices` of the file as it lies on the server, those behind inactive profiles included.

        Nothing is cloned for it (`type=cache`). Raises `NotFound` where the file names no service.
        """
        return await self._read("compose.loadServices", _NAMES, {"composeId": compose_id, "type": "cache"})

    async def compose_file(self, compose_id: str) -> str:
        """The compose file as `compose.one` gives it; empty for those that come from git. May hold secrets."""
        answer = await self._get("compose.one", {"composeId": compose_id})
        text = answer.get("composeFile") if isinstance(answer, Mapping) else None
        return text if isinstance(text, str) else ""

    async def service_log(self, kind: ServiceKind, service_id: str, *, tail: int) -> str:
        """`<kind>.readLogs`: what the containers of an application or a database wrote, dead ones too.

        Since v0.29.0. Each line with its timestamp, not in order (transcript 524).
        """
        return await self._read_log(f"{kind.value}.readLogs", {kind.id_field: service_id, "tail": _bounded(tail)})

    async def compose_log(self, compose_id: str, container_id: str, *, tail: int) -> str:
        """`compose.readLogs`: what one container of a compose wrote (transcript 531). Since v0.29.0."""
        query = {"composeId": compose_id, "containerId": container_id, "tail": _bounded(tail)}
        return await self._read_log("compose.readLogs", query)

    async def _read_log(self, operation: str, query: Mapping[str, Any]) -> str:
        return self._parse(operation, _TEXT, await self._get(operation, query) or "")

    # --- the instance ---------------------------------------------------------------------------------------

    async def server_version(self) -> str:
        """`settings.getDokployVersion`, `v0.30.2` for instance."""
        return await self._read("settings.getDokployVersion", _TEXT)

    async def servers(self) -> list[Server]:
        """`server.all`."""
        return await self._read("server.all", _SERVERS)

    async def registries(self) -> list[Registry]:
        """`registry.all`, without credentials."""
        return await self._read("registry.all", _REGISTRIES)

    async def read(self, operation: str, shape: TypeAdapter[T], query: Mapping[str, Any] | None = None) -> T:
        """A query that has no method of its own, reduced at once to `shape`."""
        return await self._read(operation, shape, query)

    # --- transport ------------------------------------------------------------------------------------------

    async def _inspect(self, adapter: TypeAdapter[T], identity: str, server_id: str | None) -> T | None:
        answer = await self._get("docker.getConfig", _optional(containerId=identity, serverId=server_id))
        return None if answer is None else self._parse("docker.getConfig", adapter, answer)

    async def _read(self, operation: str, adapter: TypeAdapter[T], query: Mapping[str, Any] | None = None) -> T:
        return self._parse(operation, adapter, await self._get(operation, query))

    async def _get(self, operation: str, query: Mapping[str, Any] | None = None) -> Any:
        return await self._send("GET", operation, query=query)

    async def _post(self, operation: str, body: Mapping[str, Any], *, timeout_seconds: float | None = None) -> Any:
        return await self._send("POST", operation, body=body, timeout_seconds=timeout_seconds)

    async def _send(
        self,
        verb: str,
        operation: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        timeout_seconds: float | None = None,
    ) -> Any:
        server = self.connection.origin
        limit = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        timeout = httpx.Timeout(limit, connect=min(CONNECT_TIMEOUT_SECONDS, limit))
        outcome = await self._exchange(verb, operation, query=query, body=body, timeout=timeout, limit=limit)
        # Raised here and not where it was caught: the library's exception holds the request, and that the key.
        if isinstance(outcome, ApiError):
            raise outcome
        hidden = self.connection.api_key.get_secret_value()
        return read_answer(outcome, operation=operation, server=server, hidden=hidden)

    async def _exchange(
        self,
        verb: str,
        operation: str,
        *,
        query: Mapping[str, Any] | None,
        body: Mapping[str, Any] | None,
        timeout: httpx.Timeout,
        limit: float,
    ) -> httpx.Response | ApiError:
        server, key = self.connection.origin, self.connection.api_key.get_secret_value()
        try:
            request = self._http.build_request(
                verb,
                operation,
                params=dict(query) if query is not None else None,
                json=dict(body) if body is not None else None,
                headers={"x-api-key": key},
                timeout=timeout,
            )
        except (httpx.InvalidURL, ValueError, TypeError) as error:
            return unsendable(error, operation=operation, server=server, hidden=key)
        try:
            # httpx limits each read, not the whole: a server that drips bytes would hold a caller for ever.
            async with asyncio.timeout(limit + CONNECT_TIMEOUT_SECONDS):
                for _ in range(MAX_SAME_ORIGIN_REDIRECTS + 1):
                    response = await self._http.send(request)
                    target = _same_origin_target(response)
                    if target is None:
                        break
                    request = httpx.Request(
                        verb, target, headers=request.headers, content=request.content, extensions=request.extensions
                    )
                return response
        except (
            httpx.HTTPError,
            httpx.InvalidURL,
            httpx.CookieConflict,
            httpx.StreamError,
            OSError,  # ssl.SSLError among them, which httpx only translates while connecting
            UnicodeError,
        ) as error:
            return connection_error(error, operation=operation, server=server, hidden=key)

    def _parse(self, operation: str, adapter: TypeAdapter[T], answer: Any) -> T:
        try:
            return adapter.validate_python(answer)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            reason = one_line(f"{place}: {first['msg']}")
        # Raised here and not above: the validation error holds the answer, with whatever secrets are in it.
        raise self._unexpected(operation, reason)

    def _unexpected(self, operation: str, reason: str) -> UnexpectedAnswer:
        return UnexpectedAnswer(
            f"{self.connection.origin} answered {operation} in a shape that this version does not know ({reason}).",
            operation=operation,
            server=self.connection.origin,
            status=200,
            next_step="Is there a newer version of pulumi-dokploy-deployments?",
        )


def _http_client(connection: Connection, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    host = urlsplit(connection.origin).hostname or ""
    shown_host = f"[{host}]" if ":" in host else host
    try:
        return httpx.AsyncClient(
            base_url=f"{connection.origin}/api/",
            headers={"user-agent": user_agent(), "accept": "application/json"},
            transport=transport,
            # A proxy from the environment has no business between this machine and itself.
            mounts={f"all://{shown_host}": None} if connection.is_loopback else None,
            follow_redirects=False,
            event_hooks={"response": [_set_location_aside]},
            limits=httpx.Limits(
                max_connections=32, max_keepalive_connections=16, keepalive_expiry=KEEPALIVE_EXPIRY_SECONDS
            ),
        )
    except (httpx.InvalidURL, ValueError, OSError, ImportError) as error:
        reason = one_line(error)
    raise ConfigurationError(
        sentence(f"No HTTP client for {connection.origin} could be made: {reason}"),
        next_step="Look at the environment variables HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and "
        "SSL_CERT_DIR.",
    )


def _bounded(tail: int) -> int:
    return max(1, min(tail, MAX_LOG_LINES))


def _optional(**query: str | None) -> dict[str, str]:
    return {name: value for name, value in query.items() if value is not None}


async def _set_location_aside(response: httpx.Response) -> None:
    """Keep httpx from preparing the next request by itself: it does so for any host, with the key in it."""
    if response.is_redirect and "location" in response.headers:
        response.extensions[LOCATION] = response.headers.pop("location")


def _same_origin_target(response: httpx.Response) -> httpx.URL | None:
    """Where a 307 or 308 leads, if it stays on the same server: Dokploy sends them for slashes (transcript 110)."""
    location = response.extensions.get(LOCATION)
    if response.status_code not in (307, 308) or location is None:
        return None
    source = response.request.url
    try:
        target = source.join(location)
        here, there = urlsplit(str(source)), urlsplit(str(target))
        same = (here.scheme, here.hostname, here.port) == (there.scheme, there.hostname, there.port)
    except (httpx.InvalidURL, ValueError):
        return None
    return target if same and not target.userinfo else None
