"""The record of received API calls, so that a test can prove that nothing was sent twice."""

from collections import Counter
from dataclasses import asdict, dataclass, field

from .templates import Json


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
    """All calls since the start or the last `clear`, oldest first."""

    calls: list[Request] = field(default_factory=list)

    def clear(self) -> None:
        """Forget the calls so far."""
        self.calls.clear()

    def of(self, endpoint: str) -> list[Request]:
        """Return the calls of one endpoint such as `application.deploy`."""
        return [call for call in self.calls if call.path.removeprefix("/api/") == endpoint]

    def counters(self) -> dict[str, int]:
        """Return how often each path was called."""
        return dict(Counter(call.path for call in self.calls))
