"""Who the key belongs to, what that person may do, and how input is read (transcripts 401 to 423)."""

import base64
import hashlib
from typing import Any

import httpx
import pytest

from pulumi_dokploy_deployments.simulator import Simulator
from pulumi_dokploy_deployments.simulator.http.schema import number, truthy
from tests.support.simulator_recordings import simulator

HEALTH = "/api/trpc/settings.health"


async def get(target: Simulator, path: str, key: str = "owner") -> httpx.Response:
    async with target.client(key) as client:
        return await client.get(path)


def hashed(secret: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()).rstrip(b"=").decode()


async def test_an_owner_sees_the_hash_limit_and_count_of_all_own_keys_and_no_others() -> None:
    target, _ = simulator()
    secrets = target.ready["api_keys"]
    for _ in range(2):
        assert (await get(target, "/api/user.get", "rate_limited")).status_code == 200
    answer = await get(target, "/api/user.getBackups")
    keys = {key["key"]: key for key in answer.json()["apiKeys"]}
    assert set(keys) == {hashed(secrets["owner"]), hashed(secrets["rate_limited"])}
    limited, unlimited = keys[hashed(secrets["rate_limited"])], keys[hashed(secrets["owner"])]
    assert (limited["rateLimitEnabled"], limited["rateLimitMax"], limited["requestCount"]) == (True, 10, 4)
    assert (unlimited["rateLimitEnabled"], unlimited["requestCount"]) == (False, 0)
    assert not any(secret in answer.text for secret in secrets.values())


async def test_a_used_up_key_is_found_in_its_owner_s_list_with_its_limit_reached() -> None:
    target, _ = simulator()
    for _ in range(6):
        answer = await get(target, "/api/user.get", "rate_limited")
    assert answer.status_code == 401
    (limited,) = (k for k in (await get(target, "/api/user.getBackups")).json()["apiKeys"] if k["rateLimitEnabled"])
    assert limited["requestCount"] == limited["rateLimitMax"]


@pytest.mark.parametrize("key", ["member", "no_docker"])
async def test_a_member_is_told_the_own_role_and_no_keys_list(key: str) -> None:
    target, _ = simulator()
    person = (await get(target, "/api/user.get", key)).json()
    assert person["role"] == "member"
    assert len(person["accessedServices"]) == (0 if key == "member" else len(target.world.services))
    refused = await get(target, "/api/user.getBackups", key)
    assert (refused.status_code, refused.json()["code"]) == (401, "UNAUTHORIZED")


async def test_a_member_s_permissions_are_those_of_the_role_and_docker_only_when_granted() -> None:
    target, _ = simulator()
    told = (await get(target, "/api/user.getPermissions", "member")).json()
    assert told["deployment"] == {"read": True, "create": True, "cancel": True}
    assert told["service"] == {"create": False, "read": True, "delete": False}
    assert told["docker"] == {"read": False}
    assert not any(told["registry"].values())
    assert (await get(target, "/api/docker.getConfig?containerId=x", "member")).status_code == 401
    target.world.access.grant("member", [], True)
    assert (await get(target, "/api/user.getPermissions", "member")).json()["docker"] == {"read": True}
    assert (await get(target, "/api/docker.getConfig?containerId=x", "member")).status_code == 200


async def test_registry_passwords_are_sent_in_clear_are_planted_and_refused_to_members() -> None:
    target, _ = simulator()
    (registry,) = (await get(target, "/api/registry.all")).json()
    assert registry["password"] in target.ready["secrets"]
    refused = await get(target, "/api/registry.all", "member")
    assert (refused.status_code, refused.json()["message"]) == (401, 'unauthorized to access resource "registry"')


async def test_health_needs_no_key_and_fails_with_the_database() -> None:
    target, _ = simulator()
    async with httpx.AsyncClient(transport=target.transport(), base_url="http://127.0.0.1:3000") as client:
        assert (await client.get(HEALTH)).json()["result"]["data"]["json"] == {"status": "ok"}
        target.faults.database_down = True
        failed = await client.get(HEALTH)
        assert failed.status_code == 500
        assert failed.json()["error"]["json"]["data"]["code"] == "INTERNAL_SERVER_ERROR"
        # The page that load balancers ask knows nothing of it (transcript 193b).
        assert (await client.get("/api/health")).status_code == 200


async def test_a_redirect_carries_the_query_and_no_security_headers() -> None:
    target, _ = simulator()
    answer = await get(target, "/api//deployment.all?applicationId=a%20b%26c")
    assert (answer.status_code, answer.headers["location"]) == (308, "/api/deployment.all?applicationId=a%20b%26c")
    assert not {"x-frame-options", "content-security-policy", "vary", "referrer-policy"} & set(answer.headers)


async def test_paths_outside_the_api_are_pages() -> None:
    target, _ = simulator()
    answer = await get(target, "/API/deployment.queueList")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")


async def test_updates_store_what_javascript_makes_of_numbers_and_flags() -> None:
    target, _ = simulator()
    identity = target.ready["applications"]["docker"]
    sent: dict[str, Any] = {"replicas": "3", "rollbackActive": "no", "cleanCache": None, "createEnvFile": ""}
    async with target.client() as client:
        answer = await client.post("/api/application.update", json={"applicationId": identity, **sent})
    assert answer.json() is True
    fields = target.world.services[identity].fields
    stored = {name: fields[name] for name in sent}
    assert stored == {"replicas": 3, "rollbackActive": True, "cleanCache": None, "createEnvFile": False}


@pytest.mark.parametrize(
    ("given", "result"),
    [
        ("", 0),
        (" 5 ", 5),
        ("1e2", 100),
        ("0x10", 16),
        (None, 0),
        (True, 1),
        ([], 0),
        (["7"], 7),
        (2.5, 2.5),
        (".5", 0.5),
    ],
)
def test_numbers_are_read_as_javascript_reads_them(given: object, result: float) -> None:
    assert number(given) == result


@pytest.mark.parametrize("given", ["abc", "1_0", "nan", "inf", {}, [1, 2], "true"])
def test_what_javascript_does_not_read_as_a_number_is_none(given: object) -> None:
    assert number(given) != number(given)


def test_empty_lists_are_true_and_empty_texts_are_not() -> None:
    given: list[object] = [[], {}, "0", 1, "", 0, None]
    assert [truthy(value) for value in given] == [True] * 4 + [False] * 3
