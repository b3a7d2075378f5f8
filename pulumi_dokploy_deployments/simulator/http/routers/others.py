"""Databases, settings, the making of projects, servers, registries and the other small routers."""

import dataclasses

from pulumi_dokploy_deployments.simulator.http import views
from pulumi_dokploy_deployments.simulator.http.errors import ApiError, FailedQuery, not_found
from pulumi_dokploy_deployments.simulator.http.procedure import Context, Handler, Registry
from pulumi_dokploy_deployments.simulator.http.schema import EVERYTHING, ID, TEXT, Field
from pulumi_dokploy_deployments.simulator.world import factory
from pulumi_dokploy_deployments.simulator.world.services import DATABASE_KINDS, Service
from pulumi_dokploy_deployments.simulator.world.templates import Json

from .application import LOOSE, STRING

router = Registry()


def _database(kind: str) -> None:
    def one(context: Context, given: Json) -> object:
        return views.database(context.world, context.service(kind, given))

    def deploy(context: Context, given: Json) -> object:
        service = context.service(kind, given)
        before = views.database(context.world, service)
        _deploy_database(context, service)
        return before

    handlers: list[tuple[str, Handler, bool]] = [("one", one, False), ("deploy", deploy, True)]
    for name, handler, mutation in handlers:
        register = router.mutation if mutation else router.query
        register(f"{kind}.{name}", {f"{kind}Id": ID})(handler)


def _deploy_database(context: Context, service: Service) -> None:
    """Deploy within the request; the answer shows the row as it was before (no history row)."""
    service.set_status("running")
    image = str(service.fields["dockerImage"])
    if service.behaviour.build != "ok" or context.world.images.is_missing(image):
        service.set_status("error")
        reason = f"Error: (HTTP code 404) no such image - manifest for {image} not found"
        raise ApiError("INTERNAL_SERVER_ERROR", f"Error on deploy {service.kind}{reason}")
    environment = tuple(f"{key}={service.fields[key]}" for key in ("databasePassword",) if service.fields.get(key))
    world = context.world
    content = world.images.content(image, service.behaviour, service.fields["command"])
    spec = dataclasses.replace(world.spec_of(service, image, content), env=environment)
    world.swarm.deploy(service.app_name, service.server_id, spec)
    service.set_status("done")


for _kind in DATABASE_KINDS:
    _database(_kind)


@router.query("settings.getDokployVersion")
def version(context: Context, given: Json) -> object:
    """Return the version (transcript 94)."""
    return "v0.31.0" if context.world.faults.newer_server else str(context.world.version)


@router.query("settings.health", public=True)
def health(context: Context, given: Json) -> object:
    """Return ok after a look into the database (transcript 93); fail when that is down."""
    if context.world.faults.database_down:
        raise FailedQuery("", "SELECT 1")
    return {"status": "ok"}


@router.mutation("settings.cleanAllDeploymentQueue")
def clean_all(context: Context, given: Json) -> object:
    """Drop every waiting job (transcript 180)."""
    context.world.clean_queue()
    return True


@router.mutation("settings.updateBuildsConcurrency", {"buildsConcurrency": Field("number", minimum=1)})
def builds_concurrency(context: Context, given: Json) -> object:
    """Let several services build at once on Dokploy's own host (transcripts 230, 232)."""
    context.world.queue.set_concurrency(int(given["buildsConcurrency"]))
    return True


@router.mutation("project.create", {"name": ID, "description": LOOSE, "env": LOOSE})
def create_project(context: Context, given: Json) -> object:
    """Create a project with its environment (transcript 10)."""
    project, environment = factory.create_project(context.world, given["name"], given.get("description"))
    return {"project": project, "environment": environment}


@router.mutation("environment.create", {"name": ID, "description": LOOSE, "projectId": ID})
def create_environment(context: Context, given: Json) -> object:
    """Create an environment (transcript 12)."""
    if not any(p["projectId"] == given["projectId"] for p in context.world.projects):
        raise not_found("Project")
    return factory.create_environment(context.world, given["projectId"], given["name"], given.get("description") or "")


@router.query("server.all")
def servers(context: Context, given: Json) -> object:
    """Return the remote servers (transcript 182)."""
    total = [s.server_id for s in context.world.services.values()]
    return [s.fields | {"totalSum": total.count(s.id)} for s in context.world.servers.values()]


@router.mutation("server.create", {"name": ID, EVERYTHING: LOOSE})
def create_server(context: Context, given: Json) -> object:
    """Create a remote server (transcript 181)."""
    server = factory.create_server(context.world, given["name"], given.get("description") or "")
    known = {key: value for key, value in given.items() if key in server.fields}
    server.fields |= known
    return dict(server.fields)


@router.query("registry.all", resource="registry")
def registries(context: Context, given: Json) -> object:
    """Return the registries, passwords in clear (transcript 401)."""
    return [dict(registry.fields) for registry in context.world.registries.values()]


@router.mutation(
    "registry.create",
    {
        "registryName": ID,
        "username": STRING,
        "password": STRING,
        "registryUrl": STRING,
        "registryType": LOOSE,
        "imagePrefix": LOOSE,
        "serverId": TEXT,
    },
)
def create_registry(context: Context, given: Json) -> object:
    """Create a registry; the answer repeats the password (transcript 160)."""
    registry = factory.create_registry(context.world, given["registryName"], given["registryUrl"])
    for key in ("username", "password", "imagePrefix", "registryType"):
        if given.get(key) is not None:
            registry.fields[key] = given[key]
    return dict(registry.fields)


@router.query("organization.all")
def organizations(context: Context, given: Json) -> object:
    """Return the one organization, in brief."""
    return [{"id": context.world.organization_id, "name": "My Organization", "slug": None}]
