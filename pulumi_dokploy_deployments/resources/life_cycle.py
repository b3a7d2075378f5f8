"""The life cycle of a resource, as both Pulumi hosts drive it. Hosts translate; what happens is decided here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from pulumi_dokploy_deployments.api.errors import AccessDenied, DokployError
from pulumi_dokploy_deployments.api.text import Action, ActionOn, DeadlineSource, Input, joined
from pulumi_dokploy_deployments.resources.inputs import Checked, InputsT, ResourceInputs
from pulumi_dokploy_deployments.resources.plan import Plan
from pulumi_dokploy_deployments.resources.state import ResourceState
from pulumi_dokploy_deployments.rollout.failures import UnknownService
from pulumi_dokploy_deployments.waiting.context import RunContext

AnyState = ResourceState[Any, Any, Any]
StateT = TypeVar("StateT", bound=AnyState)


class TimedInputs(Protocol):
    """Inputs with a deadline."""

    @property
    def timeout_seconds(self) -> float:
        """How long to wait."""


@dataclass(frozen=True)
class Operation:
    """What a create, an update or a delete is given beside inputs and state.

    Attributes:
        context: the server, the clock and the listener.
        title: the title of a deployment for which the program gives none.
        urn: the resource's URN; empty where the host does not know it.
        timeout_seconds: a deadline of the host's that wins over the input; None leaves the input's.
        deadline_source: where the deadline comes from, for messages.
    """

    context: RunContext
    title: str = ""
    urn: str = ""
    timeout_seconds: float | None = None
    deadline_source: DeadlineSource = DeadlineSource.INPUT

    def seconds(self, inputs: TimedInputs) -> float:
        """The deadline that counts."""
        return self.timeout_seconds or inputs.timeout_seconds


@dataclass(frozen=True)
class Stored(Generic[StateT]):
    """A resource with its id."""

    resource_id: str
    state: StateT


@dataclass(frozen=True)
class Planned(Generic[StateT]):
    """The state that a create or an update will lead to.

    Attributes:
        state: the state as far as it is known beforehand.
        unknown: the outputs that are only known afterwards.
    """

    state: StateT
    unknown: frozenset[str] = frozenset()


class Unfinished(Exception):
    """A create or an update failed after the server had taken its request.

    Attributes:
        error: how it failed.
        resource_id: the id of the resource, as a create that succeeds would give it.
        state: what is to be kept, so that the next run can go on from there.
    """

    def __init__(self, error: DokployError, resource_id: str, state: AnyState) -> None:
        super().__init__(str(error))
        self.error = error
        self.resource_id = resource_id
        self.state = state


class LifeCycle(Protocol[InputsT, StateT]):
    """What happens to a resource. Nothing here knows an engine."""

    inputs_model: type[InputsT]
    state_model: type[StateT]
    verb: str
    """What it does to its service, in the third person: two resources that do it to one service disturb each other."""

    def looks(self, state: StateT) -> bool:
        """Whether `look` asks the server."""

    def check(self, properties: Mapping[str, object]) -> Checked[InputsT]:
        """Validate what a program gives, without a server."""

    async def ask(self, earlier: InputsT | None, inputs: InputsT, context: RunContext) -> InputsT:
        """Ask the server about valid inputs, and give them with what was worked out.

        Args:
            earlier: the inputs of the last update; None for a new resource.
            inputs: the inputs now; `can_be_asked_about` is true.
            context: the server, the clock and the listener.

        Raises:
            DokployError: what the inputs name is not there, or the server can't be asked; see `property_at_fault`.
        """

    async def look(self, state: StateT, context: RunContext) -> StateT:
        """The state with what only the server knows now, before it is compared."""

    def plan(self, state: StateT | None, inputs: InputsT) -> Plan:
        """What has to be done; no state means that the resource is new."""

    def planned(self, state: StateT | None, inputs: InputsT) -> Planned[StateT]:
        """What a preview can say of the state afterwards."""

    async def create(self, inputs: InputsT, operation: Operation) -> Stored[StateT]:
        """Create it.

        Raises:
            Unfinished: it failed, and the server has something of it.
            DokployError: it failed, and there is nothing to keep.
        """

    async def update(self, state: StateT, inputs: InputsT, operation: Operation) -> StateT:
        """Update it in place.

        Raises:
            Unfinished: it failed, and the server has something of it.
            DokployError: it failed, and the state stays as it was.
        """

    async def read(self, state: StateT, context: RunContext) -> StateT | None:
        """The state as it is now; None when the resource is gone."""

    async def import_(self, resource_id: str, context: RunContext) -> Stored[StateT] | None:
        """What a documented id names; None when it is not there."""

    def needs_server(self, state: StateT) -> bool:
        """Whether deleting it sends anything: nothing is asked of a server for what is over or retained."""

    async def delete(self, state: StateT, operation: Operation) -> None:
        """Delete it."""


def with_a_way_out(error: DokployError, urn: str) -> DokployError:
    """An error that keeps a resource from being deleted, with how to let it go all the same."""
    error.next_step_text = joined(
        error.next_step_text,
        " If the server is gone for good, ",
        (ActionOn(Action.GIVE_UP, urn), "; with ", Input("on_delete"), " set to retain nothing would be asked."),
    )
    return error


def property_at_fault(error: DokployError, inputs: ResourceInputs) -> str:
    """The input to which a failure of `ask` belongs; empty where it is none's, as with a server that is away."""
    if error.property_name is not None and error.property_name in inputs.given:
        return error.property_name
    return inputs.service_property if isinstance(error, UnknownService | AccessDenied) else ""
