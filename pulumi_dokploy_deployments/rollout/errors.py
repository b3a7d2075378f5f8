"""How a run can fail. Each error carries the deployment as last seen and renders as one paragraph."""

from __future__ import annotations

from collections.abc import Sequence

from pulumi_dokploy_deployments.api.errors import DokployError, Step
from pulumi_dokploy_deployments.api.models import DeploymentRecord
from pulumi_dokploy_deployments.api.one_line import sentence
from pulumi_dokploy_deployments.api.text import DeadlineSource, Text, Vocabulary, joined, spell

LOG_INDENT = "    "


class RolloutError(DokployError):
    """A deployment did not come to the end that was asked for.

    `told(vocabulary)` is one paragraph: what failed and why, where, the log's end, the next step.

    Attributes:
        what: what failed.
        reason: why, as far as it is known; empty where `what` says it all.
        service: how messages name the service, `application "shop"` for instance.
        deployment: the deployment as last seen, None where none was.
        log_tail: the last lines of the build log.
        last_words: the last lines of the container that failed.
        link: the page in the dashboard.
    """

    def __init__(
        self,
        what: Text,
        *,
        service: str,
        reason: Text = "",
        deployment: DeploymentRecord | None = None,
        log_tail: Sequence[str] = (),
        last_words: Sequence[str] = (),
        link: str = "",
        next_step: Text = "",
        step: Step = Step.NONE,
        property_name: str | None = None,
    ) -> None:
        message = joined(what, ": ", reason) if reason else what
        super().__init__(message, next_step=next_step, step=step, property_name=property_name)
        self.what = what
        self.reason = reason
        self.service = service
        self.deployment = deployment
        self.log_tail = tuple(log_tail)
        self.last_words = tuple(last_words)
        self.link = link

    def told(self, vocabulary: Vocabulary) -> str:
        """The whole paragraph as a host spells it."""
        where = [f"deployment {self.deployment.deployment_id}"] if self.deployment is not None else []
        where += [self.link] if self.link else []
        text = spell(self.text, vocabulary).rstrip(". ")
        text = f"{text} ({', '.join(where)})." if where else sentence(text)
        next_step = spell(self.next_step_text, vocabulary)
        quoted = _quoted("The build log ends with", self.log_tail) + _quoted(
            "The container wrote last", self.last_words
        )
        return f"{text}{quoted or ' '}{next_step}".strip()


def _quoted(what: str, lines: Sequence[str]) -> str:
    return f" {what}:\n" + "".join(f"{LOG_INDENT}{line}\n" for line in lines) if lines else ""


class DeploymentFailed(RolloutError):
    """The server says `error`."""


class DeploymentCancelled(RolloutError):
    """The server says `cancelled`: it was restarted in the middle (transcripts 140, 141)."""


class DeploymentTimedOut(RolloutError):
    """The wait's own deadline has passed; the server keeps working.

    Attributes:
        deadline_source: which limit it was.
    """

    deadline_source: DeadlineSource = DeadlineSource.INPUT


class DeploymentLost(RolloutError):
    """The server took the request and has neither a job nor a deployment for it: its queue was lost or cleared."""


class DeploymentStuck(RolloutError):
    """The deployment is listed as `running` and has no job behind it (transcripts 196, 252)."""


class DeploymentUnidentified(RolloutError):
    """A finished deployment could be this run's or somebody else's; none is taken."""


class DeploymentRemoved(RolloutError):
    """The deployment was deleted, or pruned from the history, before its end was seen."""


class ContactLost(RolloutError):
    """The server took the deployment and then stopped answering for longer than it is retried."""


class ServiceUnhealthy(RolloutError):
    """The server says `done`, and the new version does not run."""


class ServiceUnproven(RolloutError):
    """The server says `done`, it can't tell whether the new version runs, and `if_unproven` is `fail`."""


class ServiceBusy(RolloutError):
    """Another deployment of the service waits or runs, and `on_busy` is `fail`."""


class UnexpectedImage(RolloutError):
    """Another image runs than the one that was named."""


class UnexpectedCommit(RolloutError):
    """The built commit is not the expected one."""


class TriggerFailed(RolloutError):
    """The answer to the request is lost, and nothing shows whether the server took it."""


class Interrupted(RolloutError):
    """The user ended the wait; the server goes on with what it was asked to do."""
