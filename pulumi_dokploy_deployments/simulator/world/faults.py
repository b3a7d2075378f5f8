"""Faults that a test switches on: what goes wrong, for which endpoints, how often."""

from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from typing import Literal, get_args

from .templates import Json

FaultKind = Literal[
    "refuse",
    "drop_request",
    "lose_answer",
    "http_error",
    "unauthorized",
    "slow",
    "garbage",
    "redirect",
    "truncate_log",
    "websocket_refused",
    "websocket_broken",
]
"""refuse: connection refused, nothing carried out. drop_request: accepted, then broken before the work.
lose_answer: carried out, the answer is lost. http_error: `status` as a proxy answers it. unauthorized: the
bare 401. slow: the answer takes `seconds` longer. garbage: 200 with an HTML page. redirect: 307 to
`location`. truncate_log: readLogs gives half of the text. websocket_refused: the upgrade gets `status`.
websocket_broken: the live log breaks off after `seconds`."""


@dataclass
class Fault:
    """One fault: it skips `after` matching requests, then hits `count` of them (None: until cleared)."""

    kind: FaultKind
    endpoint: str = "*"
    count: int | None = 1
    after: int = 0
    status: int = 502
    seconds: float = 0.0
    location: str = ""
    hits: int = 0

    def takes(self, endpoint: str) -> bool:
        """Tell whether this request is hit, and count it."""
        if not fnmatch(endpoint, self.endpoint):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.count is not None and self.hits >= self.count:
            return False
        self.hits += 1
        return True


class Faults:
    """Every switched-on fault, the outage of the database and the marks of a newer or older server."""

    def __init__(self) -> None:
        """Start with a server in good health."""
        self.active: list[Fault] = []
        self.database_down = False
        self.answer_seconds = 0.0
        self.newer_server = False
        self.older_server = False
        self.unknown_status: str | None = None
        self.torn_log = False

    def add(
        self,
        kind: FaultKind,
        endpoint: str = "*",
        count: int | None = 1,
        *,
        after: int = 0,
        status: int = 502,
        seconds: float = 0.0,
        location: str = "",
    ) -> Fault:
        """Switch a fault on; `endpoint` is a pattern such as `application.deploy` or `deployment.*`."""
        if kind not in get_args(FaultKind):
            raise ValueError(f"unknown fault {kind!r}; known: {', '.join(get_args(FaultKind))}")
        fault = Fault(kind, endpoint, count, after, status, seconds, location)
        self.active.append(fault)
        return fault

    def clear(self, kind: FaultKind | None = None) -> None:
        """Switch off all faults of a kind, or everything."""
        self.active = [fault for fault in self.active if kind is not None and fault.kind != kind]
        if kind is None:
            self.database_down = self.newer_server = self.older_server = self.torn_log = False
            self.answer_seconds = 0.0
            self.unknown_status = None

    def take(self, endpoint: str, *kinds: FaultKind) -> Fault | None:
        """Return the first fault of one of the kinds that hits this request, and use it up by one."""
        for fault in self.active:
            if fault.kind in kinds and fault.takes(endpoint):
                return fault
        return None

    def view(self) -> Json:
        """Return what is switched on, for the control interface."""
        return {
            "active": [asdict(fault) for fault in self.active],
            "database_down": self.database_down,
            "answer_seconds": self.answer_seconds,
            "newer_server": self.newer_server,
            "older_server": self.older_server,
            "unknown_status": self.unknown_status,
            "torn_log": self.torn_log,
        }
