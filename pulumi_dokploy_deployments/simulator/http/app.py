"""The ASGI application: routing, keys, input, faults, in the order of the real server."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pulumi_dokploy_deployments.simulator.http import answers, faulty, webhook
from pulumi_dokploy_deployments.simulator.http.errors import ApiError, BrokenConnection
from pulumi_dokploy_deployments.simulator.http.procedure import Context, Procedure
from pulumi_dokploy_deployments.simulator.http.routers import (
    application,
    compose,
    container_logs,
    deployment,
    docker,
    older,
    others,
    search,
    service_settings,
    user,
)
from pulumi_dokploy_deployments.simulator.http.schema import validate
from pulumi_dokploy_deployments.simulator.world import World
from pulumi_dokploy_deployments.simulator.world.access import NOBODY, PER_REQUEST, Principal
from pulumi_dokploy_deployments.simulator.world.requests import Request as Recorded
from pulumi_dokploy_deployments.simulator.world.templates import Json
from pulumi_dokploy_deployments.simulator.world.versions import offers

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]
PROCEDURES: dict[str, Procedure] = {
    name: procedure
    for module in (application, compose, container_logs, deployment, docker, others, search, service_settings, user)
    for name, procedure in module.router.procedures.items()
}
BY_LOWER_CASE = {name.lower(): procedure for name, procedure in PROCEDURES.items()}
"""Below /api/ names match in any case (transcript 414); below /api/trpc/ they don't."""
BODY_LIMIT = 1_048_576
"""Bytes of the longest body that is read (transcript 412); /api/trpc/ has no such limit."""


@dataclass(frozen=True)
class Call:
    """One request, read completely; `endpoint` is the path without /api/."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    content_type: str
    raw: bytes

    @property
    def endpoint(self) -> str:
        """Return what fault patterns match, e.g. `application.deploy`."""
        return self.path.removeprefix("/api/").removeprefix("trpc/")

    def json(self) -> object:
        """Return the body as Next parses it: empty is an empty object; ValueError for broken JSON."""
        if not self.raw:
            return {}
        return json.loads(self.raw)


class HttpApp:
    """Answers API requests out of a world; the clock decides how far the world has come."""

    def __init__(self, world: World, clock: Clock, sleep: Sleep = asyncio.sleep) -> None:
        """`sleep` lets slow answers take (real or virtual) time."""
        self.world = world
        self.clock = clock
        self.sleep = sleep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; raises BrokenConnection where a real connection would break."""
        request = Request(scope, receive)
        call = Call(
            request.method,
            request.url.path,
            dict(request.query_params),
            dict(request.headers),
            request.headers.get("content-type", ""),
            await request.body(),
        )
        response = await self.answer(call)
        await response(scope, receive, send)

    async def answer(self, call: Call) -> Response:
        """Apply the faults around the real work."""
        self.world.advance(self.clock())
        faults = self.world.faults
        recorded = self._record(call)
        if self.world.down_until is not None:
            recorded.fault = "refuse"
            raise BrokenConnection("refuse")
        fault = faults.take(call.endpoint, "refuse", "drop_request")
        if fault is not None:
            recorded.fault = fault.kind
            raise BrokenConnection(fault.kind)
        held = faults.take(call.endpoint, "delay_before")
        other = faults.take(call.endpoint, *faulty.INSTEAD)
        if held is not None:
            recorded.fault = held.kind
            response = await self._hold(call, recorded, held.seconds)
        elif other is None or other.carry_out:
            response = self._carry_out(call, recorded)
        if other is not None:
            recorded.fault = other.kind
            response = faulty.instead(other)
        recorded.status = response.status_code
        fault = faults.take(call.endpoint, "lose_answer")
        if fault is not None:
            recorded.fault = fault.kind
            raise BrokenConnection(fault.kind)
        damage = faults.take(call.endpoint, *faulty.DAMAGING)
        if damage is not None:
            recorded.fault = damage.kind
            response = faulty.damage(damage, response, self.sleep)
        slow = faults.take(call.endpoint, "slow")
        delay = faults.answer_seconds + (slow.seconds if slow else 0.0)
        if delay > 0:
            await self.sleep(delay)
        return response

    def _carry_out(self, call: Call, recorded: Recorded) -> Response:
        response = self.dispatch(call)
        recorded.carried_out = response.status_code < 400
        return response

    async def _hold(self, call: Call, recorded: Recorded, seconds: float) -> Response:
        """Deliver a request later: the world does it at its time, whether or not somebody still waits for it."""
        delivered: list[Response | None] = []

        def deliver() -> None:
            down = self.world.down_until is not None
            delivered.append(None if down else self._carry_out(call, recorded))

        due = self.world.agenda.after(seconds, deliver).when
        while not delivered:
            await self.sleep(max(due - self.clock(), 0.001))
            self.world.advance(self.clock())
        if delivered[0] is None:
            raise BrokenConnection("drop_request")
        return delivered[0]

    def _record(self, call: Call) -> Recorded:
        try:
            body = call.json() if call.raw else None
        except ValueError:
            body = call.raw.decode("utf-8", "replace")
        key = self.world.access.name_of(call.headers.get("x-api-key"))
        recorded = Recorded(self.world.now, call.method, call.path, dict(call.query), body, key)
        self.world.requests.add(recorded)
        return recorded

    def dispatch(self, call: Call) -> Response:
        """Answer as the server would: redirects, body, key, path, input, procedure."""
        path = call.path
        clean = "/" + "/".join(part for part in path.split("/") if part)
        if path != clean and path != "/":
            query = urlencode(call.query, quote_via=quote, safe="")
            return answers.moved(f"{clean}?{query}" if query else clean)
        if not path.startswith("/api/"):
            return answers.no_page()
        if path == "/api/health":
            return answers.page({"ok": True})
        is_trpc = path.startswith("/api/trpc/")
        if len(call.raw) > BODY_LIMIT and not is_trpc:
            return answers.too_large()
        body: object = {}
        if "application/json" in call.content_type and call.method not in {"GET", "HEAD"}:
            try:
                body = call.json()
            except ValueError:
                return answers.invalid_json()
        if path.startswith("/api/deploy/"):
            parts = path.removeprefix("/api/deploy/").split("/")
            kind = "compose" if parts[0] == "compose" else "application"
            return webhook.deploy(self.world, parts[-1], kind, dict(call.headers), body)
        if is_trpc:
            return self._trpc(call, body)
        principal = self._principal(call, PER_REQUEST)
        if principal is None:
            return answers.unauthorized()
        return self._rest(call, Context(self.world, principal), body)

    def _principal(self, call: Call, cost: int) -> Principal | None:
        """Return whose key it is; nobody's while the database is down (transcript 190)."""
        principal = self.world.access.verify(call.headers.get("x-api-key"), self.world.now, cost)
        return None if self.world.faults.database_down else principal

    def _offered(self, procedure: Procedure | None) -> Procedure | None:
        """Return the procedure if the release that is played has it."""
        return procedure if procedure is not None and offers(self.world.version, procedure.name) else None

    def _rest(self, call: Call, context: Context, body: object) -> Response:
        if call.method == "HEAD":
            return answers.head()
        procedure = self._offered(BY_LOWER_CASE.get(call.endpoint.lower()))
        if procedure is None or procedure.method != call.method:
            return answers.refusal(ApiError("NOT_FOUND", "Not found"), None)
        try:
            if call.method == "POST" and "application/json" not in call.content_type:
                # The missing quote is the real server's (transcripts 78, 413).
                unsupported = f'Unsupported content-type "{call.content_type}'
                message = unsupported if call.content_type else "Missing content-type header"
                raise ApiError("UNSUPPORTED_MEDIA_TYPE", message)
            if call.method == "GET":
                return answers.procedure(self._run(procedure, context, dict(call.query), from_query=True))
            given = body if isinstance(body, dict) else {}
            return answers.procedure(self._run(procedure, context, given, from_query=False))
        except ApiError as error:
            return answers.refusal(error, procedure.name)

    def _trpc(self, call: Call, body: object) -> Response:
        # Only the tRPC context looks at the key here, once.
        principal = self._principal(call, 1)
        procedure = self._offered(PROCEDURES.get(call.endpoint))
        if procedure is None:
            message = f'No procedure found on path "{call.endpoint}"'
            return answers.trpc_refusal(ApiError("NOT_FOUND", message), call.endpoint)
        if procedure.method != call.method:
            kind = "query" if procedure.method == "GET" else "mutation"
            message = f'Unsupported {call.method}-request to {kind} procedure at path "{call.endpoint}"'
            return answers.trpc_refusal(ApiError("METHOD_NOT_SUPPORTED", message), call.endpoint)
        if principal is None and not procedure.public:
            return answers.trpc_refusal(ApiError("UNAUTHORIZED", "UNAUTHORIZED"), call.endpoint)
        context = Context(self.world, principal or NOBODY)
        try:
            envelope: object = json.loads(call.query.get("input") or "{}") if call.method == "GET" else body
        except ValueError:
            envelope = {}
        given = envelope.get("json") if isinstance(envelope, dict) else None
        try:
            value = self._run(procedure, context, given if isinstance(given, dict) else {}, from_query=False)
        except ApiError as error:
            return answers.trpc_refusal(error, procedure.name)
        return answers.trpc(value)

    @staticmethod
    def _run(procedure: Procedure, context: Context, given: Json, *, from_query: bool) -> object:
        if procedure.resource is not None:
            context.require_read(procedure.resource)
        return older.run(procedure, context, validate(procedure.schema, given, from_query=from_query))
