"""Each version of Dokploy is known for what it can do, read once, and corrected by what it shows itself."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import (
    ApiError,
    MissingEndpoint,
    NotFound,
    SomethingInFront,
    Step,
    TooOld,
    Unauthorized,
)
from pulumi_dokploy_deployments.api.versions import (
    FLOOR,
    MEASURED_TO,
    TABLE,
    Capability,
    ServerVersion,
    Support,
    capabilities_of,
    capability_of,
)

C = Capability


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v0.30.2", ServerVersion(0, 30, 2)),
        ("0.28.3", ServerVersion(0, 28, 3)),
        (" v1.0 ", ServerVersion(1, 0, 0)),
        ("v0.30.0-canary.2", ServerVersion(0, 30, 0)),
        ("canary", None),
        ("v0", None),
        ("", None),
        ("v0.30.2; rm", None),
        ("9" * 10_000, None),
        (" " * 93 + "v0.30.2", ServerVersion(0, 30, 2)),
        (" " * 94 + "v0.30.2", ServerVersion(0, 30, 0)),  # a hundred characters are read
    ],
)
def test_a_version_is_read_as_the_server_writes_it(text: str, version: ServerVersion | None) -> None:
    assert ServerVersion.parse(text) == version


def test_versions_are_ordered_by_number_and_not_by_letter() -> None:
    written = ["v0.9.9", "v0.28.3", "v0.29.8", "v0.29.10", "v0.30.0", "v1.0.0"]
    parsed = [ServerVersion.parse(text) for text in reversed(written)]
    assert [str(version) for version in sorted(version for version in parsed if version)] == written


@given(st.text(max_size=30))
def test_whatever_a_server_calls_its_version_something_is_known_of_it(text: str) -> None:
    known = capabilities_of(text)
    assert known.support in Support
    assert all(isinstance(known.has(one), bool) for one in Capability)


@pytest.mark.parametrize(
    ("version", "support", "lacking"),
    [
        ("v0.24.12", Support.TOO_OLD, C.MARKS),
        ("v0.28.2", Support.TOO_OLD, C.QUEUE_LIST),
        ("v0.28.3", Support.PARTIAL, C.ROLLBACK_REGISTRY_LOGIN),
        ("v0.28.8", Support.PARTIAL, C.CONTAINER_LOG_READ),
        ("v0.29.3", Support.PARTIAL, C.BUILD_LOG_LIVE),
        ("v0.29.4", Support.PARTIAL, C.BUILD_LOG_READ),
        ("v0.29.5", Support.FULL, C.STACK_TASKS_ONLY),
        ("v0.29.14", Support.FULL, C.STACK_TASKS_ONLY),
        ("v0.30.2", Support.FULL, None),
        ("v0.31.0", Support.NEWER, None),
        (None, Support.UNKNOWN, None),
        ("canary", Support.UNKNOWN, None),
    ],
)
def test_each_version_stands_somewhere_and_lacks_what_came_later(
    version: str | None, support: Support, lacking: Capability | None
) -> None:
    known = capabilities_of(version)
    assert known.support is support
    assert (lacking in known.lacking()) if lacking else known.lacking() == ()


@pytest.mark.parametrize(
    ("version", "survives"), [("v0.28.3", True), ("v0.29.8", True), ("v0.29.9", False), (None, False)]
)
def test_the_queue_survives_a_restart_as_long_as_it_is_kept_in_redis(version: str | None, survives: bool) -> None:
    assert capabilities_of(version).has(C.QUEUE_SURVIVES_RESTART) is survives


def test_one_release_in_between_refuses_every_live_log() -> None:
    assert [capabilities_of(f"v0.29.{patch}").has(C.BUILD_LOG_LIVE) for patch in (2, 3, 4)] == [True, False, True]


def test_every_capability_has_its_release() -> None:
    assert set(TABLE) == set(Capability)


@pytest.mark.parametrize("capability", Capability)
def test_a_capability_is_there_from_its_first_release_on_and_to_its_last(capability: Capability) -> None:
    first, last = TABLE[capability].first, TABLE[capability].last
    assert capabilities_of(str(first)).has(capability)
    assert not capabilities_of(f"v{first.major}.{first.minor - 1}.99").has(capability)
    if last is not None:
        assert capabilities_of(str(last)).has(capability)
        assert not capabilities_of(f"v{last.major}.{last.minor}.{last.patch + 1}").has(capability)


def test_a_missing_endpoint_corrects_what_the_version_says() -> None:
    known = capabilities_of(None).without("application.readLogs")
    assert not known.has(C.CONTAINER_LOG_READ)
    assert known.has(C.BUILD_LOG_READ)
    assert capabilities_of(None).without("no.such") == capabilities_of(None)
    assert capability_of("deployment.readLogs") is C.BUILD_LOG_READ
    assert capability_of("postgres.readLogs") is C.CONTAINER_LOG_READ


class Server:
    """Answers the version, and nothing else; counts how often it is asked."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers, self.asked = list(answers), list[str]()

    def client(self) -> DokployClient:
        connection = Connection.parse("https://dokploy.example.com", "key")
        return DokployClient(connection, transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path.removeprefix("/api/"))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def _version(text: str) -> httpx.Response:
    return httpx.Response(200, json=text)


def _coded(status: int, code: str, message: str) -> httpx.Response:
    return httpx.Response(status, json={"message": message, "code": code, "data": {"code": code}})


async def test_the_version_is_read_once_for_everybody() -> None:
    server = Server(_version("v0.29.8"))
    client = server.client()
    known = await asyncio.gather(*(client.within(5.0).capabilities() for _ in range(5)), client.require_supported())
    assert {str(one.version) for one in known} == {"v0.29.8"}
    assert server.asked == ["settings.getDokployVersion"]


@pytest.mark.parametrize(
    "answer",
    [
        _coded(401, "UNAUTHORIZED", "You don't have access"),
        _coded(404, "NOT_FOUND", "Not found"),
        _version("a version of tomorrow"),
    ],
)
async def test_a_version_that_is_not_told_counts_as_the_newest(answer: httpx.Response) -> None:
    known = await Server(answer).client().require_supported()
    assert known.support is Support.UNKNOWN
    assert known.lacking() == ()


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (httpx.ConnectError("refused"), ApiError),
        (httpx.Response(200, text="<html>"), SomethingInFront),
        (httpx.Response(401, json={"message": "Unauthorized"}), Unauthorized),
    ],
)
async def test_a_fault_is_no_version_and_is_not_remembered(
    fault: httpx.Response | Exception, expected: type[ApiError]
) -> None:
    client = Server(fault, _version("v0.27.1")).client()
    with pytest.raises(expected):
        await client.require_supported()
    with pytest.raises(TooOld):
        await client.require_supported()


async def test_a_version_below_the_floor_is_refused_with_the_way_on() -> None:
    with pytest.raises(TooOld) as caught:
        await Server(_version("v0.27.1")).client().require_supported()
    assert str(caught.value) == (
        "Dokploy v0.27.1 is older than v0.28.3, which this package needs in order to recognise its own deployment; "
        "nothing was sent. Update Dokploy under Settings → Web Server → Updates."
    )
    assert caught.value.step is Step.CHANGE_SERVER
    assert str(FLOOR) == "v0.28.3"
    assert str(MEASURED_TO) == "v0.30.2"


async def test_a_call_that_finds_no_endpoint_corrects_what_is_known() -> None:
    missing: Any = {"message": "Not found", "code": "NOT_FOUND", "data": {"code": "NOT_FOUND", "httpStatus": 404}}
    server = Server(httpx.Response(404, content=json.dumps(missing), headers={"content-type": "application/json"}))
    client = server.client()
    with pytest.raises(MissingEndpoint) as caught:
        await client.read_log("d")
    assert not isinstance(caught.value, NotFound)
    assert "This version of Dokploy has no deployment.readLogs" in str(caught.value)
    server.answers = [_version("v0.30.2")]
    assert not (await client.capabilities()).has(C.BUILD_LOG_READ)
    client.note_missing("application.readLogs")
    assert not (await client.capabilities()).has(C.CONTAINER_LOG_READ)
