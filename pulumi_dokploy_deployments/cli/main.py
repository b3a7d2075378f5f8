"""The command `dokploy-deployments`: commands and options. What they do is next door, imported when it is needed."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pulumi_dokploy_deployments.cli import option_texts as texts
from pulumi_dokploy_deployments.cli.command import command
from pulumi_dokploy_deployments.cli.exit_codes import epilog
from pulumi_dokploy_deployments.version import package_version

if TYPE_CHECKING:
    from pulumi_dokploy_deployments.cli.session import Session

app = typer.Typer(
    name="dokploy-deployments",
    help="Deployments on a Dokploy server: see them, follow them, start them, go back, and find out what is wrong.",
    epilog=epilog(),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

SERVICE = "Service"


class Method(StrEnum):
    """How to deploy."""

    DEPLOY = "deploy"
    REDEPLOY = "redeploy"


class WaitUntil(StrEnum):
    """When a deployment counts as finished."""

    HEALTHY = "healthy"
    DONE = "done"
    NONE = "none"


class Busy(StrEnum):
    """What to do when the service is busy."""

    QUEUE = "queue"
    FAIL = "fail"
    SUPERSEDE = "supersede"


Application = Annotated[
    str | None, typer.Option(help="The id of an application.", metavar="ID", rich_help_panel=SERVICE)
]
Compose = Annotated[str | None, typer.Option(help="The id of a compose.", metavar="ID", rich_help_panel=SERVICE)]
Postgres = Annotated[str | None, typer.Option(help="The id of a database.", metavar="ID", rich_help_panel=SERVICE)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DeploymentId = Annotated[str, typer.Argument(help="The deployment's id, as `list` shows it.")]
Timeout = Annotated[float, typer.Option(help="Seconds to wait; the server goes on after that.", min=1)]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dokploy-deployments {package_version()}")
        raise typer.Exit


@app.callback()
def options(
    show_version: Annotated[
        bool, typer.Option("--version", help="Show name and version, and end.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Deployments on a Dokploy server: see them, follow them, start them, go back, and find out what is wrong."""


@app.command("list")
@command
def list_(
    session: Session,
    application: Application = None,
    compose: Compose = None,
    postgres: Postgres = None,
    mysql: Postgres = None,
    mariadb: Postgres = None,
    mongo: Postgres = None,
    redis: Postgres = None,
    server: Annotated[
        str | None, typer.Option(help="The id of a remote server.", metavar="ID", rich_help_panel=SERVICE)
    ] = None,
    status: Annotated[
        list[str] | None, typer.Option(help=f"{texts.GET_ALL_DEPLOYMENTS['status']} May be repeated.")
    ] = None,
    since: Annotated[str | None, typer.Option(help=texts.GET_ALL_DEPLOYMENTS["since"])] = None,
    limit: Annotated[int | None, typer.Option(help=texts.GET_ALL_DEPLOYMENTS["limit"], min=1)] = None,
    versions: Annotated[bool, typer.Option("--versions", help="With the stored versions of a service.")] = False,
) -> None:
    """Deployments, newest first: of a service, of a remote server, or of everything that the key's user may see."""
    from pulumi_dokploy_deployments.cli.reading import show_deployments
    from pulumi_dokploy_deployments.cli.selecting import one_service
    from pulumi_dokploy_deployments.functions.filters import InvalidArgument

    service = one_service(
        {
            "application": application,
            "compose": compose,
            "postgres": postgres,
            "mysql": mysql,
            "mariadb": mariadb,
            "mongo": mongo,
            "redis": redis,
        }
    )
    if service is not None and server is not None:
        raise InvalidArgument("A service and a server are named.", next_step="Name one.")
    if versions and service is None:
        raise InvalidArgument("--versions needs a service.", next_step="Give --application or --compose.")
    filters = {"status": status, "limit": limit, "since": since}
    show_deployments(session, service, server, filters, versions=versions)


@app.command()
@command
def queue(
    session: Session,
    application: Application = None,
    compose: Compose = None,
    state: Annotated[
        list[str] | None,
        typer.Option(help=f"{texts.GET_DEPLOYMENT_QUEUE['state']} May be repeated."),
    ] = None,
) -> None:
    """What waits and what runs on the whole server, in the order in which it will run."""
    from pulumi_dokploy_deployments.cli.reading import show_queue
    from pulumi_dokploy_deployments.cli.selecting import one_service

    show_queue(session, state or [], one_service({"application": application, "compose": compose}))


@app.command()
@command
def logs(
    session: Session,
    deployment: DeploymentId,
    tail: Annotated[int, typer.Option(help=texts.GET_DEPLOYMENT_LOGS["tail"])] = 100,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="The whole log, and new lines until the deployment is over.")
    ] = False,
) -> None:
    """The build log of a deployment."""
    if follow:
        from pulumi_dokploy_deployments.cli.staying import follow_log

        follow_log(session, deployment)
        return
    from pulumi_dokploy_deployments.cli.reading import show_log

    show_log(session, deployment, tail)


@app.command()
@command
def watch(
    session: Session,
    deployment: Annotated[
        str | None, typer.Argument(help="The deployment's id; else whatever of the service runs or waits.")
    ] = None,
    application: Application = None,
    compose: Compose = None,
    timeout: Timeout = 1800,
    health: Annotated[bool, typer.Option(help="Also watch that the new version really runs.")] = True,
    log: Annotated[bool, typer.Option("--log", help="The build log runs along.")] = False,
) -> None:
    """Live progress: stage, time so far, usual time, and an estimate of the rest. The exit code says how it ended."""
    from pulumi_dokploy_deployments.cli.selecting import one_service
    from pulumi_dokploy_deployments.cli.staying import watch as stay

    service = one_service({"application": application, "compose": compose})
    stay(session, deployment, service, timeout_seconds=timeout, health=health, show_log=log)


@app.command()
@command
def candidates(
    session: Session,
    application: Application = None,
    compose: Compose = None,
    only_working: Annotated[
        bool, typer.Option("--only-working", help=texts.GET_ROLLBACK_CANDIDATES["only_working"])
    ] = False,
) -> None:
    """Where a service can go back to, and why some of its deployments are no way back."""
    from pulumi_dokploy_deployments.cli.reading import show_candidates
    from pulumi_dokploy_deployments.cli.selecting import the_service

    service = the_service({"application": application, "compose": compose})
    show_candidates(session, service, only_working=only_working)


@app.command()
@command
def deploy(
    session: Session,
    application: Application = None,
    compose: Compose = None,
    postgres: Postgres = None,
    mysql: Postgres = None,
    mariadb: Postgres = None,
    mongo: Postgres = None,
    redis: Postgres = None,
    method: Annotated[Method, typer.Option(help=texts.DEPLOYMENT["method"])] = Method.DEPLOY,
    title: Annotated[str, typer.Option(help="The title on Dokploy's page.")] = "",
    description: Annotated[str, typer.Option(help="The description beside it.")] = "",
    wait_for: Annotated[
        WaitUntil,
        typer.Option(help=texts.DEPLOYMENT["wait_for"]),
    ] = WaitUntil.HEALTHY,
    on_busy: Annotated[
        Busy,
        typer.Option(help=texts.DEPLOYMENT["on_busy"]),
    ] = Busy.QUEUE,
    timeout: Timeout = 1800,
    expect_commit: Annotated[str | None, typer.Option(help=texts.DEPLOYMENT["expect_commit"])] = None,
    log: Annotated[bool, typer.Option(help="The build log runs along.")] = True,
) -> None:
    """Deploy a service and wait until it really runs. Ctrl-C ends the waiting, not the deployment."""
    import re

    from pulumi_dokploy_deployments.api.models import DeployMethod
    from pulumi_dokploy_deployments.cli.deploying import deploy as start
    from pulumi_dokploy_deployments.cli.selecting import the_service
    from pulumi_dokploy_deployments.functions.filters import InvalidArgument
    from pulumi_dokploy_deployments.rollout.request import OnBusy, RolloutRequest, WaitFor

    service = the_service(
        {
            "application": application,
            "compose": compose,
            "postgres": postgres,
            "mysql": mysql,
            "mariadb": mariadb,
            "mongo": mongo,
            "redis": redis,
        }
    )
    if expect_commit is not None and not re.fullmatch(r"[0-9a-fA-F]{7,64}", expect_commit):
        raise InvalidArgument(
            f"{expect_commit!r} is not a commit.", next_step="Give seven or more of its hexadecimal digits."
        )
    if "\x00" in title + description:
        raise InvalidArgument("A title or description can't contain a NUL character: Dokploy can't store it.")
    request = RolloutRequest(
        service=service,
        method=DeployMethod(method.value),
        title=title,
        description=description,
        wait_for=WaitFor(wait_for.value),
        on_busy=OnBusy(on_busy.value),
        timeout_seconds=timeout,
        expect_commit=expect_commit,
        stream_logs=log,
    )
    start(session, request)


@app.command()
@command
def rollback(
    session: Session,
    application: Application = None,
    to: Annotated[int | None, typer.Option("--version", help="The stored version's number.", min=1)] = None,
    deployment: Annotated[str | None, typer.Option(help="The id of the deployment to go back to.")] = None,
    commit: Annotated[str | None, typer.Option(help="The commit to go back to; its beginning is enough.")] = None,
    previous: Annotated[
        int | None, typer.Option(help="So many successful deployments back from the newest.", min=1)
    ] = None,
    rollback_id: Annotated[str | None, typer.Option(help="The server's id of the stored version.")] = None,
    timeout: Timeout = 600,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be brought back.")] = False,
) -> None:
    """Bring an earlier version back by its stored image, and prove that it runs."""
    from pulumi_dokploy_deployments.cli.deploying import rollback as go_back
    from pulumi_dokploy_deployments.cli.selecting import the_service
    from pulumi_dokploy_deployments.functions.filters import InvalidArgument
    from pulumi_dokploy_deployments.rollback.targets import Selector, SelectorKind

    given: list[tuple[SelectorKind, str | int | None]] = [
        (SelectorKind.VERSION, to),
        (SelectorKind.DEPLOYMENT_ID, deployment),
        (SelectorKind.COMMIT, commit),
        (SelectorKind.PREVIOUS, previous),
        (SelectorKind.ROLLBACK_ID, rollback_id),
    ]
    chosen = [Selector(kind, value) for kind, value in given if value is not None]
    if len(chosen) != 1:
        raise InvalidArgument(
            "Which version to go back to is not clear.",
            next_step="Give exactly one of --version, --deployment, --commit, --previous and --rollback-id; "
            "`dokploy-deployments candidates` shows what there is.",
        )
    service = the_service({"application": application})
    go_back(session, service, chosen[0], timeout_seconds=timeout, dry_run=dry_run)


@app.command()
@command
def kill(
    session: Session,
    deployment: Annotated[str | None, typer.Argument(help="The id of the running deployment.")] = None,
    waiting_of_application: Annotated[
        str | None, typer.Option(help="Drop the waiting deployments of this application.", metavar="ID")
    ] = None,
    waiting_of_compose: Annotated[
        str | None, typer.Option(help="Drop the waiting deployments of this compose.", metavar="ID")
    ] = None,
    every_build_on_the_host: Annotated[
        bool,
        typer.Option(
            "--every-build-on-the-host",
            help="End it by the call that ends EVERY docker build on the host, those of other services too.",
        ),
    ] = False,
    yes: Yes = False,
) -> None:
    """End a running deployment where the server can, or drop those of a service that wait. Asks first."""
    from pulumi_dokploy_deployments.cli import ending
    from pulumi_dokploy_deployments.cli.selecting import one_service
    from pulumi_dokploy_deployments.functions.filters import InvalidArgument

    waiting = one_service({"application": waiting_of_application, "compose": waiting_of_compose})
    if (deployment is None) == (waiting is None):
        raise InvalidArgument(
            "What to end is not clear.",
            next_step="Give a running deployment's id, or --waiting-of-application or --waiting-of-compose.",
        )
    if waiting is not None:
        ending.drop_waiting(session, waiting, yes=yes)
    elif deployment is not None:
        ending.kill(session, deployment, every_build=every_build_on_the_host, yes=yes)


@app.command()
@command
def remove(session: Session, deployment: DeploymentId, yes: Yes = False) -> None:
    """Delete a deployment from the history. A running one is not stopped by that. Asks first."""
    from pulumi_dokploy_deployments.cli import ending

    ending.remove(session, deployment, yes=yes)


@app.command()
@command
def doctor(
    session: Session,
    application: Application = None,
    compose: Compose = None,
    look_up_key_file: Annotated[
        Path | None,
        typer.Option(
            help="A file with another key of the same user (an owner or admin): tells whether a refused key is wrong "
            "or used up.",
            metavar="FILE",
        ),
    ] = None,
) -> None:
    """Find out what is wrong: address, TLS, proxies, key, rate limit, permissions, WebSockets, clocks, rollbacks."""
    from pulumi_dokploy_deployments.cli.examining import doctor as examine
    from pulumi_dokploy_deployments.cli.selecting import one_service

    examine(session, one_service({"application": application, "compose": compose}), look_up_key_file)


@app.command()
@command
def simulate(
    session: Session,
    port: Annotated[int, typer.Option(help="The port; 0 takes a free one.", min=0, max=65535)] = 0,
    build_seconds: Annotated[float, typer.Option(help="How long a build takes.", min=0)] = 1.0,
    slow_seconds: Annotated[float | None, typer.Option(help="How long a slow build takes.", min=0)] = None,
    seed: Annotated[int, typer.Option(help="The seed of all ids.")] = 0,
    max_seconds: Annotated[float, typer.Option(help="It ends by itself after this time.", min=1)] = 3600.0,
) -> None:
    """Serve a simulated Dokploy on this machine, to try everything out. Nothing of it is real."""
    from pulumi_dokploy_deployments.cli.simulating import simulate as serve

    given = ["--port", str(port), "--build-seconds", str(build_seconds), "--seed", str(seed)]
    given += ["--max-seconds", str(max_seconds)]
    if slow_seconds is not None:
        given += ["--slow-seconds", str(slow_seconds)]
    serve(session, given)


def main() -> None:
    """The entry point."""
    for stream in (sys.stdout, sys.stderr):
        # Log lines carry emoji; a terminal that has none must not end the command.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    app()
