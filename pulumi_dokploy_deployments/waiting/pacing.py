"""How long to wait before the next look: pure, from the phase, the time spent in it and the service's past."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from pulumi_dokploy_deployments.api.models import DeploymentRecord, DeploymentStatus
from pulumi_dokploy_deployments.waiting.snapshot import Phase

SHORTEST_SECONDS = 0.05
CROWDED_SHORTEST_SECONDS = 0.2
"""The same where many wait and share one reading of the queue: a new row keeps its mark for 0.3 s."""
LONGEST_SECONDS = 12.0
LONGEST_UNKNOWN_SECONDS = 5.0
"""The longest pause where no earlier build tells how long it will take."""
FIRST_LOOKS_SECONDS = 3.0
"""Just after the trigger the row of a quick build must be caught before its title is overwritten."""
NEXT_IN_LINE_SECONDS = 0.2
UNKNOWN_BUILD_SECONDS = 60.0
"""How long a service's first build is taken to last, until it lasts longer."""
END_LOOK_SECONDS = 0.03
BURST_SECONDS = 10.0
"""So long after the log's end line the looks are quick."""
CROWDED_END_LOOK_SECONDS = 0.1
"""Where many wait, they share one reading of the queue."""
HEARTBEAT_SECONDS = 25.0
"""The longest pause while a live log runs."""


def usual_seconds(rows: tuple[DeploymentRecord, ...] | list[DeploymentRecord]) -> float | None:
    """The median duration of the service's past successful deployments; None without history."""
    durations = [
        (row.finished_at - row.started_at).total_seconds()
        for row in rows
        if row.status is DeploymentStatus.DONE and row.finished_at and row.started_at
    ]
    return median(durations) if durations else None


@dataclass(frozen=True)
class Pace:
    """What the pause before the next look depends on.

    Attributes:
        phase: where the deployment stands.
        in_phase_seconds: for how long.
        usual: how long the service's deployments usually take, in seconds; None without history.
        jobs_ahead: how many jobs the server will run before ours; None where that is not known.
        since_end_line: seconds since the log said that the end is near; None where it has not.
        log_is_growing: whether a live log runs, which will say so.
        log_is_open: whether its stream is open at least, growing or silent.
        is_crowded: whether many wait on the same server.
    """

    phase: Phase
    in_phase_seconds: float = 0.0
    usual: float | None = None
    jobs_ahead: int | None = None
    since_end_line: float | None = None
    log_is_growing: bool = False
    log_is_open: bool = False
    is_crowded: bool = False


def seconds_until_next_look(pace: Pace) -> float:
    """The pause before the next status check, in seconds.

    Quick while a row is about to appear and once the log says that the end is near. While a live log grows, it is
    the clock, and a seldom look keeps the promises about what is stuck, removed or lost, and about a log whose end
    line nobody knows. Where it is open and silent, a twenty-fifth of the usual duration; without one a fiftieth, and
    less where the end is due.
    """
    if pace.phase in (Phase.UNSEEN, Phase.ACTIVE):
        shortest = CROWDED_SHORTEST_SECONDS if pace.is_crowded else SHORTEST_SECONDS
        return _clamp(pace.in_phase_seconds / 4, shortest, 1.0)
    if pace.phase is Phase.WAITING:
        return _while_waiting(pace)
    if pace.phase is not Phase.RUNNING:
        return 0.5
    if pace.since_end_line is not None:
        # The row turns final 6 to 140 ms after the line (transcript 300), or a registry's push comes in between.
        shortest = CROWDED_END_LOOK_SECONDS if pace.is_crowded else END_LOOK_SECONDS
        return _clamp(pace.since_end_line / 2, shortest, 2.0)
    return _while_running(pace)


def _while_running(pace: Pace) -> float:
    spent, usual = pace.in_phase_seconds, pace.usual
    if pace.log_is_growing:
        return _clamp(max(usual or 0.0, spent) / 2, 0.5, HEARTBEAT_SECONDS)
    expected = max(usual if usual is not None else UNKNOWN_BUILD_SECONDS, spent)
    if pace.log_is_open:
        return _clamp(spent / 5, 0.2, min(expected / 25, HEARTBEAT_SECONDS))
    slowest = min(expected / 50, LONGEST_UNKNOWN_SECONDS if usual is None else LONGEST_SECONDS)
    if usual is not None and spent > usual / 2:
        # Most builds take about as long as those before: there the looks are worth most.
        slowest = _clamp(abs(usual - spent) / 10, min(slowest, max(0.1, usual / 300)), slowest)
    return _clamp(spent / 10, 0.1, slowest)


def _while_waiting(pace: Pace) -> float:
    # The job behind the last other one can start at any moment and, where everything is cached, lose its mark
    # 0.3 s later (transcript 338): it has to be seen before, whatever the service's builds usually take.
    quick = pace.usual is not None and pace.usual < FIRST_LOOKS_SECONDS
    longest = 0.3 if quick else 0.5
    if pace.jobs_ahead is not None:
        longest = min(longest, NEXT_IN_LINE_SECONDS * max(1, pace.jobs_ahead))
    return _clamp(pace.in_phase_seconds / 10, 0.1, longest)


def _clamp(value: float, low: float, high: float) -> float:
    return max(low, min(value, high))
