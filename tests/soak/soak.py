"""Many deployments at once in one process under random faults, counted against the simulator's own book."""

from __future__ import annotations

import asyncio
import random
import resource
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.rollout.deploy import deploy
from pulumi_dokploy_deployments.rollout.errors import DeploymentFailed, DeploymentLost, ServiceUnhealthy
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.rollout.request import RolloutRequest
from pulumi_dokploy_deployments.simulator.world import factory
from pulumi_dokploy_deployments.simulator.world.services import Behaviour, Deployable
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.workload.verdict import Health
from tests.faults.matrix.catalogue import FAULTS, Family, Where
from tests.support.bench import Bench

SERVICES = 14
"""So many services are deployed at once, each one deployment after the other."""
TIMEOUT_SECONDS = 900.0
SETTLING_SECONDS = 300.0
RARE = 0.08
"""How often it is the server itself that breaks: most of its faults end every deployment that runs."""
ENDPOINTS = ("*", "*", "deployment.*", "docker.*", "application.*", "application.deploy", "listen-deployment")


@dataclass
class Tally:
    """What came of it."""

    seed: int
    asked: int = 0
    sent: int = 0
    """Requests to deploy that the server took."""
    made: int = 0
    """Deployments that the server made of them."""
    faults: int = 0
    green: int = 0
    red: int = 0
    told: Counter[str] = field(default_factory=Counter)
    """What else was told, by the name of the error."""
    lost: list[str] = field(default_factory=list)
    """Told as green, and the server made no deployment for it, or another one than was told."""
    doubled: list[str] = field(default_factory=list)
    """Carried out more than once, and not told as that."""
    false_green: list[str] = field(default_factory=list)
    false_red: list[str] = field(default_factory=list)
    """Told as failing while the good version runs, or as lost while there is a deployment of it."""
    started: dict[str, int] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)
    real_seconds: float = 0.0
    virtual_seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost, doubled or green without a reason."""
        return not (self.lost or self.doubled or self.false_green)

    def summary(self) -> str:
        """One line for people, and one each for what the process held at the start and at the end."""
        others = ", ".join(f"{name} {count}" for name, count in self.told.most_common()) or "none"
        lines = [
            f"seed {self.seed}: {self.asked} deployments of {SERVICES} services, {self.faults} faults, "
            f"{self.virtual_seconds / 3600:.1f} h of virtual time in {self.real_seconds:.0f} s",
            f"triggers sent {self.sent}, runs made {self.made}, lost {len(self.lost)}, doubled {len(self.doubled)}, "
            f"false green {len(self.false_green)}, false red {len(self.false_red)}",
            f"green {self.green}, red {self.red}; could not be known, and was told so: {others}",
            f"start: {_words(self.started)}",
            f"end:   {_words(self.ended)}",
        ]
        lines += [
            f"  {what}: {each}"
            for what in ("lost", "doubled", "false_green", "false_red")
            for each in getattr(self, what)[:5]
        ]
        return "\n".join(lines)


def run(deployments: int, seed: int, *, most_seconds: float) -> Tally:
    """Deploy so many times, or for so many real seconds."""
    random.seed(seed)
    with pytest.MonkeyPatch.context() as patch:
        return asyncio.run(_Soak(patch, deployments, seed, most_seconds).run())


class _Soak:
    def __init__(self, patch: pytest.MonkeyPatch, deployments: int, seed: int, most_seconds: float) -> None:
        self.tally = Tally(seed)
        self.left = deployments
        self.chance = random.Random(seed)  # noqa: S311 - the dice of the soak
        self.bench = Bench(patch, seed=seed, build_seconds=2.0)
        self.until = time.monotonic() + most_seconds
        self.contexts = [self.bench.run_context(has_live_log=number % 2 == 0) for number in range(3)]
        self.records: list[tuple[RunRecord, bool, str]] = []
        self.twice: set[str] = set()

    async def run(self) -> Tally:
        tally, began = self.tally, time.monotonic()
        self._count_requests()
        services = [self._service(number) for number in range(SERVICES)]
        tally.started = _held()
        chaos = asyncio.ensure_future(self._chaos(services))
        await asyncio.gather(*(self._deploy_again_and_again(service) for service in services))
        chaos.cancel()
        await asyncio.gather(chaos, return_exceptions=True)
        self.bench.faults.clear()
        await self.bench.clock.sleep(SETTLING_SECONDS)
        self.bench.advance()
        for context in self.contexts:
            await context.client.aclose()
        self._compare()
        tally.real_seconds, tally.virtual_seconds = time.monotonic() - began, self.bench.clock.elapsed
        tally.ended = _held()
        return tally

    def _count_requests(self) -> None:
        trigger = self.bench.world.trigger

        def counting(service: Deployable, kind: str, title: str, description: str | None, **more: bool) -> object:
            self.tally.sent += "(pulumi run " in (description or "")
            return trigger(service, kind, title, description, **more)

        self.bench.world.trigger = counting  # type: ignore[method-assign,assignment]

    def _service(self, number: int) -> Deployable:
        world, where = self.bench.world, str(self.bench.simulator.ready["environment_id"])
        service = factory.create_application(world, f"soak-{number}", where)
        service.fields |= {
            "sourceType": "git",
            "customGitUrl": "http://127.0.0.1:5056/demo.git",
            "customGitBranch": "main",
            "buildType": "dockerfile",
        }
        world.push_commit(service.id, "a first commit")
        return service

    async def _deploy_again_and_again(self, service: Deployable) -> None:
        while self.left > 0 and time.monotonic() < self.until:
            self.left -= 1
            self.tally.asked += 1
            good = self.chance.random() < 0.7
            service.behaviour = Behaviour(
                build="ok" if good or self.chance.random() < 0.6 else "fails",
                runtime="healthy" if good else "exits",
                build_seconds=self.chance.choice([0.2, 0.5, 1.0, 3.0, 8.0]),
            )
            await self._deploy(service, good=good)
            await self.bench.clock.sleep(self.chance.uniform(0.0, 5.0))

    async def _deploy(self, service: Deployable, *, good: bool) -> None:
        tally, record, context = self.tally, RunRecord(), self.chance.choice(self.contexts)
        listener = type(self.bench.told)()
        request = RolloutRequest(ServiceRef(ServiceKind.APPLICATION, service.id), timeout_seconds=TIMEOUT_SECONDS)
        mine = RunContext(context.client, context.clock, listener, context.watcher, context.has_live_log)
        name = f"{service.fields['name']} at {self.bench.clock.elapsed:.0f} s"
        is_green, ending = False, ""
        try:
            await deploy(request, mine, record)
        except (DeploymentFailed, ServiceUnhealthy) as failure:
            tally.red += 1
            if good and self._runs_well(service):
                tally.false_red.append(f"{name}: {failure}")
        except DokployError as failure:
            ending = type(failure).__name__
            tally.told[ending] += 1
        else:
            if record.verdict.health is Health.HEALTHY:
                tally.green += 1
                is_green = True
                if not good:
                    tally.false_green.append(f"{name}: {record.verdict.reason}")
            elif record.superseded_by is not None:
                tally.told["superseded"] += 1
            else:
                tally.false_green.append(f"{name}: exit 0, {record.verdict.health} {record.verdict.reason}")
        if any("carried out twice" in warning for warning in listener.warnings):
            self.twice.add(record.nonce)
        self.records.append((record, is_green, ending))

    def _runs_well(self, service: Deployable) -> bool:
        """Whether a good version runs: Swarm may have gone back to an earlier one that crashes."""
        self.bench.advance()
        swarm = self.bench.world.swarm
        running = [task for each in swarm.services if each.name == service.app_name for task in swarm.running(each)]
        return any(task.spec.content.runtime == "healthy" for task in running)

    async def _chaos(self, services: list[Deployable]) -> None:
        quiet = [fault for fault in FAULTS if fault.family not in (Family.SERVER, Family.CLOCK)]
        loud = [fault for fault in FAULTS if fault.family is Family.SERVER and "foreign" not in fault.name]
        while True:
            await self.bench.clock.sleep(self.chance.uniform(1.0, 25.0))
            self.tally.faults += 1
            if self.chance.random() < RARE:
                self.chance.choice(loud).strike(self.bench, Where(seconds=3.0))
            elif self.chance.random() < 0.1:
                other = self.chance.choice(services)
                self.bench.advance()
                self.bench.world.trigger(other, "deploy", "Manual deployment", "")
            else:
                seconds = self.chance.choice([None, 0.5, 2.0, 6.0, 15.0])
                where = Where(self.chance.choice(ENDPOINTS), seconds, carry_out=self.chance.random() < 0.3)
                self.chance.choice(quiet).strike(self.bench, where)

    def _compare(self) -> None:
        """Hold what was told against the rows that the server made."""
        by_nonce: dict[str, list[str]] = {}
        for identity, description in self.bench.made:
            found = description.partition("(pulumi run ")[2][:12]
            if found:
                by_nonce.setdefault(found, []).append(identity)
        self.tally.made = sum(map(len, by_nonce.values()))
        for record, is_green, ending in self.records:
            rows = by_nonce.get(record.nonce, [])
            told = record.deployment.deployment_id if record.deployment is not None else None
            if (is_green and told not in rows) or (told is not None and rows and told not in rows):
                self.tally.lost.append(f"{record.nonce}: told {told}, made {rows}")
            if ending == DeploymentLost.__name__ and rows:
                self.tally.false_red.append(f"{record.nonce}: told as lost, made {rows}")
            if len(rows) > 1 and record.nonce not in self.twice:
                self.tally.doubled.append(f"{record.nonce}: {rows}")


def _held() -> dict[str, int]:
    pages = int(Path("/proc/self/statm").read_text().split()[1]) if Path("/proc/self/statm").exists() else 0
    links = list(Path("/proc/self/fd").iterdir()) if Path("/proc/self/fd").exists() else []
    sockets = sum(1 for link in links if link.exists() and "socket:" in str(link.readlink()))
    return {
        "MB of memory": pages * resource.getpagesize() // 2**20,
        "tasks": len(asyncio.all_tasks()),
        "sockets": sockets,
        "open files": len(links),
    }


def _words(held: dict[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in held.items())
