"""Which servers the contract is held against: the simulator as four releases, and a live server where one is named."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import httpx
import pytest
import pytest_asyncio

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.models import DeploymentRecord, DeployMethod, QueueJob, ServiceKind
from pulumi_dokploy_deployments.api.swarm_models import ServiceInspection
from pulumi_dokploy_deployments.api.versions import ServerVersion
from pulumi_dokploy_deployments.simulator.server import Options
from pulumi_dokploy_deployments.simulator.world.versions import PROFILES
from tests.support.simulator_thread import simulator_thread

T = TypeVar("T")

BUILD_SECONDS = 0.3
SLOW_SECONDS = 1.5
WAIT_SECONDS = 90.0
"""How long a real server may take for anything these tests wait for; its slow build takes about 20 of them."""
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Server:
    """A server under test, and which of its services may be deployed."""

    endpoint: str
    api_key: str = field(repr=False)
    is_live: bool
    version: ServerVersion
    applications: dict[str, str]
    composes: dict[str, str]

    def is_from(self, version: str) -> bool:
        """Whether the server is this release or a newer one; what older ones do is stated beside it."""
        since = ServerVersion.parse(version)
        assert since is not None
        return self.version >= since

    @property
    def connection(self) -> Connection:
        return Connection.parse(self.endpoint, self.api_key)

    def application(self, name: str) -> str:
        """The id of an application by its role; skips the test where a live server has none for it."""
        return self._service(self.applications, name, "APPLICATION")

    def compose(self, name: str) -> str:
        """The id of a compose by its role; skips the test where a live server has none for it."""
        return self._service(self.composes, name, "COMPOSE")

    def _service(self, known: dict[str, str], name: str, kind: str) -> str:
        if self.is_live and name not in known:
            pytest.skip(f"the live run has no DOKPLOY_LIVE_{name.upper()}_{kind}_ID")
        return known[name]


def _is_live_configured() -> bool:
    return bool(os.environ.get("DOKPLOY_ENDPOINT") and os.environ.get("DOKPLOY_API_KEY"))


def _live() -> Server:
    def services(kind: str) -> dict[str, str]:
        prefix, suffix = "DOKPLOY_LIVE_", f"_{kind}_ID"
        return {
            name.removeprefix(prefix).removesuffix(suffix).lower(): value
            for name, value in os.environ.items()
            if name.startswith(prefix) and name.endswith(suffix) and value
        }

    endpoint, api_key = os.environ["DOKPLOY_ENDPOINT"], os.environ["DOKPLOY_API_KEY"]
    address = f"{endpoint.rstrip('/')}/api/settings.getDokployVersion"
    told = httpx.get(address, headers={"x-api-key": api_key}, timeout=30.0).raise_for_status().json()
    return Server(
        endpoint=endpoint,
        api_key=api_key,
        is_live=True,
        version=_version(told),
        applications=services("APPLICATION"),
        composes=services("COMPOSE"),
    )


def _version(text: str) -> ServerVersion:
    version = ServerVersion.parse(text)
    if version is None:
        pytest.fail(f"the server calls itself {text!r}, which is no version")
    return version


_SIMULATED = [str(version) for version in PROFILES]
_LIVE = pytest.param("live", marks=[pytest.mark.live, pytest.mark.timeout(300)])


@pytest.fixture(scope="session", params=[*_SIMULATED, _LIVE] if _is_live_configured() else _SIMULATED)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """One server of each release for the whole run: what is promised must also hold on one that others have used."""
    if request.param == "live":
        yield _live()
        return
    options = Options(build_seconds=BUILD_SECONDS, slow_seconds=SLOW_SECONDS, server_version=request.param)
    with simulator_thread(options) as running:
        yield Server(
            endpoint=running.endpoint,
            api_key=running.api_key,
            is_live=False,
            version=_version(running.ready["server_version"]),
            applications=running.ready["applications"],
            composes=running.ready["composes"],
        )


@pytest_asyncio.fixture
async def client(server: Server) -> AsyncIterator[DokployClient]:
    async with DokployClient(server.connection) as opened:
        yield opened


@pytest_asyncio.fixture
async def raw(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """Plain HTTP, for what the client would never send and what it does not show."""
    headers = {"x-api-key": server.api_key}
    async with httpx.AsyncClient(base_url=f"{server.endpoint}/api/", headers=headers, trust_env=False) as opened:
        yield opened


@pytest_asyncio.fixture
async def bench(client: DokployClient) -> Bench:
    return Bench(client)


async def until(what: str, probe: Callable[[], Awaitable[T | None]], *, seconds: float = WAIT_SECONDS) -> T:
    """What the probe finds; fails the test when it finds nothing in time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while (found := await probe()) is None:
        if loop.time() > deadline:
            pytest.fail(f"waited {seconds:g} seconds for {what}")
        await asyncio.sleep(POLL_SECONDS)
    return found


@dataclass(frozen=True)
class Trigger:
    """One deployment that a test asked for, recognisable by its nonce."""

    kind: ServiceKind
    service_id: str
    nonce: str
    title: str


@dataclass(frozen=True)
class Bench:
    """The moves that most tests share."""

    client: DokployClient

    async def settle(self, kind: ServiceKind, service_id: str) -> None:
        """Wait until nothing of the service waits or runs: an earlier test may have left before the end."""

        async def idle() -> bool | None:
            if any(job.service_id == service_id for job in await self.client.queue()):
                return None
            rows = await self.client.deployments_of(kind, service_id)
            return None if any(not row.status.is_final for row in rows) else True

        await until("the service to be idle", idle)

    async def trigger(
        self,
        service_id: str,
        *,
        kind: ServiceKind = ServiceKind.APPLICATION,
        method: DeployMethod = DeployMethod.DEPLOY,
        settled: bool = True,
    ) -> Trigger:
        """Deploy with a nonce of its own, by default when the service is idle."""
        if settled:
            await self.settle(kind, service_id)
        nonce = uuid.uuid4().hex
        asked = Trigger(kind, service_id, nonce, f"contract {nonce[:8]}")
        await self.client.deploy(kind, service_id, method=method, title=asked.title, description=nonce)
        return asked

    async def row(self, asked: Trigger) -> DeploymentRecord:
        """The row as it was when first seen; the nonce is reliable only until the end (timeline 242)."""

        async def find() -> DeploymentRecord | None:
            rows = await self.client.deployments_of(asked.kind, asked.service_id)
            return next((row for row in rows if row.description == asked.nonce), None)

        return await until("the row with the nonce", find)

    async def find(self, asked: Trigger, deployment_id: str) -> DeploymentRecord | None:
        rows = await self.client.deployments_of(asked.kind, asked.service_id)
        return next((row for row in rows if row.deployment_id == deployment_id), None)

    async def finished(self, asked: Trigger) -> DeploymentRecord:
        """The row after its end."""
        deployment_id = (await self.row(asked)).deployment_id

        async def final() -> DeploymentRecord | None:
            row = await self.find(asked, deployment_id)
            return row if row is not None and row.status.is_final else None

        return await until("the end of the deployment", final)

    async def job(self, asked: Trigger) -> QueueJob | None:
        jobs = await self.client.queue()
        return next((job for job in jobs if job.data.description_log == asked.nonce), None)

    async def app_name(self, service_id: str) -> str:
        return (await self.client.read_service(ServiceKind.APPLICATION, service_id)).app_name

    async def running_service(self, service_id: str) -> ServiceInspection:
        """The Swarm service behind an application: by its newest task, since its name may lead to an image."""
        app_name = await self.app_name(service_id)

        async def inspect() -> ServiceInspection | None:
            tasks = await self.client.tasks_of(app_name)
            task = await self.client.inspect_task(tasks[0].task_id) if tasks else None
            return await self.client.inspect_service(task.service_id) if task is not None else None

        return await until("a task of the service", inspect)
