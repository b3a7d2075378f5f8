"""Transient faults are retried for a while, with growing pauses; a wrong key is told at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from pulumi_dokploy_deployments.api.errors import ApiError
from pulumi_dokploy_deployments.waiting.retry import (
    BRIEF_SECONDS,
    LONGEST_PAUSE_SECONDS,
    RetryBudget,
    retry_transient,
    short_budget,
)
from tests.support import api_faults as faults
from tests.support.virtual_clock import VirtualClock

Fault = Callable[[], ApiError]


@pytest.mark.parametrize("fault", faults.TRANSIENT)
def test_a_transient_fault_is_retried_until_the_budget_is_used_up(fault: Fault) -> None:
    budget = RetryBudget(budget_seconds=10.0)
    assert budget.pause_after(fault(), 100.0) is not None
    assert budget.pause_after(fault(), 109.9) is not None
    assert budget.pause_after(fault(), 110.0) is None


def test_pauses_are_short_again_after_a_success() -> None:
    budget = RetryBudget(jitter=lambda: 1.0)
    first, *_ = [budget.pause_after(faults.refused(), float(number)) for number in range(5)]
    budget.succeeded()
    assert budget.pause_after(faults.refused(), 6.0) == first


@pytest.mark.parametrize(("at", "is_retried"), [(9.9, True), (10.0, False), (11.0, False)])
def test_after_the_deadline_nothing_is_retried(at: float, is_retried: bool) -> None:
    assert (RetryBudget(until=10.0).pause_after(faults.refused(), at) is not None) is is_retried


@pytest.mark.parametrize("fault", faults.FINAL)
def test_a_fault_that_repeating_can_t_mend_is_told_at_once(fault: Fault) -> None:
    assert RetryBudget().pause_after(fault(), 0.0) is None


def test_a_401_is_final_until_the_client_s_key_has_worked_and_transient_afterwards() -> None:
    assert RetryBudget().pause_after(faults.unauthorized(has_worked=False), 0.0) is None
    assert RetryBudget().pause_after(faults.unauthorized(has_worked=True), 0.0) is not None


@pytest.mark.parametrize("fault", [lambda: faults.in_front(has_worked=False), faults.unexpected])
def test_what_will_hardly_pass_is_retried_briefly(fault: Fault) -> None:
    budget = RetryBudget(budget_seconds=180.0)
    assert budget.pause_after(faults.refused(), 0.0) is not None
    assert budget.pause_after(fault(), 100.0) is not None, "the refusals before it don't count"
    assert budget.pause_after(fault(), 100.0 + BRIEF_SECONDS - 0.1) is not None
    assert budget.pause_after(fault(), 100.0 + BRIEF_SECONDS) is None


def test_how_long_a_fault_goes_on_does_not_depend_on_when_it_began() -> None:
    budget = RetryBudget(budget_seconds=180.0)
    assert budget.pause_after(faults.unexpected(), 2.0) is not None
    assert budget.pause_after(faults.unexpected(), 7.9) is not None
    assert budget.pause_after(faults.unexpected(), 8.1) is None


def test_a_page_in_place_of_dokploy_is_retried_like_any_fault_once_it_has_worked() -> None:
    budget = RetryBudget(budget_seconds=60.0)
    assert budget.pause_after(faults.in_front(has_worked=True), 0.0) is not None
    assert budget.pause_after(faults.in_front(has_worked=True), 59.0) is not None


def test_a_success_fills_the_budget_up_again() -> None:
    budget = RetryBudget(budget_seconds=10.0)
    budget.pause_after(faults.refused(), 0.0)
    budget.succeeded()
    assert budget.pause_after(faults.refused(), 15.0) is not None
    assert budget.pause_after(faults.refused(), 24.0) is not None
    assert budget.pause_after(faults.refused(), 25.0) is None


def test_pauses_grow_from_a_quarter_second_to_their_longest() -> None:
    budget = RetryBudget(budget_seconds=1000.0, jitter=lambda: 1.0)
    pauses = [budget.pause_after(faults.refused(), 0.0) for _ in range(8)]
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0]


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 40))
def test_jitter_takes_at_most_half_of_a_pause(jitter: float, failures: int) -> None:
    budget = RetryBudget(budget_seconds=1e9, jitter=lambda: jitter)
    full = RetryBudget(budget_seconds=1e9, jitter=lambda: 1.0)
    for _ in range(failures):
        pause, longest = budget.pause_after(faults.refused(), 0.0), full.pause_after(faults.refused(), 0.0)
    assert pause is not None
    assert longest is not None
    assert longest / 2 <= pause <= longest <= LONGEST_PAUSE_SECONDS


def test_a_proxy_s_wish_for_a_longer_pause_is_granted() -> None:
    budget = RetryBudget(budget_seconds=100.0)
    assert budget.pause_after(faults.slow_down(30.0), 0.0) == 30.0
    pause = budget.pause_after(faults.slow_down(None), 1.0)
    assert pause is not None
    assert pause <= LONGEST_PAUSE_SECONDS


def test_no_proxy_can_make_a_wait_sleep_longer_than_its_budget() -> None:
    assert RetryBudget(budget_seconds=60.0).pause_after(faults.slow_down(86_400.0), 0.0) == 60.0


class AnyCourse(RuleBasedStateMachine):
    """Faults, successes and time in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.budget = RetryBudget(budget_seconds=20.0)
        self.at = 0.0
        self.failing_since: float | None = None

    @rule(seconds=st.floats(0, 30))
    def time_passes(self, seconds: float) -> None:
        self.at += seconds

    @rule()
    def a_call_goes_through(self) -> None:
        self.budget.succeeded()
        self.failing_since = None

    @rule(fault=st.sampled_from(faults.FINAL))
    def a_final_fault(self, fault: Fault) -> None:
        assert self.budget.pause_after(fault(), self.at) is None

    @rule(fault=st.sampled_from(faults.TRANSIENT))
    def a_transient_fault(self, fault: Fault) -> None:
        pause = self.budget.pause_after(fault(), self.at)
        if self.failing_since is None:
            self.failing_since = self.at
        if self.at - self.failing_since >= 20.0:
            assert pause is None, "retried beyond the budget"
        else:
            assert pause is not None, "a transient fault within the budget ended the wait"
            assert 0 < pause <= LONGEST_PAUSE_SECONDS


AnyCourse.TestCase.settings = settings(max_examples=50, stateful_step_count=20, deadline=None)
TestAnyCourse = AnyCourse.TestCase


async def test_a_call_is_repeated_until_it_goes_through_and_every_fault_is_told(clock: VirtualClock) -> None:
    answers: list[ApiError | str] = [faults.refused(), faults.server_error(), "fine"]
    told: list[ApiError] = []

    async def call() -> str:
        answer = answers.pop(0)
        if isinstance(answer, ApiError):
            raise answer
        return answer

    budget = RetryBudget(jitter=lambda: 1.0)
    assert await retry_transient(call, budget=budget, clock=clock, on_fault=told.append) == "fine"
    assert len(told) == 2
    assert clock.elapsed == 1.5


async def test_a_dead_server_is_told_within_seconds_at_the_start_of_an_operation(clock: VirtualClock) -> None:
    async def call() -> None:
        raise faults.refused()

    with pytest.raises(ApiError, match="No connection"):
        await retry_transient(call, budget=short_budget(), clock=clock)
    assert 6.0 <= clock.elapsed <= 6.0 + LONGEST_PAUSE_SECONDS


async def test_only_the_client_s_errors_are_retried(clock: VirtualClock) -> None:
    async def call() -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        await retry_transient(call, budget=RetryBudget(), clock=clock)
    assert clock.elapsed == 0.0


async def test_a_call_that_went_through_gives_the_next_one_the_whole_budget(clock: VirtualClock) -> None:
    budget = short_budget()

    async def call() -> str:
        if clock.elapsed < until:
            raise faults.refused()
        return "fine"

    for _ in range(3):
        until = clock.elapsed + 4.0
        assert await retry_transient(call, budget=budget, clock=clock) == "fine"
    assert clock.elapsed > 12.0
