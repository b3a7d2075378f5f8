"""The queue: what waits and what runs, on the whole instance."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.models import QueueJob
from pulumi_dokploy_deployments.functions.arguments import Queue
from pulumi_dokploy_deployments.functions.deployments import service_type_of
from pulumi_dokploy_deployments.functions.models import DeploymentQueue, QueueJobInfo
from pulumi_dokploy_deployments.rollout.mark import unmark
from pulumi_dokploy_deployments.waiting.snapshot import jobs_ahead, queue_order


async def deployment_queue(client: DokployClient, asked: Queue) -> DeploymentQueue:
    """`deployment.queueList`. It shows the jobs of everybody, to members too (transcript 205).

    Raises:
        InvalidArgument: two services are named.
        ApiError: the server could not be asked, or the key's user may not read deployments.
    """
    states, service_id = asked.states, asked.service_id
    return chosen(in_order(await client.queue()), states, service_id)


def chosen(
    jobs: Iterable[QueueJobInfo], states: Collection[str] = (), service_id: str | None = None
) -> DeploymentQueue:
    """Those of the jobs that are in one of the states, where some are given, and of the service, where one is."""
    kept = (
        job
        for job in jobs
        if (not states or job.state in states) and (service_id is None or job.service_id == service_id)
    )
    return DeploymentQueue(jobs=tuple(kept))


def in_order(jobs: Iterable[QueueJob]) -> list[QueueJobInfo]:
    """The jobs in the order in which the server runs them: ended ones first, then active, then waiting."""
    ordered = sorted(jobs, key=queue_order)
    ahead = jobs_ahead(ordered)
    return [_info(job, ahead.get(job.id)) for job in ordered]


def _info(job: QueueJob, ahead: int | None) -> QueueJobInfo:
    path = job.service_path
    return QueueJobInfo(
        id=job.id,
        name=job.name,
        state=job.state.value,
        queued_at=job.queued_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        service_path=path.href if path is not None else None,
        service_label=path.label if path is not None else None,
        failure_reason=job.failed_reason,
        service_type=service_type_of(job.data.application_id, job.data.compose_id) or job.data.application_type,
        service_id=job.service_id,
        is_preview=job.is_preview,
        method=job.data.type,
        title=job.data.title_log,
        description=unmark(job.data.description_log) if job.data.description_log is not None else None,
        jobs_ahead=ahead,
    )
