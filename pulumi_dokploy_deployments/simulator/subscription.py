"""What the WebSockets have in common: frames, an end, and the ways in which a connection breaks."""

from collections.abc import Callable

from pulumi_dokploy_deployments.simulator.http.errors import BrokenConnection
from pulumi_dokploy_deployments.simulator.world import World


class LogClosed(Exception):
    """The server closed the log; `code` 1005 means without a code (transcripts 306-310)."""

    def __init__(self, code: int = 1005, reason: str = "") -> None:
        """Keep what a WebSocket client sees."""
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Subscription:
    """One subscription: `receive` gives the next text frame, None when there is nothing new yet."""

    endpoint = ""
    """The path without its slash, as faults name it."""

    def __init__(self, world: World, clock: Callable[[], float]) -> None:
        """Subscribe; how the server receives the subscription shows at the first `receive`."""
        self._world = world
        self._clock = clock
        self._frames: list[str] = []
        self._end: LogClosed | None = None
        self._opened = clock()
        world.advance(self._opened)
        fault = world.faults.take(self.endpoint, "websocket_broken")
        self._break_after = None if fault is None else fault.seconds

    def receive(self) -> str | None:
        """Return the next frame; raise LogClosed at an orderly end, BrokenConnection at a broken one."""
        now = self._clock()
        self._world.advance(now)
        if self._break_after is not None and now - self._opened >= self._break_after:
            raise BrokenConnection("lose_answer")
        if self._world.down_until is not None:
            raise BrokenConnection("lose_answer")
        self._collect()
        if self._frames:
            return self._frames.pop(0)
        if self._end is not None:
            raise self._end
        return None

    def _collect(self) -> None:
        """Append what is new to the frames."""
        raise NotImplementedError
