"""Everything that can go wrong can be switched on, counted, and proven afterwards."""

from typing import Any

import httpx
import pytest

from pulumi_dokploy_deployments.simulator import Simulator
from tests.support.simulator_recordings import Time, simulator


@pytest.fixture
def target() -> Simulator:
    """Return a populated simulator in virtual time."""
    return simulator(build_seconds=0.5)[0]


def clock_of(target: Simulator) -> Time:
    """Return the simulator's virtual clock."""
    assert isinstance(target.clock, Time)
    return target.clock


async def deploy(client: httpx.AsyncClient, target: Simulator, name: str = "ok") -> httpx.Response:
    """Send one deploy call."""
    body = {"applicationId": target.ready["applications"][name], "title": "t"}
    return await client.post("/api/application.deploy", json=body)


async def control(target: Simulator, verb: str, **arguments: Any) -> Any:
    """Use the control interface as another process would."""
    async with target.client() as client:
        answer = await client.post(f"/_simulator/{verb}", json=arguments)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]


async def state(target: Simulator) -> Any:
    """Return the control interface's view."""
    async with target.client() as client:
        return (await client.get("/_simulator/state")).json()


async def test_lost_answer_means_carried_out_once_and_not_known(target: Simulator) -> None:
    await control(target, "fault", kind="lose_answer", endpoint="application.deploy")
    async with target.client() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await deploy(client, target)
    seen = await state(target)
    assert len(seen["queue"]) == 1
    assert seen["counters"] == {"/api/application.deploy": 1}
    assert [(call["fault"], call["carried_out"]) for call in seen["requests"]] == [("lose_answer", True)]


@pytest.mark.parametrize(("kind", "error"), [("refuse", httpx.ConnectError), ("drop_request", httpx.ReadError)])
async def test_request_broken_before_the_work_changes_nothing(
    target: Simulator, kind: str, error: type[httpx.TransportError]
) -> None:
    await control(target, "fault", kind=kind, endpoint="application.*", count=2)
    async with target.client() as client:
        for _ in range(2):
            with pytest.raises(error):
                await deploy(client, target)
        assert (await deploy(client, target)).status_code == 200
    seen = await state(target)
    assert len(seen["queue"]) == 1
    assert [call["carried_out"] for call in seen["requests"]] == [False, False, True]


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_proxy_errors_come_as_html_for_a_number_of_requests(target: Simulator, status: int) -> None:
    target.faults.add("http_error", "deployment.*", 1, after=1, status=status)
    async with target.client() as client:
        statuses = [(await client.get("/api/deployment.queueList")).status_code for _ in range(3)]
    assert statuses == [200, status, 200]


async def test_outage_of_the_database_looks_like_a_wrong_key_but_not_to_the_health_check(
    target: Simulator,
) -> None:
    await control(target, "database_down")
    async with target.client() as client:
        answer = await client.get("/api/deployment.queueList")
        assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})
        assert (await client.get("/api/health")).json() == {"ok": True}
        await control(target, "database_up")
        assert (await client.get("/api/deployment.queueList")).status_code == 200


async def test_limited_key_is_answered_five_times_a_day(target: Simulator) -> None:
    async with target.client("rate_limited") as client:
        statuses = [(await client.get("/api/deployment.queueList")).status_code for _ in range(7)]
        clock_of(target).now += 86_401
        statuses.append((await client.get("/api/deployment.queueList")).status_code)
    assert statuses == [200] * 5 + [401, 401, 200]


async def test_slow_answers_take_virtual_time(target: Simulator) -> None:
    target.faults.add("slow", "deployment.queueList", seconds=30)
    before = clock_of(target).now
    async with target.client() as client:
        await client.get("/api/deployment.queueList")
    assert clock_of(target).now == before + 30


async def test_redirects_and_login_pages_can_stand_in_the_way(target: Simulator) -> None:
    target.faults.add("redirect", location="https://elsewhere.example/api")
    target.faults.add("garbage")
    async with target.client() as client:
        moved = await client.get("/api/deployment.queueList")
        page = await client.get("/api/deployment.queueList")
    assert moved.headers["location"] == "https://elsewhere.example/api"
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html")


async def test_newer_server_sends_unknown_fields_and_statuses(target: Simulator) -> None:
    await control(target, "settings", newer_server=True, unknown_status="preparing")
    async with target.client() as client:
        await deploy(client, target)
        clock_of(target).now += 0.1
        query = {"applicationId": target.ready["applications"]["ok"]}
        row = (await client.get("/api/deployment.all", params=query)).json()[0]
    assert row["status"] == "preparing"
    assert "provenance" in row


async def test_lost_queue_leaves_a_row_running_for_ever_until_a_restart(target: Simulator) -> None:
    async with target.client() as client:
        await deploy(client, target)
        clock_of(target).now += 0.1
        await control(target, "lose_queue")
        clock_of(target).now += 3600
        query = {"applicationId": target.ready["applications"]["ok"]}
        assert (await client.get("/api/deployment.queueList")).json() == []
        assert (await client.get("/api/deployment.all", params=query)).json()[0]["status"] == "running"
        await control(target, "restart", down_seconds=1.0, stale_seconds=0.5)
        with pytest.raises(httpx.ConnectError):
            await client.get("/api/deployment.queueList")
        clock_of(target).now += 1.1
        assert (await client.get("/api/deployment.all", params=query)).json()[0]["status"] == "running"
        clock_of(target).now += 0.5
        assert (await client.get("/api/deployment.all", params=query)).json()[0]["status"] == "cancelled"


async def test_pushed_commits_are_built_by_deploy_and_not_by_redeploy(target: Simulator) -> None:
    service = target.ready["applications"]["git"]
    async with target.client() as client:
        await deploy(client, target, "git")
        clock_of(target).now += 2
        commit = await control(target, "push_commit", service="git", message="feat: second")
        await client.post("/api/application.redeploy", json={"applicationId": service})
        clock_of(target).now += 2
        running = (await state(target))["services"][target.ready["app_names"]["applications"]["git"]]
        assert running["content"]["commit"] != commit["sha"]
        await deploy(client, target, "git")
        clock_of(target).now += 2
        running = (await state(target))["services"][target.ready["app_names"]["applications"]["git"]]
    assert running["content"]["commit"] == commit["sha"]


async def test_unknown_branch_fails_to_clone_and_keeps_the_title(target: Simulator) -> None:
    service = target.ready["applications"]["git"]
    async with target.client() as client:
        change = {"applicationId": service, "customGitBranch": "nowhere"}
        await client.post("/api/application.update", json=change)
        await deploy(client, target, "git")
        clock_of(target).now += 2
        row = (await client.get("/api/deployment.all", params={"applicationId": service})).json()[0]
        log = (await client.get("/api/deployment.readLogs", params={"deploymentId": row["deploymentId"]})).json()
    assert (row["status"], row["title"]) == ("error", "t")
    assert "Remote branch nowhere not found" in log


async def test_behaviours_and_images_can_be_changed_from_outside(target: Simulator) -> None:
    await control(target, "set_behaviour", service="compose:ok", build="fails", build_seconds=0.1)
    await control(target, "set_image", image="127.0.0.1:5055/reg/docker:2", missing=True)
    compose, docker = target.ready["composes"]["ok"], target.ready["applications"]["docker"]
    async with target.client() as client:
        await client.post("/api/compose.deploy", json={"composeId": compose})
        await client.post("/api/application.deploy", json={"applicationId": docker})
        clock_of(target).now += 2
        rows = (await client.get("/api/deployment.allCentralized")).json()[:2]
    assert {row["status"] for row in rows} == {"error"}


async def test_mistakes_in_control_calls_are_told(target: Simulator) -> None:
    async with target.client() as client:
        unknown = await client.post("/_simulator/explode")
        wrong = await client.post("/_simulator/fault", json={"kind": "earthquake"})
        missing = await client.post("/_simulator/push_commit", json={"service": "nobody", "message": "m"})
        silly = await client.post("/_simulator/set_behaviour", json={"service": "ok", "runtime": "tired"})
    assert (silly.status_code, "tired" in silly.json()["message"]) == (400, True)
    assert unknown.status_code == 404
    assert "restart" in unknown.json()["verbs"]
    assert (wrong.status_code, missing.status_code) == (400, 400)
    assert "earthquake" in wrong.json()["message"]


async def test_control_calls_are_not_counted_and_the_record_can_be_cleared(target: Simulator) -> None:
    async with target.client() as client:
        await client.get("/api/deployment.queueList")
    await control(target, "clear_requests")
    assert (await state(target))["requests"] == []


async def test_state_remembers_what_each_row_was_asked_for_after_its_title_is_overwritten(
    target: Simulator,
) -> None:
    async with target.client() as client:
        await deploy(client, target, "git")
    clock_of(target).now += 2
    seen = await state(target)
    row = seen["rows"][-1]
    assert row["title"] == "feat: first commit"
    assert seen["asked"][row["deploymentId"]] == {"title": "t", "description": ""}
