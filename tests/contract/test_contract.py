"""What Dokploy does from v0.28.3 on, held against any server: the simulator's releases, and a live one if there is one.

Where releases differ, a test says what each of them does.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import (
    ApiError,
    InvalidRequest,
    LogStreamFailure,
    LogStreamUnavailable,
    MissingEndpoint,
    NotFound,
    Unauthorized,
)
from pulumi_dokploy_deployments.api.log_stream import LogStream, open_log_stream
from pulumi_dokploy_deployments.api.models import (
    DeploymentRecord,
    DeploymentStatus,
    DeployMethod,
    JobState,
    ServiceKind,
)
from pulumi_dokploy_deployments.api.swarm_models import ServiceInspection, ServiceTask, UpdateState

from .conftest import Bench, Server, until

APPLICATION, COMPOSE = ServiceKind.APPLICATION, ServiceKind.COMPOSE
UNKNOWN = "no-such-id-0000000000"
LOG_ENDS_AFTER_SECONDS = 0.7
"""A log that has brought nothing for so long, after its row was final, is taken to be whole."""
READS_LOGS = "v0.29.5"
"""The first release with `deployment.readLogs`; before, the live log is the log (transcript 621)."""
LOOKS_UP_ROWS = "v0.28.7"
"""From here on rows are looked up without their service, and a removed row is looked for (transcript 625)."""


async def _log_of(server: Server, bench: Bench, row: DeploymentRecord) -> str:
    """The log of a finished deployment, in the way that the release offers."""
    if server.is_from(READS_LOGS):
        return await bench.client.read_log(row.deployment_id, tail=10_000)
    with pytest.raises(MissingEndpoint):
        await bench.client.read_log(row.deployment_id)
    assert row.log_path
    async with open_log_stream(server.connection, row.log_path) as stream:
        text, more = "", await _next(stream, within=10)
        while more is not None:
            text, more = text + more, await _next(stream, within=LOG_ENDS_AFTER_SECONDS)
    return text


# --- asking -------------------------------------------------------------------------------------------------


async def test_deploy_answers_200_with_nothing_in_it(server: Server, raw: httpx.AsyncClient, bench: Bench) -> None:
    # Transcripts 30, 33, 37: no id, no JSON, although the content type says so.
    docker = server.application("docker")
    await bench.settle(APPLICATION, docker)
    for method in ("deploy", "redeploy"):
        answer = await raw.post(f"application.{method}", json={"applicationId": docker, "title": "contract"})
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-type"].startswith("application/json")


async def test_a_compose_answers_with_a_receipt_and_no_deployment_id(server: Server, raw: httpx.AsyncClient) -> None:
    compose = server.compose("ok")
    answer = await raw.post("compose.deploy", json={"composeId": compose})
    # Transcript 170.
    assert answer.json() == {"success": True, "message": "Deployment queued", "composeId": compose}


async def test_queue_first_then_rows_never_misses_a_deployment(server: Server, bench: Bench) -> None:
    asked = await bench.trigger(server.application("ok"))
    job = await bench.job(asked)
    rows = await bench.client.deployments_by_application(asked.service_id)
    row = next((row for row in rows if row.description == asked.nonce), None)
    assert job is not None or row is not None
    if job is not None:
        assert job.data.title_log == asked.title
        assert job.data.type == "deploy"
        assert job.data.application_type == "application"
        assert job.number is not None
        assert job.queued_at is not None
        assert job.service_path is not None
        assert asked.service_id in (job.service_path.href or "")


async def test_jobs_wait_without_a_row_and_only_the_service_s_own_are_dropped(server: Server, bench: Bench) -> None:
    # Takes as long as the slow build: what waits behind it is what is tested (transcripts 42, 43, 45).
    slow, other = server.application("slow"), server.application("ok")
    await bench.settle(APPLICATION, other)
    active = await bench.trigger(slow)
    await bench.row(active)
    waiting = await bench.trigger(slow, settled=False)
    behind = await bench.trigger(other, settled=False)
    jobs = {job.data.description_log: job for job in await bench.client.queue()}
    assert {nonce: jobs[nonce].state for nonce in (active.nonce, waiting.nonce, behind.nonce)} == {
        active.nonce: JobState.ACTIVE,
        waiting.nonce: JobState.WAITING,
        behind.nonce: JobState.WAITING,
    }
    assert jobs[active.nonce].started_at is not None
    assert jobs[waiting.nonce].started_at is None
    ours = [nonce for nonce in jobs if nonce in (active.nonce, waiting.nonce, behind.nonce)]
    assert ours == [behind.nonce, waiting.nonce, active.nonce], "newest first"
    for asked in (waiting, behind):
        rows = await bench.client.deployments_by_application(asked.service_id)
        assert asked.nonce not in {row.description for row in rows}

    await bench.client.drop_waiting_jobs(APPLICATION, slow)
    jobs = {job.data.description_log: job for job in await bench.client.queue()}
    assert waiting.nonce not in jobs
    assert jobs[active.nonce].state is JobState.ACTIVE
    assert jobs[behind.nonce].state is JobState.WAITING

    ended = await bench.finished(active)
    assert ended.status is DeploymentStatus.DONE
    after = await bench.finished(behind)
    assert after.finished_at is not None
    assert ended.finished_at is not None
    assert after.created_at >= ended.finished_at
    rows = await bench.client.deployments_by_application(slow)
    assert waiting.nonce not in {row.description for row in rows}


# --- rows ---------------------------------------------------------------------------------------------------


async def test_a_running_row_carries_title_and_nonce_and_can_not_be_killed(server: Server, bench: Bench) -> None:
    asked = await bench.trigger(server.application("slow"))
    row = await bench.row(asked)
    assert row.status is DeploymentStatus.RUNNING
    assert (row.title, row.description) == (asked.title, asked.nonce)
    assert (row.finished_at, row.error_message, row.pid) == (None, None, None)
    assert row.started_at is not None
    # Two clock readings of one moment: a real server once had `startedAt` a millisecond before `createdAt`.
    assert abs(row.started_at - row.created_at) < timedelta(seconds=0.1)
    assert row.log_path
    # Transcript 44: `pid` is set only for schedules, so this never works for builds.
    with pytest.raises(InvalidRequest, match="Deployment is not running"):
        await bench.client.kill_process(row.deployment_id)


async def test_a_docker_source_keeps_its_title(server: Server, bench: Bench) -> None:
    # May take as long as a slow build that an earlier test left running: everything waits behind it.
    asked = await bench.trigger(server.application("docker"))
    row = await bench.finished(asked)
    assert row.status is DeploymentStatus.DONE
    assert (row.title, row.description, row.commit_hash) == (asked.title, asked.nonce, None)
    assert row.finished_at is not None


async def test_a_git_source_ends_with_the_commit_in_place_of_the_nonce(server: Server, bench: Bench) -> None:
    asked = await bench.trigger(server.application("ok"))
    deployment_id = (await bench.finished(asked)).deployment_id

    # The status turns first, the text a moment later (timeline 242).
    async def overwritten() -> bool | None:
        row = await bench.find(asked, deployment_id)
        assert row is not None
        return True if row.description != asked.nonce else None

    await until("the commit in the row", overwritten, seconds=10)
    row = await bench.find(asked, deployment_id)
    assert row is not None
    assert row.status is DeploymentStatus.DONE
    assert re.fullmatch(r"Commit: [0-9a-f]{40}", row.description or "")
    assert row.commit_hash is not None
    assert row.title not in ("", asked.title)


async def test_a_redeploy_of_a_git_source_keeps_its_title(server: Server, bench: Bench) -> None:
    asked = await bench.trigger(server.application("ok"), method=DeployMethod.REDEPLOY)
    row = await bench.finished(asked)
    await bench.settle(APPLICATION, asked.service_id)
    later = await bench.find(asked, row.deployment_id)
    assert later is not None
    # Timeline 33.
    assert (later.title, later.description) == (asked.title, asked.nonce)


async def test_a_broken_build_is_an_error_whose_reason_is_only_in_the_log(server: Server, bench: Bench) -> None:
    row = await bench.finished(await bench.trigger(server.application("broken")))
    assert row.status is DeploymentStatus.ERROR
    assert row.error_message is None
    assert row.finished_at is not None
    log = await _log_of(server, bench, row)
    assert "Initializing deployment" in log
    assert "Error occurred ❌, check the logs for details." in log
    service = await bench.client.read_service(APPLICATION, server.application("broken"))
    assert service.status == "error"


async def test_removing_a_finished_row_works_once(server: Server, bench: Bench, raw: httpx.AsyncClient) -> None:
    asked = await bench.trigger(server.application("docker"))
    row = await bench.finished(asked)
    await bench.client.remove_deployment(row.deployment_id)
    assert await bench.find(asked, row.deployment_id) is None
    if server.is_from(LOOKS_UP_ROWS):
        with pytest.raises(NotFound):
            await bench.client.remove_deployment(row.deployment_id)
    elif server.is_from("v0.28.5"):
        await bench.client.remove_deployment(row.deployment_id)
    else:
        # A bad request in words of its own, which the client knows.
        again = await raw.post("deployment.removeDeployment", json={"deploymentId": row.deployment_id})
        assert (again.status_code, again.json()["message"]) == (400, "Deployment not found")
        with pytest.raises(NotFound):
            await bench.client.remove_deployment(row.deployment_id)


async def test_all_ways_to_the_rows_know_the_same_deployment(server: Server, bench: Bench) -> None:
    docker = server.application("docker")
    row = await bench.finished(await bench.trigger(docker))
    by_type = await bench.client.deployments_by_type("application", docker)
    central = await bench.client.all_deployments()
    assert row.deployment_id in {known.deployment_id for known in by_type}
    found = next(known for known in central if known.deployment_id == row.deployment_id)
    assert found.application_name == (await bench.client.read_service(APPLICATION, docker)).name


async def test_removing_a_running_row_does_not_stop_the_build(server: Server, bench: Bench) -> None:
    # Takes as long as the slow build, since its end is what is looked at (timelines 133, 134).
    slow = server.application("slow")
    asked = await bench.trigger(slow)
    row = await bench.row(asked)
    await bench.client.remove_deployment(row.deployment_id)
    assert await bench.find(asked, row.deployment_id) is None
    job = await bench.job(asked)
    assert job is not None
    assert job.state is JobState.ACTIVE
    await bench.settle(APPLICATION, slow)
    assert await bench.find(asked, row.deployment_id) is None
    assert (await bench.client.read_service(APPLICATION, slow)).status == "done"


async def test_titles_are_kept_as_they_are_and_replaced_where_there_is_none(server: Server, bench: Bench) -> None:
    docker = server.application("docker")
    odd = 'ünï <b>"quoted"</b>\n 🚀 ' + "x" * 3000
    for method, title, shown in (
        (DeployMethod.DEPLOY, odd, odd),
        (DeployMethod.DEPLOY, "", "Manual deployment"),
        (DeployMethod.DEPLOY, None, "Manual deployment"),
        (DeployMethod.REDEPLOY, None, "Rebuild deployment"),
    ):
        before = {row.deployment_id for row in await bench.client.deployments_by_application(docker)}
        await bench.client.deploy(APPLICATION, docker, method=method, title=title)

        async def arrived(known: frozenset[str] = frozenset(before)) -> str | None:
            rows = await bench.client.deployments_by_application(docker)
            return next((row.title for row in rows if row.deployment_id not in known), None)

        assert await until("the row", arrived) == shown  # transcripts 151


async def test_about_eleven_rows_are_kept(server: Server, bench: Bench) -> None:
    # Twelve deployments in a row take a moment on any server (transcript 150).
    docker = server.application("docker")
    await bench.settle(APPLICATION, docker)
    last = [await bench.trigger(docker, settled=False) for _ in range(12)][-1]
    await bench.settle(APPLICATION, docker)
    rows = await bench.client.deployments_by_application(docker)
    assert len(rows) == 11
    assert rows[0].description == last.nonce
    assert [row.created_at for row in rows] == sorted((row.created_at for row in rows), reverse=True)


# --- refusals -----------------------------------------------------------------------------------------------


async def test_unknown_services_have_an_empty_history_since_v0_28_7(server: Server, client: DokployClient) -> None:
    if not server.is_from(LOOKS_UP_ROWS):
        # Transcript 625: 404, and with a text of its own, which tells a missing service from a missing endpoint.
        with pytest.raises(NotFound, match="Application not found"):
            await client.deployments_by_application(UNKNOWN)
        with pytest.raises(NotFound, match="Compose not found"):
            await client.deployments_by_compose(UNKNOWN)
        return
    # Transcripts 65, 69: for an owner; a member is refused.
    assert await client.deployments_by_application(UNKNOWN) == []
    assert await client.deployments_by_compose(UNKNOWN) == []


async def test_unknown_ids_are_not_found_everywhere_else(
    server: Server, client: DokployClient, raw: httpx.AsyncClient
) -> None:
    # Transcripts 62, 66-72, 84.
    expected: list[tuple[Callable[[], Awaitable[object]], type[ApiError]]] = [
        (lambda: client.read_service(APPLICATION, UNKNOWN), NotFound),
        (lambda: client.read_service(COMPOSE, UNKNOWN), NotFound),
        (lambda: client.deploy(APPLICATION, UNKNOWN), NotFound),
        (lambda: client.deploy(COMPOSE, UNKNOWN), NotFound),
        (lambda: client.kill_process(UNKNOWN), NotFound),
        (lambda: client.deployments_by_server(UNKNOWN), NotFound),
        (lambda: client.read_log(UNKNOWN), NotFound if server.is_from(READS_LOGS) else MissingEndpoint),
    ]
    if server.is_from(LOOKS_UP_ROWS):
        expected.append((lambda: client.remove_deployment(UNKNOWN), NotFound))
    for call, refusal in expected:
        with pytest.raises(refusal):
            await call()
    for answer in (await raw.get("deployment.nope"), await raw.post("deployment.all", json={})):
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


async def test_an_unknown_application_can_not_be_changed_and_has_no_queue(
    server: Server, client: DokployClient
) -> None:
    if not server.is_from(LOOKS_UP_ROWS):
        # The service is looked for first, also by what drops its jobs.
        with pytest.raises(NotFound):
            await client.update_service(APPLICATION, UNKNOWN, {"dockerImage": "image:1"})
        for kind in (APPLICATION, COMPOSE):
            with pytest.raises(NotFound):
                await client.drop_waiting_jobs(kind, UNKNOWN)
        return
    with pytest.raises(InvalidRequest, match="Error updating application"):
        await client.update_service(APPLICATION, UNKNOWN, {"dockerImage": "image:1"})
    # Dropping the jobs of nobody is no error.
    await client.drop_waiting_jobs(APPLICATION, UNKNOWN)
    await client.drop_waiting_jobs(COMPOSE, UNKNOWN)


async def test_registries_are_read_without_their_passwords(client: DokployClient, raw: httpx.AsyncClient) -> None:
    # A real server sends them in clear.
    sent = (await raw.get("registry.all")).json()
    passwords = [registry["password"] for registry in sent if registry.get("password")]
    registries = await client.registries()
    assert [registry.registry_id for registry in registries] == [registry["registryId"] for registry in sent]
    for registry in registries:
        shown = repr(registry) + registry.model_dump_json() + repr(vars(registry))
        assert not any(password in shown for password in passwords)


async def test_an_unknown_rollback_is_a_bad_request_that_says_nothing(client: DokployClient) -> None:
    # Transcript 73: every failure of a rollback has this one answer.
    with pytest.raises(InvalidRequest, match="Error input: Rolling back"):
        await client.rollback(UNKNOWN)


@pytest.mark.parametrize("key", ["", "wrong-key"])
async def test_without_the_right_key_there_is_one_bare_401(server: Server, key: str) -> None:
    # Transcripts 60, 61, 61b: no code in the body, also for paths that do not exist.
    headers = {"x-api-key": key} if key else {}
    async with httpx.AsyncClient(base_url=f"{server.endpoint}/api/", headers=headers, trust_env=False) as raw:
        for path in ("deployment.queueList", "no.such"):
            answer = await raw.get(path)
            assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})
    if key:
        async with DokployClient(Connection.parse(server.endpoint, key)) as client:
            with pytest.raises(Unauthorized):
                await client.queue()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "applicationId"),
        ({"applicationId": ""}, None),
        ({"applicationId": 7}, "applicationId"),
        ({"applicationId": UNKNOWN, "title": None}, "title"),
        ({"applicationId": UNKNOWN, "title": 7}, "title"),
    ],
)
async def test_a_malformed_request_names_the_field(
    raw: httpx.AsyncClient, body: dict[str, object], field: str | None
) -> None:
    # Transcripts 74-76, 80, 152.
    answer = await raw.post("application.deploy", json=body)
    if field is None:
        assert answer.status_code in (400, 404)
        return
    assert answer.status_code == 400
    assert (answer.json()["code"], answer.json()["message"]) == ("BAD_REQUEST", "Input validation failed")
    assert [issue["path"] for issue in answer.json()["issues"]] == [[field]]


async def test_a_body_that_is_not_json_is_told_apart(raw: httpx.AsyncClient) -> None:
    answer = await raw.post("application.deploy", content=b"{not json", headers={"content-type": "application/json"})
    assert (answer.status_code, answer.text) == (400, "Invalid JSON")  # transcript 77
    answer = await raw.post("application.deploy", data={"applicationId": "x"})
    assert (answer.status_code, answer.json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")  # transcript 78


async def test_a_log_of_no_lines_is_a_bad_request(server: Server, raw: httpx.AsyncClient) -> None:
    # Transcript 85; the client keeps within the limits by itself.
    answer = await raw.get("deployment.readLogs", params={"deploymentId": UNKNOWN, "tail": "0"})
    if not server.is_from(READS_LOGS):
        # Transcript 621: exactly these words, whatever is asked.
        assert (answer.status_code, answer.json()["message"]) == (404, "Not found")
        return
    assert (answer.status_code, answer.json()["issues"][0]["path"]) == (400, ["tail"])


async def test_a_trailing_slash_is_redirected_and_the_client_follows_on_the_same_server(
    raw: httpx.AsyncClient, server: Server
) -> None:
    # Transcript 110.
    answer = await raw.get("deployment.queueList/")
    assert answer.status_code == 308
    assert httpx.URL(answer.headers["location"]).path == "/api/deployment.queueList"


async def test_fields_and_headers_that_nobody_knows_are_ignored(server: Server, raw: httpx.AsyncClient) -> None:
    # Transcripts 112, 153: no pagination, and no idempotency either.
    docker = server.application("docker")
    answer = await raw.post(
        "application.deploy", json={"applicationId": docker, "nonsense": 1}, headers={"Idempotency-Key": "same"}
    )
    assert answer.status_code == 200
    rows = await raw.get("deployment.all", params={"applicationId": docker})
    limited = await raw.get("deployment.all", params={"applicationId": docker, "limit": "1", "page": "2"})
    assert len(limited.json()) >= len(rows.json())


async def test_the_instance_says_its_version(client: DokployClient) -> None:
    assert re.match(r"v\d+\.\d+\.\d+", await client.server_version())


# --- logs ---------------------------------------------------------------------------------------------------


async def test_the_log_s_end_can_be_read_at_any_length(server: Server, bench: Bench) -> None:
    row = await bench.finished(await bench.trigger(server.application("ok")))
    whole = (await _log_of(server, bench, row)).splitlines()
    assert len(whole) > 2
    if not server.is_from(READS_LOGS):
        # The stream knows no length: it starts with the first line.
        assert whole[0] == "Initializing deployment"
        return
    assert (await bench.client.read_log(row.deployment_id, tail=2)).splitlines() == whole[-2:]


async def _next(stream: LogStream, *, within: float) -> str | None:
    try:
        async with asyncio.timeout(within):
            return await anext(stream)
    except TimeoutError:
        return None


async def test_the_live_log_comes_from_the_start_and_grows_while_the_build_runs(server: Server, bench: Bench) -> None:
    # Takes a few seconds of the slow build: its lines have to be written while the stream is open (transcript 300).
    asked = await bench.trigger(server.application("slow"))
    row = await bench.row(asked)
    assert row.log_path
    text, chunks_while_running = "", 0
    async with open_log_stream(server.connection, row.log_path) as stream:
        async with asyncio.timeout(60):
            while "step 2" not in text:
                text += await anext(stream)
                chunks_while_running += 1
        seen = await bench.find(asked, row.deployment_id)
        # `readLogs` works meanwhile as well (transcript 49).
        read = await bench.client.read_log(row.deployment_id) if server.is_from(READS_LOGS) else text
    assert text.startswith("Initializing deployment\n")
    assert chunks_while_running > 1
    assert seen is not None
    assert seen.status is DeploymentStatus.RUNNING
    assert "Initializing deployment" in read


async def test_the_live_log_of_a_finished_run_is_whole_and_stays_open(server: Server, bench: Bench) -> None:
    row = await bench.finished(await bench.trigger(server.application("docker")))
    assert row.log_path
    expected = await _log_of(server, bench, row)
    text = ""
    async with open_log_stream(server.connection, row.log_path) as stream:
        while len(text.strip()) < len(expected.strip()):
            chunk = await _next(stream, within=10)
            assert chunk is not None, f"{text!r} in place of {expected!r}"
            text += chunk
        # Transcript 311: whoever waits for an end waits in vain.
        assert await _next(stream, within=0.3) is None
    assert text.strip() == expected.strip()


async def test_the_live_log_says_no_in_its_own_ways(server: Server, bench: Bench) -> None:
    # Transcripts 306-310.
    row = await bench.finished(await bench.trigger(server.application("docker")))
    assert row.log_path
    stranger = Connection.parse(server.endpoint, "wrong-key")
    for connection, path, failure in (
        (stranger, row.log_path, LogStreamFailure.KEY_REFUSED),
        (server.connection, "/etc/passwd", LogStreamFailure.PATH_REFUSED),
        (server.connection, "", LogStreamFailure.PATH_REFUSED),
        (server.connection, f"{row.log_path}.nope", LogStreamFailure.LOG_MISSING),
    ):
        with pytest.raises(LogStreamUnavailable) as caught:
            async with open_log_stream(connection, path) as stream:
                await anext(stream)
        assert caught.value.failure is failure


# --- what really runs ---------------------------------------------------------------------------------------


async def test_tasks_lead_to_the_service(server: Server, bench: Bench) -> None:
    docker = server.application("docker")
    row = await bench.finished(await bench.trigger(docker))
    name = await bench.app_name(docker)

    async def newest_runs() -> list[ServiceTask] | None:
        tasks = await bench.client.tasks_of(name)
        return tasks if tasks and tasks[0].phase == "running" else None

    tasks = await until("a running task", newest_runs)
    assert tasks[0].desired_state == "running"
    assert tasks[0].name == f"{name}.1"
    assert tasks[0].error == ""
    task = await bench.client.inspect_task(tasks[0].task_id)
    assert task is not None
    assert (task.state, task.task_id) == ("running", tasks[0].task_id)
    assert row.started_at is not None
    assert task.created_at >= row.started_at, "every deployment makes new tasks"
    service = await bench.client.inspect_service(task.service_id)
    assert service is not None
    assert service.service_id == task.service_id
    assert service.image == task.image
    assert (service.replicas, service.is_job) == (1, False)
    assert service.version > 0


async def test_a_service_s_name_leads_to_an_image_where_one_was_built(
    server: Server, bench: Bench, raw: httpx.AsyncClient
) -> None:
    # Transcript 301: why services are only ever inspected by their id.
    for role, field in (("ok", "RepoTags"), ("docker", "Spec")):
        service_id = server.application(role)
        await bench.finished(await bench.trigger(service_id))
        answer = await raw.get("docker.getConfig", params={"containerId": await bench.app_name(service_id)})
        assert field in answer.json()


async def test_what_does_not_run_is_an_empty_answer(client: DokployClient) -> None:
    # Transcripts 304, 305: neither is an error.
    assert await client.tasks_of("no-such-service") == []
    assert await client.inspect_task("nosuchtask") is None
    assert await client.inspect_service("nosuchservice") is None


async def test_a_second_deployment_leaves_a_completed_update(server: Server, bench: Bench) -> None:
    # Takes the monitor window of an update, about five seconds (transcript 315).
    docker = server.application("docker")
    await bench.finished(await bench.trigger(docker))
    before = await bench.running_service(docker)
    row = await bench.finished(await bench.trigger(docker))

    async def completed() -> ServiceInspection | None:
        service = await bench.running_service(docker)
        assert service.update is not None
        if service.version == before.version or service.update.state is UpdateState.UPDATING:
            return None
        return service

    service = await until("the end of the update", completed)
    assert service.update is not None
    assert service.update.state is UpdateState.COMPLETED
    assert service.update.started_at is not None
    assert row.started_at is not None
    assert service.update.started_at >= row.started_at
    assert service.update.completed_at is not None


async def test_a_crash_on_start_is_done_for_dokploy_and_only_swarm_knows(server: Server, bench: Bench) -> None:
    # Takes as long as Swarm needs to give the new version up, some seconds (transcripts 317, 321, 325).
    crash = server.application("crash")
    asked = await bench.trigger(crash)
    row = await bench.finished(asked)
    assert row.status is DeploymentStatus.DONE
    name = await bench.app_name(crash)

    async def given_up() -> bool | None:
        failed = [task for task in await bench.client.tasks_of(name) if task.phase in ("failed", "rejected")]
        service = await bench.running_service(crash)
        if not failed:
            return None
        assert all(task.error for task in failed)
        # Without an earlier version there is nothing to go back to, and Swarm tries for ever.
        if service.previous_image is None:
            return True
        return True if service.update is not None and service.update.state.is_rollback else None

    await until("Swarm's verdict", given_up)
    later = await bench.find(asked, row.deployment_id)
    assert later is not None
    assert later.status is DeploymentStatus.DONE
    assert (await bench.client.read_service(APPLICATION, crash)).status == "done"


async def test_a_rollback_changes_what_runs_and_nothing_else_until_the_next_deployment(
    server: Server, bench: Bench
) -> None:
    # Three builds in a row, each pushed to a registry (transcripts 331-339).
    ok = server.application("ok")
    first = await bench.finished(await bench.trigger(ok))
    await bench.finished(await bench.trigger(ok))
    await bench.settle(APPLICATION, ok)
    name = await bench.app_name(ok)
    assert (await bench.running_service(ok)).image == f"{name}:latest"
    rows = {row.deployment_id: row for row in await bench.client.deployments_by_type("application", ok)}
    rollback = rows[first.deployment_id].rollback
    assert rollback is not None
    assert rows[first.deployment_id].rollback_id == rollback.rollback_id
    before = await bench.client.deployments_by_application(ok)

    await bench.client.rollback(rollback.rollback_id)

    pinned = await bench.running_service(ok)
    assert pinned.image.endswith(f"/{name}:v{rollback.version}")
    assert pinned.previous_image == f"{name}:latest"
    assert await bench.client.deployments_by_application(ok) == before, "a rollback leaves no row"

    await bench.finished(await bench.trigger(ok))
    assert (await bench.running_service(ok)).image == f"{name}:latest", "the next deployment undoes it"
