"""The provider: translates the engine's calls to the resources' life cycles and the functions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

from pulumi.provider.experimental.provider import (
    CheckFailure,
    CheckRequest,
    CheckResponse,
    ConfigureRequest,
    ConfigureResponse,
    CreateRequest,
    CreateResponse,
    DeleteRequest,
    DiffRequest,
    DiffResponse,
    GetSchemaRequest,
    GetSchemaResponse,
    InvokeRequest,
    InvokeResponse,
    Provider,
    ReadRequest,
    ReadResponse,
    UpdateRequest,
    UpdateResponse,
)

from pulumi_dokploy_deployments.api.errors import ApiError, ConfigurationError, DokployError
from pulumi_dokploy_deployments.api.text import DeadlineSource, spell
from pulumi_dokploy_deployments.hosts.configuration import NOT_ASKED
from pulumi_dokploy_deployments.hosts.flat_state import (
    flat_computed,
    flat_inputs,
    flat_plan,
    flat_state,
    inputs_in,
    state_in,
)
from pulumi_dokploy_deployments.hosts.life_cycles import LIFE_CYCLES
from pulumi_dokploy_deployments.hosts.plugin.configuration import Configuration, check_configuration
from pulumi_dokploy_deployments.hosts.plugin.detailed_diff import diff_response
from pulumi_dokploy_deployments.hosts.plugin.partial_state import KeptState
from pulumi_dokploy_deployments.hosts.plugin.wire import Received, received, sent
from pulumi_dokploy_deployments.hosts.servers import Servers
from pulumi_dokploy_deployments.hosts.titles import default_title
from pulumi_dokploy_deployments.hosts.words import PLUGIN
from pulumi_dokploy_deployments.resources.fields import Problem
from pulumi_dokploy_deployments.resources.inputs import ResourceInputs
from pulumi_dokploy_deployments.resources.life_cycle import (
    LifeCycle,
    Operation,
    Unfinished,
    property_at_fault,
    with_a_way_out,
)
from pulumi_dokploy_deployments.rollout.errors import Interrupted
from pulumi_dokploy_deployments.schema.names import camel
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.reporter import Reporter

T = TypeVar("T")

MOST_CANCELS = 3
CANCEL_SECONDS = 0.7


class DokployProvider(Provider):
    """One configured provider; the engine starts a process for each.

    Args:
        reporter_for: gives the listener for the resource with a URN.
        flush: waits until the listeners have told everything.
    """

    def __init__(self, reporter_for: Callable[[str], Reporter], flush: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._reporter_for = reporter_for
        self._flush = flush
        self._configuration = Configuration({})
        self._servers = Servers()
        self._waits: set[asyncio.Task[Any]] = set()

    # --- the provider itself --------------------------------------------------------------------------------

    async def get_schema(self, request: GetSchemaRequest) -> GetSchemaResponse:
        """The package's schema."""
        # Asked for by some languages only: the plugin starts without what makes it.
        from pulumi_dokploy_deployments.schema.package import schema_text

        return GetSchemaResponse(schema_text())

    async def check_config(self, request: CheckRequest) -> CheckResponse:
        """Validate the provider's own configuration."""
        problems = check_configuration(received(request.new_inputs).plain)
        return CheckResponse(inputs=request.new_inputs, failures=_failures(problems))

    async def configure(self, request: ConfigureRequest) -> ConfigureResponse:
        """Take the provider's configuration."""
        self._configuration = Configuration.of(received(request.args).plain)
        return ConfigureResponse(accept_secrets=True, supports_preview=True)

    async def cancel(self) -> None:
        """End every wait at once. The engine calls this at each normal end as well, when there is none."""
        for _ in range(MOST_CANCELS):
            if not self._waits:
                return
            for task in self._waits:
                task.cancel()
            # One that was just cleaning up may have missed it.
            await asyncio.wait(set(self._waits), timeout=CANCEL_SECONDS)

    # --- resources ------------------------------------------------------------------------------------------

    async def check(self, request: CheckRequest) -> CheckResponse:
        """Validate a resource's inputs, and ask the server about them where it can be asked."""
        cycle = _cycle(request.type)
        olds, news = received(request.old_inputs), received(request.new_inputs)
        checked = cycle.check(news.plain)
        inputs, failures = checked.inputs, _failures(checked.problems)
        computed: dict[str, Any] = {}
        if inputs is not None and self._can_ask(inputs, request.urn):
            earlier = inputs_in(cycle.inputs_model, olds.plain) if olds.plain else None
            try:
                context = self._context(inputs, request.urn)
                asking = self._servers.declared.ask(cycle, earlier, inputs, request.urn, context)
                computed = flat_computed(await self._wait(asking))
            except DokployError as error:
                failures = [CheckFailure(camel(property_at_fault(error, inputs)), error.told(PLUGIN))]
        return CheckResponse(inputs=sent({**news.plain, **computed}, news, olds), failures=failures)

    async def diff(self, request: DiffRequest) -> DiffResponse:
        """Compare a resource's state with its inputs."""
        cycle = _cycle(request.type)
        state = state_in(cycle.state_model, received(request.old_state).plain)
        inputs = inputs_in(cycle.inputs_model, received(request.new_inputs).plain)
        if cycle.looks(state) and self._can_ask(state.inputs, request.urn):
            state = await self._wait(cycle.look(state, self._context(state.inputs, request.urn)))
        return diff_response(cycle.plan(state, inputs))

    async def create(self, request: CreateRequest) -> CreateResponse:
        """Create a resource; in a preview, say what is known of it beforehand."""
        cycle, news = _cycle(request.type), received(request.properties)
        inputs = inputs_in(cycle.inputs_model, news.plain)
        if request.preview:
            planned = cycle.planned(None, inputs)
            return CreateResponse("", sent(flat_plan(planned.state, planned.unknown), news))
        operation = self._operation(inputs, request.urn, request.timeout)
        try:
            made = await self._wait(cycle.create(inputs, operation))
        except Unfinished as left:
            raise _kept(left, left.resource_id, news) from left
        return CreateResponse(made.resource_id, sent(flat_state(made.state), news))

    async def update(self, request: UpdateRequest) -> UpdateResponse:
        """Update a resource; in a preview, say what is known of it beforehand."""
        cycle = _cycle(request.type)
        olds, news = received(request.olds), received(request.news)
        state, inputs = state_in(cycle.state_model, olds.plain), inputs_in(cycle.inputs_model, news.plain)
        if request.preview:
            planned = cycle.planned(state, inputs)
            return UpdateResponse(sent(flat_plan(planned.state, planned.unknown), news, olds))
        operation = self._operation(inputs, request.urn, request.timeout)
        try:
            state = await self._wait(cycle.update(state, inputs, operation))
        except Unfinished as left:
            raise _kept(left, request.resource_id, news) from left
        return UpdateResponse(sent(flat_state(state), news))

    async def read(self, request: ReadRequest) -> ReadResponse:
        """Look a resource up anew, or find what an id names."""
        cycle, properties = _cycle(request.type), received(request.properties)
        state = state_in(cycle.state_model, properties.plain)
        if not state.inputs.service_refs:
            given = inputs_in(cycle.inputs_model, received(request.inputs).plain)
            found = await self._wait(cycle.import_(request.resource_id, self._context(given, request.urn)))
            if found is None:
                return ReadResponse("")
            return ReadResponse(found.resource_id, sent(flat_state(found.state)), sent(flat_inputs(found.state.inputs)))
        now = await self._wait(cycle.read(state, self._context(state.inputs, request.urn)))
        if now is None:
            return ReadResponse("")
        return ReadResponse(request.resource_id, sent(flat_state(now), properties), request.inputs)

    async def delete(self, request: DeleteRequest) -> None:
        """Delete a resource."""
        cycle = _cycle(request.type)
        state = state_in(cycle.state_model, received(request.properties).plain)
        if not cycle.needs_server(state):
            return
        try:
            await self._wait(cycle.delete(state, self._operation(state.inputs, request.urn, request.timeout)))
        except (ApiError, ConfigurationError) as error:
            raise with_a_way_out(error, request.urn) from None

    # --- functions ------------------------------------------------------------------------------------------

    async def invoke(self, request: InvokeRequest) -> InvokeResponse:
        """Call a function."""
        # Few programs call a function: the plugin starts without their models.
        from pulumi_dokploy_deployments.hosts.plugin.invokes import INVOKES

        invoke = INVOKES.get(request.tok)
        if invoke is None:
            raise DokployError(f"There is no function {request.tok}.")
        given = received(request.args)
        arguments = {name: value for name, value in given.plain.items() if value is not None}
        name = arguments.get("connection")
        context = self._context_of(name if isinstance(name, str) else None, "")
        result = await self._wait(invoke.call(context, arguments))
        return InvokeResponse(sent(result))

    # --- helpers --------------------------------------------------------------------------------------------

    def _can_ask(self, inputs: ResourceInputs, urn: str) -> bool:
        """A server or a service that is not known yet can't be asked, and one that is not to be asked is not."""
        if self._configuration.is_offline:
            self._reporter_for(urn).progress(NOT_ASKED)
            return False
        return inputs.can_be_asked_about and self._configuration.is_known

    def _context(self, inputs: ResourceInputs, urn: str) -> RunContext:
        return self._context_of(inputs.server_name, urn)

    def _context_of(self, connection: str | None, urn: str) -> RunContext:
        return self._servers.run_context(
            self._configuration.connection(connection),
            self._reporter_for(urn),
            request_timeout_seconds=self._configuration.request_timeout_seconds,
        )

    def _operation(self, inputs: ResourceInputs, urn: str, custom: float) -> Operation:
        """The deadline that counts is that of customTimeouts, then the resource's own, then the provider's."""
        seconds, source = custom or None, DeadlineSource.RESOURCE_OPTION
        if seconds is None and "timeout_seconds" not in inputs.given:
            seconds, source = self._configuration.timeout_seconds, DeadlineSource.PROVIDER
        return Operation(
            self._context(inputs, urn),
            title=default_title(urn),
            urn=urn,
            timeout_seconds=seconds,
            deadline_source=source if seconds is not None else DeadlineSource.INPUT,
        )

    async def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a piece of work that `cancel` can end."""
        task = asyncio.get_running_loop().create_task(work)
        self._waits.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            raise Interrupted("Interrupted", service="") from None
        finally:
            self._waits.discard(task)
            await self._flush()


def _cycle(urn_type: str) -> LifeCycle[Any, Any]:
    # A resource with a parent has the parent's type before its own; the class's name is the last part of either.
    return LIFE_CYCLES[urn_type.rpartition(":")[2]]


def _kept(left: Unfinished, resource_id: str, news: Received) -> KeptState:
    return KeptState(resource_id, sent(flat_state(left.state), news), news.wire, left.error.told(PLUGIN))


def _failures(problems: Iterable[Problem]) -> list[CheckFailure]:
    return [CheckFailure(camel(problem.property_name), spell(problem.reason, PLUGIN)) for problem in problems]
