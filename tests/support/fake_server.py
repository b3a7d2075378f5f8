"""A server for the reads: answers by operation, as recorded, and remembers what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection

ORIGIN = "https://dokploy.example.com"
KEY = "rig" + "k" * 64
Answer = tuple[int, Any]
UNAUTHORIZED: Answer = (401, {"message": "Unauthorized"})
NO_ACCESS: Answer = (
    401,
    {"message": "You don't have access to this service", "code": "UNAUTHORIZED", "data": {"code": "UNAUTHORIZED"}},
)
NOT_FOUND: Answer = (404, {"message": "It was not found", "code": "NOT_FOUND"})
MISSING_ENDPOINT: Answer = (404, {"message": "Not found", "code": "NOT_FOUND"})
"""What older servers answer to an endpoint that they don't have (transcript 621)."""


@dataclass
class FakeServer:
    """Answers from a table; a value may be a function of the query. What is not in it is a 404 with a code."""

    answers: dict[str, Answer | Callable[[Mapping[str, str]], Answer]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def client(self, key: str = KEY) -> DokployClient:
        return DokployClient(Connection.parse(ORIGIN, key), transport=self.transport())

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.asked]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        operation = request.url.path.removeprefix("/api/")
        query = dict(request.url.params) or (json.loads(request.content) if request.content else {})
        self.asked.append((operation, query))
        known = self.answers.get(operation, NOT_FOUND)
        status, body = known(query) if callable(known) else known
        return httpx.Response(status, json=body, headers=self.headers)


def service(name: str = "shop", **more: Any) -> dict[str, Any]:
    """What `application.one` and its sisters give, as far as it is used."""
    return {"name": name, "appName": f"{name}-abc123", "applicationStatus": "done", **more}


def row(number: int, **changes: Any) -> dict[str, Any]:
    """A row of the history, minutes apart."""
    at = f"2026-11-24T10:{number:02d}:00.000Z"
    return {
        "deploymentId": f"d{number}",
        "title": f"title {number}",
        "description": "by hand (pulumi run 0123456789ab)",
        "status": "done",
        "logPath": f"/etc/dokploy/logs/app/{number}.log",
        "pid": None,
        "applicationId": "a1",
        "composeId": None,
        "serverId": None,
        "createdAt": at,
        "startedAt": at,
        "finishedAt": f"2026-11-24T10:{number:02d}:30.500Z",
        "errorMessage": None,
        "rollbackId": None,
        **changes,
    }
