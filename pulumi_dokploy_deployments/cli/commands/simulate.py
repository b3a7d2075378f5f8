"""`simulate`: a simulated Dokploy on this machine, in a process of its own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pulumi_dokploy_deployments.cli.command import command
from pulumi_dokploy_deployments.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from pulumi_dokploy_deployments.cli.session import Session

NEEDED = ("starlette", "uvicorn")
PARTS = (("applications", "application"), ("composes", "compose"), ("databases", "database"))


@command
def simulate(
    session: Session,
    port: Annotated[int, typer.Option(help="The port; 0 takes a free one.", min=0, max=65535)] = 0,
    build_seconds: Annotated[float, typer.Option(help="How long a build takes.", min=0)] = 1.0,
    slow_seconds: Annotated[float | None, typer.Option(help="How long a slow build takes.", min=0)] = None,
    seed: Annotated[int, typer.Option(help="The seed of all ids.")] = 0,
    max_seconds: Annotated[float, typer.Option(help="It ends by itself after this time.", min=1)] = 3600.0,
    server_version: Annotated[
        str | None, typer.Option(help="The release of Dokploy that it plays, v0.28.3 for instance.", metavar="VERSION")
    ] = None,
    cloud: Annotated[
        bool, typer.Option("--cloud", help="Play Dokploy Cloud: all services on a remote server.")
    ] = False,
) -> None:
    """Serve a simulated Dokploy on this machine, to try everything out. Nothing of it is real."""
    options = ["--port", str(port), "--build-seconds", str(build_seconds), "--seed", str(seed)]
    options += ["--max-seconds", str(max_seconds)]
    if slow_seconds is not None:
        options += ["--slow-seconds", str(slow_seconds)]
    if server_version is not None:
        _check_version(server_version)
        options += ["--server-version", server_version]
    if cloud:
        options.append("--cloud")
    _serve(session, options)


def _check_version(text: str) -> None:
    from pulumi_dokploy_deployments.api.versions import ServerVersion
    from pulumi_dokploy_deployments.functions.filters import InvalidArgument

    if ServerVersion.parse(text) is None:
        raise InvalidArgument(f"{text!r} is not a version of Dokploy.", next_step="Give it as v0.28.3.")


def _serve(session: Session, options: list[str]) -> None:
    """Start it, tell where it is, and stay until it ends or is interrupted."""
    import importlib.util
    import subprocess

    from pulumi_dokploy_deployments.api.errors import ConfigurationError

    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"The simulator needs {' and '.join(missing)}.",
            next_step="Install it with: pip install 'pulumi-dokploy-deployments[simulator]'",
        )
    program = [sys.executable, "-m", "pulumi_dokploy_deployments.simulator", "--with-parent", *options]
    process = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own module
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
    import json
    import shlex

    ready: dict[str, Any] = json.loads(line)
    if session.is_json:
        session.json(ready)
        sys.stdout.flush()
        return
    session.say("A simulated Dokploy runs. Ctrl-C ends it. In another terminal:")
    session.say(f"export DOKPLOY_ENDPOINT={shlex.quote(ready['endpoint'])}")
    session.say(f"export DOKPLOY_API_KEY={shlex.quote(ready['api_key'])}")
    for part, kind in PARTS:
        for name, identity in ready.get(part, {}).items():
            session.say(f"  {kind:<12}{name:<12}{identity}")
    for name, key in ready.get("api_keys", {}).items():
        session.say(f"  {'key':<12}{name:<12}{key}")
    sys.stdout.flush()
