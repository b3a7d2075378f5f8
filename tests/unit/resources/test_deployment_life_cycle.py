"""Create, update, read and delete of a `Deployment`, against a small model of the server."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_dokploy_deployments.api.errors import AccessDenied, ApiError, DokployError
from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.resources import deployment
from pulumi_dokploy_deployments.resources.deployment_model import DeploymentOutputs
from pulumi_dokploy_deployments.rollout.errors import DeploymentFailed
from pulumi_dokploy_deployments.rollout.failures import UnknownService
from pulumi_dokploy_deployments.waiting.context import RunContext
from tests.support import api_faults as faults
from tests.support.builders import SERVICE_ID, SHA, service
from tests.support.fake_dokploy import FakeDokploy
from tests.support.listener import Listener
from tests.support.virtual_clock import VirtualClock

APP: dict[str, Any] = {"application_id": SERVICE_ID}


class Bench:
    """A server and the resource's functions over it."""

    def __init__(self, clock: VirtualClock, **about: Any) -> None:
        self.clock = clock
        self.fake = FakeDokploy(clock, service(**about) if about else None)
        self.told = Listener()
        self.context = RunContext(self.fake, clock, self.told, has_live_log=False)

    async def create(self, **inputs: Any) -> dict[str, Any]:
        """The state after a create."""
        _, state = await deployment.create({**APP, **inputs}, self.context, default_title="pulumi up: shop/prod (web)")
        return state

    @property
    def sent(self) -> int:
        """How many deployments were asked for."""
        return len(self.fake.sent)


@pytest.fixture
def bench(clock: VirtualClock) -> Bench:
    """An application from git."""
    return Bench(clock)


# --- create -----------------------------------------------------------------------------------------------------


async def test_create_gives_an_id_that_names_service_and_deployment_and_every_output(bench: Bench) -> None:
    identity, state = await deployment.create(
        {**APP, "triggers": {"release": "7"}}, bench.context, default_title="pulumi up: shop/prod (web)"
    )
    own = bench.fake.server.row_of["us 1"]
    assert identity == f"application/{SERVICE_ID}/{own}"
    assert set(DeploymentOutputs.model_fields) <= set(state)
    assert state["triggers"] == {"release": "7"}
    assert (state["deployment_id"], state["status"], state["stage"], state["health"]) == (
        own,
        "done",
        "done",
        "healthy",
    )
    assert (state["commit_hash"], state["commit_message"]) == (SHA, "feat: a commit")
    assert state["duration_seconds"] == pytest.approx(4.0, abs=0.01)
    assert state["created_at"].startswith("2026-11-24T12:00:00.")
    assert state["created_at"].endswith("Z")
    assert state["pruned"] is False
    assert bench.fake.sent[0]["title"] == "pulumi up: shop/prod (web)"


async def test_the_user_s_own_title_wins_and_the_mark_is_not_shown_in_the_description(clock: VirtualClock) -> None:
    bench = Bench(clock, source="docker")
    state = await bench.create(title="release 7", description="by hand")
    assert bench.fake.sent[0]["title"] == "release 7"
    assert state["description"] == "by hand"
    assert state["nonce"] in bench.fake.sent[0]["description"]


async def test_a_database_has_no_row_and_says_so_with_none(clock: VirtualClock) -> None:
    bench = Bench(clock, kind=ServiceKind.REDIS, source=None)
    identity, state = await deployment.create({"redis_id": SERVICE_ID}, bench.context)
    assert identity == f"redis/{SERVICE_ID}/{state['nonce']}"
    assert (state["deployment_id"], state["status"], state["health"]) == (None, "done", "healthy")


async def test_a_failed_create_raises_and_gives_no_state(bench: Bench) -> None:
    bench.fake.fails = True
    with pytest.raises(DeploymentFailed):
        await bench.create()


async def test_a_created_resource_does_not_differ_from_its_program(bench: Bench) -> None:
    inputs = {"triggers": {"a": [1, {"b": None}]}, "timeout_seconds": 600, "title": "mine", "on_busy": "fail"}
    state = await bench.create(**inputs)
    assert not deployment.diff(state, {**APP, **inputs}).has_changes


# --- update -----------------------------------------------------------------------------------------------------


async def test_a_changed_trigger_deploys_once_more_and_says_what_changed(bench: Bench) -> None:
    state = await bench.create(triggers={"image": "a"})
    updated = await deployment.update(state, {**APP, "triggers": {"image": "b"}}, bench.context)
    assert bench.sent == 2
    assert updated["deployment_id"] == bench.fake.server.row_of["us 2"] != state["deployment_id"]
    assert updated["triggers"] == {"image": "b"}
    assert "triggers.image changed" in bench.told.statuses


async def test_a_changed_setting_is_stored_and_nothing_is_sent(bench: Bench) -> None:
    state = await bench.create(on_delete="cancel")
    calls = sum(bench.fake.calls.values())
    news = {**APP, "on_delete": "retain", "timeout_seconds": 60, "title": "another"}
    updated = await deployment.update(state, news, bench.context)
    assert sum(bench.fake.calls.values()) == calls
    assert (updated["on_delete"], updated["timeout_seconds"]) == ("retain", 60)
    assert (updated["deployment_id"], updated["title"]) == (state["deployment_id"], "feat: a commit")
    assert not deployment.diff(updated, news).has_changes


async def test_a_removed_setting_is_gone_from_the_state_and_does_not_come_up_again(bench: Bench) -> None:
    state = await bench.create(on_busy="fail", on_delete="retain", expect_commit=SHA[:7])
    updated = await deployment.update(state, dict(APP), bench.context)
    assert bench.sent == 1
    assert not deployment.diff(updated, APP).has_changes
    assert "on_delete" not in updated


# --- read -------------------------------------------------------------------------------------------------------


async def test_a_refresh_of_an_untouched_deployment_changes_nothing(bench: Bench) -> None:
    state = await bench.create()
    assert await deployment.read(state, bench.context) == state


async def test_a_newer_deployment_of_somebody_else_is_told_and_is_no_deletion(bench: Bench) -> None:
    state = await bench.create()
    bench.fake.foreign("a colleague", 1.0)
    await bench.clock.sleep(5.0)
    found = await deployment.read(state, bench.context)
    assert found is not None
    assert found["superseded_by"] == bench.fake.server.row_of["a colleague"]
    assert (found["deployment_id"], found["pruned"]) == (state["deployment_id"], False)
    assert not deployment.diff(found, APP).has_changes


async def test_a_row_that_the_server_has_dropped_is_pruned_and_keeps_what_was_known(bench: Bench) -> None:
    state = await bench.create()
    for number in range(12):
        bench.fake.foreign(f"other {number}", 0.3)
    await bench.clock.sleep(30.0)
    found = await deployment.read(state, bench.context)
    assert found is not None
    assert found["pruned"] is True
    assert found["superseded_by"] == bench.fake.server.row_of["other 11"]
    assert found["commit_hash"] == state["commit_hash"]
    assert not deployment.diff(found, APP).has_changes


async def test_a_deployment_whose_row_was_not_seen_is_found_by_its_mark(clock: VirtualClock) -> None:
    bench = Bench(clock, source="docker")
    state = {**await bench.create(), "deployment_id": None}
    found = await deployment.read(state, bench.context)
    assert found is not None
    assert found["deployment_id"] == bench.fake.server.row_of["us 1"]


async def test_a_service_that_is_gone_takes_the_resource_with_it(bench: Bench) -> None:
    state = {**await bench.create(), "application_id": "app-gone"}
    assert await deployment.read(state, bench.context) is None


async def test_a_service_that_may_not_be_seen_is_not_taken_for_gone(bench: Bench) -> None:
    state = await bench.create()
    bench.fake.fail("application.one", faults.denied())
    with pytest.raises(AccessDenied):
        await deployment.read(state, bench.context)


async def test_a_server_that_is_away_is_not_taken_for_a_deletion(bench: Bench) -> None:
    state = await bench.create()
    bench.fake.fail("application.one", *[faults.refused() for _ in range(99)])
    with pytest.raises(ApiError):
        await deployment.read(state, bench.context)


async def test_a_short_outage_is_borne_by_a_refresh(bench: Bench) -> None:
    state = await bench.create()
    bench.fake.fail("application.one", faults.refused())
    bench.fake.fail("deployment.all", faults.server_error())
    assert await deployment.read(state, bench.context) == state


async def test_a_database_s_refresh_shows_the_server_s_status(clock: VirtualClock) -> None:
    bench = Bench(clock, kind=ServiceKind.REDIS, source=None)
    _, state = await deployment.create({"redis_id": SERVICE_ID}, bench.context)
    found = await deployment.read(state, bench.context)
    assert found is not None
    assert found["status"] == "idle"


# --- delete -----------------------------------------------------------------------------------------------------


async def test_deleting_what_is_over_sends_nothing_but_looks(bench: Bench) -> None:
    state = await bench.create()
    await deployment.delete(state, bench.context)
    assert (bench.fake.dropped, bench.fake.killed, bench.fake.removed) == (0, [], [])
    assert bench.told.warnings == []


async def test_retain_does_not_even_look(bench: Bench) -> None:
    state = await bench.create(on_delete="retain")
    calls = sum(bench.fake.calls.values())
    await deployment.delete(state, bench.context)
    assert sum(bench.fake.calls.values()) == calls


async def test_remove_takes_the_row_out_of_the_history(bench: Bench) -> None:
    state = await bench.create(on_delete="remove")
    await deployment.delete(state, bench.context)
    assert bench.fake.removed == [state["deployment_id"]]
    await deployment.delete(state, bench.context)
    assert len(bench.fake.removed) == 1, "a row that is gone is not asked for again"


def _waiting_state(bench: Bench, nonce: str = "0123456789ab") -> dict[str, Any]:
    """Our job waits behind a running one."""
    bench.fake.foreign("running", 60.0)
    bench.fake.server.deploy("ours", f"(pulumi run {nonce})", 5.0)
    return {**APP, "nonce": nonce, "deployment_id": None}


async def test_cancel_drops_our_waiting_job(bench: Bench) -> None:
    state = _waiting_state(bench)
    await deployment.delete(state, bench.context)
    assert bench.fake.dropped == 1
    assert bench.fake.server.queue_order() == ["running"]


async def test_cancel_never_drops_others_waiting_jobs_with_ours(bench: Bench) -> None:
    state = _waiting_state(bench)
    bench.fake.foreign("a colleague", 5.0)
    await deployment.delete(state, bench.context)
    assert bench.fake.dropped == 0
    assert "only drop all of them together" in bench.told.warnings[0]


async def test_cancel_of_somebody_else_s_waiting_job_never_happens(bench: Bench) -> None:
    state = {**_waiting_state(bench), "nonce": "ffffffffffff"}
    await deployment.delete(state, bench.context)
    assert bench.fake.dropped == 0


async def test_a_running_build_that_can_t_be_stopped_alone_goes_on_and_that_is_said(bench: Bench) -> None:
    bench.fake.build_seconds = 600.0
    state = await bench.create(wait_for="none")
    await deployment.delete({**state, "on_delete": "cancel"}, bench.context)
    assert bench.fake.killed == [state["deployment_id"]]
    assert "goes on to its end" in bench.told.warnings[0]
    assert bench.fake.calls["application.killBuild"] == 0


async def test_deleting_a_database_s_deployment_sends_nothing(clock: VirtualClock) -> None:
    bench = Bench(clock, kind=ServiceKind.REDIS, source=None)
    await deployment.delete({"redis_id": SERVICE_ID, "on_delete": "remove"}, bench.context)
    assert sum(bench.fake.calls.values()) == 0


async def test_a_short_outage_is_borne_by_a_delete(bench: Bench) -> None:
    state = await bench.create(on_delete="remove")
    bench.fake.fail("deployment.queueList", faults.refused())
    bench.fake.fail("deployment.removeDeployment", faults.server_error())
    await deployment.delete(state, bench.context)
    assert bench.fake.removed == [state["deployment_id"]]


# --- verify -----------------------------------------------------------------------------------------------------


async def test_verify_finds_the_service(bench: Bench) -> None:
    found = await deployment.verify(APP, bench.context)
    assert found is not None
    assert found.name == "shop"


async def test_verify_tells_an_unknown_id_with_where_ids_are_found(bench: Bench) -> None:
    with pytest.raises(UnknownService, match="after /application/"):
        await deployment.verify({"application_id": "app-9"}, bench.context)


async def test_verify_asks_nothing_while_the_service_is_not_known(bench: Bench) -> None:
    assert await deployment.verify({}, bench.context) is None
    assert sum(bench.fake.calls.values()) == 0


async def test_verify_of_a_dead_server_is_told_within_seconds(bench: Bench) -> None:
    bench.fake.server.up_again_at = 9999.0
    with pytest.raises(DokployError):
        await deployment.verify(APP, bench.context)
    assert bench.clock.elapsed < 20.0
