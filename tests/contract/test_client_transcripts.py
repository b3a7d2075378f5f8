"""Every answer that was recorded from a real server goes through the real client: it parses, or is the right error."""

from __future__ import annotations

import contextlib
import json
import pickle
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from pulumi_dokploy_deployments.api.answers import Answer, read_answer
from pulumi_dokploy_deployments.api.asked import Asked
from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import (
    AccessDenied,
    ApiError,
    ConnectionFailed,
    InvalidRequest,
    MissingEndpoint,
    NotFound,
    ServerError,
    SomethingInFront,
    Unauthorized,
    UnexpectedAnswer,
)
from pulumi_dokploy_deployments.api.models import (
    DeploymentRecord,
    DeploymentStatus,
    DeployMethod,
    QueueJob,
    ServiceKind,
)
from pulumi_dokploy_deployments.api.swarm_models import ServiceInspection, ServiceTask, TaskInspection

TRANSCRIPTS = Path(__file__).parent / "transcripts"
KEY = "key-that-no-message-may-show"
APPLICATION, COMPOSE = ServiceKind.APPLICATION, ServiceKind.COMPOSE

Sent = dict[str, Any]
Call = Callable[[DokployClient, Sent], Awaitable[Any]]


def _deploy(kind: ServiceKind, method: DeployMethod) -> Call:
    def call(client: DokployClient, sent: Sent) -> Awaitable[None]:
        return client.deploy(
            kind,
            str(sent.get(kind.id_field)),
            method=method,
            title=sent.get("title"),
            description=sent.get("description"),
        )

    return call


def _tail(sent: Sent) -> int:
    tail = str(sent.get("tail", 100))
    return int(tail) if tail.isdecimal() else 100


def _settings(client: DokployClient, sent: Sent, kind: ServiceKind) -> Awaitable[None]:
    return client.update_service(kind, sent[kind.id_field], {k: v for k, v in sent.items() if k != kind.id_field})


CALLS: dict[str, Call] = {
    "application.one": lambda client, sent: client.read_service(APPLICATION, sent["applicationId"]),
    "application.deploy": _deploy(APPLICATION, DeployMethod.DEPLOY),
    "application.redeploy": _deploy(APPLICATION, DeployMethod.REDEPLOY),
    "application.update": lambda client, sent: _settings(client, sent, APPLICATION),
    "application.cleanQueues": lambda client, sent: client.drop_waiting_jobs(APPLICATION, sent["applicationId"]),
    "application.killBuild": lambda client, sent: client.kill_build(APPLICATION, sent["applicationId"]),
    "compose.one": lambda client, sent: client.read_service(COMPOSE, sent["composeId"]),
    "compose.deploy": _deploy(COMPOSE, DeployMethod.DEPLOY),
    "compose.redeploy": _deploy(COMPOSE, DeployMethod.REDEPLOY),
    "compose.update": lambda client, sent: _settings(client, sent, COMPOSE),
    "compose.cleanQueues": lambda client, sent: client.drop_waiting_jobs(COMPOSE, sent["composeId"]),
    "compose.killBuild": lambda client, sent: client.kill_build(COMPOSE, sent["composeId"]),
    "deployment.all": lambda client, sent: client.deployments_by_application(sent.get("applicationId", "")),
    "deployment.allByCompose": lambda client, sent: client.deployments_by_compose(sent["composeId"]),
    "deployment.allByServer": lambda client, sent: client.deployments_by_server(sent["serverId"]),
    "deployment.allByType": lambda client, sent: client.deployments_by_type(sent["type"], sent["id"]),
    "deployment.allCentralized": lambda client, sent: client.all_deployments(),
    "deployment.queueList": lambda client, sent: client.queue(),
    "deployment.readLogs": lambda client, sent: client.read_log(sent["deploymentId"], tail=_tail(sent)),
    "deployment.killProcess": lambda client, sent: client.kill_process(sent["deploymentId"]),
    "deployment.removeDeployment": lambda client, sent: client.remove_deployment(sent["deploymentId"]),
    "registry.all": lambda client, sent: client.registries(),
    "rollback.rollback": lambda client, sent: client.rollback(sent["rollbackId"]),
    "server.all": lambda client, sent: client.servers(),
    "settings.getDokployVersion": lambda client, sent: client.server_version(),
}

NO_METHOD = {
    "application.cancelDeployment": "only for Dokploy's cloud",
    "application.clearDeployments": "removes logs behind the user's back",
    "Deployment.QUEUElist": "the client writes names as they are",
    "DEPLOYMENT.all": "the client writes names as they are",
    "Health": "the client writes names as they are",
    "application.create": "set-up of the recording",
    "application.dropDeployment": "uploads are not part of this package",
    "application.saveBuildType": "set-up of the recording",
    "application.saveDockerProvider": "set-up of the recording",
    "application.saveGitProvider": "set-up of the recording",
    "compose.cancelDeployment": "only for Dokploy's cloud",
    "compose.create": "set-up of the recording",
    "deploy/lUuLCXLda-FO2UJr-s7RB": "webhooks are another door, without a key",
    "deploy/nope": "webhooks are another door, without a key",
    "deployment.nope": "a path that does not exist",
    "environment.create": "set-up of the recording",
    "docker.getConfig": "recorded here only where it refuses what the client never sends",
    "docker.getContainersByAppNameMatch": "recorded here only where it refuses what the client never sends",
    "docker.getServiceContainersByAppName": "recorded here only where it refuses what the client never sends",
    "health": "answers 200 while the database is down, so it proves nothing (transcript 193b)",
    "no.such": "a path that does not exist",
    "organization.all": "set-up of the recording",
    "project.create": "set-up of the recording",
    "registry.create": "set-up of the recording",
    "rollback.delete": "deletes the deployment's row as well (transcript 168)",
    "server.create": "set-up of the recording",
    "settings.cleanAllDeploymentQueue": "drops other people's jobs",
    "settings.updateBuildsConcurrency": "set-up of the recording",
    "trpc/deployment.all": "the dashboard's own door",
    "trpc/Settings.health": "the dashboard's own door",
    "trpc/deployment.killProcess": "the dashboard's own door",
    "trpc/deployment.queueList": "the dashboard's own door",
    "trpc/settings.health": "the dashboard's own door",
    "user.get": "asked by the doctor alone",
    "user.getBackups": "asked by the doctor alone",
    "user.getPermissions": "asked by the doctor alone",
    "user.assignPermissions": "set-up of the recording",
    "user.createApiKey": "set-up of the recording",
}
"""Operations that the client does not offer; their answers are read all the same."""

SENT_DIFFERENTLY = {
    "110-trailing-slash": "the client writes no trailing slash",
    "111-double-slash": "the client writes no double slash",
    "112-extra-query": "the client sends no unknown parameters",
    "152-title-null": "the client leaves a missing title out",
    "153-extra-field": "the client sends no unknown fields",
    "405-application-update-only-id": "the client sends nothing when there is nothing to change",
    "408-readLogs-tail-no-number": "the client's `tail` is a number",
    "409-readLogs-tail-infinite": "the client's `tail` is a number",
    "409b-readLogs-tail-fraction": "the client's `tail` is a whole number",
    "410-readLogs-tail-hexadecimal": "the client writes `tail` in decimals",
    "412-body-too-large": "the client sends JSON",
    "412b-body-too-large-without-key": "the client sends JSON",
    "412c-body-just-small-enough": "the client sends JSON",
    "417-trailing-slash-not-followed": "the client writes no trailing slash",
    "417b-double-slash-not-followed": "the client writes no double slash",
    "63-wrong-method-GET-on-mutation": "the client uses the right method",
    "64-wrong-method-POST-on-query": "the client uses the right method",
    "74-missing-param": "the client always sends the id",
    "76-deploy-empty-body-object": "the client always sends the id",
    "77-deploy-malformed-json": "the client sends well-formed JSON",
    "78-deploy-wrong-content-type": "the client sends JSON",
    "79-deploy-no-body": "the client always sends a body",
    "85-readLogs-tail-zero": "the client keeps `tail` within the server's limits",
    "89-HEAD": "the client never sends HEAD",
    "90-OPTIONS": "the client never sends OPTIONS",
}
"""Requests that the client would not send as recorded; the answer is replayed to the nearest call."""

FAILURES: dict[str, type[ApiError]] = {
    "102-member-deployment-all": AccessDenied,
    "103-member-deploy": AccessDenied,
    "106-member-application-one": AccessDenied,
    "107-member-killProcess": AccessDenied,
    "108-member-readLogs": AccessDenied,
    "109-member-rollback": InvalidRequest,
    "1205-ratelimited-key": Unauthorized,
    "1206-ratelimited-key": Unauthorized,
    "1213-ratelimited-key": Unauthorized,
    "140-restart-TERM-server-down": ConnectionFailed,
    "141-restart-KILL-server-down": ConnectionFailed,
    "152-title-null": InvalidRequest,
    "169b-rollback-after-remove": InvalidRequest,
    "190-db-down-deployment-all": Unauthorized,
    "191-db-down-deployment-all": Unauthorized,
    "192-db-down-deployment-all": Unauthorized,
    "193-db-down-deploy": Unauthorized,
    "203-webhook-bad-token": SomethingInFront,
    "205-member-killBuild": AccessDenied,
    "212-dropDeployment": ServerError,
    "404-application-update-unknown": InvalidRequest,
    "405-application-update-only-id": ServerError,
    "405b-application-update-unknown-field": ServerError,
    "406-application-update-wrong-types": InvalidRequest,
    "406b-application-update-coerced": InvalidRequest,
    "407-compose-update-wrong-types": InvalidRequest,
    "408-readLogs-tail-no-number": InvalidRequest,
    "409-readLogs-tail-infinite": InvalidRequest,
    "409b-readLogs-tail-fraction": InvalidRequest,
    "410-readLogs-tail-hexadecimal": NotFound,
    "411-NUL-deployment-all": ServerError,
    "411b-NUL-allByCompose": ServerError,
    "411c-NUL-rollback": InvalidRequest,
    "412-body-too-large": InvalidRequest,
    "412b-body-too-large-without-key": InvalidRequest,
    "412c-body-just-small-enough": InvalidRequest,
    "413-no-content-type": InvalidRequest,
    "414b-path-in-other-case-on-error": InvalidRequest,
    "414c-trpc-path-in-other-case": NotFound,
    "414d-health-in-other-case": Unauthorized,
    "415-trpc-without-key": AccessDenied,
    "416-trpc-wrong-input": InvalidRequest,
    "416b-trpc-wrong-method": InvalidRequest,
    "417-trailing-slash-not-followed": SomethingInFront,
    "417b-double-slash-not-followed": SomethingInFront,
    "425-getConfig-odd-id": InvalidRequest,
    "425b-getConfig-unknown-server": NotFound,
    "426-getServiceContainers-odd-name": InvalidRequest,
    "426b-getContainersByAppNameMatch-wrong-type": InvalidRequest,
    "427-allByType-unknown-schedule": NotFound,
    "44-killProcess-while-running": InvalidRequest,
    "46-application-cancelDeployment": InvalidRequest,
    "60-no-key": Unauthorized,
    "61-bad-key": Unauthorized,
    "61b-bad-key-unknown-path": Unauthorized,
    "61c-bearer-header": Unauthorized,
    "62-unknown-path": MissingEndpoint,
    "63-wrong-method-GET-on-mutation": MissingEndpoint,
    "64-wrong-method-POST-on-query": MissingEndpoint,
    "66-unknown-app-deploy": NotFound,
    "67-unknown-app-one": NotFound,
    "68-unknown-compose-deploy": NotFound,
    "70-unknown-deployment-kill": NotFound,
    "71-unknown-deployment-remove": NotFound,
    "72-unknown-deployment-readLogs": NotFound,
    "73-unknown-rollback": InvalidRequest,
    "74-missing-param": InvalidRequest,
    "75-empty-param": InvalidRequest,
    "76-deploy-empty-body-object": InvalidRequest,
    "77-deploy-malformed-json": InvalidRequest,
    "78-deploy-wrong-content-type": InvalidRequest,
    "79-deploy-no-body": InvalidRequest,
    "80-deploy-title-wrong-type": InvalidRequest,
    "81-allByType-bad-type": InvalidRequest,
    "84-allByServer-unknown": NotFound,
    "85-readLogs-tail-zero": InvalidRequest,
    "87-killProcess-finished": InvalidRequest,
    "89-HEAD": SomethingInFront,
    "90-OPTIONS": MissingEndpoint,
    "91-compose-cancelDeployment": InvalidRequest,
    "95-version-unauth": Unauthorized,
}

NO_ANSWERS = {
    "140-restart-TERM-boot": "measured times of a restart",
    "141-restart-KILL-boot": "measured times of a restart",
    "200-row-latency": "measured times",
}
"""Recordings without an answer of the server in them."""


def _load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((TRANSCRIPTS / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def _is_exchange(recording: dict[str, Any]) -> bool:
    return "request" in recording and "response" in recording


ALL = {path.stem: _load(path.stem) for path in sorted(TRANSCRIPTS.glob("*.json"))}
EXCHANGES = [name for name, recording in ALL.items() if _is_exchange(recording)]
TASK_POLLS = [name for name, recording in ALL.items() if "appName" in recording and not _is_exchange(recording)]
LIVE_LOGS = [name for name, recording in ALL.items() if "ws" in recording]
STREAM_ENDS = [name for name, recording in ALL.items() if "url_query" in recording]
TIMELINES = [name for name in ALL if name.startswith("timeline-")]
WATCHED = [name for name, recording in ALL.items() if "newest_row" in recording.get("polls", [{}])[-1]]
"""What runs, second by second after a deployment; the simulator is held to them, too."""
RUNNING = [name for name, recording in ALL.items() if "inspected" in recording]
SINGLE_ANSWERS = {
    "301-getConfig-service",
    "302-getServiceContainersByAppName",
    "303-getConfig-task",
    "304-getConfig-unknown",
    "305-getServiceContainersByAppName-unknown",
    "335-rows",
    "430-getConfig-service-by-id",
    "431-getConfig-service-rolled-back",
    "336-rollback-to-v1",
}


def _sent(recording: dict[str, Any]) -> Sent:
    request = recording["request"]
    body = request["body"] if isinstance(request["body"], dict) and "raw" not in request["body"] else {}
    return {**(request["query"] or {}), **body}


def _operation(recording: dict[str, Any]) -> str:
    path: str = recording["request"]["path"]
    return path.removeprefix("/api/").strip("/")


def _client(handler: Callable[[httpx.Request], httpx.Response]) -> DokployClient:
    connection = Connection.parse("https://dokploy.example.com", KEY)
    return DokployClient(connection, transport=httpx.MockTransport(handler))


def _body(recorded: dict[str, Any]) -> bytes:
    body = recorded["body"]
    return json.dumps(body).encode() if recorded.get("body_is_json", True) else str(body).encode()


def _answering(status: int, body: object) -> DokployClient:
    content = b"" if body == "" else json.dumps(body).encode()
    return _client(lambda _: httpx.Response(status, content=content, headers={"content-type": "application/json"}))


async def _replay(name: str, seen: list[httpx.Request]) -> Any:
    recording = ALL[name]
    recorded, operation = recording["response"], _operation(recording)
    # The body was recorded unpacked, so what describes its packing does not belong to it.
    headers = {k: v for k, v in recorded["headers"].items() if k.lower() not in ("transfer-encoding", "content-length")}

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if recorded["status"] is None:
            raise httpx.ConnectError("Connection refused", request=request)
        return httpx.Response(recorded["status"], headers=headers, content=_body(recorded))

    async with _client(answer) as client:
        if operation in CALLS:
            # Where the recorded request lacks the id, any will do: the answer is what counts.
            missing = {"applicationId": "x", "composeId": "x", **_sent(recording)}
            sent = missing if name in SENT_DIFFERENTLY else _sent(recording)
            return await CALLS[operation](client, sent)
    # Nobody calls it: the answer is read all the same.
    lower = {header.lower(): value for header, value in headers.items()}
    asked = Asked(operation, "https://dokploy.example.com", may_be_empty=True)
    return read_answer(Answer(recorded["status"], lower, _body(recorded)), asked)


@pytest.mark.parametrize("name", EXCHANGES)
async def test_a_recorded_answer_parses_or_is_the_right_error(name: str) -> None:
    operation = _operation(ALL[name])
    assert operation in CALLS or operation in NO_METHOD, f"nothing covers {operation}"
    expected = FAILURES.get(name)
    if expected is None:
        assert ALL[name]["response"]["status"] in (200, 204), "a failure without an entry in FAILURES"
        await _replay(name, [])
        return
    with pytest.raises(ApiError) as caught:
        await _replay(name, [])
    assert type(caught.value) is expected
    _assert_is_plain_paragraph(caught.value)


def _assert_is_plain_paragraph(error: ApiError) -> None:
    text = str(error)
    assert "\n" not in text
    assert KEY not in text
    assert text.endswith((".", "?"))
    for double in ("..", "?.", "…", ".:", ":.", "::", "  ", ".,", ";."):
        assert double not in text, f"{double!r} in {text!r}"
    assert str(pickle.loads(pickle.dumps(error))) == text  # noqa: S301
    assert error.__context__ is None, "the library's exception holds the request, and that the key"


@pytest.mark.parametrize(
    "name", [name for name in EXCHANGES if name not in SENT_DIFFERENTLY and _operation(ALL[name]) in CALLS]
)
async def test_the_client_sends_what_was_sent_to_the_real_server(name: str) -> None:
    recording = ALL[name]
    seen: list[httpx.Request] = []
    with contextlib.suppress(ApiError):
        await _replay(name, seen)
    (request,) = seen
    recorded = recording["request"]
    assert (request.method, request.url.path) == (recorded["method"], recorded["path"])
    assert request.headers["x-api-key"] == KEY
    assert KEY not in str(request.url)
    if recorded["body"] is not None:
        assert json.loads(request.content) == recorded["body"]
    for parameter, value in (recorded["query"] or {}).items():
        assert request.url.params[parameter] == str(value)


def test_every_recording_is_covered() -> None:
    covered = {
        *EXCHANGES, *TASK_POLLS, *LIVE_LOGS, *STREAM_ENDS, *TIMELINES, *RUNNING, *WATCHED, *SINGLE_ANSWERS, *NO_ANSWERS,
    }  # fmt: skip
    assert set(ALL) - covered == set(), "recordings that nothing here reads"
    assert (SINGLE_ANSWERS | set(NO_ANSWERS) | set(FAILURES) | set(SENT_DIFFERENTLY)) - set(ALL) == set()
    assert {_operation(ALL[name]) for name in EXCHANGES} == set(CALLS) & {_operation(ALL[n]) for n in EXCHANGES} | set(
        NO_METHOD
    )


@pytest.mark.parametrize("name", TASK_POLLS)
async def test_recorded_tasks_and_services_parse(name: str) -> None:
    for poll in ALL[name]["polls"]:
        tasks = await _tasks(poll["getServiceContainersByAppName"])
        assert all(task.phase.isalpha() for task in tasks)
        assert all(not task.error.startswith(("Error:", '"task')) for task in tasks)
        recorded = poll["getConfig_of_service"]
        service = await _service(recorded["image"], recorded["UpdateStatus"], recorded["version"])
        assert service.image == recorded["image"]
        if recorded["UpdateStatus"]:
            assert service.update is not None
            assert service.update.state.is_known
            assert service.update.state == recorded["UpdateStatus"]["State"]
        else:
            assert service.update is None


@pytest.mark.parametrize("name", RUNNING)
async def test_what_was_recorded_as_running_parses(name: str) -> None:
    recording = ALL[name]
    tasks = await _tasks(recording["tasks"])
    for recorded in recording["inspected"]:
        async with _answering(
            200,
            {
                "ID": recorded["task"],
                "ServiceID": recorded["ServiceID"],
                "CreatedAt": recorded["created"],
                "DesiredState": recorded["desired"],
                "Spec": {"ContainerSpec": {"Image": recorded["image"], "Env": ["PASSWORD=marker"]}},
                "Status": {"State": recorded["state"]},
            },
        ) as client:
            task = await client.inspect_task(recorded["task"])
        assert task is not None
        assert (task.image, task.state, task.desired_state) == (
            recorded["image"],
            recorded["state"],
            recorded["desired"],
        )
        assert task.task_id in {known.task_id for known in tasks}
        assert "marker" not in repr(task)
    service = recording["service"]
    parsed = await _service(
        service["image"], service["UpdateStatus"], service["Version"], previous=service.get("PreviousSpec_image")
    )
    assert parsed.previous_image == service.get("PreviousSpec_image")


async def _tasks(recorded: list[Any]) -> list[ServiceTask]:
    async with _answering(recorded[0], recorded[1]) as client:
        tasks = await client.tasks_of("app")
    assert [task.task_id for task in tasks] == [task["containerId"] for task in recorded[1]]
    return tasks


async def _service(
    image: str, update: dict[str, Any] | None, version: dict[str, Any], *, previous: str | None = None
) -> ServiceInspection:
    answer: dict[str, Any] = {
        "ID": "service",
        "Version": version,
        "Spec": {"TaskTemplate": {"ContainerSpec": {"Image": image, "Env": ["PASSWORD=marker"]}}},
        "UpdateStatus": update,
    }
    if previous is not None:
        answer["PreviousSpec"] = {"TaskTemplate": {"ContainerSpec": {"Image": previous}}}
    async with _answering(200, answer) as client:
        service = await client.inspect_service("service")
    assert service is not None
    assert "marker" not in repr(service)
    return service


@pytest.mark.parametrize("name", WATCHED)
async def test_listings_of_what_runs_parse_poll_by_poll(name: str) -> None:
    for poll in ALL[name]["polls"]:
        if "getServiceContainersByAppName" in poll:
            await _tasks(poll["getServiceContainersByAppName"])
        if "getContainersByAppNameMatch" in poll:
            status, answer = poll["getContainersByAppNameMatch"]
            async with _answering(status, answer) as client:
                containers = await client.containers_of("app", app_type="docker-compose")
            assert [container.name for container in containers] == [container["name"] for container in answer]


@pytest.mark.parametrize("name", TIMELINES)
async def test_recorded_timelines_parse_poll_by_poll(name: str) -> None:
    rows_seen = 0
    for event in ALL[name]["events"]:
        if not {"rows", "queue"} <= event.keys():
            assert "action" in event
            continue
        rows = [{**row, "deploymentId": row["id"]} for row in event["rows"]]
        async with _answering(200, rows) as client:
            parsed = await client.deployments_by_application("x")
        assert [row.status.value for row in parsed] == [row["status"] for row in event["rows"]]
        assert all(row.status.is_known for row in parsed)
        rows_seen += len(parsed)
        jobs = [
            {**job, "data": {"titleLog": job["title"], "type": job["type"], "applicationId": "x"}}
            for job in event["queue"]
        ]
        async with _answering(200, jobs) as client:
            queue = await client.queue()
        assert all(job.state.is_known and job.number is not None for job in queue)
        assert [job.started_at is not None for job in queue] == [job["state"] == "active" for job in event["queue"]]
    assert rows_seen


@pytest.mark.parametrize("name", LIVE_LOGS)
def test_the_rows_beside_a_live_log_parse(name: str) -> None:
    # The frames themselves are replayed by tests/unit/api/test_log_stream.py.
    polls = ALL[name]["polls"]
    rows = [
        DeploymentRecord.model_validate({**row, "deploymentId": "x", "createdAt": row["startedAt"]}) for row in polls
    ]
    assert [row.status.value for row in rows] == [row["status"] for row in polls]
    assert rows[-1].status.is_final


async def test_the_service_s_name_leads_to_an_image_and_is_refused_as_a_service() -> None:
    async with _answering(*ALL["301-getConfig-service"]["response"]) as client:
        with pytest.raises(UnexpectedAnswer):
            await client.inspect_service("slow-ig270k")


async def test_single_recorded_answers_parse() -> None:
    tasks = await _tasks(ALL["302-getServiceContainersByAppName"]["response"])
    assert [(task.phase, task.error) for task in tasks] == [("running", "")]
    assert await _tasks(ALL["305-getServiceContainersByAppName-unknown"]["response"]) == []
    async with _answering(*ALL["303-getConfig-task"]["response"]) as client:
        task = await client.inspect_task("nvjhd6t76iuciu3ltamy7wgg3")
    assert isinstance(task, TaskInspection)
    assert (task.image, task.state, task.service_id) == (
        "slow-ig270k:latest", "running", "sp4757854wnhw47xst2y0ikj6",
    )  # fmt: skip
    async with _answering(*ALL["304-getConfig-unknown"]["response"]) as client:
        assert await client.inspect_task("gone") is None
    async with _answering(*ALL["430-getConfig-service-by-id"]["response"]) as client:
        service = await client.inspect_service("owagmsi8ze3fxf7wfvkwg891n")
    assert service is not None
    assert (service.image, service.previous_image) == ("other-cmed4v:latest", "other-cmed4v:latest")
    async with _answering(*ALL["431-getConfig-service-rolled-back"]["response"]) as client:
        service = await client.inspect_service("pspbdm8696l4wm40p62583mvd")
    assert service is not None
    assert service.update is not None
    assert service.update.state.is_rollback
    assert service.previous_image is None
    async with _answering(200, ALL["335-rows"]["response"]) as client:
        rows = await client.deployments_by_application("x")
    assert [row.commit_message for row in rows] == ["release 3", "release 2", "release 1"]
    async with _answering(200, ALL["336-rollback-to-v1"]["body"]) as client:
        await client.rollback("x")


# --- what must not get any further than the parsing edge ----------------------------------------------------

SECRET_NAMES = ("password", "env", "refreshToken", "username", "buildArgs", "composeFile", "dockerfile", "token")


def _marked(value: Any, *, inside: str = "") -> Any:
    """The same answer with a marker in every place where a credential or an environment could be."""
    if isinstance(value, dict):
        marked = {key: _marked(item, inside=key) for key, item in value.items()}
        return {**marked, "env": "PASSWORD=MARKER-env", "anything" if inside else "apiKey": "MARKER-anything"}
    if isinstance(value, list):
        return [_marked(item, inside=inside) for item in value] + (["X=MARKER-list"] if inside == "Env" else [])
    if inside in SECRET_NAMES or "Secret" in inside:
        return f"MARKER-{inside}"
    return value


def _forms(value: object) -> Iterator[str]:
    yield repr(value)
    yield str(value)
    yield pickle.dumps(value).decode("latin-1")
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, BaseModel):
            yield repr(item.model_dump())
            yield item.model_dump_json(by_alias=True)
            yield repr(item.model_extra)
            yield repr(vars(item))


@pytest.mark.parametrize(
    "name",
    [
        "164-allByType-with-rollback",
        "167-rollback-delete",
        "48-allCentralized",
        "175-allCentralized",
        "178-compose-one",
        "201-application-one",
        "303-getConfig-task",
    ],
)
async def test_no_credential_or_environment_leaves_the_parsing_edge(name: str) -> None:
    recording = ALL[name]
    recorded = recording["response"][1] if isinstance(recording["response"], list) else recording["response"]["body"]
    answer = _marked(recorded)
    if "Spec" in answer:
        answer["Spec"]["ContainerSpec"]["Env"] = ["PASSWORD=MARKER-env"]
    assert "MARKER" in json.dumps(answer)
    async with _answering(200, answer) as client:
        parsed: object
        if name.startswith("303"):
            parsed = [await client.inspect_task("x")]
        elif name.startswith("167"):
            # No method reads it alone; the same object comes inside each row of allByType.
            row = {"deploymentId": "d", "status": "done", "createdAt": "2026-11-24T01:51:42.029Z", "rollback": answer}
            parsed = [DeploymentRecord.model_validate(row)]
        else:
            parsed = await CALLS[_operation(recording)](client, _sent(recording))
    assert parsed
    for form in _forms(parsed):
        assert "MARKER" not in form
        assert "(registry-password)" not in form
        assert "fullContext" not in form


async def test_an_answer_in_an_unknown_shape_is_reported_without_its_contents() -> None:
    async with _answering(200, [{"password": "MARKER", "deploymentId": 7}]) as client:
        with pytest.raises(UnexpectedAnswer) as caught:
            await client.all_deployments()
    assert "MARKER" not in str(caught.value)
    assert caught.value.__context__ is None, "pydantic's exception holds the whole answer"


async def test_statuses_and_fields_of_a_newer_server_are_kept() -> None:
    row = {**ALL["31-deployment-all"]["response"]["body"][0], "status": "paused", "priority": 3, "apiToken": "MARKER"}
    async with _answering(200, [row]) as client:
        (parsed,) = await client.deployments_by_application("x")
    assert parsed.status is not DeploymentStatus.RUNNING
    assert (parsed.status.value, parsed.status.is_known, parsed.status.is_final) == ("paused", False, False)
    assert parsed.unknown_fields == {"priority": 3}
    job = {**ALL["42-queueList-mixed"]["response"]["body"][0], "state": "delayed", "attempts": 2}
    assert QueueJob.model_validate(job).state == "delayed"
