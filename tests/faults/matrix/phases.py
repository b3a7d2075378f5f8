"""The phases of the matrix: what is done, and when the fault strikes while it is done."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from pulumi_dokploy_deployments.resources.deployment import DeploymentLifeCycle
from pulumi_dokploy_deployments.resources.deployment_model import DeploymentInputs
from pulumi_dokploy_deployments.resources.life_cycle import Operation
from pulumi_dokploy_deployments.resources.rollback_target import RollbackTargetLifeCycle
from pulumi_dokploy_deployments.resources.rollback_target_state import PinInputs
from pulumi_dokploy_deployments.workload.verdict import Health
from tests.faults.matrix.catalogue import LIVE_LOG, SERVICE, Family, Where
from tests.support.bench import Bench

TIMEOUT_SECONDS = 300.0
SHORT = Where(seconds=4.0)
"""Shorter than the six seconds for which the requests of an operation's start are retried."""
LONG = Where(seconds=30.0)

DEPLOYMENT, PIN = DeploymentLifeCycle(), RollbackTargetLifeCycle()
Strike = Callable[[Where], None]
EVERY = frozenset(Family)
REQUESTS = frozenset({Family.ANSWER, Family.CONNECTION, Family.LATE})
SENDING = REQUESTS | {Family.SERVER, Family.CLOCK}


@dataclass(frozen=True)
class Phase:
    """One column of the matrix.

    Attributes:
        name: its heading.
        meaning: what is done, and when the fault strikes.
        run: does it; gives the health that was told, None where none was asked for.
        families: the faults that make sense in it.
        deploys: whether a version is deployed or pinned that may crash.
    """

    name: str
    meaning: str
    run: Callable[[Bench, Strike], Coroutine[Any, Any, str | None]]
    families: frozenset[Family]
    deploys: bool = True
    after_only: bool = False
    own_seconds: float = 0.0
    """What the phase does in front of what is bounded."""


def _inputs(bench: Bench, **more: Any) -> DeploymentInputs:
    asked = {"application_id": bench.service(SERVICE).id, "timeout_seconds": TIMEOUT_SECONDS, **more}
    checked = DEPLOYMENT.check(asked)
    assert checked.inputs is not None
    return checked.inputs


async def _deploy(bench: Bench, **more: Any) -> str:
    context = bench.run_context(has_live_log=True)
    stored = await DEPLOYMENT.create(_inputs(bench, **more), Operation(context))
    return str(stored.state.outputs.health)


async def _check(bench: Bench, strike: Strike) -> None:
    strike(SHORT)
    await DEPLOYMENT.ask(None, _inputs(bench), bench.run_context())


async def _before(bench: Bench, strike: Strike) -> str:
    strike(SHORT)
    return await _deploy(bench)


def _sending(*, carry_out: bool) -> Callable[[Bench, Strike], Coroutine[Any, Any, str]]:
    async def run(bench: Bench, strike: Strike) -> str:
        where = Where("application.deploy", carry_out=carry_out)
        bench.when_sent(lambda: strike(where))
        return await _deploy(bench)

    return run


async def _queued(bench: Bench, strike: Strike) -> str:
    bench.service("slow").behaviour.build_seconds = 40.0
    bench.colleague_deploys("slow")
    bench.at(5.0, lambda: strike(LONG))
    return await _deploy(bench)


async def _running(bench: Bench, strike: Strike) -> str:
    bench.service(SERVICE).behaviour.build_seconds = 40.0
    # The live log is opened with the first look at the row.
    bench.at(0.0, lambda: strike(Where(LIVE_LOG, 30.0)))
    bench.at(5.0, lambda: strike(LONG))
    return await _deploy(bench)


async def _end(bench: Bench, strike: Strike) -> str:
    bench.at(0.0, lambda: strike(Where(LIVE_LOG, 8.0)))
    bench.at(4.5, lambda: strike(Where(seconds=8.0)))
    return await _deploy(bench)


async def _health(bench: Bench, strike: Strike) -> str:
    bench.at(6.5, lambda: strike(Where(seconds=20.0)))
    return await _deploy(bench)


async def _pin(bench: Bench, strike: Strike) -> str:
    # The version to go back to is the one that may crash; a good one runs.
    crashes = bench.service(SERVICE).behaviour.runtime
    app = bench.service("ok")
    bench.world.push_commit("ok", "earlier", runtime=crashes)
    for _ in range(2):
        bench.colleague_deploys("ok")
        await bench.clock.sleep(30.0)
        bench.advance()
        bench.world.push_commit("ok", "later", runtime="healthy")
    checked = PIN.check({"application_id": app.id, "previous": 1, "timeout_seconds": TIMEOUT_SECONDS})
    assert checked.inputs is not None
    context = bench.run_context()
    inputs: PinInputs = await PIN.ask(None, checked.inputs, context)
    strike(Where(seconds=4.0))
    state = (await PIN.create(inputs, Operation(context))).state
    return {True: Health.HEALTHY, False: Health.UNHEALTHY, None: Health.UNKNOWN}[state.outputs.holds].value


async def _refresh(bench: Bench, strike: Strike) -> None:
    context = bench.run_context()
    state = (await DEPLOYMENT.create(_inputs(bench), Operation(context))).state
    strike(SHORT)
    found = await DEPLOYMENT.read(state, context)
    assert found is not None, "the service is there all the time"
    assert found.outputs.deployment_id == state.outputs.deployment_id


async def _delete(bench: Bench, strike: Strike) -> None:
    context = bench.run_context()
    state = (await DEPLOYMENT.create(_inputs(bench, on_delete="remove"), Operation(context))).state
    strike(SHORT)
    await DEPLOYMENT.delete(state, Operation(context))
    rows = bench.world.rows_of(bench.service(SERVICE))
    assert state.outputs.deployment_id not in {row["deploymentId"] for row in rows}, "the row is still there"


PHASES: tuple[Phase, ...] = (
    Phase("check", "a preview asks about the service, for 4 s", _check, REQUESTS | {Family.CLOCK}, deploys=False),
    Phase("before", "the first 4 s of a deployment, until just before its request", _before, SENDING),
    Phase(
        "trigger",
        "the request to deploy itself; what replaces an answer keeps the request back",
        _sending(carry_out=False),
        SENDING,
    ),
    Phase(
        "answer",
        "the request to deploy has been carried out, and its answer is replaced",
        _sending(carry_out=True),
        REQUESTS | {Family.SERVER},
        after_only=True,
    ),
    Phase("queued", "for 30 s, while the deployment waits behind another one", _queued, SENDING),
    Phase("running", "for 30 s, while it builds", _running, EVERY),
    Phase("end", "for 8 s, in the middle of which the build ends", _end, EVERY),
    Phase("health", "for 20 s, while the new version is watched", _health, SENDING),
    Phase(
        "pin",
        "the first 4 s of a pin by stored image, its request among them",
        _pin,
        REQUESTS | {Family.CLOCK},
        own_seconds=60.0,
    ),
    Phase("refresh", "the first 4 s of a refresh", _refresh, REQUESTS | {Family.CLOCK}, deploys=False),
    Phase(
        "delete",
        "the first 4 s of a delete that removes the deployment from the history",
        _delete,
        REQUESTS | {Family.CLOCK},
        deploys=False,
    ),
)
