"""What a line of `docker ps` tells of a container, and whether it tells of a change. Pure."""

from __future__ import annotations

import re

_AGE = re.compile(
    r"(?:Up|\)) (?:about |less than )?(?P<number>an?|\d+) (?P<unit>second|minute|hour|day|week|month|year)",
    re.IGNORECASE,
)
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 2592000, "year": 31536000}


def tells_of_a_change(before: str, now: str) -> bool:
    """Whether the status shows another health or exit code than before, or an age that has gone back."""
    return kind_of(before) != kind_of(now) or age_of(now) < age_of(before)


def kind_of(status: str) -> str:
    """A status without its age: "Up (healthy)", "Exited (1)"."""
    return " ".join(re.findall(r"^\w+|\([^)]*\)", status))


def age_of(status: str) -> int:
    """The age that a status tells, in seconds, coarse as Docker writes it; 0 where it tells none."""
    found = _AGE.search(status)
    if found is None or "ess than" in status:
        return 0
    number = found["number"]
    return (int(number) if number.isdecimal() else 1) * _SECONDS[found["unit"].lower()]
