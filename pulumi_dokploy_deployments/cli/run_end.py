"""How a deployment that was followed to its end is told: to people, to scripts, and on the page of a CI's job."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pulumi_dokploy_deployments.api.one_line import one_line
from pulumi_dokploy_deployments.cli import tables
from pulumi_dokploy_deployments.cli.ci import CiOutput, RunSummary
from pulumi_dokploy_deployments.cli.errors import words_of
from pulumi_dokploy_deployments.cli.live import LiveReporter
from pulumi_dokploy_deployments.cli.session import Session
from pulumi_dokploy_deployments.functions.deployments import info_of
from pulumi_dokploy_deployments.rollout.errors import DeploymentTimedOut, RolloutError
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.workload.verdict import Health


def reporter_of(session: Session, *, show_log: bool) -> LiveReporter:
    """The reporter of a command that follows a run, in the form that the session wants."""
    event = session.json if session.is_json else None
    return LiveReporter(session.err, session.clock, event=event, show_log=show_log, redactor=session.redactor)


@contextmanager
def shown(session: Session, reporter: LiveReporter, *, has_log: bool) -> Iterator[None]:
    """Show a run while it goes on; its log is a section in a CI that has some. A failure gets onto the job's page."""
    ci = CiOutput.of(os.environ)
    sections = ci if has_log and not session.is_json else CiOutput(ci.summary_file)

    def write(text: str) -> None:
        session.err.file.write(text)
        session.err.file.flush()

    try:
        with sections.section(f"Deployment of {one_line(reporter.name)}", write, time.time), reporter:
            yield
    except RolloutError as error:
        _summarise(session, ci, _failure(session, reporter, error))
        raise


def tell_run(session: Session, reporter: LiveReporter, run: RunRecord) -> None:
    """The last lines of a run that went well; the very last one says what was proven."""
    now = session.clock.monotonic()
    if session.is_json:
        session.json(run_as_json(run, reporter, now))
    else:
        _tell_people(session, reporter, run, now)
    _summarise(session, CiOutput.of(os.environ), _success(session, reporter, run))


def run_as_json(run: RunRecord, reporter: LiveReporter, now: float) -> dict[str, Any]:
    """The event that ends a run."""
    row = run.deployment
    return {
        "event": "end",
        "succeeded": True,
        "message": reporter.closing or None,
        "deployment": info_of(row).model_dump(mode="json") if row is not None else None,
        "stage": run.stage.value,
        "stages": {stage.value: round(spent, 1) for stage, spent in reporter.stages.durations(now)},
        "health": run.verdict.health.value,
        "health_reason": run.verdict.reason,
        "running": run.verdict.running,
        "queued_seconds": run.queued_seconds,
        "duration_seconds": run.duration_seconds,
        "usual_seconds": run.usual_seconds,
        "version": run.version,
        "superseded_by": run.superseded_by,
        "url": run.link,
    }


def _tell_people(session: Session, reporter: LiveReporter, run: RunRecord, now: float) -> None:
    row = run.deployment
    if row is None:
        session.say(f"{reporter.name}: deployed", "green")
    else:
        info = info_of(row)
        took = f" after {tables.seconds(info.duration_seconds)}" if info.duration_seconds is not None else ""
        usually = f" (usually {tables.seconds(run.usual_seconds)})" if took and run.usual_seconds is not None else ""
        version = f" · {tables.version(run.version)}" if run.version is not None else ""
        title = session.redactor.line(one_line(info.title))
        text = f"{reporter.name}: {info.status}{took}{usually} · {title} · {info.deployment_id}{version}"
        session.say(text, "green" if row.status.is_final else "cyan")
        stages = _stages(reporter, now)
        if stages:
            session.say(f"stages: {stages}", "dim")
        if not row.status.is_final:
            session.say(f"It goes on at the server: dokploy-deployments watch {info.deployment_id}", "dim")
    session.say(run.link, "dim")
    if reporter.closing:
        session.say(reporter.closing, "green" if run.verdict.health is Health.HEALTHY else "yellow")


def _stages(reporter: LiveReporter, now: float) -> str:
    return " · ".join(f"{stage.value} {tables.seconds(spent)}" for stage, spent in reporter.stages.durations(now))


def _summarise(session: Session, ci: CiOutput, summary: RunSummary) -> None:
    problem = ci.summarise(summary)
    if problem:
        session.warn(problem)


def _success(session: Session, reporter: LiveReporter, run: RunRecord) -> RunSummary:
    row = run.deployment
    return RunSummary(
        service=reporter.name,
        outcome=row.status.value if row is not None else "deployed",
        succeeded=True,
        facts=[*_facts_of(session, reporter, run), ("stages", _stages(reporter, session.clock.monotonic()))],
        closing=reporter.closing,
        link=run.link,
    )


def _facts_of(session: Session, reporter: LiveReporter, run: RunRecord) -> list[tuple[str, str]]:
    images = dict.fromkeys(str(each["image"]) for each in run.verdict.running if each["image"])
    facts = [("image", ", ".join(images)), ("version", tables.version(run.version) if run.version is not None else "")]
    row = run.deployment
    if row is not None:
        info = info_of(row)
        took = tables.seconds(info.duration_seconds) if info.duration_seconds is not None else ""
        facts = [
            ("title", session.redactor.line(one_line(info.title))),
            ("commit", tables.commit(info.commit_hash) if info.commit_hash else ""),
            ("deployment", info.deployment_id),
            ("duration", took),
            *facts,
        ]
    return [*facts, *(("warning", warning) for warning in reporter.warnings)]


def _failure(session: Session, reporter: LiveReporter, error: RolloutError) -> RunSummary:
    row = error.deployment
    return RunSummary(
        service=reporter.name,
        outcome="timed out" if isinstance(error, DeploymentTimedOut) else "failed",
        succeeded=False,
        facts=[
            ("deployment", row.deployment_id if row is not None else ""),
            ("commit", tables.commit(row.commit_hash) if row is not None and row.commit_hash else ""),
            ("stages", _stages(reporter, session.clock.monotonic())),
        ],
        message=session.redactor.text(words_of(error)),
        link=error.link,
    )
