"""What the dynamic host adds: pickling without secrets, translation of the engine's values, plain failures."""

from __future__ import annotations

import base64
import pickle
from typing import Any

import dill  # type: ignore[import-untyped]
import pytest
from pulumi.dynamic import ConfigureRequest
from pulumi.dynamic.config import Config
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.output import Unknown

from pulumi_dokploy_deployments.hosts.dynamic.provider import DeploymentProvider, RollbackTargetProvider
from pulumi_dokploy_deployments.hosts.dynamic.urns import URN_PROPERTY
from pulumi_dokploy_deployments.hosts.titles import default_title

KEY = "key-that-no-pickle-may-hold"
URN = "urn:pulumi:prod::shop::pulumi-python:dynamic/dokploy:Deployment::web"
PROVIDERS = [DeploymentProvider, RollbackTargetProvider]
Provider = DeploymentProvider | RollbackTargetProvider
NOT_KNOWN: Any = Unknown()  # type: ignore[no-untyped-call]


@pytest.fixture(autouse=True)
def _no_server_from_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DOKPLOY_ENDPOINT", "DOKPLOY_URL", "DOKPLOY_API_KEY"):
        monkeypatch.delenv(name, raising=False)


CONFIGURATION = {"dokploy:endpoint": "http://127.0.0.1:1", "dokploy:apiKey": KEY}


def _configured(kind: type[Provider], config: dict[str, str] = CONFIGURATION) -> Provider:
    """A provider as the engine's process loads and configures it before every call."""
    provider = dill.loads(dill.dumps(kind(), recurse=True))  # noqa: S301
    assert isinstance(provider, kind)
    provider.configure(ConfigureRequest(config=Config(config, "shop")))
    return provider


def _bare() -> Provider:
    """A provider of `Deployment` without any configuration."""
    return _configured(DeploymentProvider, {})


# --- pickling ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PROVIDERS)
def test_a_pickled_provider_holds_no_key_and_no_configuration(kind: type[Provider]) -> None:
    provider = _configured(kind)
    for pickled in (
        dill.dumps(provider, recurse=True),
        pickle.dumps(provider),
        base64.b64decode(serialize_provider(provider)),
    ):
        for secret in (KEY, "127.0.0.1:1", "dokploy:apiKey"):
            assert secret.encode() not in pickled
        assert len(pickled) < 1000, "pickled by reference, not by value"


@pytest.mark.parametrize("kind", PROVIDERS)
def test_a_pickled_provider_comes_back_without_configuration(kind: type[Provider]) -> None:
    provider = dill.loads(dill.dumps(_configured(kind), recurse=True))  # noqa: S301
    assert type(provider) is kind
    assert vars(provider) == {}


@pytest.mark.parametrize("kind", PROVIDERS)
def test_the_pickle_is_the_same_at_every_run_so_that_it_never_shows_as_a_change(kind: type[Provider]) -> None:
    assert serialize_provider(kind()) == serialize_provider(_configured(kind))


@pytest.mark.parametrize("kind", PROVIDERS)
def test_the_provider_itself_is_not_stored_as_a_secret(kind: type[Provider]) -> None:
    assert kind.serialize_as_secret_always is False


# --- check and diff ---------------------------------------------------------------------------------------------


def test_a_bad_input_is_told_by_its_name_and_the_inputs_go_on_unchanged() -> None:
    news = {"application_id": "", URN_PROPERTY: URN, "__provider": "pickle"}
    result = _bare().check({}, news)
    assert [failure.property for failure in result.failures] == ["application_id"]
    assert result.inputs == news


def test_the_host_s_own_properties_are_no_unknown_inputs() -> None:
    news = {"application_id": NOT_KNOWN, URN_PROPERTY: URN, "__provider": "pickle"}
    assert _bare().check({}, news).failures == []


def test_values_that_are_not_known_yet_pass_and_ask_nobody() -> None:
    for news in (
        {"application_id": NOT_KNOWN},
        {"application_id": "app-1", "connection": NOT_KNOWN},
        {"application_id": NOT_KNOWN, "triggers": {"image": NOT_KNOWN, "list": [NOT_KNOWN]}},
    ):
        assert _bare().check({}, news).failures == []


def test_a_missing_configuration_is_no_failure_of_any_input_and_says_how_to_set_it() -> None:
    result = _bare().check({}, {"application_id": "app-1"})
    (failure,) = result.failures
    assert failure.property == ""
    assert "pulumi config set dokploy:endpoint" in failure.reason
    assert "Traceback" not in failure.reason


def test_an_unchanged_resource_is_checked_without_any_request() -> None:
    provider = _configured(DeploymentProvider)
    inputs = {"application_id": "app-1", "triggers": {"a": 1}, URN_PROPERTY: URN}
    assert provider.check(inputs, dict(inputs)).failures == []


def _diff(olds: dict[str, Any], news: dict[str, Any]) -> tuple[bool | None, list[str] | None]:
    result = _bare().diff("id", {"application_id": "app-1", **olds}, {"application_id": "app-1", **news})
    return result.changes, result.replaces


def test_the_pickle_and_the_urn_are_no_changes() -> None:
    assert _diff({URN_PROPERTY: URN, "__provider": "old"}, {URN_PROPERTY: "moved", "__provider": "new"}) == (False, [])


def test_a_trigger_that_is_not_known_yet_is_a_change() -> None:
    assert _diff({"triggers": {"a": 1}}, {"triggers": {"a": NOT_KNOWN}}) == (True, [])


def test_another_service_replaces_by_the_input_s_plain_name() -> None:
    assert _diff({}, {"application_id": "app-2"}) == (True, ["application_id"])


def test_numbers_as_the_engine_sends_them_are_no_change() -> None:
    assert _diff({"timeout_seconds": 600.0, "triggers": [1.0]}, {"timeout_seconds": 600, "triggers": [1]}) == (
        False,
        [],
    )


# --- titles -----------------------------------------------------------------------------------------------------


def test_the_default_title_names_project_stack_and_resource() -> None:
    assert default_title(URN) == "pulumi up: shop/prod (web)"


@pytest.mark.parametrize("urn", ["", "nonsense", "urn:pulumi:prod", "a::b::c::d"])
def test_without_a_urn_the_title_is_still_one(urn: str) -> None:
    assert default_title(urn) == "pulumi up"
