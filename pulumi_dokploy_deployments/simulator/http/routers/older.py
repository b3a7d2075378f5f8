"""What older releases answer where they differ: laid over the current procedures by the capability they lack."""

from collections.abc import Callable

from pulumi_dokploy_deployments.simulator.http.errors import ApiError
from pulumi_dokploy_deployments.simulator.http.procedure import Context, Handler, Procedure
from pulumi_dokploy_deployments.simulator.world.services import Deployable
from pulumi_dokploy_deployments.simulator.world.templates import Json
from pulumi_dokploy_deployments.simulator.world.versions import Capability

Older = Callable[[Context, Json, Handler], object]


def _without_titles(context: Context, given: Json, handler: Handler) -> object:
    return handler(context, {key: value for key, value in given.items() if key not in {"title", "description"}})


def _known_service(context: Context, given: Json, handler: Handler) -> object:
    """Look for the service first; an unknown one is 404 (transcript 625)."""
    context.deployable("application" if "applicationId" in given else "compose", given)
    return handler(context, given)


def _remove_unseen(context: Context, given: Json, handler: Handler) -> object:
    """Remove without looking for the row first: v0.28.3 calls a missing one a bad request."""
    context.query(given["deploymentId"])
    if context.world.history.find(given["deploymentId"]) is not None:
        return handler(context, given)
    if context.world.has(Capability.REMOVAL_WITHOUT_ROW):
        return None
    raise ApiError("BAD_REQUEST", "Deployment not found")


def _no_schedule(context: Context, given: Json, handler: Handler) -> object:
    return [] if given["type"] == "schedule" else handler(context, given)


def _clean_nothing(context: Context, given: Json, handler: Handler) -> object:
    """Ask the worker to cancel what runs, which it ignores; what waits goes on waiting."""
    return True


def _log_on_own_host(context: Context, given: Json, handler: Handler) -> object:
    """Look for a remote service's log on Dokploy's own host, where it is not; the cloud does not even look."""
    text = handler(context, given)
    row = context.world.history.find(given["deploymentId"])
    service = None
    if row is not None:
        service = context.world.services.get(str(row.fields["applicationId"] or row.fields["composeId"]))
    if not isinstance(service, Deployable) or service.server_id is None or not text:
        return text
    return "" if context.world.cloud else "\n"


def _without_libsql(context: Context, given: Json, handler: Handler) -> object:
    found = handler(context, given)
    if isinstance(found, list):
        for project in found:
            for environment in project["environments"]:
                environment.pop("libsql", None)
    return found


DEPLOYS = ("application.deploy", "application.redeploy", "compose.deploy", "compose.redeploy")
BY_SERVICE = (
    *("deployment.all", "deployment.allByCompose", "application.update", "compose.update"),
    *("application.cleanQueues", "compose.cleanQueues"),
)
OLDER: dict[str, tuple[Capability, Older]] = {
    **dict.fromkeys(DEPLOYS, (Capability.TITLES, _without_titles)),
    **dict.fromkeys(BY_SERVICE, (Capability.DATA_IN_CONTEXT, _known_service)),
    "deployment.removeDeployment": (Capability.REMOVAL_FINDS_ROW, _remove_unseen),
    "deployment.allByType": (Capability.SCHEDULES_LOOKED_UP, _no_schedule),
    "deployment.readLogs": (Capability.LOGS_OF_REMOTE_SERVICES, _log_on_own_host),
    "settings.cleanAllDeploymentQueue": (Capability.QUEUE_IN_MEMORY, _clean_nothing),
    "project.all": (Capability.LIBSQL, _without_libsql),
}
"""Endpoint, the capability without which it answers in the older way, and that way."""


def run(procedure: Procedure, context: Context, given: Json) -> object:
    """Run a procedure as the release does that is played."""
    capability, older = OLDER.get(procedure.name, (None, None))
    if older is None or capability is None or context.world.has(capability):
        return procedure.handler(context, given)
    return older(context, given, procedure.handler)
