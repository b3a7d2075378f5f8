"""Create, update, read and delete of a `Deployment`, against a small model of the server."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_dokploy_deployments.api.errors import AccessDenied, ApiError, DokployError
from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.hosts.flat_state import flat_state
from pulumi_dokploy_deployments.resources.deployment import DeploymentLifeCycle
from pulumi_dokploy_deployments.resources.deployment_model import DeploymentInputs, DeploymentOutputs
from pulumi_dokploy_deployments.resources.deployment_state import DeploymentRun, DeploymentState
from pulumi_dokploy_deployments.resources.fields import UNKNOWN
from pulumi_dokploy_deployments.resources.life_cycle import Operation, Stored, Unfinished, property_at_fault
from pulumi_dokploy_deployments.rollout.errors import DeploymentFailed
from pulumi_dokploy_deployments.rollout.failures import UnknownService
from pulumi_dokploy_deployments.waiting.context import RunContext
from tests.support import api_faults as faults
from tests.support.builders import SERVICE_ID, SHA, service
from tests.support.fake_dokploy import FakeDokploy
from tests.support.listener import Listener
from tests.support.virtual_clock import VirtualClock

APP: dict[str, Any] = {"application_id": SERVICE_ID}
TITLE = "pulumi up: shop/prod (web)"
CYCLE = DeploymentLifeCycle()


def given(**properties: Any) -> DeploymentInputs:
    """Checked inputs."""
    checked = CYCLE.check(properties)
    assert checked.inputs is not None, checked.problems
    return checked.inputs


class Bench:
    """A server and the resource's functions over it."""

    def __init__(self, clock: VirtualClock, **about: Any) -> None:
        self.clock = clock
        self.fake = FakeDokploy(clock, service(**about) if about else None)
        self.told = Listener()
        self.context = RunContext(self.fake, clock, self.told, has_live_log=False)

    async def create(self, **inputs: Any) -> DeploymentState:
        """The state after a create."""
        return (await self.stored(**APP, **inputs)).state

    async def stored(self, **inputs: Any) -> Stored[DeploymentState]:
        """The resource after a create, with its id."""
        return await CYCLE.create(given(**inputs), Operation(self.context, title=TITLE))

    async def update(self, state: DeploymentState, **inputs: Any) -> DeploymentState:
        """The state after an update."""
        return await CYCLE.update(state, given(**APP, **inputs), Operation(self.context))

    async def read(self, state: DeploymentState) -> DeploymentState | None:
        """The state after a refresh."""
        return await CYCLE.read(state, self.context)

    async def delete(self, state: DeploymentState, **inputs: Any) -> None:
        """A delete of a resource with these inputs."""
        changed = given(**APP, **inputs) if inputs else state.inputs
        await CYCLE.delete(state.model_copy(update={"inputs": changed}), Operation(self.context))

    async def ask(self, **properties: Any) -> None:
        """What a check asks the server."""
        await CYCLE.ask(None, given(**properties), self.context)

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
    created = await bench.stored(**APP, triggers={"release": "7"})
    identity, state = created.resource_id, created.state
    own = bench.fake.server.row_of["us 1"]
    assert identity == f"application/{SERVICE_ID}/{own}"
    assert set(DeploymentOutputs.model_fields) <= set(flat_state(state))
    assert state.inputs.triggers == {"release": "7"}
    assert (state.outputs.deployment_id, state.outputs.status, state.outputs.stage, state.outputs.health) == (
        own,
        "done",
        "done",
        "healthy",
    )
    assert (state.outputs.commit_hash, state.outputs.commit_message) == (SHA, "feat: a commit")
    assert state.outputs.duration_seconds == pytest.approx(4.0, abs=0.01)
    assert (state.outputs.created_at or "").startswith("2026-11-24T12:00:00.")
    assert (state.outputs.created_at or "").endswith("Z")
    assert state.outputs.pruned is False
    assert bench.fake.sent[0]["title"] == "pulumi up: shop/prod (web)"


async def test_the_user_s_own_title_wins_and_the_mark_is_not_shown_in_the_description(clock: VirtualClock) -> None:
    bench = Bench(clock, source="docker")
    state = await bench.create(title="release 7", description="by hand")
    assert bench.fake.sent[0]["title"] == "release 7"
    assert state.outputs.description == "by hand"
    assert state.run.nonce in bench.fake.sent[0]["description"]


async def test_a_database_has_no_row_and_says_so_with_none(clock: VirtualClock) -> None:
    bench = Bench(clock, kind=ServiceKind.REDIS, source=None)
    created = await bench.stored(redis_id=SERVICE_ID)
    identity, state = created.resource_id, created.state
    assert identity == f"redis/{SERVICE_ID}/{state.run.nonce}"
    assert (state.outputs.deployment_id, state.outputs.status, state.outputs.health) == (None, "done", "healthy")


async def test_a_failed_create_raises_with_what_is_to_be_kept(bench: Bench) -> None:
    bench.fake.fails = True
    with pytest.raises(Unfinished) as failure:
        await bench.create()
    assert isinstance(failure.value.error, DeploymentFailed)
    assert failure.value.resource_id == f"application/{SERVICE_ID}/{bench.fake.server.row_of['us 1']}"


async def test_a_created_resource_does_not_differ_from_its_program(bench: Bench) -> None:
    inputs = {"triggers": {"a": [1, {"b": None}]}, "timeout_seconds": 600, "title": "mine", "on_busy": "fail"}
    state = await bench.create(**inputs)
    assert not CYCLE.plan(state, given(**APP, **inputs)).has_changes


# --- update -----------------------------------------------------------------------------------------------------


async def test_a_changed_trigger_deploys_once_more_and_says_what_changed(bench: Bench) -> None:
    state = await bench.create(triggers={"image": "a"})
    updated = await bench.update(state, triggers={"image": "b"})
    assert bench.sent == 2
    assert updated.outputs.deployment_id == bench.fake.server.row_of["us 2"] != state.outputs.deployment_id
    assert updated.inputs.triggers == {"image": "b"}
    assert "triggers.image changed" in bench.told.statuses


async def test_a_changed_setting_is_stored_and_nothing_is_sent(bench: Bench) -> None:
    state = await bench.create(on_delete="cancel")
    calls = sum(bench.fake.calls.values())
    news = {"on_delete": "retain", "timeout_seconds": 60, "title": "another"}
    updated = await bench.update(state, **news)
    assert sum(bench.fake.calls.values()) == calls
    assert (updated.inputs.on_delete, updated.inputs.timeout_seconds) == ("retain", 60)
    assert (updated.outputs.deployment_id, updated.outputs.title) == (state.outputs.deployment_id, "feat: a commit")
    assert updated.inputs.title == "another"
    assert not CYCLE.plan(updated, given(**APP, **news)).has_changes


async def test_a_removed_setting_is_gone_from_the_state_and_does_not_come_up_again(bench: Bench) -> None:
    state = await bench.create(on_busy="fail", on_delete="retain", expect_commit=SHA[:7])
    updated = await bench.update(state)
    assert bench.sent == 1
    assert not CYCLE.plan(updated, given(**APP)).has_changes
    assert "on_delete" not in flat_state(updated)


# --- read -------------------------------------------------------------------------------------------------------


async def test_a_refresh_of_an_untouched_deployment_changes_nothing(bench: Bench) -> None:
    state = await bench.create()
    assert await bench.read(state) == state


async def test_a_newer_deployment_of_somebody_else_is_told_and_is_no_deletion(bench: Bench) -> None:
    state = await bench.create()
    bench.fake.foreign("a colleague", 1.0)
    await bench.clock.sleep(5.0)
    found = await bench.read(state)
    assert found is not None
    assert found.outputs.superseded_by == bench.fake.server.row_of["a colleague"]
    assert (found.outputs.deployment_id, found.outputs.pruned) == (state.outputs.deployment_id, False)
    assert not CYCLE.plan(found, given(**APP)).has_changes


async def test_a_row_that_the_server_has_dropped_is_pruned_and_keeps_what_was_known(bench: Bench) -> None:
    state = await bench.create()
    for number in range(12):
        bench.fake.foreign(f"other {number}", 0.3)
    await bench.clock.sleep(30.0)
    found = await bench.read(state)
    assert found is not None
    assert found.outputs.pruned is True
    assert found.outputs.superseded_by == bench.fake.server.row_of["other 11"]
    assert found.outputs.commit_hash == state.outputs.commit_hash
    assert not CYCLE.plan(found, given(**APP)).has_changes


async def test_a_deployment_whose_row_was_not_seen_is_found_by_its_mark(clock: VirtualClock) -> None:
    bench = Bench(clock, source="docker")
    state = await bench.create()
    state = state.model_copy(update={"outputs": state.outputs.model_copy(update={"deployment_id": None})})
    found = await bench.read(state)
    assert found is not None
    assert found.outputs.deployment_id == bench.fake.server.row_of["us 1"]


async def test_a_service_that_is_gone_takes_the_resource_with_it(bench: Bench) -> None:
    state = (await bench.create()).model_copy(update={"inputs": given(application_id="app-gone")})
    assert await bench.read(state) is None


async def test_a_service_that_may_not_be_seen_is_not_taken_for_gone(bench: Bench) -> None:
    state = await bench.create()
    bench.fake.fail("application.one", faults.denied())
    with pytest.raises(AccessDenied):
        await bench.read(state)


async def test_a_server_that_is_away_is_not_taken_for_a_deletion(bench: Bench) -> None:
    state = await bench.create()
    bench.fake.fail("application.one", *[faults.refused() for _ in range(99)])
    with pytest.raises(ApiError):
        await bench.read(state)


async def test_a_short_outage_is_borne_by_a_refresh(bench: Bench) -> None:
    state = await bench.create()
    bench.fake.fail("application.one", faults.refused())
    bench.fake.fail("deployment.all", faults.server_error())
    assert await bench.read(state) == state


async def test_a_database_s_refresh_shows_the_server_s_status(clock: VirtualClock) -> None:
    bench = Bench(clock, kind=ServiceKind.REDIS, source=None)
    state = (await bench.stored(redis_id=SERVICE_ID)).state
    found = await bench.read(state)
    assert found is not None
    assert found.outputs.status == "idle"


# --- delete -----------------------------------------------------------------------------------------------------


async def test_deleting_what_is_over_sends_nothing_but_looks(bench: Bench) -> None:
    state = await bench.create()
    await bench.delete(state)
    assert (bench.fake.dropped, bench.fake.killed, bench.fake.removed) == (0, [], [])
    assert bench.told.warnings == []


async def test_retain_does_not_even_look(bench: Bench) -> None:
    state = await bench.create(on_delete="retain")
    calls = sum(bench.fake.calls.values())
    await bench.delete(state)
    assert sum(bench.fake.calls.values()) == calls


async def test_remove_takes_the_row_out_of_the_history(bench: Bench) -> None:
    state = await bench.create(on_delete="remove")
    await bench.delete(state)
    assert bench.fake.removed == [state.outputs.deployment_id]
    await bench.delete(state)
    assert len(bench.fake.removed) == 1, "a row that is gone is not asked for again"


def _waiting_state(bench: Bench, nonce: str = "0123456789ab") -> DeploymentState:
    """Our job waits behind a running one."""
    bench.fake.foreign("running", 60.0)
    bench.fake.server.deploy("ours", "(pulumi run 0123456789ab)", 5.0)
    return DeploymentState(inputs=given(**APP), outputs=DeploymentOutputs(), run=DeploymentRun(nonce=nonce))


async def test_cancel_drops_our_waiting_job(bench: Bench) -> None:
    state = _waiting_state(bench)
    await bench.delete(state)
    assert bench.fake.dropped == 1
    assert bench.fake.server.queue_order() == ["running"]


async def test_cancel_never_drops_others_waiting_jobs_with_ours(bench: Bench) -> None:
    state = _waiting_state(bench)
    bench.fake.foreign("a colleague", 5.0)
    await bench.delete(state)
    assert bench.fake.dropped == 0
    assert "only drop all of them together" in bench.told.warnings[0]


async def test_cancel_of_somebody_else_s_waiting_job_never_happens(bench: Bench) -> None:
    state = _waiting_state(bench, nonce="ffffffffffff")
    await bench.delete(state)
    assert bench.fake.dropped == 0


async def test_a_running_build_that_can_t_be_stopped_alone_goes_on_and_that_is_said(bench: Bench) -> None:
    bench.fake.build_seconds = 600.0
    state = await bench.create(wait_for="none")
    await bench.delete(state, on_delete="cancel")
    assert bench.fake.killed == [state.outputs.deployment_id]
    assert "goes on to its end" in bench.told.warnings[0]
    assert bench.fake.calls["application.killBuild"] == 0


async def test_deleting_a_database_s_deployment_sends_nothing(clock: VirtualClock) -> None:
    bench = Bench(clock, kind=ServiceKind.REDIS, source=None)
    inputs = given(redis_id=SERVICE_ID, on_delete="remove")
    state = DeploymentState(inputs=inputs, outputs=DeploymentOutputs(), run=DeploymentRun())
    await bench.delete(state)
    assert sum(bench.fake.calls.values()) == 0


async def test_a_short_outage_is_borne_by_a_delete(bench: Bench) -> None:
    state = await bench.create(on_delete="remove")
    bench.fake.fail("deployment.queueList", faults.refused())
    bench.fake.fail("deployment.removeDeployment", faults.server_error())
    await bench.delete(state)
    assert bench.fake.removed == [state.outputs.deployment_id]


# --- what a check asks ------------------------------------------------------------------------------------------


async def test_a_service_that_is_there_is_found(bench: Bench) -> None:
    await bench.ask(**APP)
    assert bench.fake.calls["application.one"] == 1
    assert bench.told.warnings == []


async def test_an_unknown_id_is_told_with_where_ids_are_found_and_belongs_to_the_service_s_input(bench: Bench) -> None:
    inputs = given(application_id="app-9", timeout_seconds=5)
    with pytest.raises(UnknownService, match="after /application/") as failure:
        await CYCLE.ask(None, inputs, bench.context)
    assert property_at_fault(failure.value, inputs) == "application_id"


async def test_a_service_that_is_not_known_yet_is_not_asked_about() -> None:
    assert not given(application_id=UNKNOWN).can_be_asked_about
    assert not given(**APP, connection=UNKNOWN).can_be_asked_about
    assert given(**APP, triggers=[UNKNOWN], title=UNKNOWN).can_be_asked_about


async def test_a_dead_server_is_told_within_seconds_and_is_no_input_s_fault(bench: Bench) -> None:
    bench.fake.server.up_again_at = 9999.0
    with pytest.raises(DokployError) as failure:
        await bench.ask(**APP)
    assert bench.clock.elapsed < 20.0
    assert property_at_fault(failure.value, given(**APP)) == ""


async def test_a_failure_that_names_its_input_belongs_there_if_the_program_gives_it() -> None:
    error = DokployError("Bad.", property_name="expect_commit")
    assert property_at_fault(error, given(**APP, expect_commit="abcdef1")) == "expect_commit"
    assert property_at_fault(error, given(**APP)) == ""


async def test_an_unchanged_resource_asks_nothing(bench: Bench) -> None:
    await CYCLE.ask(given(**APP, title="old"), given(**APP, title="new"), bench.context)
    assert sum(bench.fake.calls.values()) == 0


async def test_a_key_that_can_t_see_what_runs_is_told_before_the_deployment(bench: Bench) -> None:
    bench.fake.fail("docker.getServiceContainersByAppName", *[faults.denied() for _ in range(3)])
    await bench.ask(**APP)
    (warning,) = bench.told.warnings
    assert "docker:read" in warning
    assert "set wait_for to done" in warning
    bench.told.warnings.clear()
    await bench.ask(**APP, wait_for="done")
    assert bench.told.warnings == []
