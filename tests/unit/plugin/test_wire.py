"""Values at the plugin's edge: secrets stay marked, unknowns are known as such, the user's keys stay as they are."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.provider.experimental.property_value import Computed, PropertyValue

from pulumi_dokploy_deployments.hosts.plugin.wire import UNKNOWN_TEXT, UNKNOWN_TEXTS, plain, received, sent, wired
from pulumi_dokploy_deployments.resources.fields import UNKNOWN

JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_plain_values_survive_the_wire(value: Any) -> None:
    if isinstance(value, str) and value in UNKNOWN_TEXTS:
        return
    over = PropertyValue.unmarshal(wired(value).marshal())

    assert plain(over) == value


@pytest.mark.parametrize("text", sorted(UNKNOWN_TEXTS))
def test_every_way_to_write_an_unknown_is_understood(text: str) -> None:
    assert plain(PropertyValue(text)) is UNKNOWN
    assert plain(PropertyValue({"deep": PropertyValue([PropertyValue(text)])})) == {"deep": [UNKNOWN]}


def test_unknowns_of_the_sdk_are_understood_and_unknowns_are_sent_as_the_protocol_writes_them() -> None:
    assert plain(PropertyValue(Computed())) is UNKNOWN
    assert wired(UNKNOWN).value == UNKNOWN_TEXT


def test_an_asset_is_compared_by_what_it_is() -> None:
    one, same, other = (PropertyValue(pulumi.StringAsset(text)) for text in ("a", "a", "b"))

    assert plain(one) == plain(same) != plain(other)


def test_a_nested_secret_goes_out_as_it_came_in() -> None:
    token = PropertyValue("tr0ub4dor", is_secret=True)
    news = received({"triggers": PropertyValue({"image_tag": PropertyValue("1"), "token": token})})

    out = sent(news.plain, news)

    assert news.plain == {"triggers": {"image_tag": "1", "token": "tr0ub4dor"}}
    assert not out["triggers"].is_secret
    assert out["triggers"].value["token"].is_secret  # type: ignore[index, call-overload, union-attr]


def test_what_the_server_made_of_a_secret_is_a_secret() -> None:
    news = received({"title": PropertyValue("secret words", is_secret=True)})

    out = sent({"title": "feat: secret words", "status": "done"}, news)

    assert out["title"].is_secret
    assert not out["status"].is_secret


def test_what_is_worked_out_from_a_secret_is_a_secret() -> None:
    for is_secret in (True, False):
        news = received({"title": PropertyValue("the one", is_secret=is_secret), "timeoutSeconds": PropertyValue(5.0)})

        out = sent({**news.plain, "resolution": {"target": {"title": "the one"}}}, news)

        assert out["resolution"].is_secret == is_secret


def test_only_our_own_names_are_translated() -> None:
    news = received(
        {
            "applicationId": PropertyValue("app-1"),
            "triggers": PropertyValue({"applicationId": PropertyValue(1.0), "image_tag": PropertyValue(True)}),
            "target": PropertyValue({"rollbackId": PropertyValue("r-1")}),
            "__internal": PropertyValue("x"),
        }
    )

    assert news.plain == {
        "application_id": "app-1",
        "triggers": {"applicationId": 1.0, "image_tag": True},
        "target": {"rollback_id": "r-1"},
    }
    out = {name: plain(value) for name, value in sent({**news.plain, "target": {"rollback_id": "r-2"}}, news).items()}
    assert out == {
        "applicationId": "app-1",
        "triggers": {"applicationId": 1.0, "image_tag": True},
        "target": {"rollbackId": "r-2"},
    }


def test_true_is_not_one() -> None:
    news = received({"triggers": PropertyValue({"a": PropertyValue(1.0)}, is_secret=False)})

    assert plain(sent({"triggers": True}, news)["triggers"]) is True
