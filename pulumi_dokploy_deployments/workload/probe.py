"""Reads what runs: one probe for applications, databases, composes and stacks. No judgement here.

A look costs at most two requests, and one for each unit that was not seen before or has changed; what lies about from
earlier days is never asked for again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic, TypeVar

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.errors import AccessDenied, ApiError, MissingEndpoint, NotFound
from pulumi_dokploy_deployments.api.models import Service, ServiceKind
from pulumi_dokploy_deployments.api.swarm_models import (
    Container,
    ContainerInspection,
    ServiceInspection,
    ServiceTask,
    TaskInspection,
    UpdateState,
)
from pulumi_dokploy_deployments.waiting.clock import Clock
from pulumi_dokploy_deployments.workload.baseline import baseline_of
from pulumi_dokploy_deployments.workload.causes import KILLED
from pulumi_dokploy_deployments.workload.declared import ONLY_ONE_OFF, DeclaredServices
from pulumi_dokploy_deployments.workload.listing import tells_of_a_change
from pulumi_dokploy_deployments.workload.model import (
    Baseline,
    Member,
    Reading,
    Unit,
    UnitHealth,
    UnitState,
)

MOST_INSPECTIONS = 20
"""How many tasks are inspected at the most with each look."""
STACK = "stack"

_T = TypeVar("_T")
_UNSETTLED = frozenset({UpdateState.UPDATING, UpdateState.ROLLBACK_STARTED})
_SLOT = re.compile(r"\.[^.]+$")


@dataclass(frozen=True)
class _Seen(Generic[_T]):
    """What Docker said of a unit, when, and how the list showed it then."""

    found: _T
    at: float
    state: str
    status: str


@dataclass
class _SeenService:
    service_id: str
    found: ServiceInspection | None = None
    at: float = 0.0


@dataclass
class WorkloadProbe:
    """Observes one workload.

    Args:
        client: the server.
        clock: the moment of each reading.
        service: whose workload it is.
        before: what was there before the trigger: that is not inspected again.
        since: the start of the deployment; where nothing is known of before, units of earlier days are told by it.

    Every method raises an `ApiError` where the server can't be asked; a look may be repeated.
    """

    client: DokployClient
    clock: Clock
    service: Service
    before: Baseline = field(default_factory=Baseline)
    since: datetime | None = None
    _tasks: dict[str, _Seen[TaskInspection]] = field(default_factory=dict)
    _containers: dict[str, _Seen[ContainerInspection]] = field(default_factory=dict)
    _services: dict[str, _SeenService] = field(default_factory=dict)
    _started: dict[str, datetime] = field(default_factory=dict)
    _out_of_memory: set[str] = field(default_factory=set)
    _lost: set[str] = field(default_factory=set)
    _old_slots: set[str] = field(default_factory=set)
    _declared: DeclaredServices = field(init=False)

    def __post_init__(self) -> None:
        self._declared = DeclaredServices(self.client, self.service.service_id)

    async def baseline(self) -> Baseline:
        """What is there now, to be compared with later; or why the server can't tell.

        Raises:
            ApiError: the server could not be asked; that is no answer, and the caller tries again.
        """
        try:
            reading = await (self._look_at_containers(None) if self._is_compose else self._look_at_tasks(brief=True))
        except (AccessDenied, MissingEndpoint, NotFound) as error:
            return Baseline(unknown_because=why_unknown(error))
        self.before = baseline_of(reading)
        return self.before

    async def observe(self, confirm: Iterable[str] = ()) -> Reading:
        """What is there now.

        Args:
            confirm: ids of units that are read from Docker anew, whether or not they seem to have changed.
        """
        if not self._is_compose:
            return await self._look_at_tasks(brief=False)
        await self._declared.read()
        return await self._look_at_containers(frozenset(confirm))

    @property
    def _is_compose(self) -> bool:
        return self.service.kind is ServiceKind.COMPOSE and self.service.compose_type != STACK

    @property
    def _is_stack(self) -> bool:
        return self.service.kind is ServiceKind.COMPOSE and self.service.compose_type == STACK

    # --- composes -----------------------------------------------------------------------------------------------

    async def _look_at_containers(self, confirm: frozenset[str] | None) -> Reading:
        at = self.clock.monotonic()
        listed = await self.client.containers_of(
            self.service.app_name, app_type="docker-compose", server_id=self.service.server_id
        )
        by_member: dict[str, list[Unit]] = {}
        for container in listed:
            known = self._containers.get(container.container_id)
            if known is None or _has_changed(known, container) or container.container_id in (confirm or ()):
                found = await self.client.inspect_container(container.container_id, server_id=self.service.server_id)
                if found is None:
                    # It went away between the list and the look at it (transcripts 531, 533).
                    self._containers.pop(container.container_id, None)
                    continue
                known = _Seen(found, at, container.state, container.status)
                self._containers[container.container_id] = known
            else:
                known = replace(known, status=container.status)
                self._containers[container.container_id] = known
            member = known.found.compose_service or container.name
            by_member.setdefault(member, []).append(_container_unit(container, known))
        # A one-off container does not make its service a running one: it may stand behind a profile.
        there = {name for name, units in by_member.items() if not all(unit.is_one_off for unit in units)}
        members = [
            Member(
                name=name,
                units=tuple(units),
                is_declared=self._declared.names(name),
                restart=units[0].restart,
                image=units[0].image,
                not_expected_because="" if name in there else ONLY_ONE_OFF,
            )
            for name, units in by_member.items()
        ]
        missing = {member.name: member for member in await self._declared.missing(there, self.before)}
        members = [
            replace(member, not_expected_because=missing.pop(member.name).not_expected_because)
            if member.name in missing
            else member
            for member in members
        ]
        return Reading(at, (*members, *missing.values()))

    # --- Swarm --------------------------------------------------------------------------------------------------

    async def _look_at_tasks(self, *, brief: bool) -> Reading:
        at = self.clock.monotonic()
        server_id, app_name = self.service.server_id, self.service.app_name
        if self._is_stack:
            if not brief:
                await self._declared.read()
            listed = await self.client.stack_tasks_of(app_name, server_id=server_id)
        else:
            listed = await self.client.tasks_of(app_name, server_id=server_id)
        by_member: dict[str, list[ServiceTask]] = {}
        for task in listed:
            by_member.setdefault(self._member_of(task), []).append(task)
        if not self._is_stack:
            by_member.setdefault(self.service.name, [])
        changed = await self._inspect_tasks(by_member, at, brief=brief)
        await self._inspect_services(by_member, changed, at)
        members = [self._swarm_member(name, tasks, at) for name, tasks in by_member.items()]
        missing: list[Member] = []
        if self._is_stack and not brief:
            missing = [
                await self._without_tasks(member) for member in await self._declared.missing(by_member, self.before)
            ]
        return Reading(at, (*members, *missing))

    def _member_of(self, task: ServiceTask) -> str:
        if not self._is_stack:
            return self.service.name
        return _SLOT.sub("", task.name).removeprefix(f"{self.service.app_name}_")

    async def _inspect_tasks(self, by_member: dict[str, list[ServiceTask]], at: float, *, brief: bool) -> set[str]:
        """Look at the tasks that are new or have changed; gives the members of whom anything has."""
        changed: set[str] = set()
        left = MOST_INSPECTIONS
        for name, tasks in by_member.items():
            was = self.before.members.get(name)
            before = was.units if was is not None else {}
            for task in tasks:
                known = self._tasks.get(task.task_id)
                if known is not None and (known.state, known.status) == (task.phase, task.desired_state):
                    continue
                ended = UnitState(task.phase) in _ENDED_PHASES
                unit_before = before.get(task.task_id)
                if unit_before is not None and (unit_before.has_ended or not ended):
                    continue
                is_history = ended and not self.before.was_read and (self.since is None or task.slot in self._old_slots)
                if brief or left <= 0 or is_history or task.task_id in self._lost:
                    continue
                left -= 1
                changed.add(name)
                found = await self.client.inspect_task(task.task_id, server_id=self.service.server_id)
                if found is None:
                    # Swarm has forgotten it already (transcript 509); it will not come back.
                    self._lost.add(task.task_id)
                    continue
                if known is not None and known.found.state_since is not None and known.state == "running":
                    self._started[task.task_id] = known.found.state_since
                self._tasks[task.task_id] = _Seen(found, at, task.phase, task.desired_state)
                if not self.before.was_read and self.since is not None and found.created_at < self.since:
                    self._old_slots.add(task.slot)
                await self._look_for_memory(found)
            if name not in self._services and tasks:
                await self._find_service(name, tasks)
        return changed

    async def _look_for_memory(self, found: TaskInspection) -> None:
        """A killed task does not say why; its container does, while it is there and on this machine."""
        if found.exit_code != KILLED or not found.container_id or "unhealthy" in found.error:
            return
        container = await self.client.inspect_container(found.container_id, server_id=self.service.server_id)
        if container is not None and container.is_out_of_memory:
            self._out_of_memory.add(found.task_id)

    async def _find_service(self, name: str, tasks: list[ServiceTask]) -> None:
        """Go by a task's service id: the app's name alone may name an image (transcript 301)."""
        for task in tasks:
            known = self._tasks.get(task.task_id)
            found = known.found if known is not None else None
            if found is None:
                found = await self.client.inspect_task(task.task_id, server_id=self.service.server_id)
            if found is not None:
                self._services[name] = _SeenService(found.service_id)
                return

    async def _inspect_services(self, by_member: dict[str, list[ServiceTask]], changed: set[str], at: float) -> None:
        """Look at the services that are new or whose tasks have changed, and at one of those that are in mid-update."""
        waiting: list[tuple[float, str]] = []
        for name in by_member:
            seen = self._services.get(name)
            if seen is None:
                continue
            if seen.found is None or name in changed or not self._is_stack:
                await self._inspect_service(seen, at)
            elif seen.found.update is not None and seen.found.update.state in _UNSETTLED:
                waiting.append((seen.at, name))
        if waiting:
            await self._inspect_service(self._services[min(waiting)[1]], at)

    async def _inspect_service(self, seen: _SeenService, at: float) -> None:
        found = await self.client.inspect_service(seen.service_id, server_id=self.service.server_id)
        seen.found, seen.at = found if found is not None else seen.found, at

    async def _without_tasks(self, member: Member) -> Member:
        """A stack's member without a task: it may be one that asks for no replicas."""
        seen = self._services.get(member.name)
        if seen is None:
            seen = self._services[member.name] = _SeenService(f"{self.service.app_name}_{member.name}")
            await self._inspect_service(seen, self.clock.monotonic())
        found = seen.found
        if found is None or not found.name:
            return member
        expected = found.replicas
        why = "it asks for no replicas" if expected == 0 else member.not_expected_because
        return replace(member, expected=expected, not_expected_because=why, service_id=found.service_id)

    def _swarm_member(self, name: str, tasks: list[ServiceTask], at: float) -> Member:
        seen = self._services.get(name)
        found = seen.found if seen is not None else None
        expected = found.replicas if found is not None else None
        if found is None and not self._is_stack and not self.service.mode_swarm:
            # What Dokploy's own settings ask for, until Swarm's service could be read.
            expected = self.service.replicas
        return Member(
            name=name,
            units=tuple(self._task_unit(task, at) for task in tasks),
            expected=expected,
            is_declared=self._declared.names(name) if self._is_stack else None,
            restart=found.restart if found is not None else None,
            update=found.update if found is not None else None,
            is_job=found.is_job if found is not None else False,
            image=found.image if found is not None else "",
            service_id=found.service_id if found is not None else "",
        )

    def _task_unit(self, task: ServiceTask, at: float) -> Unit:
        known = self._tasks.get(task.task_id)
        found = known.found if known is not None else None
        state = UnitState(task.phase or (found.state if found is not None else ""))
        ended = state in _ENDED_PHASES
        moment = found.state_since if found is not None else None
        return Unit(
            id=task.task_id,
            name=task.name,
            slot=task.slot,
            is_task=True,
            state=state,
            read_at=at,
            born=found.created_at if found is not None else None,
            started=self._started.get(task.task_id) or (moment if not ended else None),
            finished=moment if ended else None,
            desired_state=task.desired_state,
            exit_code=found.exit_code if found is not None and ended else None,
            is_out_of_memory=task.task_id in self._out_of_memory,
            image=found.image if found is not None else "",
            error=task.error or (found.error if found is not None and ended else ""),
        )


_ENDED_PHASES = frozenset(
    {
        UnitState.COMPLETE,
        UnitState.SHUTDOWN,
        UnitState.FAILED,
        UnitState.REJECTED,
        UnitState.REMOVE,
        UnitState.ORPHANED,
    }
)


def why_unknown(error: ApiError) -> str:
    """Why the server does not show what runs, in words that go on after a colon."""
    if isinstance(error, AccessDenied):
        return "the API key's user may not read Docker's state (permission docker:read)"
    return f"this server does not answer {error.operation}"


def _has_changed(known: _Seen[ContainerInspection], container: Container) -> bool:
    if container.state != known.state or known.found.state != container.state:
        return True
    return tells_of_a_change(known.status, container.status)


def _container_unit(container: Container, known: _Seen[ContainerInspection]) -> Unit:
    found = known.found
    return Unit(
        id=container.container_id,
        name=container.name,
        slot=container.container_id,
        is_task=False,
        state=UnitState(found.state or container.state),
        read_at=known.at,
        born=found.created_at,
        started=found.started_at,
        finished=found.finished_at,
        restarts=found.restart_count,
        exit_code=found.exit_code,
        is_out_of_memory=found.is_out_of_memory,
        health=UnitHealth("" if found.health == "none" else found.health),
        image=found.image,
        version=f"{found.config_hash}@{found.image_id}",
        error=found.error,
        is_one_off=found.is_one_off,
        restart=found.restart,
    )
