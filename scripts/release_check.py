"""Build what would be released and use it as a stranger does: from the wheel, in an empty environment, outside.

    python scripts/release_check.py            everything, about a minute; needs a package index for pip
    python scripts/release_check.py --quick    what needs neither an index nor an engine, a few seconds

Nothing is published, and nothing is written into the checkout unless --out says so.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.parser import HeaderParser
from pathlib import Path

import plugin_archive
import processes
import sdks
import setup_engine

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "pulumi_dokploy_deployments"
COMMAND = "dokploy-deployments"
PLUGIN = f"pulumi-resource-{COMMAND}"
EXAMPLE = ROOT / "examples" / "quickstart"
NOT_COPIED = shutil.ignore_patterns("__pycache__", "venv", ".venv", "node_modules", "sdks", "Pulumi.*.yaml")
STEP_SECONDS = 600.0
NEEDED_FILES = ("__init__.py", "py.typed", "pulumi-plugin.json", "plugin.py", "version.py")
MOST_WHEEL_BYTES = 2_000_000
OUTSIDE = '''"""A program of a stranger, type-checked against the installed package."""

import pulumi

import pulumi_dokploy_deployments as dokploy
from pulumi_dokploy_deployments import plugin

version: str = dokploy.__version__
web = dokploy.Deployment("web", application_id="bBgqoPwlGcg-mwU16kR9d", triggers={"release": "1.4.0"})
pin = dokploy.RollbackTarget("pin", application_id="bBgqoPwlGcg-mwU16kR9d", previous=1)
other = plugin.Deployment("other", application_id="bBgqoPwlGcg-mwU16kR9d")
url: pulumi.Output[str | None] = web.url
'''
WRONG = "dokploy.Deployment('wrong', application_id=7)\n"


class ReleaseError(Exception):
    """What would be released is not as promised; the text says how."""


@dataclass
class Check:
    """The folders and files of one run."""

    folder: Path
    version: str
    quick: bool
    steps: list[str] = field(default_factory=list)

    @property
    def dist(self) -> Path:
        """Where wheel and sdist are built to."""
        return self.folder / "dist"

    @property
    def wheel(self) -> Path:
        return self.dist / f"{PACKAGE}-{self.version}-py3-none-any.whl"

    @property
    def sdist(self) -> Path:
        return self.dist / f"{PACKAGE}-{self.version}.tar.gz"

    @property
    def outside(self) -> Path:
        """An empty folder to run things in, so that the checkout is not on the import path."""
        return self.folder / "outside"

    @property
    def installed(self) -> Path:
        """The empty environment; with --quick the folder that holds the wheel's content."""
        return self.folder / "environment"

    @property
    def bin(self) -> Path:
        return self.installed / ("Scripts" if os.name == "nt" and not self.quick else "bin")

    @property
    def python(self) -> str:
        return sys.executable if self.quick else str(self.bin / "python")

    def environ(self, **more: str) -> dict[str, str]:
        """The environment of every command: nothing of Dokploy, Pulumi or the checkout's Python in it."""
        dropped = ("DOKPLOY_", "PULUMI_", "PYTHON", "VIRTUAL_ENV")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
        if self.quick:
            kept["PYTHONPATH"] = str(self.installed)
        kept["PATH"] = os.pathsep.join([str(self.bin), kept.get("PATH", os.defpath)])
        return {**kept, "NO_COLOR": "1", **more}

    def run(self, *command: str, environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
        """The command's standard output; ReleaseError when it fails."""
        return run(command, cwd or self.outside, environ or self.environ())


def run(command: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> str:
    """Run one command to its end, with a limit."""
    try:
        ended = subprocess.run(
            command, cwd=cwd, env=dict(environ), capture_output=True, text=True, timeout=STEP_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise ReleaseError(f"'{shlex.join(command)}' did not end within {STEP_SECONDS:.0f} s") from None
    if ended.returncode != 0:
        tail = "\n".join((ended.stdout + ended.stderr).splitlines()[-40:])
        raise ReleaseError(f"'{shlex.join(command)}' ended with exit code {ended.returncode}\n{tail}")
    return ended.stdout


def expect(condition: bool, otherwise: str) -> None:
    """ReleaseError unless the condition holds."""
    if not condition:
        raise ReleaseError(otherwise)


# The steps.


def build(check: Check) -> None:
    """sdist, and the wheel from the sdist, as an index's users get them."""
    isolation = ["--no-isolation"] if check.quick else []
    run([sys.executable, "-m", "build", *isolation, "--outdir", str(check.dist), str(ROOT)], ROOT, os.environ)
    expect(check.wheel.is_file() and check.sdist.is_file(), f"built: {sorted(p.name for p in check.dist.iterdir())}")


def twine(check: Check) -> None:
    """What the index would refuse, above all a page that can't be shown."""
    run([sys.executable, "-m", "twine", "check", "--strict", str(check.wheel), str(check.sdist)], ROOT, os.environ)


def content(check: Check) -> None:
    """The wheel holds the package and nothing else, and says what pyproject.toml says."""
    with zipfile.ZipFile(check.wheel) as wheel:
        names = wheel.namelist()
        info = f"{PACKAGE}-{check.version}.dist-info"
        metadata = HeaderParser().parsestr(wheel.read(f"{info}/METADATA").decode())
        commands = wheel.read(f"{info}/entry_points.txt").decode()
    missing = [name for name in NEEDED_FILES if f"{PACKAGE}/{name}" not in names]
    expect(not missing, f"the wheel lacks {missing}")
    strangers = sorted({name.split("/")[0] for name in names} - {PACKAGE, info})
    expect(not strangers, f"the wheel also holds {strangers}")
    expect(check.wheel.stat().st_size < MOST_WHEEL_BYTES, f"the wheel has {check.wheel.stat().st_size} bytes")
    expect(metadata["Version"] == check.version, f"the wheel says version {metadata['Version']}")
    expect(f"{info}/licenses/LICENSE" in names, "the wheel lacks its license")
    body = str(metadata.get_payload())
    expect("](docs/" not in body and "](examples" not in body, "the page links into the repository by relative paths")
    expect(all(f"{command} = " in commands for command in (COMMAND, PLUGIN)), f"the commands are: {commands}")
    with tarfile.open(check.sdist) as sdist:
        packed = {name.partition("/")[2] for name in sdist.getnames()}
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "schema.json", "tests/__init__.py"):
        expect(name in packed, f"the sdist lacks {name}")


def install(check: Check) -> None:
    """The wheel into an empty environment; with --quick beside the dependencies that are there."""
    check.outside.mkdir()
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if check.quick:
        offline = ["--no-deps", "--no-index", "--target", str(check.installed)]
        run([sys.executable, *pip, *offline, str(check.wheel)], check.outside, os.environ)
        return
    run([sys.executable, "-m", "venv", str(check.installed)], check.outside, os.environ)
    check.run(check.python, *pip, f"{check.wheel}[simulator]")
    check.run(check.python, "-m", "pip", "check")


def use(check: Check) -> None:
    """Import, versions, help: from outside the checkout."""
    where = check.run(check.python, "-c", f"import {PACKAGE} as p; print(p.__file__, p.__version__); p.Deployment")
    path, _, version = where.strip().rpartition(" ")
    expect(Path(path).is_relative_to(check.installed), f"the package is imported from {path}")
    expect(version == check.version, f"__version__ is {version}")
    for command in (COMMAND, PLUGIN):
        program = str(check.bin / command)
        said = check.run(program, "--version").strip()
        expect(said == f"{command} {check.version}", f"{command} --version says {said!r}")
    expect("--application" in check.run(str(check.bin / COMMAND), "doctor", "--help"), "doctor --help lacks an option")


def types(check: Check) -> None:
    """A stranger's program type-checks against the installed package, and a wrong one does not."""
    program = check.outside / "program.py"
    mypy = (sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(check.folder / "mypy"))
    command = (*mypy, "--python-executable", check.python, program.name)
    program.write_text(OUTSIDE, encoding="utf-8")
    check.run(*command)
    program.write_text(OUTSIDE + WRONG, encoding="utf-8")
    try:
        check.run(*command)
    except ReleaseError as refused:
        expect("[arg-type]" in str(refused), f"mypy does not refuse a number for an application's id: {refused}")
    else:
        raise ReleaseError("mypy accepts a number for an application's id")


def archive(check: Check) -> None:
    """The plugin's archive under each name that the engine may ask for."""
    written = plugin_archive.write(check.dist / "plugin", check.version)
    expect(len({path.read_bytes() for path in written}) == 1, "the archives differ")
    with tarfile.open(written[0]) as tar:
        names = sorted(tar.getnames())
    expect(names == ["LICENSE", "PulumiPlugin.yaml", "__main__.py", "requirements.txt"], f"it holds {names}")


def schema(check: Check, engine: Path) -> None:
    """The engine gets from the installed plugin the schema that the repository holds."""
    given = check.run("pulumi", "package", "get-schema", str(check.bin / PLUGIN), environ=engine_environ(check, engine))
    compare_schema(given)


def quickstart(check: Check, engine: Path) -> None:
    """`simulate` and the first example, as the README tells it."""
    run_example(check, engine, EXAMPLE)


def run_example(check: Check, engine: Path, example: Path, *prepare: Sequence[str]) -> None:
    """An example against the simulator: up, nothing to do, another release, back to the one before, destroy.

    Args:
        example: its folder; the program takes the configuration of the quickstart.
        prepare: commands before the first up, in the copy of the folder.
    """
    project = check.folder / example.name
    shutil.copytree(example, project, ignore=NOT_COPIED)
    with simulated(check) as server:
        environ = engine_environ(check, engine)
        environ |= {"DOKPLOY_ENDPOINT": server["endpoint"], "DOKPLOY_API_KEY": server["api_key"]}

        def pulumi(*arguments: str) -> str:
            return check.run("pulumi", *arguments, cwd=project, environ=environ)

        def up(expected: str, setting: str = "", value: str = "") -> None:
            if setting:
                pulumi("config", "set", setting, value)
            said = pulumi("up", "--yes", "--skip-preview")
            expect(expected in said, f"examples/{example.name}: {setting or 'up'}: expected {expected!r} in\n{said}")

        pulumi("stack", "init", "check")
        for command in prepare:
            check.run(*command, cwd=project, environ=environ)
        up("+ 2 created", "applicationId", server["application"])
        up("2 unchanged")
        up("~ 1 updated", "release", "2")
        up("+ 1 created", "pinPrevious", "1")
        pulumi("destroy", "--yes", "--skip-preview")


def plugin_install(check: Check, engine: Path) -> None:
    """The engine unpacks the archive, installs the package into it, and starts the provider from there."""
    packed = check.dist / "plugin" / plugin_archive.archive_name(check.version, plugin_archive.PLATFORMS[0])
    environ = engine_environ(check, engine)
    # This version is in no index yet: pip finds the wheel beside the others.
    environ["PIP_FIND_LINKS"] = " ".join([str(check.dist), environ.get("PIP_FIND_LINKS", "")]).strip()
    environ["PATH"] = os.pathsep.join([str(engine), str(Path(sys.executable).resolve().parent), os.environ["PATH"]])
    install = ("pulumi", "plugin", "install", "resource", COMMAND, check.version, "--file", str(packed))
    check.run(*install, environ=environ)
    folder = Path(environ["PULUMI_HOME"]) / "plugins" / f"resource-{COMMAND}-v{check.version}"
    expect(folder.is_dir(), f"there is no {folder}")
    # Language hosts before `virtualenv` put the environment into the folder itself and start the provider with the
    # Python on PATH; both kinds are served this way.
    inside = [str(folder / place / "bin") for place in ("venv", ".")]
    environ["PATH"] = os.pathsep.join([*inside, environ["PATH"]])
    given = check.run("pulumi", "package", "get-schema", f"{COMMAND}@{check.version}", cwd=folder, environ=environ)
    compare_schema(given)


def generated_sdks(check: Check, engine: Path) -> None:
    """An SDK from schema.json compiles in each language, and the examples run; what can't be had here is told."""
    environ = engine_environ(check, engine)
    made = check.folder / "sdks"
    made.mkdir()

    def run_here(command: Sequence[str], folder: Path) -> str:
        return run(command, folder, environ)

    def try_example(example: Path) -> None:
        run_example(check, engine, example, ("pulumi", "package", "add", str(check.bin / PLUGIN)))

    outcomes = sdks.make(ROOT / "schema.json", made, run_here, ReleaseError, ROOT / "examples", try_example)
    for outcome in outcomes:
        print(f"  {outcome}", flush=True)


def compare_schema(given: str) -> None:
    """ReleaseError unless the engine was given what schema.json says; it adds to it, and takes nothing away."""
    committed = json.loads((ROOT / "schema.json").read_text(encoding="utf-8"))
    served = json.loads(given)
    for part in ("name", "version"):
        expect(served[part] == committed[part], f"{part} is {served[part]!r}, in schema.json {committed[part]!r}")
    for part in ("resources", "functions", "types"):
        expect(set(served[part]) == set(committed[part]), f"the served {part} are not those of schema.json")


def engine_environ(check: Check, engine: Path) -> dict[str, str]:
    """The environment with an engine whose home and state are of this run."""
    state = check.folder / "state"
    state.mkdir(exist_ok=True)
    environ = check.environ(
        PULUMI_HOME=str(check.folder / "home"),
        PULUMI_BACKEND_URL=state.as_uri(),
        PULUMI_CONFIG_PASSPHRASE="release check",  # noqa: S106 - of a state that lives for a minute
        PULUMI_SKIP_UPDATE_CHECK="true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION="true",
    )
    environ["PATH"] = os.pathsep.join([str(check.bin), str(engine), environ["PATH"]])
    return environ


@contextlib.contextmanager
def simulated(check: Check) -> Iterator[dict[str, str]]:
    """`dokploy-deployments simulate` from the wheel; the address, the key and an application's id."""
    command = [str(check.bin / COMMAND), "simulate", "--json", "--build-seconds", "0.3", "--max-seconds", "600"]
    process = subprocess.Popen(
        command,
        cwd=check.outside,
        env=check.environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        line = process.stdout.readline() if process.stdout is not None else ""
        expect(bool(line), "the simulator ended before it was ready")
        ready = json.loads(line)
        yield {**{key: ready[key] for key in ("endpoint", "api_key")}, "application": ready["applications"]["ok"]}
    finally:
        processes.end(process)


# Telling it.

STEPS: tuple[Callable[[Check], None], ...] = (build, twine, content, install, use, types, archive)
QUICK_STEPS: tuple[Callable[[Check], None], ...] = (build, twine, content, install, use, archive)
ENGINE_STEPS: tuple[Callable[[Check, Path], None], ...] = (schema, quickstart, plugin_install, generated_sdks)


def told(check: Check, name: str, step: Callable[[], None]) -> None:
    """Run a step and say how long it took."""
    started = time.monotonic()
    step()
    check.steps.append(name)
    print(f"✔ {name.replace('_', ' ')} ({setup_engine.duration(time.monotonic() - started)})", flush=True)


def find_engine() -> Path | None:
    """The folder of an engine; None when there is none. On CI that is an error."""
    try:
        return setup_engine.ensure_engine(os.environ).bin_dir
    except setup_engine.NoEngineError as error:
        if os.environ.get("CI"):
            raise ReleaseError(str(error)) from None
        print(f"– skipped, for want of an engine: {', '.join(step.__name__ for step in ENGINE_STEPS)}", flush=True)
        return None


def check_release(folder: Path, *, quick: bool) -> list[str]:
    """Run the steps in this empty folder; the names of those that ran. ReleaseError tells the first that failed."""
    check = Check(folder, plugin_archive.project_version(), quick)
    for step in QUICK_STEPS if quick else STEPS:
        told(check, step.__name__, lambda step=step: step(check))  # type: ignore[misc]
    engine = None if quick else find_engine()
    if engine is not None:
        for on_engine in ENGINE_STEPS:
            told(check, on_engine.__name__, lambda step=on_engine: step(check, engine))  # type: ignore[misc]
    return check.steps


def expect_tag(tag: str, version: str) -> None:
    """A release is tagged with v and the version of pyproject.toml."""
    expect(tag == f"v{version}", f"the tag is {tag}, the version in pyproject.toml {version}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only what needs neither an index nor an engine")
    parser.add_argument("--tag", help="the tag of this release, to be compared with the version")
    parser.add_argument("--out", type=Path, help="where to put the files when all is well: those that were checked")
    options = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="release-check-") as name:
        folder = Path(name).resolve()
        try:
            if options.tag:
                expect_tag(options.tag, plugin_archive.project_version())
            expect(not (options.out and options.out.exists()), f"{options.out} is there already: move it away")
            check_release(folder, quick=options.quick)
            if options.out:
                shutil.copytree(folder / "dist", options.out)
        except ReleaseError as error:
            print(f"release-check: {error}", file=sys.stderr)
            return 1
    print(f"All is well ({setup_engine.duration(time.monotonic() - started)})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
