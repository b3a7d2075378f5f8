"""When waiting makes no sense any more: pure rules over sightings."""

from __future__ import annotations

from enum import StrEnum

from pulumi_dokploy_deployments.api.models import JobState
from pulumi_dokploy_deployments.rollout.sighting import Sighting
from pulumi_dokploy_deployments.waiting.snapshot import Phase

LOST_AFTER_SECONDS = 8.0
"""A job that was seen and is gone, with no row, for so long: the row comes 30 to 50 ms after a job's start."""
UNSEEN_AFTER_SECONDS = 20.0
"""The server said yes and shows neither job nor row for so long."""
STUCK_AFTER_SECONDS = 15.0
"""A row `running` without a job. A server that has just started may show one for a moment before it cancels it."""
AMBIGUOUS_AFTER_SECONDS = 3.0
REMOVED_AFTER_SECONDS = 4.0
"""A row that is missing in one list, an empty one of a proxy for instance, is believed to be gone only after that."""
ENDED_AFTER_SECONDS = 2.0
"""A job that Dokploy Cloud lists as failed, while the row does not say so, for so long: the row is read after it."""


class Dead(StrEnum):
    """Why a deployment will not come to an end that could be waited for."""

    LOST = "lost"
    STUCK = "stuck"
    UNIDENTIFIED = "unidentified"
    REMOVED = "removed"
    FAILED_UNTOLD = "failed untold"
    """Dokploy Cloud lists the job as failed, and no row tells of it."""
    CALLED_OFF = "called off"
    """Someone has cancelled it in Dokploy Cloud, whose row says `done` while the build may go on."""


def dead_end(sighting: Sighting) -> Dead | None:
    """The reason to stop waiting, or None."""
    ended = sighting.ended_job
    if ended is not None and ended.state is JobState.CANCELLED:
        return Dead.CALLED_OFF
    if ended is not None and sighting.ended_seconds >= ENDED_AFTER_SECONDS and sighting.phase is not Phase.FINISHED:
        return Dead.FAILED_UNTOLD
    if sighting.phase is Phase.REMOVED and sighting.missing_seconds >= REMOVED_AFTER_SECONDS:
        return Dead.REMOVED
    if sighting.phase is Phase.MISSING and sighting.missing_seconds >= LOST_AFTER_SECONDS:
        return Dead.LOST
    if sighting.phase is Phase.UNSEEN and sighting.missing_seconds >= UNSEEN_AFTER_SECONDS:
        return Dead.LOST
    if sighting.phase is Phase.AMBIGUOUS and sighting.missing_seconds >= AMBIGUOUS_AFTER_SECONDS:
        return Dead.UNIDENTIFIED
    if sighting.orphaned_seconds >= STUCK_AFTER_SECONDS:
        return Dead.STUCK
    return None
