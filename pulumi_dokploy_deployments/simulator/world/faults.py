"""Faults that a test switches on: what goes wrong, for which endpoints, how often."""

from dataclasses import asdict, dataclass, field
from fnmatch import fnmatch
from typing import Any, Literal, get_args

from .odd_answers import ODD_ANSWERS
from .templates import Json

FaultKind = Literal[
    "refuse",
    "drop_request",
    "delay_before",
    "lose_answer",
    "cut_off",
    "http_error",
    "unauthorized",
    "slow",
    "drip",
    "garbage",
    "redirect",
    "answer",
    "gzip_bomb",
    "truncated",
    "wrong_encoding",
    "truncate_log",
    "websocket_refused",
    "websocket_broken",
    "websocket_silent",
    "websocket_flood",
    "websocket_binary",
]
"""What goes wrong.

Connections: `refuse`: refused, nothing carried out. `drop_request`: accepted, then broken before the work.
`delay_before`: held on the way and carried out after `seconds`, even if the sender has gone by then. `lose_answer`:
carried out, the answer is lost. `cut_off`: carried out, the connection breaks in the middle of the answer.

Answers of somebody else, with nothing carried out unless `carry_out`: `http_error`: `status` as a proxy answers it.
`unauthorized`: the bare 401. `garbage`: 200 with an HTML page. `redirect`: 307 to `location`. `answer`: any
`status`, `content_type`, `headers` and `body`. `gzip_bomb`: JSON that unpacks to `size` bytes.

Right answers that arrive badly: `truncated`: half of the body, as if it were whole. `wrong_encoding`: said to be
gzip, but plain. `slow`: `seconds` later. `drip`: `size` bytes every `seconds`. `truncate_log`: readLogs gives half of
the text.

WebSockets: `websocket_refused`: the upgrade gets `status`. `websocket_broken`: it breaks off after `seconds`.
`websocket_silent`: accepted, then nothing at all. `websocket_flood`: frames of `size` bytes without a pause, for
`seconds` (0: without an end). `websocket_binary`: bytes where there should be text.
"""


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
    content_type: str = "text/html"
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    size: int = 0
    """Bytes; 0 is what is usual for the kind."""
    carry_out: bool = False
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
        self.unknown_status: str | None = None
        self.torn_log = False
        self.queued_rows = False

    def add(
        self, kind: FaultKind, endpoint: str = "*", count: int | None = 1, *, after: int = 0, **details: Any
    ) -> Fault:
        """Switch a fault on; `endpoint` is a pattern such as `application.deploy` or `deployment.*`.

        `details` are the fields of Fault that the kind uses; ValueError for an unknown kind, TypeError for an
        unknown field.
        """
        if kind not in get_args(FaultKind):
            raise ValueError(f"unknown fault {kind!r}; known: {', '.join(get_args(FaultKind))}")
        fault = Fault(kind, endpoint, count, after, **details)
        self.active.append(fault)
        return fault

    def add_odd(
        self, name: str, endpoint: str = "*", count: int | None = 1, *, after: int = 0, **details: Any
    ) -> Fault:
        """Switch on a ready-made odd answer by its name in ODD_ANSWERS; ValueError for an unknown one."""
        if name not in ODD_ANSWERS:
            raise ValueError(f"unknown odd answer {name!r}; known: {', '.join(sorted(ODD_ANSWERS))}")
        ready: Json = {**ODD_ANSWERS[name], **details}
        return self.add(ready.pop("kind"), endpoint, count, after=after, **ready)

    def clear(self, kind: FaultKind | None = None) -> None:
        """Switch off all faults of a kind, or everything."""
        self.active = [fault for fault in self.active if kind is not None and fault.kind != kind]
        if kind is None:
            self.database_down = self.newer_server = self.torn_log = self.queued_rows = False
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
            "unknown_status": self.unknown_status,
            "torn_log": self.torn_log,
            "queued_rows": self.queued_rows,
        }
