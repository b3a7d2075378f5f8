"""Time for tests: nothing sleeps, and the hours of a deployment pass in milliseconds."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


class VirtualClock:
    """A clock that jumps: time passes only when every task of the loop waits for it.

    Several sleepers wake in the order of their times, as they would on a real clock, and everything that a woken
    task can do at that moment is done before time goes on.
    """

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._elapsed = 0.0
        self._order = itertools.count()
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._is_ticking = False

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment."""
        return self._elapsed

    def now(self) -> datetime:
        """The virtual time of day."""
        return self._start + timedelta(seconds=self._elapsed)

    def epoch(self) -> float:
        """The virtual time of day in seconds since 1970."""
        return self._start.timestamp() + self._elapsed

    @property
    def elapsed(self) -> float:
        """Virtual seconds since the clock was made."""
        return self._elapsed

    def advance(self, seconds: float) -> None:
        """Let time pass for code that does not sleep."""
        self._elapsed += seconds

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something at a moment of virtual time, while others sleep."""
        heapq.heappush(self._agenda, (self._elapsed + max(0.0, seconds), next(self._order), action))
        if not self._is_ticking:
            self._is_ticking = True
            asyncio.get_running_loop().call_soon(self._tick)

    async def sleep(self, seconds: float, *, wake: asyncio.Event | None = None) -> None:
        """Pause for virtual seconds, or until `wake` is set."""
        over = asyncio.get_running_loop().create_future()
        self.after(seconds, lambda: None if over.done() else over.set_result(None))
        if wake is None:
            await over
            return
        waking = asyncio.ensure_future(wake.wait())
        try:
            await asyncio.wait({over, waking}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waking.cancel()
            over.cancel()

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        if getattr(loop, "_ready", ()):
            # Somebody can still do something at this moment: time stands still for them.
            loop.call_soon(self._tick)
            return
        if not self._agenda:
            self._is_ticking = False
            return
        when, _, action = heapq.heappop(self._agenda)
        self._elapsed = max(self._elapsed, when)
        action()
        loop.call_soon(self._tick)
