"""Where a run's progress goes; each host brings its own."""

from __future__ import annotations

from typing import Protocol


class Reporter(Protocol):
    """Receives what a run has to tell while it goes on."""

    def status(self, text: str) -> None:
        """The state of things now; the next one replaces it."""

    def line(self, text: str) -> None:
        """A line of the build log."""

    def warning(self, text: str) -> None:
        """Something the user should read afterwards as well."""


class SilentReporter:
    """Tells nobody."""

    def status(self, text: str) -> None:
        """Drop the text."""

    def line(self, text: str) -> None:
        """Drop the text."""

    def warning(self, text: str) -> None:
        """Drop the text."""
