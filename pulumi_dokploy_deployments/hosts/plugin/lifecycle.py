"""The two resources behind one interface, as the provider calls them; what they do is in `resources`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.hosts.plugin import imports
from pulumi_dokploy_deployments.resources import deployment, deployment_resume, rollback_target, rollback_target_resume
from pulumi_dokploy_deployments.resources.deployment_model import DeploymentOutputs
from pulumi_dokploy_deployments.resources.fields import UNKNOWN, Checked, Diff
from pulumi_dokploy_deployments.resources.rollback_target_model import RollbackTargetOutputs
from pulumi_dokploy_deployments.waiting.context import RunContext

Props = dict[str, Any]
Given = Mapping[str, Any]


class LifeCycle(Protocol):
    """What the provider needs of a resource."""

    def check(self, inputs: Given) -> Checked:
        """Validate the inputs without a server."""

    async def ask(self, olds: Given, inputs: Given, context: RunContext) -> Props:
        """Ask the server about valid inputs; gives computed inputs.

        Raises:
            DokployError: what the inputs name is not there, or the server can't be asked.
        """

    def diff(self, state: Given, inputs: Given) -> Diff:
        """What changed."""

    async def look(self, state: Given, context: RunContext) -> Props:
        """The state with what only the server knows now, before it is compared."""

    def planned_state(self, state: Given | None, inputs: Given) -> Props:
        """The state that a create (no state yet) or an update will lead to; what can't be known is unknown."""

    async def create(self, inputs: Given, context: RunContext, title: str) -> tuple[str, Props]:
        """Create it; gives id and state."""

    async def update(self, state: Given, inputs: Given, context: RunContext, title: str) -> Props:
        """Update it; gives the state."""

    async def read(self, state: Given, context: RunContext) -> Props | None:
        """The state as it is now; None when it is gone."""

    async def import_(self, resource_id: str, context: RunContext) -> imports.Imported | None:
        """What a documented id names; None when it is not there."""

    async def delete(self, state: Given, context: RunContext, title: str) -> None:
        """Delete it."""

    def kept(self, inputs: Given, context: RunContext, error: DokployError) -> tuple[str, Props] | None:
        """Id and state to keep of a create or update that failed; None when the server has nothing of it."""


class DeploymentLifeCycle:
    """`Deployment`."""

    def check(self, inputs: Given) -> Checked:
        """Validate the inputs without a server."""
        return deployment.check(inputs)

    async def ask(self, olds: Given, inputs: Given, context: RunContext) -> Props:
        """The service has to be there; nothing is sent for a resource that does not change."""
        if not olds or deployment.diff(olds, inputs).has_changes:
            await deployment.verify(inputs, context)
        return {}

    def diff(self, state: Given, inputs: Given) -> Diff:
        """What changed; a run that did not come to its end counts."""
        return deployment_resume.diff(state, inputs)

    async def look(self, state: Given, _context: RunContext) -> Props:
        """Nothing to look at: a deployment that is over stays as it was."""
        return dict(state)

    def planned_state(self, state: Given | None, inputs: Given) -> Props:
        """All outputs of a new deployment are unknown; changed settings leave them as they are."""
        if state is not None:
            change = self.diff(state, inputs)
            if not change.deploys:
                return {**state, **inputs, **{name: state.get(name) for name in ("title", "description")}}
        new: Props = {**inputs, **dict.fromkeys(DeploymentOutputs.model_fields, UNKNOWN)}
        if state is not None:
            new |= {name: state[name] for name in ("app_name", "url") if state.get(name)}
        return new

    async def create(self, inputs: Given, context: RunContext, title: str) -> tuple[str, Props]:
        """Deploy."""
        return await deployment.create(inputs, context, default_title=title)

    async def update(self, state: Given, inputs: Given, context: RunContext, title: str) -> Props:
        """Deploy again, go on with what was left, or store the settings."""
        return await deployment_resume.update(state, inputs, context, default_title=title)

    async def read(self, state: Given, context: RunContext) -> Props | None:
        """The state as it is now."""
        return await deployment.read(state, context)

    async def import_(self, resource_id: str, context: RunContext) -> imports.Imported | None:
        """`<kind>/<service id>/<deployment id>`, or `…/latest`."""
        return await imports.deployment_of(resource_id, context)

    async def delete(self, state: Given, context: RunContext, _title: str) -> None:
        """Release it as `on_delete` says."""
        await deployment.delete(state, context)

    def kept(self, inputs: Given, context: RunContext, error: DokployError) -> tuple[str, Props] | None:
        """What the server has of a run that failed."""
        return deployment_resume.partial_state(inputs, context.record, error)


class RollbackTargetLifeCycle:
    """`RollbackTarget`."""

    def check(self, inputs: Given) -> Checked:
        """Validate the inputs without a server."""
        return rollback_target.check(inputs)

    async def ask(self, olds: Given, inputs: Given, context: RunContext) -> Props:
        """Resolve the selector to one version."""
        resolved = await rollback_target.resolve(olds, inputs, context)
        computed = {
            name: resolved[name] for name in (rollback_target.SELECTED, rollback_target.TARGET) if name in resolved
        }
        if computed.get(rollback_target.TARGET) != olds.get(rollback_target.TARGET):
            context.reporter.line(rollback_target.describe(resolved, context))
        return computed

    def diff(self, state: Given, inputs: Given) -> Diff:
        """What changed."""
        return rollback_target.diff(state, inputs)

    async def look(self, state: Given, context: RunContext) -> Props:
        """Whether the pin still holds."""
        return await rollback_target.look(state, context)

    def planned_state(self, state: Given | None, inputs: Given) -> Props:
        """The resolved version is known before it is pinned."""
        if state is not None and not self.diff(state, inputs).deploys:
            return {**state, **inputs}
        target = inputs.get(rollback_target.TARGET)
        new: Props = {**inputs, **dict.fromkeys(RollbackTargetOutputs.model_fields, UNKNOWN)}
        if isinstance(target, Mapping):
            known = ("rollback_id", "deployment_id", "version", "commit_hash", "commit_message")
            new |= {name: target.get(name) for name in known}
            new |= {"strategy_used": target.get("strategy"), "holds": True}
        return new

    async def create(self, inputs: Given, context: RunContext, title: str) -> tuple[str, Props]:
        """Pin."""
        return await rollback_target.create(inputs, context, default_title=title)

    async def update(self, state: Given, inputs: Given, context: RunContext, title: str) -> Props:
        """Move the pin, pin again, or store the settings."""
        return await rollback_target.update(state, inputs, context, default_title=title)

    async def read(self, state: Given, context: RunContext) -> Props | None:
        """The state with `holds` looked up anew."""
        return await rollback_target.read(state, context)

    async def import_(self, resource_id: str, context: RunContext) -> imports.Imported | None:
        """`<kind>/<service id>/<rollback id or deployment id>`."""
        return await imports.rollback_target_of(resource_id, context)

    async def delete(self, state: Given, context: RunContext, title: str) -> None:
        """Release the pin."""
        await rollback_target.delete(state, context, default_title=title)

    def kept(self, inputs: Given, context: RunContext, _error: DokployError) -> tuple[str, Props] | None:
        """A pin that was asked for and not proven: it does not hold, so the next run pins again."""
        return rollback_target_resume.partial_state(inputs, context.record)
