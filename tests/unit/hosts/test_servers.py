"""One client and one watcher per server and key; two resources that do the same to one service are told."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.hosts.servers import Servers
from pulumi_dokploy_deployments.hosts.session import Session, shared_session
from pulumi_dokploy_deployments.resources.deployment_model import DeploymentInputs
from pulumi_dokploy_deployments.resources.fields import UNKNOWN
from pulumi_dokploy_deployments.resources.rollback_target_model import RollbackTargetInputs
from pulumi_dokploy_deployments.waiting.context import RunContext
from tests.support.listener import Listener


def context(servers: Servers, told: Listener, *, host: str = "a", key: str = "k") -> RunContext:
    return servers.run_context(Connection.parse(f"https://{host}.example.com", key), told)


def test_waits_on_one_server_with_one_key_share_client_and_watcher() -> None:
    servers, told = Servers(), Listener()
    one, same = context(servers, told), context(servers, Listener())
    assert (one.client, one.shared_watcher) == (same.client, same.shared_watcher)
    assert one.reporter is told
    assert same.reporter is not told


@pytest.mark.parametrize("other", [{"host": "b"}, {"key": "other"}])
def test_another_server_or_key_has_its_own(other: dict[str, str]) -> None:
    servers, told = Servers(), Listener()
    assert context(servers, told).client is not context(servers, told, **other).client


def test_a_process_has_one_session() -> None:
    assert shared_session() is shared_session()
    assert isinstance(shared_session(), Session)


# --- two resources of one service -------------------------------------------------------------------------------

URN = "urn:pulumi:prod::shop::dokploy-deployments:index:Deployment::"


def inputs(**given: Any) -> DeploymentInputs:
    checked = DeploymentInputs.read(given or {"application_id": "app-1"})
    assert checked.inputs is not None
    return checked.inputs


def test_a_second_resource_of_a_service_is_told_once_with_both_names() -> None:
    servers, told = Servers(), Listener()
    for name in ("web", "web", "api", "web", "api"):
        servers.declared.note("deploys", inputs(), URN + name, context(servers, told))
    (warning,) = told.warnings
    assert warning.startswith("The program deploys application app-1 with 2 resources: web, api.")


@pytest.mark.parametrize(
    ("verb", "given", "urn", "host"),
    [
        ("pins", {"application_id": "app-1"}, URN + "api", "a"),
        ("deploys", {"application_id": "app-2"}, URN + "api", "a"),
        ("deploys", {"compose_id": "app-1"}, URN + "api", "a"),
        ("deploys", {"application_id": "app-1"}, URN + "api", "b"),
        ("deploys", {"application_id": "app-1"}, "", "a"),
        ("deploys", {"application_id": UNKNOWN}, URN + "api", "a"),
    ],
)
def test_what_is_no_second_one_is_not_told(verb: str, given: dict[str, Any], urn: str, host: str) -> None:
    servers, told = Servers(), Listener()
    servers.declared.note("deploys", inputs(), URN + "web", context(servers, told))
    servers.declared.note(verb, inputs(**given), urn, context(servers, told, host=host))
    assert told.warnings == []


@pytest.mark.parametrize("order", [("web", "pin"), ("pin", "web")])
def test_a_version_that_is_named_and_pinned_is_told_with_which_one_wins(order: tuple[str, str]) -> None:
    servers, told = Servers(), Listener()
    pin = RollbackTargetInputs.read({"application_id": "app-1", "version": 3}).inputs
    both = {"web": ("deploys", inputs(application_id="app-1", image="shop:2")), "pin": ("pins", pin)}
    for name in order:
        verb, given = both[name]
        assert given is not None
        servers.declared.note(verb, given, URN + name, context(servers, told))
    (warning,) = told.warnings
    assert "twice: web sets it, and pin pins it. The pin is applied last and wins" in warning


def test_a_pin_beside_a_deployment_that_names_no_version_is_not_told() -> None:
    servers, told = Servers(), Listener()
    pin = RollbackTargetInputs.read({"application_id": "app-1", "version": 3}).inputs
    assert pin is not None
    servers.declared.note(
        "deploys", inputs(application_id="app-1", triggers={"a": 1}), URN + "web", context(servers, told)
    )
    servers.declared.note("pins", pin, URN + "pin", context(servers, told))
    assert told.warnings == []
