"""The command `simulate`: a simulated Dokploy on this machine, in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import shlex
import subprocess
import sys
from typing import Any

import typer

from pulumi_dokploy_deployments.api.errors import ConfigurationError
from pulumi_dokploy_deployments.cli.exit_codes import ExitCode
from pulumi_dokploy_deployments.cli.session import Session

NEEDED = ("starlette", "uvicorn")
PARTS = (("applications", "application"), ("composes", "compose"), ("databases", "database"))


def simulate(session: Session, options: list[str]) -> None:
    """Start it, tell where it is, and stay until it ends or is interrupted."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"The simulator needs {' and '.join(missing)}.",
            next_step="Install it with: pip install 'pulumi-dokploy-deployments[simulator]'",
        )
    command = [sys.executable, "-m", "pulumi_dokploy_deployments.simulator", "--with-parent", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own module
    try:
        line = process.stdout.readline() if process.stdout is not None else ""
        if line:
            _tell(session, line)
        code = process.wait()
    except KeyboardInterrupt:
        session.goes_on = "The simulator has ended, and all that was in it is gone."
        raise
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    if code != 0:
        raise typer.Exit(ExitCode.FAILED)


def _tell(session: Session, line: str) -> None:
    if session.is_json:
        typer.echo(line.rstrip("\n"))
        sys.stdout.flush()
        return
    ready: dict[str, Any] = json.loads(line)
    session.say("A simulated Dokploy runs. Ctrl-C ends it. In another terminal:")
    session.say(f"export DOKPLOY_ENDPOINT={shlex.quote(ready['endpoint'])}")
    session.say(f"export DOKPLOY_API_KEY={shlex.quote(ready['api_key'])}")
    for part, kind in PARTS:
        for name, identity in ready.get(part, {}).items():
            session.say(f"  {kind:<12}{name:<12}{identity}")
    for name, key in ready.get("api_keys", {}).items():
        session.say(f"  {'key':<12}{name:<12}{key}")
    sys.stdout.flush()
