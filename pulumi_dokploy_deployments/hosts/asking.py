"""How a function is called in a Pulumi program or a script: where address and key come from, and on which thread."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import pulumi

from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.functions.arguments import Arguments
from pulumi_dokploy_deployments.functions.models import Result
from pulumi_dokploy_deployments.functions.table import Function
from pulumi_dokploy_deployments.hosts.configuration import resolve_connection
from pulumi_dokploy_deployments.hosts.program_errors import for_program
from pulumi_dokploy_deployments.hosts.session import shared_session
from pulumi_dokploy_deployments.waiting.reporter import SilentReporter

A = TypeVar("A", bound=Arguments)
R = TypeVar("R", bound=Result)


def ask(function: Function[A, R], given: Mapping[str, Any], endpoint: str | None, api_key: str | None) -> R:
    """Call a function and wait for its result.

    Address and key come from the arguments, else from the stack's configuration, else from the environment.

    Raises:
        DokployError: what went wrong, in one paragraph; also a `pulumi.RunError`.
    """
    try:
        asked = function.asked(given, datetime.now(UTC))
        session = shared_session()
        # Programs run inside an event loop of Pulumi's; the session has one of its own, on a thread of its own.
        context = session.run_context(_connection(asked.connection, endpoint, api_key), SilentReporter())
        return session.run(function.call(context, asked))
    except DokployError as error:
        raise for_program(error) from None


def ask_output(function: Function[A, R], given: Mapping[str, Any], endpoint: Any, api_key: Any) -> pulumi.Output[R]:
    """Call a function once its inputs are known; with an unknown input the result is unknown and nothing is asked."""

    async def run(values: Mapping[str, Any]) -> R:
        # On a thread, so that several calls of a program go on at once.
        return await asyncio.to_thread(ask, function, values["given"], values["endpoint"], values["api_key"])

    return pulumi.Output.all(given=dict(given), endpoint=endpoint, api_key=api_key).apply(run)


def _connection(name: str | None, endpoint: str | None, api_key: str | None) -> Connection:
    given = {"endpoint": endpoint, "apiKey": api_key}

    def value(full_key: str) -> str | None:
        namespace, _, key = full_key.partition(":")
        return given.get(key) or pulumi.Config(namespace).get(key)

    return resolve_connection(value, name=name)
