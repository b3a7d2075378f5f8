"""A client whose server is the small model, on virtual time: what the runs' tests talk to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.models import (
    DeploymentRecord,
    DeployMethod,
    Project,
    QueueJob,
    Service,
    ServiceKind,
)
from pulumi_dokploy_deployments.api.swarm_models import Container, ServiceInspection, ServiceTask, TaskInspection
from tests.support import api_faults as faults
from tests.support.builders import inspected, swarm_service, task
from tests.support.builders import service as build_service
from tests.support.model_server import ModelJob, ModelServer
from tests.support.virtual_clock import VirtualClock

KEY = "key-that-no-message-may-show"
LATENCY = 0.02

Hook = Callable[[str], None]
"""Looks at the operation of a call and raises where the call shall fail."""


@dataclass
class FakeTask:
    """One Swarm task of the fake."""

    id: str
    created: float
    desired: str = "running"
    current: str = "Running 5 seconds ago"
    error: str = ""


class FakeDokploy(DokployClient):
    """The endpoints that a run uses, over one service.

    Attributes:
        server: the model behind it; tests let other clients deploy there, restart it, and so on.
        before: hooks before a call takes effect; after: hooks between the effect and the answer.
        behaviour: how long our builds take and how they end.
    """

    def __init__(self, clock: VirtualClock, service: Service | None = None) -> None:
        super().__init__(Connection.parse("https://dokploy.example.com", KEY))
        self.clock = clock
        self.service = service or build_service()
        self.version = "v0.30.2"
        self.server = ModelServer(now=0.0, on_end=self._rolled_out)
        self.before: list[Hook] = []
        self.after: list[Hook] = []
        self.calls: Counter[str] = Counter()
        self.build_seconds = 4.0
        self.fails = False
        self.crashes = False
        self.containers: list[Container] = []
        self.tasks = [FakeTask("old", -3600.0)]
        self.update: tuple[str, float] | None = None
        self.sent: list[dict[str, Any]] = []
        self.dropped = 0
        self.killed: list[str] = []
        self.removed: list[str] = []
        self.bounds: list[float | Callable[[], float]] = []

    # --- what tests do ------------------------------------------------------------------------------------------

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something with the server at a moment of virtual time."""

        def act() -> None:
            self._advance()
            action()

        self.clock.after(seconds - self.clock.elapsed, act)

    def foreign(self, name: str, seconds: float = 2.0, **more: Any) -> None:
        """Let another client deploy the service."""
        self._advance()
        self.server.deploy(name, f"by {name}", seconds, **more)

    def fail(self, operation: str, *errors: Exception, answer: bool = False) -> None:
        """Let the next calls of an operation fail, before their effect or (`answer`) after it."""
        left = list(errors)

        def hook(called: str) -> None:
            if called == operation and left:
                raise left.pop(0)

        (self.after if answer else self.before).append(hook)

    def within(self, seconds: float | Callable[[], float]) -> Self:
        """The same fake: its answers take a moment. What they may take is kept in `bounds`."""
        self.bounds.append(seconds)
        return self

    # --- the endpoints ------------------------------------------------------------------------------------------

    async def server_version(self) -> str:
        await self._call("settings.getDokployVersion")
        return self.version

    async def read_service(self, kind: ServiceKind, service_id: str) -> Service:
        await self._call(f"{kind.value}.one")
        if service_id != self.service.service_id:
            raise faults.not_found()
        return self.service

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
        operation = f"{kind.value}.{method.value}"
        await self._call(operation)
        self.sent.append({"method": method.value, "title": title, "description": description})
        if kind.is_database:
            await self.clock.sleep(self.build_seconds)
            self._advance()
            if self.fails:
                raise faults.server_error(500)
            self._roll_out()
        else:
            source = self.service.source_type
            is_overwritten = source is not None and source.is_git and method is DeployMethod.DEPLOY
            number = len(self.sent)
            self.server.deploy(
                f"us {number}",
                description or "",
                self.build_seconds,
                is_overwritten=is_overwritten,
                fails=self.fails,
            )
        await self._answer(operation)

    async def drop_waiting_jobs(self, kind: ServiceKind, service_id: str) -> None:
        await self._call(f"{kind.value}.cleanQueues")
        self.dropped += 1
        self.server.clean_queues()

    async def deployments_by_application(self, application_id: str) -> list[DeploymentRecord]:
        await self._call("deployment.all")
        return await self._rows("deployment.all")

    async def deployments_by_compose(self, compose_id: str) -> list[DeploymentRecord]:
        await self._call("deployment.allByCompose")
        return await self._rows("deployment.allByCompose")

    async def deployments_by_type(self, type_name: str, identity: str) -> list[DeploymentRecord]:
        await self._call("deployment.allByType")
        return await self._rows("deployment.allByType")

    async def projects(self) -> list[Project]:
        await self._call("project.all")
        return []

    async def queue(self) -> list[QueueJob]:
        await self._call("deployment.queueList")
        jobs = self.server.read_queue()
        await self._answer("deployment.queueList")
        return jobs

    async def read_log(self, deployment_id: str, *, tail: int = 100) -> str:
        await self._call("deployment.readLogs")
        row = next((each for each in self.server.rows if each.id == deployment_id), None)
        if row is None:
            raise faults.not_found()
        lines = [
            "Initializing deployment",
            "Cloning Repo Custom http://git/demo.git to /code: ✅",
            "Building shop-x1y2z3",
        ]
        if row.status == "done":
            lines.append("✅ Docker build completed.")
        if row.status == "error":
            lines += ["npm ERR! missing script: build", "Error occurred ❌, check the logs for details."]
        return "".join(f"{line}\n" for line in lines[-tail:])

    async def kill_process(self, deployment_id: str) -> None:
        await self._call("deployment.killProcess")
        self.killed.append(deployment_id)
        raise faults.invalid()

    async def remove_deployment(self, deployment_id: str) -> None:
        await self._call("deployment.removeDeployment")
        self.removed.append(deployment_id)
        self.server.rows = [each for each in self.server.rows if each.id != deployment_id]

    async def tasks_of(self, app_name: str, *, server_id: str | None = None) -> list[ServiceTask]:
        await self._call("docker.getServiceContainersByAppName")
        return [
            task(each.id, desired=each.desired, current=each.current, error=each.error) for each in reversed(self.tasks)
        ]

    async def inspect_task(self, task_id: str, *, server_id: str | None = None) -> TaskInspection | None:
        await self._call("docker.getConfig")
        found = next((each for each in self.tasks if each.id == task_id), None)
        return inspected(task_id, at=found.created) if found is not None else None

    async def inspect_service(self, swarm_service_id: str, *, server_id: str | None = None) -> ServiceInspection | None:
        await self._call("docker.getConfig")
        state, started = self.update or (None, None)
        return swarm_service(update=state, started=started, replicas=self.service.replicas)

    async def containers_of(self, app_name: str, *, app_type: str, server_id: str | None = None) -> list[Container]:
        await self._call("docker.getContainersByAppNameMatch")
        return self.containers

    # --- inside -------------------------------------------------------------------------------------------------

    def _advance(self) -> None:
        self.server.advance(max(0.0, self.clock.elapsed - self.server.now))

    async def _call(self, operation: str) -> None:
        await self.clock.sleep(LATENCY / 2)
        self._advance()
        self.calls[operation] += 1
        for hook in self.before:
            hook(operation)
        if not self.server.is_up:
            raise faults.refused()

    async def _answer(self, operation: str) -> None:
        for hook in self.after:
            hook(operation)
        await self.clock.sleep(LATENCY / 2)

    async def _rows(self, operation: str) -> list[DeploymentRecord]:
        rows = self.server.read_rows()
        await self._answer(operation)
        return rows

    def _rolled_out(self, ended: ModelJob) -> None:
        if not ended.fails:
            self._roll_out()

    def _roll_out(self) -> None:
        now = self.server.now
        number = len(self.tasks)
        self.update = ("completed", now)
        if self.crashes:
            self.update = ("rollback_completed", now)
            self.tasks.append(
                FakeTask(f"task{number}", now + 0.001, "shutdown", "Failed 1 second ago", "task: non-zero exit (1)")
            )
            return
        for each in self.tasks:
            each.desired = "shutdown"
        self.tasks.append(FakeTask(f"task{number}", now + 0.001))
