"""The end of a build log, cleaned, with the stage that it shows."""

from __future__ import annotations

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.errors import NotFound, Step
from pulumi_dokploy_deployments.api.redact import Redactor
from pulumi_dokploy_deployments.api.text import Action
from pulumi_dokploy_deployments.functions.arguments import Logs
from pulumi_dokploy_deployments.functions.deployments import central_rows
from pulumi_dokploy_deployments.functions.identity import UnknownId
from pulumi_dokploy_deployments.functions.models import DeploymentLogs
from pulumi_dokploy_deployments.rollout.build_log import LogPlace, read_build_log
from pulumi_dokploy_deployments.rollout.stages import StageReader, clean_line
from pulumi_dokploy_deployments.waiting.clock import SystemClock
from pulumi_dokploy_deployments.waiting.progress import Stage


async def deployment_logs(client: DokployClient, asked: Logs) -> DeploymentLogs:
    """The last lines; works while the deployment runs.

    They come from `deployment.readLogs`; before v0.29.5, which came with it, from the live log.

    Raises:
        UnknownId: the server has no such deployment, or no longer.
        NoBuildLog: the server's version has no way to a build log, or the live log can't be reached.
        ApiError: the server could not be asked, or the key's user has no access to the service.
    """

    async def find() -> LogPlace | None:
        rows = await central_rows(client)
        found = next((one for one in rows if one.row.deployment_id == asked.deployment_id), None)
        if found is None:
            raise unknown_deployment(client.connection.origin, asked.deployment_id)
        host = found.row.build_server_id or found.row.server_id or found.service_server_id
        return LogPlace(found.row.log_path or "", host)

    try:
        text = await read_build_log(client, asked.deployment_id, find, tail=asked.tail, clock=SystemClock())
    except NotFound:
        raise unknown_deployment(client.connection.origin, asked.deployment_id) from None
    return logs_of(asked.deployment_id, text, asked.tail, client.redactor)


def logs_of(deployment_id: str, text: str, tail: int, redactor: Redactor) -> DeploymentLogs:
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
        lines=tuple(redactor.lines(lines)),
        stage=None if reader.stage is Stage.QUEUED else reader.stage.value,
        is_complete=len(raw) < tail,
    )


def unknown_deployment(server: str, deployment_id: str) -> UnknownId:
    """The server answers 404 for a deployment that never was, was removed, or was pruned (transcript 72)."""
    return UnknownId(
        f"{server} has no deployment with the id {deployment_id!r}.",
        next_step=("The server keeps about the ten newest of each service: ", Action.LIST_DEPLOYMENTS, "."),
        step=Step.CHANGE_INPUT,
        property_name="deployment_id",
    )
