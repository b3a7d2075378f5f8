"""A run that did not come to its end keeps its state, and the next one goes on from there without sending twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.resources import deployment, deployment_resume
from pulumi_dokploy_deployments.resources.deployment_resume import UNFINISHED, Unfinished, interrupted, partial_state
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.waiting.context import RunContext
from tests.support import api_faults as faults
from tests.support.builders import SERVICE_ID, service
from tests.support.fake_dokploy import FakeDokploy
from tests.support.listener import Listener
from tests.support.virtual_clock import VirtualClock

APP: dict[str, Any] = {"application_id": SERVICE_ID, "triggers": {"release": "1"}}


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

    def context(self) -> RunContext:
        """The run_context of one operation."""
        return RunContext(self.fake, self.clock, self.told, has_live_log=False, record=RunRecord())

    async def fails(self, **inputs: Any) -> tuple[DokployError, tuple[str, dict[str, Any]] | None]:
        """A create that fails; what it says and what is kept."""
        context = self.context()
        with pytest.raises(DokployError) as failure:
            await deployment.create({**APP, **inputs}, context)
        return failure.value, partial_state({**APP, **inputs}, context.record, failure.value)

    async def breaks_off_after(self, seconds: float, **inputs: Any) -> tuple[str, dict[str, Any]] | None:
        """A create that is interrupted; what is kept."""
        context = self.context()
        run = asyncio.create_task(deployment.create({**APP, **inputs}, context))
        self.clock.after(seconds, lambda: cancel(run))
        with pytest.raises(asyncio.CancelledError):
            await run
        self.words = str(interrupted(context.record))
        return partial_state({**APP, **inputs}, context.record, interrupted(context.record))

    async def next_up(self, state: dict[str, Any], **inputs: Any) -> dict[str, Any]:
        """The update of the next `pulumi up`; a change is what makes the engine ask for it."""
        news = {**APP, **inputs}
        assert deployment_resume.diff(state, news).has_changes
        return await deployment_resume.update(state, news, self.context())

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
    _, kept = await bench.fails()
    assert kept is not None
    identity, state = kept
    assert identity == f"application/{SERVICE_ID}/{state['deployment_id']}"
    assert (state["status"], state[UNFINISHED]) == ("error", Unfinished.FAILED)
    assert state["triggers"] == {"release": "1"}

    bench.fake.fails = False
    mended = await bench.next_up(state)
    assert (mended["status"], mended["health"], bench.sent) == ("done", "healthy", 2)
    assert UNFINISHED not in mended
    assert not deployment_resume.diff(mended, APP).has_changes


async def test_an_interrupted_build_is_waited_for_and_not_sent_again(bench: Bench) -> None:
    kept = await bench.breaks_off_after(2.0)
    assert kept is not None
    assert kept[1][UNFINISHED] == Unfinished.BROKEN_OFF
    assert "still runs at the server" in bench.words
    assert "The next `pulumi up` goes on waiting" in bench.words

    state = await bench.next_up(kept[1])
    assert (state["status"], state["health"], bench.sent) == ("done", "healthy", 1)
    assert state["deployment_id"] == kept[1]["deployment_id"]


async def test_one_that_is_over_meanwhile_is_proven_and_not_sent_again(bench: Bench) -> None:
    kept = await bench.breaks_off_after(2.0)
    assert kept is not None
    bench.clock.advance(600.0)

    state = await bench.next_up(kept[1])
    assert (state["status"], state["health"], bench.sent) == ("done", "healthy", 1)


async def test_one_that_failed_meanwhile_is_deployed_again(bench: Bench) -> None:
    bench.fake.fails = True
    kept = await bench.breaks_off_after(2.0)
    assert kept is not None
    bench.clock.advance(600.0)
    bench.fake.fails = False

    assert (await bench.next_up(kept[1]))["status"] == "done"
    assert bench.sent == 2


async def test_one_that_waits_in_the_queue_is_known_by_its_mark(bench: Bench) -> None:
    bench.fake.foreign("somebody else", seconds=30.0)
    kept = await bench.breaks_off_after(5.0)
    assert kept is not None
    identity, state = kept
    assert state["deployment_id"] is None
    assert identity.endswith(state["nonce"])
    assert "waits in its queue or starts" in bench.words

    assert (await bench.next_up(state))["status"] == "done"
    assert bench.sent == 1


async def test_one_that_the_server_has_lost_is_deployed_again(bench: Bench) -> None:
    bench.fake.foreign("somebody else", seconds=30.0)
    kept = await bench.breaks_off_after(5.0)
    assert kept is not None
    bench.fake.server.clean_queues()

    assert (await bench.next_up(kept[1]))["status"] == "done"
    assert bench.sent == 2


async def test_a_deadline_that_has_passed_leaves_a_run_to_go_on_with(bench: Bench) -> None:
    bench.fake.build_seconds = 60.0
    _, kept = await bench.fails(timeout_seconds=10.0)
    assert kept is not None
    assert kept[1][UNFINISHED] == Unfinished.BROKEN_OFF

    assert (await bench.next_up(kept[1]))["status"] == "done"
    assert bench.sent == 1


async def test_a_changed_trigger_deploys_anew_whatever_was_left(bench: Bench) -> None:
    kept = await bench.breaks_off_after(2.0)
    assert kept is not None

    state = await bench.next_up(kept[1], triggers={"release": "2"})
    assert (state["status"], bench.sent) == ("done", 2)
    assert state["deployment_id"] != kept[1]["deployment_id"]


async def test_nothing_is_kept_where_nothing_was_sent(bench: Bench) -> None:
    assert await bench.breaks_off_after(0.01) is None
    assert bench.words.startswith("Interrupted before anything was sent")
    bench.fake.fail("application.deploy", faults.invalid())
    _, kept = await bench.fails()
    assert kept is None


async def test_refreshing_what_was_left_keeps_it_to_go_on_with(bench: Bench) -> None:
    kept = await bench.breaks_off_after(2.0)
    assert kept is not None
    bench.clock.advance(600.0)
    read = await deployment.read(kept[1], bench.context())
    assert read is not None
    assert read["status"] == "done"

    state = await bench.next_up(read)
    assert (state["health"], bench.sent) == ("healthy", 1)


async def test_a_database_that_was_broken_off_is_deployed_again(clock: VirtualClock) -> None:
    bench = Bench(clock, kind=ServiceKind.POSTGRES)
    context = bench.context()
    inputs = {"postgres_id": SERVICE_ID}
    run = asyncio.create_task(deployment.create(inputs, context))
    clock.after(2.0, lambda: cancel(run))
    with pytest.raises(asyncio.CancelledError):
        await run
    kept = partial_state(inputs, context.record, interrupted(context.record))
    assert kept is not None
    assert kept[0].startswith(f"postgres/{SERVICE_ID}/")

    state = await deployment_resume.update(kept[1], inputs, bench.context())
    assert (state["stage"], bench.sent) == ("done", 2)
