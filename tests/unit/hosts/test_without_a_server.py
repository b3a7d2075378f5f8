"""No server is needed where nothing is to be done, and where one is needed and gone there is a way out."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_dokploy_deployments.api.errors import ConfigurationError
from pulumi_dokploy_deployments.hosts.configuration import is_offline
from pulumi_dokploy_deployments.hosts.dynamic.operations import Operations
from pulumi_dokploy_deployments.hosts.words import PYTHON

URN = "urn:pulumi:dev::shop::pulumi-python:dynamic/dokploy:Deployment::web"
FINISHED = {"application_id": "app-1", "deployment_id": "d1", "status": "done", "run": {"version": 2}}
PIN = {"application_id": "app-1", "version": 3, "holds": True, "run": {"version": 2}}


class Config:
    """A stack's configuration without address and key."""

    def __init__(self, **values: str) -> None:
        self._values = {f"dokploy:{name}": value for name, value in values.items()}

    def get(self, key: str) -> str | None:
        return self._values.get(key)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DOKPLOY_ENDPOINT", "DOKPLOY_URL", "DOKPLOY_API_KEY", "DOKPLOY_OFFLINE_PREVIEW"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("on_delete", [None, "cancel", "retain"])
def test_a_finished_deployment_is_deleted_without_address_and_key(on_delete: str | None) -> None:
    given = {} if on_delete is None else {"on_delete": on_delete}
    Operations(Config(), "Deployment").delete({**FINISHED, **given})


def test_a_retained_pin_by_image_is_released_without_address_and_key() -> None:
    Operations(Config(), "RollbackTarget").delete(PIN)


@pytest.mark.parametrize(
    "state",
    [
        {**FINISHED, "on_delete": "remove"},
        {**FINISHED, "status": "running"},
        {**FINISHED, "status": ""},
        {**FINISHED, "status": "error", "run": {"version": 2, "left_as": "broken off"}},
    ],
)
def test_where_something_is_to_be_done_the_message_says_how_to_let_go_without_a_server(state: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Operations(Config(), "Deployment").delete({**state, "declared_as": URN})
    told = caught.value.told(PYTHON)
    assert f"run `pulumi state delete {URN}`" in told
    assert "on_delete set to retain" in told


@pytest.mark.parametrize(
    ("config", "environ", "offline"),
    [
        ({}, {}, False),
        ({"offlinePreview": "true"}, {}, True),
        ({"offlinePreview": "false"}, {"DOKPLOY_OFFLINE_PREVIEW": "1"}, False),
        ({}, {"DOKPLOY_OFFLINE_PREVIEW": "1"}, True),
        ({}, {"DOKPLOY_OFFLINE_PREVIEW": "no"}, False),
    ],
)
def test_previews_without_a_server_are_switched_on_by_configuration_or_environment(
    config: dict[str, str], environ: dict[str, str], offline: bool
) -> None:
    assert is_offline(Config(**config).get, environ=environ) is offline


def test_with_the_switch_a_preview_needs_neither_address_nor_key() -> None:
    operations = Operations(Config(offlinePreview="true"), "Deployment")
    checked = operations.check({}, {"application_id": "app-1", "triggers": {"a": 1}})
    assert checked.failures == []
    pins = Operations(Config(offlinePreview="true"), "RollbackTarget")
    assert pins.check({}, {"application_id": "app-1", "version": 3}).failures == []
    assert not pins.diff(PIN, {"application_id": "app-1", "version": 4}).replaces
