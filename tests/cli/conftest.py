"""The command line against the simulator: one for the whole run, asked through real sockets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from typer.testing import CliRunner

from pulumi_dokploy_deployments.cli.main import app
from pulumi_dokploy_deployments.simulator.process import RunningSimulator
from pulumi_dokploy_deployments.simulator.server import Options
from tests.support.simulator_thread import simulator_thread

BUILD_SECONDS = 0.1
SLOW_SECONDS = 1.0
LONG_SECONDS = 12.0
ENVIRONMENT = (
    *("DOKPLOY_ENDPOINT", "DOKPLOY_URL", "DOKPLOY_API_KEY", "DOKPLOY_HEADERS"),
    *("DOKPLOY_CI_OUTPUT", "DOKPLOY_COMPLETE_OFFLINE"),
    *("NO_COLOR", "FORCE_COLOR", "COLUMNS", "GITHUB_STEP_SUMMARY", "GITLAB_CI"),
)


@dataclass(frozen=True)
class Answer:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The document on standard output."""
        return json.loads(self.out)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The documents on standard output, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Server:
    """A server and its ready-made services."""

    simulator: RunningSimulator

    @property
    def endpoint(self) -> str:
        return self.simulator.endpoint

    def application(self, name: str) -> str:
        return str(self.simulator.ready["applications"][name])

    def compose(self, name: str) -> str:
        return str(self.simulator.ready["composes"][name])

    def database(self, name: str) -> str:
        return str(self.simulator.ready["databases"][name])

    def key(self, name: str = "owner") -> str:
        return str(self.simulator.ready["api_keys"][name])

    def environment(self, key: str = "owner") -> dict[str, str]:
        return {"DOKPLOY_ENDPOINT": self.endpoint, "DOKPLOY_API_KEY": self.key(key)}

    def run(self, *arguments: str, key: str = "owner", stdin: str | None = None, **environ: str) -> Answer:
        """One command to its end."""
        given = {**self.environment(key), **environ}
        result = CliRunner().invoke(app, list(arguments), env=given, input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Answer(result.exit_code, result.stdout, result.stderr)

    def deployed(self, application: str, *options: str) -> str:
        """Deploy an application and give the deployment's id."""
        arguments = ("--application", self.application(application), "--wait-for", "done", "--json", *options)
        last = self.run("deploy", *arguments).events[-1]
        row = last["deployment"] if "deployment" in last else last["error"]["deployment"]
        return str(row["deployment_id"])

    def post(self, operation: str, **body: str) -> None:
        """A call that waits for nothing."""
        address = f"{self.endpoint}/api/{operation}"
        answer = self.simulator.client.post(address, json=body, headers={"x-api-key": self.key()})
        answer.raise_for_status()

    @contextmanager
    def long_build(self, application: str) -> Iterator[str]:
        """A deployment that is still building when the test looks, and ended afterwards; gives its id."""
        self.simulator.control("set_behaviour", service=application, build_seconds=LONG_SECONDS)
        try:
            running = self.started(application)
            yield running
        finally:
            self.simulator.control("restart", down_seconds=0.0)
            self.until(lambda: not self.simulator.state()["queue"])
            self.simulator.control("set_behaviour", service=application, build_seconds=BUILD_SECONDS)

    def until_it_builds(self, deployment_id: str) -> None:
        """Wait for the stage in which the server can kill a build."""
        self.until(lambda: self.run("logs", deployment_id, "--json").json["stage"] == "build")

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait for something that the simulator does a moment later."""
        deadline = time.monotonic() + 30.0
        while not holds():
            assert time.monotonic() < deadline, "it did not come about"
            time.sleep(0.02)

    def process(self, *arguments: str) -> subprocess.Popen[str]:
        """A command in a process of its own, for signals."""
        program = "from pulumi_dokploy_deployments.cli.start import main; main()"
        return subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            env={**os.environ, **self.environment()},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def started(self, application: str) -> str:
        """Start a deployment and give its id."""
        answer = self.run("deploy", "--application", self.application(application), "--wait-for", "none", "--json")
        return str(answer.events[-1]["deployment"]["deployment_id"])


@pytest.fixture(autouse=True)
def _no_server_of_the_developer_s(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def shared_simulator() -> Iterator[RunningSimulator]:
    with simulator_thread(Options(build_seconds=BUILD_SECONDS, slow_seconds=SLOW_SECONDS)) as running:
        yield running


@pytest.fixture
def server(shared_simulator: RunningSimulator) -> Server:
    """A simulator that earlier tests have used; each test looks after the services that it needs."""
    shared_simulator.control("clear_faults")
    return Server(shared_simulator)


@pytest.fixture
def fresh_server() -> Iterator[Server]:
    """A simulator that nobody has used: for limited keys and empty histories."""
    with simulator_thread(Options(build_seconds=BUILD_SECONDS, slow_seconds=SLOW_SECONDS)) as running:
        yield Server(running)
