"""SDKs from schema.json for each language that the engine here generates, compiled where a compiler is.

A language that can't be generated or compiled here is named with the reason; it is never left out silently.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

Run = Callable[[Sequence[str], Path], str]
"""Runs a command in a folder; raises with its output where it fails."""
Which = Callable[[str], str | None]

NO_HOST = re.compile(r"no language plugin '([\w-]+)' found")
OWN_IMPORT = re.compile(r'^\s*(?:import )?"([^"\s]+)/internal"$', re.MULTILINE)
NO_GENERATOR = "GeneratePackage not implemented"


@dataclass(frozen=True)
class Language:
    """How an SDK is compiled: the tool that has to be there, the file that marks its folder, and the commands."""

    name: str
    tool: str
    marker: str
    commands: tuple[tuple[str, ...], ...]


LANGUAGES = (
    Language(
        "nodejs",
        "npm",
        "package.json",
        (("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"), ("npx", "--no", "tsc", "--noEmit")),
    ),
    Language("go", "go", "go.mod", (("go", "mod", "tidy"), ("go", "build", "./..."))),
    Language("python", sys.executable, "pyproject.toml", ((sys.executable, "-m", "compileall", "-q", "."),)),
    Language("java", "gradle", "build.gradle", (("gradle", "--no-daemon", "--quiet", "compileJava"),)),
    Language("dotnet", "dotnet", "*.csproj", (("dotnet", "build", "--nologo", "--verbosity", "quiet"),)),
)


@dataclass(frozen=True)
class Outcome:
    """What came of one language; `reason` says why it was not compiled."""

    language: str
    is_compiled: bool
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.language}: compiled" if self.is_compiled else f"{self.language}: not compiled, {self.reason}"


def make(
    schema: Path, into: Path, run: Run, failure: type[Exception], which: Which = shutil.which
) -> Iterator[Outcome]:
    """Generate and compile one language after the other.

    Args:
        schema: the schema's file.
        into: an empty folder.
        run: how commands are run.
        failure: what `run` raises where a command fails; it goes on to the caller unless it says that the engine has
            no generator for the language.
        which: finds a command.
    """
    for language in LANGUAGES:
        made = into / language.name
        try:
            run(("pulumi", "package", "gen-sdk", str(schema), "--language", language.name, "--out", str(made)), into)
        except failure as refused:
            reason = _no_generator(str(refused))
            if reason is None:
                raise
            yield Outcome(language.name, False, reason)
            continue
        if which(language.tool) is None:
            yield Outcome(language.name, False, f"for want of {language.tool}")
            continue
        folder = _folder_of(language, made, run)
        if folder is None:
            yield Outcome(language.name, False, f"since the SDK holds no {language.marker}")
            continue
        for command in language.commands:
            run(command, folder)
        yield Outcome(language.name, True)


def _no_generator(refused: str) -> str | None:
    """Why the engine can't generate a language; None where it failed at it."""
    missing = NO_HOST.search(refused)
    if missing:
        return f"since the engine has no {missing[1]}"
    return "since the engine's language host generates no SDKs" if NO_GENERATOR in refused else None


def _folder_of(language: Language, made: Path, run: Run) -> Path | None:
    found = sorted(made.rglob(language.marker), key=lambda path: len(path.parts))
    if found:
        return found[0].parent
    # Go's generator leaves the module to the repository that the SDK is published in; its files know the path.
    for source in sorted(made.rglob("*.go"), key=lambda path: len(path.parts)):
        module = OWN_IMPORT.search(source.read_text(encoding="utf-8"))
        if language.name == "go" and module:
            run(("go", "mod", "init", module[1]), source.parent)
            return source.parent
    return None
