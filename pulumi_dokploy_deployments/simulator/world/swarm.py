"""Swarm: creates services, rolls updates out, rolls back by itself, restarts what fails."""

import dataclasses
from collections.abc import Callable

from .agenda import Agenda
from .ids import Ids
from .output import written
from .placement import why_not_placed
from .tasks import (
    NOT_PLACED,
    STARTING_FAILED,
    UNHEALTHY,
    Restart,
    Spec,
    SwarmService,
    Task,
    UpdateStatus,
)

STOP_GRACE = 10.0
"""Seconds that an old container takes to stop (transcript 315)."""
CLEAR_AWAY = 0.5
"""Seconds that it takes to remove a task whose container never ran (transcript 535)."""
RESTART_DELAY = 5.0
"""Seconds between a failed task and its successor (transcript 327)."""
NOTICE = 0.1
"""Seconds from a running task until Swarm's update acts on it."""
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

    def of_stack(self, stack: str, server_id: str | None = None) -> list[SwarmService]:
        """Return the services of a stack on one host."""
        return [item for item in self.services if item.name.startswith(f"{stack}_") and item.server_id == server_id]

    def find_task(self, task_id: str, server_id: str | None = None) -> tuple[SwarmService, Task] | None:
        """Return a task and its service."""
        return self._find_task(server_id, lambda task: task.id == task_id)

    def find_container(self, key: str, server_id: str | None = None) -> tuple[SwarmService, Task] | None:
        """Return the task, and its service, whose container has this id or short id."""
        return self._find_task(server_id, lambda task: bool(task.container_id) and task.container_id.startswith(key))

    def _find_task(self, server_id: str | None, fits: Callable[[Task], bool]) -> tuple[SwarmService, Task] | None:
        for service in self.services:
            for task in service.tasks:
                if service.server_id == server_id and fits(task):
                    return service, task
        return None

    def deploy(self, name: str, server_id: str | None, spec: Spec, *, force: bool = True) -> SwarmService:
        """Create the service or update it; `force` makes new tasks in any case, as applications do (ForceUpdate + 1).

        Without it an unchanged spec keeps its tasks, as with `docker stack deploy` (transcript 508).
        """
        service = self.find(name, server_id)
        now = self._agenda.now
        if service is None:
            service = SwarmService(self._ids.docker(), name, server_id, now, now, self._tick(), spec)
            self.services.append(service)
            for slot in range(1, spec.replicas + 1):
                self._launch(service, self._new_task(service, slot, spec, "running"))
            return service
        spec = dataclasses.replace(spec, force_update=service.spec.force_update + force)
        if spec == service.spec:
            self._touch(service)
            return service
        service.generation += 1
        service.previous, service.spec = service.spec, spec
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
        ready = [task for task in service.of_slot(slot) if task.desired == "ready"]
        if kept is None and ready:
            # What Swarm was about to start again counts as the old task (transcripts 535, 542).
            kept = ready[0]
        for task in service.of_slot(slot):
            if task is not kept and (task in ready or task in meant):
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

    def _new_task(self, service: SwarmService, slot: int, spec: Spec, desired: str, attempt: int = 0) -> Task:
        now = self._agenda.now
        state = "ready" if desired == "ready" else "pending"
        task = Task(self._ids.docker(), slot, spec, now, self._tick(), desired, state, now, attempt=attempt)
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
        reason = why_not_placed(service, task)
        if reason:
            after(0.05, lambda: self._wait_for_a_node(service, task, reason))
            return
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
            # A health check that has not passed yet keeps the task `starting` (transcript 526).
            after(content.start_seconds + content.ready_after, lambda: self._running(service, task))

    def _wait_for_a_node(self, service: SwarmService, task: Task, reason: str) -> None:
        if task in service.tasks and not task.over and task.desired == "running":
            task.state, task.since, task.on_node = "pending", self._agenda.now, False
            task.desired = task.spec.pending_desired
            task.message, task.error = "pending task scheduling", NOT_PLACED.format(reason)

    def _place_waiting(self, service: SwarmService) -> None:
        """Let a task start that only waited for a port, now that another task is gone."""
        for task in service.tasks:
            waits = task.state == "pending" and task.error and task.desired in {"running", "ready"}
            if waits and not why_not_placed(service, task):
                task.error = ""
                self._launch(service, task)

    def _running(self, service: SwarmService, task: Task) -> None:
        if task.desired != "running" or task not in service.tasks:
            return
        content = task.spec.content
        task.started = self._agenda.now
        task.lines += written(self._agenda.now, content.output)
        self._enter(service, task, "running", "started")
        if content.runtime == "exits":
            self._agenda.after(content.exit_after, lambda: self._ended(service, task))
        self._agenda.after(NOTICE, lambda: self._relieve(service, task))

    def _relieve(self, service: SwarmService, task: Task) -> None:
        """Stop what a task replaces, once it is seen running; one that ended at once never is (transcript 542)."""
        if task.state != "running" or task.desired != "running" or task not in service.tasks:
            return
        for old in service.of_slot(task.slot):
            if old.index < task.index and old.desired in {"running", "ready"}:
                self._stop(service, old)
        self._on_started(service, task)

    def _ended(self, service: SwarmService, task: Task) -> None:
        """Let a process end by itself: complete with 0, failed with anything else (transcripts 520, 522)."""
        content = task.spec.content
        if task not in service.tasks or task.over:
            return
        task.lines += written(self._agenda.now, content.last_words)
        task.oom_killed = content.oom_killed
        if content.exit_code == 0:
            self._fail(service, task, "complete", "", 0)
        else:
            error = f'"task: non-zero exit ({content.exit_code})"'
            self._fail(service, task, "failed", error, content.exit_code)

    def _stop(self, service: SwarmService, task: Task, *, forget: bool = False) -> None:
        task.desired = "shutdown"
        if task.state == "pending":
            self._stopped(service, task, forget)
            return
        self._agenda.after(_grace(task), lambda: self._stopped(service, task, forget))

    def _stopped(self, service: SwarmService, task: Task, forget: bool) -> None:
        self._enter(service, task, "shutdown", "shutdown")
        if forget and task in service.tasks:
            service.tasks.remove(task)
        self._place_waiting(service)

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
            delay = _grace(old)
            self._stop(service, old)
            task = self._new_task(service, slot, service.spec, "ready")
            if task.spec.content.missing:
                # The node looks for the image at once; the update notices when the old task is gone (538).
                self._agenda.after(0.3, lambda: self._reject_early(service, task))
            self._agenda.after(delay, lambda: self._launch_if_current(service, task, generation))
        else:
            task = self._new_task(service, slot, service.spec, "running")
            self._launch(service, task)
        self._pending[service.id] = (task, rest, generation)

    def _launcher(self, service: SwarmService, task: Task, generation: int) -> Callable[[], None]:
        return lambda: self._launch_if_current(service, task, generation)

    def _launch_if_current(self, service: SwarmService, task: Task, generation: int) -> None:
        if service.generation != generation or task not in service.tasks:
            return
        if task.state == "rejected":
            task.desired = "shutdown"
            if service.spec.failure_action == "rollback" and service.previous is not None:
                self._return_at_once(service, task, service.previous)
            else:
                self._replace_or_give_up(service, task)
        elif not task.over:
            self._launch(service, task)

    def _reject_early(self, service: SwarmService, task: Task) -> None:
        if task.desired == "ready":
            self._enter(service, task, "rejected", "preparing")
            task.error = f'"No such image: {task.spec.image}"'

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
        messages = {"failed": "started", "complete": "finished", "rejected": "preparing"}
        self._enter(service, task, state, messages[state])
        task.error, task.exit_code, task.desired = error, exit_code, "shutdown"
        if not stopping and task.slot <= service.spec.replicas:
            self._replace_or_give_up(service, task)

    def _replace_or_give_up(self, service: SwarmService, task: Task) -> None:
        """Roll back, pause or restart after a task ended early; with 0 it counts as early, too."""
        update = service.update
        updating = update is not None and update.state == "updating" and task.spec == service.spec
        if updating and service.spec.failure_action == "rollback" and service.previous is not None:
            self._roll_back(service, task)
            return
        if updating and service.spec.failure_action == "pause":
            self._pause(service, task, "update paused")
        elif update is not None and update.state == "rollback_started" and task.id in update.launched:
            self._pause(service, task, "rollback paused")
        restart = task.spec.restart or Restart()
        if restart.applies(task.exit_code or int(task.state == "rejected"), task.attempt):
            self._restart(service, task, task.spec)

    def _pause(self, service: SwarmService, task: Task, what: str) -> None:
        update = service.update
        if update is None:
            return
        service.generation += 1
        update.state = "paused" if what == "update paused" else "rollback_paused"
        update.message = f"{what} due to failure or early termination of task {task.id}"
        self._touch(service)

    def _restart(self, service: SwarmService, failed: Task, spec: Spec) -> None:
        """Replace a task that ended after the restart delay (transcripts 327, 523)."""
        successor = self._new_task(service, failed.slot, spec, "ready", failed.attempt + 1)
        restart = spec.restart or Restart()
        delay = RESTART_DELAY if restart.delay is None else restart.delay

        def go() -> None:
            if successor in service.tasks and not successor.over and successor.desired == "ready":
                self._launch(service, successor)

        self._agenda.after(delay, go)

    def _return_at_once(self, service: SwarmService, rejected: Task, previous: Spec) -> None:
        """Return to the previous spec when nothing of the new one ever ran (transcript 538).

        The rollback is complete at once; the task that replaces the rejected one has the old spec and is started
        after the restart delay only.
        """
        now = self._agenda.now
        service.generation += 1
        service.spec, service.previous = previous, None
        if service.update is not None:
            service.update.state, service.update.message = "rollback_completed", "rollback completed"
            service.update.completed = now
        self._touch(service)
        self._restart(service, rejected, previous)

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
            kept = [t for t in service.of_slot(slot) if t.desired in {"running", "ready"} and t.spec != broken]
            if not kept:
                late = previous.rollback_order == "stop-first"
                task = self._new_task(service, slot, previous, "ready" if late else "running")
                update.launched.append(task.id)
                self._agenda.after(1.0 if late else 0.0, self._launcher(service, task, generation))
            for task in service.of_slot(slot):
                if task.spec == broken and task.desired == "running":
                    self._stop(service, task)
        self._agenda.after(previous.monitor, lambda: self._complete(service, generation))

    @staticmethod
    def running(service: SwarmService) -> list[Task]:
        """Return the tasks that are meant to run and do."""
        return [task for task in service.tasks if task.desired == "running" and task.state == "running"]


def _grace(task: Task) -> float:
    """Return the seconds from asking a task to stop until it is gone."""
    return STOP_GRACE if task.alive else CLEAR_AWAY
