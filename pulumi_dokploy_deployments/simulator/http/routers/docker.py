"""Router `docker`: what really runs."""

from pulumi_dokploy_deployments.simulator.http.procedure import VOID, Context, Registry
from pulumi_dokploy_deployments.simulator.http.schema import TEXT, Field, Schema
from pulumi_dokploy_deployments.simulator.world import inspection
from pulumi_dokploy_deployments.simulator.world.templates import Json
from pulumi_dokploy_deployments.simulator.world.versions import Capability

router = Registry()
NAME_PATTERN = r"^[a-zA-Z0-9.\-_]+$"
APP_NAME = Field(minimum=1, pattern=NAME_PATTERN, pattern_message="Invalid app name.")
BY_NAME: Schema = {"appName": APP_NAME, "serverId": TEXT}


def _host(context: Context, given: Json) -> str | None:
    server = context.server(given.get("serverId"))
    return server.id if server else None


@router.query(
    "docker.getConfig",
    {
        "containerId": Field(minimum=1, pattern=NAME_PATTERN, pattern_message="Invalid container id."),
        "serverId": TEXT,
    },
    resource="docker",
)
def get_config(context: Context, given: Json) -> object:
    """Inspect a task, service, image or container; unknown: an empty body (transcripts 301-304)."""
    found = inspection.inspect(context.world, given["containerId"], _host(context, given))
    return VOID if found is None else found


@router.query("docker.getServiceContainersByAppName", BY_NAME, resource="docker")
def service_containers(context: Context, given: Json) -> object:
    """Return the tasks of a Swarm service; unknown: an empty list (transcripts 302, 305)."""
    return inspection.service_tasks(context.world, given["appName"], _host(context, given))


@router.query("docker.getStackContainersByAppName", BY_NAME, resource="docker")
def stack_containers(context: Context, given: Json) -> object:
    """Return the tasks of a stack."""
    return inspection.stack_tasks(context.world, given["appName"], _host(context, given))


@router.query(
    "docker.getContainersByAppNameMatch",
    {"appType": Field(options=("stack", "docker-compose"), optional=True), **BY_NAME},
)
def matching_containers(context: Context, given: Json) -> object:
    """Return the containers of a compose or of any name."""
    world, host, name = context.world, _host(context, given), given["appName"]
    if given.get("appType") == "stack" and not world.has(Capability.STACK_TASKS_LISTED):
        return inspection.old_stack_containers(world, name, host)
    if given.get("appType") == "stack":
        return inspection.stack_containers(world, name, host)
    if given.get("appType") == "docker-compose":
        return [container.view(world.now) for container in world.containers.of(name, host)]
    return inspection.matching_containers(world, name, host)
