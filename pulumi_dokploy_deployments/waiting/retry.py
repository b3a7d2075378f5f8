"""How long a transient fault is retried: a budget, growing pauses with jitter, and the call that uses them."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from pulumi_dokploy_deployments.api.errors import ApiError, RateLimited, SomethingInFront, UnexpectedAnswer
from pulumi_dokploy_deployments.waiting.clock import Clock

T = TypeVar("T")

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 8.0
BRIEF_SECONDS = 6.0
"""How long is retried what will hardly pass: a page in place of Dokploy before anything has worked, for instance."""


@dataclass
class RetryBudget:
    """The budget of one wait.

    A refused connection, a 5xx, and what something in front of Dokploy answers are retried for `budget_seconds`
    without a success in between; a success fills the budget up again. The client remembers whether address and key
    have worked, and its errors say so: before that a 401 is final, and an answer of something in front is retried for
    at most 6 s. So is JSON in an unknown shape, at any time.

    Args:
        budget_seconds: how long faults may go on without a success in between.
        jitter: a number between 0 and 1 for each pause; handed in by tests.
        longest_pause_seconds: the longest pause between two attempts.
        until: the moment on the monotonic clock from which on nothing is retried.
    """

    budget_seconds: float = 180.0
    jitter: Callable[[], float] = random.random
    longest_pause_seconds: float = LONGEST_PAUSE_SECONDS
    until: float = float("inf")
    _failing_since: float | None = None
    _odd_since: float | None = None
    _failures: int = 0

    def succeeded(self) -> None:
        """A call went through."""
        self._failing_since = self._odd_since = None
        self._failures = 0

    def pause_after(self, error: ApiError, at: float) -> float | None:
        """Seconds to wait before trying again; None when the error has to be told."""
        if not error.is_transient:
            return None
        if self._failing_since is None:
            self._failing_since = at
        if at >= self.until or at - self._failing_since >= self.budget_seconds:
            return None
        if _is_lasting(error):
            if self._odd_since is None:
                self._odd_since = at
            if at - self._odd_since >= BRIEF_SECONDS:
                return None
        self._failures += 1
        longest = min(self.longest_pause_seconds, FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures, 10))
        pause = longest * (0.5 + self.jitter() / 2)
        if isinstance(error, RateLimited) and error.retry_after_seconds is not None:
            pause = max(pause, min(error.retry_after_seconds, self.budget_seconds))
        return min(pause, self.until - at)


def _is_lasting(error: ApiError) -> bool:
    """Whether it will most likely be the same in a minute."""
    return isinstance(error, UnexpectedAnswer) or (isinstance(error, SomethingInFront) and not error.has_worked)


def short_budget() -> RetryBudget:
    """For reads at the start of an operation: a short fault is retried, a dead server is told within seconds."""
    return RetryBudget(budget_seconds=BRIEF_SECONDS)


async def retry_transient(
    call: Callable[[], Awaitable[T]],
    *,
    budget: RetryBudget,
    clock: Clock,
    on_fault: Callable[[ApiError], None] | None = None,
) -> T:
    """Make a call that may be repeated until it goes through or the budget is used up.

    Raises:
        ApiError: the last fault, once the budget is used up, or a fault that repeating does not help.
    """
    while True:
        try:
            result = await call()
        except ApiError as error:
            pause = budget.pause_after(error, clock.monotonic())
            if pause is None:
                raise
            if on_fault is not None:
                on_fault(error)
            await clock.sleep(pause)
        else:
            budget.succeeded()
            return result
