"""The messages of a failed release: which service failed and why, and what became of the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pulumi_dokploy_deployments.api.errors import DokployError, Step
from pulumi_dokploy_deployments.api.text import Action, Text, clause, joined, sentence_case
from pulumi_dokploy_deployments.resources.deployment_model import OnFailure
from pulumi_dokploy_deployments.resources.releasing import Member, Outcome
from pulumi_dokploy_deployments.rollback.recovery import RolledBack
from pulumi_dokploy_deployments.rollout.errors import Interrupted, RolloutError
from pulumi_dokploy_deployments.rollout.next_steps import AGAIN


class ReleaseFailed(RolloutError):
    """One service of a release failed; the message says what runs of the others.

    Attributes:
        cause: how the service failed.
    """

    def __init__(self, name: str, cause: DokployError, next_step: Text, step: Step) -> None:
        told = cause if isinstance(cause, RolloutError) else RolloutError(clause(cause.text), service=name)
        super().__init__(
            joined(f"{name}: ", told.what),
            reason=told.reason,
            service=told.service,
            deployment=told.deployment,
            log_tail=told.log_tail,
            last_words=told.last_words,
            link=told.link,
            next_step=next_step,
            step=step,
            property_name="services",
        )
        self.cause = cause


def service_failed(name: str, error: DokployError) -> ReleaseFailed:
    """The failure of one service, where there is nothing to say of the others."""
    return ReleaseFailed(name, error, error.next_step_text, error.step)


def release_failed(first: Member, members: Sequence[Member], on_failure: OnFailure) -> ReleaseFailed:
    """A release that came to a bad end.

    Args:
        first: the service that failed first.
        members: all services.
        on_failure: what the release does then.
    """
    error = first.error
    if error is None:
        raise LookupError("the service has not failed")
    others = [member for member in members if member is not first]
    parts: list[Text] = []
    if isinstance(error, RolledBack):
        parts.append(error.recovery.told)
    parts += [_told(member, on_failure) for member in others if member.outcome is not Outcome.UNCHANGED]
    if isinstance(error, RolledBack):
        parts.append(joined("Fix the cause", AGAIN))
    elif error.next_step_text:
        parts.append(error.next_step_text)
    return ReleaseFailed(first.name, error, _in_a_row(parts), error.step)


def release_interrupted(members: Sequence[Member]) -> Interrupted:
    """The user ended the wait for a release."""
    parts: list[Text] = []
    for member in members:
        if isinstance(member.error, Interrupted):
            parts.append(joined(f"{member.name}: ", clause(member.error.text), "."))
        elif member.outcome is not Outcome.UNCHANGED:
            parts.append(_told(member, OnFailure.FAIL))
    parts.append((Action.RUN_AGAIN, " to go on with it."))
    return Interrupted("Interrupted during the release", service="", next_step=_in_a_row(parts))


def _told(member: Member, on_failure: OnFailure) -> Text:
    """What became of a service, as a sentence."""
    name, outcome = member.name, member.outcome
    if member.error is not None:
        recovery = member.error.recovery.told if isinstance(member.error, RolledBack) else ""
        return _in_a_row([joined(f"{sentence_case(name)} failed as well: ", clause(member.error.text), "."), recovery])
    if member.recovery is not None:
        return joined(f"{name}: ", member.recovery.told)
    if outcome is Outcome.NOT_BEGUN:
        return f"{name} was not deployed."
    why = ", as it can't be brought back or on_failure is fail for it" if on_failure is OnFailure.ROLLBACK else ""
    return f"{name} was deployed and stays so{why}."


def _in_a_row(parts: Iterable[Text]) -> Text:
    told: list[Text] = []
    for part in parts:
        if part:
            told += [" ", part] if told else [part]
    return joined(*told)
