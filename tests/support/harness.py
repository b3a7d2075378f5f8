"""The real Pulumi engine in a subprocess: workspaces with a program and a backend of their own, and the simulator.

Nothing of the run_context leaks in: every workspace has its own state, key and configuration, and all
DOKPLOY_* and PULUMI_* variables of the outer environment are taken away unless a test gives them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

import processes
import yaml  # type: ignore[import-untyped]
from tracebacks import shows_traceback

from pulumi_dokploy_deployments.simulator.process import RunningSimulator
from tests.support.key_server import SECRETS_PROVIDER, key_server

STACK = "test"
PASSPHRASE = "PULUMI_CONFIG_PASSPHRASE"
"""Given to a workspace, it encrypts the secrets, as with most users; else the tests' key server does."""
ENCRYPTED = "4dabf18193072939515e22adb298388d"
"""What a secret in the state begins with: Pulumi's signature of one."""
COMMAND_SECONDS = 110.0  # below pytest's own limit, so that the command's output gets into the report
PROJECT = "name: {name}\nruntime: python\ndescription: a program of the engine tests\n"
QUICK_PIP = Path(__file__).parent / "quick_pip"
NOT_COPIED = shutil.ignore_patterns("__pycache__", "venv", ".venv", "Pulumi.*.yaml", ".pulumi")


@dataclass(frozen=True)
class Run:
    """One finished command."""

    command: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def output(self) -> str:
        return self.stdout + self.stderr

    def report(self, complaint: str) -> str:
        """A complaint with everything that the command wrote."""
        return (
            f"{complaint}\n$ {shlex.join(self.command)}\nexit code {self.exit_code} after {self.seconds:.1f} s\n"
            f"--- stdout ---\n{self.stdout}\n--- stderr ---\n{self.stderr}"
        )

    def expect_ok(self, *words: str) -> Self:
        """Exit code 0, and each of these texts somewhere in the output."""
        assert self.exit_code == 0, self.report("expected success")
        return self.expect_words(*words)

    def expect_failure(self, *words: str) -> Self:
        """An exit code other than 0, and each of these texts somewhere in the output."""
        assert self.exit_code != 0, self.report("expected a failure")
        return self.expect_words(*words)

    def expect_words(self, *words: str) -> Self:
        missing = [word for word in words if word not in self.output]
        assert not missing, self.report(f"expected in the output: {missing}")
        return self

    def expect_without(self, *words: str) -> Self:
        """None of these texts anywhere in the output."""
        found = [word for word in words if word in self.output]
        assert not found, self.report(f"not expected in the output: {found}")
        return self

    def expect_no_traceback(self) -> Self:
        """No Python traceback in the output, but for what the engine's own interrupt may leave."""
        assert not shows_traceback(self.output), self.report("not expected in the output: a traceback")
        return self


@dataclass
class Workspace:
    """A project folder with a program, one stack and a file backend, driven through the command line.

    `program` is a folder to copy (an example) or the text of a __main__.py, `interpreters` a virtual environment that
    its processes are started from; without one it is that of the tests.
    """

    root: Path
    engine_bin: Path
    pulumi_home: Path
    program: Path | str
    environment: Mapping[str, str] = field(default_factory=dict)
    interpreters: Path | None = None
    _stack_exists: bool = field(default=False, init=False)
    _started: list[subprocess.Popen[str]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        if isinstance(self.program, Path):
            shutil.copytree(self.program, self.folder, ignore=NOT_COPIED)
            self._lend_virtualenv()
        else:
            self.folder.mkdir(parents=True)
            (self.folder / "Pulumi.yaml").write_text(PROJECT.format(name="engine-test"))
            self.rewrite(self.program)
        self.backend.mkdir()

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return self.root / "project"

    @property
    def backend(self) -> Path:
        """The folder that holds the state."""
        return self.root / "backend"

    @property
    def env(self) -> dict[str, str]:
        """The environment of every command."""
        outer = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("DOKPLOY_", "PULUMI_", "NO_COLOR", "PYTHONDONTWRITEBYTECODE"))
        }
        programs = [self._virtualenv / "bin", Path(sys.executable).parent, self.engine_bin]
        return {
            **outer,
            "PATH": os.pathsep.join([*map(str, programs), outer.get("PATH", os.defpath)]),
            "PULUMI_HOME": str(self.pulumi_home),
            "PULUMI_BACKEND_URL": self.backend.as_uri(),
            **key_server(),
            # Short-lived: what the engine would collect costs more than it frees.
            "GOGC": "off",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_STACK": STACK,
            "NO_COLOR": "1",
            "PYTHONPATH": str(QUICK_PIP),
            "KEPT_ANSWERS": str(self.pulumi_home),
            **self.environment,
        }

    def rewrite(self, program: str) -> None:
        """Put another text in the place of __main__.py."""
        (self.folder / "__main__.py").write_text(program)

    def run(self, *args: str, stdin: str | None = None, seconds: float = COMMAND_SECONDS) -> Run:
        """`pulumi ARGS` to its end, whatever that is."""
        self._need_stack()
        return self._run(args, stdin, seconds)

    def start(self, *args: str) -> subprocess.Popen[str]:
        """`pulumi ARGS` in a process group of its own, to be interrupted.

        process.send_signal(SIGINT) reaches the engine alone; os.killpg(process.pid, SIGINT) reaches everybody, as
        Ctrl-C in a terminal does. Standard error goes into standard output. `close` ends what still runs.
        """
        self._need_stack()
        process = subprocess.Popen(
            ["pulumi", *args],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def begin(self, plain: Mapping[str, str], secret: Mapping[str, str]) -> None:
        """Make the stack with its configuration.

        The engine makes a stack and encrypts its secrets once; another workspace with the same project and the same
        secrets gets a copy.
        """
        alike = [self._project, self.environment.get(PASSPHRASE), sorted(secret.items())]
        same = hashlib.sha256(json.dumps(alike).encode()).hexdigest()
        kept, settings = self.pulumi_home / "stacks" / same, self.folder / f"Pulumi.{STACK}.yaml"
        if kept.exists():
            self._stack_exists = True
            shutil.copytree(kept / "backend", self.backend, dirs_exist_ok=True)
            shutil.copy(kept / settings.name, settings)
        else:
            self._need_stack()
            if secret:
                self.configure(secret=secret)
            made = kept.with_name(f"{same}-{os.getpid()}")
            shutil.copytree(self.backend, made / "backend")
            shutil.copy(settings, made)
            with suppress(OSError):  # another worker was faster
                made.rename(kept)
        if plain:
            self._write_config(plain)

    def config(self, key: str, value: str, secret: bool = False) -> None:
        """Set one value of the stack's configuration; the engine is asked for secrets only."""
        self._need_stack()
        if secret:
            self.run("config", "set", "--secret", key, stdin=value).expect_ok()
        else:
            self._write_config({key: value})

    def _write_config(self, plain: Mapping[str, str]) -> None:
        project, settings = self._project, self.folder / f"Pulumi.{STACK}.yaml"
        content = yaml.safe_load(settings.read_text()) or {}
        of_project = {key if ":" in key else f"{project}:{key}": value for key, value in plain.items()}
        content["config"] = content.get("config", {}) | of_project
        settings.write_text(yaml.safe_dump(content))

    @property
    def _project(self) -> str:
        return str(yaml.safe_load((self.folder / "Pulumi.yaml").read_text())["name"])

    def configure(self, plain: Mapping[str, str] | None = None, secret: Mapping[str, str] | None = None) -> Run:
        """Set many values of the stack's configuration in one command."""
        args = [part for key, value in (plain or {}).items() for part in ("--plaintext", f"{key}={value}")]
        args += [part for key, value in (secret or {}).items() for part in ("--secret", f"{key}={value}")]
        return self.run("config", "set-all", *args).expect_ok()

    def preview(self, *args: str) -> Run:
        return self.run("preview", *args)

    def up(self, *args: str, preview: bool = False) -> Run:
        """`pulumi up`; without the preview before it, unless asked for."""
        return self.run("up", "--yes", *([] if preview else ["--skip-preview"]), *args)

    def refresh(self, *args: str) -> Run:
        return self.run("refresh", "--yes", "--skip-preview", *args)

    def destroy(self, *args: str) -> Run:
        return self.run("destroy", "--yes", "--skip-preview", *args)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, secrets in clear."""
        (stack,) = self.resources("pulumi:pulumi:Stack")
        found: dict[str, Any] = stack.get("outputs", {})
        if ENCRYPTED not in json.dumps(found):
            return found
        run = self.run("stack", "output", "--json", "--show-secrets").expect_ok()
        return dict(json.loads(run.stdout))

    def state(self, secrets: bool = False) -> dict[str, Any]:
        """What `pulumi stack export` gives; it is asked only for secrets in clear, else the backend's file is read."""
        if secrets:
            run = self.run("stack", "export", "--show-secrets").expect_ok()
            return dict(json.loads(run.stdout))
        self._need_stack()
        (file,) = self.backend.glob(f".pulumi/stacks/*/{STACK}.json")
        kept = json.loads(file.read_text())
        return {"version": kept["version"], "deployment": kept["checkpoint"].get("latest") or {}}

    def resources(self, type_ending: str = "") -> list[dict[str, Any]]:
        """The state's resources whose type ends like this, such as ':Deployment'."""
        found = self.state()["deployment"].get("resources", [])
        return [resource for resource in found if str(resource["type"]).endswith(type_ending)]

    def state_text(self) -> str:
        """Everything that lies in the backend: state, backups, history. For finding what must not be there."""
        files = sorted(path for path in self.backend.rglob("*") if path.is_file())
        return "\n".join(path.read_bytes().decode(errors="replace") for path in files)

    def close(self) -> None:
        """End the commands that `start` began and that still run, and what they have left behind."""
        for process in self._started:
            processes.end(process)
            if process.stdout:
                process.stdout.close()
        if self._started:
            processes.end_orphans("PULUMI_BACKEND_URL", self.backend.as_uri())

    def _need_stack(self) -> None:
        if not self._stack_exists:
            self._stack_exists = True
            with_key = () if PASSPHRASE in self.environment else ("--secrets-provider", SECRETS_PROVIDER)
            self._run(("stack", "init", STACK, *with_key), None, COMMAND_SECONDS).expect_ok()

    def _run(self, args: Sequence[str], stdin: str | None, seconds: float) -> Run:
        command = ("pulumi", *args)
        started = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        late = False
        try:
            stdout, stderr = process.communicate(stdin, timeout=seconds)
        except subprocess.TimeoutExpired:
            late = True
            processes.end(process)
            stdout, stderr = process.communicate()
        except BaseException:
            processes.end(process)
            raise
        run = Run(command, process.returncode, stdout, stderr, time.monotonic() - started)
        assert not late, run.report(f"did not end within {seconds:.0f} s")
        return run

    def _lend_virtualenv(self) -> None:
        """Where the program names a virtualenv of its own, give it the one that the tests run in."""
        text = (self.folder / "Pulumi.yaml").read_text()
        if match := re.search(r"^\s+virtualenv:\s*['\"]?([\w./-]+)", text, re.MULTILINE):
            (self.folder / match.group(1)).symlink_to(self._virtualenv, target_is_directory=True)

    @property
    def _virtualenv(self) -> Path:
        return self.interpreters or Path(sys.prefix)


@dataclass(frozen=True)
class Simulator:
    """The product's simulator, behind a real socket."""

    running: RunningSimulator

    @property
    def endpoint(self) -> str:
        return self.running.endpoint

    @property
    def api_key(self) -> str:
        return self.running.api_key

    @property
    def details(self) -> dict[str, Any]:
        """The whole first line: ids by name, keys, planted secrets."""
        return self.running.ready

    @property
    def applications(self) -> dict[str, str]:
        """The ready-made applications: name to id."""
        return dict(self.details["applications"])

    @property
    def composes(self) -> dict[str, str]:
        return dict(self.details["composes"])

    @property
    def config(self) -> dict[str, str]:
        """The plain part of a stack's configuration for this server."""
        return {"dokploy:endpoint": self.endpoint}

    @property
    def secrets(self) -> dict[str, str]:
        """The secret part."""
        return {"dokploy:apiKey": self.api_key}

    @property
    def hidden(self) -> list[str]:
        """What may never be seen in state, output or logs: every key and the passwords planted in the server."""
        return [*self.details["api_keys"].values(), *self.details["secrets"]]

    def control(self, verb: str, **arguments: object) -> Any:
        """One verb of the control interface, such as push_commit, fault, restart or set_behaviour."""
        return self.running.control(verb, **arguments)

    def call(self, operation: str, **body: object) -> None:
        """What somebody else does at the same server: `application.update`, for instance."""
        url, headers = f"{self.endpoint}/api/{operation}", {"x-api-key": self.api_key}
        self.running.client.post(url, headers=headers, json=body).raise_for_status()

    def read(self, operation: str, **asked: str) -> Any:
        """What the server tells: `application.one`, for instance."""
        url, headers = f"{self.endpoint}/api/{operation}", {"x-api-key": self.api_key}
        return self.running.client.get(url, headers=headers, params=asked).raise_for_status().json()

    def state(self) -> dict[str, Any]:
        """What really runs and what was received."""
        return self.running.state()

    def requests(self, endpoint: str = "") -> list[dict[str, Any]]:
        """The API calls received so far, oldest first: all, or those of one endpoint (application.deploy)."""
        received: list[dict[str, Any]] = self.state()["requests"]
        return [call for call in received if not endpoint or call["path"] == f"/api/{endpoint}"]


class MakeWorkspace(Protocol):
    """The fixture `make_workspace`."""

    def __call__(
        self,
        program: Path | str,
        *,
        config: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Workspace: ...


class StartSimulator(Protocol):
    """The fixture `start_simulator`."""

    def __call__(
        self, *, build_seconds: float = 0.2, slow_seconds: float | None = None, seed: int = 0
    ) -> Simulator: ...
