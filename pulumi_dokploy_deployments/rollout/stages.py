"""Lines of a build log as a terminal shows them, and the stages of a run that they begin; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pulumi_dokploy_deployments.api.log_lines import COMMAND
from pulumi_dokploy_deployments.waiting.progress import Stage

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


def clean_line(line: str) -> str:
    """One line as a terminal would show it in the end."""
    parts = [part for part in COMMAND.sub("", line).split("\r") if part.strip()]
    return parts[-1].rstrip() if parts else ""


def tail_of(log: str, lines: int) -> list[str]:
    """The last lines of a log that say something."""
    cleaned = [clean_line(line) for line in log.split("\n")]
    return [line for line in cleaned if line.strip()][-lines:]
