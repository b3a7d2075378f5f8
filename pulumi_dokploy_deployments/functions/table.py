"""The functions of the package, one row each. Plain functions, twins, invokes, schema and docs come from this table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.functions.arguments import (
    AllDeployments,
    ApplicationDeployments,
    Arguments,
    Candidates,
    ComposeDeployments,
    DeploymentsByType,
    Logs,
    NamedService,
    Queue,
    ServerDeployments,
    Services,
)
from pulumi_dokploy_deployments.functions.deployments import (
    all_deployments,
    application_deployments,
    compose_deployments,
    deployments_by_type,
    server_deployments,
)
from pulumi_dokploy_deployments.functions.logs import deployment_logs
from pulumi_dokploy_deployments.functions.models import (
    DeploymentList,
    DeploymentLogs,
    DeploymentQueue,
    Result,
    RollbackCandidates,
    ServiceInfo,
    ServiceList,
)
from pulumi_dokploy_deployments.functions.queue import deployment_queue
from pulumi_dokploy_deployments.functions.rollback_candidates import rollback_candidates
from pulumi_dokploy_deployments.functions.services import service_named, services
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.retry import retry_transient, short_budget

A = TypeVar("A", bound=Arguments)
R = TypeVar("R", bound=Result)


@dataclass(frozen=True)
class Function(Generic[A, R]):
    """One function.

    Attributes:
        name: its name in Python.
        arguments: what it takes; the class's docstring is the function's description.
        result: what it gives.
        read: asks the server once.
    """

    name: str
    arguments: type[A]
    result: type[R]
    read: Callable[[DokployClient, A], Awaitable[R]]

    def asked(self, given: Mapping[str, Any], now: datetime) -> A:
        """The arguments as a caller gave them, validated.

        Raises:
            InvalidArgument: one of them is not valid; the message names it and says what is.
        """
        return self.arguments.from_given(given, now)

    async def call(self, context: RunContext, asked: A) -> R:
        """Ask the server; short faults are retried for up to 6 s.

        Raises:
            DokployError: the server could not be asked, or has no such thing.
        """
        return await retry_transient(
            lambda: self.read(context.client, asked), budget=short_budget(), clock=context.clock
        )


GET_APPLICATION_DEPLOYMENTS = Function(
    "get_application_deployments", ApplicationDeployments, DeploymentList, application_deployments
)
GET_COMPOSE_DEPLOYMENTS = Function("get_compose_deployments", ComposeDeployments, DeploymentList, compose_deployments)
GET_SERVER_DEPLOYMENTS = Function("get_server_deployments", ServerDeployments, DeploymentList, server_deployments)
GET_ALL_DEPLOYMENTS = Function("get_all_deployments", AllDeployments, DeploymentList, all_deployments)
GET_DEPLOYMENTS_BY_TYPE = Function("get_deployments_by_type", DeploymentsByType, DeploymentList, deployments_by_type)
GET_DEPLOYMENT_QUEUE = Function("get_deployment_queue", Queue, DeploymentQueue, deployment_queue)
GET_DEPLOYMENT_LOGS = Function("get_deployment_logs", Logs, DeploymentLogs, deployment_logs)
GET_ROLLBACK_CANDIDATES = Function("get_rollback_candidates", Candidates, RollbackCandidates, rollback_candidates)
GET_SERVICE = Function("get_service", NamedService, ServiceInfo, service_named)
GET_SERVICES = Function("get_services", Services, ServiceList, services)

FUNCTIONS: Mapping[str, Function[Any, Any]] = {
    function.name: function for function in list(globals().values()) if isinstance(function, Function)
}
"""Every function by its name."""
