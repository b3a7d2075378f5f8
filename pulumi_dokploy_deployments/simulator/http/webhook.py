"""POST /api/deploy/<refreshToken>: deploys without an API key (transcripts 202, 203)."""

from starlette.responses import Response

from pulumi_dokploy_deployments.simulator.http import answers
from pulumi_dokploy_deployments.simulator.world import World
from pulumi_dokploy_deployments.simulator.world.services import Deployable
from pulumi_dokploy_deployments.simulator.world.templates import Json


def deploy(world: World, token: str, kind: str, headers: Json, body: object) -> Response:
    """Queue a deployment of the service that owns the token."""
    if headers.get("x-github-event") == "ping":
        return answers.page({"message": "Ping received, webhook is active"})
    label = kind.capitalize()
    service = next(
        (
            item
            for item in world.services.values()
            if isinstance(item, Deployable) and item.kind == kind and item.fields["refreshToken"] == token
        ),
        None,
    )
    if service is None:
        return answers.page({"message": f"{label} Not Found"}, 404)
    if not service.fields["autoDeploy"]:
        message = f"Automatic deployments are disabled for this {kind}"
        return answers.page({"message": message}, 400)
    given: Json = body if isinstance(body, dict) else {}
    if service.from_git:
        pushed = str(given.get("ref") or "").removeprefix("refs/heads/")
        if not pushed or pushed != service.ref:
            return answers.page({"message": "Branch Not Match"}, 301)
    commit = given.get("head_commit")
    title, description = "NEW COMMIT", None
    if isinstance(commit, dict):
        title = str(commit.get("message") or title)
        description = f"Hash: {commit['id']}" if commit.get("id") else None
    world.trigger(service, "deploy", title, description, webhook=True)
    return answers.page({"message": f"{label} deployed successfully"})
