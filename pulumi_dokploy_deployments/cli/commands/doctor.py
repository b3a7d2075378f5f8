"""`doctor`: find out what is wrong, and show the findings as they come."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pulumi_dokploy_deployments.cli.command import command
from pulumi_dokploy_deployments.cli.exit_codes import ExitCode
from pulumi_dokploy_deployments.cli.options import VersionedService

if TYPE_CHECKING:
    from pulumi_dokploy_deployments.cli.session import Session
    from pulumi_dokploy_deployments.doctor.findings import Diagnosis, Finding

# By the findings' levels.
_MARKS = {"ok": ("✓", "green"), "note": ("·", "dim"), "warning": ("!", "yellow"), "failure": ("✗", "red")}


@command
def doctor(
    session: Session,
    service: VersionedService = None,
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
    from pulumi_dokploy_deployments.cli.connecting import key_from_file
    from pulumi_dokploy_deployments.cli.running import run
    from pulumi_dokploy_deployments.doctor.doctor import Patient, examine

    connection = session.connection
    look_up = connection.with_key(key_from_file(look_up_key_file)) if look_up_key_file is not None else None
    patient = Patient(
        connection,
        service=(service.kind, service.service_id) if service is not None else None,
        look_up_key=look_up,
    )
    session.say(connection.origin, "bold")
    diagnosis = run(lambda: examine(patient, lambda finding: _show(session, finding)))
    if session.is_json:
        session.json(diagnosis)
    code = exit_code_of(diagnosis)
    session.say(_summary(diagnosis), "green" if code is ExitCode.OK else "red")
    if code is not ExitCode.OK:
        raise typer.Exit(code)


def exit_code_of(diagnosis: Diagnosis) -> ExitCode:
    """3 where the server can't be used at all, 1 for other failures; warnings are 0."""
    from pulumi_dokploy_deployments.doctor.findings import Cause

    no_access = {
        Cause.SERVER_DOWN,
        Cause.WRONG_ADDRESS,
        Cause.UNREACHABLE,
        Cause.TLS,
        Cause.REDIRECT,
        Cause.PROXY,
        Cause.DATABASE_DOWN,
        Cause.WRONG_KEY,
        Cause.RATE_LIMITED_KEY,
        Cause.KEY_NOT_ACCEPTED,
        Cause.NO_PERMISSION,
    }
    failures = diagnosis.failures
    if not failures:
        return ExitCode.OK
    return ExitCode.NO_ACCESS if any(one.cause in no_access for one in failures) else ExitCode.FAILED


def _show(session: Session, finding: Finding) -> None:
    from rich.text import Text

    if session.is_json:
        return
    mark, style = _MARKS[finding.level.value]
    line = Text.assemble((f"{mark} ", style), (f"{finding.check:<16}", "bold"), finding.message)
    session.out.print(line, soft_wrap=True)
    if finding.fix:
        session.out.print(Text(f"  → {finding.fix}", style=style), soft_wrap=True)


def _summary(diagnosis: Diagnosis) -> str:
    from pulumi_dokploy_deployments.doctor.findings import Level

    bad = len(diagnosis.failures)
    warnings = sum(1 for finding in diagnosis.findings if finding.level is Level.WARNING)
    causes = f": {', '.join(cause.value for cause in diagnosis.causes)}" if diagnosis.causes else ""
    if not bad and not warnings:
        return "All is well."
    return f"{bad} failure{'s' if bad != 1 else ''}, {warnings} warning{'s' if warnings != 1 else ''}{causes}."
