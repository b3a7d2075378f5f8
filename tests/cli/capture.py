"""Writes what the commands really say into docs/cli.md: `python tests/cli/capture.py`.

The simulator answers. Its port is replaced by a round number; ids and times are what they were.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
from typer.testing import CliRunner

from pulumi_dokploy_deployments.cli.main import app
from pulumi_dokploy_deployments.simulator.process import RunningSimulator, start_simulator

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
BLOCK = re.compile(r"(<!-- capture: (?P<name>[\w-]+) -->\n).*?(<!-- /capture -->)", re.DOTALL)
SHOWN_ENDPOINT = "http://127.0.0.1:4000"
BUILD_SECONDS = 2.0
SLOW_SECONDS = 8.0
MOST_LINES = 18


class Stage:
    """A simulator, and what was captured from it."""

    def __init__(self, simulator: RunningSimulator) -> None:
        self.simulator = simulator
        self.captured: dict[str, str] = {}
        self._environment = {"DOKPLOY_ENDPOINT": simulator.endpoint, "DOKPLOY_API_KEY": simulator.api_key}

    def application(self, name: str) -> str:
        return str(self.simulator.ready["applications"][name])

    def run(self, *arguments: str, name: str = "", **environ: str) -> str:
        """Run a command; where it has a name, its output becomes that block."""
        result = CliRunner().invoke(app, list(arguments), env={**self._environment, **environ})
        if name:
            command = " ".join(part if " " not in part else f'"{part}"' for part in arguments)
            lines = [f"$ dokploy-deployments {command}", *_shortened(result.output.rstrip().splitlines())]
            if result.exit_code:
                lines.append(f"[exit code {result.exit_code}]")
            text = "\n".join(line.rstrip() for line in lines).replace(self.simulator.endpoint, SHOWN_ENDPOINT)
            self.captured[name] = f"```console\n{text}\n```\n"
        return result.output

    def post(self, operation: str, **body: str) -> None:
        """A call that waits for nothing."""
        headers = {"x-api-key": self.simulator.api_key}
        httpx.post(f"{self.simulator.endpoint}/api/{operation}", json=body, headers=headers).raise_for_status()

    def running(self, application: str) -> str:
        """The id of what runs of a service."""
        headers = {"x-api-key": self.simulator.api_key}
        query = {"applicationId": self.application(application)}
        for _ in range(200):
            rows = httpx.get(f"{self.simulator.endpoint}/api/deployment.all", params=query, headers=headers).json()
            found = [str(row["deploymentId"]) for row in rows if row["status"] == "running"]
            if found:
                return found[0]
            time.sleep(0.05)
        raise RuntimeError(f"nothing of {application} runs")


def _shortened(lines: list[str]) -> list[str]:
    if len(lines) <= MOST_LINES:
        return lines
    half = MOST_LINES // 2
    return [*lines[:half], f"… ({len(lines) - 2 * half} more lines)", *lines[-half:]]


def perform(stage: Stage) -> None:
    """Every command once, in an order in which there is something to see."""
    ok = ("--application", stage.application("ok"))
    git = stage.application("git")
    stage.run("deploy", *ok, name="deploy")
    stage.run("deploy", *ok, "--no-log", "--wait-for", "done")
    stage.run("deploy", "--application", stage.application("broken"), "--no-log", name="deploy-failed")
    stage.run("services", "--type", "application", name="services")
    stage.run("services", "okay", name="services-slip")
    stage.run("list", "--limit", "5", name="list")
    stage.run("list", *ok, "--versions", name="list-versions")
    stage.run("list", "--limit", "1", "--json", name="list-json")
    broken = stage.run("list", "--application", stage.application("broken"), "--limit", "1").splitlines()[-1].split()[0]
    stage.run("logs", broken, "--tail", "5", name="logs")
    fatal = ("--application", stage.application("fatal"))
    stage.run("deploy", *fatal, "--no-log", "--wait-for", "done")
    time.sleep(4.0)
    stage.run("logs", "--container", *fatal, "--tail", "4", name="logs-container")
    stage.run("candidates", *ok, name="candidates")
    stage.run("rollback", *ok, "--previous", "1", name="rollback")
    stage.run("rollback", *ok, "--version", "99", name="rollback-unknown")
    stage.run("deploy", "--application", stage.application("slow"), "--no-log", "--wait-for", "done")
    stage.post("application.deploy", applicationId=stage.application("slow"), title="a slow build")
    slow = stage.running("slow")
    stage.post("application.deploy", applicationId=git, title="waits behind it")
    stage.run("queue", name="queue")
    stage.run("queue", *ok, name="queue-others")
    stage.run("kill", slow, "--yes", name="kill")
    stage.run("kill", "--waiting-of-application", git, "--yes", name="kill-waiting")
    stage.run("watch", "--application", stage.application("slow"), name="watch")
    stage.post("application.deploy", applicationId=git)
    stage.run("logs", stage.running("git"), "--follow", name="logs-follow")
    stage.run("remove", broken, name="remove-asked")
    stage.run("remove", broken, "--yes", name="remove")
    stage.run("doctor", *ok, name="doctor")
    stage.run("doctor", name="doctor-wrong-key", DOKPLOY_API_KEY="nonsense")
    stage.run("doctor", "--endpoint", "http://127.0.0.1:1", name="doctor-server-down")
    stage.run("list", "--compose", stage.application("ok"), name="other-kind")
    stage.captured["simulate"] = simulated()


def simulated() -> str:
    """The first lines of `simulate`."""
    program = "from pulumi_dokploy_deployments.cli.start import main; main()"
    command = [sys.executable, "-c", program, "simulate", "--port", "4000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline().rstrip() for _ in range(8)]
    process.terminate()
    process.wait()
    text = "\n".join(["$ dokploy-deployments simulate --port 4000", *lines, "…"])
    return f"```console\n{text}\n```\n"


def main() -> None:
    """Capture everything and put it into the page."""
    with start_simulator(build_seconds=BUILD_SECONDS, slow_seconds=SLOW_SECONDS) as running:
        stage = Stage(running)
        perform(stage)
    page = PAGE.read_text(encoding="utf-8")
    missing = {match["name"] for match in BLOCK.finditer(page)} ^ set(stage.captured)
    if missing:
        raise SystemExit(f"captured and not on the page, or the other way round: {', '.join(sorted(missing))}")
    filled = BLOCK.sub(lambda match: match[1] + stage.captured[match["name"]] + match[3], page)
    PAGE.write_text(filled, encoding="utf-8")


if __name__ == "__main__":
    main()
