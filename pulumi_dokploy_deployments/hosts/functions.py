"""The reads for Python programs: plain functions, and twins that take Pulumi's Inputs and give Outputs.

The plain ones work outside a Pulumi program too. Address and key come from the arguments, else from the stack's
configuration, else from the environment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import pulumi

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.functions.deployments import (
    all_deployments,
    application_deployments,
    compose_deployments,
    deployments_by_type,
    server_deployments,
)
from pulumi_dokploy_deployments.functions.filters import Filter, InvalidArgument, Since, Status, filter_of
from pulumi_dokploy_deployments.functions.logs import DEFAULT_TAIL, deployment_logs
from pulumi_dokploy_deployments.functions.models import DeploymentList, DeploymentLogs, DeploymentQueue
from pulumi_dokploy_deployments.functions.models import RollbackCandidates as Candidates
from pulumi_dokploy_deployments.functions.queue import deployment_queue
from pulumi_dokploy_deployments.functions.rollback_candidates import rollback_candidates
from pulumi_dokploy_deployments.hosts.configuration import resolve_connection
from pulumi_dokploy_deployments.hosts.session import shared_session
from pulumi_dokploy_deployments.waiting.reporter import SilentReporter
from pulumi_dokploy_deployments.waiting.retry import retry_transient, short_budget

T = TypeVar("T")
Text = pulumi.Input[str] | None
Count = pulumi.Input[int] | None
StatusInput = pulumi.Input[str] | pulumi.Input[Sequence[str]] | None
SinceInput = pulumi.Input[str] | None


def get_application_deployments(
    application_id: str,
    *,
    status: Status = None,
    limit: int | None = None,
    since: Since = None,
    connection: str | None = None,
    endpoint: str | None = None,
    api_key: str | None = None,
) -> DeploymentList:
    """The deployments of one application, newest first. The server keeps about the ten newest.

    Args:
        application_id: the application.
        status: only this status, or these: running, done, error, cancelled.
        limit: the most deployments to give.
        since: only those made since then: a time (without a zone it is UTC), or an age as a timedelta or as
            `15m`, `2h`, `7d`.
        connection: the name of another server, as for resources.
        endpoint: the server's address, in place of the configured one.
        api_key: the key, in place of the configured one.

    Raises:
        DokployError: its text is one paragraph that says what is wrong and what to do.
    """
    kept = _filter(status, limit, since)
    return _read(lambda c: application_deployments(c, application_id, kept), connection, endpoint, api_key)


def get_compose_deployments(
    compose_id: str,
    *,
    status: Status = None,
    limit: int | None = None,
    since: Since = None,
    connection: str | None = None,
    endpoint: str | None = None,
    api_key: str | None = None,
) -> DeploymentList:
    """The deployments of one compose, newest first; the rest as for `get_application_deployments`."""
    kept = _filter(status, limit, since)
    return _read(lambda c: compose_deployments(c, compose_id, kept), connection, endpoint, api_key)


def get_server_deployments(
    server_id: str,
    *,
    status: Status = None,
    limit: int | None = None,
    since: Since = None,
    connection: str | None = None,
    endpoint: str | None = None,
    api_key: str | None = None,
) -> DeploymentList:
    """The deployments that belong to a remote server; the rest as for `get_application_deployments`."""
    kept = _filter(status, limit, since)
    return _read(lambda c: server_deployments(c, server_id, kept), connection, endpoint, api_key)


def get_all_deployments(
    *,
    status: Status = None,
    limit: int | None = None,
    since: Since = None,
    connection: str | None = None,
    endpoint: str | None = None,
    api_key: str | None = None,
) -> DeploymentList:
    """Every application's and compose's deployments that the key's user may see, with the services' names.

    The rest as for `get_application_deployments`.
    """
    kept = _filter(status, limit, since)
    return _read(lambda c: all_deployments(c, kept), connection, endpoint, api_key)


def get_deployments_by_type(
    type: str,  # noqa: A002 - the server's own word
    id: str,  # noqa: A002
    *,
    status: Status = None,
    limit: int | None = None,
    since: Since = None,
    connection: str | None = None,
    endpoint: str | None = None,
    api_key: str | None = None,
) -> DeploymentList:
    """The deployments of one service by its type, with each one's stored version.

    Args:
        type: application, compose, postgres, mysql, mariadb, mongo or redis. Databases leave no deployments in the
            history: for them the list is empty, and an id that is no such database is an error.
        id: the service's id.
        status, limit, since, connection, endpoint, api_key: as for `get_application_deployments`.
    """
    kept = _filter(status, limit, since)
    return _read(lambda c: deployments_by_type(c, type, id, kept), connection, endpoint, api_key)


def get_deployment_queue(
    *,
    state: Status = None,
    application_id: str | None = None,
    compose_id: str | None = None,
    connection: str | None = None,
    endpoint: str | None = None,
    api_key: str | None = None,
) -> DeploymentQueue:
    """What waits and what runs, on the whole instance, in the order in which it will run.

    Args:
        state: only jobs in this state, or these: waiting, active; completed and failed where a server reports them.
        application_id, compose_id: only jobs of this service.
        connection, endpoint, api_key: as for `get_application_deployments`.
    """
    service = _one_of(application_id, compose_id)
    identity = service[1] if service is not None else None
    return _read(lambda c: deployment_queue(c, state=state, service_id=identity), connection, endpoint, api_key)


def get_deployment_logs(
    deployment_id: str,
    *,
    tail: int = DEFAULT_TAIL,
    connection: str | None = None,
    endpoint: str | None = None,
    api_key: str | None = None,
) -> DeploymentLogs:
    """The end of a deployment's build log, while it runs and afterwards.

    Args:
        deployment_id: the deployment.
        tail: how many lines, 1 to 10 000.
        connection, endpoint, api_key: as for `get_application_deployments`.
    """
    return _read(lambda c: deployment_logs(c, deployment_id, tail=tail), connection, endpoint, api_key)


def get_rollback_candidates(
    application_id: str | None = None,
    *,
    compose_id: str | None = None,
    only_working: bool = False,
    connection: str | None = None,
    endpoint: str | None = None,
    api_key: str | None = None,
) -> Candidates:
    """The finished deployments of a service as places to go back to, newest first, with why some can't work.

    Args:
        application_id: the application.
        compose_id: or the compose; Dokploy stores no images for these, so none of them works by image.
        only_working: leave out those that the server's rollback call can't bring back.
        connection, endpoint, api_key: as for `get_application_deployments`.
    """
    service = _one_of(application_id, compose_id)
    if service is None:
        raise InvalidArgument("No service is named.", next_step="Give application_id or compose_id.")
    kind, identity = service
    return _read(
        lambda c: rollback_candidates(c, kind, identity, only_working=only_working), connection, endpoint, api_key
    )


# --- twins ---------------------------------------------------------------------------------------------------


def get_application_deployments_output(
    application_id: pulumi.Input[str],
    *,
    status: StatusInput = None,
    limit: Count = None,
    since: SinceInput = None,
    connection: Text = None,
    endpoint: Text = None,
    api_key: Text = None,
) -> pulumi.Output[DeploymentList]:
    """`get_application_deployments` for Inputs; runs once they are known."""
    return _lifted(
        get_application_deployments,
        application_id=application_id,
        status=status,
        limit=limit,
        since=since,
        connection=connection,
        endpoint=endpoint,
        api_key=api_key,
    )


def get_compose_deployments_output(
    compose_id: pulumi.Input[str],
    *,
    status: StatusInput = None,
    limit: Count = None,
    since: SinceInput = None,
    connection: Text = None,
    endpoint: Text = None,
    api_key: Text = None,
) -> pulumi.Output[DeploymentList]:
    """`get_compose_deployments` for Inputs; runs once they are known."""
    return _lifted(
        get_compose_deployments,
        compose_id=compose_id,
        status=status,
        limit=limit,
        since=since,
        connection=connection,
        endpoint=endpoint,
        api_key=api_key,
    )


def get_server_deployments_output(
    server_id: pulumi.Input[str],
    *,
    status: StatusInput = None,
    limit: Count = None,
    since: SinceInput = None,
    connection: Text = None,
    endpoint: Text = None,
    api_key: Text = None,
) -> pulumi.Output[DeploymentList]:
    """`get_server_deployments` for Inputs; runs once they are known."""
    return _lifted(
        get_server_deployments,
        server_id=server_id,
        status=status,
        limit=limit,
        since=since,
        connection=connection,
        endpoint=endpoint,
        api_key=api_key,
    )


def get_all_deployments_output(
    *,
    status: StatusInput = None,
    limit: Count = None,
    since: SinceInput = None,
    connection: Text = None,
    endpoint: Text = None,
    api_key: Text = None,
) -> pulumi.Output[DeploymentList]:
    """`get_all_deployments` for Inputs; runs once they are known."""
    return _lifted(
        get_all_deployments,
        status=status,
        limit=limit,
        since=since,
        connection=connection,
        endpoint=endpoint,
        api_key=api_key,
    )


def get_deployments_by_type_output(
    type: pulumi.Input[str],  # noqa: A002
    id: pulumi.Input[str],  # noqa: A002
    *,
    status: StatusInput = None,
    limit: Count = None,
    since: SinceInput = None,
    connection: Text = None,
    endpoint: Text = None,
    api_key: Text = None,
) -> pulumi.Output[DeploymentList]:
    """`get_deployments_by_type` for Inputs; runs once they are known."""
    return _lifted(
        get_deployments_by_type,
        type=type,
        id=id,
        status=status,
        limit=limit,
        since=since,
        connection=connection,
        endpoint=endpoint,
        api_key=api_key,
    )


def get_deployment_queue_output(
    *,
    state: StatusInput = None,
    application_id: Text = None,
    compose_id: Text = None,
    connection: Text = None,
    endpoint: Text = None,
    api_key: Text = None,
) -> pulumi.Output[DeploymentQueue]:
    """`get_deployment_queue` for Inputs; runs once they are known."""
    return _lifted(
        get_deployment_queue,
        state=state,
        application_id=application_id,
        compose_id=compose_id,
        connection=connection,
        endpoint=endpoint,
        api_key=api_key,
    )


def get_deployment_logs_output(
    deployment_id: pulumi.Input[str],
    *,
    tail: pulumi.Input[int] = DEFAULT_TAIL,
    connection: Text = None,
    endpoint: Text = None,
    api_key: Text = None,
) -> pulumi.Output[DeploymentLogs]:
    """`get_deployment_logs` for Inputs; runs once they are known."""
    return _lifted(
        get_deployment_logs,
        deployment_id=deployment_id,
        tail=tail,
        connection=connection,
        endpoint=endpoint,
        api_key=api_key,
    )


def get_rollback_candidates_output(
    application_id: Text = None,
    *,
    compose_id: Text = None,
    only_working: pulumi.Input[bool] = False,
    connection: Text = None,
    endpoint: Text = None,
    api_key: Text = None,
) -> pulumi.Output[Candidates]:
    """`get_rollback_candidates` for Inputs; runs once they are known."""
    return _lifted(
        get_rollback_candidates,
        application_id=application_id,
        compose_id=compose_id,
        only_working=only_working,
        connection=connection,
        endpoint=endpoint,
        api_key=api_key,
    )


# --- how it is run -------------------------------------------------------------------------------------------


def _read(
    call: Callable[[DokployClient], Awaitable[T]], connection: str | None, endpoint: str | None, api_key: str | None
) -> T:
    session = shared_session()
    # Programs run inside an event loop of Pulumi's; the session has one of its own, on a thread of its own.
    client = session.run_context(_connection(connection, endpoint, api_key), SilentReporter()).client

    async def read() -> T:
        return await retry_transient(lambda: call(client), budget=short_budget(), clock=session.clock)

    return session.run(read())


def _connection(name: str | None, endpoint: str | None, api_key: str | None) -> Connection:
    given = {"endpoint": endpoint, "apiKey": api_key}

    def value(full_key: str) -> str | None:
        namespace, _, key = full_key.partition(":")
        return given.get(key) or pulumi.Config(namespace).get(key)

    return resolve_connection(value, name=name)


def _lifted(function: Callable[..., T], **inputs: Any) -> pulumi.Output[T]:
    async def run(values: Mapping[str, Any]) -> T:
        # On a thread, so that several reads of a program go on at once.
        return await asyncio.to_thread(function, **values)

    return pulumi.Output.all(**inputs).apply(run)


def _filter(status: Status, limit: int | None, since: Since) -> Filter:
    # Numbers come from the engine as floats.
    whole = int(limit) if isinstance(limit, float) and limit.is_integer() else limit
    return filter_of(status, whole, since, now=datetime.now(UTC))


def _one_of(application_id: str | None, compose_id: str | None) -> tuple[ServiceKind, str] | None:
    if application_id is not None and compose_id is not None:
        raise InvalidArgument("Two services are named.", next_step="Give application_id or compose_id, not both.")
    if application_id is not None:
        return ServiceKind.APPLICATION, application_id
    return (ServiceKind.COMPOSE, compose_id) if compose_id is not None else None
