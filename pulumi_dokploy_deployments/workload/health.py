"""Does the new version really run? Pure judgement over what Swarm says (transcripts 299-339).

A row that is `done` only means that Swarm took the update. The common false success: the new tasks crash, Swarm goes
back to the old version by itself, and Dokploy's database knows nothing of it (transcripts 317, 321, 325).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pulumi_dokploy_deployments.api.swarm_models import (
    Container,
    ServiceInspection,
    ServiceTask,
    TaskInspection,
    UpdateState,
    UpdateStatus,
)
from pulumi_dokploy_deployments.workload.verdict import Health, Verdict

__all__ = ["STABLE_SECONDS", "ContainerJudge", "Health", "SwarmJudge", "SwarmObservation", "Verdict"]

STABLE_SECONDS = 5.0
"""How long the new tasks must stay up. Swarm's own monitor window is five seconds as well (transcript 315)."""
SHORTEST_LOOK_SECONDS = 0.25
CRASH_LOOP_TASKS = 3
"""So many failed new tasks are a crash loop; one or two may be a service that waits for another."""
ROLLBACK_PATIENCE_SECONDS = 30.0
"""How long Swarm's own rollback is given to end before it is told as it stands."""
NO_NODE_SECONDS = 30.0
"""A task that Swarm has not been able to place for so long will not start by itself."""
NO_TASKS_SECONDS = 15.0
"""A service without any task for so long is not there."""
RESTART_SECONDS = 15.0
"""So long a compose's container may go on restarting; at first it may only be waiting for another one."""
CLOCK_SLACK = timedelta(seconds=1)
UPDATE_SLACK = timedelta(milliseconds=100)
"""Tasks of an update are made within a millisecond after its start, on the same clock (transcripts 334-339)."""
FAILED_PHASES = frozenset({"failed", "rejected"})
JOB_DONE_PHASE = "complete"


@dataclass(frozen=True)
class SwarmObservation:
    """What was read of a service at one moment."""

    at: float
    tasks: tuple[ServiceTask, ...]
    inspected: Mapping[str, TaskInspection]
    service: ServiceInspection | None
    expected_replicas: int | None = None
    """What Dokploy's own settings ask for; used until Swarm's service could be read."""


@dataclass
class SwarmJudge:
    """Judges the tasks of one service after a deployment.

    Args:
        since: the start of the deployment on the server's clock; tasks made later are the new version's. None where
            there is no row (databases): then `earlier_tasks` alone decide.
        earlier_tasks: ids of the tasks that were there before the trigger.
        earlier_update: the start of the service's last update before the trigger.
        is_remote: whether the service runs on another server than Dokploy itself.
    """

    since: datetime | None
    earlier_tasks: frozenset[str]
    earlier_update: datetime | None = None
    is_remote: bool = False
    _stable_tasks: frozenset[str] = frozenset()
    _stable_since: float | None = None
    _rolling_back_since: float | None = None
    _unplaced_since: float | None = None
    _empty_since: float | None = None
    _failed_seen: dict[str, ServiceTask] = field(default_factory=dict)

    def judge(self, seen: SwarmObservation) -> Verdict:
        """Take an observation in and say what it means together with the earlier ones."""
        expected = seen.service.replicas if seen.service else None
        expected = seen.expected_replicas if expected is None else expected
        if expected == 0 and not (seen.service and seen.service.is_job):
            return Verdict(Health.HEALTHY, "the service asks for no replicas, so nothing has to run")
        if not seen.tasks:
            return self._without_tasks(seen)
        self._empty_since = None
        new = [task for task in seen.tasks if self._is_new(task, seen)]
        self._failed_seen.update({task.task_id: task for task in new if task.phase in FAILED_PHASES})
        update = self._own_update(seen.service)
        if update is not None and update.state.is_rollback:
            return self._rolled_back(update, seen)
        if update is not None and update.state is UpdateState.PAUSED:
            return self._unhealthy("Swarm paused the update because the new version's tasks fail", seen, update.message)
        if seen.service is not None and seen.service.is_job:
            return self._job(new)
        if len(self._failed_seen) >= CRASH_LOOP_TASKS:
            count = len(self._failed_seen)
            return self._unhealthy(f"the new version crashes again and again ({count} tasks have failed)", seen)
        return self._running(seen, new, expected, update)

    def _is_new(self, task: ServiceTask, seen: SwarmObservation) -> bool:
        if task.task_id in self.earlier_tasks:
            return False
        born_after = self._new_since(seen.service)
        if born_after is None:
            return True
        inspection = seen.inspected.get(task.task_id)
        return inspection is not None and inspection.created_at >= born_after

    def _new_since(self, service: ServiceInspection | None) -> datetime | None:
        """From when on tasks are the new version's.

        Swarm's update comes at the end of the build. Until then a service that crashes makes new tasks of the old
        version, which must not be held against the new one.
        """
        update = self._own_update(service)
        if update is not None and update.started_at is not None:
            return update.started_at - UPDATE_SLACK
        return self.since - CLOCK_SLACK if self.since is not None else None

    def _own_update(self, service: ServiceInspection | None) -> UpdateStatus | None:
        """The service's update status, if it belongs to this deployment and not to an earlier one."""
        update = service.update if service else None
        if update is None or update.started_at is None:
            return update
        if self.earlier_update is not None and update.started_at == self.earlier_update:
            return None
        if self.since is None:
            return update
        return update if update.started_at >= self.since - CLOCK_SLACK else None

    def _running(
        self, seen: SwarmObservation, new: list[ServiceTask], expected: int | None, update: UpdateStatus | None
    ) -> Verdict:
        up = [task for task in new if task.desired_state == "running" and task.phase == "running"]
        wanted = expected if expected is not None else max(1, len([t for t in new if t.desired_state == "running"]))
        updating = update is not None and update.state is UpdateState.UPDATING
        names = frozenset(task.task_id for task in up)
        if len(up) < wanted:
            self._stable_since = None
            return self._not_yet(seen, new, len(up), wanted)
        if names != self._stable_tasks or self._stable_since is None:
            self._stable_tasks, self._stable_since = names, seen.at
        steady = seen.at - self._stable_since
        if steady >= STABLE_SECONDS and not updating:
            plural = "task runs" if len(up) == 1 else "tasks run"
            return Verdict(Health.HEALTHY, f"{len(up)} new {plural} and stayed up for {STABLE_SECONDS:.0f} s")
        return Verdict(
            Health.PENDING,
            f"{len(up)} of {wanted} new tasks run; watching that they stay up",
            due_in_seconds=max(SHORTEST_LOOK_SECONDS, STABLE_SECONDS - steady),
        )

    def _not_yet(self, seen: SwarmObservation, new: list[ServiceTask], up: int, wanted: int) -> Verdict:
        stuck = [t for t in new if t.desired_state == "running" and t.phase in ("pending", "new") and t.error]
        if not stuck:
            self._unplaced_since = None
        elif self._unplaced_since is None:
            self._unplaced_since = seen.at
        elif seen.at - self._unplaced_since >= NO_NODE_SECONDS:
            return self._unhealthy(f"Swarm can't start the new version's tasks: {stuck[0].error}", seen)
        phases = sorted({task.phase for task in new if task.desired_state in ("running", "ready")})
        detail = f" ({', '.join(phases)})" if phases else ""
        failed = f"; {len(self._failed_seen)} failed so far" if self._failed_seen else ""
        return Verdict(Health.PENDING, f"{up} of {wanted} new tasks run{detail}{failed}")

    def _job(self, new: list[ServiceTask]) -> Verdict:
        failed = [task for task in new if task.phase in FAILED_PHASES]
        done = [task for task in new if task.phase == JOB_DONE_PHASE]
        if done and len(done) + len(failed) == len(new):
            return Verdict(Health.HEALTHY, "the job has run to its end")
        if len(failed) >= CRASH_LOOP_TASKS:
            return Verdict(Health.UNHEALTHY, f"the job's tasks fail: {failed[0].error or failed[0].current_state}")
        return Verdict(Health.PENDING, "the job runs")

    def _rolled_back(self, update: UpdateStatus, seen: SwarmObservation) -> Verdict:
        self._stable_since = None
        if self._rolling_back_since is None:
            self._rolling_back_since = seen.at
        rolling = update.state is UpdateState.ROLLBACK_STARTED
        if rolling and seen.at - self._rolling_back_since < ROLLBACK_PATIENCE_SECONDS:
            return Verdict(Health.PENDING, "the new version failed; Swarm is going back to the earlier one")
        what = "Swarm went back to the earlier version"
        if rolling:
            what = "Swarm is still going back to the earlier version"
        elif update.state is UpdateState.ROLLBACK_PAUSED:
            what = "going back to the earlier version failed as well"
        return self._unhealthy(f"the new version's tasks failed and {what}", seen)

    def _unhealthy(self, reason: str, seen: SwarmObservation, message: str = "") -> Verdict:
        failed = next(iter(self._failed_seen.values()), None)
        error = failed.error if failed is not None else ""
        detail = error or message
        return Verdict(
            Health.UNHEALTHY, f"{reason}{f': {detail}' if detail else ''}", still_runs=self._what_still_runs(seen)
        )

    def _what_still_runs(self, seen: SwarmObservation) -> str:
        up = [task for task in seen.tasks if task.phase == "running" and task.desired_state == "running"]
        if not up:
            return "nothing of the service runs at the moment"
        image = seen.service.image if seen.service else ""
        old = [task for task in up if not self._is_new(task, seen)]
        which = "the earlier version still runs" if old or self._rolling_back_since is not None else "tasks run"
        count = f"{len(up)} task{'s' if len(up) != 1 else ''}"
        return f"{which} ({count}{f', image {image}' if image else ''})"

    def _without_tasks(self, seen: SwarmObservation) -> Verdict:
        self._stable_since = None
        if self._empty_since is None:
            self._empty_since = seen.at
        if seen.at - self._empty_since < NO_TASKS_SECONDS:
            return Verdict(Health.PENDING, "no task yet")
        if self.is_remote:
            return Verdict(Health.UNKNOWN, "the server reports no tasks for a service on a remote server")
        return Verdict(Health.UNHEALTHY, "Swarm knows no task of the service", "nothing of the service runs")


@dataclass
class ContainerJudge:
    """Judges the containers of a compose. Containers that exited with 0 are run-once jobs and no failure."""

    _stable: frozenset[str] = frozenset()
    _stable_since: float | None = None
    _empty_since: float | None = None
    _restarting_since: float | None = None

    def judge(self, at: float, containers: list[Container]) -> Verdict:
        """Take a reading in and say what it means together with the earlier ones."""
        if not containers:
            if self._empty_since is None:
                self._empty_since = at
            if at - self._empty_since < NO_TASKS_SECONDS:
                return Verdict(Health.PENDING, "no container yet")
            return Verdict(Health.UNKNOWN, "the server reports no containers for this compose")
        bad = [container for container in containers if _is_broken(container)]
        if bad:
            names = ", ".join(f"{container.name}: {container.status or container.state}" for container in bad[:5])
            return Verdict(Health.UNHEALTHY, f"containers of the compose are not well ({names})", _others(containers))
        restarting = [container for container in containers if container.state == "restarting"]
        if restarting:
            return self._restarting(at, restarting, containers)
        waiting = [container for container in containers if _is_starting(container)]
        running = frozenset(container.container_id for container in containers if container.state == "running")
        if waiting:
            self._stable_since = None
            return Verdict(Health.PENDING, f"{len(waiting)} of {len(containers)} containers are starting")
        if running != self._stable or self._stable_since is None:
            self._stable, self._stable_since = running, at
        if at - self._stable_since >= STABLE_SECONDS:
            if not running:
                return Verdict(Health.HEALTHY, "all containers have run to their end")
            return Verdict(Health.HEALTHY, f"{_count(running)} and stayed up for {STABLE_SECONDS:.0f} s")
        return Verdict(Health.PENDING, f"{_count(running)}; watching that they stay up")

    def _restarting(self, at: float, restarting: list[Container], containers: list[Container]) -> Verdict:
        self._stable_since = None
        if self._restarting_since is None:
            self._restarting_since = at
        names = ", ".join(f"{container.name}: {container.status or container.state}" for container in restarting[:5])
        if at - self._restarting_since < RESTART_SECONDS:
            return Verdict(Health.PENDING, f"restarting: {names}")
        return Verdict(Health.UNHEALTHY, f"containers of the compose keep restarting ({names})", _others(containers))


def _count(running: frozenset[str]) -> str:
    return f"{len(running)} container{' runs' if len(running) == 1 else 's run'}"


def _is_broken(container: Container) -> bool:
    if container.state in ("dead", "failed", "rejected") or "(unhealthy)" in container.status:
        return True
    return container.state == "exited" and not container.status.startswith("Exited (0)")


def _is_starting(container: Container) -> bool:
    if "health: starting" in container.status:
        return True
    return container.state in ("created", "starting", "preparing", "pending", "assigned", "accepted", "ready", "new")


def _others(containers: list[Container]) -> str:
    running = [container.name for container in containers if container.state == "running"]
    return f"running: {', '.join(running[:5])}" if running else "nothing of the compose runs"
