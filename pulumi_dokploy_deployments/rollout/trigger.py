"""Exactly one trigger: when the answer to the request is late or lost, look before sending again."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable

from pulumi_dokploy_deployments.api.errors import ApiError
from pulumi_dokploy_deployments.waiting.clock import Clock
from pulumi_dokploy_deployments.waiting.retry import RetryBudget

ARRIVES_WITHIN_SECONDS = 60.0
"""A proxy that has cut us off may deliver the request so long after it was sent; it is looked for as long."""
ANSWERS_WITHIN_SECONDS = 2.0
"""A request that is open for longer is looked for at the server while its answer is waited for."""
LOOK_EVERY_SECONDS = 0.5
LATER_LOOK_EVERY_SECONDS = 5.0
"""The same once it has been looked for as long as a request may take on its way: only long work is left then."""
MOST_SENDINGS = 3


class AnswerNotFound(Exception):
    """It can't be found out whether the server carried the request out; the cause is the lost answer."""

    def __init__(self, cause: ApiError) -> None:
        self.cause = cause


Evidence = bool | None
"""True: the server has it. False: it has not. None: can't be told."""
Send = Callable[[], Awaitable[None]]
HasArrived = Callable[[], Awaitable[Evidence]]


async def send_once(
    send: Send,
    has_arrived: HasArrived,
    *,
    budget: RetryBudget,
    clock: Clock,
    on_fault: Callable[[ApiError], None],
    arrives_within: float = ARRIVES_WITHIN_SECONDS,
    answers_within: float = ANSWERS_WITHIN_SECONDS,
    until: float = float("inf"),
) -> None:
    """Send the request so that the server carries it out once.

    Faults before anything was sent are retried within the budget. While an answer is late, and after it is lost,
    `has_arrived` is asked; only when the server answers and shows nothing of the request for as long as it may still
    arrive is it sent again.

    Args:
        send: makes the request once.
        has_arrived: looks for the request at the server.
        budget: how long faults before the sending are retried.
        clock: time.
        on_fault: is told each fault that does not end the sending.
        arrives_within: seconds from the sending in which a request whose answer was lost may still arrive.
        answers_within: seconds after which an open request is looked for.
        until: the deadline, on the monotonic clock; a request that may still arrive then is not sent again.

    Raises:
        ApiError: the server refused the request, could not be reached, or never carried it out.
        AnswerNotFound: the answer was lost and nothing tells whether the request was carried out.
    """
    for sending in itertools.count(1):
        try:
            await _send_with_retries(
                send, has_arrived, budget=budget, clock=clock, on_fault=on_fault, answers_within=answers_within
            )
        except _Lost as lost:
            on_fault(lost.cause)
            arrives_until = lost.sent_at + arrives_within
            try:
                evidence = await _look(has_arrived, clock, until=min(arrives_until, until))
            except ApiError:
                evidence = None
            if evidence:
                return
            if evidence is None or until <= arrives_until:
                raise AnswerNotFound(lost.cause) from None
            if sending >= MOST_SENDINGS:
                raise lost.cause from None
        else:
            budget.succeeded()
            return


class _Lost(Exception):
    """The answer to a request is lost that may have been carried out."""

    def __init__(self, cause: ApiError, sent_at: float) -> None:
        self.cause, self.sent_at = cause, sent_at


async def _send_with_retries(
    send: Send,
    has_arrived: HasArrived,
    *,
    budget: RetryBudget,
    clock: Clock,
    on_fault: Callable[[ApiError], None],
    answers_within: float,
) -> None:
    """Send it until it is answered with a yes, or is found at the server before its answer."""
    while True:
        sent_at = clock.monotonic()
        try:
            await _answer_or_sight(send, has_arrived, clock, answers_within)
        except ApiError as error:
            if error.may_have_been_carried_out:
                raise _Lost(error, sent_at) from None
            pause = budget.pause_after(error, clock.monotonic())
            if pause is None:
                raise
            on_fault(error)
            await clock.sleep(pause)
            if error.status is not None and await _shows(has_arrived):
                # Somebody in front has refused it after all: behind him it was carried out.
                return
        else:
            return


async def _shows(has_arrived: HasArrived) -> bool:
    try:
        return await has_arrived() is True
    except ApiError:
        return False


async def _answer_or_sight(send: Send, has_arrived: HasArrived, clock: Clock, answers_within: float) -> None:
    """Send it, and wait for its answer or until it is seen at the server."""
    over = asyncio.Event()
    request = asyncio.ensure_future(send())
    request.add_done_callback(lambda _: over.set())
    began = clock.monotonic()
    try:
        pause = answers_within
        while True:
            await clock.sleep(pause, wake=over)
            if request.done():
                await request
                return
            pause = _pause_between_looks(clock.monotonic() - began)
            try:
                if await has_arrived() and not request.done():
                    return
            except ApiError:
                # Its own answer may still come; a look that fails tells nothing.
                continue
    finally:
        if not request.done():
            request.cancel()
            await asyncio.gather(request, return_exceptions=True)


async def _look(has_arrived: HasArrived, clock: Clock, *, until: float) -> Evidence:
    """Look until the request shows; what the last look said where it does not."""
    began = clock.monotonic()
    while True:
        evidence = await has_arrived()
        now = clock.monotonic()
        if evidence or now >= until:
            return evidence
        await clock.sleep(min(_pause_between_looks(now - began), until - now))


def _pause_between_looks(looked_for: float) -> float:
    return LOOK_EVERY_SECONDS if looked_for < ARRIVES_WITHIN_SECONDS else LATER_LOOK_EVERY_SECONDS
