"""The end of a build log, cleaned, with the stage that it shows."""

from __future__ import annotations

from pulumi_dokploy_deployments.api.client import MAX_LOG_LINES, DokployClient
from pulumi_dokploy_deployments.api.errors import NotFound
from pulumi_dokploy_deployments.functions.filters import InvalidArgument
from pulumi_dokploy_deployments.functions.identity import UnknownId, given_id
from pulumi_dokploy_deployments.functions.models import DeploymentLogs
from pulumi_dokploy_deployments.rollout.stages import StageReader, clean_line
from pulumi_dokploy_deployments.waiting.progress import Stage

DEFAULT_TAIL = 100


async def deployment_logs(client: DokployClient, deployment_id: str, *, tail: int = DEFAULT_TAIL) -> DeploymentLogs:
    """`deployment.readLogs`: the last lines; works while the deployment runs.

    Args:
        client: the server.
        deployment_id: the deployment.
        tail: how many lines, 1 to 10 000.

    Raises:
        InvalidArgument: the server gives no such number of lines.
        UnknownId: the server has no such deployment (any more).
        ApiError: the server could not be asked, or the key's user has no access to the service.
    """
    if isinstance(tail, bool) or not 1 <= tail <= MAX_LOG_LINES:
        raise InvalidArgument(
            f"{tail!r} lines of a log can't be had.", next_step=f"The server gives 1 to {MAX_LOG_LINES} lines."
        )
    identity = given_id("deployment id", deployment_id)
    try:
        text = await client.read_log(identity, tail=tail)
    except NotFound:
        raise unknown_deployment(client.connection.origin, identity) from None
    return logs_of(identity, text, tail)


def logs_of(deployment_id: str, text: str, tail: int) -> DeploymentLogs:
    """The result for the text that the server gave when asked for `tail` lines."""
    raw = text.split("\n")
    if raw and not raw[-1].strip():
        raw.pop()
    lines = tuple(clean_line(line) for line in raw) if text.strip() else ()
    reader = StageReader()
    for line in lines:
        reader.read(line)
    return DeploymentLogs(
        deployment_id=deployment_id,
        lines=lines,
        stage=None if reader.stage is Stage.QUEUED else reader.stage.value,
        is_complete=len(raw) < tail,
    )


def unknown_deployment(server: str, deployment_id: str) -> UnknownId:
    """The server answers 404 for a deployment that never was, was removed, or was pruned (transcript 72)."""
    return UnknownId(
        f"{server} has no deployment with the id {deployment_id!r}.",
        next_step="It keeps about the ten newest of each service; list them with `dokploy-deployments list`.",
    )
