"""Carries a release out: each service once those before it run, side by side otherwise, and back again on a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from graphlib import TopologicalSorter

from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.api.text import DeadlineSource, Text, joined
from pulumi_dokploy_deployments.resources.deployment import DeploymentLifeCycle, Made
from pulumi_dokploy_deployments.resources.deployment_model import DeploymentInputs
from pulumi_dokploy_deployments.resources.deployment_state import DeploymentState, LeftAs
from pulumi_dokploy_deployments.resources.life_cycle import Operation, Unfinished
from pulumi_dokploy_deployments.rollback.recovery import Recovery, RolledBack
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.progress import Activity, Progress
from pulumi_dokploy_deployments.waiting.reporter import Reporter

LEAST_SECONDS = 1.0
"""What a service gets at least of a deadline that is shared by the whole release."""


class Outcome(StrEnum):
    """How a release left one of its services."""

    UNCHANGED = "unchanged"
    """Nothing was deployed, since nothing has changed."""
    DEPLOYED = "deployed"
    NOT_BEGUN = "not deployed"
    FAILED = "failed"
    """And it was not brought back, or could not be."""
    ROLLED_BACK = "rolled back"
    """What ran before was seen to run."""
    NOT_ROLLED_BACK = "not rolled back"
    """Bringing back what ran before has failed, or there was no way."""


@dataclass
class Member:
    """One service of a release that is being carried out.

    Attributes:
        name: the release's name for it.
        inputs: what is to be deployed.
        earlier: the state from before; None where it is new.
        made: what was made of it.
        error: how it failed.
        left: the state that a failure has left.
        recovery: how bringing it back after another one's failure went.
    """

    name: str
    inputs: DeploymentInputs
    earlier: DeploymentState | None = None
    made: Made | None = None
    error: DokployError | None = None
    left: DeploymentState | None = None
    recovery: Recovery | None = None

    @property
    def outcome(self) -> Outcome:
        """How it was left."""
        if self.error is not None:
            is_back = isinstance(self.error, RolledBack) and self.error.is_recovered
            return Outcome.ROLLED_BACK if is_back else Outcome.FAILED
        if self.made is None:
            return Outcome.NOT_BEGUN
        if self.recovery is not None:
            return Outcome.ROLLED_BACK if self.recovery.is_recovered else Outcome.NOT_ROLLED_BACK
        return Outcome.DEPLOYED if self.made.is_deployed else Outcome.UNCHANGED

    @property
    def state(self) -> DeploymentState | None:
        """What is to be kept of it."""
        if self.error is not None:
            return self.left or self.earlier
        if self.made is None or self.outcome is Outcome.ROLLED_BACK:
            return self.earlier
        if self.outcome is Outcome.NOT_ROLLED_BACK:
            # Whatever runs now, the next update has to deploy it.
            state = self.made.state
            return state.model_copy(update={"run": state.run.model_copy(update={"left_as": LeftAs.FAILED})})
        return self.made.state


class Releasing:
    """A release that is being carried out.

    Args:
        members: the services in the program's order.
        after: of each, those that it comes after.
        cycle: the life cycle of a deployment.
        operation: the server, the listener and the deadline.
    """

    def __init__(
        self,
        members: Sequence[Member],
        after: Mapping[str, Sequence[str]],
        cycle: DeploymentLifeCycle,
        operation: Operation,
    ) -> None:
        self.members = {member.name: member for member in members}
        self.failed: list[Member] = []
        """In the order in which they failed."""
        self._after = after
        self._cycle = cycle
        self._operation = operation
        self._began_at = operation.context.clock.monotonic()
        self._ended: list[Member] = []

    async def carry_out(self) -> None:
        """Deploy each service once those before it run. After a failure none begins, and what has begun is awaited.

        Raises:
            CancelledError: the user has ended the wait; what had begun has told how it was left.
        """
        order = TopologicalSorter(self._after)
        order.prepare()
        under_way: dict[asyncio.Task[Made], Member] = {}
        try:
            while order.is_active():
                for name in () if self.failed else order.get_ready():
                    under_way[asyncio.create_task(self._bring(self.members[name]))] = self.members[name]
                if not under_way:
                    break
                ended, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                for task in ended:
                    member = under_way.pop(task)
                    self._take(member, task)
                    if member.made is not None:
                        order.done(member.name)
        finally:
            for task in under_way:
                task.cancel()
            try:
                await asyncio.gather(*under_way, return_exceptions=True)
            finally:
                for task, member in under_way.items():
                    if task.done():
                        self._take(member, task)

    async def take_back(self) -> None:
        """Bring back what was deployed, the last one first: what comes after another goes before it."""
        for member in reversed(self._ended):
            if member.made is not None and member.made.way_back is not None:
                context = self._context(member)
                context.reporter.progress(Progress(Activity.NOTE, detail="the release failed; rolling back"))
                member.recovery = await member.made.way_back.take(context)

    def operation_for(self, member: Member) -> Operation:
        """The operation of one service. A deadline of the whole release leaves it what the others have not used."""
        operation = replace(self._operation, context=self._context(member))
        if operation.timeout_seconds is None:
            return operation
        if operation.deadline_source is DeadlineSource.RESOURCE_OPTION:
            used = operation.context.clock.monotonic() - self._began_at
            return replace(operation, timeout_seconds=max(LEAST_SECONDS, round(operation.timeout_seconds - used)))
        if "timeout_seconds" in member.inputs.given:
            return replace(operation, timeout_seconds=None, deadline_source=DeadlineSource.INPUT)
        return operation

    async def _bring(self, member: Member) -> Made:
        return await self._cycle.bring(member.earlier, member.inputs, self.operation_for(member))

    def _take(self, member: Member, task: asyncio.Task[Made]) -> None:
        """Keep how a service's task ended."""
        try:
            member.made = task.result()
        except Unfinished as left:
            member.error, member.left = left.error, left.state if isinstance(left.state, DeploymentState) else None
        except DokployError as error:
            member.error = error
        except asyncio.CancelledError:
            # It had not come to anything that it could tell of.
            return
        self._ended.append(member)
        if member.error is not None:
            self.failed.append(member)

    def _context(self, member: Member) -> RunContext:
        return of_service(self._operation.context, member.name)


def of_service(context: RunContext, name: str) -> RunContext:
    """The context of one service: what it tells bears the service's name."""
    return replace(context, reporter=ServiceReporter(context.reporter, name))


class ServiceReporter:
    """Tells a release's listener what is told of one of its services.

    Args:
        reporter: the release's listener.
        name: the release's name for the service.
    """

    def __init__(self, reporter: Reporter, name: str) -> None:
        self._reporter = reporter
        self._name = name

    def progress(self, progress: Progress) -> None:
        """The state of things, as this service's."""
        self._reporter.progress(replace(progress, service=self._name))

    def line(self, text: str) -> None:
        """A line behind the service's name."""
        self._reporter.line(f"{self._name}: {text}")

    def warning(self, text: Text) -> None:
        """A warning behind the service's name."""
        self._reporter.warning(joined(f"{self._name}: ", text))
