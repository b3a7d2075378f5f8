"""Databases, remote servers, permissions and containers answer as Dokploy's source says."""

from typing import Any

import httpx
import pytest

from pulumi_dokploy_deployments.simulator import Simulator
from tests.support.simulator_recordings import Time, load, simulator


async def get(client: httpx.AsyncClient, endpoint: str, **query: Any) -> Any:
    """Return the JSON of a query, or its text."""
    answer = await client.get(f"/api/{endpoint}", params=query)
    return answer.json() if answer.content else answer.text


def pass_time(target: Simulator, seconds: float) -> None:
    """Move the virtual clock."""
    assert isinstance(target.clock, Time)
    target.clock.now += seconds


@pytest.mark.parametrize("kind", ["postgres", "mysql", "mariadb", "mongo", "redis", "libsql"])
async def test_database_deploys_within_the_request_and_shows_the_row_before(kind: str) -> None:
    target, _ = simulator()
    given = {f"{kind}Id": target.ready["databases"][kind]}
    async with target.client() as client:
        answer = await client.post(f"/api/{kind}.deploy", json=given)
        assert answer.json()["applicationStatus"] == "idle"
        after = await get(client, f"{kind}.one", **given)
        assert after["applicationStatus"] == "done"
        pass_time(target, 2)
        tasks = await get(client, "docker.getServiceContainersByAppName", appName=after["appName"])
    assert [task["currentState"] for task in tasks] == ["Running 1 second ago"]
    assert all(row.fields["applicationId"] for row in target.world.history.rows)


async def test_failing_database_answers_500_and_keeps_the_status_error() -> None:
    target, _ = simulator()
    target.world.set_image("redis:8", missing=True)
    given = {"redisId": target.ready["databases"]["redis"]}
    async with target.client() as client:
        answer = await client.post("/api/redis.deploy", json=given)
        assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_SERVER_ERROR")
        assert (await get(client, "redis.one", **given))["applicationStatus"] == "error"


async def test_application_on_a_remote_server_is_seen_only_through_that_server() -> None:
    target, _ = simulator(build_seconds=0.2)
    app = target.ready["applications"]["remote"]
    name, server = target.ready["app_names"]["applications"]["remote"], target.ready["servers"]["remote"]
    async with target.client() as client:
        await client.post("/api/application.deploy", json={"applicationId": app})
        pass_time(target, 0.05)
        (job,) = await get(client, "deployment.queueList")
        assert (job["data"]["server"], job["data"]["serverId"]) == (True, server)
        pass_time(target, 3)
        endpoint = "docker.getServiceContainersByAppName"
        assert await get(client, endpoint, appName=name) == []
        assert len(await get(client, endpoint, appName=name, serverId=server)) == 1
        unknown = await client.get(f"/api/{endpoint}", params={"appName": name, "serverId": "nope"})
        assert (unknown.status_code, unknown.json()["message"]) == (404, "Server not found")
        assert await get(client, "deployment.allByServer", serverId=server) == []


async def test_remote_server_builds_while_the_own_host_is_busy() -> None:
    target, _ = simulator(build_seconds=0.2)
    async with target.client() as client:
        for name in ("slow", "remote"):
            body = {"applicationId": target.ready["applications"][name]}
            await client.post("/api/application.deploy", json=body)
        pass_time(target, 0.1)
        states = [job["state"] for job in await get(client, "deployment.queueList")]
    assert states == ["active", "active"]


async def test_member_without_docker_permission_sees_rows_but_no_tasks() -> None:
    target, _ = simulator()
    name = target.ready["app_names"]["applications"]["crash"]
    async with target.client("no_docker") as client:
        rows = await get(client, "deployment.all", applicationId=target.ready["applications"]["crash"])
        answer = await client.get("/api/docker.getServiceContainersByAppName", params={"appName": name})
    assert len(rows) == 1
    assert answer.status_code == 401
    assert answer.json()["message"] == 'unauthorized to access resource "docker"'
    assert answer.json()["data"]["path"] == "docker.getServiceContainersByAppName"


async def test_name_of_a_built_application_inspects_its_image_and_of_a_docker_one_its_service() -> None:
    target, _ = simulator(build_seconds=0.1)
    names = target.ready["app_names"]["applications"]
    async with target.client() as client:
        for name in ("git", "docker"):
            body = {"applicationId": target.ready["applications"][name]}
            await client.post("/api/application.deploy", json=body)
            pass_time(target, 2)
        built = await get(client, "docker.getConfig", containerId=names["git"])
        pulled = await get(client, "docker.getConfig", containerId=names["docker"])
        unknown = await get(client, "docker.getConfig", containerId="nobody")
    assert built["RepoTags"] == [f"{names['git']}:latest"]
    image = pulled["Spec"]["TaskTemplate"]["ContainerSpec"]
    assert image["Image"] == "127.0.0.1:5055/reg/docker:2"
    assert "SECRET_TOKEN=simulated-environment-secret" in image["Env"]
    assert "UpdateStatus" not in pulled
    assert unknown == ""


async def test_inspected_image_task_and_tasks_have_the_recorded_keys() -> None:
    target, _ = simulator(build_seconds=0.1)
    name = target.ready["app_names"]["applications"]["git"]
    async with target.client() as client:
        body = {"applicationId": target.ready["applications"]["git"]}
        await client.post("/api/application.deploy", json=body)
        pass_time(target, 3)
        image = await get(client, "docker.getConfig", containerId=name)
        tasks = await get(client, "docker.getServiceContainersByAppName", appName=name)
        task = await get(client, "docker.getConfig", containerId=tasks[0]["containerId"])
        service = await get(client, "docker.getConfig", containerId=task["ServiceID"])
    assert image.keys() == load("301-getConfig-service")["response"][1].keys()
    recorded_tasks = load("302-getServiceContainersByAppName")["response"][1]
    assert [t | {"containerId": "", "name": ""} for t in tasks] == [
        t | {"containerId": "", "name": ""} for t in recorded_tasks
    ]
    recorded = load("303-getConfig-task")["response"][1]
    assert task.keys() == recorded.keys()
    assert task["Status"].keys() == recorded["Status"].keys()
    assert task["Status"]["ContainerStatus"].keys() == recorded["Status"]["ContainerStatus"].keys()
    assert set(recorded["Spec"]) <= set(task["Spec"])
    assert service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] == recorded["Spec"]["ContainerSpec"][
        "Image"
    ].replace("slow-ig270k", name)


async def test_compose_lists_its_containers_and_a_stack_its_tasks() -> None:
    target, _ = simulator(build_seconds=0.1)
    names = target.ready["app_names"]["composes"]
    async with target.client() as client:
        for name in ("ok", "stack"):
            await client.post("/api/compose.deploy", json={"composeId": target.ready["composes"][name]})
        pass_time(target, 3)
        endpoint = "docker.getContainersByAppNameMatch"
        (container,) = await get(client, endpoint, appName=names["ok"], appType="docker-compose")
        (task,) = await get(client, endpoint, appName=names["stack"], appType="stack")
        (listed,) = await get(client, "docker.getStackContainersByAppName", appName=names["stack"])
    assert (container["state"], container["status"][:3], len(container["containerId"])) == ("running", "Up ", 12)
    assert task["state"] == "running"
    assert listed["name"] == f"{names['stack']}_web.1"


async def test_stopped_application_has_no_task_and_starts_again_with_one() -> None:
    target, _ = simulator()
    given = {"applicationId": target.ready["applications"]["crash"]}
    name = target.ready["app_names"]["applications"]["crash"]
    async with target.client() as client:
        stopped = (await client.post("/api/application.stop", json=given)).json()
        assert stopped["applicationStatus"] == "done"
        pass_time(target, 11)
        assert await get(client, "docker.getServiceContainersByAppName", appName=name) == []
        assert (await get(client, "application.one", **given))["applicationStatus"] == "idle"
        await client.post("/api/application.start", json=given)
        pass_time(target, 2)
        assert len(await get(client, "docker.getServiceContainersByAppName", appName=name)) == 1


async def test_crashing_version_is_replaced_by_the_older_one_although_its_row_says_done() -> None:
    target, _ = simulator(build_seconds=0.2)
    given = {"applicationId": target.ready["applications"]["crash"]}
    async with target.client() as client:
        await client.post("/api/application.deploy", json=given)
        pass_time(target, 10)
        assert (await get(client, "deployment.all", **given))[0]["status"] == "done"
    name = target.ready["app_names"]["applications"]["crash"]
    assert list(target.world.running_images(name)) == ["127.0.0.1:5055/reg/crash:1"]


async def test_webhook_of_a_git_source_wants_its_branch() -> None:
    target, _ = simulator()
    token = target.ready["refresh_tokens"]["git"]
    commit = {"ref": "refs/heads/main", "head_commit": {"id": "abc", "message": "pushed"}}
    async with target.client() as client:
        refused = await client.post(f"/api/deploy/{token}", json={})
        accepted = await client.post(f"/api/deploy/{token}", json=commit)
        (job,) = await get(client, "deployment.queueList")
    assert (refused.status_code, accepted.status_code) == (301, 200)
    assert (job["data"]["titleLog"], job["data"]["descriptionLog"]) == ("pushed", "Hash: abc")


def test_same_seed_gives_the_same_ids() -> None:
    assert simulator(seed=7)[0].ready == simulator(seed=7)[0].ready
    assert simulator(seed=7)[0].ready != simulator(seed=8)[0].ready
