"""The commands that change what runs: `deploy` and `rollback`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.services import ServiceRef, dashboard_link
from pulumi_dokploy_deployments.cli import tables
from pulumi_dokploy_deployments.cli.live import LiveReporter
from pulumi_dokploy_deployments.cli.session import Session
from pulumi_dokploy_deployments.functions.deployments import info_of
from pulumi_dokploy_deployments.functions.identity import existing_service
from pulumi_dokploy_deployments.functions.rollback_candidates import read_candidates
from pulumi_dokploy_deployments.rollback.by_image import Proof, roll_back_and_verify
from pulumi_dokploy_deployments.rollback.targets import Selector, Strategy, Target, choose_way, select
from pulumi_dokploy_deployments.rollout.deploy import deploy as run_deployment
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.rollout.request import RolloutRequest
from pulumi_dokploy_deployments.waiting.clock import SystemClock
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.progress import Activity, Progress
from pulumi_dokploy_deployments.waiting.progress_words import phrase
from pulumi_dokploy_deployments.workload.verdict import Health, Verdict


def deploy(session: Session, request: RolloutRequest) -> None:
    """Trigger one deployment and wait for its end as the request says."""
    clock, ref = SystemClock(), request.service
    reporter = _reporter(session, clock, show_log=request.stream_logs)

    async def work(client: DokployClient) -> RunRecord:
        service = await existing_service(client, ref.kind, ref.service_id)
        reporter.name = service.name
        with reporter:
            # The log is read in any case, since it tells the stages; what is shown is the reporter's business.
            return await run_deployment(replace(request, stream_logs=True), RunContext(client, clock, reporter))

    try:
        outcome = session.run(work)
    except KeyboardInterrupt:
        session.goes_on = after_interrupt(ref, reporter.last)
        raise
    if session.is_json:
        session.json(_result(outcome))
    else:
        _tell(session, reporter, outcome, clock.monotonic())


def rollback(
    session: Session, service_ref: ServiceRef, selector: Selector, *, timeout_seconds: float, dry_run: bool
) -> None:
    """Bring an earlier version back by its stored image, and prove that it runs."""
    clock = SystemClock()
    reporter = _reporter(session, clock, show_log=False)

    async def work(client: DokployClient) -> tuple[Target, Proof | None, str]:
        service = await existing_service(client, service_ref.kind, service_ref.service_id)
        reporter.name = service.name
        candidates = await read_candidates(client, service_ref.kind, service_ref.service_id)
        chosen = select(selector, candidates, service, clock.now())
        target = choose_way(chosen, Strategy.IMAGE, service, candidates, clock.now(), source_ref=None)
        link = dashboard_link(client.connection.origin, service)
        if dry_run:
            return target, None, link
        context = RunContext(client, clock, reporter)
        with reporter:
            return target, await roll_back_and_verify(service, target, context, timeout_seconds=timeout_seconds), link

    try:
        target, proof, link = session.run(work)
    except KeyboardInterrupt:
        if reporter.last is not None and reporter.last.activity is not Activity.READING:
            session.goes_on = (
                "The server may have taken the rollback; whether the version runs was not seen to the end. Run the "
                "same command again, or look at the service's page."
            )
        else:
            session.goes_on = "Nothing was rolled back."
        raise
    description = target.describe(session.now)
    if session.is_json:
        session.json(
            {
                "version": target.version,
                "rollback_id": target.rollback_id,
                "deployment_id": target.deployment_id,
                "commit_hash": target.commit_hash,
                "commit_message": target.commit_message,
                "image": (proof.image or None) if proof is not None else target.image,
                "previous_image": (proof.previous_image or None) if proof is not None else None,
                "health": proof.verdict.health.value if proof is not None else None,
                "health_reason": proof.verdict.reason if proof is not None else None,
                "rolled_back": proof is not None,
                "url": link,
            }
        )
    elif proof is None:
        session.say(f"Would bring back {description}.")
    else:
        proven = proof.verdict.health is Health.HEALTHY
        session.say(f"{reporter.name} runs {description} again." if proven else f"Asked for {description}.", "green")
        session.say(f"image: {proof.image or tables.NOTHING} (before: {proof.previous_image or tables.NOTHING})", "dim")
        _tell_verdict(session, proof.verdict)
        session.say("The next deployment of the service puts its newest version back.", "dim")


def _reporter(session: Session, clock: SystemClock, *, show_log: bool) -> LiveReporter:
    return LiveReporter(session.err, clock, event=session.json if session.is_json else None, show_log=show_log)


def after_interrupt(ref: ServiceRef, last: Progress | None) -> str:
    """What still runs at the server after Ctrl-C, going by the last step that the run has told."""
    if last is None or last.activity in (Activity.READING, Activity.DROPPING_WAITING):
        return "Nothing was started."
    watch = f"dokploy-deployments watch --{ref.kind.value} {ref.service_id}"
    if last.activity is Activity.REQUESTING:
        return f"The request may have reached the server; if it did, the deployment goes on there. See: {watch}"
    follow = f" Watch it: {watch}" if not ref.kind.is_database else ""
    return f"The server goes on with the deployment (last seen: {phrase(last)}).{follow}"


def _result(outcome: RunRecord) -> dict[str, Any]:
    row = outcome.deployment
    return {
        "event": "end",
        "succeeded": True,
        "deployment": info_of(row).model_dump(mode="json") if row is not None else None,
        "stage": outcome.stage.value,
        "health": outcome.verdict.health.value,
        "health_reason": outcome.verdict.reason,
        "queued_seconds": outcome.queued_seconds,
        "duration_seconds": outcome.duration_seconds,
        "version": outcome.version,
        "superseded_by": outcome.superseded_by,
        "url": outcome.link,
    }


def _tell(session: Session, reporter: LiveReporter, outcome: RunRecord, now: float) -> None:
    row = outcome.deployment
    if row is None:
        session.say(f"{reporter.name}: deployed", "green")
    else:
        info = info_of(row)
        took = f" after {tables.seconds(info.duration_seconds)}" if info.duration_seconds is not None else ""
        version = f" · {tables.version(outcome.version)}" if outcome.version is not None else ""
        text = f"{reporter.name}: {info.status}{took} · {info.title} · {info.deployment_id}{version}"
        session.say(text, "green" if row.status.is_final else "cyan")
        stages = " · ".join(f"{stage.value} {tables.seconds(s)}" for stage, s in reporter.stages.durations(now))
        if stages:
            session.say(f"stages: {stages}", "dim")
        if not row.status.is_final:
            session.say(f"It goes on at the server: dokploy-deployments watch {info.deployment_id}", "dim")
    _tell_verdict(session, outcome.verdict)
    session.say(outcome.link, "dim")


def _tell_verdict(session: Session, verdict: Verdict) -> None:
    if verdict.health is not Health.NOT_CHECKED:
        style = "green" if verdict.health is Health.HEALTHY else "yellow"
        session.say(f"what runs: {verdict.health.value}: {verdict.reason}", style)
