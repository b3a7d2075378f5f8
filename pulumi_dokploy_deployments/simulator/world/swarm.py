"""Swarm: creates services, rolls updates out, rolls back by itself, restarts what fails."""

import dataclasses

from .agenda import Agenda
from .ids import Ids
from .tasks import EXITED, STARTING_FAILED, UNHEALTHY, Spec, SwarmService, Task, UpdateStatus

STOP_GRACE = 10.0
"""Seconds that an old container takes to stop (transcript 315)."""
RESTART_DELAY = 5.0
"""Seconds between a failed task and its successor (transcript 327)."""
START_WINDOW = 14.0
"""Seconds after which a container that never gets healthy is killed (transcript 323)."""


class Swarm:
    """All Swarm services of the instance and of its remote servers."""

    def __init__(self, agenda: Agenda, ids: Ids) -> None:
        """Start an empty swarm."""
        self._agenda = agenda
        self._ids = ids
        self._index = 10
        # Which task a service's rollout waits for, the slots that follow it, and its generation.
        self._pending: dict[str, tuple[Task, list[int], int]] = {}
        self.services: list[SwarmService] = []

    def find(self, name: str, server_id: str | None = None) -> SwarmService | None:
        """Return the service with this name or id on one host."""
        return next(
            (item for item in self.services if name in {item.name, item.id} and item.server_id == server_id),
            None,
        )

    def find_task(self, task_id: str, server_id: str | None = None) -> tuple[SwarmService, Task] | None:
        """Return a task and its service."""
        for service in self.services:
            for task in service.tasks:
                if task.id == task_id and service.server_id == server_id:
                    return service, task
        return None

    def deploy(self, name: str, server_id: str | None, spec: Spec) -> SwarmService:
        """Create the service or update it, as every successful deployment does (ForceUpdate + 1)."""
        service = self.find(name, server_id)
        now = self._agenda.now
        if service is None:
            service = SwarmService(self._ids.docker(), name, server_id, now, now, self._tick(), spec)
            self.services.append(service)
            for slot in range(1, spec.replicas + 1):
                self._launch(service, self._new_task(service, slot, spec, "running"))
            return service
        service.generation += 1
        service.previous = service.spec
        service.spec = dataclasses.replace(spec, force_update=service.spec.force_update + 1)
        service.update = UpdateStatus("updating", now, "update in progress")
        self._touch(service)
        self._drop_slots_above(service, spec.replicas)
        existing = [slot for slot in range(1, spec.replicas + 1) if service.current(slot)]
        for slot in existing:
            self._settle(service, slot)
        for slot in range(1, spec.replicas + 1):
            if slot not in existing:
                self._launch(service, self._new_task(service, slot, service.spec, "running"))
        self._update_next(service, existing)
        return service

    def _settle(self, service: SwarmService, slot: int) -> None:
        """Let a newer rollout take over: of what an older one started, one task stays until replaced."""
        meant = [task for task in service.of_slot(slot) if task.desired == "running"]
        kept = next((task for task in meant if task.state == "running"), meant[0] if meant else None)
        for task in service.of_slot(slot):
            if task.desired == "ready" or (task in meant and task is not kept):
                self._stop(service, task)

    def scale(self, name: str, server_id: str | None, replicas: int) -> None:
        """Change the number of replicas (application.stop: 0, application.start: 1)."""
        service = self.find(name, server_id)
        if service is None:
            return
        service.previous = service.spec
        service.spec = dataclasses.replace(service.spec, replicas=replicas)
        self._touch(service)
        self._drop_slots_above(service, replicas)
        for slot in range(1, replicas + 1):
            if service.current(slot) is None:
                self._launch(service, self._new_task(service, slot, service.spec, "running"))

    def remove(self, name: str, server_id: str | None = None) -> None:
        """Remove a service and everything that ran for it."""
        self.services = [s for s in self.services if s.name != name or s.server_id != server_id]

    def _tick(self) -> int:
        self._index += 1
        return self._index

    def _touch(self, service: SwarmService) -> None:
        service.updated = self._agenda.now
        service.index = self._tick()

    def _new_task(self, service: SwarmService, slot: int, spec: Spec, desired: str) -> Task:
        now = self._agenda.now
        state = "ready" if desired == "ready" else "pending"
        task = Task(self._ids.docker(), slot, spec, now, self._tick(), desired, state, now)
        task.on_node = desired == "ready"
        service.tasks.append(task)
        service.trim(slot)
        return task

    def _enter(self, service: SwarmService, task: Task, state: str, message: str) -> None:
        if task in service.tasks and not task.over:
            task.state, task.since, task.message, task.on_node = state, self._agenda.now, message, True
            if state == "starting":
                task.container_id = task.container_id or self._ids.hexadecimal(64)
            self._tick()

    def _launch(self, service: SwarmService, task: Task) -> None:
        """Let a task start; what becomes of it depends on what its image holds."""
        content = task.spec.content
        task.desired = "running"
        after = self._agenda.after
        after(0.05, lambda: self._enter(service, task, "assigned", "scheduler assigned task to node"))
        if content.missing:
            after(0.4, lambda: self._fail(service, task, "rejected", f'"No such image: {task.spec.image}"', 0))
            return
        after(0.2, lambda: self._enter(service, task, "starting", "starting"))
        if content.runtime == "unhealthy":
            after(START_WINDOW, lambda: self._fail(service, task, "failed", UNHEALTHY, 137))
        elif content.runtime == "start_fails":
            after(content.start_seconds, lambda: self._fail(service, task, "failed", STARTING_FAILED, 127))
        else:
            after(content.start_seconds, lambda: self._running(service, task))

    def _running(self, service: SwarmService, task: Task) -> None:
        if task.desired != "running" or task not in service.tasks:
            return
        self._enter(service, task, "running", "started")
        if task.spec.content.runtime == "exits":
            wait = task.spec.content.exit_after
            self._agenda.after(wait, lambda: self._fail(service, task, "failed", EXITED, 1))
        for old in service.of_slot(task.slot):
            if old.index < task.index and old.desired == "running":
                self._stop(service, old)
        self._on_started(service, task)

    def _stop(self, service: SwarmService, task: Task, *, forget: bool = False) -> None:
        task.desired = "shutdown"
        if not task.alive:
            self._stopped(service, task, forget)
            return
        self._agenda.after(STOP_GRACE, lambda: self._stopped(service, task, forget))

    def _stopped(self, service: SwarmService, task: Task, forget: bool) -> None:
        self._enter(service, task, "shutdown", "shutdown")
        if forget and task in service.tasks:
            service.tasks.remove(task)

    def _drop_slots_above(self, service: SwarmService, replicas: int) -> None:
        for task in list(service.tasks):
            if task.slot > replicas:
                self._stop(service, task, forget=True)

    # Rollout of an update, one slot after the other.

    def _update_next(self, service: SwarmService, slots: list[int]) -> None:
        generation = service.generation
        if not slots:
            wait = service.spec.monitor if service.spec.replicas else 0.01
            self._agenda.after(wait, lambda: self._complete(service, generation))
            return
        slot, rest = slots[0], slots[1:]
        old = service.current(slot)
        if service.spec.order == "stop-first" and old is not None:
            delay = STOP_GRACE if old.alive else 0.0
            self._stop(service, old)
            task = self._new_task(service, slot, service.spec, "ready")
            self._agenda.after(delay, lambda: self._launch_if_current(service, task, generation))
        else:
            task = self._new_task(service, slot, service.spec, "running")
            self._launch(service, task)
        self._pending[service.id] = (task, rest, generation)

    def _launch_if_current(self, service: SwarmService, task: Task, generation: int) -> None:
        if service.generation == generation and task in service.tasks and not task.over:
            self._launch(service, task)

    def _on_started(self, service: SwarmService, task: Task) -> None:
        waiting = self._pending.get(service.id)
        if waiting is not None and waiting[0] is task and waiting[2] == service.generation:
            del self._pending[service.id]
            self._update_next(service, waiting[1])

    def _complete(self, service: SwarmService, generation: int) -> None:
        update = service.update
        if service.generation != generation or update is None:
            return
        names = {
            "updating": ("completed", "update completed"),
            "rollback_started": ("rollback_completed", "rollback completed"),
        }
        if update.state in names:
            update.state, update.message = names[update.state]
            update.completed = self._agenda.now
            self._touch(service)

    def _fail(self, service: SwarmService, task: Task, state: str, error: str, exit_code: int) -> None:
        if task not in service.tasks or task.over:
            return
        stopping = task.desired == "shutdown"
        self._enter(service, task, state, "started" if state == "failed" else "preparing")
        task.error, task.exit_code, task.desired = error, exit_code, "shutdown"
        if stopping or task.slot > service.spec.replicas:
            return
        update = service.update
        updating = update is not None and update.state == "updating" and task.spec == service.spec
        if updating and service.spec.failure_action == "rollback" and service.previous is not None:
            self._roll_back(service, task)
            return
        if updating and service.spec.failure_action == "pause":
            self._pause(service, task, "update paused")
        elif update is not None and update.state == "rollback_started":
            self._pause(service, task, "rollback paused")
        self._restart(service, task)

    def _pause(self, service: SwarmService, task: Task, what: str) -> None:
        update = service.update
        if update is None:
            return
        service.generation += 1
        update.state = "paused" if what == "update paused" else "rollback_paused"
        update.message = f"{what} due to failure or early termination of task {task.id}"
        self._touch(service)

    def _restart(self, service: SwarmService, failed: Task) -> None:
        """Replace a failed task after the restart delay, for as long as it takes (transcript 327)."""
        successor = self._new_task(service, failed.slot, failed.spec, "ready")

        def go() -> None:
            if successor in service.tasks and not successor.over and successor.desired == "ready":
                self._launch(service, successor)

        self._agenda.after(RESTART_DELAY, go)

    def _roll_back(self, service: SwarmService, failed: Task) -> None:
        """Return to the previous spec because the new one failed (transcripts 317, 321, 325)."""
        update, previous = service.update, service.previous
        if update is None or previous is None:
            return
        service.generation += 1
        generation = service.generation
        broken = service.spec
        update.state = "rollback_started"
        update.message = f"update rolled back due to failure or early termination of task {failed.id}"
        service.spec, service.previous = previous, None
        self._touch(service)
        # Swarm has already planned a successor with the broken spec; it never runs (transcripts 317, 323).
        stillborn = self._new_task(service, failed.slot, broken, "shutdown")
        self._enter(service, stillborn, "accepted", "accepted")
        self._agenda.after(1.0, lambda: self._enter(service, stillborn, "shutdown", "shutdown"))
        self._drop_slots_above(service, previous.replicas)
        for slot in range(1, previous.replicas + 1):
            kept = [t for t in service.of_slot(slot) if t.desired == "running" and t.spec != broken]
            if not kept:
                self._launch(service, self._new_task(service, slot, previous, "running"))
            for task in service.of_slot(slot):
                if task.spec == broken and task.desired == "running":
                    self._stop(service, task)
        self._agenda.after(previous.monitor, lambda: self._complete(service, generation))

    @staticmethod
    def running(service: SwarmService) -> list[Task]:
        """Return the tasks that are meant to run and do."""
        return [task for task in service.tasks if task.desired == "running" and task.state == "running"]
