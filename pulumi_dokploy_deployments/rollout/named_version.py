"""The version that a request names: set on the service right before it, and compared with what runs after it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pulumi_dokploy_deployments.api.services import name_of
from pulumi_dokploy_deployments.rollout import failures
from pulumi_dokploy_deployments.rollout.wait import Wait
from pulumi_dokploy_deployments.settings.apply import apply, plan_change, put_back
from pulumi_dokploy_deployments.settings.images import is_what_was_named
from pulumi_dokploy_deployments.workload.verdict import Health


@asynccontextmanager
async def set_for_request(wait: Wait) -> AsyncIterator[None]:
    """Set the service to what the request names while the request is sent.

    The server reads the settings when the job starts, so that they are in place before it can. Where the request was
    not sent after all, they are put back to the letter.

    Raises:
        SettingRefused: the service can't be set to it; nothing was sent.
        ApiError: the server refused or could not be reached.
    """
    record = wait.record
    if not wait.request.wanted:
        yield
        return
    try:
        # Kept before it is sent: an update whose answer never comes has to be taken back as well.
        record.change = await plan_change(wait.service, wait.request.wanted, wait.context)
        await apply(wait.service, record.change, wait.context)
        yield
    finally:
        if not record.is_sent and record.change is not None:
            await put_back(wait.service, record.change, wait.context)


async def compare_with_named(wait: Wait) -> None:
    """Whether what was seen to run is what the request names.

    Raises:
        UnexpectedImage: another image runs.
        ApiError: the server could not be asked any more.
    """
    wanted, record = wait.request.wanted, wait.record
    if wanted.image is not None and record.verdict.health is Health.HEALTHY:
        seen = next((member.image for member in record.verdict.members if member.tasks and member.image), None)
        if seen is not None and not is_what_was_named(wanted.image, seen):
            raise failures.other_image(wait.service, record.deployment, wanted.image, seen, record.link)
    if wanted.git_ref is not None:
        ref = wait.request.service
        now = await wait.retry(lambda: wait.client.read_service(ref.kind, ref.service_id))
        if now.git_ref != wanted.git_ref:
            wait.context.reporter.warning(
                f"{name_of(now)} was set to the git ref {now.git_ref!r} by someone else while it was deployed: whether "
                f"{wanted.git_ref!r} is what was built is open."
            )
