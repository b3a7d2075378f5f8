"""The functions as the engine calls them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.functions.deployments import (
    all_deployments,
    application_deployments,
    compose_deployments,
    deployments_by_type,
    server_deployments,
)
from pulumi_dokploy_deployments.functions.filters import Filter, InvalidArgument, filter_of
from pulumi_dokploy_deployments.functions.logs import DEFAULT_TAIL, deployment_logs
from pulumi_dokploy_deployments.functions.models import Result
from pulumi_dokploy_deployments.functions.queue import deployment_queue
from pulumi_dokploy_deployments.functions.rollback_candidates import rollback_candidates
from pulumi_dokploy_deployments.resources.common import iso
from pulumi_dokploy_deployments.resources.fields import model_problems
from pulumi_dokploy_deployments.schema.function_models import FUNCTIONS, Function
from pulumi_dokploy_deployments.schema.names import camel
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.retry import retry_transient, short_budget

Props = dict[str, Any]
Read = Callable[[RunContext, Mapping[str, Any]], Awaitable[Result]]


@dataclass(frozen=True)
class Invoke:
    """One function with what it does."""

    function: Function
    read: Read

    async def call(self, context: RunContext, arguments: Mapping[str, Any]) -> Props:
        """The result, with every name in camel case.

        Raises:
            DokployError: an argument can't be meant, or the server could not be asked.
        """
        given = {name: _whole(value) for name, value in arguments.items()}
        problems = model_problems(self.function.arguments, given)
        missing = [
            name
            for name, field in self.function.arguments.model_fields.items()
            if field.is_required() and given.get(name) is None
        ]
        if problems:
            raise InvalidArgument(problems[0].reason)
        if missing:
            raise InvalidArgument(f"{camel(self.function.name)} needs {camel(missing[0])}.")
        result = await retry_transient(lambda: self.read(context, given), budget=short_budget(), clock=context.clock)
        return _dumped(result)


def _whole(value: Any) -> Any:
    """Numbers come from the engine as floats."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _dumped(result: BaseModel) -> Props:
    return {camel(name): _value(getattr(result, name)) for name in type(result).model_fields}


def _value(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return {name: part for name, part in _dumped(value).items() if part is not None}
    if isinstance(value, tuple):
        return [_value(part) for part in value]
    return iso(value) if isinstance(value, datetime) else value


def _filter(given: Mapping[str, Any]) -> Filter:
    return filter_of(given.get("status"), given.get("limit"), given.get("since"), now=datetime.now(UTC))


def _service(given: Mapping[str, Any]) -> tuple[ServiceKind, str] | None:
    application, compose = given.get("application_id"), given.get("compose_id")
    if application is not None and compose is not None:
        raise InvalidArgument("Two services are named.", next_step="Give applicationId or composeId, not both.")
    if application is not None:
        return ServiceKind.APPLICATION, str(application)
    return (ServiceKind.COMPOSE, str(compose)) if compose is not None else None


async def _application(context: RunContext, given: Mapping[str, Any]) -> Result:
    return await application_deployments(context.client, given["application_id"], _filter(given))


async def _compose(context: RunContext, given: Mapping[str, Any]) -> Result:
    return await compose_deployments(context.client, given["compose_id"], _filter(given))


async def _server(context: RunContext, given: Mapping[str, Any]) -> Result:
    return await server_deployments(context.client, given["server_id"], _filter(given))


async def _all(context: RunContext, given: Mapping[str, Any]) -> Result:
    return await all_deployments(context.client, _filter(given))


async def _by_type(context: RunContext, given: Mapping[str, Any]) -> Result:
    return await deployments_by_type(context.client, given["type"], given["id"], _filter(given))


async def _queue(context: RunContext, given: Mapping[str, Any]) -> Result:
    service = _service(given)
    identity = service[1] if service is not None else None
    return await deployment_queue(context.client, state=given.get("state"), service_id=identity)


async def _logs(context: RunContext, given: Mapping[str, Any]) -> Result:
    return await deployment_logs(context.client, given["deployment_id"], tail=given.get("tail", DEFAULT_TAIL))


async def _candidates(context: RunContext, given: Mapping[str, Any]) -> Result:
    service = _service(given)
    if service is None:
        raise InvalidArgument("No service is named.", next_step="Give applicationId or composeId.")
    only_working = bool(given.get("only_working", False))
    return await rollback_candidates(context.client, *service, only_working=only_working)


_READS: Mapping[str, Read] = {
    "get_application_deployments": _application,
    "get_compose_deployments": _compose,
    "get_server_deployments": _server,
    "get_all_deployments": _all,
    "get_deployments_by_type": _by_type,
    "get_deployment_queue": _queue,
    "get_deployment_logs": _logs,
    "get_rollback_candidates": _candidates,
}
INVOKES: Mapping[str, Invoke] = {FUNCTIONS[name].token: Invoke(FUNCTIONS[name], read) for name, read in _READS.items()}
