"""What containers write, and how `docker logs` gives it: with timestamps, cut by tail, since and search."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .ids import nanoseconds

SPAN = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
STANDARD_ERROR = re.compile(r"[A-Z]+: ")
GAP = 0.00005
"""Seconds between two lines that are written at once (transcript 524)."""


@dataclass(frozen=True)
class Line:
    """One line of a container's output; `at` is epoch seconds."""

    at: float
    text: str

    @property
    def error(self) -> bool:
        """Tell whether it went to the standard error."""
        return STANDARD_ERROR.match(self.text) is not None

    def stamped(self) -> str:
        """Return it as `docker logs --timestamps` prints it (transcripts 524, 531)."""
        return f"{nanoseconds(self.at)} {self.text}"


def written(at: float, texts: Iterable[str]) -> list[Line]:
    """Return lines that a process writes at one moment."""
    return [Line(at + number * GAP, text) for number, text in enumerate(texts)]


def selected(lines: list[Line], tail: int, since: str, now: float) -> list[Line]:
    """Return the last `tail` lines of the time span `since`: "all", or a number with s, m, h or d."""
    found = lines if since == "all" else [line for line in lines if line.at >= now - seconds_of(since)]
    return found[-tail:] if tail else []


def seconds_of(since: str) -> float:
    """Return the length of a span such as "5m"."""
    return float(since[:-1]) * SPAN[since[-1]]


def jumbled(lines: list[Line]) -> list[Line]:
    """Swap the two streams where they were written at once: nobody promises their order (transcript 522)."""
    found = list(lines)
    for index in range(len(found) - 1):
        one, other = found[index], found[index + 1]
        if other.error and not one.error and other.at - one.at < 0.001:
            found[index], found[index + 1] = other, one
    return found
