"""`readLogs` of applications, composes and databases: what their containers wrote."""

from pulumi_dokploy_deployments.simulator.http.errors import ApiError
from pulumi_dokploy_deployments.simulator.http.procedure import Context, Registry
from pulumi_dokploy_deployments.simulator.http.schema import ID, Field, Schema
from pulumi_dokploy_deployments.simulator.world import reading
from pulumi_dokploy_deployments.simulator.world.services import DATABASE_KINDS, Service
from pulumi_dokploy_deployments.simulator.world.templates import Json

router = Registry()
SINCE = r"^(all|\d+[smhd])$"
SEARCH = r"^[a-zA-Z0-9 ._-]{0,500}$"
CONTAINER = Field(minimum=1, pattern=r"^[a-zA-Z0-9.\-_]+$", pattern_message="Invalid container id.")
WHICH: Schema = {
    "tail": Field("number", optional=True, minimum=1, maximum=10000, default=100),
    "since": Field(optional=True, pattern=SINCE, pattern_message="Invalid since format", default="all"),
    "search": Field(
        optional=True, pattern=SEARCH, pattern_message=f"Invalid string: must match pattern /{SEARCH}/", default=""
    ),
}


def _read(context: Context, service: Service, given: Json) -> str:
    """Return the lines of a service that Swarm runs (transcripts 520-524); 500 when nothing of it is there (581)."""
    found = reading.application(context.world, service.app_name, service.server_id)
    if found is None:
        message = f"No container or service found for: {service.app_name}"
        raise ApiError("INTERNAL_SERVER_ERROR", message)
    sources, mixed = found
    now, search = context.world.now, given["search"]
    return reading.text(sources, int(given["tail"]), given["since"], search, now, mixed=mixed)


def _of_kind(kind: str) -> None:
    def read_logs(context: Context, given: Json) -> object:
        return _read(context, context.service(kind, given), given)

    router.query(f"{kind}.readLogs", {f"{kind}Id": ID, **WHICH})(read_logs)


for _kind in ("application", *DATABASE_KINDS):
    _of_kind(_kind)


@router.query("compose.readLogs", {"composeId": ID, "containerId": CONTAINER, **WHICH})
def of_compose(context: Context, given: Json) -> object:
    """Return the lines of one container (transcript 531); docker's own words for an unknown one."""
    service, world = context.deployable("compose", given), context.world
    sources = reading.container(world, given["containerId"], service.server_id)
    if sources is None:
        return f"Error response from daemon: No such container: {given['containerId']}\n"
    return reading.text(sources, int(given["tail"]), given["since"], given["search"], world.now, mixed=False)
