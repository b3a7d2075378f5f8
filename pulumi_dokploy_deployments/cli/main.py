"""The program `dokploy-deployments`: puts the commands together."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pulumi_dokploy_deployments.cli.commands.candidates import candidates
from pulumi_dokploy_deployments.cli.commands.deploy import deploy
from pulumi_dokploy_deployments.cli.commands.doctor import doctor
from pulumi_dokploy_deployments.cli.commands.kill import kill
from pulumi_dokploy_deployments.cli.commands.list import list_deployments
from pulumi_dokploy_deployments.cli.commands.logs import logs
from pulumi_dokploy_deployments.cli.commands.queue import queue
from pulumi_dokploy_deployments.cli.commands.remove import remove
from pulumi_dokploy_deployments.cli.commands.rollback import rollback
from pulumi_dokploy_deployments.cli.commands.services import services
from pulumi_dokploy_deployments.cli.commands.simulate import simulate
from pulumi_dokploy_deployments.cli.commands.watch import watch
from pulumi_dokploy_deployments.cli.env_file import lend
from pulumi_dokploy_deployments.cli.exit_codes import epilog
from pulumi_dokploy_deployments.cli.parsing import DashedIdCommand, Group
from pulumi_dokploy_deployments.version import package_version

app = typer.Typer(
    name="dokploy-deployments",
    cls=Group,
    help="Deployments on a Dokploy server: see them, follow them, start them, go back, and find out what is wrong.",
    epilog=epilog(),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(context: typer.Context, wanted: bool) -> None:
    # Not while the line is completed.
    if wanted and not context.resilient_parsing:
        typer.echo(f"dokploy-deployments {package_version()}")
        raise typer.Exit


def _lend(context: typer.Context, path: Path | None) -> Path | None:
    # While the line is read, so that a file that can't be used is wrong usage; not while it is completed.
    if path is not None and not context.resilient_parsing:
        context.call_on_close(lend(path))
    return path


@app.callback()
def options(
    show_version: Annotated[
        bool, typer.Option("--version", help="Show name and version, and end.", callback=_print_version, is_eager=True)
    ] = False,
    env_file: Annotated[
        Path | None,
        typer.Option(
            help="A file with DOKPLOY_ENDPOINT=… and DOKPLOY_API_KEY=…, a .env for instance. Its DOKPLOY_ variables go "
            "before those of the environment; it is read only when it is named here.",
            metavar="FILE",
            show_default=False,
            callback=_lend,
        ),
    ] = None,
) -> None:
    """Deployments on a Dokploy server: see them, follow them, start them, go back, and find out what is wrong."""


app.command("list", cls=DashedIdCommand)(list_deployments)
for command in (services, queue, logs, watch, candidates, deploy, rollback, kill, remove, doctor, simulate):
    app.command(cls=DashedIdCommand)(command)


def main() -> None:
    """The entry point."""
    for stream in (sys.stdout, sys.stderr):
        # Log lines carry emoji; a terminal that has none must not end the command.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    app()
