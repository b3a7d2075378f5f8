"""What a run tells, as lines for the engine's display: one reporter over a sink, which each host brings."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from pulumi.runtime.proto import engine_pb2

from pulumi_dokploy_deployments.api.text import PLAIN, Text, Vocabulary, spell
from pulumi_dokploy_deployments.hosts.progress_words import status_line
from pulumi_dokploy_deployments.waiting.progress import Activity, Progress

MOST_LINE = 4000
"""The most characters of one line."""
MANY_WAITING = 60
"""So many lines waiting to be sent are merged: the engine shows of several lines at once only one while they run."""
MOST_WAITING = 2000
"""So many lines of one resource may wait to be sent; of more, the oldest are dropped."""


class LineKind(StrEnum):
    """How the engine shows a line."""

    STATUS = "status"
    """On the resource's row only, until the next one."""
    LINE = "line"
    WARNING = "warning"
    """Shown again at the end."""


@dataclass(frozen=True)
class Line:
    """One line for the row of the resource with this URN; without one it is the stack's."""

    text: str
    kind: LineKind
    urn: str = ""

    @property
    def as_request(self) -> engine_pb2.LogRequest:
        """The line as the engine's log service takes it."""
        severity = engine_pb2.WARNING if self.kind is LineKind.WARNING else engine_pb2.INFO
        return engine_pb2.LogRequest(
            severity=severity,
            message=sendable(self.text),
            urn=self.urn,
            streamId=0,
            ephemeral=self.kind is LineKind.STATUS,
        )


class LineSink(Protocol):
    """Takes lines on their way to the engine. Never waits."""

    def put(self, line: Line) -> None:
        """Hand a line over; it is sent after those of the same resource before it."""


class EngineReporter:
    """Shows a run's progress on the resource's own row.

    Args:
        sink: where the lines go.
        urn: the resource's URN; empty for the stack's row.
        vocabulary: how this host spells inputs and actions.
    """

    def __init__(self, sink: LineSink, urn: str = "", vocabulary: Vocabulary = PLAIN) -> None:
        self._sink = sink
        self._urn = urn
        self._vocabulary = vocabulary
        self._status = ""
        self._of_services: dict[str, str] = {}

    def progress(self, progress: Progress) -> None:
        """A status line; the next one replaces it, and it is gone at the end."""
        text = self._line(progress)
        if text != self._status:
            self._status = text
            self._sink.put(Line(text, LineKind.STATUS, self._urn))

    def _line(self, progress: Progress) -> str:
        """What is done now; for a release that of each service at which it is done, side by side."""
        text, service = status_line(progress), progress.service
        if not service:
            return text
        self._of_services[service] = text
        shown = " | ".join(f"{name}: {told}" for name, told in self._of_services.items())
        if progress.activity is Activity.DONE:
            del self._of_services[service]
        return shown

    def line(self, text: str) -> None:
        """A line of the build log, shown live."""
        self._sink.put(Line(text, LineKind.LINE, self._urn))

    def warning(self, text: Text) -> None:
        """A warning, shown again at the end."""
        self._sink.put(Line(spell(text, self._vocabulary), LineKind.WARNING, self._urn))


class WaitingLines:
    """Lines that wait to be sent: in order for each resource, merged where they are many, dropped where too many."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Line]] = {}
        self._dropped: dict[str, int] = {}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def has(self, urn: str) -> bool:
        """Whether a line of this resource waits."""
        return urn in self._waiting

    def put(self, line: Line) -> None:
        """Add a line; where too many of the resource wait, its oldest one that is no warning is dropped."""
        waiting = self._waiting.setdefault(line.urn, deque())
        waiting.append(line)
        if len(waiting) > MOST_WAITING:
            droppable = next((each for each in waiting if each.kind is not LineKind.WARNING), waiting[0])
            waiting.remove(droppable)
            self._dropped[line.urn] = self._dropped.get(line.urn, 0) + (droppable.kind is LineKind.LINE)

    def take(self) -> list[Line]:
        """One resource's lines, the one that waits longest; none where nothing waits."""
        if not self._waiting:
            return []
        are_many = len(self) > MANY_WAITING
        urn = next(iter(self._waiting))
        lines = list(self._waiting.pop(urn))
        dropped = self._dropped.pop(urn, 0)
        if dropped:
            left_out = f"… {dropped} lines are left out here; the whole log is on the deployment's page …"
            lines.insert(0, Line(left_out, LineKind.LINE, urn))
        return merged(lines) if are_many else lines


def merged(lines: list[Line]) -> list[Line]:
    """One resource's lines with adjacent ones of a kind made one, and superseded statuses left out."""
    kept: list[Line] = []
    for line in lines:
        last = kept[-1] if kept else None
        if last is None or last.kind is not line.kind:
            kept.append(line)
        elif line.kind is LineKind.STATUS:
            kept[-1] = line
        elif len(last.text) + len(line.text) < MOST_LINE:
            kept[-1] = replace(last, text=f"{last.text}\n{line.text}")
        else:
            kept.append(line)
    return kept


def sendable(text: str) -> str:
    """The text as protobuf takes it: not endless, and without halves of surrogate pairs, which logs may contain."""
    return text[:MOST_LINE].encode(errors="replace").decode()
