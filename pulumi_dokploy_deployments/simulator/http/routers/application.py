"""Router `application`: settings, deployments, the queue of one application."""

from pulumi_dokploy_deployments.simulator.http import views
from pulumi_dokploy_deployments.simulator.http.errors import ApiError, not_found
from pulumi_dokploy_deployments.simulator.http.procedure import VOID, Context, Registry
from pulumi_dokploy_deployments.simulator.http.schema import ID, TEXT, Field, Schema
from pulumi_dokploy_deployments.simulator.world import World, factory
from pulumi_dokploy_deployments.simulator.world.services import Deployable
from pulumi_dokploy_deployments.simulator.world.templates import Json

from .updates import APPLICATION_UPDATE, changes

router = Registry()
ONE: Schema = {"applicationId": ID}
DEPLOY: Schema = {"applicationId": ID, "title": TEXT, "description": TEXT}
STRING = Field()
NULLABLE = Field(nullable=True)
LOOSE = Field("any", optional=True)


def environment_exists(world: World, environment_id: str) -> None:
    """Refuse an unknown environment."""
    if not any(item["environmentId"] == environment_id for item in world.environments):
        raise not_found("Environment")


def has_server_in_cloud(world: World, given: Json, what: str) -> None:
    """Refuse a service without a server in the cloud, which has no host of its own for them."""
    if world.cloud and not given.get("serverId"):
        raise ApiError("UNAUTHORIZED", f"You need to use a server to create {what}")


@router.mutation(
    "application.create",
    {"name": ID, "appName": TEXT, "description": LOOSE, "environmentId": STRING, "serverId": LOOSE},
)
def create(context: Context, given: Json) -> object:
    """Create an application (transcript 13)."""
    environment_exists(context.world, given["environmentId"])
    has_server_in_cloud(context.world, given, "an application")
    server = context.server(given.get("serverId"))
    service = factory.create_application(
        context.world,
        given["name"],
        given["environmentId"],
        app_name=given.get("appName"),
        server_id=server.id if server else None,
    )
    service.fields["description"] = given.get("description")
    return dict(service.fields)


@router.query("application.one", ONE)
def one(context: Context, given: Json) -> object:
    """Return the application with everything nested (transcript 47)."""
    service = context.deployable("application", given)
    view = views.application(context.world, service)
    return view | {"hasGitProviderAccess": True, "unauthorizedProvider": None}


@router.mutation("application.update", APPLICATION_UPDATE)
def update(context: Context, given: Json) -> object:
    """Change columns; unknown keys are ignored, and nothing but them is an error (transcripts 154, 404, 405)."""
    context.require(given["applicationId"])
    if not changes(given, "applicationId"):
        raise ApiError("INTERNAL_SERVER_ERROR", "No values to set")
    context.query(given["applicationId"])
    service = context.world.deployable("application", given["applicationId"])
    if service is None:
        raise ApiError("BAD_REQUEST", "Error updating application")
    service.update(given)
    return True


def _save(context: Context, given: Json, changes: Json) -> bool:
    service = context.deployable("application", given)
    service.update(changes)
    return True


@router.mutation(
    "application.saveDockerProvider",
    {
        "dockerImage": NULLABLE,
        "applicationId": STRING,
        "username": NULLABLE,
        "password": NULLABLE,
        "registryUrl": NULLABLE,
    },
)
def save_docker(context: Context, given: Json) -> object:
    """Make an image the source (transcript 14)."""
    changes = {key: given[key] for key in ("dockerImage", "username", "password", "registryUrl")}
    return _save(context, given, changes | {"sourceType": "docker", "applicationStatus": "idle"})


@router.mutation(
    "application.saveGitProvider",
    {
        "customGitBranch": Field(minimum=1),
        "applicationId": STRING,
        "customGitBuildPath": NULLABLE,
        "customGitUrl": NULLABLE,
        "watchPaths": Field("array", nullable=True),
        "enableSubmodules": LOOSE,
        "customGitSSHKeyId": LOOSE,
    },
)
def save_git(context: Context, given: Json) -> object:
    """Make a git repository the source (transcript 14)."""
    changes = {key: value for key, value in given.items() if key != "applicationId"}
    return _save(context, given, changes | {"sourceType": "git", "applicationStatus": "idle"})


@router.mutation(
    "application.saveBuildType",
    {
        "applicationId": STRING,
        "buildType": Field(
            options=(
                "dockerfile",
                "heroku_buildpacks",
                "paketo_buildpacks",
                "nixpacks",
                "static",
                "railpack",
            )
        ),
        "dockerfile": NULLABLE,
        "dockerContextPath": NULLABLE,
        "dockerBuildStage": NULLABLE,
        "herokuVersion": NULLABLE,
        "railpackVersion": NULLABLE,
        "publishDirectory": LOOSE,
        "isStaticSpa": LOOSE,
    },
)
def save_build_type(context: Context, given: Json) -> object:
    """Choose the builder (transcript 15)."""
    return _save(context, given, {key: value for key, value in given.items() if key != "applicationId"})


def _trigger(context: Context, given: Json, kind: str, title: str) -> object:
    service = context.deployable("application", given)
    context.world.trigger(service, kind, given.get("title") or title, given.get("description") or "")
    return True if context.world.cloud and service.server_id is not None else VOID


@router.mutation("application.deploy", DEPLOY)
def deploy(context: Context, given: Json) -> object:
    """Queue a deployment; the answer is empty (transcript 30), `true` in the cloud."""
    return _trigger(context, given, "deploy", "Manual deployment")


@router.mutation("application.redeploy", DEPLOY)
def redeploy(context: Context, given: Json) -> object:
    """Queue a rebuild of what was fetched last (transcript 33)."""
    return _trigger(context, given, "redeploy", "Rebuild deployment")


@router.mutation("application.stop", ONE)
def stop(context: Context, given: Json) -> object:
    """Scale to zero; answers the application as it was before."""
    service = context.deployable("application", given)
    view = views.application(context.world, service)
    context.world.swarm.scale(service.app_name, service.server_id, 0)
    service.set_status("idle")
    return view


@router.mutation("application.start", ONE)
def start(context: Context, given: Json) -> object:
    """Scale to one, whatever `replicas` says; answers the application as it was before."""
    service = context.deployable("application", given)
    view = views.application(context.world, service)
    context.world.swarm.scale(service.app_name, service.server_id, 1)
    service.set_status("done")
    return view


@router.mutation("application.cleanQueues", ONE)
def clean_queues(context: Context, given: Json) -> object:
    """Drop the waiting jobs of the application, existing or not (transcript 45)."""
    context.require(given["applicationId"])
    context.world.clean_queue(given["applicationId"])
    return VOID


@router.mutation("application.clearDeployments", ONE)
def clear_deployments(context: Context, given: Json) -> object:
    """Remove the logs; the rows stay (transcript 179)."""
    context.world.logs.clear(context.deployable("application", given).app_name)
    return True


@router.mutation("application.killBuild", ONE)
def kill_build(context: Context, given: Json) -> object:
    """Interrupt every `docker build` of the host (transcripts 130, 233)."""
    service = context.deployable("application", given)
    context.world.kill_builds("application", service.server_id)
    return VOID


@router.mutation("application.cancelDeployment", ONE)
def cancel_deployment(context: Context, given: Json) -> object:
    """Refuse: a self-hosted server can't (transcript 46)."""
    return cancel(context, context.deployable("application", given))


def cancel(context: Context, service: Deployable) -> Json:
    """Ask the cloud's runner to cancel the service's jobs; a self-hosted server refuses."""
    if not context.world.cloud or service.server_id is None:
        raise ApiError("BAD_REQUEST", "Deployment cancellation only available in cloud version")
    context.world.cancel(service)
    return {"success": True, "message": "Deployment cancellation requested"}
