"""The words of every failure of a run: what failed, where, what next. The one place that writes them."""

from __future__ import annotations

from collections.abc import Sequence

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.errors import ApiError, DokployError
from pulumi_dokploy_deployments.api.models import DeploymentRecord, QueueJob, Service
from pulumi_dokploy_deployments.api.services import ServiceRef, name_of
from pulumi_dokploy_deployments.api.text import Text
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
    RolloutError,
    ServiceBusy,
    ServiceUnhealthy,
    TriggerFailed,
    UnexpectedCommit,
)
from pulumi_dokploy_deployments.rollout.stages import tail_of
from pulumi_dokploy_deployments.waiting.progress import Stage
from pulumi_dokploy_deployments.workload.health import Verdict

TAIL_LINES = 20
SHORT_TAIL_LINES = 8
"""Enough where the whole log has run along just before."""
AGAIN = "Then run `pulumi up` again."


class UnknownService(DokployError):
    """There is no service with this id, or the key's user can't see it."""


async def log_tail(client: DokployClient, row: DeploymentRecord, lines: int = TAIL_LINES) -> list[str]:
    """The log's last lines; none where the server does not give them, since the failure matters more."""
    if not row.log_path:
        return [row.error_message] if row.error_message else []
    try:
        return tail_of(await client.read_log(row.deployment_id, tail=lines * 3), lines)
    except ApiError:
        return []


def unknown_service(ref: ServiceRef, server: str) -> UnknownService:
    """`<kind>.one` gave a 404."""
    return UnknownService(
        f"{server} has no {ref.kind.value} with the id {ref.service_id!r}.",
        next_step=f"The id stands in the address of the service's page in the dashboard, after /{ref.kind.value}/.",
    )


def failed(service: Service, row: DeploymentRecord, stage: Stage, tail: Sequence[str], link: str) -> DeploymentFailed:
    """The row says `error`, or a status that this version does not know."""
    took = f" after {row.duration_seconds:.1f} s" if row.duration_seconds is not None else ""
    where = f", in the stage {stage.value!r}" if stage not in (Stage.QUEUED, Stage.FAILED) else ""
    why = row.error_message or f"status {row.status.value}"
    return DeploymentFailed(
        f"The deployment of {name_of(service)} failed{took}{where}: {why}",
        service=name_of(service),
        deployment=row,
        log_tail=tail,
        link=link,
        next_step=f"Mend what the log names. {AGAIN}",
    )


def cancelled(service: Service, row: DeploymentRecord, tail: Sequence[str], link: str) -> DeploymentCancelled:
    """The server was restarted while the deployment ran."""
    return DeploymentCancelled(
        f"The deployment of {name_of(service)} was cancelled: Dokploy was restarted while it ran, and does not "
        "take such a deployment up again",
        service=name_of(service),
        deployment=row,
        log_tail=tail,
        link=link,
        next_step="Nothing is wrong with the service's source. Run `pulumi up` again.",
    )


def timed_out(
    service: Service,
    row: DeploymentRecord | None,
    seconds: float,
    stage: Stage,
    tail: Sequence[str],
    link: str,
    *,
    so_far: str = "",
) -> DeploymentTimedOut:
    """The client's deadline passed; `so_far` says how far the stage had come."""
    return DeploymentTimedOut(
        f"The deployment of {name_of(service)} did not finish within {seconds:g} s (timeout_seconds); it was in the "
        f"stage {stage.value!r}{f' ({so_far})' if so_far else ''}, and the server keeps working on it",
        service=name_of(service),
        deployment=row,
        log_tail=tail,
        link=link,
        next_step="Watch it on its page in the dashboard. Where such deployments take longer, raise timeout_seconds.",
    )


def contact_lost(service: Service, row: DeploymentRecord | None, cause: ApiError, link: str) -> ContactLost:
    """The server took the deployment, and could not be asked about it any more."""
    return ContactLost(
        f"The deployment of {name_of(service)} was accepted, and then the server could not be asked about it any more: "
        f"{cause.message.rstrip('.')}. It may well go on there",
        service=name_of(service),
        deployment=row,
        link=link,
        next_step=(
            f"{cause.next_step} Look at the deployment in the dashboard before you run `pulumi up` again.".strip()
        ),
    )


def busy(service: Service, jobs: Sequence[QueueJob], link: str) -> ServiceBusy:
    """`on_busy` is `fail`."""
    titles = ", ".join(f"{job.data.title_log or 'untitled'} ({job.state.value})" for job in jobs[:5])
    return ServiceBusy(
        f"{name_of(service)} is busy: another deployment of it waits or runs ({titles}); nothing was started",
        service=name_of(service),
        link=link,
        next_step="Wait for it to end, or set on_busy to queue or supersede.",
    )


def other_commit(service: Service, row: DeploymentRecord, expected: str, link: str) -> UnexpectedCommit:
    """`expect_commit` names another commit."""
    if row.commit_hash is None:
        built = "the server does not say which commit was built"
    else:
        built = f"the server built {row.commit_hash[:12]} ({row.commit_message})"
    return UnexpectedCommit(
        f"The deployment of {name_of(service)} should have built commit {expected}, but {built}, and that is what "
        "was rolled out",
        service=name_of(service),
        deployment=row,
        link=link,
        next_step="Push the expected commit to the service's branch, or change expect_commit.",
    )


def unhealthy(service: Service, row: DeploymentRecord | None, verdict: Verdict, link: str) -> ServiceUnhealthy:
    """The row says `done`, and what runs says otherwise."""
    still = f"; {verdict.still_runs}" if verdict.still_runs else ""
    return ServiceUnhealthy(
        f"Dokploy calls the deployment of {name_of(service)} done, but the new version does not run: "
        f"{verdict.reason}{still}",
        service=name_of(service),
        deployment=row,
        link=link,
        next_step=f"Look at the container's log in the dashboard and mend why it ends. {AGAIN}",
    )


def unproven(service: Service, verdict: Verdict) -> Text:
    """The warning where the server says `done` and can't tell what runs."""
    if service.kind.is_database:
        return f"The deployment was accepted; that the database runs could not be checked: {verdict.reason}."
    return (
        f"Dokploy says that the deployment is done; that the new version runs could not be checked: {verdict.reason}."
    )


def superseded(service: Service, deployment_id: str) -> Text:
    """The warning where someone else has deployed since."""
    return f"A newer deployment of {name_of(service)}, {deployment_id}, has been made by someone else."


def carried_out_twice(service: Service, row: DeploymentRecord, *, by_restart: bool) -> Text:
    """The warning where two rows carry the run's mark: the newer one is judged."""
    why = (
        "Dokploy was restarted while it ran, and ran it again afterwards"
        if by_restart
        else "a request that seemed to be lost was delivered late"
    )
    return (
        f"The deployment of {name_of(service)} was carried out twice: {why}. The second one, {row.deployment_id}, is "
        "the one that counts."
    )


def answer_not_found(service: Service, cause: ApiError, link: str) -> TriggerFailed:
    """The POST's answer is lost, and neither queue nor rows tell whether it was carried out."""
    return TriggerFailed(
        f"Whether the server took the request to deploy {name_of(service)} is not known: {cause.message.rstrip('.')}, "
        "and neither its queue nor its history shows it for certain. It was not sent a second time",
        service=name_of(service),
        link=link,
        next_step="Look at the service's deployments in the dashboard before you run `pulumi up` again.",
    )


def database_failed(service: Service, cause: ApiError, link: str) -> RolloutError:
    """The synchronous deploy of a database failed, or its answer was lost."""
    if cause.status == 500:
        return DeploymentFailed(
            f"The deployment of {name_of(service)} failed: {cause.message.rstrip('.')}",
            service=name_of(service),
            link=link,
            next_step=f"Mend what the server names. {AGAIN}",
        )
    return answer_not_found(service, cause, link)


def dead(reason: Dead, service: Service, row: DeploymentRecord | None, tail: Sequence[str], link: str) -> RolloutError:
    """Waiting on makes no sense."""
    name = name_of(service)
    if reason is Dead.STUCK:
        return DeploymentStuck(
            f"The deployment of {name} is stuck: its row says running, but the server has no job for it any more. "
            "It was restarted, or its database was away when the build ended",
            service=name,
            deployment=row,
            log_tail=tail,
            link=link,
            next_step="What really runs is on the service's page. Run `pulumi up` again to deploy once more.",
        )
    if reason is Dead.REMOVED:
        return DeploymentRemoved(
            f"The deployment of {name} is no longer in the server's history, which keeps about ten: it was deleted, "
            "or pushed out by newer ones, before its end was seen",
            service=name,
            deployment=row,
            link=link,
            next_step="Look at the service's page for what runs. Run `pulumi up` again to deploy once more.",
        )
    if reason is Dead.UNIDENTIFIED:
        return DeploymentUnidentified(
            f"What became of the deployment of {name} can't be told: it was over, or lost, before it was seen. Its "
            "title is overwritten by the commit's at the end, and a row of the history that could be it is not taken "
            "for it, since it could be somebody else's as well",
            service=name,
            link=link,
            next_step="Look at the service's deployments in the dashboard. Run `pulumi up` again to deploy once more.",
        )
    return DeploymentLost(
        f"The server accepted the deployment of {name} and then lost it: it is neither in the queue nor in the "
        "history. Dokploy was restarted (its queue does not survive that), or someone cleared the queue. Nothing "
        "was deployed",
        service=name,
        link=link,
        next_step="Run `pulumi up` again.",
    )
