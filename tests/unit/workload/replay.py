"""Recorded courses of events, played back to the real probe over the real client: the server says what it said then."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.models import Service, ServiceKind
from pulumi_dokploy_deployments.workload.judge import Judge
from pulumi_dokploy_deployments.workload.model import Baseline
from pulumi_dokploy_deployments.workload.probe import WorkloadProbe
from pulumi_dokploy_deployments.workload.verdict import Verdict
from tests.support.builders import transcript
from tests.support.virtual_clock import VirtualClock

LISTINGS = ("getContainersByAppNameMatch", "getServiceContainersByAppName", "getStackContainersByAppName")
KEY = "key-that-no-message-may-show"
Step = tuple[float, dict[str, Any]]
"""A moment in seconds, and what the server showed from then on."""


@dataclass
class Course:
    """A course of events: what was there before the trigger, and what the server showed afterwards.

    Attributes:
        before: the reading before the trigger.
        steps: the readings afterwards; between two of them nothing changed.
        since: the start of the deployment's row.
        begins: when its row was final, which is when a run begins to look; the first step where none shows it final.
    """

    service: Service
    before: dict[str, Any]
    steps: list[Step]
    since: datetime | None
    begins: float
    names: Any = None
    file: str = ""

    @property
    def ends(self) -> float:
        """When the recording ends."""
        return self.steps[-1][0]


def course(name: str, *, continued_by: str | None = None, gap: float = 1.0) -> Course:
    """A recording of a workload (transcripts 500-543, 571-575, 602-605).

    Args:
        name: the recording.
        continued_by: the recording made next of the same service: what it shows before its own trigger is how this
            one went on.
        gap: seconds between the two.
    """
    recording = transcript(name)
    polls = recording["polls"]
    steps = [(poll["ms"] / 1000, poll) for poll in polls]
    rows = [poll["newest_row"] for poll in polls if poll["newest_row"]]
    row: dict[str, Any] = max(rows, key=lambda each: each["createdAt"], default={})
    final = [
        poll["ms"] / 1000
        for poll in polls
        if poll["newest_row"] and poll["newest_row"]["deploymentId"] == row["deploymentId"] and _is_final(poll)
    ]
    if continued_by is not None:
        more = transcript(continued_by)
        steps.append((steps[-1][0] + gap, more["before"]))
        same = [poll for poll in more["polls"] if poll["newest_row"]["deploymentId"] == row["deploymentId"]]
        offset = steps[-1][0] + gap
        steps += [(offset + poll["ms"] / 1000, poll) for poll in same]
        final += [offset + poll["ms"] / 1000 for poll in same if _is_final(poll)]
    return Course(
        service=_service(recording["service"]),
        before=recording["before"],
        steps=steps,
        since=datetime.fromisoformat(row["startedAt"]) if row else None,
        begins=final[0] if final else steps[0][0],
        names=recording.get("loadServices"),
        file=recording["service"].get("composeFile", ""),
    )


def swarm_course(name: str, *, replicas: int = 1, before: frozenset[str]) -> Course:
    """A recording of one Swarm service in the older shape (transcripts 313-329): tasks and a reduced service."""
    recording = transcript(name)
    update = recording["polls"][0]["getConfig_of_service"]["UpdateStatus"]
    began = update["StartedAt"] if update else "2026-11-24T17:00:00Z"
    steps: list[Step] = []
    for poll in recording["polls"]:
        shown = poll["getConfig_of_service"]
        listed = poll["getServiceContainersByAppName"]
        inspected = {
            each["containerId"]: [200, {"ID": each["containerId"], "ServiceID": "service", "CreatedAt": began}]
            for each in listed[1]
        }
        service = {
            "ID": "service",
            "Spec": {
                "Name": recording["appName"],
                "Mode": {"Replicated": {"Replicas": replicas}},
                "TaskTemplate": {"ContainerSpec": {"Image": shown["image"]}},
            },
            "UpdateStatus": shown["UpdateStatus"],
        }
        step = {
            "getServiceContainersByAppName": listed,
            "getConfig": inspected,
            "getConfig_of_services": {"service": [200, service]},
        }
        steps.append((poll["ms"] / 1000, step))
    first = steps[0][1]
    known = [each for each in first["getServiceContainersByAppName"][1] if each["containerId"] in before]
    earlier = {
        "ID": "service",
        "Spec": {"Mode": {"Replicated": {"Replicas": replicas}}},
        "UpdateStatus": None,
    }
    return Course(
        service=_service({"name": "dock", "appName": recording["appName"], "replicas": replicas}),
        before={
            "getServiceContainersByAppName": [200, known],
            "getConfig": first["getConfig"],
            "getConfig_of_services": {"service": [200, earlier]},
        },
        steps=steps,
        since=None,
        begins=steps[0][0],
    )


def _is_final(poll: dict[str, Any]) -> bool:
    return bool(poll["newest_row"]["status"] != "running")


def _service(recorded: dict[str, Any]) -> Service:
    kind = ServiceKind.COMPOSE if "composeType" in recorded else ServiceKind.APPLICATION
    mode = recorded.get("modeSwarm")
    return Service.model_validate({**recorded, "kind": kind, kind.id_field: "service-1", "modeSwarm": mode})


@dataclass
class Replay:
    """The server of a course. Asked what it can't know, it answers as Dokploy does for an unknown id: empty."""

    course: Course
    clock: VirtualClock
    is_before: bool = True
    asked: Counter[str] = field(default_factory=Counter)

    def client(self) -> DokployClient:
        """The real client; its requests end here."""
        connection = Connection.parse("https://dokploy.example.com", KEY)
        return DokployClient(connection, transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        operation = request.url.path.rpartition("/")[2]
        self.asked[operation] += 1
        query = dict(request.url.params)
        if operation == "compose.loadServices":
            return _response(self.course.names or [200, []])
        if operation == "compose.one":
            return _response([200, {"composeId": "service-1", "composeFile": self.course.file}])
        shown = self._shown()
        method = operation.partition(".")[2]
        if method in LISTINGS:
            return _response(shown.get(method, [200, []]))
        wanted = query.get("containerId", "")
        for part in ("getConfig", "getConfig_of_services"):
            for identity, answer in shown.get(part, {}).items():
                if wanted.startswith(identity) or identity.startswith(wanted):
                    return _response(answer)
        return _response([200, None])

    def _shown(self) -> dict[str, Any]:
        if self.is_before:
            return self.course.before
        return [shown for at, shown in self.course.steps if at <= self.clock.elapsed + 1e-9][-1]


def _response(answer: Any) -> httpx.Response:
    status, body = answer
    content = b"" if body is None else json.dumps(body).encode()
    return httpx.Response(status, content=content, headers={"content-type": "application/json"})


@dataclass(frozen=True)
class Outcome:
    """What came of a replay.

    Attributes:
        at: seconds since the recording's start.
        verdict: the last one.
        seen: every verdict with its moment.
        asked: the requests of each look.
    """

    at: float
    verdict: Verdict
    seen: list[tuple[float, Verdict]]
    asked: list[int]


async def play(
    events: Course,
    *,
    stable_seconds: float = 5.0,
    hold_seconds: float = 70.0,
    has_baseline: bool = True,
    every_seconds: float = 1.0,
) -> Outcome:
    """Look once a second from the end of the row on, until the verdict is final.

    Args:
        events: what happens.
        stable_seconds: the window.
        hold_seconds: how long what is seen last goes on after the recording's end.
        has_baseline: whether what was there before could be read.
        every_seconds: the time between two looks.
    """
    clock = VirtualClock()
    replay = Replay(events, clock)
    async with replay.client() as client:
        baseline = Baseline()
        if has_baseline:
            baseline = await WorkloadProbe(client, clock, events.service).baseline()
        replay.is_before = False
        clock.advance(events.begins)
        probe = WorkloadProbe(client, clock, events.service, before=baseline, since=events.since)
        judge = Judge(
            baseline,
            events.since,
            stable_seconds,
            is_always_recreated=events.service.kind is not ServiceKind.COMPOSE,
            is_remote=events.service.server_id is not None,
        )
        seen: list[tuple[float, Verdict]] = []
        asked: list[int] = []
        confirm: frozenset[str] = frozenset()
        while True:
            count = replay.asked.total()
            verdict = judge.judge(await probe.observe(confirm))
            asked.append(replay.asked.total() - count)
            seen.append((clock.elapsed, verdict))
            if verdict.is_final or clock.elapsed >= events.ends + hold_seconds:
                return Outcome(clock.elapsed, verdict, seen, asked)
            confirm = verdict.to_confirm
            clock.advance(min(every_seconds, verdict.due_in_seconds or every_seconds) if confirm else every_seconds)
