"""Pins under random releases, failures, prunings, rollbacks and restarts: outputs always match what really runs."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pulumi_dokploy_deployments.resources import rollback_target
from pulumi_dokploy_deployments.rollback.targets import NoSuchTarget
from pulumi_dokploy_deployments.rollout.errors import RolloutError
from tests.support.bench import Bench

T = TypeVar("T")

SETTLED_SECONDS = 40.0
"""A build of half a second, its rollout, and a rollback of Swarm's own are over after that."""


class Pins(RuleBasedStateMachine):
    """One application with rollbacks enabled, one pin, and people who do as they like."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.loop = asyncio.new_event_loop()
        self.bench = Bench(self.patch, build_seconds=0.5)
        self.app = self.bench.service("ok")
        self.inputs: dict[str, Any] = {"application_id": self.app.id, "on_delete": "retain", "stream_logs": False}
        self.pin: dict[str, Any] | None = None
        self.releases = 0

    def teardown(self) -> None:
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()
        self.patch.undo()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def settle(self, seconds: float = SETTLED_SECONDS) -> None:
        for _ in range(int(seconds * 4)):
            self.bench.clock.advance(0.25)
            self.bench.world.advance(self.bench.clock.epoch())

    def running(self) -> set[str]:
        """The truth: the images of the containers that run."""
        return set(self.bench.world.running_images(self.app.app_name))

    def target_image(self, state: dict[str, Any]) -> str:
        return str(state[rollback_target.TARGET]["image"])

    def runs_target(self, state: dict[str, Any]) -> bool:
        return bool(self.running()) and all(image.endswith(self.target_image(state)) for image in self.running())

    @rule(build=st.sampled_from(["ok", "ok", "fails"]), runtime=st.sampled_from(["healthy", "healthy", "exits"]))
    def somebody_releases(self, build: str, runtime: str) -> None:
        self.releases += 1
        self.bench.world.push_commit("ok", f"release {self.releases}", build=build, runtime=runtime)  # type: ignore[arg-type]
        self.bench.colleague_deploys("ok")
        self.settle()

    @rule(count=st.integers(min_value=8, max_value=12))
    def many_releases_prune_the_history(self, count: int) -> None:
        for _ in range(count):
            self.bench.colleague_deploys("ok")
        self.settle(SETTLED_SECONDS + count)

    @rule()
    def the_server_restarts(self) -> None:
        self.bench.world.restart(down_seconds=2.0)
        self.settle()

    @precondition(lambda self: self.pin is None)
    @rule(previous=st.integers(min_value=1, max_value=4))
    def we_pin(self, previous: int) -> None:
        context = self.bench.run_context()
        asked = {**self.inputs, "previous": previous}
        try:
            resolved = self.run(rollback_target.resolve({}, asked, context))
        except NoSuchTarget:
            return
        try:
            _, state = self.run(rollback_target.create(resolved, context))
        except RolloutError:
            self.settle()
            assert not self.runs_target(resolved), "a pin that failed must not run"
            return
        assert state["holds"] is True
        assert self.runs_target(state)
        assert state["image"].endswith(self.target_image(state))
        self.pin = state

    @precondition(lambda self: self.pin is not None)
    @rule()
    def we_refresh(self) -> None:
        assert self.pin is not None
        found = self.run(rollback_target.read(self.pin, self.bench.run_context()))
        assert found is not None
        assert found["holds"] == self.runs_target(found)
        self.pin = found

    @precondition(lambda self: self.pin is not None)
    @rule()
    def we_run_up_again(self) -> None:
        assert self.pin is not None
        context = self.bench.run_context()
        held = self.runs_target(self.pin)
        asked = {name: self.pin[name] for name in (*self.inputs, "previous")}
        news = self.run(rollback_target.resolve(self.pin, asked, context))
        assert news[rollback_target.TARGET] == self.pin[rollback_target.TARGET], "resolved once and then kept"
        looked = self.run(rollback_target.look(self.pin, context))
        assert rollback_target.diff(looked, news).has_changes != held
        if held:
            return
        try:
            state = self.run(rollback_target.update(self.pin, news, context))
        except RolloutError:
            self.settle()
            assert not self.runs_target(self.pin)
            return
        assert state["holds"] is True
        assert self.runs_target(state)
        self.pin = state

    @precondition(lambda self: self.pin is not None)
    @rule(redeploy=st.booleans())
    def we_release_the_pin(self, redeploy: bool) -> None:
        assert self.pin is not None
        before = self.running()
        state = {**self.pin, "on_delete": "redeploy" if redeploy else "retain"}
        try:
            self.run(rollback_target.delete(state, self.bench.run_context()))
        except RolloutError:
            self.settle()
            return
        if redeploy:
            assert not self.runs_target(self.pin)
        else:
            assert self.running() == before
        self.pin = None

    @invariant()
    def no_secret_is_in_the_state(self) -> None:
        for secret in (*self.bench.simulator.ready["secrets"], *self.bench.simulator.ready["api_keys"].values()):
            assert secret not in repr(self.pin)


# A few seconds: each step is a whole deployment, through the real client and the simulator's HTTP surface.
TestPins = Pins.TestCase
TestPins.settings = settings(
    max_examples=25,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
