"""The line on a resource's row says what the run does, for how long, and how long it usually takes."""

from __future__ import annotations

import pytest

from pulumi_dokploy_deployments.hosts.progress_words import status_line
from pulumi_dokploy_deployments.waiting.progress import Activity, Progress, Stage
from pulumi_dokploy_deployments.waiting.progress_words import phrase


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (Progress(Activity.READING), "reading the service"),
        (Progress(Activity.DROPPING_WAITING), "dropping the waiting deployments of this service"),
        (Progress(Activity.REQUESTING, detail="redeploy"), "asking the server to redeploy"),
        (Progress(Activity.QUEUED, jobs_ahead=2), "waiting in the queue (2 ahead)"),
        (Progress(Activity.QUEUED, jobs_ahead=0, elapsed_seconds=5.0), "waiting in the queue (next)"),
        (Progress(Activity.QUEUED), "waiting in the queue"),
        (Progress(Activity.STARTING, Stage.STARTING, elapsed_seconds=0.2), "starting (0 s)"),
        (Progress(Activity.RUNNING, Stage.BUILD), "running: build"),
        (
            Progress(Activity.RUNNING, Stage.BUILD, elapsed_seconds=12.3, usual_seconds=39.7),
            "running: build (12 s; usually 40 s)",
        ),
        (Progress(Activity.RUNNING, Stage.PUSH, usual_seconds=150.0), "running: push (usually 2 min 30 s)"),
        (Progress(Activity.RUNNING, Stage.BUILD, elapsed_seconds=187.0), "running: build (3 min)"),
        (Progress(Activity.RUNNING, Stage.BUILD, elapsed_seconds=4000.0), "running: build (1 h 6 min)"),
        (Progress(Activity.RUNNING, Stage.BUILD, detail="running", elapsed_seconds=59.7), "running: build (1 min)"),
        (Progress(Activity.RUNNING, Stage.CLONE, detail="new-status"), "new-status: clone"),
        (
            Progress(Activity.VERIFYING, Stage.HEALTH_CHECK, elapsed_seconds=9.0, detail="1 of 1 new tasks run"),
            "health check: 1 of 1 new tasks run",
        ),
        (Progress(Activity.ROLLING_BACK, detail="version 3"), "rolling back to version 3"),
        (Progress(Activity.RECOVERING), "the deployment failed; checking what ran before"),
        (Progress(Activity.RECOVERING, detail="rolling back"), "the deployment failed; rolling back"),
        (Progress(Activity.RETRYING, detail="no connection"), "no connection; retrying"),
        (Progress(Activity.NOTE, detail="triggers.image changed {}"), "triggers.image changed {}"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_line_says_what_the_run_does(progress: Progress, line: str) -> None:
    assert status_line(progress) == line


@pytest.mark.parametrize("activity", [activity for activity in Activity if activity is not Activity.NOTE])
def test_every_activity_has_words_with_and_without_a_detail(activity: Activity) -> None:
    assert phrase(Progress(activity))
    assert phrase(Progress(activity, detail="{x}"))


def test_the_line_changes_seldom_in_a_long_build() -> None:
    told = {status_line(Progress(Activity.RUNNING, Stage.BUILD, elapsed_seconds=at / 4)) for at in range(4 * 600)}
    assert len(told) <= 60 + 55
