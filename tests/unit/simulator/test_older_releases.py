"""The simulator plays older releases as they were recorded, and lacks what they lack."""

from typing import Any

import httpx
import pytest

from pulumi_dokploy_deployments.simulator import LogClosed, Simulator
from pulumi_dokploy_deployments.simulator.world import World, factory
from pulumi_dokploy_deployments.simulator.world.services import Commit
from pulumi_dokploy_deployments.simulator.world.versions import ENDPOINTS, PROFILES, SINCE, Version, offers
from tests.support.simulator_recordings import (
    START,
    TRANSCRIPTS,
    Time,
    application,
    load,
    occurs_in_order,
    run,
    simulator,
)

RECORDED = {path.name[:3]: f"v0.28.3/{path.stem}" for path in sorted((TRANSCRIPTS / "v0.28.3").glob("*.json"))}


def playing(version: str, **options: Any) -> tuple[Simulator, Time]:
    """Return a populated simulator of one release."""
    return simulator(server_version=version, build_seconds=0.5, **options)


def advance(target: Simulator, clock: Time, seconds: float) -> None:
    """Let time pass."""
    clock.now += seconds
    target.world.advance(clock.now)


async def post(client: httpx.AsyncClient, endpoint: str, **body: Any) -> httpx.Response:
    """Send a mutation."""
    return await client.post(f"/api/{endpoint}", json=body)


async def get(client: httpx.AsyncClient, endpoint: str, **query: Any) -> httpx.Response:
    """Send a query."""
    return await client.get(f"/api/{endpoint}", params=query)


@pytest.mark.parametrize("number", ["621", "622", "625", "628", "629"])
async def test_v0_28_3_answers_as_recorded(number: str) -> None:
    recording = load(RECORDED[number])
    request, recorded = recording["request"], recording["response"]
    target, _ = playing("v0.28.3")
    async with target.client() as client:
        answer = await client.get(request["path"], params=request["query"])
    assert (answer.status_code, answer.headers["content-type"]) == (recorded["status"], recorded["content-type"])
    assert answer.json() == recorded["body"]


async def test_v0_28_3_lists_rows_jobs_versions_and_tasks_in_the_recorded_shape() -> None:
    target, clock = playing("v0.28.3", slow_seconds=20.0)
    ok, slow = (target.ready["applications"][name] for name in ("ok", "slow"))
    async with target.client() as client:
        await post(client, "application.deploy", applicationId=ok, title="first")
        advance(target, clock, 30.0)
        for service, mark in ((slow, "run:q"), (ok, "run:r")):
            await post(client, "application.deploy", applicationId=service, title="recorded", description=mark)
            advance(target, clock, 0.1)
        answers = {
            "620": await get(client, "deployment.all", applicationId=ok),
            "623": await get(client, "deployment.queueList"),
            "624": await get(client, "deployment.all", applicationId=slow),
            "626": await get(client, "deployment.allByType", id=ok, type="application"),
            "627": await get(
                client, "docker.getServiceContainersByAppName", appName=target.ready["app_names"]["applications"]["ok"]
            ),
        }
    for number, answer in answers.items():
        recorded = load(RECORDED[number])["response"]["body"]
        assert answer.json()[0].keys() == recorded[0].keys(), number
    seen, recorded = answers["623"].json(), load(RECORDED["623"])["response"]["body"]
    assert [(job["state"], job.keys()) for job in seen] == [(job["state"], job.keys()) for job in recorded]
    assert [(job["data"].keys(), job["data"]["descriptionLog"]) for job in seen] == [
        (job["data"].keys(), job["data"]["descriptionLog"]) for job in recorded
    ]
    assert [job["id"] for job in seen] == ["3", "2"]
    running = answers["624"].json()[0]
    assert (running["status"], running["title"], running["finishedAt"]) == ("running", "recorded", None)


async def test_v0_28_3_refuses_what_is_gone_in_its_own_way() -> None:
    target, clock = playing("v0.28.3")
    async with target.client() as client:
        await post(client, "application.deploy", applicationId=target.ready["applications"]["docker"])
        advance(target, clock, 5.0)
        row = target.world.history.rows[-1].id
        assert (await post(client, "deployment.removeDeployment", deploymentId=row)).json()["deploymentId"] == row
        again = await post(client, "deployment.removeDeployment", deploymentId=row)
        update = await post(client, "application.update", applicationId="nosuch", name="x")
    assert (again.status_code, again.json()["message"]) == (400, "Deployment not found")
    assert (update.status_code, update.json()["message"]) == (404, "Application not found")


@pytest.mark.parametrize("version", ["v0.29.8", "v0.29.14", "v0.30.2"])
async def test_later_releases_have_no_rows_for_an_unknown_id(version: str) -> None:
    target, _ = playing(version)
    async with target.client() as client:
        rows = await get(client, "deployment.all", applicationId="nosuch")
        update = await post(client, "application.update", applicationId="nosuch", name="x")
        removal = await post(client, "deployment.removeDeployment", deploymentId="nosuch")
    assert (rows.status_code, rows.json()) == (200, [])
    assert (update.status_code, removal.status_code) == (400, 404)


@pytest.mark.parametrize(
    ("version", "missing", "present"),
    [
        ("v0.24.0", "deployment.queueList deployment.removeDeployment application.killBuild", "deployment.all"),
        ("v0.27.1", "deployment.queueList deployment.readLogs application.search", "deployment.all"),
        (
            "v0.28.3",
            "deployment.readLogs libsql.one compose.saveEnvironment",
            "deployment.queueList application.search",
        ),
        ("v0.29.4", "deployment.readLogs", "libsql.one user.getPermissions compose.saveEnvironment"),
        ("v0.29.8", "settings.updateBuildsConcurrency", "deployment.readLogs"),
        ("v0.30.2", "nosuch.endpoint", "deployment.readLogs libsql.one"),
    ],
)
async def test_a_missing_endpoint_is_exactly_not_found(version: str, missing: str, present: str) -> None:
    target, _ = playing(version)
    expected = load(RECORDED["621"])["response"]["body"]
    async with target.client() as client:
        for endpoint in missing.split():
            for answer in (await get(client, endpoint, id="x"), await post(client, endpoint, id="x")):
                assert (answer.status_code, answer.json()) == (404, expected), endpoint
        for endpoint in present.split():
            answers = [await get(client, endpoint), await post(client, endpoint)]
            assert any(answer.json() != expected for answer in answers), endpoint


@pytest.mark.parametrize(("version", "title"), [("v0.24.12", "Manual deployment"), ("v0.25.0", "mine")])
async def test_titles_are_taken_since_v0_25_0(version: str, title: str) -> None:
    target, clock = playing(version)
    async with target.client() as client:
        for kind, services in (("application", "applications"), ("compose", "composes")):
            service = target.ready[services]["docker" if kind == "application" else "ok"]
            await post(client, f"{kind}.deploy", **{f"{kind}Id": service}, title="mine", description="run:1")
            advance(target, clock, 3.0)
            row = target.world.rows_of(target.world.services[service])[0]
            assert (row["title"], row["description"]) == (title, "run:1" if title == "mine" else "")


def slow_service(world: World) -> Any:
    """Add the application of timeline-601."""
    factory.create_project(world, "demo")
    commit = Commit("7f3150dcf3036dc36f1fcab3bcdd30e173269780", "slow build")
    return application(world, "slow", commit, build_seconds=21.0)


def test_restart_in_mid_build_runs_the_job_again_as_recorded() -> None:
    world = World(START, 1, Version.parse("v0.29.8"))
    service = slow_service(world)
    recording = load("v0.29.8/timeline-601-v0.29.8-restart-TERM")
    readings = [event for event in recording["events"] if "rows" in event]
    before = {row["deploymentId"] for row in readings[0]["rows"][1]}
    polls = [
        (
            tuple(
                (row["status"], row["title"], row["description"])
                for row in event["rows"][1]
                if row["deploymentId"] not in before
            ),
            tuple((job["state"], "recorded", job["type"]) for job in event["queue"][1]),
        )
        for event in readings
    ]
    assert [len(rows) for rows, _ in polls] == [0, 1, 1, 2, 2], "the recording shows a second row"
    samples = run(
        world,
        service,
        [
            (0.127, lambda: world.trigger(service, "deploy", "recorded", "run:restart")),
            (7.57, lambda: world.restart(37.0)),
        ],
        100.0,
    )
    assert occurs_in_order(samples, polls) is None


@pytest.mark.parametrize(("signal", "seconds"), [("TERM", 31.0), ("KILL", 95.0)])
def test_interrupted_job_stays_listed_as_active_until_it_runs_again(signal: Any, seconds: float) -> None:
    world = World(START, 1, Version.parse("v0.29.8"))
    service = slow_service(world)
    other = application(world, "other", None, build_seconds=1.0)
    world.trigger(service, "deploy", "mine", "run:1")
    world.trigger(other, "deploy", "waits", "run:2")
    world.advance(START + 5.0)
    world.restart(6.0, signal=signal)
    world.advance(START + 5.0 + 6.0 + 10.0)
    assert [(job.id, job.state) for job in world.queue.newest_first()] == [("1", "active")]
    assert [row["status"] for row in world.rows_of(service)] == ["cancelled"]
    assert [row["status"] for row in world.rows_of(other)] == ["done"], "what waited has survived and went first"
    world.advance(START + 5.0 + 6.0 + seconds - 0.1)
    assert len(world.rows_of(service)) == 1
    world.advance(START + 5.0 + 6.0 + seconds + 1.0)
    assert [(row["status"], row["title"], row["description"]) for row in world.rows_of(service)] == [
        ("running", "mine", "run:1"),
        ("cancelled", "mine", "run:1"),
    ]
    world.advance(START + 5.0 + 6.0 + seconds + 30.0)
    assert [row["status"] for row in world.rows_of(service)] == ["done", "cancelled"]
    assert not list(world.queue.newest_first())
    assert world.trigger(other, "deploy", "next", "").id == "3", "the numbers go on over a restart"


def test_job_that_is_interrupted_twice_is_dropped() -> None:
    world = World(START, 1, Version.parse("v0.29.8"))
    service = slow_service(world)
    world.trigger(service, "deploy", "mine", "run:1")
    world.advance(START + 5.0)
    world.restart(1.0, rerun_seconds=2.0)
    world.advance(START + 10.0)
    assert [row["status"] for row in world.rows_of(service)] == ["running", "cancelled"]
    world.restart(1.0, rerun_seconds=2.0)
    world.advance(START + 60.0)
    assert [row["status"] for row in world.rows_of(service)] == ["cancelled", "cancelled"]
    assert not list(world.queue.newest_first())


async def test_queue_in_redis_has_one_line_for_all_servers_and_keeps_what_waits() -> None:
    target, clock = playing("v0.29.8", slow_seconds=20.0)
    remote = target.ready["applications"]["remote"]
    async with target.client() as client:
        await post(client, "application.deploy", applicationId=target.ready["applications"]["slow"])
        await post(client, "application.deploy", applicationId=remote)
        advance(target, clock, 1.0)
        assert (await post(client, "settings.cleanAllDeploymentQueue")).json() is True
        jobs = (await get(client, "deployment.queueList")).json()
        assert [(job["id"], job["state"], job["data"].get("serverId")) for job in jobs] == [
            ("2", "waiting", None),
            ("1", "active", None),
        ]
        await post(client, "application.cleanQueues", applicationId=remote)
        assert [job["id"] for job in (await get(client, "deployment.queueList")).json()] == ["1"]


async def test_listing_a_redis_queue_can_fail_when_a_job_ends() -> None:
    target, clock = playing("v0.29.8")
    async with target.client() as client:
        settings = {"queue_gap_seconds": 0.2}
        assert (await client.post("/_simulator/settings", json=settings)).status_code == 200
        await post(client, "application.deploy", applicationId=target.ready["applications"]["docker"])
        statuses = []
        for _ in range(40):
            clock.now += 0.05
            statuses.append((await get(client, "deployment.queueList")).status_code)
    assert set(statuses) == {200, 500}
    assert statuses[-1] == 200


@pytest.mark.parametrize(("version", "text"), [("v0.29.8", "\n"), ("v0.29.9", "Initializing deployment\n")])
async def test_log_of_a_remote_service_is_looked_for_on_its_host_since_v0_29_9(version: str, text: str) -> None:
    target, clock = playing(version)
    async with target.client() as client:
        await post(client, "application.deploy", applicationId=target.ready["applications"]["remote"])
        advance(target, clock, 5.0)
        row = target.world.history.rows[-1]
        assert row.fields["serverId"] is None
        log = (await get(client, "deployment.readLogs", deploymentId=row.id)).json()
    assert log.startswith(text)
    assert len(log) > len(text) or version == "v0.29.8"


@pytest.mark.parametrize(("version", "opens"), [("v0.29.2", True), ("v0.29.3", False), ("v0.29.4", True)])
def test_v0_29_3_refuses_every_live_log(version: str, opens: bool) -> None:
    target, clock = playing(version)
    target.world.trigger(target.world.by_name("application:ok"), "deploy", "t", "")  # type: ignore[arg-type]
    advance(target, clock, 5.0)
    log = target.connect_log(target.world.history.rows[-1].fields["logPath"])
    if opens:
        assert str(log.receive()).startswith("Initializing deployment")
        return
    with pytest.raises(LogClosed) as closed:
        log.receive()
    assert (closed.value.code, closed.value.reason) == (4000, "Invalid log path")


@pytest.mark.parametrize(("version", "ended"), [("v0.29.14", True), ("v0.30.0", False)])
async def test_old_containers_of_a_stack_are_listed_before_v0_30_0(version: str, ended: bool) -> None:
    recorded = load("604-v0.29.8-cstackbad")["before"]["getContainersByAppNameMatch"][1]
    assert {container["state"] for container in recorded} >= {"exited"}
    target, clock = playing(version)
    name = target.ready["app_names"]["composes"]["stack"]
    target.world.set_behaviour("compose:stack", runtime="exits")
    target.world.trigger(target.world.by_name("compose:stack"), "deploy", "t", "")  # type: ignore[arg-type]
    advance(target, clock, 40.0)
    async with target.client() as client:
        query = {"appName": name, "appType": "stack"}
        listed = (await get(client, "docker.getContainersByAppNameMatch", **query)).json()
    exited = [container for container in listed if container["state"] == "exited"]
    assert bool(exited) is ended
    assert all(container.keys() == recorded[-1].keys() for container in exited)


async def test_projects_have_no_libsql_before_v0_29_0() -> None:
    for version, expected in (("v0.28.3", False), ("v0.29.0", True)):
        target, _ = playing(version)
        async with target.client() as client:
            (project,) = (await get(client, "project.all")).json()
        assert ("libsql" in project["environments"][0]) is expected


def test_versions_are_ordered_as_releases_and_nonsense_is_refused() -> None:
    parse = Version.parse
    assert parse("0.29.8") < parse("v0.29.14") < parse("v0.30.0")
    assert str(parse("0.29.8")) == "v0.29.8"
    for text in ("v0.29", "latest", "v0.29.8-rc1", ""):
        with pytest.raises(ValueError, match="no version of Dokploy"):
            parse(text)


def test_every_profile_has_what_the_package_needs() -> None:
    floor = Version.parse("v0.28.3")
    assert floor == PROFILES[0]
    for endpoint in ("deployment.queueList", "deployment.all", "deployment.removeDeployment", "application.deploy"):
        assert all(offers(version, endpoint) for version in PROFILES)
    known = {*SINCE.values(), *(since for _, since in ENDPOINTS)}
    assert all(version <= PROFILES[-1] for version in known)


def test_transcripts_of_every_older_release_are_read_here() -> None:
    assert len(RECORDED) == 10
    assert {path.name[:3] for path in (TRANSCRIPTS / "v0.28.3").glob("*.json")} == {
        *("620", "621", "622", "623", "624", "625", "626", "627", "628", "629")
    }
