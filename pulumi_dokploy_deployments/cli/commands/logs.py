"""`logs`: the build log of a deployment, or what the service's containers wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pulumi_dokploy_deployments.cli.command import command
from pulumi_dokploy_deployments.cli.option_texts import GET_DEPLOYMENT_LOGS
from pulumi_dokploy_deployments.cli.options import AnyService, deployment_argument, option

if TYPE_CHECKING:
    from pulumi_dokploy_deployments.api.client import DokployClient
    from pulumi_dokploy_deployments.api.services import ServiceRef
    from pulumi_dokploy_deployments.cli.container_log import ContainerLine
    from pulumi_dokploy_deployments.cli.session import Session
    from pulumi_dokploy_deployments.rollout.record import RunRecord


@command
def logs(
    session: Session,
    deployment: Annotated[str | None, deployment_argument("The deployment's id, as `list` shows it.")] = None,
    tail: Annotated[int | None, option(GET_DEPLOYMENT_LOGS["tail"])] = None,
    follow: Annotated[
        bool,
        typer.Option(
            "--follow", "-f", help="New lines as they are written: until the deployment is over, or until Ctrl-C."
        ),
    ] = False,
    container: Annotated[
        bool,
        typer.Option(
            "--container",
            help="What the containers wrote, instead of the build: of the deployment's service or of one.",
        ),
    ] = False,
    service: AnyService = None,
) -> None:
    """The build log of a deployment; with --container, what the containers of its service, or of one, wrote."""
    from pulumi_dokploy_deployments.functions.filters import InvalidArgument

    if not container and service is not None:
        raise InvalidArgument(
            "A service has many build logs.",
            next_step="Give a deployment's id, or --container for what the service's containers wrote.",
        )
    if (deployment is None) == (service is None):
        more = ", or --container and a service" if not container else " or a service"
        raise InvalidArgument("Whose log is not clear.", next_step=f"Give a deployment's id{more}.")
    if container:
        _container_log(session, deployment, service, tail=tail, follow=follow)
    elif deployment is not None and follow:
        _follow_build(session, deployment)
    elif deployment is not None:
        _build_log(session, deployment, tail)


# --- the build ---------------------------------------------------------------------------------------------------


def _build_log(session: Session, deployment_id: str, tail: int | None) -> None:
    from pulumi_dokploy_deployments.functions.table import GET_DEPLOYMENT_LOGS as READ

    found = session.read(READ, {"deployment_id": deployment_id, "tail": tail})
    if session.is_json:
        session.json(found)
        return
    for line in found.lines:
        session.log_line(line)
    if not found.lines:
        session.warn("The server has no log for this deployment.")


def _follow_build(session: Session, deployment_id: str) -> None:
    """The whole log so far, and its new lines until the deployment is over."""
    from pulumi_dokploy_deployments.cli.finding import find_deployment
    from pulumi_dokploy_deployments.cli.live import LogPrinter
    from pulumi_dokploy_deployments.functions.deployments import info_of
    from pulumi_dokploy_deployments.rollout.errors import DeploymentCancelled, DeploymentFailed
    from pulumi_dokploy_deployments.rollout.request import RolloutRequest, WaitFor
    from pulumi_dokploy_deployments.rollout.watch import watch

    session.streams = True

    async def work(client: DokployClient) -> RunRecord | None:
        found = await session.retry(lambda: find_deployment(client, deployment_id))
        session.goes_on = f"The deployment goes on: dokploy-deployments watch {found.row.deployment_id}"
        request = RolloutRequest(found.service, wait_for=WaitFor.DONE, timeout_seconds=float("inf"))
        context = session.context(client, LogPrinter(session.log_line, session.warn))
        return await watch(request, context, deployment_id=found.row.deployment_id)

    try:
        run = session.run(work)
        row = run.deployment if run is not None else None
    except (DeploymentFailed, DeploymentCancelled) as over:
        # The log was asked for, and it is shown: how the deployment ended is the last line of it.
        row = over.deployment
    if row is not None and session.is_json:
        session.json({"event": "end", "deployment": info_of(row).model_dump(mode="json")})
    elif row is not None:
        session.err.print(f"The deployment is over: {row.status.value}.", style="dim")


# --- what the containers wrote -----------------------------------------------------------------------------------


def _container_log(
    session: Session, deployment_id: str | None, service: ServiceRef | None, *, tail: int | None, follow: bool
) -> None:
    from pulumi_dokploy_deployments.api.client import MAX_LOG_LINES
    from pulumi_dokploy_deployments.cli.container_log import follow_lines, read_lines
    from pulumi_dokploy_deployments.cli.finding import find_deployment
    from pulumi_dokploy_deployments.functions.arguments import DEFAULT_TAIL
    from pulumi_dokploy_deployments.functions.filters import whole_number
    from pulumi_dokploy_deployments.functions.names import named_service

    lines_wanted = whole_number(DEFAULT_TAIL if tail is None else tail, "tail", least=1, most=MAX_LOG_LINES)
    session.streams = follow

    async def work(client: DokployClient) -> tuple[str, list[ContainerLine]]:
        ref = service
        if deployment_id is not None:
            ref = (await session.retry(lambda: find_deployment(client, deployment_id))).service
        assert ref is not None  # noqa: S101 - one of the two was given
        kind, identity = ref.kind, ref.service_id
        found = await session.retry(lambda: named_service(client, kind, identity))
        context = session.context(client)
        if follow:
            session.goes_on = f"The {kind.value} {found.name!r} goes on."
            await follow_lines(
                session, context, found, tail=lines_wanted, show=lambda line: _show(session, line, is_event=True)
            )
            return found.name, []
        return found.name, await read_lines(session, context, found, tail=lines_wanted)

    name, lines = session.run(work)
    if follow:
        return
    if session.is_json:
        told = [
            {"at": line.line.at, "source": line.source or None, "line": session.redactor.line(line.line.text)}
            for line in lines
        ]
        session.json({"service": name, "lines": told})
        return
    for line in lines:
        _show(session, line)
    if not lines:
        session.warn(f"The containers of {name} have written nothing, or there are none.")


def _show(session: Session, line: ContainerLine, *, is_event: bool = False) -> None:
    if session.is_json and is_event:
        text = session.redactor.line(line.line.text)
        session.json({"event": "log", "at": line.line.at, "source": line.source or None, "line": text})
        return
    session.log_line(f"{line.source} | {line.line.text}" if line.source else line.line.text)
