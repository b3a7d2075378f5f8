"""Variables from a file: only Dokploy's, only when asked for, only for the run, and never for another address."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from pulumi_dokploy_deployments.cli import env_file
from pulumi_dokploy_deployments.cli.main import app

KEY = "rig" + "k" * 64


def file_of(folder: Path, text: str) -> Path:
    path = folder / "production.env"
    path.write_text(text, encoding="utf-8")
    return path


def test_dokploy_s_variables_are_lent_and_given_back(tmp_path: Path) -> None:
    file = file_of(tmp_path, f"# ours\nexport DOKPLOY_ENDPOINT='d.example.com'\nDOKPLOY_API_KEY={KEY}\nPATH=/nowhere\n")
    environ = {"PATH": "/bin", "DOKPLOY_API_KEY": "other"}
    give_back = env_file.lend(file, environ)
    assert environ == {"PATH": "/bin", "DOKPLOY_ENDPOINT": "d.example.com", "DOKPLOY_API_KEY": KEY}
    give_back()
    assert environ == {"PATH": "/bin", "DOKPLOY_API_KEY": "other"}


@pytest.mark.parametrize(("in_file", "outside"), [("URL", "ENDPOINT"), ("ENDPOINT", "URL")])
@pytest.mark.parametrize("prefix", ["DOKPLOY", "DOKPLOY_EU"])
def test_the_file_s_key_never_goes_to_the_environment_s_address(
    tmp_path: Path, prefix: str, in_file: str, outside: str
) -> None:
    file = file_of(tmp_path, f"{prefix}_{in_file}=d.example.com\n{prefix}_API_KEY={KEY}\n")
    environ = {f"{prefix}_{outside}": "elsewhere.example.com"}
    give_back = env_file.lend(file, environ)
    assert f"{prefix}_{outside}" not in environ
    give_back()
    assert environ == {f"{prefix}_{outside}": "elsewhere.example.com"}


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "can't be read"), (b"\xff\xfe\x00", "not a text file"), (b"KEY=secret-value\n", "no line that begins")],
)
def test_a_file_that_gives_nothing_is_wrong_usage(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / ".env"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(typer.BadParameter, match=words) as caught:
        env_file.lend(path, {})
    assert "secret-value" not in str(caught.value)


@pytest.mark.usefixtures("hurried")
def test_the_option_stands_before_the_command_and_ends_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DOKPLOY_ENDPOINT", "DOKPLOY_URL", "DOKPLOY_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    file = file_of(tmp_path, f"DOKPLOY_ENDPOINT=http://127.0.0.1:1\nDOKPLOY_API_KEY={KEY}\n")
    without = CliRunner().invoke(app, ["list"])
    assert "DOKPLOY_ENDPOINT" in without.output, "a file that nobody names is not read"
    asked = CliRunner().invoke(app, ["--env-file", str(file), "doctor"])
    assert "127.0.0.1" in asked.output
    assert KEY not in asked.output
    assert "DOKPLOY_API_KEY" not in os.environ


def test_wrong_usage_is_json_where_that_is_asked_for(tmp_path: Path) -> None:
    said = CliRunner().invoke(app, ["--env-file", str(tmp_path / "none"), "list", "--json"])
    assert said.exit_code == 2
    told = json.loads(said.stdout.splitlines()[-1])
    assert "can't be read" in json.dumps(told)
