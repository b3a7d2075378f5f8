"""Where a run's progress goes; each host brings its own."""

from __future__ import annotations

from typing import Protocol

from pulumi_dokploy_deployments.api.text import Text
from pulumi_dokploy_deployments.waiting.progress import Progress


class Reporter(Protocol):
    """Receives what a run has to tell while it goes on."""

    def progress(self, progress: Progress) -> None:
        """The state of things now; the next one replaces it."""

    def line(self, text: str) -> None:
        """A line of the build log."""

    def warning(self, text: Text) -> None:
        """Something the user should read afterwards as well."""


class SilentReporter:
    """Tells nobody."""

    def progress(self, progress: Progress) -> None:
        """Drop it."""

    def line(self, text: str) -> None:
        """Drop it."""

    def warning(self, text: Text) -> None:
        """Drop it."""
