"""What a procedure is, and the context in which it runs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pulumi_dokploy_deployments.simulator.world import World
from pulumi_dokploy_deployments.simulator.world.access import Principal
from pulumi_dokploy_deployments.simulator.world.services import Deployable, Server, Service
from pulumi_dokploy_deployments.simulator.world.templates import Json

from .errors import ApiError, FailedQuery, no_access, not_found
from .schema import Schema


class Void:
    """The result of a procedure that returns nothing: 200 with an empty body (transcript 30)."""


VOID: Final = Void()
TITLES = {
    "application": "Application",
    "compose": "Compose",
    "postgres": "Postgres",
    "mysql": "MySql",
    "mariadb": "Mariadb",
    "mongo": "Mongo",
    "redis": "Redis",
    "libsql": "Libsql",
}
"""How Dokploy names a kind of service in "… not found"."""


@dataclass(frozen=True)
class Context:
    """Who asks, and of which world."""

    world: World
    principal: Principal

    def require(self, service_id: str) -> None:
        """Refuse a member without access to a service."""
        if not self.principal.may_access(service_id):
            raise no_access()

    def require_read(self, resource: str) -> None:
        """Refuse a person who may not read a resource, such as `docker` or `registry`."""
        if not self.principal.permissions()[resource]["read"]:
            raise ApiError("UNAUTHORIZED", f'unauthorized to access resource "{resource}"')

    def query(self, value: object) -> None:
        """Fail where a value reaches Postgres that no text can hold (transcript 411)."""
        if "\0" in str(value):
            raise FailedQuery(str(value))

    def deployable(self, kind: str, given: Json) -> Deployable:
        """Return the addressed application or compose: access first, existence second."""
        service_id = str(given[f"{kind}Id"])
        self.require(service_id)
        self.query(service_id)
        service = self.world.deployable(kind, service_id)
        if service is None:
            raise not_found(TITLES[kind])
        return service

    def service(self, kind: str, given: Json) -> Service:
        """Return the addressed service of any kind."""
        service_id = str(given[f"{kind}Id"])
        self.require(service_id)
        self.query(service_id)
        service = self.world.services.get(service_id)
        if service is None or service.kind != kind:
            raise not_found(TITLES[kind])
        return service

    def server(self, server_id: object) -> Server | None:
        """Return the addressed server, None for Dokploy's own host; 404 for an unknown one."""
        if not server_id:
            return None
        self.query(server_id)
        server = self.world.servers.get(str(server_id))
        if server is None:
            raise not_found("Server")
        return server


Handler = Callable[[Context, Json], object]


@dataclass(frozen=True)
class Procedure:
    """One endpoint: GET for queries, POST for mutations.

    `resource` is what a person must be allowed to read first of all; `public` needs no key below /api/trpc/.
    """

    name: str
    method: str
    schema: Schema
    handler: Handler
    resource: str | None = None
    public: bool = False


class Registry:
    """Collects procedures by name."""

    def __init__(self) -> None:
        """Start without procedures."""
        self.procedures: dict[str, Procedure] = {}

    def query(
        self, name: str, schema: Schema | None = None, *, resource: str | None = None, public: bool = False
    ) -> Callable[[Handler], Handler]:
        """Register a handler for GET."""
        return self._register(name, "GET", schema or {}, resource, public)

    def mutation(self, name: str, schema: Schema | None = None) -> Callable[[Handler], Handler]:
        """Register a handler for POST."""
        return self._register(name, "POST", schema or {})

    def _register(
        self, name: str, method: str, schema: Schema, resource: str | None = None, public: bool = False
    ) -> Callable[[Handler], Handler]:
        def decorate(handler: Handler) -> Handler:
            self.procedures[name] = Procedure(name, method, schema, handler, resource, public)
            return handler

        return decorate
