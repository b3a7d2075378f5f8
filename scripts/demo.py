"""The main job in front of your eyes: real `pulumi` commands against the simulator, each verdict checked.

Exit code 0 means that every step went as announced.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import processes
import setup_engine
from tracebacks import shows_traceback

from pulumi_dokploy_deployments.simulator.process import SimulatorProcess, start_simulator

REPOSITORY = Path(__file__).parent.parent
EXAMPLE = REPOSITORY / "examples" / "quickstart"
STACK = "demo"
BUILD_SECONDS = 0.3
COMMAND_SECONDS = 120.0
BOLD, GREEN, RED, DIM, PLAIN = (
    ("\033[1m", "\033[32m", "\033[31m", "\033[2m", "\033[0m")
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ
    else ("",) * 5
)

Prepare = Callable[["Demo"], None]
Check = Callable[["Demo"], list[str]]


@dataclass(frozen=True)
class Step:
    """One step of the story: what is typed and what must come of it."""

    title: str
    tells: str
    commands: tuple[tuple[str, ...], ...]
    succeeds: bool = True
    words: tuple[str, ...] = ()  # in the output of the last command
    prepare: Prepare | None = None
    check: Check | None = None  # complaints; none when all is well


@dataclass(frozen=True)
class Outcome:
    """How one command ended."""

    exit_code: int
    output: str
    seconds: float


def complaints(step: Step, outcomes: Sequence[Outcome]) -> list[str]:
    """What is not as the step announced: exit codes and words. All commands but the last must succeed."""
    found = [
        f"'{shlex.join(command)}' ended with exit code {outcome.exit_code}"
        for command, outcome in list(zip(step.commands, outcomes, strict=False))[:-1]
        if outcome.exit_code != 0
    ]
    last = outcomes[-1]
    if step.succeeds and last.exit_code != 0:
        found.append(f"it should have succeeded, the exit code is {last.exit_code}")
    if not step.succeeds and last.exit_code == 0:
        found.append("it should have failed, the exit code is 0")
    found += [f"the output does not say '{word}'" for word in step.words if word not in last.output]
    if shows_traceback(last.output):
        found.append("the output shows a Python traceback")
    return found


@dataclass
class Demo:
    """A temporary project with its own state, and what happened to it so far."""

    simulator: SimulatorProcess
    folder: Path
    engine_bin: Path
    transcript: list[str] = field(default_factory=list)
    requests_before: int = 0
    id_before: str = ""

    @property
    def project(self) -> Path:
        return self.folder / "quickstart"

    @property
    def application_id(self) -> str:
        """The application that is deployed: built from git, with rollbacks switched on."""
        return str(self.simulator.ready["applications"]["ok"])

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def env(self) -> dict[str, str]:
        # Compiled files make every command quicker, as they do in a user's own project.
        dropped = ("DOKPLOY_", "PULUMI_", "PYTHONDONTWRITEBYTECODE")
        outer = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
        path = [str(Path(sys.executable).parent), str(self.engine_bin), outer.get("PATH", os.defpath)]
        return {
            **outer,
            "PATH": os.pathsep.join(path),
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": self.state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "demo",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }

    def set_up(self) -> None:
        """Copy the example and give it a stack and its configuration."""
        self.state.mkdir()
        ignored = shutil.ignore_patterns("__pycache__", "venv", ".venv", "Pulumi.*.yaml")
        shutil.copytree(EXAMPLE, self.project, ignore=ignored)
        lend_virtualenv(self.project)
        plain = {
            "dokploy:endpoint": self.simulator.endpoint,
            "quickstart:applicationId": self.application_id,
            "quickstart:release": "v1",
        }
        settings = [part for key, value in plain.items() for part in ("--plaintext", f"{key}={value}")]
        commands: tuple[tuple[tuple[str, ...], str | None], ...] = (
            (("pulumi", "stack", "init", STACK), None),
            (("pulumi", "config", "set-all", *settings), None),
            (("pulumi", "config", "set", "dokploy:apiKey", "--secret"), self.simulator.api_key),
        )
        for command, typed in commands:
            if self.type(command, typed).exit_code != 0:
                raise SystemExit("demo: the set-up failed, see above")

    def play(self, step: Step) -> list[str]:
        """Run one step; its complaints."""
        if step.prepare:
            step.prepare(self)
        self.requests_before = len(self.requests())
        self.id_before = self.deployment_id()
        outcomes = [self.type(command) for command in step.commands]
        return complaints(step, outcomes) + (step.check(self) if step.check else [])

    def type(self, command: tuple[str, ...], stdin: str | None = None) -> Outcome:
        """Run a command as a user would, its output streamed; a secret is typed in, never an argument."""
        show(f"{BOLD}$ {shlex.join(command)}{PLAIN}")
        started = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=self.project,
            env=self.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        guard = threading.Timer(COMMAND_SECONDS, processes.end, (process,))
        guard.start()
        lines: list[str] = []
        try:
            assert process.stdin is not None  # noqa: S101
            assert process.stdout is not None  # noqa: S101
            with process.stdin as keyboard:
                keyboard.write(stdin or "")
            for line in process.stdout:
                lines.append(line)
                show(f"  {line.rstrip()}")
            process.wait()
        finally:
            guard.cancel()
            processes.end(process)
        output = "".join(lines)
        self.transcript.append(output)
        return Outcome(process.returncode, output, time.monotonic() - started)

    def deployment_id(self) -> str:
        """The id of the program's deployment in the state; empty when there is none."""
        found = list(self.state.glob(f".pulumi/stacks/*/{STACK}.json"))
        if not found:
            return ""
        latest = json.loads(found[0].read_text())["checkpoint"].get("latest") or {}
        resources = latest.get("resources") or []
        return next((str(each["id"]) for each in resources if each["type"].endswith(":Deployment")), "")

    def requests(self) -> list[dict[str, object]]:
        """Every request that reached the server's API so far."""
        return list(self.simulator.state()["requests"])

    def push(self, message: str, **outcome: str) -> None:
        """Somebody pushes a commit to the application's repository; its build and container may go wrong."""
        self.simulator.control("push_commit", service=self.application_id, message=message, **outcome)

    def leaks(self) -> list[str]:
        """Where a secret can be read: files of state and project, and everything that was printed."""
        secrets: list[str] = [self.simulator.api_key, *self.simulator.ready.get("secrets", [])]
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        texts = {str(path.relative_to(self.folder)): path.read_bytes().decode(errors="replace") for path in files}
        texts["the printed output"] = "".join(self.transcript)
        return [where for where, text in texts.items() if any(secret in text for secret in secrets)]


# The checks beyond exit codes and words.


def nothing_was_sent(demo: Demo) -> list[str]:
    sent = demo.requests()[demo.requests_before :]
    show(f"{DIM}  the simulator's request log: {len(sent)} requests reached the server during this step{PLAIN}")
    return [f"requests were sent: {[request['path'] for request in sent]}"] if sent else []


def nothing_was_written(demo: Demo) -> list[str]:
    calls = demo.requests()[demo.requests_before :]
    writes = [call["path"] for call in calls if call["method"] != "GET"]
    show(f"{DIM}  the simulator's request log: {len(calls)} requests, {len(writes)} of them write{PLAIN}")
    return [f"something was written: {writes}"] if writes else []


def one_trigger(demo: Demo) -> list[str]:
    sent = [call for call in demo.requests()[demo.requests_before :] if call["path"] == "/api/application.deploy"]
    show(f"{DIM}  the simulator's request log: {len(sent)} call of application.deploy during this step{PLAIN}")
    return [] if len(sent) == 1 else [f"application.deploy was called {len(sent)} times instead of once"]


def same_resource(demo: Demo) -> list[str]:
    now = demo.deployment_id()
    show(f"{DIM}  resource id before: {demo.id_before}, now: {now}{PLAIN}")
    return [] if now and now == demo.id_before else ["the resource was replaced instead of updated"]


def first_version_runs(demo: Demo) -> list[str]:
    app_name = demo.simulator.ready["app_names"]["applications"]["ok"]
    service = demo.simulator.state()["services"][app_name]
    versions = [task["version"] for task in service["running"]]
    show(f"{DIM}  on the server: image {service['image']}, version of the running containers: {versions}{PLAIN}")
    return [] if versions and set(versions) == {1} else [f"version 1 should run, it is {versions}"]


def nothing_left(demo: Demo) -> list[str]:
    left = demo.deployment_id()
    app_name = demo.simulator.ready["app_names"]["applications"]["ok"]
    running = demo.simulator.state()["services"][app_name]["running"]
    show(f"{DIM}  on the server: {len(running)} container of the service runs{PLAIN}")
    found = [f"the state still holds {left}"] if left else []
    return found if running else [*found, "the service does not run any more"]


# What happens on the server's side of the story.


def push_a_good_commit(demo: Demo) -> None:
    demo.push("feat: second version")


def push_one_that_does_not_build(demo: Demo) -> None:
    demo.push("feat: does not build", build="fails")


def push_one_that_crashes(demo: Demo) -> None:
    demo.push("feat: exits at once", runtime="exits")


UP = ("pulumi", "up", "--yes", "--skip-preview")


def release(name: str) -> tuple[str, ...]:
    return ("pulumi", "config", "set", "quickstart:release", name)


STEPS = (
    Step(
        "Preview",
        "The plan shows one deployment to create; nothing may happen on the server yet.",
        (("pulumi", "preview"),),
        words=("+ 2 to create",),
        check=nothing_was_written,
    ),
    Step(
        "First deployment",
        "Triggers one deployment, follows its build log and waits until the new version really runs.",
        (UP,),
        words=("+ 2 created",),
        check=one_trigger,
    ),
    Step(
        "Nothing changed",
        "The same program again: nothing may be sent to the server.",
        (UP,),
        words=("2 unchanged",),
        check=nothing_was_sent,
    ),
    Step(
        "A new release",
        "A changed trigger deploys again, in place: the resource keeps its id.",
        (release("v2"), UP),
        words=("~ 1 updated",),
        prepare=push_a_good_commit,
        check=same_resource,
    ),
    Step(
        "Rollback",
        "Pins the version before, by its stored image, and proves that this image is what runs.",
        (("pulumi", "config", "set", "quickstart:pinPrevious", "1"), UP),
        words=("pins version 1", "pinHolds", "+ 1 created"),
        check=first_version_runs,
    ),
    Step(
        "A build that breaks",
        "The pin is taken out again. The update must fail and show the end of the build log.",
        (("pulumi", "config", "rm", "quickstart:pinPrevious"), release("v3-broken"), UP),
        succeeds=False,
        words=("error: ", "returned a non-zero code: 7"),
        prepare=push_one_that_does_not_build,
        check=same_resource,
    ),
    Step(
        "A container that crashes",
        "The server calls it done, but the new container exits: the update must fail and say what still runs.",
        (release("v4-crashing"), UP),
        succeeds=False,
        words=("error: ", "still runs"),
        prepare=push_one_that_crashes,
        check=same_resource,
    ),
    Step(
        "Destroy",
        "The resource leaves the state; the service keeps running.",
        (("pulumi", "destroy", "--yes", "--skip-preview"),),
        words=("- 3 deleted",),
        check=nothing_left,
    ),
)


# Telling it.


def show(text: str) -> None:
    print(text, flush=True)


def verdict(title: str, found: Sequence[str], seconds: float) -> None:
    if not found:
        show(f"{GREEN}✔ {title}: as announced ({seconds:.1f} s){PLAIN}")
        return
    for complaint in found:
        show(f"{RED}✘ {title}: {complaint}{PLAIN}")


def perform(demo: Demo) -> list[str]:
    """All steps, the last look for the key, and the names of what did not go as announced."""
    server = demo.simulator.process
    failed: list[str] = []
    for number, step in enumerate(STEPS, 1):
        show(f"\n{BOLD}━━ {number}/{len(STEPS)}  {step.title}{PLAIN}\n{step.tells}")
        started = time.monotonic()
        if server.poll() is not None:
            raise SystemExit(f"demo: the simulator has ended by itself, exit code {server.returncode}")
        found = demo.play(step)
        verdict(step.title, found, time.monotonic() - started)
        if found:
            failed.append(step.title)
    show(
        f"\n{BOLD}━━ The API key{PLAIN}\nNeither the state, nor the project, nor anything printed may hold it in clear."
    )
    leaks = [f"found in {place}" for place in demo.leaks()]
    verdict("The API key", leaks, 0.0)
    return failed + (["The API key"] if leaks else [])


def main() -> int:
    started = time.monotonic()
    try:
        engine = setup_engine.ensure_engine(os.environ)
    except setup_engine.NoEngineError as error:
        print(error, file=sys.stderr)
        return 1
    folder = Path(tempfile.mkdtemp(prefix="dokploy-demo-"))
    try:
        with start_simulator(build_seconds=BUILD_SECONDS) as simulator:
            demo = Demo(simulator, folder, engine.bin_dir)
            show(f"Pulumi {engine.version}, a simulated Dokploy at {simulator.endpoint}, a copy of examples/quickstart")
            show(f"with a state of its own. Everything is temporary: {folder}")
            demo.set_up()
            failed = perform(demo)
    except KeyboardInterrupt:
        show("\ndemo: interrupted")
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    took = setup_engine.duration(time.monotonic() - started)
    if failed:
        show(f"\n{RED}{BOLD}Not as announced: {', '.join(failed)} ({took}){PLAIN}")
        return 1
    show(f"\n{GREEN}{BOLD}Everything went as announced ({took}){PLAIN}")
    return 0


def lend_virtualenv(project: Path) -> None:
    """Where the example names a virtualenv of its own, give it the one that this script runs in."""
    named = re.search(r"^\s+virtualenv:\s*['\"]?([\w./-]+)", (project / "Pulumi.yaml").read_text(), re.MULTILINE)
    if named:
        (project / named.group(1)).symlink_to(sys.prefix, target_is_directory=True)


if __name__ == "__main__":
    sys.exit(main())
