"""The same reads from Python: in a script, inside an event loop, and as twins that take Outputs."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

import pulumi_dokploy_deployments as dokploy
from pulumi_dokploy_deployments.api.errors import AccessDenied, ConfigurationError, Unauthorized
from pulumi_dokploy_deployments.functions.filters import InvalidArgument
from pulumi_dokploy_deployments.functions.identity import UnknownId
from pulumi_dokploy_deployments.functions.table import FUNCTIONS
from pulumi_dokploy_deployments.hosts import functions

from .conftest import Server

NAMES = [name for name in dir(functions) if name.startswith("get_") and not name.endswith("_output")]


def arguments_of(name: str, server: Server) -> dict[str, Any]:
    application = server.application("ok")
    return {
        "get_application_deployments": {"application_id": application},
        "get_compose_deployments": {"compose_id": server.compose("ok")},
        "get_server_deployments": {"server_id": server.simulator.ready["servers"]["remote"]},
        "get_all_deployments": {"limit": 3},
        "get_deployments_by_type": {"type": "application", "id": application},
        "get_deployment_queue": {},
        "get_deployment_logs": {"deployment_id": server.deployed("ok")} if "logs" in name else {},
        "get_rollback_candidates": {"application_id": application},
        "get_service": {"name": "ok", "type": "application"},
        "get_services": {"type": "compose"},
    }[name]


def on(server: Server, key: str = "owner") -> dict[str, Any]:
    return {"endpoint": server.endpoint, "api_key": server.key(key)}


def test_the_names_are_those_of_the_design() -> None:
    assert (
        set(NAMES)
        == set(FUNCTIONS)
        == {
            "get_application_deployments",
            "get_compose_deployments",
            "get_server_deployments",
            "get_all_deployments",
            "get_deployments_by_type",
            "get_deployment_queue",
            "get_deployment_logs",
            "get_rollback_candidates",
            "get_service",
            "get_services",
        }
    )
    for name in NAMES:
        for function in (getattr(functions, name), getattr(functions, f"{name}_output")):
            documented = set(re.findall(r"^    (\w+): ", inspect.getdoc(function) or "", re.MULTILINE))
            assert documented == {*inspect.signature(function).parameters, "DokployError"}


@pytest.mark.parametrize("name", NAMES)
def test_each_read_runs_from_a_script_and_as_a_twin_with_the_same_result(server: Server, name: str) -> None:
    arguments = {**arguments_of(name, server), **on(server)}
    plain = getattr(functions, name)(**arguments)

    async def resolved() -> Any:
        lifted = {key: pulumi.Output.from_input(value) for key, value in arguments.items()}
        return await getattr(functions, f"{name}_output")(**lifted).future()

    assert asyncio.run(resolved()) == plain


def test_a_read_works_inside_a_running_event_loop_as_programs_have_one(server: Server) -> None:
    async def program() -> Any:
        return functions.get_all_deployments(limit=1, **on(server))

    assert len(asyncio.run(program()).deployments) == 1


def test_the_environment_is_used_where_no_argument_is_given(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
        monkeypatch.setenv(name.replace("DOKPLOY_", "DOKPLOY_EU_"), value)
    assert functions.get_deployment_queue() == functions.get_deployment_queue(connection="eu")


def test_the_stack_s_configuration_goes_before_the_environment(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOKPLOY_ENDPOINT", "http://127.0.0.1:1")
    pulumi.runtime.set_all_config(
        {"dokploy:endpoint": server.endpoint, "dokploy:apiKey": server.key()}, ["dokploy:apiKey"]
    )
    try:
        assert functions.get_deployment_queue().jobs == ()
    finally:
        pulumi.runtime.set_all_config({})


def test_an_unknown_value_is_waited_for_and_not_asked_about(server: Server) -> None:
    async def resolved() -> bool:
        unknown: pulumi.Output[str] = pulumi.Output(set(), _future(""), _future(False))
        where: dict[str, Any] = on(server)
        return await functions.get_application_deployments_output(unknown, **where).is_known()

    server.simulator.control("clear_requests")
    assert asyncio.run(resolved()) is False
    assert server.simulator.state()["requests"] == []


def _future(value: Any) -> asyncio.Future[Any]:
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    future.set_result(value)
    return future


def test_a_secret_key_makes_a_secret_result(server: Server) -> None:
    async def resolved() -> bool:
        key = pulumi.Output.secret(server.key())
        return await functions.get_all_deployments_output(endpoint=server.endpoint, api_key=key).is_secret()

    assert asyncio.run(resolved()) is True


WRONG: Any = {"type": "server", "id": "x"}
ONE_AS_TEXT: Any = "1"
Call = Callable[[dict[str, Any]], Any]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda on: functions.get_application_deployments("no-such-id", **on), UnknownId),
        (lambda on: functions.get_compose_deployments("no-such-id", **on), UnknownId),
        (lambda on: functions.get_server_deployments("no-such-id", **on), UnknownId),
        (lambda on: functions.get_deployments_by_type("mysql", "no-such-id", **on), UnknownId),
        (lambda on: functions.get_deployment_logs("no-such-id", **on), UnknownId),
        (lambda on: functions.get_rollback_candidates("no-such-id", **on), UnknownId),
        (lambda on: functions.get_deployments_by_type(**WRONG, **on), InvalidArgument),
        (lambda on: functions.get_rollback_candidates(**on), InvalidArgument),
        (lambda on: functions.get_deployment_queue(application_id="a", compose_id="c", **on), InvalidArgument),
        (lambda on: functions.get_all_deployments(since="never", **on), InvalidArgument),
        (lambda on: functions.get_all_deployments(**{**on, "api_key": "wrong"}), Unauthorized),
        (lambda on: functions.get_all_deployments(), ConfigurationError),
    ],
)
def test_what_goes_wrong_is_a_typed_error(server: Server, call: Call, error: type[Exception]) -> None:
    with pytest.raises(error):
        call(on(server))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda on: functions.get_application_deployments("no-such-id", **on), dokploy.UnknownId),
        (lambda on: functions.get_all_deployments(limit=ONE_AS_TEXT, **on), dokploy.InvalidArgument),
        (lambda on: functions.get_all_deployments(**{**on, "api_key": "wrong"}), dokploy.Unauthorized),
        (lambda on: functions.get_all_deployments(), dokploy.ConfigurationError),
    ],
)
def test_what_goes_wrong_is_shown_as_one_paragraph_by_the_engine(
    server: Server, call: Call, error: type[dokploy.DokployError]
) -> None:
    """The engine's executor prints the text alone of a `pulumi.RunError`."""
    with pytest.raises(error) as failure:
        call(on(server))
    assert isinstance(failure.value, dokploy.DokployError)
    assert isinstance(failure.value, pulumi.RunError)
    assert type(failure.value).__name__ == error.__name__
    assert "\n" not in str(failure.value)
    assert failure.value.__cause__ is None
    assert failure.value.next_step or failure.value.property_name


def test_a_twin_that_fails_raises_the_same_error(server: Server) -> None:
    async def resolved() -> Any:
        limit: Any = pulumi.Output.from_input("1")
        return await functions.get_all_deployments_output(limit=limit, **on(server)).future()

    with pytest.raises(pulumi.RunError, match=r"limit is '1'. Give a whole number") as failure:
        asyncio.run(resolved())
    assert isinstance(failure.value, dokploy.InvalidArgument)


@pytest.mark.parametrize("name", ["get_application_deployments", "get_compose_deployments", "get_rollback_candidates"])
def test_members_without_access_are_told_so(server: Server, name: str) -> None:
    with pytest.raises(AccessDenied):
        getattr(functions, name)(**arguments_of(name, server), **on(server, "member"))


def test_a_short_fault_is_retried(server: Server) -> None:
    server.simulator.control("fault", kind="http_error", endpoint="deployment.queueList", status=502)
    assert functions.get_deployment_queue(**on(server)).jobs == ()
