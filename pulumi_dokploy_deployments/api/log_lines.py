"""Makes lines of a log's chunks, which are cut anywhere: bounded in memory, in time linear to the text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MAX_LINE_CHARACTERS = 16_384
"""A longer line is cut, and says how much of it is left out."""
COMMAND = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
"""A colour, or another command to a terminal."""


@dataclass
class _Text:
    """Text that grows to its limit and then only counts."""

    pieces: list[str] = field(default_factory=list)
    kept: int = 0
    dropped: int = 0

    def add(self, piece: str) -> None:
        room = MAX_LINE_CHARACTERS - self.kept
        if piece[:room]:
            self.pieces.append(piece[:room])
            self.kept += min(len(piece), room)
        self.dropped += max(0, len(piece) - room)

    def __str__(self) -> str:
        more = f"… ({self.dropped} more characters)" if self.dropped else ""
        return "".join(self.pieces) + more

    @property
    def says_something(self) -> bool:
        if self.dropped or not self.pieces:
            return bool(self.dropped)
        # A command that only clears what stood there does not take its place.
        return bool(COMMAND.sub("", "".join(self.pieces)).strip())


class LineSplitter:
    """Chunks (transcripts 300, 331) to whole lines.

    Progress that overwrites itself with carriage returns becomes its last state. Colours and other sequences of
    terminals are left as they are: what may reach a terminal is decided by those who write to one.
    """

    def __init__(self) -> None:
        self._now = _Text()
        self._overwritten = ""

    def feed(self, chunk: str) -> list[str]:
        """The lines that this chunk completes."""
        *complete, rest = chunk.split("\n")
        lines = []
        for piece in complete:
            self._add(piece)
            lines.append(self._take())
        self._add(rest)
        return lines

    def flush(self) -> list[str]:
        """The last line, if it has no end."""
        line = self._take()
        return [line] if line.strip() else []

    def _add(self, piece: str) -> None:
        first, *others = piece.split("\r")
        self._now.add(first)
        for other in others:
            if self._now.says_something:
                self._overwritten = str(self._now)
            self._now = _Text()
            self._now.add(other)

    def _take(self) -> str:
        line = str(self._now) if self._now.says_something else self._overwritten
        self._now, self._overwritten = _Text(), ""
        return line.rstrip()
