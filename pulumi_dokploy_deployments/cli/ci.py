"""What a run leaves in the pages of a CI: a job summary on GitHub, a collapsed section of the log on GitLab.

`DOKPLOY_CI_OUTPUT=off` switches both off.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SWITCH = "DOKPLOY_CI_OUTPUT"
SECTION = "dokploy_deployment"
_CLEAR_LINE = "\x1b[0K"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~-])")
_FENCE = "~~~~~~~~"
"""Longer than any fence that a build log is likely to have in it."""


@dataclass(frozen=True)
class RunSummary:
    """What the page of a job says of one run.

    Attributes:
        service: the service's name.
        outcome: how it ended in a word or two: done, failed, timed out.
        succeeded: whether that is what was wanted.
        facts: what is known of it, by the names under which the table shows it; empty values are left out.
        closing: what was proven.
        message: the paragraph of a failure, its log included.
        link: the service's page in the dashboard.
    """

    service: str
    outcome: str
    succeeded: bool
    facts: Sequence[tuple[str, str]] = ()
    closing: str = ""
    message: str = ""
    link: str = ""


@dataclass(frozen=True)
class CiOutput:
    """What the CI that this runs in takes.

    Attributes:
        summary_file: where GitHub takes the job's summary from; None elsewhere.
        has_sections: whether the log's reader collapses sections, as GitLab's does.
    """

    summary_file: Path | None = None
    has_sections: bool = False

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> CiOutput:
        """What the environment tells."""
        if environ.get(SWITCH, "").strip().lower() == "off":
            return cls()
        path = environ.get("GITHUB_STEP_SUMMARY", "")
        return cls(Path(path) if path else None, environ.get("GITLAB_CI", "") == "true")

    @contextmanager
    def section(self, title: str, write: Callable[[str], None], now: Callable[[], float]) -> Iterator[None]:
        """Everything that is written inside is one section of the log, collapsed.

        Args:
            title: the line that is seen.
            write: writes to the log as it is.
            now: seconds since the epoch.
        """
        if not self.has_sections:
            yield
            return
        begin = f"section_start:{int(now())}:{SECTION}[collapsed=true]\r{_CLEAR_LINE}{title}\n"
        write(begin)
        try:
            yield
        finally:
            write(f"section_end:{int(now())}:{SECTION}\r{_CLEAR_LINE}\n")

    def summarise(self, summary: RunSummary) -> str:
        """Add a run to the job's summary, where there is one; gives the reason where that did not work."""
        if self.summary_file is None:
            return ""
        try:
            with self.summary_file.open("a", encoding="utf-8", errors="replace") as file:
                file.write(markdown_of(summary))
        except OSError as error:
            return f"The job summary could not be written: {error.strerror or type(error).__name__}."
        return ""


def markdown_of(summary: RunSummary) -> str:
    """The summary in GitHub's Markdown; nothing that comes from elsewhere is taken for markup."""
    mark = "✅" if summary.succeeded else "❌"
    lines = [f"### {mark} {_escaped(summary.service)}: {_escaped(summary.outcome)}", ""]
    if summary.closing:
        lines += [_escaped(summary.closing), ""]
    facts = [(name, value) for name, value in summary.facts if value]
    if facts:
        lines += ["| | |", "| --- | --- |", *(f"| {name} | {_escaped(value)} |" for name, value in facts), ""]
    if summary.message:
        first, _, rest = summary.message.partition("\n")
        lines += [_escaped(first), ""]
        if rest:
            lines += [_FENCE, *rest.replace(_FENCE, _FENCE[:-1]).split("\n"), _FENCE, ""]
    if summary.link:
        lines += [f"[The service in Dokploy]({summary.link})", ""]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))
