"""Build-log text to lines, and lines to stages of a run; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pulumi_dokploy_deployments.waiting.progress import Stage

MOST_LINE_CHARACTERS = 64 * 1024
"""A line that is longer is told in pieces."""

# Several lines carry their tick before the work starts (transcripts 299-331), so the words decide, not the tick.
_MARKS: tuple[tuple[re.Pattern[str], Stage], ...] = (
    (re.compile(r"^Initializing deployment"), Stage.STARTING),
    (re.compile(r"^Cloning (Repo|into)\b"), Stage.CLONE),
    (re.compile(r"^(Pulling|Building) \S+$|^Step \d+/\d+ :|^#\d+ \["), Stage.BUILD),
    (re.compile(r"^║ Command: docker (compose|stack)\b"), Stage.BUILD),
    (re.compile(r"Uploading image to|^🔄 \[Enabled Rollback Registry\]"), Stage.PUSH),
    # Dokploy writes it for each of its builders: Docker, Nixpacks, Railpack, Heroku, Paketo, Static.
    (re.compile(r"^✅ (\w+ build completed|Pulling image completed|Image Pushed)", re.IGNORECASE), Stage.UPDATE),
    (re.compile(r"^Docker Compose Deployed: ✅"), Stage.UPDATE),
    (re.compile(r"^Error occurred ❌"), Stage.FAILED),
)
_PULL = re.compile(r"^Pulling \S+$")
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


def stage_of(line: str) -> Stage | None:
    """The stage that begins with this line of the log; None for every other line."""
    if _PULL.search(line):
        return Stage.PULL
    return next((stage for pattern, stage in _MARKS if pattern.search(line)), None)


@dataclass
class StageReader:
    """Keeps the latest stage while a log is read."""

    stage: Stage = Stage.QUEUED
    reached: Stage = Stage.QUEUED
    """The latest stage that is not the failure itself."""

    def read(self, line: str) -> Stage | None:
        """The new stage if the line begins one, else None."""
        found = stage_of(line)
        if found is None or found is self.stage:
            return None
        self.stage = found
        if found is not Stage.FAILED:
            self.reached = found
        return found


@dataclass
class LineAssembler:
    """Puts chunks, which are cut anywhere (transcripts 300, 331), together to lines.

    Progress that overwrites itself with carriage returns becomes its last state; terminal colours are dropped.
    """

    _parts: list[str] = field(default_factory=list)
    _length: int = 0

    def feed(self, chunk: str) -> list[str]:
        """The lines that this chunk completes."""
        first, *others = chunk.split("\n")
        self._keep(first)
        if not others:
            return self._cut() if self._length > MOST_LINE_CHARACTERS else []
        complete = [self._taken(), *others[:-1]]
        self._keep(others[-1])
        return [clean_line(line) for line in complete]

    def flush(self) -> list[str]:
        """The last line, if it has no end."""
        rest = self._taken()
        return [clean_line(rest)] if rest.strip() else []

    def _keep(self, part: str) -> None:
        if part:
            self._parts.append(part)
            self._length += len(part)

    def _taken(self) -> str:
        line = "".join(self._parts)
        self._parts, self._length = [], 0
        return line

    def _cut(self) -> list[str]:
        """A line without an end must not grow for ever: progress keeps its last state, all else is cut."""
        line, last = self._taken(), ""
        if "\r" in line:
            line, last = line.rsplit("\r", 1)
        if "\r" in line or last:
            self._keep(last[-MOST_LINE_CHARACTERS:])
            return []
        return [clean_line(line)]


def clean_line(line: str) -> str:
    """One line as a terminal would show it in the end."""
    parts = [part for part in _ANSI.sub("", line).split("\r") if part.strip()]
    return parts[-1].rstrip() if parts else ""


def tail_of(log: str, lines: int) -> list[str]:
    """The last lines of a log that say something."""
    cleaned = [clean_line(line) for line in log.split("\n")]
    return [line for line in cleaned if line.strip()][-lines:]
