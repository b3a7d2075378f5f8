"""`remove`: delete a deployment from the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_dokploy_deployments.cli.command import command
from pulumi_dokploy_deployments.cli.options import DeploymentId, Yes

if TYPE_CHECKING:
    from pulumi_dokploy_deployments.api.client import DokployClient
    from pulumi_dokploy_deployments.api.models import DeploymentRecord
    from pulumi_dokploy_deployments.cli.finding import Found
    from pulumi_dokploy_deployments.cli.session import Session


@command
def remove(session: Session, deployment: DeploymentId, yes: Yes = False) -> None:
    """Delete a deployment from the history. A running one is not stopped by that. Asks first."""
    from pulumi_dokploy_deployments.api.errors import NotFound
    from pulumi_dokploy_deployments.cli.errors import Refused
    from pulumi_dokploy_deployments.cli.finding import find_deployment
    from pulumi_dokploy_deployments.functions.logs import unknown_deployment

    async def look(client: DokployClient) -> tuple[Found, DeploymentRecord]:
        found = await session.retry(lambda: find_deployment(client, deployment))
        kind, service_id = found.service.kind.value, found.service.service_id
        rows = await session.retry(lambda: client.deployments_by_type(kind, service_id))
        return found, next((row for row in rows if row.deployment_id == found.row.deployment_id), found.row)

    found, row = session.run(look)
    session.confirm(_question(found, row), yes=yes)
    session.goes_on = "The server may have removed the deployment: dokploy-deployments list"

    async def delete(client: DokployClient) -> bool:
        try:
            await client.remove_deployment(row.deployment_id)
        except NotFound:
            raise unknown_deployment(client.connection.origin, row.deployment_id) from None
        ref = found.service
        rows = await session.retry(lambda: client.deployments_of(ref.kind, ref.service_id))
        return all(other.deployment_id != row.deployment_id for other in rows)

    if not session.run(delete):
        raise Refused(
            f"The server reports the deployment {row.deployment_id} as removed, but it is still in the history."
        )
    still_runs = not row.status.is_final
    if session.is_json:
        session.json({"removed": row.deployment_id, "was": row.status.value, "job_goes_on": still_runs})
    session.say(f"Removed the deployment {row.deployment_id} of {found.name} from the history.", "green")
    if still_runs:
        session.warn("It was running, and the server goes on with it: only its row and its log are gone.")


def _question(found: Found, row: DeploymentRecord) -> str:
    from pulumi_dokploy_deployments.api.models import DeploymentStatus

    question = f"Remove the deployment {row.deployment_id} of {found.name} ({row.status.value}) from the history?"
    if not row.status.is_final:
        question += " It still runs: removing does not stop it, only its row and log go."
    if row.rollback is not None and row.rollback.image and row.status is DeploymentStatus.DONE:
        question += f" Version v{row.rollback.version} can't be rolled back to any more."
    return question
