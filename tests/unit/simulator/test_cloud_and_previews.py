"""Dokploy Cloud's jobs, rows that wait, and previews of pull requests, as Dokploy's source describes them."""

from typing import Any

import httpx
import pytest

from pulumi_dokploy_deployments.simulator import LogClosed, Simulator
from tests.support.simulator_recordings import Time, simulator


def cloud(**options: Any) -> tuple[Simulator, Time]:
    """Return Dokploy Cloud."""
    return simulator(cloud=True, build_seconds=1.0, slow_seconds=20.0, **options)


async def jobs(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Return the listed jobs."""
    found: list[dict[str, Any]] = (await client.get("/api/deployment.queueList")).json()
    return found


async def deploy(client: httpx.AsyncClient, target: Simulator, name: str, **more: Any) -> httpx.Response:
    """Send one deploy call."""
    body = {"applicationId": target.ready["applications"][name], **more}
    return await client.post("/api/application.deploy", json=body)


def advance(target: Simulator, clock: Time, seconds: float) -> None:
    """Let time pass."""
    clock.now += seconds
    target.world.advance(clock.now)


async def test_finished_jobs_of_the_cloud_stay_listed_and_waiting_ones_are_pending() -> None:
    target, clock = cloud()
    async with target.client() as client:
        answer = await deploy(client, target, "ok", title="good")
        assert (answer.status_code, answer.json()) == (200, True)
        advance(target, clock, 5.0)
        await deploy(client, target, "broken", title="bad")
        advance(target, clock, 5.0)
        await deploy(client, target, "slow", title="runs")
        await deploy(client, target, "git", title="waits")
        advance(target, clock, 0.5)
        listed = await jobs(client)
    by_title = {job["data"]["titleLog"]: job for job in listed}
    states = {title: job["state"] for title, job in by_title.items()}
    assert states == {"good": "completed", "bad": "failed", "runs": "active", "waits": "pending"}
    assert [("finishedOn" in job, "failedReason" in job) for job in by_title.values()].count((True, True)) == 1
    assert by_title["bad"]["failedReason"]
    assert all(job["processedOn"] == job["timestamp"] for job in listed), "also of the one that waits"
    assert {job["name"] for job in listed} == {"deployment/requested"}
    assert {job["data"]["serverId"] for job in listed} == {target.ready["servers"]["remote"]}


async def test_a_job_of_the_cloud_changes_its_id_when_it_starts() -> None:
    target, clock = cloud()
    async with target.client() as client:
        await deploy(client, target, "slow")
        await deploy(client, target, "ok")
        advance(target, clock, 1.0)
        pending = next(job for job in await jobs(client) if job["state"] == "pending")
        advance(target, clock, 30.0)
        assert pending["id"] not in {job["id"] for job in await jobs(client)}
        assert [job["state"] for job in await jobs(client)] == ["completed", "completed"]


async def test_cancelling_in_the_cloud_calls_the_row_done_while_the_build_goes_on() -> None:
    target, clock = cloud()
    async with target.client() as client:
        await deploy(client, target, "slow")
        advance(target, clock, 3.0)
        body = {"applicationId": target.ready["applications"]["slow"]}
        answer = await client.post("/api/application.cancelDeployment", json=body)
        assert answer.json() == {"success": True, "message": "Deployment cancellation requested"}
        assert [job["state"] for job in await jobs(client)] == ["cancelled"]
        rows = target.world.rows_of(target.world.by_name("application:slow"))
        assert rows[0]["status"] == "done"
        finished = rows[0]["finishedAt"]
        advance(target, clock, 30.0)
        assert target.world.rows_of(target.world.by_name("application:slow"))[0]["finishedAt"] > finished


@pytest.mark.parametrize("kind", ["application", "compose"])
async def test_only_the_cloud_cancels(kind: str) -> None:
    target, _ = simulator()
    body = {f"{kind}Id": target.ready[f"{kind}s"]["ok"]}
    async with target.client() as client:
        answer = await client.post(f"/api/{kind}.cancelDeployment", json=body)
    assert (answer.status_code, answer.json()["message"]) == (
        400,
        "Deployment cancellation only available in cloud version",
    )


async def test_the_cloud_has_no_queue_to_clean_and_no_host_of_its_own() -> None:
    target, clock = cloud()
    async with target.client() as client:
        await deploy(client, target, "slow")
        await deploy(client, target, "ok")
        advance(target, clock, 0.5)
        await client.post("/api/application.cleanQueues", json={"applicationId": target.ready["applications"]["ok"]})
        assert sorted(job["state"] for job in await jobs(client)) == ["active", "pending"]
        body = {"name": "new", "environmentId": target.ready["environment_id"]}
        refused = await client.post("/api/application.create", json=body)
        assert (refused.status_code, refused.json()["message"]) == (
            401,
            "You need to use a server to create an application",
        )
        compose = {"composeId": target.ready["composes"]["ok"]}
        assert (await client.post("/api/compose.deploy", json=compose)).json() is True


async def test_the_clouds_runner_outlives_a_restart_of_the_dashboard() -> None:
    target, clock = cloud()
    async with target.client() as client:
        await deploy(client, target, "slow")
        advance(target, clock, 3.0)
        target.world.restart(5.0)
        advance(target, clock, 6.0)
        assert [job["state"] for job in await jobs(client)] == ["active"]
        advance(target, clock, 30.0)
        assert [job["state"] for job in await jobs(client)] == ["completed"]
    assert [row["status"] for row in target.world.rows_of(target.world.by_name("application:slow"))] == ["done"]


async def test_the_clouds_live_log_needs_the_server() -> None:
    target, clock = cloud()
    async with target.client() as client:
        await deploy(client, target, "ok")
    advance(target, clock, 5.0)
    path = target.world.history.rows[-1].fields["logPath"]
    log = target.connect_log(path)
    assert log.receive() == "This feature is not available in the cloud version."
    with pytest.raises(LogClosed):
        log.receive()
    followed = target.connect_log(path, server_id=target.ready["servers"]["remote"])
    assert str(followed.receive()).startswith("Initializing deployment")


async def test_at_most_fifty_jobs_of_a_server_are_listed() -> None:
    target, clock = cloud()
    async with target.client() as client:
        for _ in range(55):
            await deploy(client, target, "docker")
            advance(target, clock, 1.0)
        assert len(await jobs(client)) == 50


async def waiting_rows(target: Simulator, clock: Time, client: httpx.AsyncClient) -> None:
    """Let the server write rows while jobs wait, and one wait."""
    assert (await client.post("/_simulator/settings", json={"queued_rows": True})).status_code == 200
    await deploy(client, target, "slow", title="first")
    await deploy(client, target, "git", title="mine", description="run:1")
    advance(target, clock, 0.5)


def row_of(target: Simulator, name: str) -> dict[str, Any]:
    """Return the newest row."""
    return target.world.rows_of(target.world.by_name(f"application:{name}"))[0]


async def test_a_newer_server_can_show_a_queued_row_that_becomes_the_deployments() -> None:
    target, clock = simulator(build_seconds=1.0, slow_seconds=20.0)
    async with target.client() as client:
        await waiting_rows(target, clock, client)
        queued = dict(row_of(target, "git"))
        assert (queued["status"], queued["title"], queued["startedAt"]) == ("queued", "mine", None)
        assert row_of(target, "slow")["status"] == "running"
        advance(target, clock, 20.5)
        running = dict(row_of(target, "git"))
        assert (running["status"], running["deploymentId"]) == ("running", queued["deploymentId"])
        assert running["startedAt"] > running["createdAt"]
        assert running["logPath"]
        advance(target, clock, 5.0)
        assert row_of(target, "git")["status"] == "done"
    assert len(target.world.rows_of(target.world.by_name("application:git"))) == 1


@pytest.mark.parametrize("how", ["clean", "restart"])
async def test_a_queued_row_whose_job_is_gone_is_cancelled(how: str) -> None:
    target, clock = simulator(build_seconds=1.0, slow_seconds=20.0)
    async with target.client() as client:
        await waiting_rows(target, clock, client)
        if how == "clean":
            await client.post(
                "/api/application.cleanQueues", json={"applicationId": row_of(target, "git")["applicationId"]}
            )
        else:
            target.world.restart(1.0)
        advance(target, clock, 2.0)
    assert row_of(target, "git")["status"] == "cancelled"


async def test_a_queued_row_outlives_a_restart_where_its_job_does() -> None:
    target, clock = simulator(build_seconds=1.0, slow_seconds=20.0, server_version="v0.29.8")
    async with target.client() as client:
        await waiting_rows(target, clock, client)
        target.world.restart(1.0)
        advance(target, clock, 10.0)
    assert [row_of(target, name)["status"] for name in ("slow", "git")] == ["cancelled", "done"]


async def test_a_preview_of_a_pull_request_is_a_job_of_the_application_with_rows_of_its_own() -> None:
    target, clock = simulator(build_seconds=5.0)
    async with target.client() as client:
        await client.post("/_simulator/preview", json={"service": "application:ok", "description": "Hash: 1"})
        await deploy(client, target, "ok", title="mine")
        advance(target, clock, 1.0)
        waiting, preview = await jobs(client)
        assert (waiting["state"], preview["state"]) == ("waiting", "active")
        assert preview["data"] == {
            "applicationId": target.ready["applications"]["ok"],
            "titleLog": "Preview Deployment",
            "descriptionLog": "Hash: 1",
            "type": "deploy",
            "applicationType": "application-preview",
            "server": False,
            "previewDeploymentId": preview["data"]["previewDeploymentId"],
        }
        assert preview["servicePath"]["label"] == "Application"
        query = {"applicationId": target.ready["applications"]["ok"]}
        assert (await client.get("/api/deployment.all", params=query)).json() == []
        of_preview = {"id": preview["data"]["previewDeploymentId"], "type": "previewDeployment"}
        (row,) = (await client.get("/api/deployment.allByType", params=of_preview)).json()
        assert (row["status"], row["applicationId"], row["title"]) == ("running", None, "Preview Deployment")
        advance(target, clock, 20.0)
        rows = (await client.get("/api/deployment.all", params=query)).json()
        assert [row["status"] for row in rows] == ["done"]
        assert await jobs(client) == []


async def test_only_applications_have_previews() -> None:
    target, _ = simulator()
    async with target.client() as client:
        answer = await client.post("/_simulator/preview", json={"service": "compose:ok"})
    assert (answer.status_code, answer.json()["message"]) == (400, "ValueError: compose:ok is no application")
