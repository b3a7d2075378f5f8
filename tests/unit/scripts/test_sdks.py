"""Which SDKs are compiled and which examples run, and what is said of those that are not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest
import sdks

NO_HOST = "error: no language plugin 'pulumi-language-{}' found in the workspace or on your $PATH"
ALL_TOOLS = "/usr/bin/{}".format
SPELT = {"nodejs": "applicationId", "java": "applicationId", "python": "application_id"}


class FailedError(Exception):
    """A command has failed."""


class Machine:
    """Runs nothing; generates what it is told to, and keeps what was asked for."""

    def __init__(self, folder: Path, generates: dict[str, str], breaks: str = "") -> None:
        self.folder, self.generates, self.breaks = folder, generates, breaks
        self.ran: list[str] = []
        self.schema = folder / "schema.json"
        provider, resource = ({"inputProperties": dict.fromkeys(names)} for names in ((), ("applicationId",)))
        self.schema.write_text(json.dumps({"provider": provider, "resources": {"a:b:C": resource}}))
        for language in sdks.LANGUAGES:
            if language.example:
                (folder / "examples" / language.example).mkdir(parents=True)

    def run(self, command: Sequence[str], folder: Path) -> str:
        said = " ".join(command)
        if command[:3] != ("pulumi", "package", "gen-sdk"):
            self.keep(f"{folder.name}: {said}")
            return ""
        language, out = command[command.index("--language") + 1], Path(command[-1])
        file = self.generates.get(language)
        if file is None:
            raise FailedError(NO_HOST.format(language))
        if file == "":
            raise FailedError("error: rpc error: code = Unimplemented desc = method GeneratePackage not implemented")
        made = out / language / file
        made.parent.mkdir(parents=True)
        made.write_text(f"the input {SPELT.get(language, 'ApplicationId')} of {file}")
        return ""

    def keep(self, said: str) -> None:
        self.ran.append(said)
        if self.breaks and self.breaks in said:
            raise FailedError("deployment.go:7: undefined: Nothing")

    def told(self, which: Callable[[str], str | None] = ALL_TOOLS) -> list[str]:
        into = self.folder / "made"
        into.mkdir()
        outcomes: Iterable[sdks.Outcome] = sdks.make(
            self.schema,
            into,
            self.run,
            FailedError,
            self.folder / "examples",
            lambda example: self.keep(f"pulumi up in {example.name}"),
            which,
        )
        return [str(outcome) for outcome in outcomes]


def test_each_language_is_compiled_and_tried_or_its_reason_is_told(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"nodejs": "package.json", "python": "", "dotnet": "Pulumi.Dokploy.csproj"})
    assert machine.told({"npm": "/usr/bin/npm"}.get) == [
        "nodejs: compiled, examples/typescript run",
        "go: not compiled, since the engine has no pulumi-language-go",
        "python: not compiled, since the engine's language host generates no SDKs",
        "java: not compiled, since the engine has no pulumi-language-java",
        "dotnet: not compiled, for want of dotnet",
    ]
    assert machine.ran == [
        "nodejs: npm install --no-audit --no-fund --ignore-scripts",
        "nodejs: npx --no -- tsc --noEmit",
        "pulumi up in typescript",
    ]


def test_the_example_in_go_runs_after_its_sdk_is_compiled(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"go": "go.mod"})
    assert "go: compiled, examples/go run" in machine.told()
    assert machine.ran == ["go: go mod tidy", "go: go build ./...", "pulumi up in go"]


def test_an_sdk_for_java_is_compiled_inside_of_its_example(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"java": "src/main/java/Deployment.java"})
    assert "java: compiled, examples/java compiled" in machine.told()
    assert machine.ran == ["java-example: mvn --batch-mode --quiet compile"]
    assert (tmp_path / "made/java-example/sdks/dokploy-deployments/src/main/java/Deployment.java").is_file()


def test_an_sdk_without_what_marks_it_is_told(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"go": "dokploydeployments/provider.go"})
    assert "go: not compiled, since the SDK holds no go.mod" in machine.told()
    assert machine.ran == []


def test_an_sdk_that_lacks_an_input_in_its_language_s_spelling_is_a_failure(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"nodejs": "package.json"})
    machine.schema.write_text(machine.schema.read_text().replace("applicationId", "composeId"))
    with pytest.raises(FailedError, match="the SDK for nodejs lacks the inputs composeId"):
        machine.told()


@pytest.mark.parametrize("broken", ["go build", "pulumi up in go"])
def test_an_sdk_that_does_not_compile_or_an_example_that_does_not_run_is_a_failure(tmp_path: Path, broken: str) -> None:
    machine = Machine(tmp_path, {"go": "go.mod"}, breaks=broken)
    with pytest.raises(FailedError, match="undefined"):
        machine.told()


def test_a_generator_that_fails_is_a_failure(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {})

    def fails(command: Sequence[str], folder: Path) -> str:
        raise FailedError("error: failed to bind schema")

    machine.run = fails  # type: ignore[method-assign]
    with pytest.raises(FailedError, match="bind schema"):
        machine.told()
