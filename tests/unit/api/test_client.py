"""The client's promises about what it sends, where, once, and what it makes of every way of failing."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import re
import ssl
from collections.abc import Callable, Iterator

import httpx
import pytest
from pydantic import SecretStr

from pulumi_dokploy_deployments.api import exchange
from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import (
    AccessDenied,
    AnswerLost,
    ApiError,
    ConfigurationError,
    ConnectionFailed,
    InvalidRequest,
    LogStreamUnavailable,
    MissingEndpoint,
    NotFound,
    RateLimited,
    RequestTimeout,
    ServerError,
    SomethingInFront,
    Step,
    Unauthorized,
)
from pulumi_dokploy_deployments.api.exchange import MAX_SAME_ORIGIN_REDIRECTS
from pulumi_dokploy_deployments.api.log_stream import open_log_stream
from pulumi_dokploy_deployments.api.models import ServiceKind

KEY = "key-that-no-message-may-show"
ORIGIN = "https://dokploy.example.com"
JSON = {"content-type": "application/json"}
"""Dokploy's empty answers are declared to be JSON as well (transcript 30)."""


def _client(
    handler: Callable[[httpx.Request], httpx.Response], *, origin: str = ORIGIN, timeout_seconds: float = 30.0
) -> DokployClient:
    transport = httpx.MockTransport(handler)
    return DokployClient(Connection.parse(origin, KEY), transport=transport, timeout_seconds=timeout_seconds)


def _raising(error: Exception) -> Callable[[httpx.Request], httpx.Response]:
    def handler(request: httpx.Request) -> httpx.Response:
        raise error

    return handler


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


async def _error(
    handler: Callable[[httpx.Request], httpx.Response], *, origin: str = ORIGIN, timeout_seconds: float = 30.0
) -> ApiError:
    async with _client(handler, origin=origin, timeout_seconds=timeout_seconds) as client:
        with pytest.raises(ApiError) as caught:
            await client.deploy(ServiceKind.APPLICATION, "app")
    error = caught.value
    assert error.operation == "application.deploy"
    assert error.server == ORIGIN
    text = str(error)
    assert "\n" not in text
    assert ".." not in text
    assert text.endswith((".", "?"))
    assert error.next_step, "every message says what to do"
    assert error.step is not Step.NONE
    assert not re.search(r"\w(Error|Timeout|Exception)\b|httpx|pulumi", text), "no library's names"
    copied = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(copied), str(copied), vars(copied)) == (type(error), text, vars(error))
    for link in _chain(error):
        assert KEY not in str(link) + repr(link) + repr(vars(link)) + repr(pickle.dumps(error))
        assert not hasattr(link, "request"), "the library's exception holds the request, and that the key"
    return error


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (httpx.ConnectError("Name or service not known."), ConnectionFailed),
        (httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate"), ConnectionFailed),
        (httpx.ConnectTimeout(""), ConnectionFailed),
        (httpx.PoolTimeout(""), ConnectionFailed),
        (httpx.ProxyError("407 Proxy Authentication Required"), ConnectionFailed),
        (httpx.UnsupportedProtocol("no scheme"), ConnectionFailed),
        (UnicodeError("label empty or too long"), ConnectionFailed),
        (httpx.ReadTimeout(""), RequestTimeout),
        (httpx.WriteTimeout(""), RequestTimeout),
        (httpx.ReadError(""), AnswerLost),
        (httpx.WriteError("Broken pipe"), AnswerLost),
        (httpx.RemoteProtocolError("Server disconnected without sending a response."), AnswerLost),
        (httpx.LocalProtocolError("Illegal header value"), AnswerLost),
        (httpx.StreamClosed(), AnswerLost),
        (ssl.SSLError(1, "[SSL] record layer failure"), AnswerLost),
        (ConnectionResetError(104, "Connection reset by peer"), AnswerLost),
        (httpx.DecodingError("Error -3 while decompressing"), SomethingInFront),
        (httpx.InvalidURL("Invalid port"), SomethingInFront),
        (httpx.CookieConflict("Multiple cookies exist"), AnswerLost),
    ],
)
async def test_every_failure_of_the_transport_has_its_place_in_the_tree(
    raised: Exception, expected: type[ApiError]
) -> None:
    error = await _error(_raising(raised))
    assert type(error) is expected
    nothing_was_sent = expected is ConnectionFailed
    assert error.may_have_been_carried_out is not nothing_was_sent


@pytest.mark.parametrize(
    ("status", "body", "expected", "words"),
    [
        (401, {"message": "Unauthorized"}, Unauthorized, "does not accept the API key"),
        (401, {"message": "You don't have access.", "code": "UNAUTHORIZED"}, AccessDenied, "You don't have access."),
        (404, {"message": "Application not found", "code": "NOT_FOUND"}, NotFound, "Application not found."),
        (404, {"message": "Not found", "code": "NOT_FOUND"}, MissingEndpoint, "has no application.deploy"),
        (400, {"message": "Really?", "code": "BAD_REQUEST"}, InvalidRequest, "(400): Really?"),
        (500, {"message": "boom", "code": "INTERNAL_SERVER_ERROR"}, ServerError, "(500: boom)."),
        (500, {"message": "boom"}, ServerError, "or something in front of it, failed"),
        (502, "<html><title>Bad gateway</title></html>", ServerError, '502, text/html titled "Bad gateway".'),
        (429, "", RateLimited, "slow down"),
        (401, {"error": "login required"}, SomethingInFront, "answered: 401, application/json ("),
        (401, {"message": "Unauthorized", "request_id": 7}, SomethingInFront, "401"),
        (403, "<html>Forbidden</html>", SomethingInFront, "answered: 403, text/html ("),
        (403, {"message": "Forbidden"}, SomethingInFront, "403"),
        (404, "<html><head><title>404 Not Found</title>", SomethingInFront, 'titled "404 Not Found"'),
        (404, {"message": "no Route matched with those values"}, SomethingInFront, "404"),
        (400, "<html>Bad</html>", SomethingInFront, "400"),
        (413, "", SomethingInFront, "413"),
        (200, "<html>Login</html>", SomethingInFront, "200, text/html"),
        (200, "[" * 100_000, SomethingInFront, "200"),
        (302, "", SomethingInFront, "302, a redirect to another place"),
    ],
)
async def test_every_answer_that_is_not_a_success_is_one_of_the_tree(
    status: int, body: object, expected: type[ApiError], words: str
) -> None:
    html = isinstance(body, str)
    kind = "text/html; charset=utf-8" if html else "application/json"
    content = body if isinstance(body, str) else json.dumps(body)
    error = await _error(lambda _: httpx.Response(status, content=content, headers={"content-type": kind}))
    assert type(error) is expected
    assert error.status == status
    assert words in str(error)
    assert "<html>" not in str(error)


async def test_a_server_that_sends_the_key_back_does_not_get_it_into_a_message() -> None:
    for answer in (
        httpx.Response(400, json={"message": f"header {KEY} is bad", "code": "BAD_REQUEST"}),
        httpx.Response(400, text=f"x-api-key: {KEY}"),
        httpx.Response(500, json={"message": f"{'x' * 280} {KEY}"}),
    ):
        await _error(lambda _, answer=answer: answer)  # type: ignore[misc]


@pytest.mark.parametrize(
    "quoting",
    [
        httpx.ReadError(f"while sending x-api-key: {KEY}"),
        httpx.ConnectError(f"proxy said {KEY}"),
        ConnectionResetError(104, f"reset after {KEY}"),
        ssl.SSLError(1, f"[SSL] {KEY}"),
        httpx.RemoteProtocolError(f"illegal status line: {KEY}"),
    ],
)
async def test_a_library_s_exception_that_quotes_the_key_loses_its_words(quoting: Exception) -> None:
    await _error(_raising(quoting))


def _caused_by(cause: Exception) -> Exception:
    try:
        raise httpx.ConnectError("All connection attempts failed") from cause
    except httpx.ConnectError as error:
        return error


async def test_neither_does_the_system_s_error_behind_it_nor_the_half_of_a_key() -> None:
    await _error(_raising(_caused_by(OSError(5, f"after {KEY}"))))
    text = str(await _error(_raising(httpx.ConnectError(f"{'x' * 290} {KEY}"))))
    assert KEY[:6] not in text
    assert "x" * 20 not in text


async def test_a_library_that_quotes_a_header_in_another_writing_loses_its_words_too() -> None:
    # h11 quotes the repr of the bytes, in which the key need not stand letter by letter.
    error = await _error(_raising(httpx.LocalProtocolError("Illegal header value b'half-of-the-k\\x00ey'")))
    assert "half-of" not in str(error)
    assert "a header of the request can't be written as HTTP" in str(error)


async def test_the_system_s_own_words_are_kept_where_they_quote_nothing() -> None:
    assert "Connection reset by peer" in str(
        await _error(_raising(ConnectionResetError(104, "Connection reset by peer")))
    )
    assert "Broken pipe" in str(await _error(_raising(httpx.WriteError("Broken pipe"))))


@pytest.mark.parametrize("key", [f"{KEY} ", f"{KEY}\r\nx: y", f"{KEY}\x00", f"{KEY}é"])
async def test_a_library_that_quotes_a_bad_header_does_not_get_the_key_into_a_message(key: str) -> None:
    # Connection.parse refuses such keys; h11 puts the whole value into its exception.
    connection = Connection(origin="http://127.0.0.1:1", api_key=SecretStr(key))
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        connection = connection.model_copy(update={"origin": f"http://127.0.0.1:{port}"})
        async with DokployClient(connection) as client:
            with pytest.raises(ApiError) as caught:
                await client.queue()
        with pytest.raises(LogStreamUnavailable) as refused:
            async with open_log_stream(connection, "/log"):
                pass
    assert KEY not in str(caught.value) + repr(caught.value)
    assert KEY not in str(refused.value) + repr(refused.value)


async def test_a_failed_query_is_not_repeated_with_its_parameters() -> None:
    message = 'Failed query: update "application" set "env" = $1\nparams: PASSWORD=hunter2,app'
    error = await _error(lambda _: httpx.Response(500, json={"message": message, "code": "INTERNAL_SERVER_ERROR"}))
    assert "a query of its database failed" in str(error)
    assert "hunter2" not in str(error)


async def test_control_characters_of_a_server_do_not_reach_the_terminal() -> None:
    error = await _error(lambda _: httpx.Response(500, json={"message": "a\x1b[31mred\x07\nline"}))
    assert "\x1b" not in str(error)
    assert "\x07" not in str(error)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("-1", 0.0), ("inf", None), ("nan", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("", None)],
)
async def test_retry_after_is_a_number_that_ends(header: str, seconds: float | None) -> None:
    error = await _error(lambda _: httpx.Response(429, headers={"retry-after": header}))
    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == seconds


async def test_what_can_not_be_written_is_refused_before_anything_is_sent() -> None:
    sent: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, headers=JSON)

    async with _client(handler) as client:
        with pytest.raises(InvalidRequest, match="was not sent"):
            await client.deploy(ServiceKind.APPLICATION, "app", title="\ud800")
        with pytest.raises(InvalidRequest, match="was not sent"):
            await client.update_service(ServiceKind.APPLICATION, "app", {"x": object()})
    assert sent == []


async def test_a_refusal_names_the_input_that_it_is_about() -> None:
    issues = [{"path": ["titleLog"], "message": "x"}, {"path": ["applicationId"], "message": "Required"}]
    body = {"message": "Input validation failed", "code": "BAD_REQUEST", "issues": issues}
    error = await _error(lambda _: httpx.Response(400, json=body))
    assert error.property_name == "application_id"


async def test_no_more_than_twenty_refused_fields_are_told() -> None:
    issues = [{"path": [f"field{number}"], "message": "Required"} for number in range(21)]
    body = {"message": "Input validation failed", "code": "BAD_REQUEST", "issues": issues}
    told = str(await _error(lambda _: httpx.Response(400, json=body)))
    assert "field19" in told
    assert "field20" not in told


async def test_connecting_ends_before_the_exchange_so_that_nothing_sent_is_told_as_that() -> None:
    seen: list[dict[str, float]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.extensions["timeout"])
        return httpx.Response(200, json=[])

    async with _client(handler) as client:
        await client.queue()
        await client.within(5.0).queue()
    assert [(timeout["connect"], timeout["read"]) for timeout in seen] == [(10.0, 30.0), (4.5, 5.0)]


async def test_a_change_of_nothing_is_not_sent() -> None:
    async with _client(_raising(AssertionError("sent"))) as client:
        await client.update_service(ServiceKind.APPLICATION, "app", {})


async def test_ids_can_not_break_out_of_the_query() -> None:
    seen: list[httpx.URL] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.url)
        return httpx.Response(200, json=[])

    odd = "a\x00b&c=d/../e?f#g \u202e"
    async with _client(handler) as client:
        await client.deployments_by_application(odd)
    (url,) = seen
    assert url.path == "/api/deployment.all"
    assert dict(url.params) == {"applicationId": odd}
    assert b"%00" in url.raw_path
    assert b"\x00" not in url.raw_path


async def test_a_slash_s_redirect_on_the_same_server_is_followed_with_body_and_key() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if len(seen) == 1:
            return httpx.Response(308, headers={"location": "/api/elsewhere"})
        return httpx.Response(200, headers=JSON)

    async with _client(handler) as client:
        await client.deploy(ServiceKind.APPLICATION, "app", title="t")
    assert [request.url.path for request in seen] == ["/api/application.deploy", "/api/elsewhere"]
    assert seen[1].method == "POST"
    assert seen[1].content == seen[0].content
    assert seen[1].headers["x-api-key"] == KEY


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/api/application.deploy",
        "http://dokploy.example.com/api/application.deploy",
        "https://dokploy.example.com:8443/api/application.deploy",
        "//evil.example/",
        "https://user:hunter2@dokploy.example.com/",
        "https://user:hunter2@evil.example/",
        "https://[bad",
        "https://xn--/",
        "https://host:port/",
        "javascript:alert(1)",
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_elsewhere_is_an_error_and_never_carries_the_key(status: int, location: str) -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(status, headers={"location": location})

    error = await _error(handler)
    assert isinstance(error, SomethingInFront)
    assert len(seen) == 1
    assert "hunter2" not in str(error)


async def test_a_circle_of_redirects_ends() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(308, headers={"location": "/api/again"})

    assert isinstance(await _error(handler), SomethingInFront)
    assert len(seen) == MAX_SAME_ORIGIN_REDIRECTS + 1


async def test_each_call_is_one_request() -> None:
    # Retrying belongs to those who know whether a call may be repeated.
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(503)

    await _error(handler)
    assert len(seen) == 1


async def test_an_answer_that_never_comes_is_given_up() -> None:
    async def drip(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError("never")

    client = DokployClient(Connection.parse(ORIGIN, KEY), transport=httpx.MockTransport(drip), timeout_seconds=0.02)
    with pytest.raises(RequestTimeout):
        await client.queue()


async def test_cancellation_passes_through_untouched() -> None:
    started = asyncio.Event()

    async def hang(request: httpx.Request) -> httpx.Response:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError("never")

    client = DokployClient(Connection.parse(ORIGIN, KEY), transport=httpx.MockTransport(hang))
    task = asyncio.create_task(client.queue())
    await started.wait()
    task.cancel("reason")
    with pytest.raises(asyncio.CancelledError, match="reason"):
        await task


async def test_the_key_is_in_no_log_line_at_any_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]")
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    # A real transport, since what logs is below httpx's own.
    async with DokployClient(Connection.parse(f"http://127.0.0.1:{port}", KEY)) as client:
        assert await client.queue() == []
        assert KEY not in repr(client)
        assert KEY not in repr(vars(client))
    listener.close()
    assert "deployment.queueList" in caplog.text
    assert KEY not in caplog.text


async def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]")
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    for host in ("127.0.0.1", "localhost"):
        async with DokployClient(Connection.parse(f"http://{host}:{port}", KEY)) as client:
            assert await client.queue() == []
    listener.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [("ALL_PROXY", "socks9://127.0.0.1:1"), ("HTTPS_PROXY", "http://exa mple:port"), ("SSL_CERT_FILE", "/nowhere.pem")],
)
async def test_a_broken_environment_is_a_configuration_error(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    for other in ("ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, value)
    async with DokployClient(Connection.parse(ORIGIN, KEY)) as client:
        with pytest.raises(ConfigurationError, match="environment variables"):
            await client.queue()


async def test_certificates_are_read_for_the_first_request_only(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    make = exchange._http_client

    def counting(connection: Connection, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
        made.append(connection.origin)
        return make(connection, transport)

    monkeypatch.setattr(exchange, "_http_client", counting)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=[]))
    async with DokployClient(Connection.parse(ORIGIN, KEY), transport=transport) as client:
        assert made == []
        await client.queue()
        await client.within(5.0).queue()
    assert len(made) == 1


async def test_plain_text_behind_https_is_no_connection() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(plain, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with DokployClient(Connection.parse(f"https://127.0.0.1:{port}", KEY)) as client:
        with pytest.raises(ConnectionFailed, match="certificate") as caught:
            await client.queue()
    listener.close()
    assert not caught.value.may_have_been_carried_out


async def test_databases_have_no_history_and_are_deployed_without_a_title() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    async with _client(handler) as client:
        assert await client.deployments_of(ServiceKind.REDIS, "db") == []
        await client.deploy(ServiceKind.REDIS, "db", title="t", description="d")
    (request,) = seen
    assert request.url.path == "/api/redis.deploy"
    assert json.loads(request.content) == {"redisId": "db"}
    assert request.extensions["timeout"]["read"] > 600, "the image is pulled within the request"


@pytest.mark.parametrize(("asked", "sent"), [(0, "1"), (-5, "1"), (50, "50"), (10**9, "10000")])
async def test_the_log_s_length_stays_within_what_the_server_takes(asked: int, sent: str) -> None:
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.params["tail"])
        return httpx.Response(200, json="")

    async with _client(handler) as client:
        assert await client.read_log("d", tail=asked) == ""
    assert seen == [sent]
