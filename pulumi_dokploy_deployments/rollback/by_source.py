"""Pins a version by the service's own source: sets the earlier image or git ref, deploys, and verifies it.

The server keeps no source settings of earlier deployments. What there is: a docker-sourced application's log names
the image that it pulled, and for git the user names a branch or tag (Dokploy clones `--branch`, never a bare commit).
"""

from __future__ import annotations

import re

from pulumi_dokploy_deployments.api.errors import ApiError, Step
from pulumi_dokploy_deployments.api.models import REF_FIELDS, Service, SourceType
from pulumi_dokploy_deployments.api.services import name_of
from pulumi_dokploy_deployments.api.text import Input
from pulumi_dokploy_deployments.rollback.candidates import Candidate
from pulumi_dokploy_deployments.rollback.targets import Target
from pulumi_dokploy_deployments.rollout.build_log import LogPlace, NoBuildLog, read_build_log
from pulumi_dokploy_deployments.rollout.deploy import deploy, require_supported
from pulumi_dokploy_deployments.rollout.errors import UnexpectedCommit
from pulumi_dokploy_deployments.rollout.log_follower import log_host_of
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.rollout.request import RolloutRequest
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.retry import retry_transient, short_budget

WHOLE_LOG_LINES = 10_000
_PULLING = re.compile(r"^Pulling (\S+)\s*$", re.MULTILINE)


async def ref_of(candidate: Candidate, service: Service, context: RunContext) -> str | None:
    """The docker image that a past deployment pulled, from its log; None for everything else."""
    if service.source_type is not SourceType.DOCKER:
        return None
    client = context.client

    async def find() -> LogPlace | None:
        rows = await client.deployments_of(service.kind, service.service_id)
        row = next((row for row in rows if row.deployment_id == candidate.deployment_id), None)
        return LogPlace(row.log_path or "", log_host_of(row, service)) if row is not None else None

    try:
        log = await retry_transient(
            lambda: read_build_log(client, candidate.deployment_id, find, tail=WHOLE_LOG_LINES, clock=context.clock),
            budget=short_budget(),
            clock=context.clock,
        )
    except (ApiError, NoBuildLog):
        return None
    found = _PULLING.search(log)
    return found.group(1) if found else None


def source_setting(service: Service) -> tuple[str, str | None] | None:
    """The wire field that holds the service's source version, and its value now."""
    if service.source_type is SourceType.DOCKER:
        return ("dockerImage", service.docker_image)
    field = REF_FIELDS.get(service.source_type or "")
    return (field, service.git_ref) if field else None


async def set_source(service: Service, value: str, context: RunContext) -> None:
    """Point the service's source at a version; nothing is deployed by that."""
    setting = source_setting(service)
    if setting is None or setting[1] == value:
        return
    field = setting[0]
    await retry_transient(
        lambda: context.client.update_service(service.kind, service.service_id, {field: value}),
        budget=short_budget(),
        clock=context.clock,
    )


async def deploy_source(
    service: Service,
    target: Target,
    request: RolloutRequest,
    context: RunContext,
    record: RunRecord | None = None,
) -> RunRecord:
    """Set the source to the target's and deploy it; the source stays so, and is put back if the deployment fails.

    Raises:
        TooOld: the server's version is below the oldest one that this package works with; nothing was changed.
        RolloutError: the deployment failed, or built another commit than the pinned one.
        ApiError: the server refused or could not be reached.
    """
    await require_supported(context)
    setting = source_setting(service)
    before = setting[1] if setting is not None else None
    await set_source(service, target.source_ref or "", context)
    changed = await retry_transient(
        lambda: context.client.read_service(service.kind, service.service_id),
        budget=short_budget(),
        clock=context.clock,
    )
    try:
        run = await deploy(request, context, record)
        _expect_pinned_commit(service, target, run)
    except Exception:
        if before is not None:
            await set_source(changed, before, context)
        raise
    return run


def _expect_pinned_commit(service: Service, target: Target, run: RunRecord) -> None:
    built = run.deployment.commit_hash if run.deployment is not None else None
    if target.commit_hash is None or built is None or built == target.commit_hash:
        return
    raise UnexpectedCommit(
        f"{name_of(service)} should have gone back to commit {target.commit_hash[:12]}, but {target.source_ref!r} "
        f"points to {built[:12]}, and that was deployed",
        service=name_of(service),
        deployment=run.deployment,
        link=run.link,
        next_step=("Set ", Input("source_ref"), " to a branch or tag that points to the wanted commit."),
        step=Step.CHANGE_INPUT,
        property_name="source_ref",
    )
