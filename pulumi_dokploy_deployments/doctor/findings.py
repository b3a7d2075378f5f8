"""What a check finds: how bad it is, the cause, and the fix."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing; nothing to fix."""
    WARNING = "warning"
    """Something works less well than it could."""
    FAILURE = "failure"
    """Something does not work."""


class Cause(StrEnum):
    """The causes that scripts may want to tell apart."""

    SERVER_DOWN = "server down"
    WRONG_ADDRESS = "wrong address"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    REDIRECT = "redirect"
    PROXY = "proxy in front"
    DATABASE_DOWN = "database down"
    WRONG_KEY = "wrong key"
    RATE_LIMITED_KEY = "rate-limited key"
    KEY_NOT_ACCEPTED = "key not accepted"
    NO_PERMISSION = "no permission"
    WEBSOCKET = "proxy breaks websockets"
    CLOCK = "clock"
    VERSION = "version"
    SERVICE = "service"


class Finding(BaseModel):
    """One thing that was found out."""

    model_config = ConfigDict(frozen=True)

    check: str = Field(description="What was checked, in a word or two.")
    level: Level = Field(description="ok, note, warning or failure.")
    message: str = Field(description="What was found.")
    cause: Cause | None = Field(None, description="The cause, where something is wrong.")
    fix: str = Field("", description="What to do about it; empty where there is nothing to do.")


class Diagnosis(BaseModel):
    """All findings, in the order of the checks."""

    model_config = ConfigDict(frozen=True)

    server: str = Field(description="The server's address.")
    findings: tuple[Finding, ...] = Field(description="The findings, in the order of the checks.")

    @property
    def failures(self) -> tuple[Finding, ...]:
        """What does not work."""
        return tuple(finding for finding in self.findings if finding.level is Level.FAILURE)

    @property
    def causes(self) -> tuple[Cause, ...]:
        """The causes of failures and warnings, without repetition."""
        bad = (Level.FAILURE, Level.WARNING)
        found = [finding.cause for finding in self.findings if finding.level in bad and finding.cause is not None]
        return tuple(dict.fromkeys(found))


def ok(check: str, message: str) -> Finding:
    """All is well."""
    return Finding(check=check, level=Level.OK, message=message)


def note(check: str, message: str, fix: str = "") -> Finding:
    """Worth knowing."""
    return Finding(check=check, level=Level.NOTE, message=message, fix=fix)


def warning(check: str, cause: Cause, message: str, fix: str) -> Finding:
    """Works less well than it could."""
    return Finding(check=check, level=Level.WARNING, cause=cause, message=message, fix=fix)


def failure(check: str, cause: Cause, message: str, fix: str) -> Finding:
    """Does not work."""
    return Finding(check=check, level=Level.FAILURE, cause=cause, message=message, fix=fix)
