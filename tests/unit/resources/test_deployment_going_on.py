"""A run that did not come to its end keeps its state, and the next one goes on from there without sending twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.hosts.words import PYTHON
from pulumi_dokploy_deployments.resources.deployment import DeploymentLifeCycle
from pulumi_dokploy_deployments.resources.deployment_model import DeploymentInputs
from pulumi_dokploy_deployments.resources.deployment_state import DeploymentState, LeftAs
from pulumi_dokploy_deployments.resources.life_cycle import Operation, Unfinished
from pulumi_dokploy_deployments.resources.plan import PlanAction
from pulumi_dokploy_deployments.rollout.errors import Interrupted
from pulumi_dokploy_deployments.waiting.context import RunContext
from tests.support import api_faults as faults
from tests.support.builders import SERVICE_ID, service
from tests.support.fake_dokploy import FakeDokploy
from tests.support.listener import Listener
from tests.support.virtual_clock import VirtualClock

APP: dict[str, Any] = {"application_id": SERVICE_ID, "triggers": {"release": "1"}}
CYCLE = DeploymentLifeCycle()


def given(**properties: Any) -> DeploymentInputs:
    """Checked inputs."""
    checked = CYCLE.check(properties)
    assert checked.inputs is not None, checked.problems
    return checked.inputs


def cancel(run: asyncio.Task[Any]) -> None:
    """What the plugin does with a wait at Ctrl-C."""
    run.cancel()


class Bench:
    """A server whose deployment is broken off, and the next run."""

    def __init__(self, clock: VirtualClock, **about: Any) -> None:
        self.clock = clock
        self.fake = FakeDokploy(clock, service(**about) if about else None)
        self.told = Listener()
        self.words = ""
        self.resource_id = ""

    def context(self) -> RunContext:
        """The run_context of one operation."""
        return RunContext(self.fake, self.clock, self.told, has_live_log=False)

    async def fails(self, **inputs: Any) -> DeploymentState | None:
        """A create that fails; what is kept."""
        return await self._ends_badly(given(**{**APP, **inputs}))

    async def breaks_off_after(self, seconds: float, inputs: DeploymentInputs | None = None) -> DeploymentState | None:
        """A create that is interrupted; what is kept."""
        return await self._ends_badly(inputs or given(**APP), seconds)

    async def _ends_badly(
        self, inputs: DeploymentInputs, cancelled_after: float | None = None
    ) -> DeploymentState | None:
        run = asyncio.create_task(CYCLE.create(inputs, Operation(self.context())))
        if cancelled_after is not None:
            self.clock.after(cancelled_after, lambda: cancel(run))
        with pytest.raises((Unfinished, DokployError)) as failure:
            await run
        left = failure.value
        error = left.error if isinstance(left, Unfinished) else left
        assert isinstance(error, DokployError)
        assert isinstance(error, Interrupted) == (cancelled_after is not None)
        self.words = error.told(PYTHON)
        if not isinstance(left, Unfinished):
            return None
        assert isinstance(left.state, DeploymentState)
        self.resource_id = left.resource_id
        return left.state

    async def next_up(self, state: DeploymentState, **inputs: Any) -> DeploymentState:
        """The update of the next `pulumi up`; a change is what makes the engine ask for it."""
        news = given(**{**APP, **inputs})
        assert CYCLE.plan(state, news).action is PlanAction.DEPLOY
        return await CYCLE.update(state, news, Operation(self.context()))

    @property
    def sent(self) -> int:
        """How many deployments were asked for."""
        return len(self.fake.sent)


@pytest.fixture
def bench(clock: VirtualClock) -> Bench:
    """An application from git."""
    return Bench(clock)


async def test_what_has_failed_is_kept_and_deployed_again(bench: Bench) -> None:
    bench.fake.fails = True
    kept = await bench.fails()
    assert kept is not None
    assert bench.resource_id == f"application/{SERVICE_ID}/{kept.outputs.deployment_id}"
    assert (kept.outputs.status, kept.run.left_as) == ("error", LeftAs.FAILED)
    assert kept.inputs.triggers == {"release": "1"}

    bench.fake.fails = False
    fixed = await bench.next_up(kept)
    assert (fixed.outputs.status, fixed.outputs.health, bench.sent) == ("done", "healthy", 2)
    assert fixed.run.left_as is None
    assert not CYCLE.plan(fixed, given(**APP)).has_changes


async def test_an_interrupted_build_is_waited_for_and_not_sent_again(bench: Bench) -> None:
    kept = await bench.breaks_off_after(2.0)
    assert kept is not None
    assert kept.run.left_as is LeftAs.BROKEN_OFF
    assert "is still running at the server" in bench.words
    assert "Run `pulumi up` again to go on waiting for it" in bench.words

    state = await bench.next_up(kept)
    assert (state.outputs.status, state.outputs.health, bench.sent) == ("done", "healthy", 1)
    assert state.outputs.deployment_id == kept.outputs.deployment_id


async def test_one_that_is_over_meanwhile_is_proven_and_not_sent_again(bench: Bench) -> None:
    kept = await bench.breaks_off_after(2.0)
    assert kept is not None
    bench.clock.advance(600.0)

    state = await bench.next_up(kept)
    assert (state.outputs.status, state.outputs.health, bench.sent) == ("done", "healthy", 1)


async def test_one_that_failed_meanwhile_is_deployed_again(bench: Bench) -> None:
    bench.fake.fails = True
    kept = await bench.breaks_off_after(2.0)
    assert kept is not None
    bench.clock.advance(600.0)
    bench.fake.fails = False

    assert (await bench.next_up(kept)).outputs.status == "done"
    assert bench.sent == 2


async def test_one_that_waits_in_the_queue_is_known_by_its_mark(bench: Bench) -> None:
    bench.fake.foreign("somebody else", seconds=30.0)
    kept = await bench.breaks_off_after(5.0)
    assert kept is not None
    assert kept.outputs.deployment_id is None
    assert bench.resource_id.endswith(f"/{kept.run.nonce}")
    assert "its deployment is queued or about to start" in bench.words

    assert (await bench.next_up(kept)).outputs.status == "done"
    assert bench.sent == 1


async def test_one_that_the_server_has_lost_is_deployed_again(bench: Bench) -> None:
    bench.fake.foreign("somebody else", seconds=30.0)
    kept = await bench.breaks_off_after(5.0)
    assert kept is not None
    bench.fake.server.clean_queues()

    assert (await bench.next_up(kept)).outputs.status == "done"
    assert bench.sent == 2


async def test_a_deadline_that_has_passed_leaves_a_run_to_go_on_with(bench: Bench) -> None:
    bench.fake.build_seconds = 60.0
    kept = await bench.fails(timeout_seconds=10.0)
    assert kept is not None
    assert kept.run.left_as is LeftAs.BROKEN_OFF

    assert (await bench.next_up(kept)).outputs.status == "done"
    assert bench.sent == 1


async def test_a_changed_trigger_deploys_anew_whatever_was_left(bench: Bench) -> None:
    kept = await bench.breaks_off_after(2.0)
    assert kept is not None

    state = await bench.next_up(kept, triggers={"release": "2"})
    assert (state.outputs.status, bench.sent) == ("done", 2)
    assert state.outputs.deployment_id != kept.outputs.deployment_id


async def test_nothing_is_kept_where_nothing_was_sent(bench: Bench) -> None:
    assert await bench.breaks_off_after(0.01) is None
    assert bench.words.startswith("Interrupted before anything was sent")
    bench.fake.fail("application.deploy", faults.invalid())
    kept = await bench.fails()
    assert kept is None


async def test_refreshing_what_was_left_keeps_it_to_go_on_with(bench: Bench) -> None:
    kept = await bench.breaks_off_after(2.0)
    assert kept is not None
    bench.clock.advance(600.0)
    read = await CYCLE.read(kept, bench.context())
    assert read is not None
    assert read.outputs.status == "done"

    state = await bench.next_up(read)
    assert (state.outputs.health, bench.sent) == ("healthy", 1)


async def test_a_database_that_was_broken_off_is_deployed_again(clock: VirtualClock) -> None:
    bench = Bench(clock, kind=ServiceKind.POSTGRES)
    inputs = given(postgres_id=SERVICE_ID)
    kept = await bench.breaks_off_after(2.0, inputs)
    assert kept is not None
    assert bench.resource_id.startswith(f"postgres/{SERVICE_ID}/")

    state = await CYCLE.update(kept, inputs, Operation(bench.context()))
    assert (state.outputs.stage, bench.sent) == ("done", 2)


async def test_a_run_that_was_killed_is_found_again_without_any_state(bench: Bench) -> None:
    inputs, urn = given(**APP), "urn:pulumi:prod::shop::dokploy-deployments:index:Deployment::web"
    killed = asyncio.create_task(CYCLE.create(inputs, Operation(bench.context(), urn=urn)))
    bench.clock.after(2.0, lambda: cancel(killed))
    with pytest.raises(Unfinished):
        await killed

    other = given(**{**APP, "triggers": {"release": "2"}})
    made = await CYCLE.create(inputs, Operation(bench.context(), urn=urn))
    assert (made.state.outputs.status, bench.sent) == ("done", 1)
    await CYCLE.create(other, Operation(bench.context(), urn=urn))
    assert bench.sent == 2
