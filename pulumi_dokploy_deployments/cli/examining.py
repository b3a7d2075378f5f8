"""The command `doctor`: shows the findings as they come."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.text import Text

from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.cli.connecting import key_from_file
from pulumi_dokploy_deployments.cli.exit_codes import ExitCode
from pulumi_dokploy_deployments.cli.session import Session
from pulumi_dokploy_deployments.doctor.doctor import Patient, examine
from pulumi_dokploy_deployments.doctor.findings import Cause, Diagnosis, Finding, Level

_MARKS = {
    Level.OK: ("✓", "green"),
    Level.NOTE: ("·", "dim"),
    Level.WARNING: ("!", "yellow"),
    Level.FAILURE: ("✗", "red"),
}
_NO_ACCESS = frozenset(
    {
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
)


def doctor(session: Session, service: ServiceRef | None, look_up_key_file: Path | None) -> None:
    """Examine the server, the key and, where one is named, a service."""
    import asyncio

    connection = session.connection
    look_up = None
    if look_up_key_file is not None:
        look_up = connection.with_key(key_from_file(look_up_key_file))
    patient = Patient(
        connection,
        service=(service.kind, service.service_id) if service is not None else None,
        look_up_key=look_up,
    )
    session.say(f"{connection.origin}", "bold")
    diagnosis = asyncio.run(examine(patient, lambda finding: _show(session, finding)))
    if session.is_json:
        session.json(diagnosis)
    code = exit_code_of(diagnosis)
    session.say(_summary(diagnosis), "green" if code is ExitCode.OK else "red")
    if code is not ExitCode.OK:
        raise typer.Exit(code)


def exit_code_of(diagnosis: Diagnosis) -> ExitCode:
    """3 where the server can't be used at all, 1 for other failures; warnings are 0."""
    failures = diagnosis.failures
    if not failures:
        return ExitCode.OK
    return ExitCode.NO_ACCESS if any(one.cause in _NO_ACCESS for one in failures) else ExitCode.FAILED


def _show(session: Session, finding: Finding) -> None:
    if session.is_json:
        return
    mark, style = _MARKS[finding.level]
    line = Text.assemble((f"{mark} ", style), (f"{finding.check:<16}", "bold"), finding.message)
    session.out.print(line, soft_wrap=True)
    if finding.fix:
        session.out.print(Text(f"  → {finding.fix}", style=style), soft_wrap=True)


def _summary(diagnosis: Diagnosis) -> str:
    bad = len(diagnosis.failures)
    warnings = sum(1 for finding in diagnosis.findings if finding.level is Level.WARNING)
    causes = f": {', '.join(cause.value for cause in diagnosis.causes)}" if diagnosis.causes else ""
    if not bad and not warnings:
        return "All is well."
    return f"{bad} failure{'s' if bad != 1 else ''}, {warnings} warning{'s' if warnings != 1 else ''}{causes}."
