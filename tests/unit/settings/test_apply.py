"""A service is set with one request, its environment is read only when a variable is named, and all can be put back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.settings.apply import apply, plan_change, put_back
from pulumi_dokploy_deployments.settings.wanted import SettingRefused, Wanted
from pulumi_dokploy_deployments.waiting.context import RunContext
from tests.support.fake_server import FakeServer, service
from tests.support.listener import Listener
from tests.support.virtual_clock import VirtualClock

TEXT = "# first\nTAG=1.0.0 # tail\nPASSWORD=hunter2\nREF=${{project.SHARED}}\n"


def context_for(server: FakeServer) -> tuple[RunContext, Listener]:
    """A context on this server, and who listens in it."""
    listener = Listener()
    return RunContext(server.client(), VirtualClock(), listener), listener


class Settable(FakeServer):
    """One docker application whose columns can be updated."""

    def __init__(self) -> None:
        self.columns: dict[str, Any] = {"sourceType": "docker", "dockerImage": "shop:1", "env": TEXT}
        super().__init__({"application.one": self._one, "application.update": self._update})

    def _one(self, query: Mapping[str, str]) -> tuple[int, Any]:
        return 200, service(applicationId=query["applicationId"], **self.columns)

    def _update(self, body: Mapping[str, str]) -> tuple[int, Any]:
        self.columns.update({name: value for name, value in body.items() if name != "applicationId"})
        return 200, True

    @property
    def updates(self) -> list[dict[str, str]]:
        return [body for operation, body in self.asked if operation == "application.update"]


async def test_one_partial_update_sets_image_and_variables_and_puts_both_back() -> None:
    server = Settable()
    context, reporter = context_for(server)
    found = await context.client.read_service(ServiceKind.APPLICATION, "a1")
    change = await plan_change(found, Wanted(image="shop:2", env={"TAG": "2.0.0"}), context)
    await apply(found, change, context)
    assert [set(update) for update in server.updates] == [{"applicationId", "dockerImage", "env"}]
    assert server.columns["env"] == TEXT.replace("1.0.0", "2.0.0")
    assert await put_back(found, change, context)
    assert (server.columns["dockerImage"], server.columns["env"]) == ("shop:1", TEXT)
    assert reporter.warnings == []
    assert "hunter2" not in f"{reporter}"


async def test_the_environment_is_not_read_where_no_variable_is_named() -> None:
    server = Settable()
    context, _ = context_for(server)
    found = await context.client.read_service(ServiceKind.APPLICATION, "a1")
    await apply(found, await plan_change(found, Wanted(image="shop:2"), context), context)
    assert server.operations == ["application.one", "application.update"]


async def test_nothing_is_sent_where_nothing_differs() -> None:
    server = Settable()
    context, _ = context_for(server)
    found = await context.client.read_service(ServiceKind.APPLICATION, "a1")
    change = await plan_change(found, Wanted(image="shop:1", env={"TAG": "1.0.0"}), context)
    await apply(found, change, context)
    assert await put_back(found, change, context)
    assert server.updates == []


async def test_a_refused_setting_sends_nothing() -> None:
    server = Settable()
    server.columns["sourceType"] = "git"
    context, _ = context_for(server)
    found = await context.client.read_service(ServiceKind.APPLICATION, "a1")
    with pytest.raises(SettingRefused):
        await apply(found, await plan_change(found, Wanted(image="shop:2"), context), context)
    assert server.updates == []


async def test_what_can_t_be_put_back_is_told_without_a_value() -> None:
    server = Settable()
    context, reporter = context_for(server)
    found = await context.client.read_service(ServiceKind.APPLICATION, "a1")
    change = await plan_change(found, Wanted(env={"PASSWORD": "swordfish"}), context)
    await apply(found, change, context)
    server.answers["application.update"] = (400, {"message": "no", "code": "BAD_REQUEST"})
    assert not await put_back(found, change, context)
    (warning,) = reporter.warnings
    assert "could not be put back (variable PASSWORD)" in warning
    assert "swordfish" not in f"{reporter}"
    assert "hunter2" not in f"{reporter}"


async def test_the_environment_s_text_is_not_in_a_representation_and_null_is_empty() -> None:
    server = Settable()
    text = await server.client().environment_text(ServiceKind.APPLICATION, "a1")
    assert text.get_secret_value() == TEXT
    assert "hunter2" not in repr(text) + str(text)
    server.columns["env"] = None
    assert (await server.client().environment_text(ServiceKind.APPLICATION, "a1")).get_secret_value() == ""
