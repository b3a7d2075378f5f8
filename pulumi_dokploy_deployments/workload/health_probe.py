"""Reads what runs: Swarm's tasks, the new ones inspected, and the service behind them. No judgement here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.errors import AccessDenied, ApiError, NotFound
from pulumi_dokploy_deployments.api.models import Service
from pulumi_dokploy_deployments.api.swarm_models import Container, ServiceInspection, ServiceTask, TaskInspection
from pulumi_dokploy_deployments.waiting.clock import Clock
from pulumi_dokploy_deployments.workload.health import SwarmObservation

MOST_INSPECTIONS = 20
"""How many more tasks are inspected at the most with each observation; what is known is not asked for again."""


@dataclass(frozen=True)
class Baseline:
    """What ran before the trigger."""

    task_ids: frozenset[str] = frozenset()
    image: str = ""
    update_started_at: datetime | None = None
    unknown_because: str = ""
    """Why the server can't tell, in words for the user; empty where it can."""

    @property
    def is_known(self) -> bool:
        """Whether the server can tell what runs."""
        return not self.unknown_because


@dataclass
class SwarmProbe:
    """Observes one service through `docker.getServiceContainersByAppName` and `docker.getConfig`.

    Goes by task id, then by the task's service id: the app's name alone may name an image (transcript 301).
    """

    client: DokployClient
    clock: Clock
    service: Service
    _inspected: dict[str, TaskInspection] = field(default_factory=dict)
    _swarm_service_id: str | None = None

    async def baseline(self) -> Baseline:
        """The tasks before the trigger, or the reason why the server can't show them."""
        try:
            tasks = await self.client.tasks_of(self.service.app_name, server_id=self.service.server_id)
            await self._find_service(tasks)
            inspection = await self._inspect_service()
        except (AccessDenied, NotFound) as error:
            return Baseline(unknown_because=why_unknown(error))
        return Baseline(
            task_ids=frozenset(task.task_id for task in tasks),
            image=inspection.image if inspection else "",
            update_started_at=inspection.update.started_at if inspection and inspection.update else None,
        )

    async def observe(self, earlier_tasks: frozenset[str]) -> SwarmObservation:
        """The tasks now, those that were not there earlier inspected, and the service."""
        at = self.clock.monotonic()
        tasks = await self.client.tasks_of(self.service.app_name, server_id=self.service.server_id)
        await self._find_service(tasks)
        fresh = [
            task.task_id for task in tasks if task.task_id not in earlier_tasks and task.task_id not in self._inspected
        ]
        await self._inspect(fresh[:MOST_INSPECTIONS])
        inspection = await self._inspect_service()
        return SwarmObservation(
            at=at,
            tasks=tuple(tasks),
            inspected=dict(self._inspected),
            service=inspection,
            expected_replicas=None if self.service.mode_swarm else self.service.replicas,
        )

    async def _find_service(self, tasks: Iterable[ServiceTask]) -> None:
        if self._swarm_service_id is not None:
            return
        for task in tasks:
            await self._inspect([task.task_id])
            found = self._inspected.get(task.task_id)
            if found is not None:
                self._swarm_service_id = found.service_id
                return

    async def _inspect(self, task_ids: Iterable[str]) -> None:
        for task_id in task_ids:
            if task_id not in self._inspected:
                found = await self.client.inspect_task(task_id, server_id=self.service.server_id)
                if found is not None:
                    self._inspected[task_id] = found

    async def _inspect_service(self) -> ServiceInspection | None:
        if self._swarm_service_id is None:
            return None
        return await self.client.inspect_service(self._swarm_service_id, server_id=self.service.server_id)


@dataclass
class ComposeProbe:
    """Observes the containers of a compose through `docker.getContainersByAppNameMatch`."""

    client: DokployClient
    service: Service

    async def observe(self) -> list[Container]:
        """The containers now."""
        return await self.client.containers_of(
            self.service.app_name,
            app_type=self.service.compose_type or "docker-compose",
            server_id=self.service.server_id,
        )


def why_unknown(error: ApiError) -> str:
    """Why the server does not show what runs."""
    if isinstance(error, AccessDenied):
        return "the API key's user may not read Docker's state (permission docker:read)"
    return f"this server does not answer {error.operation}"
