"""Router `compose`: settings, deployments, the queue of one compose."""

from pulumi_dokploy_deployments.simulator.http import views
from pulumi_dokploy_deployments.simulator.http.errors import ApiError, not_found
from pulumi_dokploy_deployments.simulator.http.procedure import VOID, Context, Registry
from pulumi_dokploy_deployments.simulator.http.schema import ID, TEXT, Field, Schema
from pulumi_dokploy_deployments.simulator.world import composing, factory
from pulumi_dokploy_deployments.simulator.world.compose_file import InvalidFile, read
from pulumi_dokploy_deployments.simulator.world.templates import Json

from .application import LOOSE, STRING, cancel, environment_exists, has_server_in_cloud
from .updates import COMPOSE_UPDATE

router = Registry()
ONE: Schema = {"composeId": ID}
DEPLOY: Schema = {"composeId": ID, "title": TEXT, "description": TEXT}


@router.mutation(
    "compose.create",
    {
        "name": ID,
        "description": LOOSE,
        "environmentId": STRING,
        "composeType": Field(options=("docker-compose", "stack"), optional=True),
        "appName": TEXT,
        "serverId": LOOSE,
        "composeFile": TEXT,
    },
)
def create(context: Context, given: Json) -> object:
    """Create a compose (transcript 20)."""
    environment_exists(context.world, given["environmentId"])
    has_server_in_cloud(context.world, given, "a compose")
    server = context.server(given.get("serverId"))
    service = factory.create_compose(
        context.world,
        given["name"],
        given["environmentId"],
        app_name=given.get("appName"),
        compose_type=given.get("composeType") or "docker-compose",
        compose_file=given.get("composeFile") or "",
        server_id=server.id if server else None,
    )
    service.fields["description"] = given.get("description")
    return dict(service.fields)


@router.query("compose.one", ONE)
def one(context: Context, given: Json) -> object:
    """Return the compose with everything nested (transcript 178)."""
    view = views.compose(context.world, context.deployable("compose", given))
    return view | {"hasGitProviderAccess": True, "unauthorizedProvider": None}


@router.mutation("compose.update", COMPOSE_UPDATE)
def update(context: Context, given: Json) -> object:
    """Change columns; answers the row, nothing for an unknown id (transcripts 21, 402)."""
    context.require(given["composeId"])
    context.query(given["composeId"])
    service = context.world.deployable("compose", given["composeId"])
    if service is None:
        return VOID
    service.update(given)
    return dict(service.fields)


@router.query(
    "compose.loadServices",
    {"composeId": ID, "type": Field(options=("fetch", "cache"), optional=True, default="cache")},
)
def load_services(context: Context, given: Json) -> object:
    """Return the services of the file that the last deployment left on the host, in its order (transcript 516).

    Those behind inactive profiles are among them. `fetch` clones the source first.
    """
    service = context.deployable("compose", given)
    if given["type"] == "fetch":
        service.stored_file = composing.text_of(service)
    try:
        names = [member.name for member in read(service.stored_file or "", {})]
    except InvalidFile as error:
        raise ApiError("INTERNAL_SERVER_ERROR", str(error)) from error
    if not names:
        raise not_found("Services")
    return names


def _trigger(context: Context, given: Json, kind: str, title: str, message: str) -> object:
    service = context.deployable("compose", given)
    context.world.trigger(service, kind, given.get("title") or title, given.get("description") or "")
    if context.world.cloud and service.server_id is not None:
        return True
    return {"success": True, "message": message, "composeId": service.id}


@router.mutation("compose.deploy", DEPLOY)
def deploy(context: Context, given: Json) -> object:
    """Queue a deployment (transcript 170)."""
    return _trigger(context, given, "deploy", "Manual deployment", "Deployment queued")


@router.mutation("compose.redeploy", DEPLOY)
def redeploy(context: Context, given: Json) -> object:
    """Queue a rebuild of what was fetched last (transcript 171)."""
    return _trigger(context, given, "redeploy", "Rebuild deployment", "Redeployment queued")


@router.mutation("compose.stop", ONE)
def stop(context: Context, given: Json) -> object:
    """Stop the containers, or remove the stack."""
    service, world = context.deployable("compose", given), context.world
    if service.fields["composeType"] == "stack":
        for member in world.swarm.of_stack(service.app_name, service.server_id):
            world.swarm.remove(member.name, service.server_id)
    else:
        world.containers.stop(service.app_name, service.server_id)
    service.set_status("idle")
    return True


@router.mutation("compose.start", ONE)
def start(context: Context, given: Json) -> object:
    """Start the containers again."""
    service, world = context.deployable("compose", given), context.world
    world.containers.start(service.app_name, service.server_id)
    service.set_status("done")
    return True


@router.mutation("compose.cleanQueues", ONE)
def clean_queues(context: Context, given: Json) -> object:
    """Drop the waiting jobs of the compose (transcript 176)."""
    context.require(given["composeId"])
    context.world.clean_queue(given["composeId"])
    return {"success": True, "message": "Queues cleaned successfully"}


@router.mutation("compose.clearDeployments", ONE)
def clear_deployments(context: Context, given: Json) -> object:
    """Remove the logs; the rows stay."""
    context.world.logs.clear(context.deployable("compose", given).app_name)
    return True


@router.mutation("compose.killBuild", ONE)
def kill_build(context: Context, given: Json) -> object:
    """Interrupt `docker compose`: it goes on to its end, and the row fails all the same (250)."""
    service = context.deployable("compose", given)
    context.world.kill_builds("compose", service.server_id)
    return VOID


@router.mutation("compose.cancelDeployment", ONE)
def cancel_deployment(context: Context, given: Json) -> object:
    """Refuse: a self-hosted server can't (transcript 91)."""
    return cancel(context, context.deployable("compose", given))
