"""Triggers may be anything that can be compared with the next run's; what can't is told by its place."""

from __future__ import annotations

import enum
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.hosts.triggers import UnusableTrigger, plain_trigger, with_plain_triggers


class Colour(enum.Enum):
    RED = "red"
    WHEN = datetime(2026, 1, 2, tzinfo=UTC)


class Word(enum.StrEnum):
    ONE = "one"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "2026-01-02T03:04:00+00:00"),
        (date(2026, 1, 2), "2026-01-02"),
        (time(3, 4), "03:04:00"),
        ({"b", "a"}, ["a", "b"]),
        (frozenset({3, 1}), [1, 3]),
        ({"a", 1}, [1, "a"]),
        (("a", ("b",)), ["a", ["b"]]),
        (Colour.RED, "red"),
        (Colour.WHEN, "2026-01-02T00:00:00+00:00"),
        (Word.ONE, "one"),
        (PurePosixPath("/srv/app"), "/srv/app"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Decimal("1.10"), "1.10"),
        (2**53, 2**53),
        (2**53 + 1, str(2**53 + 1)),
        (range(3), [0, 1, 2]),
        ({1: "a", date(2026, 1, 2): "b"}, {"1": "a", "2026-01-02": "b"}),
    ],
)
def test_what_python_programs_have_at_hand_is_taken(value: Any, expected: Any) -> None:
    found = with_plain_triggers({"triggers": {"deep": [value]}, "title": value})
    assert found["triggers"] == {"deep": [expected]}
    assert type(found["triggers"]["deep"][0]) is type(expected)
    assert found["title"] == value, "only the triggers are free-form"


@pytest.mark.parametrize(
    ("triggers", "place", "instead"),
    [
        ({"release": b"abc"}, "triggers.release is of the type bytes", "hashlib.sha256"),
        ({"a": [1, {"b.c": object()}]}, 'triggers.a[1]["b.c"] is of the type object', "str(…)"),
        ([lambda: 1], "triggers[0] is of the type function", "str(…)"),
        (b"abc", "triggers is of the type bytes", "hashlib.sha256"),
    ],
)
def test_what_can_t_be_compared_is_told_by_its_place_in_one_paragraph(triggers: Any, place: str, instead: str) -> None:
    with pytest.raises(UnusableTrigger) as failure:
        with_plain_triggers({"triggers": triggers})
    assert str(failure.value).startswith(place)
    assert instead in str(failure.value)
    assert "\n" not in str(failure.value)
    assert isinstance(failure.value, pulumi.RunError), "the engine shows the text alone"
    assert isinstance(failure.value, DokployError)


def test_resources_and_assets_are_left_to_the_sdk() -> None:
    asset = pulumi.StringAsset("text")
    assert with_plain_triggers({"triggers": {"a": asset}})["triggers"]["a"] is asset


async def test_a_value_that_is_only_known_later_is_taken_then() -> None:
    later = pulumi.Output.from_input(datetime(2026, 1, 2, tzinfo=UTC))
    found = with_plain_triggers({"triggers": {"when": later}})["triggers"]["when"]
    assert await found.future() == "2026-01-02T00:00:00+00:00"
    whole = with_plain_triggers({"triggers": pulumi.Output.from_input({"b", "a"})})["triggers"]
    assert await whole.future() == ["a", "b"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_plain_values_stay_as_they_are(value: Any) -> None:
    assert plain_trigger(value, ("triggers",)) == value
    assert json.dumps(plain_trigger(value, ("triggers",))) == json.dumps(value)
