"""Which SDKs are compiled, and what is said of those that are not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import sdks

MODULE = "example.com/sdk/go/dokploy-deployments"
NO_HOST = "error: no language plugin 'pulumi-language-{}' found in the workspace or on your $PATH"


class FailedError(Exception):
    """A command has failed."""


class Machine:
    """Runs nothing; generates what it is told to, and keeps what was asked for."""

    def __init__(self, generates: dict[str, str], breaks: str = "") -> None:
        self.generates, self.breaks = generates, breaks
        self.ran: list[str] = []

    def run(self, command: Sequence[str], folder: Path) -> str:
        said = " ".join(command)
        if command[:3] != ("pulumi", "package", "gen-sdk"):
            self.ran.append(f"{folder.name}: {said}")
            if self.breaks and self.breaks in said:
                raise FailedError("deployment.go:7: undefined: Nothing")
            return ""
        language, out = command[command.index("--language") + 1], Path(command[-1])
        file = self.generates.get(language)
        if file is None:
            raise FailedError(NO_HOST.format(language))
        if file == "":
            raise FailedError("error: method GeneratePackage not implemented")
        (out / file).parent.mkdir(parents=True)
        (out / file).write_text(f'import (\n\t"context"\n\n\t"{MODULE}/internal"\n)\n')
        return ""


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    file = tmp_path / "schema.json"
    file.write_text("{}")
    return file


def test_each_language_is_compiled_or_its_reason_is_told(schema: Path, tmp_path: Path) -> None:
    machine = Machine({"nodejs": "package.json", "python": "", "dotnet": "Pulumi.Dokploy.csproj"})
    which = {"npm": "/usr/bin/npm"}.get
    told = [str(outcome) for outcome in sdks.make(schema, tmp_path, machine.run, FailedError, which)]
    assert told == [
        "nodejs: compiled",
        "go: not compiled, since the engine has no pulumi-language-go",
        "python: not compiled, since the engine's language host generates no SDKs",
        "java: not compiled, since the engine has no pulumi-language-java",
        "dotnet: not compiled, for want of dotnet",
    ]
    assert machine.ran == [
        "nodejs: npm install --no-audit --no-fund --ignore-scripts",
        "nodejs: npx --no tsc --noEmit",
    ]


def test_an_sdk_without_a_build_file_is_told(schema: Path, tmp_path: Path) -> None:
    machine = Machine({"java": "src/main/java/Deployment.java"})
    told = [
        str(outcome) for outcome in sdks.make(schema, tmp_path, machine.run, FailedError, lambda _: "/usr/bin/tool")
    ]
    assert "java: not compiled, since the SDK holds no build.gradle" in told


def test_an_sdk_for_go_without_a_module_gets_the_one_that_its_files_import(schema: Path, tmp_path: Path) -> None:
    machine = Machine({"go": "dokploydeployments/provider.go"})
    list(sdks.make(schema, tmp_path, machine.run, FailedError, lambda _: "/usr/bin/tool"))
    assert machine.ran == [
        f"dokploydeployments: go mod init {MODULE}",
        "dokploydeployments: go mod tidy",
        "dokploydeployments: go build ./...",
    ]


def test_an_sdk_that_does_not_compile_is_a_failure(schema: Path, tmp_path: Path) -> None:
    machine = Machine({"go": "go.mod"}, breaks="go build")
    with pytest.raises(FailedError, match="undefined"):
        list(sdks.make(schema, tmp_path, machine.run, FailedError, lambda _: "/usr/bin/tool"))


def test_a_generator_that_fails_is_a_failure(schema: Path, tmp_path: Path) -> None:
    def run(command: Sequence[str], folder: Path) -> str:
        raise FailedError("error: failed to bind schema")

    with pytest.raises(FailedError, match="bind schema"):
        list(sdks.make(schema, tmp_path, run, FailedError))
