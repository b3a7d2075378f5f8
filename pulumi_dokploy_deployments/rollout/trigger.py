"""Exactly one trigger: when the answer to the request is lost, look before sending again (truth rule 2)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pulumi_dokploy_deployments.api.errors import ApiError
from pulumi_dokploy_deployments.waiting.clock import Clock
from pulumi_dokploy_deployments.waiting.retry import RetryBudget

LOOKUP_SECONDS = 5.0
"""How long the mark is looked for. A request that was carried out shows in the queue before its answer is sent."""
LOOK_EVERY_SECONDS = 0.5
MOST_SENDINGS = 3


class AnswerNotFound(Exception):
    """It can't be found out whether the server carried the request out; the cause is the lost answer."""

    def __init__(self, cause: ApiError) -> None:
        super().__init__(str(cause))
        self.cause = cause


Evidence = bool | None
"""True: the server has it. False: it has not. None: can't be told."""


async def send_once(
    send: Callable[[], Awaitable[None]],
    has_arrived: Callable[[], Awaitable[Evidence]],
    *,
    budget: RetryBudget,
    clock: Clock,
    on_fault: Callable[[ApiError], None],
) -> None:
    """Send the request so that the server carries it out once.

    Faults before anything was sent are repeated within the budget. After a lost answer `has_arrived` is asked for
    some seconds; only when the server answers and shows nothing of the request is it sent again.

    Raises:
        ApiError: the server refused the request, could not be reached, or never carried it out.
        AnswerNotFound: the answer was lost and nothing tells whether the request was carried out.
    """
    for sending in range(1, MOST_SENDINGS + 1):
        try:
            await _send_patiently(send, budget=budget, clock=clock, on_fault=on_fault)
        except ApiError as error:
            if not error.may_have_been_carried_out:
                raise
            on_fault(error)
            try:
                evidence = await _look(has_arrived, clock)
            except ApiError:
                evidence = None
            if evidence:
                return
            if evidence is None:
                raise AnswerNotFound(error) from None
            if sending == MOST_SENDINGS:
                raise
        else:
            budget.succeeded()
            return


async def _send_patiently(
    send: Callable[[], Awaitable[None]],
    *,
    budget: RetryBudget,
    clock: Clock,
    on_fault: Callable[[ApiError], None],
) -> None:
    while True:
        try:
            return await send()
        except ApiError as error:
            if error.may_have_been_carried_out:
                raise
            pause = budget.pause_after(error, clock.monotonic())
            if pause is None:
                raise
            on_fault(error)
            await clock.sleep(pause)


async def _look(has_arrived: Callable[[], Awaitable[Evidence]], clock: Clock) -> Evidence:
    began = clock.monotonic()
    while True:
        evidence = await has_arrived()
        if evidence or clock.monotonic() - began >= LOOKUP_SECONDS:
            return evidence
        await clock.sleep(LOOK_EVERY_SECONDS)
