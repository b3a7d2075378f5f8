"""`rollback`: bring an earlier version back by its stored image, and prove that it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pulumi_dokploy_deployments.cli import completing
from pulumi_dokploy_deployments.cli.command import command
from pulumi_dokploy_deployments.cli.option_texts import ROLLBACK_TARGET
from pulumi_dokploy_deployments.cli.options import Application, option

if TYPE_CHECKING:
    from pulumi_dokploy_deployments.api.client import DokployClient
    from pulumi_dokploy_deployments.api.services import ServiceRef
    from pulumi_dokploy_deployments.cli.live import LiveReporter
    from pulumi_dokploy_deployments.cli.session import Session
    from pulumi_dokploy_deployments.rollback.by_image import Proof
    from pulumi_dokploy_deployments.rollback.targets import Selector, SelectorKind, Target


@command
def rollback(
    session: Session,
    application: Application = None,
    to: Annotated[
        int | None,
        typer.Option(
            "--version", help="The stored version's number.", min=1, autocompletion=completing.version("version")
        ),
    ] = None,
    deployment: Annotated[
        str | None,
        typer.Option(
            help="The id of the deployment to go back to.",
            metavar="ID",
            autocompletion=completing.version("deployment_id"),
        ),
    ] = None,
    commit: Annotated[
        str | None,
        typer.Option(
            help="The commit to go back to; a prefix is enough.",
            metavar="COMMIT",
            autocompletion=completing.version("commit"),
        ),
    ] = None,
    previous: Annotated[
        int | None,
        typer.Option(
            help="So many successful deployments back from the newest.",
            min=1,
            autocompletion=completing.version("previous"),
        ),
    ] = None,
    rollback_id: Annotated[
        str | None,
        typer.Option(
            help="The server's id of the stored version.",
            metavar="ID",
            autocompletion=completing.version("rollback_id"),
        ),
    ] = None,
    timeout: Annotated[float | None, option(ROLLBACK_TARGET["timeout_seconds"], metavar="SECONDS")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be brought back.")] = False,
) -> None:
    """Bring an earlier version back by its stored image, and prove that it runs."""
    from pulumi_dokploy_deployments.cli.selecting import the_service
    from pulumi_dokploy_deployments.functions.filters import InvalidArgument
    from pulumi_dokploy_deployments.resources.rollback_target_model import RollbackTargetInputs
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
    service = the_service(application=application)
    checked = RollbackTargetInputs.read({"timeout_seconds": timeout})
    for problem in checked.problems:
        raise InvalidArgument(problem.reason, property_name=problem.property_name)
    limits = checked.inputs or RollbackTargetInputs()
    _roll_back(session, service, chosen[0], timeout_seconds=limits.timeout_seconds, dry_run=dry_run)


def _roll_back(session: Session, ref: ServiceRef, selector: Selector, *, timeout_seconds: float, dry_run: bool) -> None:
    from pulumi_dokploy_deployments.api.services import dashboard_link
    from pulumi_dokploy_deployments.cli.live import LiveReporter
    from pulumi_dokploy_deployments.functions.names import named_service
    from pulumi_dokploy_deployments.functions.rollback_candidates import read_candidates
    from pulumi_dokploy_deployments.rollback.by_image import roll_back_and_verify
    from pulumi_dokploy_deployments.rollback.targets import Strategy, choose_way, select
    from pulumi_dokploy_deployments.waiting.progress import Activity

    # Scripts get one document, at the end.
    event = (lambda _: None) if session.is_json else None
    reporter = LiveReporter(session.err, session.clock, event=event, show_log=False)
    began_at = session.clock.monotonic()

    async def work(client: DokployClient) -> tuple[Target, Proof | None, str]:
        service = await session.retry(lambda: named_service(client, ref.kind, ref.service_id))
        reporter.name = service.name
        candidates = await session.retry(lambda: read_candidates(client, service.kind, service.service_id))
        chosen = select(selector, candidates, service, session.clock.now())
        target = choose_way(chosen, Strategy.IMAGE, service, candidates, session.clock.now(), source_ref=None)
        link = dashboard_link(client.connection.origin, service)
        if dry_run:
            return target, None, link
        context = session.context(client, reporter)
        with reporter:
            return target, await roll_back_and_verify(service, target, context, timeout_seconds=timeout_seconds), link

    try:
        target, proof, link = session.run(work)
    except KeyboardInterrupt:
        if reporter.last is not None and reporter.last.activity is not Activity.READING:
            session.goes_on = (
                "The server may have accepted the rollback; whether the version runs was not seen to the end. Run the "
                "same command again, or look at the service's page."
            )
        else:
            session.goes_on = "Nothing was rolled back."
        raise
    if session.is_json:
        session.json(_as_json(target, proof, link, reporter.warnings))
    elif proof is None:
        session.say(f"Would bring back {target.describe(session.now)}.")
    else:
        _tell(session, reporter, target, proof, session.clock.monotonic() - began_at)


def _as_json(target: Target, proof: Proof | None, link: str, warnings: list[str]) -> dict[str, Any]:
    return {
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
        "warnings": warnings,
        "url": link,
    }


def _tell(session: Session, reporter: LiveReporter, target: Target, proof: Proof, seconds: float) -> None:
    """What was done; the last line says what was proven."""
    from pulumi_dokploy_deployments.cli import tables
    from pulumi_dokploy_deployments.rollout.closing import closing_line
    from pulumi_dokploy_deployments.workload.judge import STABLE_SECONDS
    from pulumi_dokploy_deployments.workload.verdict import Health

    description = target.describe(session.now)
    is_proven = proof.verdict.health is Health.HEALTHY
    session.say(f"{reporter.name} runs {description} again." if is_proven else f"Asked for {description}.", "green")
    session.say(f"image: {proof.image or tables.NOTHING} (before: {proof.previous_image or tables.NOTHING})", "dim")
    session.say("The next deployment of the service puts its newest version back.", "dim")
    closing = closing_line(
        reporter.name, proof.verdict, stable_seconds=STABLE_SECONDS, version=target.version, seconds=seconds
    )
    session.say(closing, "green" if is_proven else "yellow")
