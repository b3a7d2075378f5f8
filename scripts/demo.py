"""The main job in front of your eyes: real `pulumi` commands against the simulator, each verdict checked.

Exit code 0 means that every step went as announced.
"""

from __future__ import annotations

import json
import os
import queue
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import setup_engine

REPOSITORY = Path(__file__).parent.parent
EXAMPLE = REPOSITORY / "examples" / "quickstart"
STACK = "demo"
BUILD_SECONDS = 2.0
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
    if "Traceback (most recent call last)" in last.output:
        found.append("the output shows a Python traceback")
    return found


@dataclass
class Simulator:
    """The simulator, a process of its own."""

    process: subprocess.Popen[str]
    details: dict[str, Any]

    @classmethod
    def start(cls) -> Simulator:
        command = [sys.executable, "-m", "pulumi_dokploy_deployments.simulator"]
        process = subprocess.Popen(
            [*command, "--port", "0", "--build-seconds", str(BUILD_SECONDS)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=_forward, args=(process, lines), daemon=True).start()
        try:
            line = lines.get(timeout=30)
            return cls(process, dict(json.loads(line)))
        except (queue.Empty, ValueError) as error:
            process.kill()
            raise SystemExit(f"demo: the simulator did not start: {error!r}") from error

    @property
    def endpoint(self) -> str:
        return str(self.details["endpoint"])

    @property
    def api_key(self) -> str:
        return str(self.details["api_key"])

    @property
    def application_id(self) -> str:
        """The application that the demo deploys."""
        applications: dict[str, str] = self.details["applications"]
        return next(iter(applications.values()))

    def control(self, method: str, path: str, body: dict[str, object] | None = None) -> Any:
        """One call to the simulator's own endpoints."""
        answer = httpx.request(method, httpx.URL(self.endpoint).join(path), json=body, timeout=10)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def behave(self, **behaviour: object) -> None:
        """How the application's next deployments go."""
        self.control("POST", f"/_simulator/services/{self.application_id}", behaviour)

    def requests(self) -> list[Any]:
        """Every request that reached the server so far."""
        return list(self.control("GET", "/_simulator/state")["requests"])

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=10)


@dataclass
class Demo:
    """A temporary project with its own state, and what happened to it so far."""

    simulator: Simulator
    folder: Path
    engine_bin: Path
    transcript: list[str] = field(default_factory=list)
    requests_before: int = 0
    id_before: str = ""

    @property
    def project(self) -> Path:
        return self.folder / "quickstart"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def env(self) -> dict[str, str]:
        outer = {key: value for key, value in os.environ.items() if not key.startswith(("DOKPLOY_", "PULUMI_"))}
        path = [str(Path(sys.executable).parent), str(self.engine_bin), outer.get("PATH", os.defpath)]
        return {
            **outer,
            "PATH": os.pathsep.join(path),
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": self.state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "demo",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def set_up(self) -> None:
        """Copy the example and give it a stack and its configuration."""
        self.state.mkdir()
        ignored = shutil.ignore_patterns("__pycache__", "venv", ".venv", "Pulumi.*.yaml")
        shutil.copytree(EXAMPLE, self.project, ignore=ignored)
        lend_virtualenv(self.project)
        config = ("pulumi", "config", "set")
        commands: tuple[tuple[tuple[str, ...], str | None], ...] = (
            (("pulumi", "stack", "init", STACK), None),
            ((*config, "dokploy:endpoint", self.simulator.endpoint), None),
            ((*config, "dokploy:apiKey", "--secret"), self.simulator.api_key),
            ((*config, "quickstart:applicationId", self.simulator.application_id), None),
            (release("v1"), None),
        )
        for command, typed in commands:
            if self.type(command, typed).exit_code != 0:
                raise SystemExit("demo: the set-up failed, see above")

    def play(self, step: Step) -> list[str]:
        """Run one step; its complaints."""
        if step.prepare:
            step.prepare(self)
        self.requests_before = len(self.simulator.requests())
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
        guard = threading.Timer(COMMAND_SECONDS, process.kill)
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
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait()
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

    def leaks(self) -> list[str]:
        """Where the API key can be read: files of state and project, and everything that was printed."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        key = self.simulator.api_key
        found = [str(path.relative_to(self.folder)) for path in files if key.encode() in path.read_bytes()]
        return found + (["the printed output"] if any(key in text for text in self.transcript) else [])


# The checks beyond exit codes and words.


def nothing_was_sent(demo: Demo) -> list[str]:
    sent = demo.simulator.requests()[demo.requests_before :]
    show(f"{DIM}  GET /_simulator/state: {len(sent)} requests reached the server during this step{PLAIN}")
    return [f"requests were sent: {sent}"] if sent else []


def same_resource(demo: Demo) -> list[str]:
    now = demo.deployment_id()
    show(f"{DIM}  resource id before: {demo.id_before}, now: {now}{PLAIN}")
    return [] if now and now == demo.id_before else ["the resource was replaced instead of updated"]


def nothing_left(demo: Demo) -> list[str]:
    left = demo.deployment_id()
    return [f"the state still holds {left}"] if left else []


# What happens on the server's side of the story.


def next_builds_fail(demo: Demo) -> None:
    demo.simulator.behave(build="fails")


def next_containers_crash(demo: Demo) -> None:
    demo.simulator.behave(build="ok", runtime="exits")


def all_well_again(demo: Demo) -> None:
    demo.simulator.behave(build="ok", runtime="healthy")


UP = ("pulumi", "up", "--yes")


def release(name: str) -> tuple[str, ...]:
    return ("pulumi", "config", "set", "quickstart:release", name)


STEPS = (
    Step(
        "Preview",
        "Nothing is sent yet; the plan shows one deployment to create.",
        (("pulumi", "preview"),),
        words=("+ 2 to create",),
    ),
    Step(
        "First deployment",
        "Triggers one deployment, follows its build log and waits until the new version really runs.",
        (UP,),
        words=("+ 2 created",),
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
        check=same_resource,
    ),
    Step(
        "A build that breaks",
        "The update must fail and show the end of the build log.",
        (release("v3-broken"), UP),
        succeeds=False,
        prepare=next_builds_fail,
        check=same_resource,
    ),
    Step(
        "A container that crashes",
        "The server calls this deployment done. The new container exits at once: the update must fail all the same.",
        (release("v4-crashing"), UP),
        succeeds=False,
        prepare=next_containers_crash,
        check=same_resource,
    ),
    Step(
        "Repaired",
        "The next release works again.",
        (release("v5"), UP),
        words=("~ 1 updated",),
        prepare=all_well_again,
        check=same_resource,
    ),
    Step(
        "Destroy",
        "The resource leaves the state; the service keeps running.",
        (("pulumi", "destroy", "--yes"),),
        words=("- 2 deleted",),
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
    failed: list[str] = []
    for number, step in enumerate(STEPS, 1):
        show(f"\n{BOLD}━━ {number}/{len(STEPS)}  {step.title}{PLAIN}\n{step.tells}")
        started = time.monotonic()
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
    simulator = Simulator.start()
    folder = Path(tempfile.mkdtemp(prefix="dokploy-demo-"))
    try:
        demo = Demo(simulator, folder, engine.bin_dir)
        show(f"Pulumi {engine.version}, a simulated Dokploy at {simulator.endpoint}, a copy of examples/quickstart")
        show(f"with a state of its own. Everything is temporary: {folder}")
        demo.set_up()
        failed = perform(demo)
    except KeyboardInterrupt:
        show("\ndemo: interrupted")
        return 130
    finally:
        simulator.stop()
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


def _forward(process: subprocess.Popen[str], lines: queue.SimpleQueue[str]) -> None:
    """Keep reading, so that the simulator never blocks on a full pipe; only the first line is of interest."""
    assert process.stdout is not None  # noqa: S101
    for line in process.stdout:
        lines.put(line)
    lines.put("")


if __name__ == "__main__":
    sys.exit(main())
