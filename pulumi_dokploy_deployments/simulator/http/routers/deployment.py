"""Routers `deployment` and `rollback`: history, queue, logs, versions."""

from pulumi_dokploy_deployments.simulator.http import views
from pulumi_dokploy_deployments.simulator.http.errors import ApiError, FailedQuery, no_access, not_found
from pulumi_dokploy_deployments.simulator.http.procedure import VOID, Context, Registry
from pulumi_dokploy_deployments.simulator.http.schema import ID, Field, Schema
from pulumi_dokploy_deployments.simulator.world.history import COLUMNS, Row
from pulumi_dokploy_deployments.simulator.world.jobs import Job
from pulumi_dokploy_deployments.simulator.world.services import Deployable, Server
from pulumi_dokploy_deployments.simulator.world.templates import Json

router = Registry()
TYPES = ("application", "compose", "server", "schedule", "previewDeployment", "backup", "volumeBackup")
ROLLBACK: Schema = {"rollbackId": ID}


def _rows_query(column: str, value: str) -> None:
    """Fail as the real query of a list does (transcript 411)."""
    if "\0" in value:
        columns = ", ".join(f'"{name}"' for name in COLUMNS)
        where = f'where "deployments"."{column}" = $1 order by "deployments"."createdAt" desc'
        raise FailedQuery(value, " ".join(["select", columns, 'from "deployment" "deployments"', where]))


@router.query("deployment.all", {"applicationId": ID})
def all_of_application(context: Context, given: Json) -> object:
    """Return an application's rows, newest first; an unknown one has none (transcripts 31, 65)."""
    context.require(given["applicationId"])
    _rows_query("applicationId", given["applicationId"])
    return views.rows(context.world, context.world.history.of("applicationId", given["applicationId"]))


@router.query("deployment.allByCompose", {"composeId": ID})
def all_of_compose(context: Context, given: Json) -> object:
    """Return a compose's rows, newest first (transcripts 174, 69)."""
    context.require(given["composeId"])
    _rows_query("composeId", given["composeId"])
    return views.rows(context.world, context.world.history.of("composeId", given["composeId"]))


@router.query("deployment.allByServer", {"serverId": ID})
def all_of_server(context: Context, given: Json) -> object:
    """Return the rows of the server itself: deployments of its applications carry no serverId (183)."""
    context.server(given["serverId"])
    return views.rows(context.world, context.world.history.of("serverId", given["serverId"]))


@router.query("deployment.allCentralized")
def centralized(context: Context, given: Json) -> object:
    """Return every row that the person may see, with its service nested (transcripts 48, 104, 175)."""
    world = context.world
    found: list[tuple[str, int, Json]] = []
    for index, row in enumerate(world.history.rows):
        service = world.services.get(str(row.fields["applicationId"] or row.fields["composeId"]))
        if isinstance(service, Deployable) and context.principal.may_access(service.id):
            view = views.row(world, row) | _centralized_parts(context, service)
            found.append((str(row.fields["createdAt"]), index, view))
    return [view for *_, view in sorted(found, key=lambda item: item[:2], reverse=True)]


def _centralized_parts(context: Context, service: Deployable) -> Json:
    environment = context.world.environment_of(service)
    server = context.world.servers.get(service.server_id or "")
    part: Json = {
        f"{service.kind}Id": service.id,
        "name": service.name,
        "appName": service.app_name,
        "icon": service.fields["icon"],
        "environment": {
            "environmentId": environment["environmentId"],
            "name": environment["name"],
            "project": {key: environment["project"][key] for key in ("projectId", "name")},
        },
        "server": _brief_server(server),
    }
    if service.kind == "application":
        build = context.world.servers.get(service.build_server_id or "")
        part["buildServer"] = _brief_server(build)
    return {
        "application": part if service.kind == "application" else None,
        "compose": part if service.kind == "compose" else None,
        "server": None,
        "buildServer": None,
    }


def _brief_server(server: Server | None) -> Json | None:
    return {key: server.fields[key] for key in ("serverId", "name", "serverType")} if server else None


@router.query("deployment.queueList")
def queue_list(context: Context, given: Json) -> object:
    """Return the whole instance's queue, newest first, not filtered by access (transcripts 42, 205)."""
    if context.world.queue.is_torn():
        raise ApiError("INTERNAL_SERVER_ERROR", "Cannot read properties of undefined (reading 'getState')")
    return [_job(context, job) for job in context.world.queue.newest_first()]


def _job(context: Context, job: Job) -> Json:
    view = job.view()
    service = context.world.services.get(job.service_id)
    path: Json = {"href": None, "label": "—"}
    if service is not None:
        environment = context.world.environment_of(service)
        place = f"/dashboard/project/{environment['projectId']}/environment/{environment['environmentId']}"
        path = {
            "href": f"{place}/services/{service.kind}/{service.id}",
            "label": service.kind.capitalize(),
        }
    if context.world.faults.newer_server:
        view["priority"] = 0
    return view | {"servicePath": path}


@router.query("deployment.allByType", {"id": ID, "type": Field(options=TYPES)})
def all_by_type(context: Context, given: Json) -> object:
    """Return rows with the nested rollback version, password included (transcripts 82, 164)."""
    if given["type"] == "schedule":
        context.query(given["id"])
        raise not_found("Schedule")
    context.require(given["id"])
    context.query(given["id"])
    world = context.world
    found = world.history.of(f"{given['type']}Id", given["id"])
    views_with_rollback = []
    for row in found:
        rollback = world.history.rollback_of(row)
        views_with_rollback.append(views.row(world, row) | {"rollback": rollback.fields if rollback else None})
    return views_with_rollback


def _row(context: Context, given: Json) -> Row:
    context.query(given["deploymentId"])
    row = context.world.history.find(given["deploymentId"])
    if row is None:
        raise not_found("Deployment")
    context.require(str(row.fields["applicationId"] or row.fields["composeId"]))
    return row


@router.mutation("deployment.killProcess", {"deploymentId": ID})
def kill_process(context: Context, given: Json) -> object:
    """Refuse: services' rows never have a pid (transcripts 44, 87)."""
    _row(context, given)
    raise ApiError("BAD_REQUEST", "Deployment is not running")


@router.mutation("deployment.removeDeployment", {"deploymentId": ID})
def remove(context: Context, given: Json) -> object:
    """Delete a row, running or not; the job goes on (transcripts 133, 135)."""
    row = _row(context, given)
    context.world.history.remove(row)
    return views.row(context.world, row)


@router.query(
    "deployment.readLogs",
    {"deploymentId": ID, "tail": Field("number", optional=True, minimum=1, maximum=10000, default=100)},
)
def read_logs(context: Context, given: Json) -> object:
    """Return the log's end as a JSON string (transcripts 32, 49, 86, 179b, 221).

    It is read on the server on which the service runs: the log of a build server is not found there (580).
    """
    row, world = _row(context, given), context.world
    service = world.services.get(str(row.fields["applicationId"] or row.fields["composeId"]))
    host = str(row.fields["serverId"] or "") or (service.server_id if service else None)
    path = str(row.fields["logPath"])
    if not path:
        return ""
    text = world.logs.tail(path, int(given["tail"]), host)
    if world.faults.take("deployment.readLogs", "truncate_log"):
        return text[: len(text) // 2]
    return text


@router.mutation("rollback.rollback", ROLLBACK)
def roll_back(context: Context, given: Json) -> object:
    """Put a version back; every failure looks the same (transcripts 73, 109, 165)."""
    world = context.world
    rollback = world.history.find_rollback(given["rollbackId"])
    row = world.history.find(rollback.fields["deploymentId"]) if rollback else None
    allowed = row is not None and context.principal.may_access(str(row.fields["applicationId"]))
    if rollback is None or not allowed or not world.roll_back(rollback):
        raise ApiError("BAD_REQUEST", "Error input: Rolling back")
    return VOID


@router.mutation("rollback.delete", ROLLBACK)
def delete(context: Context, given: Json) -> object:
    """Delete a version and with it its row; answers both (transcripts 167, 168)."""
    world = context.world
    rollback = world.history.find_rollback(given["rollbackId"])
    if rollback is None:
        raise ApiError("BAD_REQUEST", "Rollback not found")
    row = world.history.find(rollback.fields["deploymentId"])
    if row is not None and not context.principal.may_access(str(row.fields["applicationId"])):
        raise ApiError("BAD_REQUEST", no_access().message)
    world.history.delete_rollback(rollback)
    return rollback.fields | {"deployment": views.row(world, row) if row else None}
