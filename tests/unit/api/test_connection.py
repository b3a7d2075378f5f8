"""Addresses as people write them, keys as they paste them, and neither of them in the wrong place."""

from __future__ import annotations

import copy
import pickle

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import ConfigurationError

KEY = "key-that-no-message-may-show"


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("dokploy.example.com", "https://dokploy.example.com"),
        ("https://dokploy.example.com/", "https://dokploy.example.com"),
        ("https://dokploy.example.com/api", "https://dokploy.example.com"),
        ("https://dokploy.example.com//api//", "https://dokploy.example.com"),
        ("https://dokploy.example.com/api/api", "https://dokploy.example.com"),
        (" HTTPS://Dokploy.Example.com:8443/api/ ", "https://dokploy.example.com:8443"),
        ("example.com/dokploy/api", "https://example.com/dokploy"),
        ("localhost:3000", "http://localhost:3000"),
        ("127.0.0.1:3000/api", "http://127.0.0.1:3000"),
        ("[::1]:3000", "http://[::1]:3000"),
        ("http://10.0.0.5:3000", "http://10.0.0.5:3000"),
        ("https://bücher.example", "https://bücher.example"),
        ("https://host_name.example", "https://host_name.example"),
        ("https://example.com?apiKey=secret#top", "https://example.com"),
    ],
)
def test_an_address_is_understood_as_people_write_it(written: str, origin: str) -> None:
    assert Connection.parse(written, KEY).origin == origin


@pytest.mark.parametrize(
    "written",
    [
        "",
        "   ",
        "https://",
        "https:/dokploy.example.com",
        "ftp://dokploy.example.com",
        "https://exa mple",
        "https://exa%20mple",
        "https://xn--",
        f"https://{'a' * 64}.example",
        f"https://{'a.' * 130}example",
        "https://a..b",
        "https://[::1",
        "https://[::g]",
        "https://[fe80::1%25eth0]",
        "https://1.2.3.999",
        "https://host:port",
        "https://host:99999",
        "https://host:0",
        "https://host\x00",
        "https://ho\nst",
        "https://\u2100.example/\u202e",
        "https://-\ud800",
    ],
)
def test_an_impossible_address_is_refused_at_once_in_one_plain_paragraph(written: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Connection.parse(written, KEY)
    assert "https://dokploy.example.com" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("written", ["https://user:hunter2@host", "user:hunter2@host", "https://user:hun@ter2@host:x"])
def test_credentials_in_an_address_are_refused_without_repeating_them(written: str) -> None:
    with pytest.raises(ConfigurationError, match="user name or a password") as caught:
        Connection.parse(written, KEY)
    assert "hunter2" not in str(caught.value)
    assert "ter2" not in str(caught.value)


def test_a_key_pasted_behind_a_question_mark_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Connection.parse("ftp://host?key=hunter2", KEY)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("key", ["", " ", "two words", "line\nbreak", "ключ", "a\x00b"])
def test_a_key_that_no_header_can_carry_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Connection.parse("https://host", key)
    assert not key.strip() or key not in str(caught.value)


def test_the_key_shows_in_no_representation_and_no_pickle() -> None:
    connection = Connection.parse("https://host", f" {KEY}\n")
    assert connection.api_key.get_secret_value() == KEY
    shown = repr(connection) + str(connection) + connection.model_dump_json() + repr(connection.model_dump())
    assert KEY not in shown
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(connection)
    assert copy.deepcopy(connection) == connection


@pytest.mark.parametrize(
    ("written", "plain", "loopback"),
    [
        ("http://dokploy.example.com", True, False),
        ("https://dokploy.example.com", False, False),
        ("http://localhost.:3000", False, True),
        ("http://app.localhost", False, True),
        ("http://127.8.9.1", False, True),
        ("http://[::1]", False, True),
        ("http://192.168.1.2", True, False),
    ],
)
def test_plain_http_is_noticed_where_it_leaves_the_machine(written: str, plain: bool, loopback: bool) -> None:
    connection = Connection.parse(written, KEY)
    assert (connection.is_plain_http_to_remote_host, connection.is_loopback) == (plain, loopback)


LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True).filter(lambda label: "--" not in label)
HOSTS = st.lists(LABELS, min_size=1, max_size=4).map(".".join).filter(lambda host: not host[-1].isdigit())
PATHS = st.lists(st.sampled_from(["api", "dokploy", "", "a.b"]), max_size=4).map("/".join)


@given(
    scheme=st.sampled_from(["", "http://", "https://", "HTTPS://"]),
    host=HOSTS,
    port=st.one_of(st.none(), st.integers(1, 65535)),
    path=PATHS,
)
def test_parsing_is_idempotent_and_never_loses_host_or_port(
    scheme: str, host: str, port: int | None, path: str
) -> None:
    written = f"{scheme}{host}{f':{port}' if port else ''}/{path}"
    origin = Connection.parse(written, KEY).origin
    assert Connection.parse(origin, KEY).origin == origin
    assert Connection.parse(f"{origin}/api/", KEY).origin == origin
    url = httpx.URL(origin)
    assert url.host == host
    assert url.port == (port if port != {"http": 80, "https": 443}[url.scheme] else None)


@given(st.text(max_size=40))
def test_any_text_is_either_an_address_the_client_can_use_or_a_configuration_error(text: str) -> None:
    try:
        connection = Connection.parse(text, KEY)
    except ConfigurationError as error:
        assert str(error)  # noqa: PT017
        return
    DokployClient(connection, transport=httpx.MockTransport(lambda _: httpx.Response(200)))
    assert connection.websocket_origin.startswith(("ws://", "wss://"))
