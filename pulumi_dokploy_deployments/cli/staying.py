"""The commands that stay until a deployment is over: `watch` and `logs --follow`."""

from __future__ import annotations

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.cli import tables
from pulumi_dokploy_deployments.cli.finding import find_deployment
from pulumi_dokploy_deployments.cli.live import LiveReporter, LogPrinter
from pulumi_dokploy_deployments.cli.session import Session
from pulumi_dokploy_deployments.functions.deployments import info_of
from pulumi_dokploy_deployments.functions.filters import InvalidArgument
from pulumi_dokploy_deployments.functions.identity import existing_service
from pulumi_dokploy_deployments.rollout.errors import DeploymentCancelled, DeploymentFailed
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.rollout.request import RolloutRequest, WaitFor
from pulumi_dokploy_deployments.rollout.watch import watch as follow
from pulumi_dokploy_deployments.waiting.clock import SystemClock
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.workload.verdict import Health


def follow_log(session: Session, deployment_id: str) -> None:
    """The whole log so far, and its new lines until the deployment is over."""

    def show(line: str) -> None:
        if session.is_json:
            session.json({"event": "log", "line": line})
        else:
            session.say(line)

    async def work(client: DokployClient) -> RunRecord | None:
        found = await find_deployment(client, deployment_id)
        session.goes_on = f"The deployment goes on: dokploy-deployments watch {found.row.deployment_id}"
        request = RolloutRequest(found.service, wait_for=WaitFor.DONE, timeout_seconds=float("inf"))
        context = RunContext(client, reporter=LogPrinter(show, session.warn))
        return await follow(request, context, deployment_id=found.row.deployment_id)

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


def watch(
    session: Session,
    deployment_id: str | None,
    service: ServiceRef | None,
    *,
    timeout_seconds: float,
    health: bool,
    show_log: bool,
) -> None:
    """Live progress of one deployment; the exit code says how it ended."""
    if (deployment_id is None) == (service is None):
        raise InvalidArgument(
            "What to watch is not clear.", next_step="Give a deployment's id, or --application or --compose."
        )
    clock = SystemClock()
    event = session.json if session.is_json else None
    reporter = LiveReporter(session.err, clock, event=event, show_log=show_log)

    async def work(client: DokployClient) -> RunRecord | None:
        wanted, ref = None, service
        if deployment_id is not None:
            found = await find_deployment(client, deployment_id)
            wanted, ref = found.row.deployment_id, found.service
        assert ref is not None  # noqa: S101 - one of the two was given
        known = await existing_service(client, ref.kind, ref.service_id)
        reporter.name = known.name
        session.goes_on = f"Whatever runs of {ref.kind.value} {known.name!r} goes on at the server."
        request = RolloutRequest(
            ref, wait_for=WaitFor.HEALTHY if health else WaitFor.DONE, timeout_seconds=timeout_seconds
        )
        with reporter:
            return await follow(request, RunContext(client, clock, reporter), deployment_id=wanted)

    run = session.run(work)
    _tell(session, reporter, run, clock.monotonic())


def _tell(session: Session, reporter: LiveReporter, run: RunRecord | None, now: float) -> None:
    row = run.deployment if run is not None else None
    verdict = run.verdict if run is not None and run.verdict.health is not Health.NOT_CHECKED else None
    if session.is_json:
        session.json(
            {
                "event": "end",
                "succeeded": True,
                "deployment": info_of(row).model_dump(mode="json") if row is not None else None,
                "health": verdict.health.value if verdict is not None else None,
                "health_reason": verdict.reason if verdict is not None else None,
                "stages": {stage.value: round(spent, 1) for stage, spent in reporter.stages.durations(now)},
            }
        )
        return
    if row is None:
        session.say(f"Nothing of {reporter.name} waits or runs.")
        return
    info = info_of(row)
    took = f" after {tables.seconds(info.duration_seconds)}" if info.duration_seconds is not None else ""
    usual = reporter.stages.usual_seconds
    usually = f" (usually {tables.seconds(usual)})" if usual is not None else ""
    session.say(f"{reporter.name}: {info.status}{took}{usually} · {info.title} · {info.deployment_id}", "green")
    stages = " · ".join(f"{stage.value} {tables.seconds(spent)}" for stage, spent in reporter.stages.durations(now))
    if stages:
        session.say(f"stages: {stages}", "dim")
    if verdict is not None:
        session.say(f"what runs: {verdict.health.value}: {verdict.reason}", "green")
