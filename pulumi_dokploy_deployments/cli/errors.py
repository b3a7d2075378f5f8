"""The command line's own errors, and how every error is shown there: the paragraph, the JSON, the exit code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi_dokploy_deployments.api.errors import ApiError, ConfigurationError, DokployError, InvalidRequest, NotFound
from pulumi_dokploy_deployments.api.text import Text, spell
from pulumi_dokploy_deployments.cli.exit_codes import ExitCode
from pulumi_dokploy_deployments.cli.words import WORDS
from pulumi_dokploy_deployments.functions.deployments import info_of
from pulumi_dokploy_deployments.functions.filters import InvalidArgument
from pulumi_dokploy_deployments.functions.identity import UnknownId
from pulumi_dokploy_deployments.rollback.targets import NoSuchTarget
from pulumi_dokploy_deployments.rollout.errors import DeploymentTimedOut, RolloutError, ServiceBusy
from pulumi_dokploy_deployments.rollout.failures import UnknownService


class Refused(DokployError):
    """The server can't do what was asked; nothing else was tried instead.

    Attributes:
        facts: what scripts are told beside the message.
    """

    def __init__(self, message: Text, *, next_step: Text = "", facts: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, next_step=next_step)
        self.facts = dict(facts or {})


class NothingBegan(DokployError):
    """No deployment began within the time that was given."""


class NotConfirmed(DokployError):
    """The question was answered with no, or nobody was there to answer it."""


def words_of(error: DokployError) -> str:
    """The paragraph for the terminal, in the command line's terms."""
    return error.told(WORDS)


def told_as_json(error: DokployError) -> dict[str, Any]:
    """An error for scripts; a failed deployment is included as it was last seen."""
    told: dict[str, Any] = {
        "type": type(error).__name__,
        "message": words_of(error),
        "exit_code": int(exit_code_of(error)),
    }
    if isinstance(error, Refused):
        told.update(error.facts)
    if isinstance(error, RolloutError):
        row = error.deployment
        told["deployment"] = info_of(row).model_dump(mode="json") if row is not None else None
        told["reason"] = spell(error.reason, WORDS) or None
        told["log_tail"] = list(error.log_tail)
        told["last_words"] = list(error.last_words)
        told["url"] = error.link or None
    return told


def exit_code_of(error: DokployError) -> ExitCode:
    """The exit code that an error stands for."""
    if isinstance(error, NotConfirmed):
        return ExitCode.NOT_CONFIRMED
    if isinstance(error, ConfigurationError | InvalidArgument | UnknownId | UnknownService | NoSuchTarget | NotFound):
        return ExitCode.USAGE
    if isinstance(error, DeploymentTimedOut | NothingBegan):
        return ExitCode.TIMED_OUT
    if isinstance(error, ServiceBusy | InvalidRequest | Refused):
        return ExitCode.REFUSED
    if isinstance(error, RolloutError):
        return ExitCode.FAILED
    return ExitCode.NO_ACCESS if isinstance(error, ApiError) else ExitCode.FAILED
