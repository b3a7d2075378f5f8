"""Where address and key come from, and that every message says how to set them and none contains a key."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import ConfigurationError
from pulumi_dokploy_deployments.api.text import Configured, Setting
from pulumi_dokploy_deployments.cli.connecting import connection_from
from pulumi_dokploy_deployments.hosts import configuration
from pulumi_dokploy_deployments.hosts.configuration import namespace_of, resolve_connection, warn_of_plain_http
from tests.support.listener import Listener

KEY = "key-that-no-message-may-show"


def _resolve(config: dict[str, str], environ: dict[str, str], **more: Any) -> Connection:
    return resolve_connection(config.get, environ=environ, **more)


def _error(config: dict[str, str], environ: dict[str, str], **more: Any) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        _resolve(config, environ, **more)
    text = str(caught.value)
    assert KEY not in text + repr(caught.value)
    assert text.endswith(".")
    return caught.value


def _failure(config: dict[str, str], environ: dict[str, str], **more: Any) -> str:
    return str(_error(config, environ, **more))


def _shown(connection: Connection) -> tuple[str, str, str]:
    return connection.origin, connection.api_key.get_secret_value(), connection.name


ENVIRONMENT = {"DOKPLOY_ENDPOINT": "https://from.environment", "DOKPLOY_API_KEY": f"{KEY}-e"}
STACK = {"dokploy:endpoint": "https://from.config", "dokploy:apiKey": f"{KEY}-c"}


def test_the_stack_s_configuration_wins_over_the_environment() -> None:
    assert _shown(_resolve(STACK, ENVIRONMENT)) == ("https://from.config", f"{KEY}-c", "")
    assert _shown(_resolve({}, ENVIRONMENT)) == ("https://from.environment", f"{KEY}-e", "")


def test_each_value_is_looked_for_on_its_own() -> None:
    address = {"dokploy:endpoint": "from.config"}
    assert _shown(_resolve(address, {"DOKPLOY_API_KEY": KEY})) == ("https://from.config", KEY, "")


def test_the_other_name_of_the_address_counts_after_the_first() -> None:
    both = {"DOKPLOY_URL": "second.example", **ENVIRONMENT}
    assert _resolve({}, both).origin == "https://from.environment"
    assert _resolve({}, {"DOKPLOY_URL": "second.example", "DOKPLOY_API_KEY": KEY}).origin == "https://second.example"


def test_an_empty_value_is_no_value() -> None:
    assert _resolve({"dokploy:endpoint": "", "dokploy:apiKey": ""}, ENVIRONMENT).origin == "https://from.environment"


def test_a_named_connection_has_a_namespace_and_variables_of_its_own() -> None:
    config = {**STACK, "dokploy-eu-west:endpoint": "eu.example", "dokploy-eu-west:apiKey": f"{KEY}-eu"}
    assert _shown(_resolve(config, {}, name="eu-west")) == ("https://eu.example", f"{KEY}-eu", "eu-west")
    environ = {"DOKPLOY_EU_WEST_ENDPOINT": "eu.example", "DOKPLOY_EU_WEST_API_KEY": KEY, **ENVIRONMENT}
    assert _shown(_resolve({}, environ, name="eu-west")) == ("https://eu.example", KEY, "eu-west")
    assert namespace_of("eu-west") == "dokploy-eu-west"
    assert namespace_of(None) == namespace_of("") == "dokploy"


def test_a_named_connection_never_falls_back_to_the_default_server_or_key() -> None:
    address = _error(STACK, ENVIRONMENT, name="staging")
    assert "for the connection 'staging'" in str(address)
    assert Configured(Setting.ENDPOINT, "staging") in address.next_step_text
    assert "DOKPLOY_STAGING_ENDPOINT" in str(address)
    with_address = {**STACK, "dokploy-staging:endpoint": "staging.example"}
    key = _error(with_address, ENVIRONMENT, name="staging")
    assert Configured(Setting.API_KEY, "staging") in key.next_step_text
    assert "DOKPLOY_STAGING_API_KEY" in str(key)


def test_a_missing_address_is_told_with_how_to_set_it() -> None:
    error = _error({"dokploy:apiKey": KEY}, {})
    assert Configured(Setting.ENDPOINT) in error.next_step_text
    assert "https://dokploy.example.com" in str(error)


def test_a_missing_key_is_told_with_where_to_make_it_and_how_to_set_it() -> None:
    error = _error({"dokploy:endpoint": "dokploy.example.com"}, {})
    assert "The API key for https://dokploy.example.com is not configured." in str(error)
    assert "Settings → Profile → API/CLI keys" in str(error)
    assert Configured(Setting.API_KEY) in error.next_step_text


def test_extra_headers_come_from_the_stack_before_the_environment() -> None:
    environ = {**ENVIRONMENT, "DOKPLOY_HEADERS": "X-From: environment"}
    assert _resolve(STACK, environ).extra_headers() == {"X-From": "environment"}
    # The engine hands an object of the configuration over as JSON.
    config = {**STACK, "dokploy:headers": '{"X-From":"stack"}'}
    assert _resolve(config, environ).extra_headers() == {"X-From": "stack"}
    assert _resolve(STACK, ENVIRONMENT).extra_headers() == {}


@pytest.mark.parametrize("name", ["EU", "eu_west", "e u", "-eu", "1eu", "eu/west"])
def test_every_host_takes_the_same_names_of_connections(name: str) -> None:
    assert "is not the name of a connection" in _failure(STACK, ENVIRONMENT, name=name)
    with pytest.raises(ConfigurationError, match="is not the name of a connection"):
        connection_from(endpoint="d.example.com", api_key_file=None, name=name, environ=ENVIRONMENT)


def test_credentials_in_the_address_are_not_repeated() -> None:
    text = _failure({"dokploy:endpoint": f"https://admin:{KEY}@dokploy.example.com"}, {})
    assert "admin" not in text
    _failure({"dokploy:endpoint": f"https://admin:{KEY}@dokploy.example.com", "dokploy:apiKey": "x"}, {})


def test_a_key_pasted_behind_the_address_is_not_repeated() -> None:
    _failure({"dokploy:endpoint": f"https://dokploy.example.com/?key={KEY}"}, {})
    _failure({"dokploy:endpoint": f"ftp://dokploy.example.com/?key={KEY}", "dokploy:apiKey": KEY}, {})


@pytest.mark.parametrize("bad", [f"{KEY} with spaces", f"{KEY}\n{KEY}", f"{KEY}-ü"])
def test_a_key_that_no_header_can_carry_is_told_without_showing_it(bad: str) -> None:
    _failure({"dokploy:endpoint": "dokploy.example.com", "dokploy:apiKey": bad}, {})


@settings(deadline=None)
@given(st.text(max_size=30), st.text(max_size=10))
def test_whatever_is_configured_no_message_and_no_representation_shows_the_key(endpoint: str, rest: str) -> None:
    config = {"dokploy:endpoint": endpoint, "dokploy:apiKey": KEY + rest}
    shown = ""
    try:
        connection = _resolve(config, {})
        shown = repr(connection) + str(connection)
    except ConfigurationError as error:
        shown = str(error) + repr(error)
    assert KEY not in shown


def test_plain_http_to_another_machine_is_warned_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuration, "_warned", set[str]())
    told = Listener()
    for endpoint in (
        "http://dokploy.example.com",
        "http://dokploy.example.com/api",
        "http://127.0.0.1:3000",
        "https://x.y",
    ):
        warn_of_plain_http(Connection.parse(endpoint, KEY), told)
    assert told.warnings == [
        "The API key travels unencrypted to http://dokploy.example.com: use https, or a tunnel to this machine."
    ]
