"""The provider: translates the engine's calls to the resources' life cycles and the functions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
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

from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.hosts.plugin.configuration import Configuration, check_configuration
from pulumi_dokploy_deployments.hosts.plugin.detailed_diff import detailed
from pulumi_dokploy_deployments.hosts.plugin.invokes import INVOKES
from pulumi_dokploy_deployments.hosts.plugin.lifecycle import DeploymentLifeCycle, LifeCycle, RollbackTargetLifeCycle
from pulumi_dokploy_deployments.hosts.plugin.partial_state import KeptState
from pulumi_dokploy_deployments.hosts.plugin.servers import Servers
from pulumi_dokploy_deployments.hosts.plugin.wire import Props, Received, received, sent
from pulumi_dokploy_deployments.hosts.titles import default_title
from pulumi_dokploy_deployments.resources.deployment_resume import interrupted
from pulumi_dokploy_deployments.resources.fields import SERVICE_ID_FIELDS, Problem, contains_unknown, service_of
from pulumi_dokploy_deployments.resources.rollback_target import PinRecord
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.schema.names import DEPLOYMENT, ROLLBACK_TARGET, camel_path
from pulumi_dokploy_deployments.schema.package import schema_text
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.reporter import Reporter

T = TypeVar("T")

LIFE_CYCLES: Mapping[str, LifeCycle] = {
    DEPLOYMENT: DeploymentLifeCycle(),
    ROLLBACK_TARGET: RollbackTargetLifeCycle(),
}
TIMEOUT = "timeout_seconds"
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
        problems = list(checked.problems)
        computed: Props = {}
        if not problems and self._can_ask(news.plain):
            try:
                context = self._context(news.plain, request.urn)
                computed = await self._wait(cycle.ask(olds.plain, news.plain, context), context.record)
            except DokployError as error:
                problems = [_problem_of_service(news.plain, error)]
        return CheckResponse(inputs=sent({**news.plain, **computed}, news, olds), failures=_failures(problems))

    async def diff(self, request: DiffRequest) -> DiffResponse:
        """Compare a resource's state with its inputs."""
        cycle = _cycle(request.type)
        state, news = received(request.old_state), received(request.new_inputs)
        known = state.plain
        if self._can_ask(known):
            context = self._context(known, request.urn)
            known = await self._wait(cycle.look(known, context), context.record)
        inputs = news.plain
        change = cycle.diff(known, inputs)
        details = detailed(change, known, inputs)
        return DiffResponse(
            changes=change.has_changes,
            replaces=[camel_path(path) for path in change.replaces],
            diffs=list(dict.fromkeys(path.partition(".")[0].partition("[")[0] for path in details)),
            detailed_diff=details,
        )

    async def create(self, request: CreateRequest) -> CreateResponse:
        """Create a resource; in a preview, say what is known of it beforehand."""
        cycle, news = _cycle(request.type), received(request.properties)
        if request.preview:
            return CreateResponse("", sent(cycle.planned_state(None, news.plain), news))
        context = self._context(news.plain, request.urn)
        timed = self._timed(news.plain, request.timeout)
        work = cycle.create(timed, context, default_title(request.urn))
        identity, state = await self._wait_or_keep(work, cycle, news, context)
        return CreateResponse(identity, sent(_untimed(state, news.plain), news))

    async def update(self, request: UpdateRequest) -> UpdateResponse:
        """Update a resource; in a preview, say what is known of it beforehand."""
        cycle = _cycle(request.type)
        olds, news = received(request.olds), received(request.news)
        if request.preview:
            return UpdateResponse(sent(cycle.planned_state(olds.plain, news.plain), news, olds))
        context = self._context(news.plain, request.urn)
        timed = self._timed(news.plain, request.timeout)
        work = cycle.update(olds.plain, timed, context, default_title(request.urn))
        state = await self._wait_or_keep(work, cycle, news, context, resource_id=request.resource_id)
        return UpdateResponse(sent(_untimed(state, news.plain), news))

    async def read(self, request: ReadRequest) -> ReadResponse:
        """Look a resource up anew, or find what an id names."""
        cycle = _cycle(request.type)
        state, inputs = received(request.properties), received(request.inputs)
        context = self._context({**inputs.plain, **state.plain}, request.urn)
        if service_of(state.plain) is None:
            found = await self._wait(cycle.import_(request.resource_id, context), context.record)
            if found is None:
                return ReadResponse("")
            return ReadResponse(found.resource_id, sent(found.state), sent(found.inputs))
        now = await self._wait(cycle.read(state.plain, context), context.record)
        if now is None:
            return ReadResponse("")
        return ReadResponse(request.resource_id, sent(now, state), request.inputs)

    async def delete(self, request: DeleteRequest) -> None:
        """Delete a resource."""
        cycle, state = _cycle(request.type), received(request.properties)
        context = self._context(state.plain, request.urn)
        timed = self._timed(state.plain, request.timeout)
        await self._wait(cycle.delete(timed, context, default_title(request.urn)), context.record)

    # --- functions ------------------------------------------------------------------------------------------

    async def invoke(self, request: InvokeRequest) -> InvokeResponse:
        """Call a function."""
        invoke = INVOKES.get(request.tok)
        if invoke is None:
            raise DokployError(f"There is no function {request.tok}.")
        given = received(request.args)
        arguments = {name: value for name, value in given.plain.items() if value is not None}
        context = self._context(arguments, "")
        result = await self._wait(invoke.call(context, arguments), context.record)
        return InvokeResponse(sent(result))

    # --- helpers --------------------------------------------------------------------------------------------

    def _can_ask(self, inputs: Mapping[str, Any]) -> bool:
        """A server or a service that is not known yet can't be asked."""
        is_named = service_of(inputs) is not None and not contains_unknown(inputs.get("connection"))
        return is_named and self._configuration.is_known

    def _context(self, inputs: Mapping[str, Any], urn: str) -> RunContext:
        name = inputs.get("connection")
        connection = self._configuration.connection(name if isinstance(name, str) else None)
        made = self._servers.run_context(
            connection,
            self._reporter_for(urn),
            request_timeout_seconds=self._configuration.request_timeout_seconds,
        )
        made.record = PinRecord()
        return made

    def _timed(self, inputs: Mapping[str, Any], custom: float) -> Props:
        """The inputs with the deadline that counts: customTimeouts, then the resource's own, then the provider's."""
        seconds = custom or inputs.get(TIMEOUT) or self._configuration.timeout_seconds
        return {**inputs, TIMEOUT: seconds} if seconds else dict(inputs)

    async def _wait(self, work: Coroutine[Any, Any, T], progress: RunRecord) -> T:
        """Run a piece of work that `cancel` can end."""
        task = asyncio.get_running_loop().create_task(work)
        self._waits.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            raise interrupted(progress) from None
        finally:
            self._waits.discard(task)
            await self._flush()

    async def _wait_or_keep(
        self,
        work: Coroutine[Any, Any, T],
        cycle: LifeCycle,
        news: Received,
        context: RunContext,
        *,
        resource_id: str | None = None,
    ) -> T:
        """Run a create or an update; when it fails, what the server has of it goes into the state.

        Raises:
            KeptState: it failed and there is something to keep.
            DokployError: it failed and there is nothing.
        """
        try:
            return await self._wait(work, context.record)
        except DokployError as error:
            kept = cycle.kept(news.plain, context, error)
            if kept is None:
                raise
            identity, state = kept
            raise KeptState(resource_id or identity, sent(state, news), news.wire, str(error)) from error


def _cycle(urn_type: str) -> LifeCycle:
    # A resource with a parent has the parent's type before its own.
    return LIFE_CYCLES[urn_type.rpartition("$")[2]]


def _untimed(state: Mapping[str, Any], inputs: Mapping[str, Any]) -> Props:
    """The state with the deadline that the program gives, not the one that counted."""
    rest = {name: value for name, value in state.items() if name != TIMEOUT}
    return {**rest, TIMEOUT: inputs[TIMEOUT]} if inputs.get(TIMEOUT) is not None else rest


def _failures(problems: list[Problem]) -> list[CheckFailure]:
    return [CheckFailure(camel_path(problem.property_name), problem.reason) for problem in problems]


def _problem_of_service(inputs: Mapping[str, Any], error: DokployError) -> Problem:
    name = next((name for name in SERVICE_ID_FIELDS if inputs.get(name) is not None), "")
    return Problem(name, str(error))
