"""SDKs from schema.json for each language that the engine here generates, compiled where a compiler is, and the
examples that use them, run.

A language that can't be generated, compiled or run here is named with the reason; it is never left out silently.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pulumi_dokploy_deployments.schema.names import pascal, snake

Run = Callable[[Sequence[str], Path], str]
"""Runs a command in a folder; raises with its output where it fails."""
Which = Callable[[str], str | None]

NO_HOST = re.compile(r"no language plugin '([\w-]+)' found")
NO_GENERATOR = "GeneratePackage not implemented"
EXAMPLE_SDK = Path("sdks") / "dokploy-deployments"
"""Where `pulumi package add` puts the SDK below a program."""


def as_in_schema(name: str) -> str:
    """Languages that write an input as schema.json does."""
    return name


@dataclass(frozen=True)
class Language:
    """How an SDK is compiled and tried.

    Attributes:
        tool: what has to be there.
        marker: the file or folder that an SDK of this language holds.
        commands: what compiles it, run where the marker is.
        spelling: how the language writes an input of schema.json.
        example: the folder of the program that uses the SDK, if there is one.
        is_compiled_with_example: the commands are those of the example, with the SDK inside.
        is_run: whether the example is run with `pulumi up`.
    """

    name: str
    tool: str
    marker: str
    commands: tuple[tuple[str, ...], ...]
    spelling: Callable[[str], str]
    example: str = ""
    is_compiled_with_example: bool = False
    is_run: bool = False


LANGUAGES = (
    Language(
        "nodejs",
        "npm",
        "package.json",
        (("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"), ("npx", "--no", "--", "tsc", "--noEmit")),
        as_in_schema,
        "typescript",
        is_run=True,
    ),
    Language(
        "go", "go", "go.mod", (("go", "mod", "tidy"), ("go", "build", "./...")), pascal, example="go", is_run=True
    ),
    Language("python", sys.executable, "pyproject.toml", ((sys.executable, "-m", "compileall", "-q", "."),), snake),
    # Its generator makes sources without a build file: the example's compiles them together with the program.
    Language(
        "java",
        "mvn",
        "src",
        (("mvn", "--batch-mode", "--quiet", "compile"),),
        as_in_schema,
        "java",
        is_compiled_with_example=True,
    ),
    Language("dotnet", "dotnet", "*.csproj", (("dotnet", "build", "--nologo", "--verbosity", "quiet"),), pascal),
)


@dataclass(frozen=True)
class Outcome:
    """What came of one language; `reason` says why it was not compiled."""

    language: str
    done: tuple[str, ...] = ()
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.language}: {', '.join(self.done) or f'not compiled, {self.reason}'}"


def make(
    schema: Path,
    into: Path,
    run: Run,
    failure: type[Exception],
    examples: Path,
    run_example: Callable[[Path], None],
    which: Which = shutil.which,
) -> Iterator[Outcome]:
    """Generate, compile and try one language after the other.

    Args:
        schema: the schema's file.
        into: an empty folder.
        run: how commands are run.
        failure: what `run` raises where a command fails; it goes on to the caller unless it says that the engine has
            no generator for the language. Raised also where an SDK lacks an input.
        examples: the folder of the examples.
        run_example: runs one example with `pulumi up`.
        which: finds a command.
    """
    inputs = inputs_of(schema)
    for language in LANGUAGES:
        made = into / language.name
        try:
            run(("pulumi", "package", "gen-sdk", str(schema), "--language", language.name, "--out", str(made)), into)
        except failure as refused:
            reason = _no_generator(str(refused))
            if reason is None:
                raise
            yield Outcome(language.name, reason=reason)
            continue
        if which(language.tool) is None:
            yield Outcome(language.name, reason=f"for want of {language.tool}")
            continue
        sdk = _folder_of(language, made)
        if sdk is None:
            yield Outcome(language.name, reason=f"since the SDK holds no {language.marker}")
            continue
        lacking = lacking_names(sdk, map(language.spelling, inputs))
        if lacking:
            raise failure(f"the SDK for {language.name} lacks the inputs {', '.join(lacking)}")
        folder = sdk
        if language.is_compiled_with_example:
            folder = into / f"{language.name}-example"
            shutil.copytree(examples / language.example, folder)
            shutil.copytree(sdk, folder / EXAMPLE_SDK)
        for command in language.commands:
            run(command, folder)
        done = ["compiled"]
        if language.is_compiled_with_example:
            done.append(f"examples/{language.example} compiled")
        if language.is_run:
            run_example(examples / language.example)
            done.append(f"examples/{language.example} run")
        yield Outcome(language.name, tuple(done))


def inputs_of(schema: Path) -> tuple[str, ...]:
    """The inputs of the provider and of all resources, as schema.json writes them."""
    package = json.loads(schema.read_text(encoding="utf-8"))
    resources = [package["provider"], *package["resources"].values()]
    return tuple(sorted({name for resource in resources for name in resource["inputProperties"]}))


def lacking_names(sdk: Path, names: Iterator[str]) -> list[str]:
    """Those of the names that stand nowhere in the SDK's sources."""
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in sorted(sdk.rglob("*")) if path.is_file())
    words = {word for text in texts for word in re.findall(r"\w+", text)}
    return [name for name in names if name not in words]


def _no_generator(refused: str) -> str | None:
    """Why the engine can't generate a language; None where it failed at it."""
    missing = NO_HOST.search(refused)
    if missing:
        return f"since the engine has no {missing[1]}"
    return "since the engine's language host generates no SDKs" if NO_GENERATOR in refused else None


def _folder_of(language: Language, made: Path) -> Path | None:
    found = sorted(made.rglob(language.marker), key=lambda path: len(path.parts))
    return found[0].parent if found else None
