"""Where the plugin's address, key and times come from, and what it says when they are wrong."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_dokploy_deployments.api.errors import ConfigurationError
from pulumi_dokploy_deployments.api.text import Configured, Setting
from pulumi_dokploy_deployments.hosts.plugin.configuration import Configuration, check_configuration
from pulumi_dokploy_deployments.resources.fields import UNKNOWN

GIVEN = {"endpoint": "https://east.example.com", "api_key": "east-key"}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that configures nothing."""
    for name in ("DOKPLOY_ENDPOINT", "DOKPLOY_URL", "DOKPLOY_API_KEY", "DOKPLOY_TIMEOUT_SECONDS"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_what_the_provider_is_given_wins_over_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DOKPLOY_ENDPOINT", "https://environment.example.com")
    environment.setenv("DOKPLOY_API_KEY", "environment-key")
    environment.setenv("DOKPLOY_TIMEOUT_SECONDS", "77")

    given, empty = Configuration.of({**GIVEN, "timeout_seconds": "12.5"}), Configuration.of({})

    assert given.connection(None).origin == "https://east.example.com"
    assert given.timeout_seconds == 12.5
    assert empty.connection(None).origin == "https://environment.example.com"
    assert empty.connection(None).api_key.get_secret_value() == "environment-key"
    assert empty.timeout_seconds == 77.0


def test_a_missing_key_is_told_as_the_setting_that_it_is() -> None:
    with pytest.raises(ConfigurationError, match=r"API key for https://east\.example\.com is not configured") as caught:
        Configuration.of({"endpoint": "https://east.example.com"}).connection(None)
    assert Configured(Setting.API_KEY) in caught.value.next_step_text


def test_a_named_connection_is_the_provider_s_own_or_the_environment_s(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DOKPLOY_WEST_ENDPOINT", "https://west.example.com")
    environment.setenv("DOKPLOY_WEST_API_KEY", "west-key")

    assert Configuration.of({**GIVEN, "connection": "east"}).connection("east").origin == "https://east.example.com"
    assert Configuration.of(GIVEN).connection("west").origin == "https://west.example.com"
    with pytest.raises(ConfigurationError, match="DOKPLOY_NORTH_ENDPOINT"):
        Configuration.of(GIVEN).connection("north")


@pytest.mark.parametrize(
    ("inputs", "name"),
    [
        ({"endpoint": "ftp://east.example.com"}, "endpoint"),
        ({"endpoint": "https://user:pass@east.example.com"}, "endpoint"),
        ({"timeout_seconds": "-1"}, "timeout_seconds"),
        ({"timeout_seconds": "soon"}, "timeout_seconds"),
        ({"request_timeout_seconds": "100000"}, "request_timeout_seconds"),
        ({"endpont": "x"}, "endpont"),
    ],
)
def test_what_can_t_be_meant_is_told(inputs: dict[str, Any], name: str) -> None:
    [problem] = check_configuration(inputs)

    assert problem.property_name == name
    assert "pass@" not in problem.reason


def test_unknowns_and_texts_for_numbers_pass() -> None:
    assert check_configuration({"endpoint": UNKNOWN, "api_key": UNKNOWN, "timeout_seconds": "60"}) == []
    assert check_configuration({**GIVEN, "version": "0.1.0"}) == []
    assert not Configuration.of({"endpoint": UNKNOWN}).is_known


def test_a_bad_time_in_the_environment_is_told(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DOKPLOY_TIMEOUT_SECONDS", "soon")

    with pytest.raises(ConfigurationError, match="DOKPLOY_TIMEOUT_SECONDS is 'soon'"):
        _ = Configuration.of(GIVEN).timeout_seconds
