"""Finding by name: `project.all` and the searches of services, environments and projects (transcripts 550-557)."""

import re
from collections.abc import Callable, Iterable

from pulumi_dokploy_deployments.simulator.http.procedure import Context, Registry
from pulumi_dokploy_deployments.simulator.http.schema import TEXT, Field, Schema
from pulumi_dokploy_deployments.simulator.world.services import DATABASE_KINDS, Service, ServiceKind
from pulumi_dokploy_deployments.simulator.world.templates import Json

router = Registry()
PAGE: Schema = {
    "limit": Field("number", optional=True, minimum=1, maximum=100, default=20, whole=False),
    "offset": Field("number", optional=True, minimum=0, default=0, whole=False),
}
TEXTS: dict[str, tuple[str, ...]] = {
    "application": ("name", "appName", "description", "repository", "owner", "dockerImage"),
    "compose": ("name", "appName", "description"),
    **dict.fromkeys(DATABASE_KINDS, ("name", "appName", "description")),
}
"""Columns that `q` looks through and that can be asked for one by one."""
SEARCHED: tuple[ServiceKind, ...] = ("application", "compose", *(kind for kind in DATABASE_KINDS if kind != "libsql"))
"""Kinds of services with a search; libsql has none."""
COLUMNS = {"application": "applications"}
"""What the list of a kind is called in project.all, where it is not the kind."""


def _like(pattern: str, value: object) -> bool:
    """Match as Postgres' ILIKE '%…%' does: % and _ of the asked text count as wildcards."""
    wildcards = {"%": ".*", "_": "."}
    expression = "".join(wildcards.get(character, re.escape(character)) for character in pattern.strip())
    return value is not None and re.search(expression, str(value), re.IGNORECASE | re.DOTALL) is not None


def _found(items: Iterable[Json], given: Json, texts: tuple[str, ...]) -> Iterable[Json]:
    for item in items:
        anywhere = str(given.get("q") or "").strip()
        if anywhere and not any(_like(anywhere, item[text]) for text in texts):
            continue
        wanted = {text: str(given[text]) for text in texts if str(given.get(text) or "").strip()}
        if all(_like(pattern, item[text]) for text, pattern in wanted.items()):
            yield item


def _page(found: Iterable[Json], given: Json, columns: tuple[str, ...]) -> Json:
    items = sorted(found, key=lambda item: str(item["createdAt"]), reverse=True)
    first = int(given["offset"])
    page = items[first : first + int(given["limit"])]
    return {"items": [{column: item[column] for column in columns} for item in page], "total": len(items)}


def _listed(context: Context, service: Service) -> bool:
    """Tell whether a search may list a service: who has not created it does not find it, not even an owner."""
    return context.principal.may_access(service.id) and service.id not in context.world.unlisted


def _search_of(kind: ServiceKind) -> None:
    texts = TEXTS[kind]
    status = "composeStatus" if kind == "compose" else "applicationStatus"
    source = ("sourceType",) if kind in {"application", "compose"} else ()
    columns = (f"{kind}Id", "name", "appName", "description", "environmentId", status, *source, "createdAt")
    schema = dict.fromkeys(("q", *texts, "projectId", "environmentId"), TEXT)

    @router.query(f"{kind}.search", {**schema, **PAGE})
    def search(context: Context, given: Json) -> object:
        """Return a page of the services that fit (transcripts 551-555)."""
        world = context.world
        services = [s.fields for s in world.services.values() if s.kind == kind and _listed(context, s)]
        if given.get("environmentId"):
            services = [item for item in services if item["environmentId"] == given["environmentId"]]
        if given.get("projectId"):
            inside = {e["environmentId"] for e in world.environments if e["projectId"] == given["projectId"]}
            services = [item for item in services if item["environmentId"] in inside]
        return _page(_found(services, given, texts), given, columns)


for _kind in SEARCHED:
    _search_of(_kind)


def _seen(context: Context) -> Callable[[Json], bool]:
    """Return whether an environment is seen: by a member only where there is a service of that member."""
    services = context.world.services.values()
    places = {s.fields["environmentId"] for s in services if context.principal.may_access(s.id)}
    return lambda environment: context.principal.privileged or environment["environmentId"] in places


@router.query("environment.search", {**dict.fromkeys(("q", "name", "description", "projectId"), TEXT), **PAGE})
def search_environments(context: Context, given: Json) -> object:
    """Return a page of the environments that fit (transcript 556)."""
    environments = [item for item in context.world.environments if _seen(context)(item)]
    if given.get("projectId"):
        environments = [item for item in environments if item["projectId"] == given["projectId"]]
    columns = ("environmentId", "name", "description", "createdAt", "env", "projectId", "isDefault")
    return _page(_found(environments, given, ("name", "description")), given, columns)


@router.query("project.search", {**dict.fromkeys(("q", "name", "description"), TEXT), **PAGE})
def search_projects(context: Context, given: Json) -> object:
    """Return a page of the projects that fit (transcript 557)."""
    columns = ("projectId", "name", "description", "createdAt", "organizationId", "env")
    return _page(_found(_projects(context), given, ("name", "description")), given, columns)


def _projects(context: Context) -> list[Json]:
    world = context.world
    inside = {item["projectId"] for item in world.environments if _seen(context)(item)}
    found = [item for item in world.projects if context.principal.privileged or item["projectId"] in inside]
    return sorted(found, key=lambda item: str(item["createdAt"]), reverse=True)


@router.query("project.all")
def projects(context: Context, given: Json) -> object:
    """Return the projects with their environments and services (transcript 550).

    An owner sees databases by their id alone, a member with name and status.
    """
    return [
        {**project, "environments": _environments(context, project), "projectTags": []}
        for project in _projects(context)
    ]


def _environments(context: Context, project: Json) -> list[Json]:
    views = []
    for environment in context.world.environments:
        if environment["projectId"] != project["projectId"] or not _seen(context)(environment):
            continue
        view = {column: environment[column] for column in ("name", "environmentId", "isDefault")}
        for kind in ("application", "mariadb", "mongo", "mysql", "postgres", "redis", "compose", "libsql"):
            view[COLUMNS.get(kind, kind)] = [
                _brief(service, context.principal.privileged)
                for service in context.world.services.values()
                if service.kind == kind
                and service.fields["environmentId"] == environment["environmentId"]
                and context.principal.may_access(service.id)
            ]
        views.append(view)
    return views


def _brief(service: Service, privileged: bool) -> Json:
    view = {f"{service.kind}Id": service.id}
    if privileged and service.kind in DATABASE_KINDS:
        return view
    return view | {"name": service.name, service.status_field: service.fields[service.status_field]}
