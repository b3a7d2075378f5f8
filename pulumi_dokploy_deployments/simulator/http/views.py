"""Services as `one` shows them, and rows as lists show them, with the marks of a newer server."""

import copy

from pulumi_dokploy_deployments.simulator.world import World
from pulumi_dokploy_deployments.simulator.world.history import Row
from pulumi_dokploy_deployments.simulator.world.services import Deployable, Service
from pulumi_dokploy_deployments.simulator.world.templates import Json


def row(world: World, item: Row) -> Json:
    """Return one deployment row of deployment.all (transcript 31)."""
    fields = dict(item.fields)
    faults = world.faults
    if faults.unknown_status and fields["status"] == "running":
        fields["status"] = faults.unknown_status
    if faults.newer_server:
        fields["provenance"] = {"builder": "future", "attested": True}
    return fields


def rows(world: World, items: list[Row]) -> list[Json]:
    """Return rows of a list endpoint."""
    return [row(world, item) for item in items]


def _own_rows(world: World, service: Service) -> list[Json]:
    """Return the nested deployments: in the order of the table, not sorted (transcript 201)."""
    column = f"{service.kind}Id"
    return [row(world, item) for item in world.history.rows if item.fields[column] == service.id]


def application(world: World, service: Deployable) -> Json:
    """Return what findApplicationById gives (application.stop, and `one` with two more fields)."""
    context = world.nested_context(service)
    view = copy.deepcopy(service.fields)
    view["environment"] = context["environment"]
    view["domains"] = []
    view["deployments"] = _own_rows(world, service)
    view |= {"mounts": [], "redirects": [], "security": [], "ports": []}
    view |= {"gitlab": None, "github": None, "bitbucket": None, "gitea": None}
    view["server"] = context["server"]
    view["previewDeployments"] = []
    for name in ("registry", "buildRegistry", "rollbackRegistry"):
        view[name] = context[name]
    if world.faults.newer_server:
        view["futureSetting"] = {"level": 3}
    return view


def compose(world: World, service: Deployable) -> Json:
    """Return what findComposeById gives (transcript 178)."""
    server = world.servers.get(service.server_id or "")
    view = copy.deepcopy(service.fields)
    view["environment"] = world.environment_of(service)
    view["deployments"] = _own_rows(world, service)
    view |= {"mounts": [], "domains": []}
    view |= {"github": None, "gitlab": None, "bitbucket": None, "gitea": None}
    view["server"] = server.fields if server else None
    view["backups"] = []
    return view


def database(world: World, service: Service) -> Json:
    """Return a database with what its `one` nests."""
    view = copy.deepcopy(service.fields)
    view["environment"] = world.environment_of(service)
    view["mounts"] = []
    view["server"] = None
    if service.kind != "redis":
        view["backups"] = []
    return view
