"""Headers for an access proxy in front: as secret as the key, on every way, and in no message."""

from __future__ import annotations

import asyncio
import pickle

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import ApiError, ConfigurationError
from pulumi_dokploy_deployments.api.extra_headers import parse_headers
from pulumi_dokploy_deployments.api.hiding import HIDDEN, Secrets

KEY = "key-that-no-message-may-show"
TOKEN = "Bearer token.that-no-message/may+show"
PROXY = {"CF-Access-Client-Id": "id.access", "Authorization": TOKEN}
ORIGIN = "https://dokploy.example.com"


def _connection() -> Connection:
    return Connection.parse(ORIGIN, KEY, headers=PROXY)


@pytest.mark.parametrize(
    ("written", "headers"),
    [
        ("", {}),
        ("  \n ", {}),
        ('{"A": "1", "B-C": "x: y"}', {"A": "1", "B-C": "x: y"}),
        ("A: 1\n\n  B-C :  x: y \r\n", {"A": "1", "B-C": "x: y"}),
        ("{}", {}),
    ],
)
def test_headers_are_written_as_json_or_as_lines(written: str, headers: dict[str, str]) -> None:
    assert parse_headers(written) == headers


@pytest.mark.parametrize(
    "written",
    [
        "secret-value",
        "A secret-value",
        '{"A": ["secret-value"]}',
        '{"A": 1, "B": "secret-value"}',
        '["secret-value"]',
        '{"A": "secret-value"',
        '{"A": "secret-value", "A": "x"}',
        "A: secret-value\nA: x",
        "A: secret-value\na: x",
        "A:",
        "A: sécret-value",
        "A: secret-value\x00",
        '{"A": "secret-value\\r\\nX-Api-Key: y"}',
        "Ä: secret-value",
        ": secret-value",
        "x-api-key: secret-value",
        "Host: secret-value",
        "Content-Length: secret-value",
        "Sec-WebSocket-Key: secret-value",
        "\n".join(f"A{number}: secret-value" for number in range(21)),
    ],
)
def test_what_can_t_be_a_header_is_refused_without_repeating_its_value(written: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_headers(written, connection="eu")
    assert "secret-value" not in str(caught.value) + repr(vars(caught.value))
    assert "DOKPLOY_EU_HEADERS" in str(caught.value)
    assert caught.value.__context__ is None or "secret-value" not in repr(caught.value.__context__)


@given(st.text(max_size=60))
def test_whatever_is_written_it_is_headers_or_a_refusal(written: str) -> None:
    try:
        headers = parse_headers(written)
    except ConfigurationError:
        return
    httpx.Headers(headers).raw  # noqa: B018 - encodes them all
    assert all(value == value.strip() for value in headers.values())


async def test_they_go_along_with_every_request_also_without_the_key() -> None:
    seen: list[httpx.Headers] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return httpx.Response(200, json=[])

    async with DokployClient(_connection(), transport=httpx.MockTransport(handler)) as client:
        await client.queue()
        await client.look("api/health")
        assert all(value not in repr(vars(client)) for value in (KEY, TOKEN))
    assert [headers.get("x-api-key") for headers in seen] == [KEY, None]
    assert all(headers[name] == value for headers in seen for name, value in PROXY.items())


def test_they_show_in_no_representation_and_tell_connections_apart() -> None:
    connection = _connection()
    shown = repr(connection) + str(connection) + connection.model_dump_json() + repr(connection.secrets)
    assert all(value not in shown for value in (KEY, *PROXY.values()))
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(connection)
    assert connection.identity != Connection.parse(ORIGIN, KEY).identity
    assert connection.identity == _connection().identity


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(403, html=f"<title>{PROXY['CF-Access-Client-Id']} unknown</title>"),
        httpx.Response(302, headers={"location": f"https://login.example/{TOKEN}"}),
        httpx.Response(302, headers={"location": f"/{PROXY['CF-Access-Client-Id']}"}),
        httpx.Response(400, json={"message": f"bad {TOKEN}", "code": "BAD_REQUEST"}),
        httpx.Response(400, json={"message": "bad token.that-no-message/may+show", "code": "BAD_REQUEST"}),
        httpx.Response(
            400, json={"message": "bad", "code": "BAD_REQUEST", "issues": [{"path": [TOKEN], "message": KEY}]}
        ),
        httpx.Response(500, json={"message": f"{'x' * 295} {TOKEN}", "code": "INTERNAL_SERVER_ERROR"}),
        httpx.ReadError(f"sent {TOKEN}"),
        httpx.ConnectError(f"proxy said {PROXY['CF-Access-Client-Id']}"),
        httpx.LocalProtocolError("Illegal header value b'token.that-no'"),
        ConnectionResetError(104, f"after {TOKEN}"),
    ],
)
async def test_neither_servers_nor_libraries_get_them_into_a_message(answer: httpx.Response | Exception) -> None:
    def handler(_: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with DokployClient(_connection(), transport=httpx.MockTransport(handler)) as client:
        with pytest.raises(ApiError) as caught:
            await client.queue()
    told = str(caught.value) + repr(caught.value) + repr(vars(caught.value))
    for value in (KEY, TOKEN, "token.that-no", PROXY["CF-Access-Client-Id"]):
        assert value not in told
    assert caught.value.__context__ is None


async def test_a_real_connection_that_breaks_shows_neither_key_nor_headers() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        # What was sent comes back as if it were a status line.
        writer.write(head.replace(b"\r\n", b" ") + b"\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        async with DokployClient(Connection.parse(f"http://127.0.0.1:{port}", KEY, headers=PROXY)) as client:
            with pytest.raises(ApiError, match="not HTTP") as caught:
                await client.queue()
    assert all(value not in str(caught.value) for value in (KEY, TOKEN, "id.access"))


def test_short_values_are_hidden_where_they_stand_alone() -> None:
    assert Secrets(["1"]).hide("1 of 12 (1)") == f"{HIDDEN} of 12 ({HIDDEN})"
    assert Secrets([]).hide("text") == "text"
    assert Secrets(["", "  "]).hide("a b") == "a b"
    assert Secrets(["abcd", "abcdef"]).hide("abcdefg") == f"{HIDDEN}g"
