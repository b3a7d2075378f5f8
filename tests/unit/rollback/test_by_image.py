"""A rollback by its stored image: sent once, and believed only when the pinned image is seen to run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pulumi_dokploy_deployments.api.errors import ApiError, Step, TooOld
from pulumi_dokploy_deployments.rollback.by_image import (
    RollbackFailed,
    RollbackUnproven,
    roll_back_and_verify,
    running_image,
)
from pulumi_dokploy_deployments.rollback.targets import Strategy, Target
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.progress import Activity
from pulumi_dokploy_deployments.workload.verdict import Health
from tests.support import api_faults as faults
from tests.support.fake_dokploy import FakeTask
from tests.support.listener import Listener
from tests.support.virtual_clock import VirtualClock
from tests.unit.rollback.histories import candidate, git_service
from tests.unit.rollback.versions import NEW, OLD, Versions


@pytest.fixture
def fake(clock: VirtualClock) -> Versions:
    return Versions(clock)


@pytest.fixture
def told() -> Listener:
    return Listener()


def target() -> Target:
    found = candidate(1)
    return Target(
        Strategy.IMAGE, found.deployment_id, found.created_at, "", rollback_id="r1", version=1, image="shop-x1y2z3:v1"
    )


async def roll_back(fake: Versions, told: Listener, timeout_seconds: float = 300.0, **more: Any) -> Any:
    context = RunContext(fake, fake.clock, told, has_live_log=False)
    return await roll_back_and_verify(fake.service, target(), context, timeout_seconds=timeout_seconds, **more)


# --- the good end -----------------------------------------------------------------------------------------------


async def test_a_rollback_is_proven_by_the_image_that_runs(fake: Versions, told: Listener) -> None:
    proof = await roll_back(fake, told)
    assert (proof.verdict.health, proof.image, proof.previous_image) == (Health.HEALTHY, OLD, NEW)
    assert fake.rolled_back == ["r1"]
    assert not told.warnings
    first = told.progresses[0]
    assert (first.activity, first.detail) == (Activity.ROLLING_BACK, "version 1 (9 hours ago, by image)")


async def test_the_record_says_what_was_there_before_and_that_it_was_sent(fake: Versions, told: Listener) -> None:
    record = RunRecord()
    await roll_back(fake, told, record=record)
    assert record.is_sent
    assert record.known_service is fake.service
    assert record.before.image == NEW
    assert record.before.unit_ids == {"old"}


async def test_who_may_not_see_docker_is_warned_and_nothing_is_claimed(fake: Versions, told: Listener) -> None:
    fake.fail("docker.getServiceContainersByAppName", faults.denied())
    proof = await roll_back(fake, told)
    assert proof.verdict.health is Health.UNKNOWN
    assert (proof.image, proof.previous_image) == ("shop-x1y2z3:v1", "")
    (warning,) = told.warnings
    assert warning.startswith("The server took the rollback, but whether the version runs could not be checked: ")
    assert proof.verdict.reason in warning
    assert proof.verdict.reason
    assert fake.rolled_back == ["r1"]


async def test_short_faults_before_and_after_are_retried(fake: Versions, told: Listener) -> None:
    fake.fail("docker.getServiceContainersByAppName", faults.refused())
    fake.fail("rollback.rollback", faults.refused())
    proof = await roll_back(fake, told)
    assert proof.image == OLD
    assert fake.rolled_back == ["r1"]
    retried = [each.detail for each in told.progresses if each.activity is Activity.RETRYING]
    assert retried == ["No connection"]


async def test_a_request_may_take_as_long_as_is_left_and_at_the_end_a_second(fake: Versions, told: Listener) -> None:
    before = fake.clock.elapsed
    await roll_back(fake, told, timeout_seconds=300.0)
    (left,) = fake.bounds
    assert callable(left)
    assert left() == pytest.approx(300.0 - (fake.clock.elapsed - before))
    fake.clock.advance(300.0)
    assert left() == 1.0


# --- the answer is lost -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("takes_seconds", [0.0, 40.0])
async def test_a_lost_answer_is_no_second_rollback_where_the_first_arrived(
    fake: Versions, told: Listener, takes_seconds: float
) -> None:
    fake.takes_seconds = takes_seconds
    fake.fail("rollback.rollback", faults.lost(), answer=True)
    proof = await roll_back(fake, told)
    assert (proof.verdict.health, proof.image) == (Health.HEALTHY, OLD)
    assert (fake.calls["rollback.rollback"], fake.rolled_back) == (1, ["r1"])


@pytest.mark.parametrize(("runs", "brings"), [(NEW, OLD), (f"{OLD}0", OLD), ("a/shop:1", OLD)])
async def test_another_image_alone_shows_that_the_first_one_arrived(
    fake: Versions, told: Listener, monkeypatch: pytest.MonkeyPatch, runs: str, brings: str
) -> None:
    """Where the service had none before, Swarm tells of no update."""
    fake.image, fake.goes_to = runs, brings

    monkeypatch.setattr(fake, "_bring", lambda: setattr(fake, "image", brings))
    fake.fail("rollback.rollback", faults.lost(), answer=True)
    with pytest.raises(RollbackUnproven, match="Swarm has made no new task"):
        await roll_back(fake, told)
    assert (fake.calls["rollback.rollback"], fake.rolled_back) == (1, ["r1"])


async def test_an_update_alone_shows_that_the_first_one_arrived(fake: Versions, told: Listener) -> None:
    """The pinned version runs already; it is brought once more."""
    fake.image = OLD
    fake.fail("rollback.rollback", faults.lost(), answer=True)
    proof = await roll_back(fake, told)
    assert (proof.image, proof.previous_image) == (OLD, OLD)
    assert (fake.calls["rollback.rollback"], fake.rolled_back) == (1, ["r1"])


async def test_every_request_of_a_rollback_has_the_time_that_is_left(
    fake: Versions, told: Listener, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_time = Versions(clock)
    monkeypatch.setattr(fake, "within", lambda _: in_time)
    await roll_back(fake, told)
    assert (fake.rolled_back, in_time.rolled_back) == ([], ["r1"])
    assert not fake.calls


@pytest.mark.parametrize("takes_seconds", [4.0, 30.0])
async def test_a_call_that_stays_open_is_looked_for_and_not_sent_again(
    fake: Versions, told: Listener, takes_seconds: float
) -> None:
    fake.takes_seconds, fake.answers_after = 1.0, takes_seconds
    proof = await roll_back(fake, told)
    assert (proof.verdict.health, proof.image) == (Health.HEALTHY, OLD)
    assert fake.rolled_back == ["r1"]
    assert fake.clock.elapsed < 22.0, "found at the server after 10 s"


async def test_another_update_meanwhile_is_not_taken_for_the_rollback(fake: Versions, told: Listener) -> None:
    """Somebody deploys a third version, and our call never arrived: it may still, so it is not sent again."""
    fake.before.append(_lost_before_its_effect(fake))
    with pytest.raises(RollbackFailed, match="Whether the server has carried it out is not known"):
        await roll_back(fake, told, timeout_seconds=40.0)
    assert (fake.calls["rollback.rollback"], fake.rolled_back) == (1, [])
    assert fake.image != OLD


def _lost_before_its_effect(fake: Versions) -> Callable[[str], None]:
    left = [faults.lost()]

    def hook(called: str) -> None:
        if called == "rollback.rollback" and left:
            fake.image = "registry.example.com/shop-x1y2z3:v3"
            fake._roll_out()
            raise left.pop()

    return hook


async def test_an_image_that_ran_before_is_no_sign_that_the_call_arrived(fake: Versions, told: Listener) -> None:
    fake.image = OLD
    fake.before.append(_always_lost)
    with pytest.raises(RollbackFailed, match="Whether the server has carried it out is not known"):
        await roll_back(fake, told, timeout_seconds=20.0)
    assert fake.rolled_back == []
    assert fake.calls["rollback.rollback"] == 1, "the server may still work on it"


def _always_lost(called: str) -> None:
    if called == "rollback.rollback":
        raise faults.lost()


async def test_without_docker_a_lost_answer_can_not_be_made_good(fake: Versions, told: Listener) -> None:
    record = RunRecord()
    fake.fail("docker.getServiceContainersByAppName", *[faults.denied()] * 9)
    fake.before.append(_always_lost)
    with pytest.raises(RollbackFailed, match=r"to version 1 .*: The connection broke \("):
        await roll_back(fake, told, timeout_seconds=20.0, record=record)
    assert fake.calls["rollback.rollback"] == 1
    assert record.is_sent, "it may have been carried out"


# --- the server refuses -----------------------------------------------------------------------------------------


async def refused(fake: Versions, told: Listener) -> RollbackFailed:
    fake.fail("rollback.rollback", faults.invalid())
    record = RunRecord()
    with pytest.raises(RollbackFailed) as caught:
        await roll_back(fake, told, record=record)
    assert not record.is_sent, "the server has not taken it"
    text = str(caught.value)
    assert 'application "shop" could not be rolled back to version 1 (9 hours ago, by image): ' in text
    assert text.endswith("The version that ran before keeps running.")
    assert "/dashboard/project/prj-1" in text
    assert (caught.value.service, caught.value.step) == ('application "shop"', Step.LOOK_AT_SERVICE)
    return caught.value


async def test_a_version_that_is_gone_from_the_history_is_told_so(fake: Versions, told: Listener) -> None:
    del fake.history[1]
    assert "the version is no longer in the server's history" in str(await refused(fake, told))


@pytest.mark.parametrize("off", [{"rollback_active": False}, {"rollback_registry_id": None}])
async def test_rollbacks_that_are_turned_off_are_told_so(fake: Versions, told: Listener, off: dict[str, Any]) -> None:
    fake.service = git_service(**off)
    assert "rollbacks are turned off, or have no registry" in str(await refused(fake, told))


async def test_without_a_visible_cause_the_usual_one_is_named(fake: Versions, told: Listener) -> None:
    assert "the login to the rollback registry fails" in str(await refused(fake, told))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (faults.denied(), "the API key's user may not access the service"),
        (faults.not_found(), "the service no longer exists"),
        (faults.refused(), "the server gives no reason, and the cause could not be looked up: No connection ("),
    ],
)
async def test_a_cause_that_can_not_be_looked_up_is_told_so(
    fake: Versions, told: Listener, error: ApiError, reason: str
) -> None:
    fake.fail("application.one", error)
    assert reason in str(await refused(fake, told))


# --- something else runs ----------------------------------------------------------------------------------------


async def unproven(fake: Versions, told: Listener, **more: Any) -> RollbackUnproven:
    with pytest.raises(RollbackUnproven) as caught:
        await roll_back(fake, told, **more)
    assert caught.value.service == 'application "shop"'
    assert "/dashboard/project/prj-1" in caught.value.link
    return caught.value


async def test_another_image_than_the_pinned_one_is_no_proof(fake: Versions, told: Listener) -> None:
    fake.goes_to = "registry.example.com/shop-x1y2z3:v11"
    error = await unproven(fake, told)
    assert (
        'The server took the rollback of application "shop" to version 1 (9 hours ago, by image), but '
        "registry.example.com/shop-x1y2z3:v11 runs instead" in str(error)
    )
    assert "Another deployment may have been made meanwhile." in str(error)
    assert error.step is Step.RUN_AGAIN


async def test_a_pinned_version_that_does_not_run_is_told_with_what_still_runs(fake: Versions, told: Listener) -> None:
    fake.crashes = True
    error = await unproven(fake, told)
    assert "(9 hours ago, by image), but that version does not run: " in str(error)
    assert "Its image may no longer be in the registry." in str(error)
    assert "choose another one" in str(error)
    assert "non-zero exit (1)" in error.reason
    assert "; the earlier version still runs (1 task, " in error.reason
    assert error.step is Step.CHANGE_INPUT


async def test_a_version_that_is_not_up_in_time_is_told_with_the_limit(fake: Versions, told: Listener) -> None:
    fake.at(1.0, lambda: fake.tasks.append(FakeTask("slow", 1.0, current="Preparing 3 seconds ago")))
    fake._roll_out = lambda: setattr(fake, "update", ("updating", fake.server.now))  # type: ignore[method-assign]
    error = await unproven(fake, told, timeout_seconds=25.0)
    assert 'application "shop" was rolled back to version 1 (9 hours ago, by image), but it did not run in time' in str(
        error
    )
    assert f"image {OLD}" in str(error.reason)
    assert "If it needs longer to start, raise timeout_seconds." in str(error)
    assert (error.property_name, error.step) == ("timeout_seconds", Step.CHANGE_INPUT)
    assert 25.0 <= fake.clock.elapsed < 28.0


# --- what runs now ----------------------------------------------------------------------------------------------


async def test_the_running_image_is_read_and_none_where_that_can_not_be_told(fake: Versions, told: Listener) -> None:
    context = RunContext(fake, fake.clock, told)
    assert await running_image(fake.service, context) == NEW
    fake.image = ""
    assert await running_image(fake.service, context) is None
    fake.image = NEW
    fake.fail("docker.getServiceContainersByAppName", faults.denied())
    assert await running_image(fake.service, context) is None


async def test_on_a_server_that_is_too_old_nothing_is_sent(fake: Versions, told: Listener) -> None:
    fake.version = "v0.20.0"
    with pytest.raises(TooOld):
        await roll_back(fake, told)
    assert fake.rolled_back == []
