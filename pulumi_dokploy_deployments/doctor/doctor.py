"""The order of the checks: from the address to the key to what the key may do. Judgements are next door."""

from __future__ import annotations

from collections.abc import Callable
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
    Unauthorized,
    UnexpectedAnswer,
)
from pulumi_dokploy_deployments.api.models import Registry, ServiceKind
from pulumi_dokploy_deployments.doctor import key, permissions, reach, service, websocket
from pulumi_dokploy_deployments.doctor.findings import Cause, Diagnosis, Finding, failure, note, ok, warning
from pulumi_dokploy_deployments.functions.identity import UnknownId, existing_service
from pulumi_dokploy_deployments.functions.rollback_candidates import read_candidates
from pulumi_dokploy_deployments.waiting.clock import Clock, SystemClock

MEASURED_VERSION = (0, 30, 2)
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


class _Examination:
    def __init__(self, patient: Patient, on_finding: Callable[[Finding], None]) -> None:
        self.findings: list[Finding] = []
        self._patient = patient
        self._tell = on_finding
        self._key_worked = False
        self._role: str | None = None

    async def run(self, client: DokployClient) -> None:
        try:
            await self._reach()
            await self._key(client)
            await self._version(client)
            await self._permissions(client)
            self._add(websocket.judge(await self._patient.websocket_probe(self._patient.connection)))
            await self._service(client)
        except _Stop:
            return
        except Unauthorized:
            self._add(await self._refusal())
        except ApiError as error:
            self._add(failure("API", Cause.UNREACHABLE, error.message, error.next_step or "Run the doctor again."))

    def _add(self, *findings: Finding) -> None:
        for finding in findings:
            self.findings.append(finding)
            self._tell(finding)

    async def _reach(self) -> None:
        connection = self._patient.connection
        reacher = reach.Reacher(connection, self._patient.clock, self._patient.transport)
        answer = await reacher.ask(reach.HEALTH)
        health = reach.judge_health(connection.origin, answer)
        self._add(health)
        if not reach.is_dokploy(answer):
            raise _Stop
        self._add(*reach.further(connection, answer, self._patient.clock.now()))
        database = reach.judge_database(connection.origin, await reacher.ask(reach.DATABASE_HEALTH))
        if database is not None:
            self._add(database)
            if database.cause is Cause.DATABASE_DOWN:
                raise _Stop

    async def _key(self, client: DokployClient) -> None:
        try:
            member = await self._optional(client, permissions.IDENTITY_OPERATION, permissions.MEMBER)
            if member is None:
                await client.server_version()
        except AccessDenied:
            # Every user may read themselves: this 401 has a code because the limit ended between the two checks
            # that the server makes for one request.
            self._key_worked = True
            raise Unauthorized("", operation=permissions.IDENTITY_OPERATION, server=client.connection.origin) from None
        self._key_worked = True
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

    async def _refusal(self) -> Finding:
        patient = self._patient
        secret = _secret(patient.connection)
        looked_up = await self._look_up() if not self._key_worked else None
        evidence = key.Evidence(
            worked_in_this_run=self._key_worked,
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
                return await client.read(key.OWN_KEYS_OPERATION, key.OWN_KEYS)
            except ApiError as error:
                self._add(note("look-up", f"The key for the look-up is of no use: {error.message}"))
                return None

    async def _version(self, client: DokployClient) -> None:
        version = await client.server_version()
        numbers = tuple(int(part) for part in version.removeprefix("v").split(".") if part.isdecimal())
        measured = ".".join(str(part) for part in MEASURED_VERSION)
        if numbers == MEASURED_VERSION:
            self._add(ok("version", f"Dokploy {version}, the version that this program is measured against."))
        elif numbers and numbers < MEASURED_VERSION:
            self._add(
                warning(
                    "version",
                    Cause.VERSION,
                    f"Dokploy {version} is older than v{measured}, the version that this program is measured against.",
                    "Update Dokploy under Settings → Web Server → Updates.",
                )
            )
        else:
            self._add(note("version", f"Dokploy {version}; this program is measured against v{measured}."))

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
            await client.queue()
        except AccessDenied:
            found.append(permissions.lacking(*permissions.NEEDED[0]))
        try:
            await client.tasks_of(NO_APP)
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
        kind, identity = self._patient.service
        try:
            found = await existing_service(client, kind, identity)
            candidates = await read_candidates(client, kind, identity)
        except UnknownId as error:
            self._add(failure("service", Cause.SERVICE, error.message, error.next_step))
            return
        except AccessDenied as error:
            self._add(failure("service", Cause.NO_PERMISSION, error.message, error.next_step))
            return
        registries: list[Registry] | None = None
        if found.rollback_active:
            try:
                registries = await client.registries()
            except AccessDenied:
                registries = None
        self._add(*service.judge(found, candidates, registries))

    async def _optional(self, client: DokployClient, operation: str, shape: TypeAdapter[T]) -> T | None:
        """A query that older and newer servers may not have."""
        try:
            return await client.read(operation, shape)
        except (MissingEndpoint, UnexpectedAnswer, InvalidRequest):
            return None


def _secret(connection: Connection) -> str:
    return connection.api_key.get_secret_value()
