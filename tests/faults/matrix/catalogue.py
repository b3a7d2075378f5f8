"""The faults of the matrix: what each is called, and how it is switched on in a simulated server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pulumi_dokploy_deployments.simulator.world.odd_answers import ODD_ANSWERS
from tests.support.bench import Bench


class Family(StrEnum):
    """What kind of thing goes wrong; it decides in which phases a fault makes sense."""

    ANSWER = "answers that are not Dokploy's, or broken on the way"
    CONNECTION = "the connection"
    LATE = "late answers and late requests"
    LOG = "the live log"
    SERVER = "the server itself"
    CLOCK = "clocks"


@dataclass(frozen=True)
class Where:
    """Where and for how long a fault strikes.

    Attributes:
        endpoint: a pattern of endpoints.
        seconds: for how long; None for a single request.
        carry_out: whether the server carries out what it is asked for, and only the answer is spoilt.
    """

    endpoint: str = "*"
    seconds: float | None = None
    carry_out: bool = False


Strike = Callable[[Bench, Where], None]
LIVE_LOG = "listen-deployment"


@dataclass(frozen=True)
class Fault:
    """One row of the matrix."""

    name: str
    family: Family
    strike: Strike
    strikes_after: bool = False
    """Whether it can also strike when the request to deploy has been carried out, and not only before."""
    clock_ahead: float = 0.0


def _http(kind: str, most: int | None = None, **details: Any) -> Strike:
    def strike(bench: Bench, where: Where) -> None:
        more = {**details, "carry_out": where.carry_out} if "status" in details or kind == "answer" else details
        count = 1 if where.seconds is None else most
        fault = bench.faults.add(kind, where.endpoint, count, **more)  # type: ignore[arg-type]
        if where.seconds is not None:
            bench.at(bench.clock.elapsed + where.seconds, lambda: setattr(fault, "count", fault.hits))

    return strike


def _odd(name: str) -> Fault:
    ready = dict(ODD_ANSWERS[name])
    kind = str(ready.pop("kind"))
    # Each bomb takes the client a moment of real time to refuse.
    most = 2 if kind == "gzip_bomb" else None
    return Fault(name, Family.ANSWER, _http(kind, most, **ready), strikes_after=kind == "answer")


def _server(action: Callable[[Bench], None]) -> Strike:
    def strike(bench: Bench, where: Where) -> None:
        if where.endpoint != LIVE_LOG:
            bench.at(bench.clock.elapsed + _after(where), lambda: action(bench))

    return strike


def _outage(bench: Bench, where: Where) -> None:
    if where.endpoint != LIVE_LOG:
        begins = bench.clock.elapsed + _after(where)
        bench.at(begins, lambda: setattr(bench.faults, "database_down", True))
        bench.at(begins + (where.seconds or 3.0), lambda: setattr(bench.faults, "database_down", False))


def _after(where: Where) -> float:
    """How long after the sending of a request: on its way, or when it has been carried out."""
    return 0.05 if where.carry_out else 0.0


def _cleared(bench: Bench) -> None:
    bench.world.clean_queue(bench.service(SERVICE).id)


def _foreign(bench: Bench) -> None:
    for _ in range(10):
        bench.colleague_deploys(SERVICE)


def _pruned(bench: Bench) -> None:
    bench.service(SERVICE).behaviour.build_seconds = 0.05
    for _ in range(14):
        bench.colleague_deploys(SERVICE)


SERVICE = "git"

FAULTS: tuple[Fault, ...] = (
    *(_odd(name) for name in ODD_ANSWERS),
    Fault("bare 401", Family.ANSWER, _http("unauthorized")),
    Fault("refused", Family.CONNECTION, _http("refuse")),
    Fault("reset before the work", Family.CONNECTION, _http("drop_request")),
    Fault("reset after the work", Family.CONNECTION, _http("lose_answer")),
    Fault("answer 5 s late", Family.LATE, _http("slow", 2, seconds=5.0)),
    Fault("answer 20 s late", Family.LATE, _http("slow", 2, seconds=20.0)),
    Fault("answer 40 s late", Family.LATE, _http("slow", 2, seconds=40.0)),
    Fault("held for 5 s", Family.LATE, _http("delay_before", 2, seconds=5.0)),
    Fault("held for 20 s", Family.LATE, _http("delay_before", 2, seconds=20.0)),
    Fault("held for 40 s", Family.LATE, _http("delay_before", 2, seconds=40.0)),
    Fault("WebSocket refused", Family.LOG, _http("websocket_refused", status=400)),
    Fault("WebSocket drops", Family.LOG, _http("websocket_broken", seconds=1.0)),
    Fault("WebSocket silent", Family.LOG, _http("websocket_silent")),
    Fault("WebSocket floods", Family.LOG, _http("websocket_flood", size=2048, seconds=1.5)),
    Fault("restart", Family.SERVER, _server(lambda bench: bench.world.restart()), strikes_after=True),
    Fault("lost queue", Family.SERVER, _server(lambda bench: bench.world.lose_queue()), strikes_after=True),
    Fault("database away", Family.SERVER, _outage, strikes_after=True),
    Fault("cleared queue", Family.SERVER, _server(_cleared), strikes_after=True),
    Fault("ten foreign deployments", Family.SERVER, _server(_foreign), strikes_after=True),
    Fault("history pruned", Family.SERVER, _server(_pruned), strikes_after=True),
    Fault("clock 1 h ahead", Family.CLOCK, lambda *_: None, clock_ahead=3600.0),
    Fault("clock 1 h behind", Family.CLOCK, lambda *_: None, clock_ahead=-3600.0),
)
