"""The record of received API calls, so that a test can prove that nothing was sent twice."""

from collections import Counter, deque
from dataclasses import asdict, dataclass, field

from .templates import Json

KEPT = 20_000
"""Calls that are remembered in full."""


@dataclass
class Request:
    """One call: `at` in epoch seconds, `key` names whose API key came, `fault` what hit it."""

    at: float
    method: str
    path: str
    query: Json
    body: object
    key: str | None
    status: int | None = None
    fault: str | None = None
    carried_out: bool = False

    def view(self) -> Json:
        """Return it as JSON."""
        return asdict(self)


@dataclass
class Requests:
    """The calls since the start or the last `clear`, oldest first; the counters count all of them."""

    calls: deque[Request] = field(default_factory=lambda: deque(maxlen=KEPT))
    _counts: Counter[str] = field(default_factory=Counter)

    def add(self, request: Request) -> None:
        """Record a call."""
        self.calls.append(request)
        self._counts[request.path] += 1

    def clear(self) -> None:
        """Forget the calls so far."""
        self.calls.clear()
        self._counts.clear()

    def of(self, endpoint: str) -> list[Request]:
        """Return the calls of one endpoint such as `application.deploy`."""
        return [call for call in self.calls if call.path.removeprefix("/api/") == endpoint]

    def counters(self) -> dict[str, int]:
        """Return how often each path was called."""
        return dict(self._counts)
