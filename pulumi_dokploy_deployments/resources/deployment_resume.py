"""Partial state of a `Deployment`: what is kept when a run does not come to its end, and how the next one goes on.

Only hosts that can keep the state of a failed create or update use this. A run that was broken off while the server
went on (interrupted, out of time, server out of reach) is taken up again; one that came to a bad end is run anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from pulumi_dokploy_deployments.api.errors import ApiError, DokployError
from pulumi_dokploy_deployments.api.services import name_of
from pulumi_dokploy_deployments.resources import deployment
from pulumi_dokploy_deployments.resources.deployment_model import DeploymentOutputs, OnFailure
from pulumi_dokploy_deployments.resources.fields import Diff
from pulumi_dokploy_deployments.rollout.deploy import resume
from pulumi_dokploy_deployments.rollout.errors import ContactLost, DeploymentTimedOut, RolloutError, TriggerFailed
from pulumi_dokploy_deployments.rollout.record import EarlierRun, RunRecord
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.progress import Activity, Progress
from pulumi_dokploy_deployments.workload.health_probe import Baseline

UNFINISHED = "unfinished"
"""State of a run that did not come to its end: one of `Unfinished`. Absent once a run has."""
KNOWN_ROWS, BASELINE = "known_rows", "baseline"
"""State that a run needs to be taken up again: the rows and the tasks from before its request."""
ADOPTED = "adopted"
"""State of an imported deployment, until the program has said what its triggers are."""
_PRIVATE = (UNFINISHED, KNOWN_ROWS, BASELINE, ADOPTED)

State = dict[str, Any]


class Unfinished(StrEnum):
    """How a run was left."""

    BROKEN_OFF = "broken off"
    """The server may still be working on it."""
    FAILED = "failed"
    """It came to a bad end."""


class Interrupted(DokployError):
    """The user ended the wait."""


def interrupted(progress: RunRecord) -> Interrupted:
    """What an interrupted run says: what still runs at the server, and what the next one will do."""
    service = progress.service
    if service is None or not progress.is_sent:
        return Interrupted("Interrupted before anything was sent to the server.", next_step="Run `pulumi up` again.")
    if progress.deployment is not None:
        what = f"the deployment {progress.deployment.deployment_id} of {name_of(service)}"
        where = f" (stage {progress.stage.value!r}, {progress.link})"
        still = "is over at the server" if progress.deployment.status.is_final else "still runs at the server"
    else:
        what, where = f"the deployment of {name_of(service)}", f" ({progress.link})"
        still = "is taken by the server, and waits in its queue or starts"
    return Interrupted(
        f"Interrupted: {what} {still}{where}.",
        next_step="It was left as it is. The next `pulumi up` goes on waiting for it; `pulumi destroy` gives it up.",
    )


def partial_state(inputs: Mapping[str, Any], progress: RunRecord, error: DokployError) -> tuple[str, State] | None:
    """The id and state of a run that failed with this error; None where the server has nothing of it."""
    service = progress.service
    if service is None or not progress.is_sent:
        return None
    row = error.deployment if isinstance(error, RolloutError) and error.deployment is not None else progress.deployment
    left = Unfinished.BROKEN_OFF if _goes_on_without_us(error) else Unfinished.FAILED
    outputs = DeploymentOutputs(
        status=row.status.value if row is not None else "",
        stage=progress.stage.value,
        app_name=service.app_name,
        url=progress.link,
    )
    from_row = deployment.row_outputs(row) if row is not None else {}
    state = {
        **inputs,
        **outputs.model_dump(),
        **from_row,
        "nonce": progress.nonce,
        UNFINISHED: left.value,
        KNOWN_ROWS: list(progress.known_rows),
        BASELINE: _dump(progress.before),
    }
    identity = row.deployment_id if row is not None else progress.nonce
    return f"{service.kind.value}/{service.service_id}/{identity}", state


def _goes_on_without_us(error: DokployError) -> bool:
    return isinstance(error, Interrupted | DeploymentTimedOut | ContactLost | TriggerFailed | ApiError)


def diff(olds: Mapping[str, Any], news: Mapping[str, Any]) -> Diff:
    """What changed; a run that did not come to its end is a change of its own.

    The first triggers that a program gives for an imported deployment are that deployment's: they don't deploy.
    """
    change = deployment.diff(olds, news)
    if olds.get(ADOPTED) and not change.replaces:
        return replace(change, deploys=False)
    if not olds.get(UNFINISHED) or change.deploys:
        return change
    return replace(change, changed=(*change.changed, "status"), deploys=True)


async def update(
    olds: Mapping[str, Any], news: Mapping[str, Any], context: RunContext, *, default_title: str = ""
) -> State:
    """Go on with what an earlier run has left, deploy again, or store the settings."""
    left = olds.get(UNFINISHED)
    earlier = {name: value for name, value in olds.items() if name not in _PRIVATE}
    if olds.get(ADOPTED):
        context.reporter.progress(
            Progress(Activity.NOTE, detail="takes the triggers as those of the imported deployment")
        )
        return {**earlier, **news, **{name: olds.get(name) for name in ("title", "description")}}
    if not left or deployment.diff(olds, news).deploys:
        return await deployment.update(earlier, news, context, default_title=default_title)
    if left == Unfinished.BROKEN_OFF:
        taken_up = await _take_up(olds, news, context)
        if taken_up is not None:
            return taken_up
        context.reporter.progress(
            Progress(Activity.NOTE, detail="the earlier deployment is not under way any more; deploying again")
        )
    return (await deployment.create(news, context, default_title=default_title))[1]


async def _take_up(olds: Mapping[str, Any], news: Mapping[str, Any], context: RunContext) -> State | None:
    request = deployment.request_of(news, "")
    earlier = EarlierRun(
        nonce=str(olds.get("nonce") or ""),
        deployment_id=olds.get("deployment_id"),
        known_rows=tuple(str(row) for row in olds.get(KNOWN_ROWS) or ()),
        before=_load(olds.get(BASELINE)),
    )
    if news.get("on_failure") == OnFailure.ROLLBACK:
        context.reporter.progress(
            Progress(Activity.NOTE, detail="on_failure: rollback holds for new runs; this one is only waited for")
        )
    run = await resume(request, earlier, context, context.record)
    return deployment.state_of(news, run) if run is not None else None


def _dump(baseline: Baseline) -> State:
    return {
        "task_ids": sorted(baseline.task_ids),
        "image": baseline.image,
        "update_started_at": baseline.update_started_at.isoformat() if baseline.update_started_at else None,
        "unknown_because": baseline.unknown_because,
    }


def _load(dumped: Mapping[str, Any] | None) -> Baseline:
    if not dumped:
        return Baseline()
    moment = dumped.get("update_started_at")
    return Baseline(
        task_ids=frozenset(dumped.get("task_ids") or ()),
        image=str(dumped.get("image") or ""),
        update_started_at=datetime.fromisoformat(moment) if moment else None,
        unknown_because=str(dumped.get("unknown_because") or ""),
    )
