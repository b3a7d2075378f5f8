"""The order of the checks: from the address to the key to what the key may do. Judgements are next door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import httpx
from pydantic import TypeAdapter

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import (
    AccessDenied,
    ApiError,
    InvalidRequest,
    MissingEndpoint,
    NotFound,
    ServerError,
    SomethingInFront,
    Step,
    Unauthorized,
    UnexpectedAnswer,
)
from pulumi_dokploy_deployments.api.models import Registry, ServiceKind
from pulumi_dokploy_deployments.doctor import key, permissions, reach, service, version, websocket
from pulumi_dokploy_deployments.doctor.findings import Cause, Diagnosis, Finding, failure, note, ok
from pulumi_dokploy_deployments.functions.identity import UnknownId
from pulumi_dokploy_deployments.functions.names import named_service
from pulumi_dokploy_deployments.functions.rollback_candidates import read_candidates
from pulumi_dokploy_deployments.waiting.clock import Clock, SystemClock
from pulumi_dokploy_deployments.waiting.retry import retry_transient, short_budget

REQUESTS_OF_A_RUN = 6
"""What the checks with the key cost at the most; a limited key with less left is spared."""
NO_APP = "doctor-asks-for-no-app"

T = TypeVar("T")


@dataclass
class Patient:
    """What is examined, and the seams for tests.

    Args:
        connection: address and key.
        service: a service to look at besides.
        look_up_key: another key of the same user, an owner or admin, by which a refused key can be looked up.
    """

    connection: Connection
    service: tuple[ServiceKind, str] | None = None
    look_up_key: Connection | None = None
    clock: Clock = field(default_factory=SystemClock)
    transport: httpx.AsyncBaseTransport | None = None
    websocket_probe: websocket.Probe = websocket.probe


async def examine(patient: Patient, on_finding: Callable[[Finding], None] | None = None) -> Diagnosis:
    """Run the checks in order; those that can't be made after a failure are left out.

    Never raises an expected error: what is wrong is a finding.
    """
    examination = _Examination(patient, on_finding or (lambda finding: None))
    async with DokployClient(patient.connection, transport=patient.transport) as client:
        await examination.run(client)
    return Diagnosis(server=patient.connection.origin, findings=tuple(examination.findings))


class _Stop(Exception):
    """Nothing further can be found out."""


class _Failing(SomethingInFront):
    """A 5xx, from whomever it is."""

    def __init__(self, path: str, server: str, status: int) -> None:
        super().__init__("", operation=path, server=server, status=status, step=Step.LOOK_IN_FRONT)


class _Examination:
    def __init__(self, patient: Patient, on_finding: Callable[[Finding], None]) -> None:
        self.findings: list[Finding] = []
        self._patient = patient
        self._tell = on_finding
        self._role: str | None = None

    async def run(self, client: DokployClient) -> None:
        try:
            await self._reach(client.within(reach.TIMEOUT_SECONDS))
            await self._key(client)
            await self._version(client)
            await self._permissions(client)
            self._add(websocket.judge(await self._patient.websocket_probe(self._patient.connection)))
            await self._service(client)
        except _Stop:
            return
        except Unauthorized as error:
            self._add(await self._refusal(has_worked=error.has_worked))
        except ApiError as error:
            self._add(failure("API", _cause_of(error), error.message, error.next_step))

    async def _ask(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call as the product does: short faults are retried."""
        return await retry_transient(call, budget=short_budget(), clock=self._patient.clock)

    def _add(self, *findings: Finding) -> None:
        for finding in findings:
            self.findings.append(finding)
            self._tell(finding)

    async def _reach(self, client: DokployClient) -> None:
        connection, now = self._patient.connection, self._patient.clock.now()
        try:
            look = await self._look(client, reach.HEALTH)
        except ApiError as error:
            self._add(reach.judge_error(connection.origin, error))
            raise _Stop from None
        self._add(reach.judge_health(connection.origin, look))
        if not reach.is_dokploy(look.answer):
            raise _Stop
        self._add(*reach.further(connection, look, now))
        try:
            answer = (await self._look(client, reach.DATABASE_HEALTH)).answer
        except ApiError:
            # Dokploy has just answered: what is wrong will show at the next request.
            return
        database = reach.judge_database(connection.origin, answer)
        if database is not None:
            self._add(database)
            if database.cause is Cause.DATABASE_DOWN:
                raise _Stop

    async def _look(self, client: DokployClient, path: str) -> reach.Look:
        """The answer to a request without the key; a 5xx may be another answer in a moment."""
        clock, seen = self._patient.clock, list[reach.Look]()

        async def look() -> reach.Look:
            asked_at, began = clock.now(), clock.monotonic()
            answer = await client.look(path)
            seen[:] = [reach.Look(answer, asked_at, clock.monotonic() - began)]
            if answer.status >= 500:
                raise _Failing(path, client.connection.origin, answer.status)
            return seen[0]

        try:
            return await self._ask(look)
        except _Failing:
            return seen[0]

    async def _key(self, client: DokployClient) -> None:
        try:
            member = await self._optional(client, permissions.IDENTITY_OPERATION, permissions.MEMBER)
            if member is None:
                await self._ask(client.capabilities)
        except AccessDenied:
            # Every user may read themselves: this 401 has a code because the limit ended between the two checks
            # that the server makes for one request.
            self._add(await self._refusal(has_worked=True))
            raise _Stop from None
        self._role = member.role if member is not None else None
        self._add(ok(key.CHECK, f"The key is accepted{f' (its user is {self._role})' if self._role else ''}."))
        if member is not None and not member.is_privileged:
            self._add(
                note(
                    key.LIMIT_CHECK,
                    "Only owners and admins can see the limit of their keys over the API.",
                    key.DEFAULT_LIMIT,
                )
            )
            return
        await self._limit(client)

    async def _limit(self, client: DokployClient) -> None:
        try:
            keys = await self._optional(client, key.OWN_KEYS_OPERATION, key.OWN_KEYS)
        except AccessDenied:
            keys = None
        record = key.record_of(_secret(client.connection), keys) if keys is not None else None
        if record is None:
            self._add(note(key.LIMIT_CHECK, "The server does not tell the limit of this key.", key.DEFAULT_LIMIT))
            return
        self._add(key.judge_limit(record))
        if record.is_limited and key.requests_left(record) < REQUESTS_OF_A_RUN:
            self._add(note("further checks", "Left out, to spare the few requests that the key is good for."))
            raise _Stop

    async def _refusal(self, *, has_worked: bool) -> Finding:
        patient = self._patient
        secret = _secret(patient.connection)
        looked_up = await self._look_up() if not has_worked else None
        evidence = key.Evidence(
            worked_in_this_run=has_worked,
            has_form=key.has_form_of_a_key(secret),
            key_length=len(secret),
            looked_up=looked_up,
            record=key.record_of(secret, looked_up) if looked_up is not None else None,
        )
        return key.judge_refusal(evidence, patient.clock.now())

    async def _look_up(self) -> key.OwnKeys | None:
        other = self._patient.look_up_key
        if other is None:
            return None
        async with DokployClient(other, transport=self._patient.transport) as client:
            try:
                return await self._ask(lambda: client.read(key.OWN_KEYS_OPERATION, key.OWN_KEYS))
            except ApiError as error:
                self._add(note("look-up", f"The key for the look-up is of no use: {error.message}"))
                return None

    async def _version(self, client: DokployClient) -> None:
        self._add(version.judge(await self._ask(client.capabilities)))

    async def _permissions(self, client: DokployClient) -> None:
        try:
            told = await self._optional(client, permissions.OPERATION, permissions.PERMISSIONS)
        except AccessDenied:
            told = None
        if told:
            self._add(*permissions.judge(told, self._role))
            return
        self._add(*await self._tried_permissions(client))

    async def _tried_permissions(self, client: DokployClient) -> list[Finding]:
        """For servers that do not list permissions: what can be tried without changing anything is tried."""
        found = []
        try:
            await self._ask(client.queue)
        except AccessDenied:
            found.append(permissions.lacking(*permissions.NEEDED[0]))
        except MissingEndpoint:
            # The version's finding says so.
            pass
        try:
            await self._ask(lambda: client.tasks_of(NO_APP))
        except AccessDenied:
            found.append(permissions.lacking(*permissions.NEEDED[-1]))
        except (MissingEndpoint, NotFound, InvalidRequest):
            pass
        if not found:
            found.append(
                ok(permissions.CHECK, "Reading deployments and what runs is permitted; the server tells no more.")
            )
        return found

    async def _service(self, client: DokployClient) -> None:
        if self._patient.service is None:
            return
        kind, text = self._patient.service
        try:
            found = await self._ask(lambda: named_service(client, kind, text))
            candidates = await self._ask(lambda: read_candidates(client, kind, found.service_id))
        except UnknownId as error:
            self._add(failure("service", Cause.SERVICE, error.message, error.next_step))
            return
        except AccessDenied as error:
            self._add(failure("service", Cause.NO_PERMISSION, error.message, error.next_step))
            return
        registries: list[Registry] | None = None
        if found.rollback_active:
            try:
                registries = await self._ask(client.registries)
            except AccessDenied:
                registries = None
        self._add(*service.judge(found, candidates, registries))

    async def _optional(self, client: DokployClient, operation: str, shape: TypeAdapter[T]) -> T | None:
        """A query that older and newer servers may not have."""
        try:
            return await self._ask(lambda: client.read(operation, shape))
        except (MissingEndpoint, UnexpectedAnswer, InvalidRequest):
            return None


def _secret(connection: Connection) -> str:
    return connection.api_key.get_secret_value()


def _cause_of(error: ApiError) -> Cause:
    if isinstance(error, MissingEndpoint):
        return Cause.VERSION
    if isinstance(error, SomethingInFront):
        return Cause.PROXY
    return Cause.SERVER_DOWN if isinstance(error, ServerError) else Cause.UNREACHABLE
