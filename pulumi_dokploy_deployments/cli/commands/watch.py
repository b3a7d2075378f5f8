"""`watch`: live progress of one deployment; the exit code says how it ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from pulumi_dokploy_deployments.cli.command import command
from pulumi_dokploy_deployments.cli.option_texts import DEPLOYMENT
from pulumi_dokploy_deployments.cli.options import Timeout, VersionedService, deployment_argument, option

if TYPE_CHECKING:
    from pulumi_dokploy_deployments.api.client import DokployClient
    from pulumi_dokploy_deployments.api.services import ServiceRef
    from pulumi_dokploy_deployments.cli.live import LiveReporter
    from pulumi_dokploy_deployments.cli.session import Session
    from pulumi_dokploy_deployments.rollout.record import RunRecord
    from pulumi_dokploy_deployments.rollout.request import RolloutRequest


@command
def watch(
    session: Session,
    deployment: Annotated[
        str | None, deployment_argument("The deployment's id; else whatever of the service runs or waits.")
    ] = None,
    service: VersionedService = None,
    timeout: Timeout = None,
    wait_to_begin: Annotated[
        float,
        typer.Option(help="Where nothing runs or waits, how long to wait for a deployment to begin.", min=0),
    ] = 0.0,
    health: Annotated[bool, typer.Option(help="Also watch that the new version really runs.")] = True,
    stable_seconds: Annotated[float | None, option(DEPLOYMENT["stable_seconds"], metavar="SECONDS")] = None,
    log: Annotated[bool, typer.Option("--log", help="The build log runs along.")] = False,
) -> None:
    """Live progress: stage, time so far, usual time, and an estimate of the rest. The exit code says how it ended."""
    from pulumi_dokploy_deployments.functions.filters import InvalidArgument
    from pulumi_dokploy_deployments.resources.deployment_model import DeploymentInputs
    from pulumi_dokploy_deployments.rollout.request import RolloutRequest, WaitFor

    if (deployment is None) == (service is None):
        raise InvalidArgument(
            "What to watch is not clear.", next_step="Give a deployment's id, or --application or --compose."
        )
    checked = DeploymentInputs.read({"timeout_seconds": timeout, "stable_seconds": stable_seconds})
    for problem in checked.problems:
        raise InvalidArgument(problem.reason, property_name=problem.property_name)
    limits = checked.inputs or DeploymentInputs()

    def request_for(ref: ServiceRef) -> RolloutRequest:
        return RolloutRequest(
            ref,
            wait_for=WaitFor.HEALTHY if health else WaitFor.DONE,
            timeout_seconds=limits.timeout_seconds,
            stable_seconds=limits.stable_seconds,
        )

    _watch(session, deployment, service, request_for, begin_within_seconds=wait_to_begin, show_log=log)


def _watch(
    session: Session,
    deployment_id: str | None,
    service: ServiceRef | None,
    request_for: Callable[[ServiceRef], RolloutRequest],
    *,
    begin_within_seconds: float,
    show_log: bool,
) -> None:
    from pulumi_dokploy_deployments.api.services import ServiceRef
    from pulumi_dokploy_deployments.cli.errors import NothingBegan
    from pulumi_dokploy_deployments.cli.finding import find_deployment
    from pulumi_dokploy_deployments.cli.run_end import reporter_of, shown, tell_run
    from pulumi_dokploy_deployments.functions.names import named_service
    from pulumi_dokploy_deployments.rollout.watch import watch as follow

    session.streams = True

    async def work(client: DokployClient) -> tuple[LiveReporter, RunRecord | None]:
        wanted, ref = None, service
        if deployment_id is not None:
            found = await session.retry(lambda: find_deployment(client, deployment_id))
            wanted, ref = found.row.deployment_id, found.service
        assert ref is not None  # noqa: S101 - one of the two was given
        kind, identity = ref.kind, ref.service_id
        known = await session.retry(lambda: named_service(client, kind, identity))
        reporter = reporter_of(session, show_log=show_log)
        reporter.name = known.name
        session.goes_on = f"Whatever runs of {kind.value} {known.name!r} goes on at the server."
        context = session.context(client, reporter)
        with shown(session, reporter, has_log=show_log):
            run = await follow(
                request_for(ServiceRef(kind, known.service_id)),
                context,
                deployment_id=wanted,
                begin_within_seconds=begin_within_seconds,
            )
        return reporter, run

    reporter, run = session.run(work)
    if run is not None:
        tell_run(session, reporter, run)
        return
    if begin_within_seconds:
        raise NothingBegan(f"No deployment of {reporter.name} began within {begin_within_seconds:g} s.")
    nothing = f"Nothing of {reporter.name} waits or runs."
    if session.is_json:
        session.json({"event": "end", "succeeded": None, "message": nothing, "deployment": None, "health": None})
    session.say(nothing)
