"""Services are found by name and their settings changed as recorded; `env` is kept to the letter."""

from typing import Any

import httpx
import pytest

from pulumi_dokploy_deployments.simulator import Simulator
from pulumi_dokploy_deployments.simulator.world import factory
from pulumi_dokploy_deployments.simulator.world.services import DATABASE_KINDS, Service
from tests.support.simulator_recordings import TRANSCRIPTS, load, simulator

RECORDED = {path.name[:3]: load(f"settings/{path.stem}") for path in sorted((TRANSCRIPTS / "settings").glob("*.json"))}
ENV = RECORDED["560"]["request"]["body"]["env"]


@pytest.fixture
def target() -> Simulator:
    """Return a simulator with the services of the recording, and nothing else in their project."""
    made = simulator(populated=False)[0]
    _, environment = factory.create_project(made.world, "demo", "rig")
    where = str(environment["environmentId"])
    created: list[Service] = [
        factory.create_application(made.world, "shop", where),
        factory.create_application(made.world, "ok", where),
        factory.create_compose(made.world, "cok", where),
        *(
            factory.create_database(made.world, kind, "pg" if kind == "postgres" else kind, where)
            for kind in DATABASE_KINDS
        ),
    ]
    shop, ok, compose, *_ = created
    shop.fields |= {"sourceType": "docker", "dockerImage": "127.0.0.1:5055/bb:1"}
    ok.fields |= {"sourceType": "git", "customGitBranch": "old", "customGitUrl": "http://127.0.0.1:5056/demo.git"}
    compose.fields |= {"sourceType": "raw", "composeStatus": "done"}
    return made


IDS = {
    "ZfzRsBY3uCRmhgiFe25mG": "shop",
    "CiSlWBywLrquptbisTOaq": "application:ok",
    "LuaCpDJjbc1wM0z3lqxvk": "cok",
    "j8uGeJ_qSpebAFd4Jkrr4": "pg",
}
"""The recorded services by their ids."""


async def replay(target: Simulator, number: str) -> httpx.Response:
    """Send a recorded request again, with the simulator's ids."""
    request = RECORDED[number]["request"]

    def own(values: dict[str, Any]) -> dict[str, Any]:
        return {key: target.world.by_name(IDS[item]).id if item in IDS else item for key, item in values.items()}

    async with target.client() as client:
        if request["method"] == "GET":
            return await client.get(request["path"], params=own(request["query"]))
        return await client.post(request["path"], json=own(request["body"]))


@pytest.mark.parametrize("number", ["551", "552", "553", "554", "555", "556", "557"])
async def test_searches_answer_as_recorded(target: Simulator, number: str) -> None:
    answer = await replay(target, number)
    recorded = RECORDED[number]["response"]["body"]
    seen = answer.json()
    assert (answer.status_code, seen["total"]) == (200, recorded["total"])
    assert [list(item) for item in seen["items"]] == [list(item) for item in recorded["items"]]
    for now, then in zip(seen["items"], recorded["items"], strict=True):
        assert (now["name"], now["description"]) == (then["name"], then["description"])


async def test_projects_list_databases_by_their_id_alone_as_recorded(target: Simulator) -> None:
    (project,) = (await replay(target, "550")).json()
    (recorded,) = RECORDED["550"]["response"]["body"]
    assert project.keys() == recorded.keys()
    (environment,), (then,) = project["environments"], recorded["environments"]
    assert environment.keys() == then.keys()
    for kind in ("applications", "compose", "postgres"):
        assert environment[kind][0].keys() == then[kind][0].keys()
    assert [list(item) for item in environment["libsql"]] == [["libsqlId"]]


async def search(target: Simulator, endpoint: str, **query: Any) -> tuple[list[str], int]:
    """Return the names found, and the total."""
    async with target.client() as client:
        found = (await client.get(f"/api/{endpoint}", params=query)).json()
    return [item["name"] for item in found["items"]], found["total"]


async def test_a_search_fits_parts_of_names_in_any_case_and_knows_sql_wildcards(target: Simulator) -> None:
    assert await search(target, "application.search", name="SHO") == (["shop"], 1)
    assert await search(target, "application.search", name="s_op") == (["shop"], 1)
    assert await search(target, "application.search", name="op%s") == ([], 0)
    assert await search(target, "application.search", q="5055/bb") == (["shop"], 1), "q looks into the image, too"
    assert await search(target, "application.search", name="o", limit=1) == (["shop"], 2)
    assert await search(target, "application.search", name="o", limit=1, offset=1) == (["ok"], 2)


async def test_a_search_does_not_find_what_someone_else_created_not_even_for_an_owner(target: Simulator) -> None:
    async with target.client() as client:
        assert (await client.post("/_simulator/unlist", json={"service": "shop"})).status_code == 200
        (project,) = (await client.get("/api/project.all")).json()
    assert await search(target, "application.search", name="shop") == ([], 0)
    assert "shop" in [item["name"] for item in project["environments"][0]["applications"]]


async def test_a_member_sees_only_projects_with_own_services(target: Simulator) -> None:
    async with target.client("member") as client:
        assert (await client.get("/api/project.all")).json() == []
        assert (await client.get("/api/project.search")).json() == {"items": [], "total": 0}
        postgres = target.world.by_name("pg").id
        target.world.access.grant("member", [postgres], docker=False)
        (project,) = (await client.get("/api/project.all")).json()
        assert [item["name"] for item in project["environments"][0]["postgres"]] == ["pg"]
        assert project["environments"][0]["applications"] == []


@pytest.mark.parametrize("number", ["560", "562", "563", "564", "565", "566", "567", "569", "570"])
async def test_settings_are_stored_as_recorded_and_nothing_else_changes(target: Simulator, number: str) -> None:
    body = RECORDED[number]["request"]["body"]
    service = target.world.by_name(IDS[next(iter(body.values()))])
    before = dict(service.fields)
    answer = await replay(target, number)
    recorded = RECORDED[number]["response"]
    assert (answer.status_code, answer.json()) == (recorded["status"], recorded["body"])
    changed = {key: value for key, value in body.items() if not key.endswith("Id")}
    assert service.fields == before | changed


async def test_compose_update_answers_the_row_as_recorded(target: Simulator) -> None:
    row, recorded = (await replay(target, "568")).json(), RECORDED["568"]["response"]["body"]
    assert list(row) == list(recorded)
    assert (row["env"], row["name"]) == (recorded["env"], recorded["name"])


async def test_env_is_read_back_to_the_letter(target: Simulator) -> None:
    await replay(target, "560")
    one, recorded = (await replay(target, "561")).json(), RECORDED["561"]["response"]["body"]
    assert one["env"] == recorded["env"] == ENV
    assert one.keys() == recorded.keys()


@pytest.mark.parametrize("left_out", ["env", "buildArgs", "buildSecrets", "createEnvFile"])
async def test_application_environment_wants_all_four_fields(target: Simulator, left_out: str) -> None:
    body = RECORDED["560"]["request"]["body"] | {"applicationId": target.world.by_name("shop").id}
    del body[left_out]
    async with target.client() as client:
        answer = await client.post("/api/application.saveEnvironment", json=body)
    assert answer.status_code == 400
    assert answer.json()["issues"][0]["path"] == [left_out]
    assert target.world.by_name("shop").fields["env"] is None


@pytest.mark.parametrize("kind", DATABASE_KINDS)
async def test_every_database_is_read_set_and_deployed(target: Simulator, kind: str) -> None:
    service = next(item for item in target.world.services.values() if item.kind == kind)
    key = {f"{kind}Id": service.id}
    async with target.client() as client:
        assert (await client.post(f"/api/{kind}.update", json=key | {"dockerImage": "db:2"})).json() is True
        assert (await client.post(f"/api/{kind}.saveEnvironment", json=key | {"env": ENV})).json() is True
        one = (await client.get(f"/api/{kind}.one", params=key)).json()
        assert (one["dockerImage"], one["env"]) == ("db:2", ENV)
        assert (await client.post(f"/api/{kind}.deploy", json=key)).status_code == 200
        assert target.world.swarm.find(service.app_name).spec.image == "db:2"  # type: ignore[union-attr]
        refused = await client.post(f"/api/{kind}.update", json={f"{kind}Id": "nosuch", "dockerImage": "db:2"})
        assert refused.status_code == 400
        assert (await client.post(f"/api/{kind}.saveEnvironment", json=key)).status_code == 400


async def test_libsql_has_no_search_and_a_member_no_settings(target: Simulator) -> None:
    async with target.client() as client:
        assert (await client.get("/api/libsql.search")).json()["message"] == "Not found"
    body = {"postgresId": target.world.by_name("pg").id, "dockerImage": "db:2"}
    async with target.client("member") as client:
        assert (await client.post("/api/postgres.update", json=body)).status_code == 401


def test_every_recording_of_settings_is_replayed() -> None:
    assert set(RECORDED) == {str(number) for number in (*range(550, 558), *range(560, 571))}
