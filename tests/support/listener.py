"""A reporter that keeps what it is told."""

from __future__ import annotations

from dataclasses import dataclass, field

from pulumi_dokploy_deployments.api.text import Text, spell
from pulumi_dokploy_deployments.hosts.progress_words import status_line
from pulumi_dokploy_deployments.waiting.progress import Progress


@dataclass
class Listener:
    """What a run had to tell: progress as data and in the hosts' words, lines, and warnings."""

    progresses: list[Progress] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def progress(self, progress: Progress) -> None:
        """Keep it."""
        self.progresses.append(progress)
        self.statuses.append(status_line(progress))

    def line(self, text: str) -> None:
        """Keep the text."""
        self.lines.append(text)

    def warning(self, text: Text) -> None:
        """Keep the text."""
        self.warnings.append(spell(text))
