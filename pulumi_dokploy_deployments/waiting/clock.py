"""Time, handed in: the only place that reads a clock or sleeps."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the waiting code knows of time."""

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""

    def now(self) -> datetime:
        """The time of day, aware, UTC."""

    async def sleep(self, seconds: float, *, wake: asyncio.Event | None = None) -> None:
        """Pause for `seconds`, or until `wake` is set."""


class SystemClock:
    """The machine's own clock."""

    def monotonic(self) -> float:
        """Seconds on the machine's monotonic clock."""
        return time.monotonic()

    def now(self) -> datetime:
        """The machine's time of day."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float, *, wake: asyncio.Event | None = None) -> None:
        """Pause for `seconds`, or until `wake` is set."""
        if wake is None:
            await asyncio.sleep(seconds)
            return
        try:
            async with asyncio.timeout(seconds):
                await wake.wait()
        except TimeoutError:
            return
