"""Address and key: from options, the environment, a file or a person; never from an argument."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from pulumi_dokploy_deployments.api.errors import ConfigurationError
from pulumi_dokploy_deployments.cli.connecting import connection_from

KEY = "rig" + "k" * 64


def connect(environ: dict[str, str], **options: object) -> tuple[str, str]:
    given: dict[str, object] = {"endpoint": None, "api_key_file": None, "name": None}
    connection = connection_from(**(given | options), environ=environ)  # type: ignore[arg-type]
    return connection.origin, connection.api_key.get_secret_value()


def test_the_environment_is_enough() -> None:
    assert connect({"DOKPLOY_ENDPOINT": "d.example.com", "DOKPLOY_API_KEY": KEY}) == ("https://d.example.com", KEY)
    assert connect({"DOKPLOY_URL": "d.example.com/api/", "DOKPLOY_API_KEY": KEY})[0] == "https://d.example.com"


def test_an_option_goes_before_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{'f' * 64}\n")
    environ = {"DOKPLOY_ENDPOINT": "d.example.com", "DOKPLOY_API_KEY": KEY}
    assert connect(environ, endpoint="e.example.com", api_key_file=file) == ("https://e.example.com", "f" * 64)


def test_a_named_connection_has_variables_of_its_own_and_never_another_one_s_key() -> None:
    environ = {
        "DOKPLOY_API_KEY": KEY,
        "DOKPLOY_EU_WEST_ENDPOINT": "eu.example.com",
        "DOKPLOY_EU_WEST_API_KEY": "e" * 64,
    }
    assert connect(environ, name="eu-west") == ("https://eu.example.com", "e" * 64)
    del environ["DOKPLOY_EU_WEST_API_KEY"]
    with pytest.raises(ConfigurationError, match="DOKPLOY_EU_WEST_API_KEY"):
        connect(environ, name="eu-west")


def test_a_person_is_asked_for_the_key_only_when_there_is_none_and_the_address_is_good() -> None:
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return KEY

    assert connect({"DOKPLOY_ENDPOINT": "d.example.com"}, ask=ask)[1] == KEY
    assert asked == ["API key for https://d.example.com"]
    with pytest.raises(ConfigurationError):
        connect({}, ask=ask)
    with pytest.raises(ConfigurationError):
        connect({"DOKPLOY_ENDPOINT": "ftp://d.example.com"}, ask=ask)
    connect({"DOKPLOY_ENDPOINT": "d.example.com", "DOKPLOY_API_KEY": KEY}, ask=ask)
    assert len(asked) == 1


def test_extra_headers_come_from_the_environment_of_the_same_connection() -> None:
    environ = {
        "DOKPLOY_HEADERS": "X-Default: d",
        "DOKPLOY_EU_ENDPOINT": "eu.example.com",
        "DOKPLOY_EU_API_KEY": KEY,
        "DOKPLOY_EU_HEADERS": "X-Eu: e",
    }
    connection = connection_from(endpoint=None, api_key_file=None, name="eu", environ=environ)
    assert connection.extra_headers() == {"X-Eu": "e"}


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{KEY}\n"))
    assert connect({}, endpoint="d.example.com", api_key_file=Path("-"))[1] == KEY


@pytest.mark.parametrize(("content", "words"), [(None, "No such file"), (b"", "is empty"), (b"\xff\xfe", "text file")])
def test_a_file_that_holds_no_key_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=words):
        connect({}, endpoint="d.example.com", api_key_file=file)


@pytest.mark.parametrize(
    ("environ", "name", "words"),
    [
        ({}, None, "DOKPLOY_ENDPOINT"),
        ({}, "eu", "DOKPLOY_EU_ENDPOINT"),
        ({"DOKPLOY_ENDPOINT": "d.example.com"}, None, "DOKPLOY_API_KEY"),
        ({"DOKPLOY_ENDPOINT": "d.example.com", "DOKPLOY_API_KEY": " "}, None, "DOKPLOY_API_KEY"),
        ({}, "e u", "not the name of a connection"),
    ],
)
def test_what_is_missing_is_said_with_how_to_give_it(environ: dict[str, str], name: str | None, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        connect(environ, name=name)
    assert "pulumi" not in str(caught.value)
