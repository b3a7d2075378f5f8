"""The heap of scheduled events: virtual time moves only when somebody hands in the present."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(order=True)
class Event:
    """One thing that will happen at `when` (epoch seconds) unless it is cancelled before."""

    when: float
    order: int
    action: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)


class Agenda:
    """Runs due events in the order of their time; events of one moment in the order they were planned."""

    def __init__(self, now: float) -> None:
        """Start at `now`, epoch seconds."""
        self.now = now
        self._heap: list[Event] = []
        self._order = itertools.count()

    def at(self, when: float, action: Callable[[], None]) -> Event:
        """Plan `action` for the epoch second `when`; the past means: at the next advance."""
        event = Event(max(when, self.now), next(self._order), action)
        heapq.heappush(self._heap, event)
        return event

    def after(self, delay: float, action: Callable[[], None]) -> Event:
        """Plan `action` for `delay` seconds from the event that is running now."""
        return self.at(self.now + delay, action)

    def advance(self, now: float) -> None:
        """Run everything due until `now` (epoch seconds); time never goes back."""
        while self._heap and self._heap[0].when <= now:
            event = heapq.heappop(self._heap)
            if event.cancelled:
                continue
            self.now = max(self.now, event.when)
            event.action()
        self.now = max(self.now, now)

    def next_due(self) -> float | None:
        """Return when the next event is due, or None when nothing is planned."""
        while self._heap and self._heap[0].cancelled:
            heapq.heappop(self._heap)
        return self._heap[0].when if self._heap else None
