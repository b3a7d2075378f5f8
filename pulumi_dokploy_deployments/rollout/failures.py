"""The messages of every failure of a run: what failed and why, where, what to do. The one place that writes them."""

from __future__ import annotations

from collections.abc import Sequence

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.errors import ApiError, DokployError, Step
from pulumi_dokploy_deployments.api.models import DeploymentRecord, QueueJob, Service
from pulumi_dokploy_deployments.api.one_line import one_line
from pulumi_dokploy_deployments.api.services import ServiceRef, name_of
from pulumi_dokploy_deployments.api.text import (
    Action,
    ActionOn,
    Deadline,
    DeadlineSource,
    Input,
    Text,
    clause,
    joined,
)
from pulumi_dokploy_deployments.rollout.dead_ends import Dead
from pulumi_dokploy_deployments.rollout.errors import (
    ContactLost,
    DeploymentCancelled,
    DeploymentFailed,
    DeploymentLost,
    DeploymentRemoved,
    DeploymentStuck,
    DeploymentTimedOut,
    DeploymentUnidentified,
    Interrupted,
    RolloutError,
    ServiceBusy,
    ServiceUnhealthy,
    ServiceUnproven,
    TriggerFailed,
    UnexpectedCommit,
    UnexpectedImage,
)
from pulumi_dokploy_deployments.rollout.next_steps import AGAIN, NEXT_STEPS, RUNNING_STEPS
from pulumi_dokploy_deployments.rollout.stages import tail_of
from pulumi_dokploy_deployments.rollout.telling_line import telling_line
from pulumi_dokploy_deployments.waiting.progress import Stage
from pulumi_dokploy_deployments.workload.verdict import Verdict

TAIL_LINES = 20
SHORT_TAIL_LINES = 8
"""Enough where the whole log has been streamed just before."""


class UnknownService(DokployError):
    """There is no service with this id, or the key's user can't see it."""


async def log_tail(client: DokployClient, row: DeploymentRecord, lines: int = TAIL_LINES) -> list[str]:
    """The log's last lines; none where the server does not give them, since the failure matters more."""
    if not row.log_path:
        return [row.error_message] if row.error_message else []
    try:
        return client.redactor.lines(tail_of(await client.read_log(row.deployment_id, tail=lines * 3), lines))
    except ApiError:
        return []


def unknown_service(ref: ServiceRef, server: str) -> UnknownService:
    """`<kind>.one` gave a 404."""
    return UnknownService(
        f"{server} has no {ref.kind.value} with the id {ref.service_id!r}.",
        next_step=f"The id is in the address of the service's page in the dashboard, after /{ref.kind.value}/.",
        step=Step.CHANGE_INPUT,
        property_name=f"{ref.kind.value}_id",
    )


# --- the deployment's own end -------------------------------------------------------------------------------------

_DURING = {
    Stage.CLONE: " while cloning the source",
    Stage.PULL: " while pulling the image",
    Stage.BUILD: " in the build",
    Stage.PUSH: " while pushing the image",
    Stage.UPDATE: " while updating the service",
}


def failed(
    service: Service,
    row: DeploymentRecord,
    stage: Stage,
    tail: Sequence[str],
    link: str,
    *,
    shown_lines: int = TAIL_LINES,
    why_no_log: str = "",
) -> DeploymentFailed:
    """The deployment's status is `error`, or one that this version does not know.

    Args:
        service: the service.
        row: the deployment.
        stage: the last stage that it reached.
        tail: the end of the build log, in which the cause is looked for.
        link: the service's page.
        shown_lines: how many of the tail's lines the message shows.
        why_no_log: why the server gives no build log at all, for versions that don't.
    """
    took = f" after {row.duration_seconds:.1f} s" if row.duration_seconds is not None else ""
    telling = telling_line(tail)
    if telling is not None:
        reason, (next_step, step) = telling.text, NEXT_STEPS[telling.kind]
    else:
        reason, step = one_line(row.error_message) or f"its status is {row.status.value}", Step.FIX_AND_RUN_AGAIN
        next_step = joined("Fix the error shown in the log" if tail else "Fix the cause", AGAIN)
        if why_no_log and row.log_path:
            reason = f"{reason}, and {why_no_log}"
            next_step = joined(f"Read the log on the server, {row.log_path}, and fix the cause", AGAIN)
    return DeploymentFailed(
        f"The deployment of {name_of(service)} failed{took}{_DURING.get(stage, '')}",
        reason=reason,
        service=name_of(service),
        deployment=row,
        log_tail=tail[-shown_lines:] if shown_lines > 0 else (),
        link=link,
        next_step=next_step,
        step=step,
    )


def cancelled(
    service: Service, row: DeploymentRecord, tail: Sequence[str], link: str, *, survives_restart: bool = False
) -> DeploymentCancelled:
    """The server was restarted while the deployment ran.

    Args:
        service: the service.
        row: the deployment.
        tail: the end of its build log.
        link: the service's page.
        survives_restart: whether the server keeps its queue over a restart, and runs such a deployment again.
    """
    but = "did not run it again" if survives_restart else "does not resume deployments after a restart"
    return DeploymentCancelled(
        f"The deployment of {name_of(service)} was cancelled",
        reason=f"Dokploy was restarted while it ran, and {but}",
        service=name_of(service),
        deployment=row,
        log_tail=tail,
        link=link,
        next_step=("Nothing is wrong with the service's source. ", Action.RUN_AGAIN, "."),
        step=Step.RUN_AGAIN,
    )


def other_commit(service: Service, row: DeploymentRecord, expected: str, link: str) -> UnexpectedCommit:
    """`expect_commit` names another commit."""
    if row.commit_hash is None:
        built = "the server does not say which commit was built"
    else:
        message = f" ({one_line(row.commit_message)})" if row.commit_message else ""
        built = f"the server built {row.commit_hash[:12]}{message}"
    return UnexpectedCommit(
        f"The deployment of {name_of(service)} should have built commit {expected}, but {built}, and that is what "
        "was rolled out",
        service=name_of(service),
        deployment=row,
        link=link,
        next_step=("Push the expected commit to the service's branch, or change ", Input("expect_commit"), "."),
        step=Step.CHANGE_INPUT,
        property_name="expect_commit",
    )


def other_image(service: Service, row: DeploymentRecord | None, named: str, running: str, link: str) -> UnexpectedImage:
    """`image` names another image than the one that runs."""
    return UnexpectedImage(
        f"{name_of(service)} should run the image {named}, but {running} is what was rolled out: someone else has set "
        "another image meanwhile",
        service=name_of(service),
        deployment=row,
        link=link,
        next_step=("Have one place name its image, and ", Action.RUN_AGAIN, "."),
        step=Step.RUN_AGAIN,
        property_name="image",
    )


def unhealthy(
    service: Service,
    row: DeploymentRecord | None,
    verdict: Verdict,
    link: str,
    *,
    last_words: Sequence[str] = (),
) -> ServiceUnhealthy:
    """The deployment is `done`, and what runs says otherwise.

    Args:
        service: the service.
        row: the deployment; None for databases.
        verdict: the judgement on what runs.
        link: the service's page.
        last_words: the last lines of the failed container's own log.
    """
    next_step, step = RUNNING_STEPS[verdict.next_step]
    still = f"; {verdict.still_runs}" if verdict.still_runs else ""
    return ServiceUnhealthy(
        f"Dokploy reports the deployment of {name_of(service)} as done, but the new version does not run",
        reason=f"{verdict.reason}{still}",
        service=name_of(service),
        deployment=row,
        link=link,
        last_words=last_words,
        next_step=next_step,
        step=step,
    )


def not_proven(service: Service, row: DeploymentRecord | None, verdict: Verdict, link: str) -> ServiceUnproven:
    """What runs could not be checked, and `if_unproven` is `fail`."""
    return ServiceUnproven(
        f"Dokploy reports the deployment of {name_of(service)} as done, but whether the new version runs could not be "
        "checked",
        reason=verdict.reason,
        service=name_of(service),
        deployment=row,
        link=link,
        next_step=("Give the key's user access to Docker, or set ", Input("if_unproven"), " to warn."),
        step=Step.GRANT_ACCESS,
        property_name="if_unproven",
    )


def unproven(service: Service, verdict: Verdict) -> Text:
    """The warning where the server says `done` and what runs could not be checked."""
    if service.kind.is_database:
        return f"The deployment was accepted, but whether the database runs could not be checked: {verdict.reason}."
    return (
        "Dokploy reports the deployment as done, but whether the new version runs could not be checked: "
        f"{verdict.reason}."
    )


def superseded(service: Service, deployment_id: str) -> Text:
    """The warning where someone else has deployed since."""
    return f"Someone else has made a newer deployment of {name_of(service)}: {deployment_id}."


def carried_out_twice(service: Service, row: DeploymentRecord, *, by_restart: bool) -> Text:
    """The warning where two deployments carry the run's mark: the newer one is judged."""
    why = (
        "Dokploy was restarted while it ran, and ran it again afterwards"
        if by_restart
        else "a request that seemed to be lost was delivered late"
    )
    return (
        f"The deployment of {name_of(service)} was carried out twice: {why}. The result is that of the second one, "
        f"{row.deployment_id}."
    )


# --- the wait's end -----------------------------------------------------------------------------------------------


def timed_out(
    service: Service,
    row: DeploymentRecord | None,
    seconds: float,
    stage: Stage,
    tail: Sequence[str],
    link: str,
    *,
    so_far: str = "",
    deadline: DeadlineSource = DeadlineSource.INPUT,
    last_words: Sequence[str] = (),
) -> DeploymentTimedOut:
    """The wait's deadline passed.

    Args:
        service: the service.
        row: the deployment, where there is one.
        seconds: how long was waited.
        stage: where the deployment was.
        tail: the end of the build log.
        link: the service's page.
        so_far: how far the stage had come.
        deadline: which limit it was.
        last_words: what the container that is not ready wrote last.
    """
    limit = Deadline(deadline)
    watch: Text = (ActionOn(Action.WATCH, row.deployment_id) if row is not None else Action.WATCH,)
    if stage is Stage.HEALTH_CHECK:
        reason = f"Dokploy reports it as done, but the health check has not passed{f': {so_far}' if so_far else ''}"
        first: Text = "Look at the service's log for why it is not ready."
    else:
        detail = f" ({so_far})" if so_far else ""
        reason = f"it was in the stage {stage.value!r}{detail}, and the server keeps working on it"
        first = joined(watch, ".")
    error = DeploymentTimedOut(
        (f"The deployment of {name_of(service)} did not finish within {seconds:g} s (", limit, ")"),
        reason=reason,
        service=name_of(service),
        deployment=row,
        log_tail=tail,
        last_words=last_words,
        link=link,
        next_step=joined(first, " If such deployments need longer, raise ", (limit,), "."),
        step=Step.CHANGE_INPUT,
        property_name="timeout_seconds" if deadline is DeadlineSource.INPUT else None,
    )
    error.deadline_source = deadline
    return error


def contact_lost(service: Service, row: DeploymentRecord | None, cause: ApiError, link: str) -> ContactLost:
    """The server took the deployment, and then could not be asked about it any more."""
    before = joined(cause.next_step_text, " ") if cause.next_step_text else ""
    return ContactLost(
        f"The deployment of {name_of(service)} was accepted, and then the server could not be asked about it any more",
        reason=joined(clause(cause.text), ". The deployment may still be running there"),
        service=name_of(service),
        deployment=row,
        link=link,
        next_step=joined(before, "Look at the deployment in the dashboard before you ", (Action.RUN_AGAIN,), "."),
        step=cause.step if cause.step is not Step.NONE else Step.LOOK_AT_SERVICE,
    )


def interrupted(
    service: Service | None, deployment: DeploymentRecord | None, stage: Stage, link: str, *, is_sent: bool
) -> Interrupted:
    """The user ended the wait: what the server still does, and what the next run will do."""
    if service is None or not is_sent:
        return Interrupted(
            "Interrupted before anything was sent to the server",
            service=name_of(service) if service is not None else "",
            next_step=(Action.RUN_AGAIN, "."),
            step=Step.RUN_AGAIN,
        )
    name = name_of(service)
    if deployment is None:
        what = f"Interrupted: the request to deploy {name} was sent, and its deployment is queued or about to start"
    elif deployment.status.is_final:
        what = f"Interrupted: the deployment of {name} has ended at the server (status {deployment.status.value})"
    else:
        what = f"Interrupted: the deployment of {name} is still running at the server, in the stage {stage.value!r}"
    return Interrupted(
        what,
        service=name,
        deployment=deployment,
        link=link,
        next_step=(
            "It was not stopped. ",
            Action.RUN_AGAIN,
            " to go on waiting for it, or ",
            Action.DESTROY,
            " to give it up.",
        ),
        step=Step.RUN_AGAIN,
    )


def dead(
    reason: Dead,
    service: Service,
    row: DeploymentRecord | None,
    tail: Sequence[str],
    link: str,
    *,
    told: str = "",
    survives_restart: bool = False,
) -> RolloutError:
    """Further waiting makes no sense.

    Args:
        reason: why.
        service: the service.
        row: the deployment, where there is one.
        tail: the end of its build log.
        link: the service's page.
        told: what the queue says of the failed job.
        survives_restart: whether the server keeps its queue over a restart.
    """
    name = name_of(service)
    if reason is Dead.FAILED_UNTOLD:
        return DeploymentFailed(
            f"The deployment of {name} failed",
            reason=f"Dokploy's queue lists it as failed: {one_line(told) or 'without a reason'}",
            service=name,
            deployment=row,
            log_tail=tail,
            link=link,
            next_step=joined("Fix the cause", AGAIN),
            step=Step.FIX_AND_RUN_AGAIN,
        )
    if reason is Dead.CALLED_OFF:
        return DeploymentCancelled(
            f"The deployment of {name} was cancelled",
            reason="someone cancelled it in Dokploy Cloud, which calls it done at once. A build that had started may "
            "go on there to its end",
            service=name,
            deployment=row,
            log_tail=tail,
            link=link,
            next_step=("Check what runs on the service's page, then ", Action.RUN_AGAIN, " to deploy once more."),
            step=Step.LOOK_AT_SERVICE,
        )
    if reason is Dead.STUCK:
        return DeploymentStuck(
            f"The deployment of {name} is stuck",
            reason="Dokploy lists it as running, but has no job for it any more. Dokploy was restarted, or its "
            "database was unavailable when the build ended",
            service=name,
            deployment=row,
            log_tail=tail,
            link=link,
            next_step=("Check what runs on the service's page, then ", Action.RUN_AGAIN, " to deploy once more."),
            step=Step.LOOK_AT_SERVICE,
        )
    if reason is Dead.REMOVED:
        return DeploymentRemoved(
            f"The deployment of {name} is no longer in the server's history, which keeps about ten",
            reason="it was deleted, or displaced by newer ones, before its end was seen",
            service=name,
            deployment=row,
            link=link,
            next_step=("Check what runs on the service's page, then ", Action.RUN_AGAIN, " to deploy once more."),
            step=Step.LOOK_AT_SERVICE,
        )
    if reason is Dead.UNIDENTIFIED:
        return DeploymentUnidentified(
            f"It is not known how the deployment of {name} ended",
            reason="it was over, or lost, before it was seen. Dokploy replaces a finished deployment's title with the "
            "commit's, so the one in the history that could be it could also be somebody else's, and none is taken "
            "for it",
            service=name,
            link=link,
            next_step=(
                "Look at the service's deployments in the dashboard, then ",
                Action.RUN_AGAIN,
                " to deploy once more.",
            ),
            step=Step.LOOK_AT_SERVICE,
        )
    how = (
        "Someone cleared the queue, or Dokploy's Redis was emptied"
        if survives_restart
        else "Dokploy was restarted, which empties its queue, or someone cleared the queue"
    )
    return DeploymentLost(
        f"The server accepted the deployment of {name} and then lost it",
        reason=f"it is neither in the queue nor in the history. {how}. Nothing was deployed",
        service=name,
        link=link,
        next_step=(Action.RUN_AGAIN, "."),
        step=Step.RUN_AGAIN,
    )


# --- the request --------------------------------------------------------------------------------------------------


def busy(service: Service, jobs: Sequence[QueueJob], link: str) -> ServiceBusy:
    """`on_busy` is `fail`."""
    titles = ", ".join(_job_in_words(job) for job in jobs[:5])
    what = "a preview of a pull request" if all(job.is_preview for job in jobs) else "another deployment of it"
    return ServiceBusy(
        f"{name_of(service)} is busy",
        reason=f"{what} is waiting or running ({titles}); nothing was started",
        service=name_of(service),
        link=link,
        next_step=("Wait for it to end, or set ", Input("on_busy"), " to queue or supersede."),
        step=Step.WAIT,
        property_name="on_busy",
    )


def not_dropped(service: Service) -> Text:
    """The warning where `on_busy` is `supersede` and the server is Dokploy Cloud, which drops nothing."""
    return (
        f"Deployments of {name_of(service)} wait in the queue, which Dokploy Cloud can't drop; this one waits behind "
        "them."
    )


def _job_in_words(job: QueueJob) -> str:
    preview = "preview of a pull request: " if job.is_preview else ""
    return f"{preview}{one_line(job.data.title_log) or 'untitled'} ({job.state.value})"


def answer_not_found(service: Service, cause: ApiError, link: str) -> TriggerFailed:
    """The POST's answer is lost, and neither queue nor history tells whether it was carried out."""
    return TriggerFailed(
        f"Whether the server took the request to deploy {name_of(service)} is not known",
        reason=joined(
            clause(cause.text),
            ", and neither the queue nor the history shows the deployment for certain. It was not sent a second time",
        ),
        service=name_of(service),
        link=link,
        next_step=("Look at the service's deployments in the dashboard before you ", Action.RUN_AGAIN, "."),
        step=Step.LOOK_AT_SERVICE,
    )


def database_failed(service: Service, cause: ApiError, link: str) -> RolloutError:
    """The synchronous deploy of a database failed, or its answer was lost."""
    if cause.status == 500:
        return DeploymentFailed(
            f"The deployment of {name_of(service)} failed",
            reason=clause(cause.text),
            service=name_of(service),
            link=link,
            next_step=joined("Fix what the server reports", AGAIN),
            step=Step.FIX_AND_RUN_AGAIN,
        )
    return answer_not_found(service, cause, link)
