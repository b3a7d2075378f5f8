"""Make sure that a real Pulumi engine with its Python and YAML language hosts is there.

Looked for in this order: a `pulumi` on PATH that runs, the engine cached by an earlier run, the official
installer, a build from Go module sources. Everything is said on stderr; stdout carries the folder with the
executables (with --print-bin) and nothing else.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

ENGINE_VERSION = "3.274.1"
PYTHON_HOST_VERSION = "3.68.0"  # the last one inside the SDK's module; later ones have their own
YAML_HOST_VERSION = "1.25.0"
OLDEST_ENGINE = (3, 230)
OLDEST_GO = (1, 21)  # from here on Go fetches by itself the newer toolchain that a module asks for
WANTED_GO = (1, 26)

INSTALLER = "https://get.pulumi.com"
INSTALL_DOCS = "https://www.pulumi.com/docs/install/"
GO_DOCS = "https://go.dev/doc/install"

PYTHON_HOST = "pulumi-language-python"
YAML_HOST = "pulumi-language-yaml"
PYTHON_EXEC = "pulumi-language-python-exec"
DYNAMIC_PROVIDER = "pulumi-resource-pulumi-python"

SDK_MODULE = "github.com/pulumi/pulumi/sdk/v3"
VERSION_FLAG = f"-X {SDK_MODULE}/go/common/version.Version=v{ENGINE_VERSION}"

PARTS_FILE = "parts.json"
TAIL_LINES = 25
HEARTBEAT_SECONDS = 30.0


@dataclass(frozen=True)
class Engine:
    """An engine that answered `pulumi version`."""

    bin_dir: Path
    version: str
    origin: str


class UnavailableError(Exception):
    """One way to an engine does not lead anywhere here; the text says why."""


class StepFailedError(UnavailableError):
    """A command of a way that had been taken failed."""

    def __init__(self, step: str, command: Sequence[str], outcome: str, output: str) -> None:
        lines = [line for line in output.splitlines() if line.strip()][-TAIL_LINES:]
        text = [f"the step '{step}' {outcome}", f"$ {shlex.join(command)}", *lines]
        super().__init__("\n".join(text))


class NoEngineError(Exception):
    """Every way failed; the text says how each of them did and what to do."""


Source = tuple[str, Callable[[], Engine]]


# What is decided without touching anything.


def cache_root(environ: Mapping[str, str]) -> Path:
    """Where engines are kept: outside the checkout, one for all checkouts."""
    if own := environ.get("PULUMI_DOKPLOY_ENGINE_CACHE"):
        return Path(own).expanduser().absolute()
    base = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME") or "~") / ".cache"
    return Path(base).expanduser().absolute() / "pulumi-dokploy-deployments"


def engine_home(root: Path) -> Path:
    """The folder of the engine version that this script sets up."""
    return root / f"engine-{ENGINE_VERSION}"


def parse_version(text: str) -> tuple[int, ...]:
    """The first version number in a text such as 'v3.274.1-dev' or 'go1.26.8'; empty when there is none."""
    match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part) for part in match.groups() if part is not None) if match else ()


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def expected_parts(origin: str) -> dict[str, str]:
    """What an engine of this origin is made of; a cached one that differs is built anew."""
    if origin == "installer":
        return {"origin": origin, "engine": ENGINE_VERSION}
    return {
        "origin": origin,
        "engine": ENGINE_VERSION,
        "python_host": PYTHON_HOST_VERSION,
        "yaml_host": YAML_HOST_VERSION,
    }


def go_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The user's Go settings (module cache, proxy, toolchain), less what would bend a plain native build."""
    kept = {key: value for key, value in environ.items() if key not in {"GOOS", "GOARCH", "GOBIN"}}
    flags = [flag for flag in environ.get("GOFLAGS", "").split() if not flag.startswith("-mod=")]
    return {**kept, "GOFLAGS": " ".join([*flags, "-mod=mod"]), "GOWORK": "off", "CGO_ENABLED": "0"}


def check_go(reported: str) -> str | None:
    """A remark about the Go that was found, if there is one; UnavailableError when it is too old."""
    found = parse_version(reported)
    name = reported.strip() or "no version"
    if found < OLDEST_GO:
        raise UnavailableError(f"Go is too old ({name}); {dotted(OLDEST_GO)} is the oldest that can do it")
    if found < WANTED_GO:
        return f"the engine wants Go {dotted(WANTED_GO)} or newer, this is {name}: Go fetches that by itself"
    return None


def failure_text(failures: Sequence[tuple[str, str]]) -> str:
    """Every way that was tried, why it failed, and what the reader can do."""
    lines = ["No Pulumi engine could be set up."]
    for name, reason in failures:
        first, *rest = reason.splitlines() or [""]
        lines.append(f"  {name}: {first}")
        lines.extend(f"      {line}" for line in rest)
    lines += [
        "What to do, either of the two, then run `make engine` again:",
        f"  - install Pulumi with its language hosts: {INSTALL_DOCS}",
        f"  - install Go {dotted(WANTED_GO)} or newer ({GO_DOCS}); the engine is then built from its sources",
    ]
    return "\n".join(lines)


def first_engine(sources: Sequence[Source], report: Callable[[str], None] = lambda text: None) -> Engine:
    """The engine of the first source that has one; NoEngineError with all reasons when none has."""
    failures: list[tuple[str, str]] = []
    for name, source in sources:
        try:
            return source()
        except UnavailableError as reason:
            failures.append((name, str(reason)))
            report(f"{name}: {str(reason).splitlines()[0]}")
    raise NoEngineError(failure_text(failures))


# What is looked at and done.


def say(text: str) -> None:
    print(f"engine: {text}", file=sys.stderr, flush=True)


def run_step(
    step: str,
    command: Sequence[str],
    *,
    about: str,
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
    limit_seconds: float = 3600.0,
) -> str:
    """Run one command with a word before, during and after; StepFailedError carries the end of its output."""
    say(f"{step} (about {about}) …")
    started = time.monotonic()
    try:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=None if environ is None else dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise StepFailedError(step, command, f"could not start: {error}", "") from error
    while True:
        try:
            output, _ = process.communicate(timeout=HEARTBEAT_SECONDS)
            break
        except subprocess.TimeoutExpired:
            elapsed = time.monotonic() - started
            if elapsed > limit_seconds:
                process.kill()
                output, _ = process.communicate()
                outcome = f"took longer than {duration(limit_seconds)}"
                raise StepFailedError(step, command, outcome, output) from None
            say(f"  … {step}: {duration(elapsed)} so far, about {about} in all")
        except BaseException:
            process.kill()
            process.wait()
            raise
    took = duration(time.monotonic() - started)
    if process.returncode != 0:
        raise StepFailedError(step, command, f"failed with exit code {process.returncode} after {took}", output)
    say(f"  done in {took}")
    return output


def ask_version(executable: Path) -> str:
    """What `pulumi version` answers; UnavailableError when it does not run or has nothing to say."""
    quiet = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        answer = subprocess.run(
            [executable, "version"], env=quiet, capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"{executable} does not run: {error}") from error
    if answer.returncode != 0 or not parse_version(answer.stdout):
        said = (answer.stderr or answer.stdout).strip() or "no version"
        raise UnavailableError(f"'{executable} version' failed with exit code {answer.returncode}: {said}")
    return answer.stdout.strip().removeprefix("v")


def has_host(name: str, beside: Path, path: str) -> bool:
    """Whether the engine would find this language host: beside its own executable or on PATH."""
    neighbours = (beside.parent / name, beside.resolve().parent / name)
    return any(os.access(file, os.X_OK) for file in neighbours) or shutil.which(name, path=path) is not None


def on_path(path: str, version_of: Callable[[Path], str] = ask_version) -> Engine:
    """The engine that the user has installed."""
    found = shutil.which("pulumi", path=path)
    if found is None:
        raise UnavailableError("there is no pulumi on PATH")
    executable = Path(found).absolute()
    version = version_of(executable)
    if parse_version(version) < OLDEST_ENGINE:
        raise UnavailableError(f"{executable} is {version}, older than {dotted(OLDEST_ENGINE)}")
    if not has_host(PYTHON_HOST, executable, path):
        raise UnavailableError(f"{executable} has no {PYTHON_HOST} beside it or on PATH")
    if not has_host(YAML_HOST, executable, path):
        say(f"{executable} has no {YAML_HOST} beside it: programs in YAML will not run")
    return Engine(executable.parent, version, "from PATH")


def cached(home: Path, version_of: Callable[[Path], str] = ask_version) -> Engine:
    """The engine that an earlier run of this script left behind."""
    try:
        parts = json.loads((home / PARTS_FILE).read_text())
    except FileNotFoundError:
        raise UnavailableError(f"nothing in {home} yet") from None
    except (OSError, ValueError) as error:
        raise UnavailableError(f"{home / PARTS_FILE} can't be read: {error}") from error
    origin = parts.get("origin", "") if isinstance(parts, dict) else ""
    if parts != expected_parts(origin):
        raise UnavailableError(f"{home} holds other parts than wanted now")
    bin_dir = home / "bin"
    version = version_of(bin_dir / "pulumi")
    missing = [name for name in (PYTHON_HOST, YAML_HOST) if not os.access(bin_dir / name, os.X_OK)]
    if missing:
        raise UnavailableError(f"{bin_dir} lacks {', '.join(missing)}")
    return Engine(bin_dir, version, "from the cache")


def install(home: Path) -> Engine:
    """The official installer, into our own folder."""
    curl = shutil.which("curl")
    if curl is None:
        raise UnavailableError(f"curl is missing, which {INSTALLER} needs")
    with replacing(home) as partial:
        script = partial / "install.sh"
        fetch = [curl, "-fsSL", "--connect-timeout", "5", "--max-time", "30", "-o", str(script), INSTALLER]
        run_step("asking the official installer", fetch, about="1 s")
        root = ["--install-root", str(partial), "--no-edit-path"]
        run_step(
            f"installing Pulumi {ENGINE_VERSION} with it",
            ["sh", str(script), "--version", ENGINE_VERSION, *root],
            about="1 min",
            limit_seconds=900,
        )
        script.unlink()
        finish(partial, "installer")
    return replace(cached(home), origin="fresh from the official installer")


def build(home: Path, environ: Mapping[str, str]) -> Engine:
    """The engine and its language hosts, built by Go from module sources."""
    go = shutil.which("go", path=environ.get("PATH"))
    if go is None:
        raise UnavailableError("there is no go on PATH to build it with")
    env = go_environment(environ)
    asked = subprocess.run([go, "env", "GOVERSION"], env=env, capture_output=True, text=True, check=False)
    if remark := check_go(asked.stdout):
        say(remark)
    say("building from module sources: needs about 3 GB of memory and 4 GB of disk, once")
    with replacing(home) as partial:
        bin_dir = partial / "bin"
        bin_dir.mkdir()
        scratch = partial / "scratch"

        def compile_one(part: str, package: str, version: str, ldflags: str, about: str) -> Path:
            module = scratch / package.rsplit("/", 1)[-1]
            module.mkdir(parents=True)
            flags = ["-trimpath", "-buildvcs=false", "-ldflags", ldflags, "-o", str(bin_dir)]
            for step, expected, arguments in (
                ("new module", "1 s", ["mod", "init", "scratch"]),
                ("fetching the sources", "30 s", ["get", f"{package}@v{version}"]),
                ("compiling", about, ["build", *flags, package]),
            ):
                run_step(f"{part}: {step}", [go, *arguments], about=expected, cwd=module, environ=env)
            return module

        engine = compile_one(
            f"Pulumi engine {ENGINE_VERSION}",
            "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
            ENGINE_VERSION,
            f"-s -w {VERSION_FLAG}",
            "4 to 7 min on two cores",
        )
        compile_one(
            f"Python language host {PYTHON_HOST_VERSION}",
            f"{SDK_MODULE}/python/cmd/{PYTHON_HOST}",
            PYTHON_HOST_VERSION,
            "-s -w",
            "15 s",
        )
        compile_one(
            f"YAML language host {YAML_HOST_VERSION}",
            f"github.com/pulumi/pulumi-yaml/cmd/{YAML_HOST}",
            YAML_HOST_VERSION,
            "-s -w",
            "30 s",
        )
        answer = run_step(
            "fetching the two scripts of the Python host",
            [go, "mod", "download", "-json", f"{SDK_MODULE}@v{ENGINE_VERSION}"],
            about="1 s",
            cwd=engine,
            environ=env,
        )
        sdk = Path(str(json.loads(answer[answer.index("{") :])["Dir"])) / "python"
        for script in (sdk / "cmd" / PYTHON_EXEC, sdk / "dist" / DYNAMIC_PROVIDER):
            shutil.copyfile(script, bin_dir / script.name)
            (bin_dir / script.name).chmod(0o755)
        shutil.rmtree(scratch)
        finish(partial, "go")
    return replace(cached(home), origin="freshly built")


def finish(partial: Path, origin: str) -> None:
    """Prove that a new engine runs and record what it is made of."""
    version = ask_version(partial / "bin" / "pulumi")
    if parse_version(version) != parse_version(ENGINE_VERSION):
        raise UnavailableError(f"the new engine calls itself {version} instead of {ENGINE_VERSION}")
    (partial / PARTS_FILE).write_text(json.dumps(expected_parts(origin), indent=2) + "\n")


@contextlib.contextmanager
def replacing(home: Path) -> Iterator[Path]:
    """A temporary sibling that takes the place of `home` at the end; no trace if the block fails."""
    for leftover in home.parent.glob(f"{home.name}.*"):
        shutil.rmtree(leftover, ignore_errors=True)
    partial = home.with_name(f"{home.name}.partial-{os.getpid()}")
    partial.mkdir(parents=True)
    try:
        yield partial
        if home.exists():
            home.rename(home.with_name(f"{home.name}.old-{os.getpid()}"))
        partial.rename(home)
    finally:
        for leftover in home.parent.glob(f"{home.name}.*"):
            shutil.rmtree(leftover, ignore_errors=True)


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """One setup at a time; the lock goes with the process that holds it."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / "engine.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another setup is at work on the engine; waiting for it to end")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def ensure_engine(environ: Mapping[str, str]) -> Engine:
    """An engine, from wherever it can be had."""
    root = cache_root(environ)
    home = engine_home(root)
    at_hand: list[Source] = [
        ("PATH", lambda: on_path(environ.get("PATH", ""))),
        ("cache", lambda: cached(home)),
    ]
    to_be_made: list[Source] = [
        ("official installer", lambda: install(home)),
        ("build with Go", lambda: build(home, environ)),
    ]
    with contextlib.suppress(NoEngineError):
        return first_engine(at_hand)
    with locked(root):  # whoever held the lock before may have set the engine up: look at everything again
        return first_engine([*at_hand, *to_be_made], report=say)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--print-bin", action="store_true", help="print the engine's folder on stdout")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as tidily as Ctrl-C
    try:
        engine = ensure_engine(os.environ)
    except NoEngineError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted; nothing half-built was left behind")
        return 130
    took = duration(time.monotonic() - started)
    say(f"Pulumi {engine.version} is ready in {engine.bin_dir} ({engine.origin}; {took})")
    if options.print_bin:
        print(engine.bin_dir)
    return 0


if __name__ == "__main__":
    sys.exit(main())
