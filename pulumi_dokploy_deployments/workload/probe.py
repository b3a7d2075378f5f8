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
from pulumi_dokploy_deployments.api.errors import AccessDenied, ApiError, NotFound
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
from pulumi_dokploy_deployments.workload.causes import KILLED
from pulumi_dokploy_deployments.workload.compose_file import read_expectations
from pulumi_dokploy_deployments.workload.model import (
    Baseline,
    Member,
    MemberBefore,
    Reading,
    Unit,
    UnitBefore,
    UnitHealth,
    UnitState,
)

MOST_INSPECTIONS = 20
"""How many tasks are inspected at the most with each look."""
FAILING_TASKS = 2
"""So many failed tasks of one slot, and none that runs, are a service that was failing before."""
FAILING_RESTARTS = 2
NAMES_ATTEMPTS = 3
"""How often the names of the file's services are asked for, before a fault there is no longer waited for."""

NEVER_THERE = "it has no container and had none before: an inactive profile, or no replicas"

STACK = "stack"

_T = TypeVar("_T")
_UNSETTLED = frozenset({UpdateState.UPDATING, UpdateState.ROLLBACK_STARTED})
_SLOT = re.compile(r"\.[^.]+$")
_AGE = re.compile(
    r"(?:Up|\)) (?:about |less than )?(?P<number>an?|\d+) (?P<unit>second|minute|hour|day|week|month|year)",
    re.IGNORECASE,
)
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 2592000, "year": 31536000}


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
    _seen_names: set[str] = field(default_factory=set)
    _names: list[str] | None = None
    _expectations: dict[str, str] | None = None
    _lost: set[str] = field(default_factory=set)
    _old_slots: set[str] = field(default_factory=set)
    _names_attempts: int = 0

    async def baseline(self) -> Baseline:
        """What is there now, to be compared with later; or why the server can't tell.

        Raises:
            ApiError: the server could not be asked; that is no answer, and the caller tries again.
        """
        try:
            reading = await (self._look_at_containers(None) if self._is_compose else self._look_at_tasks(brief=True))
        except (AccessDenied, NotFound) as error:
            return Baseline(unknown_because=why_unknown(error))
        members = {member.name: _as_before(member) for member in reading.members if member.units or member.service_id}
        self.before = Baseline(members=members, was_read=True)
        return self.before

    async def observe(self, confirm: Iterable[str] = ()) -> Reading:
        """What is there now.

        Args:
            confirm: ids of units that are read from Docker anew, whether or not they seem to have changed.
        """
        if not self._is_compose:
            return await self._look_at_tasks(brief=False)
        await self._read_names()
        return await self._look_at_containers(frozenset(confirm))

    @property
    def _is_compose(self) -> bool:
        return self.service.kind is ServiceKind.COMPOSE and self.service.compose_type != STACK

    @property
    def _is_stack(self) -> bool:
        return self.service.kind is ServiceKind.COMPOSE and self.service.compose_type == STACK

    # --- what the file names ------------------------------------------------------------------------------------

    async def _read_names(self) -> None:
        """The services of the compose file, once. Without them a member is only missed if it was seen before."""
        if self._names is not None or self._names_attempts >= NAMES_ATTEMPTS:
            return
        self._names_attempts += 1
        try:
            self._names = await self.client.compose_services(self.service.service_id)
        except (AccessDenied, NotFound):
            self._names_attempts = NAMES_ATTEMPTS
        except ApiError:
            if self._names_attempts < NAMES_ATTEMPTS:
                raise

    async def _read_file(self) -> None:
        """What the file says of members that are missing; only asked for where there are any."""
        if self._expectations is not None:
            return
        try:
            self._expectations = read_expectations(await self.client.compose_file(self.service.service_id))
        except (AccessDenied, NotFound):
            self._expectations = {}

    def _is_declared(self, name: str) -> bool | None:
        return name in self._names if self._names is not None else None

    async def _missing(self, there: Iterable[str]) -> list[Member]:
        """The members of the file that have no unit, with the reason where they need not have any."""
        seen = set(there)
        self._seen_names |= seen
        names = [name for name in self._names or () if name not in seen]
        if names:
            await self._read_file()
        missing: list[Member] = []
        for name in names:
            before = self.before.members.get(name)
            was_there = name in self._seen_names or (before is not None and bool(before.units))
            why = (self._expectations or {}).get(name)
            if why is None:
                # The file can't be had, or says it in a roundabout way: what was never there is not missed.
                why = "" if was_there else NEVER_THERE
            missing.append(Member(name=name, is_declared=True, not_expected_because=why))
        return missing

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
        members = [
            Member(
                name=name,
                units=tuple(units),
                is_declared=self._is_declared(name),
                restart=units[0].restart,
                image=units[0].image,
            )
            for name, units in by_member.items()
        ]
        return Reading(at, (*members, *await self._missing(by_member)))

    # --- Swarm --------------------------------------------------------------------------------------------------

    async def _look_at_tasks(self, *, brief: bool) -> Reading:
        at = self.clock.monotonic()
        server_id, app_name = self.service.server_id, self.service.app_name
        if self._is_stack:
            if not brief:
                await self._read_names()
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
            missing = [await self._without_tasks(member) for member in await self._missing(by_member)]
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
            is_declared=self._is_declared(name) if self._is_stack else None,
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
    """Whether the list shows another state, another health, or an age that has gone back."""
    if container.state != known.state or known.found.state != container.state:
        return True
    if _kind(container.status) != _kind(known.status):
        return True
    return _age(container.status) < _age(known.status)


def _kind(status: str) -> str:
    """A status without its age: "Up (healthy)", "Exited (1)"."""
    words = re.findall(r"^\w+|\([^)]*\)", status)
    return " ".join(words)


def _age(status: str) -> int:
    """The age that a status tells, in seconds, coarse as Docker writes it."""
    found = _AGE.search(status)
    if found is None:
        return 0
    number = found["number"]
    if "ess than" in status:
        return 0
    return (int(number) if number.isdecimal() else 1) * _SECONDS[found["unit"].lower()]


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


def _as_before(member: Member) -> MemberBefore:
    return MemberBefore(
        units={
            unit.id: UnitBefore(restarts=unit.restarts, started=unit.started, has_ended=unit.has_ended)
            for unit in member.units
            if not unit.is_one_off
        },
        image=member.image,
        update_started_at=member.update.started_at if member.update is not None else None,
        service_id=member.service_id,
        was_failing=_was_failing(member),
    )


def _was_failing(member: Member) -> bool:
    units = [unit for unit in member.units if not unit.is_one_off]
    if any(unit.is_task for unit in units):
        failed = [unit for unit in units if unit.state in (UnitState.FAILED, UnitState.REJECTED, UnitState.COMPLETE)]
        return len(failed) >= FAILING_TASKS and not any(unit.is_up for unit in units) and not member.is_job
    return any(unit.state is UnitState.RESTARTING and unit.restarts >= FAILING_RESTARTS for unit in units)
