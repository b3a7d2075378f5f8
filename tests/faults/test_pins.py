"""Pins under random releases, failures, prunings, rollbacks and restarts: outputs always match what really runs."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pulumi_dokploy_deployments.resources.life_cycle import Operation, Unfinished
from pulumi_dokploy_deployments.resources.rollback_target import RollbackTargetLifeCycle
from pulumi_dokploy_deployments.resources.rollback_target_model import OnRelease
from pulumi_dokploy_deployments.resources.rollback_target_state import PinInputs, RollbackTargetState
from pulumi_dokploy_deployments.rollback.targets import NoSuchTarget
from pulumi_dokploy_deployments.rollout.errors import RolloutError
from tests.support.bench import Bench

T = TypeVar("T")

CYCLE = RollbackTargetLifeCycle()

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
        self.pin: RollbackTargetState | None = None
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

    def given(self, **more: Any) -> PinInputs:
        checked = CYCLE.check({**self.inputs, **more})
        assert checked.inputs is not None
        return checked.inputs

    def runs_target(self, inputs: PinInputs) -> bool:
        image = inputs.target.image if inputs.target is not None else None
        return bool(self.running()) and all(running.endswith(str(image)) for running in self.running())

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
        try:
            resolved = self.run(CYCLE.ask(None, self.given(previous=previous), context))
        except NoSuchTarget:
            return
        try:
            state = self.run(CYCLE.create(resolved, Operation(context))).state
        except (RolloutError, Unfinished):
            self.settle()
            assert not self.runs_target(resolved), "a pin that failed must not run"
            return
        assert state.outputs.holds is True
        assert self.runs_target(state.inputs)
        assert resolved.target is not None
        assert str(state.outputs.image).endswith(str(resolved.target.image))
        self.pin = state

    @precondition(lambda self: self.pin is not None)
    @rule()
    def we_refresh(self) -> None:
        assert self.pin is not None
        found = self.run(CYCLE.read(self.pin, self.bench.run_context()))
        assert found is not None
        assert found.outputs.holds == self.runs_target(found.inputs)
        self.pin = found

    @precondition(lambda self: self.pin is not None)
    @rule()
    def we_run_up_again(self) -> None:
        assert self.pin is not None
        context = self.bench.run_context()
        held = self.runs_target(self.pin.inputs)
        news = self.run(CYCLE.ask(self.pin.inputs, self.given(previous=self.pin.inputs.previous), context))
        assert news.target == self.pin.inputs.target, "resolved once and then kept"
        looked = self.run(CYCLE.look(self.pin, context))
        assert CYCLE.plan(looked, news).has_changes != held
        if held:
            return
        try:
            state = self.run(CYCLE.update(self.pin, news, Operation(context)))
        except (RolloutError, Unfinished):
            self.settle()
            assert not self.runs_target(self.pin.inputs)
            return
        assert state.outputs.holds is True
        assert self.runs_target(state.inputs)
        self.pin = state

    @precondition(lambda self: self.pin is not None)
    @rule(redeploy=st.booleans())
    def we_release_the_pin(self, redeploy: bool) -> None:
        assert self.pin is not None
        before = self.running()
        on_delete = "redeploy" if redeploy else "retain"
        state = self.pin.model_copy(
            update={"inputs": self.pin.inputs.model_copy(update={"on_delete": OnRelease(on_delete)})}
        )
        try:
            self.run(CYCLE.delete(state, Operation(self.bench.run_context())))
        except RolloutError:
            self.settle()
            return
        if redeploy:
            assert not self.runs_target(self.pin.inputs)
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
