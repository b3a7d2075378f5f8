"""Reads the recorded transcripts and lets a simulated world run in virtual time, for the tests beside it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pulumi_dokploy_deployments.simulator import Simulator
from pulumi_dokploy_deployments.simulator.world import World, factory
from pulumi_dokploy_deployments.simulator.world.services import Commit, Deployable

TRANSCRIPTS = Path(__file__).parents[1] / "contract" / "transcripts"
START = 1_795_484_600.0
STEP = 0.005
"""Seconds between two samples of the world."""


def load(name: str) -> dict[str, Any]:
    """Return one transcript."""
    found: dict[str, Any] = json.loads((TRANSCRIPTS / f"{name}.json").read_text())
    return found


@dataclass
class Time:
    """A clock that moves only when a test moves it."""

    now: float = START

    def __call__(self) -> float:
        """Return epoch seconds."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let virtual seconds pass."""
        self.now += seconds


def empty_world() -> World:
    """Return a world with one project and nothing in it."""
    world = World(START, seed=1)
    factory.create_project(world, "demo")
    return world


def application(world: World, name: str, commit: Commit | None, **behaviour: Any) -> Deployable:
    """Add a git application with one commit, or a docker application without one."""
    service = factory.create_application(world, name, str(world.environments[0]["environmentId"]))
    if commit is None:
        service.fields |= {"sourceType": "docker", "dockerImage": "127.0.0.1:5055/bb:1"}
    else:
        service.fields |= {"sourceType": "git", "customGitBranch": "main", "buildType": "dockerfile"}
        assert service.repository is not None
        service.repository.refs["main"] = [commit]
    world.set_behaviour(service.id, **behaviour)
    return service


def compose(world: World, name: str, commit: Commit | None, **behaviour: Any) -> Deployable:
    """Add a compose from git, or a raw one without a commit."""
    service = factory.create_compose(world, name, str(world.environments[0]["environmentId"]))
    if commit is None:
        service.fields["sourceType"] = "raw"
    else:
        service.fields |= {"sourceType": "git", "customGitBranch": "main"}
        assert service.repository is not None
        service.repository.refs["main"] = [commit]
    world.set_behaviour(service.id, **behaviour)
    return service


@dataclass
class Samples:
    """What one service's rows and jobs looked like at each step of the time."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    queue: list[tuple[Any, ...]] = field(default_factory=list)


def run(
    world: World, service: Deployable, actions: list[tuple[float, Callable[[], object]]], seconds: float
) -> Samples:
    """Run actions at their times (seconds from the start) and sample the service all along."""
    samples = Samples()
    pending = sorted(actions, key=lambda item: item[0])
    for index in range(int(seconds / STEP)):
        now = START + index * STEP
        world.advance(now)
        while pending and START + pending[0][0] <= now:
            pending.pop(0)[1]()
        samples.rows.append(tuple((row["status"], row["title"], row["description"]) for row in world.rows_of(service)))
        jobs = [job for job in world.queue.newest_first() if job.service_id == service.id]
        samples.queue.append(tuple((job.state, job.data["titleLog"], job.data["type"]) for job in jobs))
    return samples


def occurs_in_order(samples: Samples, polls: list[tuple[tuple[Any, ...], tuple[Any, ...]]]) -> str | None:
    """Tell which recorded poll never occurs, None when all do, in their order.

    The recorder read the rows first and the queue up to 150 ms later.
    """
    position = 0
    lag = int(0.15 / STEP)
    for number, (rows, queue) in enumerate(polls):
        while position < len(samples.rows):
            later = samples.queue[position : position + lag + 1]
            if samples.rows[position] == rows and queue in later:
                break
            position += 1
        else:
            return f"poll {number}: rows {rows}, queue {queue}"
    return None


def simulator(**options: Any) -> tuple[Simulator, Time]:
    """Return a populated simulator with a virtual clock."""
    time = Time()
    return Simulator(time, sleep=time.sleep, **options), time
