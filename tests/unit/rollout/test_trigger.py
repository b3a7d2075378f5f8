"""Exactly one trigger: never two carried-out requests while that can be told, never "fine" without one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulumi_dokploy_deployments.api.errors import ApiError
from pulumi_dokploy_deployments.rollout.trigger import (
    ARRIVES_WITHIN_SECONDS,
    MOST_SENDINGS,
    AnswerNotFound,
    Evidence,
    send_once,
)
from pulumi_dokploy_deployments.waiting.retry import RetryBudget, retry_transient
from tests.support import api_faults as faults
from tests.support.virtual_clock import VirtualClock


class Fate(Enum):
    """What becomes of a request that reaches the server."""

    ANSWERED = "carried out and answered"
    ANSWER_LOST = "carried out, the answer is lost"
    ANSWER_LOST_SHOWS_LATE = "carried out a moment later, the answer is lost"
    REQUEST_LOST = "not carried out, the connection breaks"
    PROXY_ERROR = "not carried out, 502"
    PROXY_ERROR_AFTER = "carried out, 502"
    REFUSED = "not carried out, 400"
    UNAUTHORIZED = "not carried out, 401"


@dataclass
class Server:
    """A server that is down for some spans of time, and to whose requests anything may happen."""

    clock: VirtualClock
    fates: list[Fate]
    outages: list[tuple[float, float]] = field(default_factory=list)
    tells: bool = True
    down_after_sending: float = 0.0
    carried_out: list[float] = field(default_factory=list)
    sendings: int = 0

    def _must_be_up(self) -> None:
        if any(start <= self.clock.elapsed < end for start, end in self.outages):
            raise faults.refused()

    async def send(self) -> None:
        """The request."""
        self._must_be_up()
        self.sendings += 1
        fate = self.fates.pop(0) if self.fates else Fate.ANSWERED
        if self.sendings == 1:
            self.outages.append((self.clock.elapsed, self.clock.elapsed + self.down_after_sending))
        if fate in (Fate.ANSWERED, Fate.ANSWER_LOST, Fate.PROXY_ERROR_AFTER):
            self.carried_out.append(self.clock.elapsed)
        if fate is Fate.ANSWER_LOST_SHOWS_LATE:
            self.carried_out.append(self.clock.elapsed + 3.0)
        outcome: dict[Fate, Callable[[], ApiError]] = {
            Fate.ANSWER_LOST: faults.lost,
            Fate.ANSWER_LOST_SHOWS_LATE: faults.too_late,
            Fate.REQUEST_LOST: faults.lost,
            Fate.PROXY_ERROR: faults.server_error,
            Fate.PROXY_ERROR_AFTER: faults.server_error,
            Fate.REFUSED: faults.invalid,
            Fate.UNAUTHORIZED: faults.unauthorized,
        }
        if fate in outcome:
            raise outcome[fate]()

    async def has_arrived(self) -> Evidence:
        """The look into queue and history."""
        self._must_be_up()
        if any(when <= self.clock.elapsed for when in self.carried_out):
            return True if self.tells else None
        return False if self.tells else None


async def _send(server: Server, *, seconds: float = 30.0) -> None:
    """Send as a run does: looks are retried for as long as the sending."""
    budget = RetryBudget(budget_seconds=seconds)

    async def look() -> Evidence:
        return await retry_transient(server.has_arrived, budget=budget, clock=server.clock)

    await send_once(server.send, look, budget=budget, clock=server.clock, on_fault=lambda _: None)


OUTAGES = st.lists(st.tuples(st.floats(0, 60), st.floats(0.1, 60)), max_size=3).map(
    lambda spans: [(start, start + length) for start, length in spans]
)


@settings(deadline=None)
@given(st.lists(st.sampled_from(Fate), max_size=6), OUTAGES, st.sampled_from([0.0, 0.0, 2.0, 50.0]))
def test_never_two_carried_out_requests_and_never_fine_without_one(
    fates: list[Fate], outages: list[tuple[float, float]], down: float
) -> None:
    server = Server(VirtualClock(), list(fates), outages, down_after_sending=down)

    async def run() -> None:
        try:
            await _send(server)
        except (ApiError, AnswerNotFound):
            return
        assert server.carried_out, "fine, and nothing was carried out"

    asyncio.run(run())
    assert len(server.carried_out) <= 1, "carried out twice"


@settings(deadline=None)
@given(st.lists(st.sampled_from(Fate), max_size=6), OUTAGES)
def test_without_evidence_nothing_is_sent_a_second_time(fates: list[Fate], outages: list[tuple[float, float]]) -> None:
    server = Server(VirtualClock(), list(fates), outages, tells=False)

    async def run() -> None:
        try:
            await _send(server)
        except (ApiError, AnswerNotFound):
            return
        assert server.carried_out

    asyncio.run(run())
    assert len(server.carried_out) <= 1


async def test_a_server_that_is_down_for_a_while_gets_the_request_once_it_is_up(clock: VirtualClock) -> None:
    server = Server(clock, [], [(0.0, 10.0)])
    await _send(server)
    assert len(server.carried_out) == server.sendings == 1


async def test_a_lost_answer_to_a_carried_out_request_is_found_and_not_repeated(clock: VirtualClock) -> None:
    server = Server(clock, [Fate.ANSWER_LOST])
    await _send(server)
    assert server.sendings == 1


async def test_what_shows_a_moment_later_is_waited_for(clock: VirtualClock) -> None:
    server = Server(clock, [Fate.ANSWER_LOST_SHOWS_LATE])
    await _send(server)
    assert server.sendings == 1
    assert clock.elapsed >= 3.0


async def test_a_request_that_did_not_arrive_is_sent_again_only_after_the_look(clock: VirtualClock) -> None:
    server = Server(clock, [Fate.REQUEST_LOST])
    await _send(server)
    assert server.sendings == 2
    assert clock.elapsed >= ARRIVES_WITHIN_SECONDS


async def test_a_restart_between_the_sending_and_the_look_does_not_double_it(clock: VirtualClock) -> None:
    server = Server(clock, [Fate.ANSWER_LOST], down_after_sending=12.0)
    await _send(server)
    assert server.sendings == 1


@pytest.mark.parametrize("fate", [Fate.REFUSED])
async def test_a_refusal_is_told_at_once(clock: VirtualClock, fate: Fate) -> None:
    server = Server(clock, [fate])
    with pytest.raises(ApiError, match="Not like this"):
        await _send(server)
    assert (server.sendings, clock.elapsed) == (1, 0.0)


async def test_when_nothing_tells_it_is_not_sent_again_and_said_to_be_unknown(clock: VirtualClock) -> None:
    server = Server(clock, [Fate.ANSWER_LOST], tells=False)
    with pytest.raises(AnswerNotFound) as caught:
        await _send(server)
    assert caught.value.cause.may_have_been_carried_out
    assert server.sendings == 1


async def test_a_server_that_dies_before_the_look_leaves_it_unknown(clock: VirtualClock) -> None:
    """Not "no connection": the user has to learn that the request may have been carried out."""
    server = Server(clock, [Fate.ANSWER_LOST], down_after_sending=9999.0)
    with pytest.raises(AnswerNotFound) as caught:
        await _send(server)
    assert "broke" in str(caught.value.cause)
    assert str(caught.value) == str(caught.value.cause)
    assert server.sendings == 1


async def test_a_request_that_never_arrives_is_told_with_its_fault_and_not_as_unknown(clock: VirtualClock) -> None:
    server = Server(clock, [Fate.PROXY_ERROR] * 10)
    with pytest.raises(ApiError, match="It failed"):
        await _send(server)
    assert (server.sendings, server.carried_out) == (MOST_SENDINGS, [])


async def test_a_401_after_the_key_has_worked_is_borne(clock: VirtualClock) -> None:
    server = Server(clock, [Fate.UNAUTHORIZED, Fate.UNAUTHORIZED])
    await _send(server)
    assert len(server.carried_out) == 1


async def test_every_fault_on_the_way_is_told(clock: VirtualClock) -> None:
    told: list[str] = []
    server = Server(clock, [Fate.UNAUTHORIZED, Fate.ANSWER_LOST])
    budget = RetryBudget()
    await send_once(
        server.send,
        server.has_arrived,
        budget=budget,
        clock=clock,
        on_fault=lambda e: told.append(type(e).__name__),
    )
    assert told == ["Unauthorized", "AnswerLost"]


# --- late answers and held requests -----------------------------------------------------------------------------


async def test_a_request_that_stays_open_is_looked_for_and_found_before_its_answer(clock: VirtualClock) -> None:
    """A yes that would come in a minute does not hold up a build that is in sight."""
    was_given_up = False

    async def send() -> None:
        nonlocal was_given_up
        try:
            await clock.sleep(60.0)
        except asyncio.CancelledError:
            was_given_up = True
            raise

    async def has_arrived() -> Evidence:
        return clock.elapsed >= 5.0

    budget = RetryBudget()
    await send_once(send, has_arrived, budget=budget, clock=clock, on_fault=lambda _: None)
    assert 5.0 <= clock.elapsed < 6.0
    assert was_given_up


async def test_a_late_answer_counts_although_the_looks_before_it_failed(clock: VirtualClock) -> None:
    async def send() -> None:
        await clock.sleep(20.0)

    async def has_arrived() -> Evidence:
        raise faults.refused()

    budget = RetryBudget()
    await send_once(send, has_arrived, budget=budget, clock=clock, on_fault=lambda _: None)
    assert clock.elapsed == pytest.approx(20.0)


@pytest.mark.parametrize("held_for", [5.0, 20.0, 40.0, 59.0])
async def test_a_request_that_a_proxy_cuts_off_and_delivers_late_is_not_sent_again(
    clock: VirtualClock, held_for: float
) -> None:
    sendings = 0

    async def send() -> None:
        nonlocal sendings
        sendings += 1
        raise faults.server_error(504)

    async def has_arrived() -> Evidence:
        return clock.elapsed >= held_for

    budget = RetryBudget()
    await send_once(send, has_arrived, budget=budget, clock=clock, on_fault=lambda _: None)
    assert sendings == 1


async def test_a_request_that_was_answered_fills_the_budget_up_again(clock: VirtualClock) -> None:
    budget = RetryBudget(budget_seconds=10.0, jitter=lambda: 0.0)
    budget.pause_after(faults.refused(), clock.monotonic())
    clock.advance(9.0)
    server = Server(clock, [])
    await send_once(server.send, server.has_arrived, budget=budget, clock=clock, on_fault=lambda _: None)
    clock.advance(9.0)
    assert budget.pause_after(faults.refused(), clock.monotonic()) is not None


async def test_a_request_that_may_still_arrive_after_the_deadline_is_not_sent_again(clock: VirtualClock) -> None:
    server = Server(clock, [Fate.REQUEST_LOST])
    until = clock.monotonic() + 10.0
    with pytest.raises(AnswerNotFound):
        await send_once(
            server.send,
            server.has_arrived,
            budget=RetryBudget(),
            clock=clock,
            on_fault=lambda _: None,
            until=until,
        )
    assert server.sendings == 1
    assert clock.elapsed == pytest.approx(10.0)


async def test_a_refusal_behind_which_the_request_was_carried_out_is_not_followed_by_a_second_one(
    clock: VirtualClock,
) -> None:
    server = Server(clock, [Fate.UNAUTHORIZED])
    server.carried_out.append(clock.elapsed)
    await send_once(server.send, server.has_arrived, budget=RetryBudget(), clock=clock, on_fault=lambda _: None)
    assert server.sendings == 1


async def test_a_look_that_fails_behind_a_refusal_is_no_sign_that_the_request_arrived(clock: VirtualClock) -> None:
    server = Server(clock, [Fate.UNAUTHORIZED])

    async def fail() -> Evidence:
        raise faults.refused()

    await send_once(server.send, fail, budget=RetryBudget(), clock=clock, on_fault=lambda _: None)
    assert (server.sendings, len(server.carried_out)) == (2, 1)


async def test_what_takes_long_is_looked_for_less_often_after_a_minute(clock: VirtualClock) -> None:
    server, looks = Server(clock, [Fate.REQUEST_LOST], tells=False), []

    async def look() -> Evidence:
        looks.append(clock.elapsed)
        return await server.has_arrived()

    with pytest.raises(AnswerNotFound):
        await send_once(
            server.send, look, budget=RetryBudget(), clock=clock, on_fault=lambda _: None, arrives_within=600.0
        )
    assert 110 < sum(1 for at in looks if at < ARRIVES_WITHIN_SECONDS) < 130
    assert sum(1 for at in looks if at >= ARRIVES_WITHIN_SECONDS) < 120


@pytest.mark.parametrize("earlier", [0.0, 1000.0])
async def test_an_open_request_is_looked_for_often_at_first_whenever_that_is(
    clock: VirtualClock, earlier: float
) -> None:
    clock.advance(earlier)
    looks: list[float] = []

    async def send() -> None:
        await clock.sleep(90.0)

    async def has_arrived() -> Evidence:
        looks.append(clock.elapsed - earlier)
        return False

    await send_once(send, has_arrived, budget=RetryBudget(), clock=clock, on_fault=lambda _: None)
    assert 110 < sum(1 for at in looks if at < ARRIVES_WITHIN_SECONDS) < 120
    assert 4 < sum(1 for at in looks if at >= ARRIVES_WITHIN_SECONDS) < 8
