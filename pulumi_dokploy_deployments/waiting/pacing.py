"""How long to wait before the next look: pure, from the phase, the time spent in it and the service's past."""

from __future__ import annotations

from statistics import median

from pulumi_dokploy_deployments.api.models import DeploymentRecord, DeploymentStatus
from pulumi_dokploy_deployments.waiting.snapshot import Phase

SHORTEST_SECONDS = 0.05
LONGEST_SECONDS = 5.0
FIRST_LOOKS_SECONDS = 3.0
"""Just after the trigger the row of a quick build must be caught before its title is overwritten."""
NEXT_IN_LINE_SECONDS = 0.2


def usual_seconds(rows: tuple[DeploymentRecord, ...] | list[DeploymentRecord]) -> float | None:
    """The median duration of the service's past successful deployments; None without history."""
    durations = [
        (row.finished_at - row.started_at).total_seconds()
        for row in rows
        if row.status is DeploymentStatus.DONE and row.finished_at and row.started_at
    ]
    return median(durations) if durations else None


def seconds_until_next_look(
    phase: Phase, in_phase_seconds: float, usual: float | None, jobs_ahead: int | None = None
) -> float:
    """The pause before the next status check.

    Quick while a row is about to appear, about a twentieth of the usual duration while it runs, so that a build of
    three minutes costs some sixty looks; between 50 ms and 5 s. The live log wakes the check earlier.
    """
    if phase in (Phase.UNSEEN, Phase.ACTIVE):
        return _clamp(in_phase_seconds / 4, SHORTEST_SECONDS, 1.0)
    if phase is Phase.WAITING:
        # The job behind the last other one can start at any moment and, where everything is cached, lose its mark
        # 0.3 s later (transcript 338): it has to be seen before, whatever the service's builds usually take.
        quick = usual is not None and usual < FIRST_LOOKS_SECONDS
        longest = 0.3 if quick else 0.5
        if jobs_ahead is not None:
            longest = min(longest, NEXT_IN_LINE_SECONDS * max(1, jobs_ahead))
        return _clamp(in_phase_seconds / 10, 0.1, longest)
    if phase is Phase.RUNNING:
        expected = usual if usual is not None else 60.0
        pace = _clamp(expected / 20, 0.1, LONGEST_SECONDS)
        return _clamp(in_phase_seconds / 5, 0.1, pace)
    return 0.5


def _clamp(value: float, low: float, high: float) -> float:
    return max(low, min(value, high))
