"""The doctor names the cause, and the fix, of everything that goes wrong between here and a working key."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from pulumi_dokploy_deployments.api.answers import Answer as Answered
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import LogStreamFailure, LogStreamUnavailable
from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.doctor import key, permissions, reach, websocket
from pulumi_dokploy_deployments.doctor.doctor import Patient, examine
from pulumi_dokploy_deployments.doctor.findings import Cause, Diagnosis, Finding, Level
from tests.support.fake_server import (
    KEY,
    MISSING_ENDPOINT,
    NO_ACCESS,
    ORIGIN,
    UNAUTHORIZED,
    Answer,
    FakeServer,
    row,
    service,
)

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OTHER_KEY = "rig" + "o" * 64


class StandingClock:
    """The time of day stands still; pauses take no time and are counted."""

    def __init__(self) -> None:
        self.slept = 0.0

    def monotonic(self) -> float:
        return self.slept

    def now(self) -> datetime:
        return NOW

    async def sleep(self, seconds: float, *, wake: asyncio.Event | None = None) -> None:
        self.slept += seconds


def key_record(api_key: str = KEY, **changes: Any) -> dict[str, Any]:
    """A key as `user.getBackups` gives it, with everything that must not get further."""
    return {
        "name": "ci",
        "start": api_key[:6],
        "key": key.hash_of(api_key),
        "enabled": True,
        "rateLimitEnabled": False,
        "rateLimitTimeWindow": 86_400_000,
        "rateLimitMax": 10,
        "requestCount": 0,
        "remaining": None,
        "lastRequest": "2026-11-24T11:00:00.000Z",
        "expiresAt": None,
        "metadata": "{}",
        **changes,
    }


LIMITED: dict[str, Any] = {"rateLimitEnabled": True, "requestCount": 2}


def own_keys(*records: dict[str, Any]) -> Answer:
    return 200, {"email": "owner@example.com", "backups": [{"secretKey": "S3"}], "apiKeys": list(records)}


def all_permissions(**changes: dict[str, bool]) -> Answer:
    given: dict[str, Any] = {
        "deployment": {"read": True, "create": True, "cancel": True},
        "service": {"read": True},
        "docker": {"read": True},
    }
    return 200, given | changes


def good_server(**changes: Any) -> FakeServer:
    answers: dict[str, Any] = {
        "health": (200, {"ok": True}),
        "trpc/settings.health": (200, {"result": {"data": {"json": {"status": "ok"}}}}),
        "user.get": (200, {"role": "owner", "user": {"email": "owner@example.com"}}),
        "user.getBackups": own_keys(key_record()),
        "user.getPermissions": all_permissions(),
        "settings.getDokployVersion": (200, "v0.30.2"),
    }
    return FakeServer(
        answers | {name.replace("__", "."): answer for name, answer in changes.items()},
        headers={"date": "Tue, 24 Nov 2026 12:00:00 GMT"},
    )


async def through(connection: Connection) -> LogStreamUnavailable | None:
    return LogStreamUnavailable("x", failure=LogStreamFailure.PATH_REFUSED, operation="l", server=ORIGIN)


async def diagnose(server: FakeServer | httpx.AsyncBaseTransport, **more: Any) -> Diagnosis:
    transport = server.transport() if isinstance(server, FakeServer) else server
    settings: dict[str, Any] = {
        "connection": Connection.parse(ORIGIN, KEY),
        "clock": StandingClock(),
        "transport": transport,
        "websocket_probe": through,
    }
    return await examine(Patient(**settings | more))


def only_failure(diagnosis: Diagnosis) -> tuple[Cause | None, str, str]:
    (failure,) = diagnosis.failures
    assert diagnosis.findings[-1] is failure, "nothing is examined after it"
    return failure.cause, failure.message, failure.fix


# --- all is well ---------------------------------------------------------------------------------------------


async def test_a_good_server_gives_no_complaint_and_each_finding_comes_at_once() -> None:
    server = good_server()
    told: list[Finding] = []
    connection = Connection.parse(ORIGIN, KEY)
    patient = Patient(connection, clock=StandingClock(), transport=server.transport(), websocket_probe=through)
    diagnosis = await examine(patient, told.append)
    assert tuple(told) == diagnosis.findings
    assert {finding.level for finding in told} == {Level.OK}
    assert [finding.check for finding in told] == [
        "reachability",
        "TLS",
        "proxy",
        "clock",
        "database",
        "key",
        "rate limit",
        "version",
        "permissions",
        "websocket",
    ]


async def test_the_address_is_examined_without_the_key() -> None:
    seen: list[httpx.Headers] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return httpx.Response(302, headers={"location": "https://login.example.net/"})

    await diagnose(httpx.MockTransport(answer))
    assert {headers.get("x-api-key") for headers in seen} == {None}


async def test_nothing_of_the_user_but_role_and_keys_gets_into_the_diagnosis() -> None:
    text = (await diagnose(good_server())).model_dump_json()
    for secret in ("owner@example.com", "S3", KEY, key.hash_of(KEY)):
        assert secret not in text


# --- the address ---------------------------------------------------------------------------------------------


def wrapped(cause: Exception, kind: type[httpx.TransportError] = httpx.ConnectError) -> Exception:
    """A failure as httpx hands it over: the system's error is its cause's cause."""
    try:
        try:
            raise cause
        except Exception as inner:
            raise kind(f"All connection attempts failed: {inner}") from inner
    except httpx.TransportError as error:
        return error


CERTIFICATE = ssl.SSLCertVerificationError(1, "certificate verify failed: unable to get local issuer certificate")
EXPIRED = ssl.SSLCertVerificationError(1, "certificate verify failed: certificate has expired")
OTHER_NAME = ssl.SSLCertVerificationError(1, "certificate verify failed: Hostname mismatch, certificate is not valid")
NO_TLS = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1)")


@pytest.mark.parametrize(
    ("error", "cause", "words"),
    [
        (wrapped(ConnectionRefusedError(111, "Connection refused")), Cause.SERVER_DOWN, "nothing listens on port 443"),
        (wrapped(socket.gaierror(-2, "Name or service not known")), Cause.WRONG_ADDRESS, "does not resolve"),
        (httpx.ConnectError("[Errno 8] nodename nor servname provided"), Cause.WRONG_ADDRESS, "does not resolve"),
        (httpx.ConnectTimeout("timed out"), Cause.UNREACHABLE, "firewall"),
        (httpx.ReadTimeout("timed out"), Cause.SERVER_DOWN, "does not answer"),
        (httpx.RemoteProtocolError("illegal status line"), Cause.WRONG_ADDRESS, "does not speak HTTP"),
        (wrapped(OSError(101, "Network is unreachable")), Cause.UNREACHABLE, "HTTPS_PROXY"),
        (wrapped(CERTIFICATE), Cause.TLS, "SSL_CERT_FILE"),
        (wrapped(EXPIRED), Cause.TLS, "has expired"),
        (wrapped(OTHER_NAME), Cause.TLS, "another name"),
        (wrapped(NO_TLS), Cause.TLS, "http://dokploy.example.com"),
        (wrapped(ssl.SSLError(1, "tlsv1 alert internal error")), Cause.TLS, "no TLS connection"),
    ],
)
async def test_no_answer_names_its_cause(error: Exception, cause: Cause, words: str) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error

    found, message, fix = only_failure(await diagnose(httpx.MockTransport(fail)))
    assert found is cause
    assert words in message + fix


@pytest.mark.parametrize(
    ("status", "headers", "cause", "words"),
    [
        (404, {"content-type": "text/html"}, Cause.WRONG_ADDRESS, "not as Dokploy does"),
        (200, {"content-type": "text/html"}, Cause.WRONG_ADDRESS, "dashboard opens"),
        (502, {"server": "nginx/1.27"}, Cause.SERVER_DOWN, "nginx answers"),
        (503, {}, Cause.SERVER_DOWN, "A proxy answers"),
        (500, {}, Cause.SERVER_DOWN, "fails (500"),
        (403, {"cf-ray": "1", "server": "cloudflare"}, Cause.PROXY, "Cloudflare in front"),
        (301, {"location": "http://dokploy.example.com/login"}, Cause.REDIRECT, "redirect to /login"),
        (302, {"location": "/login"}, Cause.REDIRECT, "redirect to /login"),
        (302, {"location": "https://user:pw@sso.example.net/x?key=1"}, Cause.REDIRECT, "https://sso.example.net "),
        (302, {}, Cause.REDIRECT, "redirect"),
        (302, {"location": "https://[bad"}, Cause.REDIRECT, "redirect"),
    ],
)
async def test_a_foreign_answer_names_its_cause(status: int, headers: dict[str, str], cause: Cause, words: str) -> None:
    answer = httpx.Response(status, headers=headers, text="<html>")
    found, message, fix = only_failure(await diagnose(httpx.MockTransport(lambda request: answer)))
    assert found is cause
    assert words in message + fix
    assert "pw" not in message + fix


async def test_plain_http_that_is_sent_on_to_https_is_told_as_that() -> None:
    answer = httpx.Response(308, headers={"location": "https://dokploy.example.com/api/health"})
    connection = Connection.parse("http://dokploy.example.com", KEY)
    diagnosis = await diagnose(httpx.MockTransport(lambda request: answer), connection=connection)
    assert only_failure(diagnosis)[2] == "Give the address as https://dokploy.example.com."


async def test_plain_http_to_another_machine_is_a_warning() -> None:
    diagnosis = await diagnose(good_server(), connection=Connection.parse("http://dokploy.example.com", KEY))
    assert diagnosis.causes == (Cause.TLS,)
    assert not diagnosis.failures


def test_a_certificate_that_is_about_to_end_is_a_warning() -> None:
    look = reach.Look(Answered(200, certificate_until=NOW + timedelta(days=3)))
    (tls, *_) = reach.further(Connection.parse(ORIGIN, KEY), look, NOW)
    assert (tls.level, tls.cause) == (Level.WARNING, Cause.TLS)
    assert "2026-11-27" in tls.message


async def test_a_database_that_is_down_is_told_before_the_key_is_blamed() -> None:
    server = good_server(**{"trpc/settings.health": (500, {"error": {}}), "user.get": UNAUTHORIZED})
    assert only_failure(await diagnose(server))[0] is Cause.DATABASE_DOWN
    assert "user.get" not in server.operations


@pytest.mark.parametrize(("seconds", "side"), [(90, "ahead of"), (-90, "behind")])
async def test_clocks_that_differ_are_a_warning(seconds: int, side: str) -> None:
    server = good_server()
    server.headers["date"] = f"{NOW + timedelta(seconds=seconds):%a, %d %b %Y %H:%M:%S GMT}"
    diagnosis = await diagnose(server)
    (finding,) = [one for one in diagnosis.findings if one.cause is Cause.CLOCK]
    assert finding.level is Level.WARNING
    assert side in finding.message


@pytest.mark.parametrize("date", ["", "nonsense", "Tue, 24 Nov 2026 12:00:02 GMT"])
def test_a_clock_that_does_not_tell_or_differs_little_is_no_matter(date: str) -> None:
    skew = reach.clock_skew(reach.Look(Answered(200, {"date": date} if date else {}), asked_at=NOW))
    assert skew is None or abs(skew) <= reach.TOLERATED_SKEW


# --- the key -------------------------------------------------------------------------------------------------


async def test_a_wrong_key_is_recognised_by_its_form() -> None:
    diagnosis = await diagnose(good_server(user__get=UNAUTHORIZED), connection=Connection.parse(ORIGIN, "abc"))
    cause, message, _ = only_failure(diagnosis)
    assert cause is Cause.WRONG_KEY
    assert "3 characters" in message


async def test_a_refused_key_of_good_form_says_that_it_may_be_either_and_how_to_tell() -> None:
    cause, message, fix = only_failure(await diagnose(good_server(user__get=UNAUTHORIZED)))
    assert cause is Cause.KEY_NOT_ACCEPTED
    assert "five requests a day" in message
    assert "--look-up-key-file" in fix


class TwoKeys(httpx.AsyncBaseTransport):
    """The key under examination is refused, the other one is not."""

    def __init__(self, *records: dict[str, Any]) -> None:
        self._good = good_server(user__getBackups=own_keys(*records)).transport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("x-api-key") == KEY:
            return httpx.Response(401, json={"message": "Unauthorized"})
        return await self._good.handle_async_request(request)


@pytest.mark.parametrize(
    ("records", "cause", "words"),
    [
        ([], Cause.WRONG_KEY, "none of those"),
        ([key_record(OTHER_KEY)], Cause.WRONG_KEY, "none of those"),
        ([key_record(enabled=False)], Cause.WRONG_KEY, "is disabled"),
        ([key_record(expiresAt="2026-11-20T08:00:00Z")], Cause.WRONG_KEY, "expired on 2026-11-20"),
        (
            [key_record(rateLimitEnabled=True, requestCount=10)],
            Cause.RATE_LIMITED_KEY,
            "10 checks in 24 hours, 10 used, and each request takes 2. It works again from 2026-11-25 11:00 UTC",
        ),
        ([key_record(remaining=0)], Cause.RATE_LIMITED_KEY, "0 requests remain"),
        ([key_record()], Cause.KEY_NOT_ACCEPTED, "refused all the same"),
    ],
)
async def test_another_key_of_the_same_user_tells_why_one_is_refused(
    records: list[dict[str, Any]], cause: Cause, words: str
) -> None:
    other = Connection.parse(ORIGIN, OTHER_KEY)
    found, message, _ = only_failure(await diagnose(TwoKeys(*records), look_up_key=other))
    assert found is cause
    assert words in message


async def test_a_look_up_that_fails_is_said_and_the_rest_still_told() -> None:
    server = good_server(user__get=UNAUTHORIZED, user__getBackups=UNAUTHORIZED)
    diagnosis = await diagnose(server, look_up_key=Connection.parse(ORIGIN, OTHER_KEY))
    assert [finding.check for finding in diagnosis.findings[-2:]] == ["look-up", "key"]
    assert diagnosis.causes == (Cause.KEY_NOT_ACCEPTED,)


@pytest.mark.parametrize("operation", ["user__getBackups", "settings__getDokployVersion", "user__getPermissions"])
async def test_a_key_that_worked_a_moment_ago_and_is_refused_now_has_used_up_its_limit(operation: str) -> None:
    cause, message, fix = only_failure(await diagnose(good_server(**{operation: UNAUTHORIZED})))
    assert cause is Cause.RATE_LIMITED_KEY
    assert "used up" in message
    assert "rateLimitEnabled" in fix


async def test_a_401_with_a_code_for_oneself_is_a_limit_that_ended_in_the_middle_of_a_request() -> None:
    assert only_failure(await diagnose(good_server(user__get=NO_ACCESS)))[0] is Cause.RATE_LIMITED_KEY


async def test_a_default_key_is_told_with_its_numbers_and_spared() -> None:
    server = good_server(user__getBackups=own_keys(key_record(OTHER_KEY), key_record(**LIMITED)))
    diagnosis = await diagnose(server)
    (failure,) = diagnosis.failures
    assert failure.cause is Cause.RATE_LIMITED_KEY
    assert "'ci' has a rate limit: 10 checks in 24 hours, 2 used" in failure.message
    assert "about 4 requests left" in failure.message
    assert "Left out" in diagnosis.findings[-1].message
    assert server.operations[-1] == "user.getBackups", "no request more"


@pytest.mark.parametrize(
    ("limit", "window", "level"),
    [(100_000, 60_000, Level.NOTE), (100, 60_000, Level.WARNING), (100, 86_400_000, Level.FAILURE)],
)
def test_a_limit_is_judged_by_what_a_deployment_needs(limit: int, window: int, level: Level) -> None:
    raw = key_record(rateLimitEnabled=True, rateLimitMax=limit, rateLimitTimeWindow=window)
    assert key.judge_limit(key.KeyRecord.model_validate(raw)).level is level


async def test_members_are_told_that_they_can_not_see_their_limit() -> None:
    server = good_server(**{"user.get": (200, {"role": "member"})})
    diagnosis = await diagnose(server)
    (finding,) = [one for one in diagnosis.findings if one.check == "rate limit"]
    assert finding.level is Level.NOTE
    assert "user.getBackups" not in server.operations


def test_a_key_s_record_shows_no_hash() -> None:
    assert key.hash_of(KEY) not in repr(key.KeyRecord.model_validate(key_record()))


# --- permissions, version, websocket -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lack", "level"),
    [
        ({"deployment": {"read": False, "create": True, "cancel": True}}, Level.FAILURE),
        ({"deployment": {"read": True, "create": False, "cancel": True}}, Level.FAILURE),
        ({"deployment": {"read": True, "create": True, "cancel": False}}, Level.WARNING),
        ({"service": {}}, Level.FAILURE),
        ({"docker": {"read": False}}, Level.WARNING),
        ({"docker": "newer servers may send anything"}, Level.WARNING),
    ],
)
async def test_a_missing_permission_is_named_with_what_needs_it(lack: dict[str, Any], level: Level) -> None:
    diagnosis = await diagnose(good_server(**{"user.getPermissions": all_permissions(**lack)}))
    (finding,) = [one for one in diagnosis.findings if one.check == "permissions"]
    assert (finding.level, finding.cause) == (level, Cause.NO_PERMISSION)
    assert "needed for" in finding.message
    assert "Settings → Users" in finding.fix


async def test_a_server_that_lists_no_permissions_has_them_tried() -> None:
    gone: Answer = (404, {"message": "Not found", "code": "NOT_FOUND"})
    names = {"user.get": gone, "user.getBackups": gone, "user.getPermissions": gone}
    denied = good_server(**names, **{"docker.getServiceContainersByAppName": NO_ACCESS})
    denied.answers["deployment.queueList"] = NO_ACCESS
    found = await diagnose(denied)
    lacking = [one.message.split(",")[0] for one in found.findings if one.cause is Cause.NO_PERMISSION]
    assert lacking == ["The key's user lacks deployment:read", "The key's user lacks docker:read"]
    granted = good_server(**names)
    granted.answers["deployment.queueList"] = (200, [])
    assert (await diagnose(granted)).causes == ()


@pytest.mark.parametrize(
    ("version", "level"),
    [
        ("v0.30.2", Level.OK),
        ("v0.29.5", Level.OK),
        ("v0.29.4", Level.WARNING),
        ("v0.28.2", Level.FAILURE),
        ("v0.31.0", Level.NOTE),
        ("canary", Level.NOTE),
    ],
)
async def test_the_version_is_told_with_where_it_stands(version: str, level: Level) -> None:
    diagnosis = await diagnose(good_server(**{"settings.getDokployVersion": (200, version)}))
    (finding,) = [one for one in diagnosis.findings if one.check == "version"]
    assert finding.level is level
    assert (finding.cause is Cause.VERSION) is (level in (Level.WARNING, Level.FAILURE))
    if version != "canary":
        assert version in finding.message


async def test_what_an_older_version_lacks_is_named() -> None:
    diagnosis = await diagnose(good_server(**{"settings.getDokployVersion": (200, "v0.29.3")}))
    (finding,) = [one for one in diagnosis.findings if one.check == "version"]
    assert "It lacks: live build logs, build logs by request" in finding.message
    assert "Update Dokploy" in finding.fix


async def test_an_endpoint_that_the_server_lacks_is_never_taken_for_a_thing_that_is_not_there() -> None:
    server = good_server(**{"application.one": MISSING_ENDPOINT})
    found, message, _ = only_failure(await diagnose(server, service=(ServiceKind.APPLICATION, "a1")))
    assert found is Cause.VERSION
    assert "has no application.one" in message


async def test_a_fault_that_passes_is_no_finding() -> None:
    clock, healths = StandingClock(), iter([502, 200, 200])
    good = good_server()

    def flaky(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/health" and (status := next(healths)) != 200:
            return httpx.Response(status, html="<title>Bad Gateway</title>")
        if request.url.path == "/api/user.get" and len(good.asked) < 6:
            good.asked.append(("user.get", {}))
            raise httpx.ReadError("")
        return good._answer(request)

    diagnosis = await diagnose(httpx.MockTransport(flaky), clock=clock)
    assert {finding.level for finding in diagnosis.findings} == {Level.OK}
    assert 0.0 < clock.slept < 10.0


async def test_a_page_in_front_of_the_api_is_told_as_that_and_not_as_a_bad_key() -> None:
    answers = {"health": httpx.Response(200, json={"ok": True}), "trpc/settings.health": httpx.Response(200, json={})}
    page = httpx.Response(401, html="<title>Sign in</title>")

    def answer(request: httpx.Request) -> httpx.Response:
        return answers.get(request.url.path.removeprefix("/api/"), page)

    found, message, fix = only_failure(await diagnose(httpx.MockTransport(answer)))
    assert found is Cause.PROXY
    assert 'titled "Sign in"' in message
    assert "DOKPLOY_HEADERS" in fix


async def test_the_doctor_s_requests_carry_the_headers_of_an_access_proxy() -> None:
    seen: list[str | None] = []
    good = good_server()

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("x-access"))
        return good._answer(request)

    connection = Connection.parse(ORIGIN, KEY, headers={"X-Access": "let-me-in"})
    await diagnose(httpx.MockTransport(answer), connection=connection)
    assert set(seen) == {"let-me-in"}


@pytest.mark.parametrize(
    ("failure", "level"),
    [
        (LogStreamFailure.PATH_REFUSED, Level.OK),
        (LogStreamFailure.KEY_REFUSED, Level.OK),
        (LogStreamFailure.NOT_OFFERED, Level.OK),
        (LogStreamFailure.UPGRADE_REFUSED, Level.WARNING),
        (LogStreamFailure.NO_CONNECTION, Level.WARNING),
        (LogStreamFailure.BROKEN, Level.WARNING),
    ],
)
def test_how_the_live_log_is_refused_tells_whether_websockets_get_through(
    failure: LogStreamFailure, level: Level
) -> None:
    refused = LogStreamUnavailable("No live log: why.", failure=failure, operation="listen", server=ORIGIN)
    finding = websocket.judge(refused)
    assert finding.level is level
    assert (finding.cause is Cause.WEBSOCKET) == (level is Level.WARNING)
    assert ("nginx" in finding.fix) == (level is Level.WARNING)


@asynccontextmanager
async def answering(raw: bytes) -> AsyncIterator[Connection]:
    """A listener that answers everything with the same bytes, as a proxy does that knows no WebSockets."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        yield Connection.parse(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", KEY)


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
        b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n",
        b"",
    ],
)
async def test_a_proxy_that_breaks_websockets_is_named(raw: bytes) -> None:
    async with answering(raw) as connection:
        finding = websocket.judge(await websocket.probe(connection))
    assert finding.cause is Cause.WEBSOCKET


# --- a service -----------------------------------------------------------------------------------------------


REGISTRY = {"registryId": "g1", "registryName": "local", "registryUrl": "127.0.0.1:5055", "password": "P"}
VERSIONED = row(2, rollbackId="r2", rollback={"rollbackId": "r2", "deploymentId": "d2", "version": 2, "image": "s:v2"})


@pytest.mark.parametrize(
    ("fields", "registries", "check", "level", "words"),
    [
        ({}, (200, []), "rollbacks", Level.NOTE, "switched off; 1 stored earlier"),
        ({"rollbackActive": True}, (200, []), "registry", Level.FAILURE, "without a registry"),
        (
            {"rollbackActive": True, "rollbackRegistryId": "g9"},
            (200, [REGISTRY]),
            "registry",
            Level.WARNING,
            "not among",
        ),
        (
            {"rollbackActive": True, "rollbackRegistryId": "g1"},
            (200, [REGISTRY]),
            "registry",
            Level.OK,
            "kept in local (127.0.0.1:5055)",
        ),
        ({"rollbackActive": True, "rollbackRegistryId": "g1"}, NO_ACCESS, "registry", Level.NOTE, "may not see"),
        (
            {"rollbackActive": True, "rollbackRegistryId": "g1", "sourceType": "docker"},
            (200, [REGISTRY]),
            "rollbacks",
            Level.NOTE,
            "Docker image",
        ),
    ],
)
async def test_a_service_is_examined_for_the_way_back(
    fields: dict[str, Any], registries: Answer, check: str, level: Level, words: str
) -> None:
    server = good_server()
    server.answers["application.one"] = (200, service(applicationId="a1", **fields))
    server.answers["deployment.allByType"] = (200, [VERSIONED])
    server.answers["registry.all"] = registries
    diagnosis = await diagnose(server, service=(ServiceKind.APPLICATION, "a1"))
    (finding,) = [one for one in diagnosis.findings if one.check == check]
    assert finding.level is level
    assert words in finding.message
    assert '"P"' not in diagnosis.model_dump_json()


async def test_a_service_that_is_not_there_or_not_accessible_is_told_as_that() -> None:
    wanted = (ServiceKind.APPLICATION, "a1")
    nothing: tuple[int, list[object]] = (200, [])
    absent = good_server(**{"project.all": nothing})
    assert only_failure(await diagnose(absent, service=wanted))[0] is Cause.SERVICE
    denied = good_server(**{"application.one": NO_ACCESS, "project.all": nothing})
    assert only_failure(await diagnose(denied, service=wanted))[0] is Cause.NO_PERMISSION
    denied = good_server(**{"application.one": NO_ACCESS, "project.all": NO_ACCESS})
    assert only_failure(await diagnose(denied, service=wanted))[0] is Cause.NO_PERMISSION


@pytest.mark.parametrize("kind", [ServiceKind.COMPOSE, ServiceKind.POSTGRES])
async def test_services_without_images_are_told_so(kind: ServiceKind) -> None:
    server = good_server(**{f"{kind}.one": (200, service(**{kind.id_field: "x"}))})
    server.answers["deployment.allByType"] = (200, [])
    diagnosis = await diagnose(server, service=(kind, "x"))
    assert "stores no images" in diagnosis.findings[-1].message


def test_every_permission_says_what_needs_it() -> None:
    assert all(purpose for _, _, purpose in permissions.NEEDED)
