"""A server on virtual time whose application has an earlier version to go back to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi_dokploy_deployments.api.models import DeploymentRecord, Service, ServiceKind
from pulumi_dokploy_deployments.api.swarm_models import ServiceInspection
from tests.support.builders import row, swarm_service
from tests.support.fake_dokploy import FakeDokploy
from tests.support.model_server import ModelJob
from tests.support.virtual_clock import VirtualClock
from tests.unit.rollback.histories import git_service

NEW, OLD = "registry.example.com/shop-x1y2z3:v2", "registry.example.com/shop-x1y2z3:v1"


class Versions(FakeDokploy):
    """An application that runs its second version and can go back to its first.

    Attributes:
        image: what the service is set to run.
        goes_to: what the rollback call brings.
        takes_seconds: how long the server works on the call before the update begins.
        answers_after: how long it keeps the call open.
    """

    def __init__(self, clock: VirtualClock, service: Service | None = None) -> None:
        super().__init__(clock, service or git_service())
        self.image, self.goes_to = NEW, OLD
        self.takes_seconds = self.answers_after = 0.0
        self.history = [row("d2", rollbackId="r2"), row("d1", rollbackId="r1")]
        self.rolled_back: list[str] = []
        self.updates: list[dict[str, Any]] = []

    async def rollback(self, rollback_id: str) -> None:
        await self._call("rollback.rollback")
        self.rolled_back.append(rollback_id)
        self.at(self.clock.elapsed + self.takes_seconds, self._bring)
        await self.clock.sleep(max(self.takes_seconds, self.answers_after))
        await self._answer("rollback.rollback")

    async def update_service(self, kind: ServiceKind, service_id: str, changes: Mapping[str, Any]) -> None:
        await self._call(f"{kind.value}.update")
        self.updates.append(dict(changes))
        self.service = self.service.model_copy(update={"docker_image": changes["dockerImage"]})

    def _rolled_out(self, ended: ModelJob) -> None:
        if not (ended.fails or self.crashes) and self.service.docker_image is not None:
            self.image = self.service.docker_image
        super()._rolled_out(ended)

    def _bring(self) -> None:
        self.image = self.goes_to
        self._roll_out()

    async def deployments_by_type(self, type_name: str, identity: str) -> list[DeploymentRecord]:
        await self._call("deployment.allByType")
        return [*self.server.read_rows(), *self.history]

    async def inspect_service(self, swarm_service_id: str, *, server_id: str | None = None) -> ServiceInspection | None:
        await self._call("docker.getConfig")
        state, started = self.update or (None, None)
        return swarm_service(update=state, started=started, image=self.image, replicas=self.service.replicas)
