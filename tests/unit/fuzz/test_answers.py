"""Whatever the server or something in front of it answers: the promised kind of value, or an error of this package."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import ApiError, ConfigurationError
from pulumi_dokploy_deployments.api.extra_headers import parse_headers
from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.api.versions import capabilities_of
from pulumi_dokploy_deployments.api.who_answered import Reading, describe, who_answered
from tests.support.builders import transcript
from tests.unit.fuzz.cases import CASES

KEY = "key-that-no-message-may-show"
MANY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
MANY_MORE = settings(max_examples=CASES, deadline=None)

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text(max_size=20)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
STATUSES = st.sampled_from([200, 201, 204, 206, 301, 302, 307, 400, 401, 403, 404, 409, 413, 418, 429, 500, 502, 520])
TYPES = st.sampled_from(
    ["application/json", "application/json; charset=utf-8", "text/html", "text/plain", "", "a/b", "application/JSON;;"]
)
HEADERS = st.sampled_from(["retry-after", "content-encoding", "location", "content-length", "x-odd"])
VERSIONS = st.lists(st.integers(0, 10**30), min_size=1, max_size=5).map(lambda parts: f"v{'.'.join(map(str, parts))}")
VALUES = st.sampled_from(
    ["", "5", "-1", "9e99", "nan", "Wed, 21 Oct 2015 07:28:00 GMT", "gzip", "deflate", "br", "//", "http://[", "/x"]
)
BODIES = st.binary(max_size=200) | JSON.map(json.dumps).map(str.encode) | st.text(max_size=80).map(str.encode)

Call = Callable[[DokployClient], Awaitable[object]]


def _recorded(name: str) -> Any:
    response = transcript(name)["response"]
    return response["body"] if isinstance(response, dict) else response[1]


CONTAINER = {"containerId": "c1", "name": "web-1", "state": "running", "status": "Up 3 seconds", "image": "i:1"}
APPLICATION, COMPOSE = ServiceKind.APPLICATION, ServiceKind.COMPOSE
CALLS: dict[str, tuple[Any, Call]] = {
    "rows": (_recorded("31-deployment-all"), lambda client: client.deployments_by_application("a")),
    "versions": (
        _recorded("164-allByType-with-rollback"),
        lambda client: client.deployments_by_type("application", "a"),
    ),
    "queue": (_recorded("42-queueList-mixed"), lambda client: client.queue()),
    "application": (_recorded("201-application-one"), lambda client: client.read_service(APPLICATION, "a")),
    "compose": (_recorded("178-compose-one"), lambda client: client.read_service(COMPOSE, "a")),
    "tasks": (_recorded("302-getServiceContainersByAppName"), lambda client: client.tasks_of("a")),
    "task": (_recorded("303-getConfig-task"), lambda client: client.inspect_task("a")),
    "service of Swarm": (_recorded("301-getConfig-service"), lambda client: client.inspect_service("a")),
    "container": (_recorded("303-getConfig-task"), lambda client: client.inspect_container("a")),
    "containers": ([CONTAINER], lambda client: client.containers_of("a", app_type="docker-compose")),
    "servers": (_recorded("182-server-all"), lambda client: client.servers()),
    "registries": (_recorded("401-registry-all"), lambda client: client.registries()),
    "names": (["web", "db"], lambda client: client.compose_services("a")),
    "log": ("Initializing deployment\n", lambda client: client.read_log("d")),
    "version": ("v0.30.2", lambda client: client.server_version()),
    "deploy": (None, lambda client: client.deploy(APPLICATION, "a")),
}


def _keys(place: Any) -> list[Any]:
    if isinstance(place, dict):
        return list(place)
    return list(range(len(place))) if isinstance(place, list) else []


@st.composite
def _bent(draw: st.DrawFn, good: Any) -> Any:
    """A recorded answer with something of it replaced or left out, at any depth."""
    bent = json.loads(json.dumps(good))
    for _ in range(draw(st.integers(1, 4))):
        place = bent
        while keys := _keys(place):
            key = draw(st.sampled_from(keys))
            if isinstance(place[key], dict | list) and draw(st.booleans()):
                place = place[key]
                continue
            if isinstance(place, dict) and draw(st.booleans()):
                del place[key]
            else:
                place[key] = draw(JSON)
            break
    return bent


async def _told(call: Call, answer: httpx.Response) -> ApiError | None:
    connection = Connection.parse("https://dokploy.example.com", KEY)
    async with DokployClient(connection, transport=httpx.MockTransport(lambda _: answer)) as client:
        try:
            await call(client)
        except ApiError as error:
            return error
    return None


def _expect_our_words(told: ApiError | None) -> None:
    if told is not None:
        assert KEY not in str(told)
        assert "Traceback" not in str(told)
        assert str(told).strip().endswith(".")
        assert "\n" not in str(told)


@pytest.mark.parametrize("name", CALLS)
@MANY
@given(data=st.data())
def test_bent_data_is_read_or_told_in_our_words(name: str, data: st.DataObject) -> None:
    good, call = CALLS[name]
    body = data.draw(_bent(good) | JSON)
    _expect_our_words(asyncio.run(_told(call, httpx.Response(200, json=body))))


@pytest.mark.parametrize("name", ["rows", "deploy", "task", "log"])
@MANY
@given(STATUSES, TYPES, BODIES, st.dictionaries(HEADERS, VALUES, max_size=3), st.booleans())
def test_any_answer_at_all_is_read_or_told_in_our_words(
    name: str, status: int, kind: str, body: bytes, more: dict[str, str], packed: bool
) -> None:
    stream = httpx.ByteStream(zlib.compress(body) if packed else body)
    answer = httpx.Response(status, headers={"content-type": kind, **more}, stream=stream)
    _expect_our_words(asyncio.run(_told(CALLS[name][1], answer)))


@MANY_MORE
@given(st.integers(100, 599), TYPES | st.text(max_size=30), st.binary(max_size=300) | BODIES, st.booleans())
def test_who_answered_never_fails(status: int, kind: str, body: bytes, empty: bool) -> None:
    assert isinstance(who_answered(status, kind, body, may_be_empty=empty), Reading)
    assert describe(status, kind, body)


@MANY_MORE
@given(st.text(max_size=80) | st.dictionaries(st.text(max_size=10), SCALARS, max_size=3).map(json.dumps))
def test_extra_headers_are_read_or_refused(text: str) -> None:
    with suppress(ConfigurationError):
        assert isinstance(parse_headers(text), dict)


@MANY_MORE
@given(st.none() | st.text(max_size=40) | VERSIONS)
def test_any_version_gives_capabilities(version: str | None) -> None:
    assert capabilities_of(version).support
