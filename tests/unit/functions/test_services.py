"""A service is found by id, address, name or path; what is ambiguous or misspelled is told with what there is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.api.models import Project, ServiceKind
from pulumi_dokploy_deployments.api.services import ServiceRef, page_in
from pulumi_dokploy_deployments.functions.names import (
    AmbiguousName,
    UnknownName,
    find_services,
    resolve_service,
)
from pulumi_dokploy_deployments.functions.table import FUNCTIONS
from pulumi_dokploy_deployments.simulator import Simulator
from tests.support.fake_server import NO_ACCESS, NOT_FOUND, ORIGIN, FakeServer, service

RECORDED = Path(__file__).parents[2] / "contract" / "transcripts" / "settings"
APPLICATION, COMPOSE, POSTGRES = ServiceKind.APPLICATION, ServiceKind.COMPOSE, ServiceKind.POSTGRES
WEB, WEB2, STACK, DATABASE = (
    "hFWNJoYqkQ3XMz8eHkifo",
    "CiSlWBywLrquptbisTOaq",
    "wahykmOlMeqvxa-CYwL-E",
    "j8uGeJ_qSpebAFd4",
)


def environment(name: str, identity: str, **lists: list[dict[str, str]]) -> dict[str, Any]:
    return {"name": name, "environmentId": identity, "isDefault": True, "libsql": [], **lists}


PROJECTS = [
    {
        "projectId": "p1",
        "name": "shop",
        "env": "SHARED=hunter2",
        "environments": [
            environment(
                "production",
                "e1",
                applications=[{"applicationId": WEB, "name": "web", "applicationStatus": "done"}],
                compose=[{"composeId": STACK, "name": "stack", "composeStatus": "done"}],
                postgres=[{"postgresId": DATABASE}],
            ),
            environment("staging", "e2"),
        ],
    },
    {
        "projectId": "p2",
        "name": "blog",
        "environments": [environment("production", "e3", applications=[{"applicationId": WEB2, "name": "web"}])],
    },
]


def one(query: Mapping[str, str]) -> tuple[int, Any]:
    where = {"environmentId": "e1", "name": "production", "project": {"projectId": "p1", "name": "shop"}}
    known = {WEB: ("application", "web"), WEB2: ("application", "web")}
    known |= {STACK: ("compose", "stack"), DATABASE: ("postgres", "pg")}
    (key, identity), *_ = query.items()
    kind, name = known.get(identity, ("", ""))
    more = {
        "environment": where,
        "environmentId": "e1",
        "sourceType": "docker",
        "dockerImage": "shop:1",
        "env": "PASSWORD=hunter2",
    }
    return (200, service(name, **{key: identity}, **more)) if key == f"{kind}Id" else NOT_FOUND


@pytest.fixture
def server() -> FakeServer:
    return FakeServer({"project.all": (200, PROJECTS), "application.one": one, "compose.one": one, "postgres.one": one})


async def ask(server: FakeServer, function_name: str, **given: Any) -> Any:
    function = FUNCTIONS[function_name]
    return await function.read(server.client(), function.asked(given, datetime(2026, 11, 24, tzinfo=UTC)))


@pytest.mark.parametrize(
    ("kind", "text", "where", "meant"),
    [
        (APPLICATION, WEB, {}, ServiceRef(APPLICATION, WEB)),
        (APPLICATION, "web", {"project": "blog"}, ServiceRef(APPLICATION, WEB2)),
        (APPLICATION, "web", {"project": "p1", "environment": "production"}, ServiceRef(APPLICATION, WEB)),
        (APPLICATION, "blog/web", {}, ServiceRef(APPLICATION, WEB2)),
        (APPLICATION, " shop/production/web ", {}, ServiceRef(APPLICATION, WEB)),
        (COMPOSE, "stack", {}, ServiceRef(COMPOSE, STACK)),
        (None, "stack", {}, ServiceRef(COMPOSE, STACK)),
        (None, STACK, {}, ServiceRef(COMPOSE, STACK)),
        (None, "pg", {}, ServiceRef(POSTGRES, DATABASE)),
        (POSTGRES, "pg", {}, ServiceRef(POSTGRES, DATABASE)),
    ],
)
async def test_a_service_is_found(
    server: FakeServer, kind: ServiceKind | None, text: str, where: dict[str, str], meant: ServiceRef
) -> None:
    assert await resolve_service(server.client(), kind, text, **where) == meant


@pytest.mark.parametrize("tail", ["", "?tab=deployments", "/", "#x"])
async def test_a_pasted_address_is_taken_without_a_request(server: FakeServer, tail: str) -> None:
    address = f"{ORIGIN}/dashboard/project/p1/environment/e1/services/application/{WEB}{tail}"
    assert await resolve_service(server.client(), APPLICATION, address) == ServiceRef(APPLICATION, WEB)
    assert server.operations == []


@pytest.mark.parametrize("text", ["web", "my/services/application", "https://x/services/job/abc", "services/compose/"])
def test_what_is_no_address_of_a_service_is_none(text: str) -> None:
    assert page_in(text) is None


async def test_an_id_costs_one_request(server: FakeServer) -> None:
    await resolve_service(server.client(), APPLICATION, WEB)
    assert server.operations == ["application.one"]


async def test_to_a_member_a_name_looks_like_an_id_of_somebody_else_s(server: FakeServer) -> None:
    server.answers["application.one"] = NO_ACCESS
    assert await resolve_service(server.client(), APPLICATION, "shop/web") == ServiceRef(APPLICATION, WEB)
    assert (await resolve_service(server.client(), APPLICATION, "web", "shop")).service_id == WEB


async def failure(server: FakeServer, kind: ServiceKind | None, text: str, **where: str) -> DokployError:
    with pytest.raises(DokployError) as caught:
        await resolve_service(server.client(), kind, text, **where)
    assert "hunter2" not in str(caught.value)
    return caught.value


async def test_an_ambiguous_name_lists_the_services_with_their_ids(server: FakeServer) -> None:
    error = await failure(server, APPLICATION, "web")
    assert isinstance(error, AmbiguousName)
    assert error.property_name == "application_id"
    assert f"shop/production/web (application, id {WEB}) and blog/production/web (application, id {WEB2})" in str(error)


async def test_a_name_without_a_kind_is_ambiguous_over_kinds(server: FakeServer) -> None:
    twin = {"applicationId": "x1", "name": "pg"}
    projects = json.loads(json.dumps(PROJECTS))
    projects[1]["environments"][0]["applications"].append(twin)
    server.answers["project.all"] = (200, projects)
    error = await failure(server, None, "pg")
    assert "postgres, id" in str(error)
    assert "application, id x1" in str(error)


@pytest.mark.parametrize(
    ("kind", "text", "where", "words"),
    [
        (APPLICATION, "wbe", {}, ("no application with the name or id 'wbe'", "Did you mean", f"id {WEB}")),
        (APPLICATION, "WEB", {"project": "shop"}, ("in the project 'shop'", "Did you mean shop/production/web")),
        (COMPOSE, "blog/web", {}, ("is an application, and not a compose",)),
        (APPLICATION, STACK, {}, ("is a compose, and not an application",)),
        (APPLICATION, "web", {"environment": "staging"}, ("in the environment 'staging'", "Did you mean")),
        (APPLICATION, "zzzzzz", {}, ("after /application/",)),
        (None, "zzzzzz", {}, ("no service with the name or id 'zzzzzz'",)),
        (COMPOSE, f"{ORIGIN}/x/services/application/{WEB}", {}, ("is the address of an application",)),
    ],
)
async def test_what_is_not_there_is_told_with_what_is(
    server: FakeServer, kind: ServiceKind | None, text: str, where: dict[str, str], words: tuple[str, ...]
) -> None:
    error = await failure(server, kind, text, **where)
    assert isinstance(error, UnknownName)
    assert [word for word in words if word not in str(error)] == []


async def test_wildcards_of_the_server_s_search_are_plain_letters_here(server: FakeServer) -> None:
    await failure(server, COMPOSE, "st_ck")
    await failure(server, COMPOSE, "%")


async def test_get_service_gives_ids_source_and_place_and_nothing_secret(server: FakeServer) -> None:
    found = await ask(server, "get_service", name="stack")
    assert (found.service_type, found.service_id, found.compose_id) == ("compose", STACK, STACK)
    assert found.application_id is None
    found = await ask(server, "get_service", name="web", project="shop", type="application")
    assert (found.application_id, found.source, found.image, found.status) == (WEB, "docker", "shop:1", "done")
    assert (found.project, found.environment, found.project_id) == ("shop", "production", "p1")
    assert f"/services/application/{WEB}" in found.url
    assert "hunter2" not in found.model_dump_json()


async def test_each_type_has_its_own_id(server: FakeServer) -> None:
    for kind in ServiceKind:
        server.answers[f"{kind.value}.one"] = (200, service(**{f"{kind.value}Id": "x" * 21}))
        found = await ask(server, "get_service", name="x" * 21, type=kind.value)
        databases = (found.postgres_id, found.mysql_id, found.mariadb_id, found.mongo_id, found.redis_id)
        ids = (found.application_id, found.compose_id, *databases, found.libsql_id)
        assert [one for one in ids if one] == [found.service_id] == ["x" * 21]


async def test_get_services_filters_before_it_reads(server: FakeServer) -> None:
    found = await ask(server, "get_services", project="shop")
    assert [(one.service_type, one.name) for one in found.services] == [
        ("application", "web"),
        ("compose", "stack"),
        ("postgres", "pg"),
    ]
    server.asked.clear()
    found = await ask(server, "get_services", type="application", project="blog")
    assert [one.application_id for one in found.services] == [WEB2]
    assert server.operations == ["project.all", "application.one"]


async def test_a_service_that_goes_meanwhile_is_left_out(server: FakeServer) -> None:
    server.answers["postgres.one"] = NOT_FOUND
    assert "pg" not in [found.name for found in await find_services(server.client())]


def test_the_recorded_projects_are_read_and_reduced() -> None:
    body = json.loads((RECORDED / "550-project-all.json").read_text())["response"]["body"]
    (project,) = TypeAdapter(list[Project]).validate_python(body)
    (where,) = project.environments
    names = [(one.kind, one.name) for one in where.services]
    assert (APPLICATION, "hjobok") in names
    assert (COMPOSE, "chealth") in names
    assert (POSTGRES, None) in names, "an owner sees databases by their ids alone"


@pytest.mark.parametrize("key", ["owner", "member"])
async def test_the_simulator_s_services_are_found_by_name_by_owner_and_member(key: str) -> None:
    simulator = Simulator()
    ready = simulator.ready
    if key == "member":
        simulator.world.access.grant(key, list(simulator.world.services), docker=False)
    connection = Connection.parse("http://127.0.0.1:3000", ready["api_keys"][key])
    client = DokployClient(connection, transport=simulator.transport())
    for kind, group, name in ((COMPOSE, "composes", "ok"), (POSTGRES, "databases", "postgres")):
        assert (await resolve_service(client, kind, name)).service_id == ready[group][name]
    found = {(one.ref.kind.value, one.name) for one in await find_services(client)}
    assert {("libsql", "libsql"), ("application", "docker")} <= found
