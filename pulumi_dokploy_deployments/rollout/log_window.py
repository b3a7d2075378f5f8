"""Which lines of a log's end have not been told yet; pure.

The server gives the last lines of a log and no position. So where the log goes on is found by the lines told last.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

ANCHOR_LINES = 40
"""So many of the lines told last are looked for: fewer could stand in a log several times."""


@dataclass
class LogWindow:
    """Remembers how many lines were told, and the last of them."""

    shown: int = 0
    _last: deque[str] = field(default_factory=lambda: deque(maxlen=ANCHOR_LINES))

    @property
    def last(self) -> list[str]:
        """The lines told last, oldest first."""
        return list(self._last)

    def told(self, lines: Iterable[str]) -> None:
        """These lines were told, in this order."""
        for line in lines:
            self.shown += 1
            self._last.append(line)

    def fresh_lines(self, read: Sequence[str], *, is_whole: bool) -> list[str] | None:
        """The lines of a reading that come after what was told.

        Args:
            read: the log's last lines.
            is_whole: whether that is the log from its first line on.

        Returns:
            The lines; None where the reading does not reach back to what was told.
        """
        if is_whole:
            return list(read[self.shown :])
        if not self.shown:
            return list(read)
        anchor = list(self._last)
        for end in range(len(read), len(anchor) - 1, -1):
            if read[end - 1] == anchor[-1] and list(read[end - len(anchor) : end]) == anchor:
                return list(read[end:])
        return None
