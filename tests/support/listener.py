"""A reporter that keeps what it is told."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Listener:
    """What a run had to tell."""

    statuses: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def status(self, text: str) -> None:
        """Keep the text."""
        self.statuses.append(text)

    def line(self, text: str) -> None:
        """Keep the text."""
        self.lines.append(text)

    def warning(self, text: str) -> None:
        """Keep the text."""
        self.warnings.append(text)
