"""The version is written once, in pyproject.toml; everything else reads it."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
from typing import Never

import pytest
from typer.testing import CliRunner

import pulumi_dokploy_deployments as dokploy
from pulumi_dokploy_deployments import version as the_version
from pulumi_dokploy_deployments.api.user_agent import user_agent
from pulumi_dokploy_deployments.cli.main import app
from tests.unit.release.pyproject import PROJECT, ROOT

WRITTEN: str = PROJECT["version"]


def test_the_version_is_spelt_the_same_by_python_and_by_semantic_versioning() -> None:
    # 1.0.0rc1 is 1.0.0-rc.1 to the engine and in schema.json; we release neither.
    assert re.fullmatch(r"\d+\.\d+\.\d+", WRITTEN)


def test_the_installed_package_says_the_version_of_pyproject() -> None:
    assert the_version.package_version() == WRITTEN, "run: make setup"
    assert dokploy.__version__ == WRITTEN


def test_the_schema_carries_it() -> None:
    schema = json.loads((ROOT / "schema.json").read_text(encoding="utf-8"))
    assert schema["version"] == WRITTEN, "run: make setup schema"


def test_a_server_is_told_it() -> None:
    assert user_agent().startswith(f"pulumi-dokploy-deployments/{WRITTEN} ")


def test_the_command_line_says_name_and_version() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"dokploy-deployments {WRITTEN}\n")


def test_the_plugin_says_name_and_version() -> None:
    command = [sys.executable, "-m", "pulumi_dokploy_deployments.hosts.plugin", "--version"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout == f"pulumi-resource-dokploy-deployments {WRITTEN}\n"


def test_the_changelog_has_an_entry_for_it() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[{re.escape(WRITTEN)}\] - ", changelog, re.MULTILINE)


def test_a_source_tree_that_is_not_installed_still_has_a_version_that_the_engine_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> Never:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(the_version, "version", missing)
    assert the_version.package_version() == "0.0.0"
