"""The commands that read: list, queue, candidates, logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.cli import tables
from pulumi_dokploy_deployments.cli.session import Session
from pulumi_dokploy_deployments.functions import table
from pulumi_dokploy_deployments.functions.models import DeploymentList, Result
from pulumi_dokploy_deployments.functions.table import Function

R = TypeVar("R", bound=Result)


def show_deployments(
    session: Session, service: ServiceRef | None, server_id: str | None, filters: Mapping[str, Any], *, versions: bool
) -> None:
    """The history of a service, of a remote server, or of everything."""
    function: Function[Any, DeploymentList]
    if server_id is not None:
        function, of = table.GET_SERVER_DEPLOYMENTS, {"server_id": server_id}
    elif service is None:
        function, of = table.GET_ALL_DEPLOYMENTS, {}
    elif versions or service.kind.is_database:
        function, of = table.GET_DEPLOYMENTS_BY_TYPE, {"type": service.kind, "id": service.service_id}
    elif service.kind is ServiceKind.COMPOSE:
        function, of = table.GET_COMPOSE_DEPLOYMENTS, {"compose_id": service.service_id}
    else:
        function, of = table.GET_APPLICATION_DEPLOYMENTS, {"application_id": service.service_id}
    found = _read(session, function, {**of, **filters})
    if session.is_json:
        session.json(found)
    elif found.deployments:
        with_service = service is None
        session.out.print(
            tables.deployments_table(found.deployments, session.now, with_service=with_service, versions=versions)
        )
    elif service is not None and service.kind.is_database:
        session.say(f"Databases leave no deployments in Dokploy's history; the {service.kind.value} exists.")
    else:
        session.say("No deployments.")


def show_queue(session: Session, states: Sequence[str], service: ServiceRef | None) -> None:
    """What waits and what runs."""
    of = {f"{service.kind}_id": service.service_id} if service is not None else {}
    found = _read(session, table.GET_DEPLOYMENT_QUEUE, {"state": states, **of})
    if session.is_json:
        session.json(found)
    elif found.jobs:
        session.out.print(tables.queue_table(found.jobs, session.now))
    else:
        session.say("The queue is empty.")


def show_candidates(session: Session, service: ServiceRef, *, only_working: bool) -> None:
    """Where a service can go back to."""
    of = {f"{service.kind}_id": service.service_id}
    found = _read(session, table.GET_ROLLBACK_CANDIDATES, {"only_working": only_working, **of})
    if session.is_json:
        session.json(found)
    elif found.candidates:
        session.out.print(tables.candidates_table(found.candidates, session.now))
        if not any(candidate.works for candidate in found.candidates):
            session.say("None of them can be brought back by its image.")
    else:
        session.say("No finished deployments, so nothing to go back to.")


def show_log(session: Session, deployment_id: str, tail: int) -> None:
    """The end of a build log."""
    found = _read(session, table.GET_DEPLOYMENT_LOGS, {"deployment_id": deployment_id, "tail": tail})
    if session.is_json:
        session.json(found)
        return
    for line in found.lines:
        session.say(line)
    if not found.lines:
        session.warn("The server has no log for this deployment.")


def _read(session: Session, function: Function[Any, R], given: Mapping[str, Any]) -> R:
    asked = function.asked(given, session.now)
    return session.run(lambda client: function.read(client, asked))
