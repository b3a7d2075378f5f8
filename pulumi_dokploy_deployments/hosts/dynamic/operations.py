"""The dynamic providers' work: translates the engine's calls to the resources' life cycles.

Imported in the provider process only; see `provider`.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult
from pulumi.output import Unknown

from pulumi_dokploy_deployments.api.errors import ApiError, ConfigurationError, DokployError
from pulumi_dokploy_deployments.api.text import spell
from pulumi_dokploy_deployments.hosts.configuration import NOT_ASKED, is_offline, resolve_connection
from pulumi_dokploy_deployments.hosts.dynamic.engine_lines import shared_lines
from pulumi_dokploy_deployments.hosts.dynamic.urns import URN_PROPERTY
from pulumi_dokploy_deployments.hosts.flat_state import flat_computed, flat_state, inputs_in, state_in
from pulumi_dokploy_deployments.hosts.life_cycles import LIFE_CYCLES
from pulumi_dokploy_deployments.hosts.reporter import EngineReporter
from pulumi_dokploy_deployments.hosts.session import shared_session
from pulumi_dokploy_deployments.hosts.titles import default_title
from pulumi_dokploy_deployments.hosts.words import PYTHON
from pulumi_dokploy_deployments.resources.fields import UNKNOWN
from pulumi_dokploy_deployments.resources.inputs import ResourceInputs
from pulumi_dokploy_deployments.resources.life_cycle import (
    AnyState,
    Operation,
    Unfinished,
    property_at_fault,
    with_a_way_out,
)
from pulumi_dokploy_deployments.waiting.context import RunContext

_PRIVATE = ("__provider", URN_PROPERTY)

Props = dict[str, Any]
T = TypeVar("T")


class Operations:
    """The operations of one resource.

    Args:
        config: the stack's configuration.
        resource: the name of the resource's class.
    """

    def __init__(self, config: Any, resource: str) -> None:
        self._config = config
        self._cycle = LIFE_CYCLES[resource]

    def check(self, olds: Props, news: Props) -> CheckResult:
        """Validate a resource's inputs, and ask the server about them where it can be asked."""
        checked = self._cycle.check(_known(news))
        failures = [CheckFailure(each.property_name, spell(each.reason, PYTHON)) for each in checked.problems]
        inputs, computed = checked.inputs, Props()
        if inputs is not None and inputs.can_be_asked_about and not self._is_offline(inputs, news):
            earlier = inputs_in(self._cycle.inputs_model, _known(olds)) if olds else None
            try:
                context = self._context(inputs, news)
                asking = shared_session().declared.ask(self._cycle, earlier, inputs, _urn(news), context)
                computed = flat_computed(_run(asking, news))
            except DokployError as error:
                failures = [CheckFailure(property_at_fault(error, inputs), error.told(PYTHON))]
        return CheckResult({**news, **computed}, failures)

    def diff(self, olds: Props, news: Props) -> DiffResult:
        """Compare a resource's state with its inputs."""
        state, inputs = self._state(olds), inputs_in(self._cycle.inputs_model, _known(news))
        if self._cycle.looks(state) and state.inputs.can_be_asked_about and not self._is_offline(state.inputs, news):
            state = _run(self._cycle.look(state, self._context(state.inputs, news)), news)
        plan = self._cycle.plan(state, inputs)
        replaces = [change.name for change in plan.changes if change.replaces]
        return DiffResult(changes=plan.has_changes, replaces=replaces, stables=[], delete_before_replace=False)

    def create(self, props: Props) -> CreateResult:
        """Create a resource. A dynamic provider can't keep the state of one that failed."""
        inputs = inputs_in(self._cycle.inputs_model, _known(props))
        try:
            made = _run(self._cycle.create(inputs, self._operation(inputs, props)), props)
        except Unfinished as left:
            raise left.error from None
        return CreateResult(made.resource_id, _stored(made.state, props))

    def update(self, olds: Props, news: Props) -> UpdateResult:
        """Update a resource in place."""
        inputs = inputs_in(self._cycle.inputs_model, _known(news))
        try:
            state = _run(self._cycle.update(self._state(olds), inputs, self._operation(inputs, news)), news)
        except Unfinished as left:
            raise left.error from None
        return UpdateResult(_stored(state, news))

    def read(self, id_: str, props: Props) -> ReadResult:
        """Look a resource up anew; without an id it is gone."""
        state = self._state(props)
        now = _run(self._cycle.read(state, self._context(state.inputs, props)), props)
        return ReadResult(id_, _stored(now, props)) if now is not None else ReadResult(None, {})

    def delete(self, props: Props) -> None:
        """Delete a resource."""
        state = self._state(props)
        if not self._cycle.needs_server(state):
            return
        try:
            _run(self._cycle.delete(state, self._operation(state.inputs, props)), props)
        except (ApiError, ConfigurationError) as error:
            raise with_a_way_out(error, _urn(props)) from None

    # --- helpers ----------------------------------------------------------------------------------------------

    def _is_offline(self, inputs: ResourceInputs, props: Props) -> bool:
        if not is_offline(self._config.get, name=inputs.server_name):
            return False
        EngineReporter(shared_lines(), _urn(props), PYTHON).progress(NOT_ASKED)
        return True

    def _state(self, props: Props) -> AnyState:
        return state_in(self._cycle.state_model, _known(props))

    def _context(self, inputs: ResourceInputs, props: Props) -> RunContext:
        connection = resolve_connection(self._config.get, name=inputs.server_name)
        return shared_session().run_context(connection, EngineReporter(shared_lines(), _urn(props), PYTHON))

    def _operation(self, inputs: ResourceInputs, props: Props) -> Operation:
        urn = _urn(props)
        return Operation(self._context(inputs, props), title=default_title(urn), urn=urn)


def _run(work: Coroutine[Any, Any, T], props: Props) -> T:
    """Do the work in the session's loop; what it told of the resource is with the engine when it ends."""
    try:
        return shared_session().run(work)
    finally:
        shared_lines().flush(_urn(props))


def _stored(state: AnyState, props: Mapping[str, Any]) -> Props:
    return {**flat_state(state), URN_PROPERTY: props.get(URN_PROPERTY)}


def _urn(props: Mapping[str, Any]) -> str:
    urn = props.get(URN_PROPERTY)
    return urn if isinstance(urn, str) else ""


def _known(props: Mapping[str, Any]) -> Props:
    """The properties without the host's own, with the engine's unknowns translated."""
    return {name: _translate(value) for name, value in props.items() if name not in _PRIVATE}


def _translate(value: Any) -> Any:
    if isinstance(value, Unknown):
        return UNKNOWN
    if isinstance(value, Mapping):
        return {key: _translate(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_translate(part) for part in value]
    return value
