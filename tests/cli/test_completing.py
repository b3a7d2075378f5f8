"""Tab against the simulator, by the protocol that shells speak: what is offered, what is asked, and for how long."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

import pytest

from pulumi_dokploy_deployments.cli import completing

from .conftest import Server


def offered(server: Server, line: str, *, key: str | None = None, **environ: str) -> dict[str, str]:
    """The words that fish is given for the end of the line, each with its help."""
    asked = {
        "_DOKPLOY_DEPLOYMENTS_COMPLETE": "complete_fish",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_ARGS": f"dokploy-deployments {line}",
        **({"DOKPLOY_API_KEY": key} if key is not None else {}),
        **environ,
    }
    answer = server.run(**asked)
    assert (answer.code, answer.err) == (0, "")
    lines = (text.partition("\t") for text in answer.out.splitlines() if text)
    return {word: told for word, _, told in lines}


@pytest.mark.parametrize(
    ("line", "word", "told"),
    [
        ("list --application ", "docker", "demo/production"),
        ("deploy --compose sta", "stack", "demo/production"),
        ("logs --container --redis ", "redis", "demo/production"),
        ("candidates --application demo/", "demo/ok", "demo/production"),
        ("kill --waiting-of-compose g", "git", "demo/production"),
        ("services --type postgres ", "postgres", "demo/production"),
        ("services dock", "docker", "application, demo/production"),
        ("services --project ", "demo", ""),
        ("services --project demo --environment ", "production", "demo"),
    ],
)
def test_services_are_offered_by_name_with_their_place(server: Server, line: str, word: str, told: str) -> None:
    found = offered(server, line)
    assert found[word] == told
    assert all(each.startswith(line.rpartition(" ")[2]) for each in found)


def test_a_name_of_an_application_and_a_compose_is_offered_as_two_ids(server: Server) -> None:
    found = offered(server, "services ")
    assert "ok" not in found
    assert found[server.application("ok")] == "application, demo/production ok"
    assert found[server.compose("ok")] == "compose, demo/production ok"
    assert offered(server, f"services {server.compose('ok')[:6]}") == {
        server.compose("ok"): "compose, demo/production ok"
    }


def test_deployments_are_offered_by_id_newest_first(server: Server) -> None:
    identity = server.deployed("ok")
    for command in ("logs", "watch", "remove"):
        found = offered(server, f"{command} ")
        assert next(iter(found)) == identity
        assert found[identity].endswith(", done, ok: feat: good commit on main")
    assert identity not in offered(server, "kill ")


def test_a_rollback_s_versions_are_those_of_the_application_on_the_line(server: Server) -> None:
    for _ in range(2):
        server.deployed("ok")
    named = server.run("candidates", "--application", "ok", "--only-working", "--json").json["candidates"]
    newest = named[0]
    rollback = "rollback --application ok"
    assert list(offered(server, f"{rollback} --version ")) == [str(one["version"]) for one in named]
    assert list(offered(server, f"{rollback} --rollback-id ")) == [one["rollback_id"] for one in named]
    assert list(offered(server, f"{rollback} --deployment ")) == [one["deployment_id"] for one in named]
    assert list(offered(server, f"{rollback} --commit ")) == [newest["commit_hash"][:10]]
    furthest = list(offered(server, f"rollback --application {server.application('ok')} --previous "))[-1]
    assert server.run(*rollback.split(), "--previous", furthest, "--dry-run").code == 0
    assert offered(server, "rollback --version ") == {}


def test_remote_servers_are_offered_with_their_names(server: Server) -> None:
    assert offered(server, "list --server ")[server.simulator.ready["servers"]["remote"]] == "remote"


def test_tab_only_reads_and_asks_little(server: Server) -> None:
    server.simulator.control("clear_requests")
    for line in ("deploy --application ", "kill ", "remove ", "rollback --application ok --version "):
        offered(server, line)
    requests = server.simulator.state()["requests"]
    assert {request["method"] for request in requests} == {"GET"}
    paths = [request["path"].removeprefix("/api/") for request in requests]
    assert paths == ["project.all", *["deployment.allCentralized"] * 2, "project.all", "deployment.allByType"]


FAULTS: list[dict[str, Any]] = [
    {"kind": "http_error", "status": 502},
    {"kind": "refuse"},
    {"kind": "garbage"},
    {"kind": "unauthorized"},
    {"kind": "slow", "seconds": 1.0},
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault["kind"]))
def test_trouble_at_the_server_is_silence_after_one_attempt(
    server: Server, fault: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completing, "LIMIT_SECONDS", 0.3)
    server.simulator.control("clear_requests")
    server.simulator.control("fault", endpoint="*", count=None, **fault)
    assert offered(server, "list --application ") == {}
    assert len(server.simulator.state()["requests"]) <= 1


@pytest.mark.parametrize("key", ["wrong", "w" * 70])
def test_a_wrong_key_and_a_server_that_is_away_are_silence(server: Server, key: str) -> None:
    assert offered(server, "list --application ", key=key) == {}
    assert offered(server, "list --endpoint http://127.0.0.1:1 --application ") == {}


def test_the_program_itself_ends_in_time_where_no_name_server_answers() -> None:
    # Takes as long as an interpreter's start: that the process ends is what is tested.
    program = (
        "import socket, sys, time\n"
        "sys.argv = ['dokploy-deployments']\n"
        "socket.getaddrinfo = lambda *_, **__: time.sleep(60)\n"
        "from pulumi_dokploy_deployments.cli import completing, start\n"
        "completing.LIMIT_SECONDS = 0.6\n"
        "start.main()\n"
    )
    asked = {
        "_DOKPLOY_DEPLOYMENTS_COMPLETE": "complete_bash",
        "COMP_WORDS": "dokploy-deployments list --application ",
        "COMP_CWORD": "3",
        "DOKPLOY_ENDPOINT": "https://dokploy.example.com",
        "DOKPLOY_API_KEY": "k" * 70,
    }
    began = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **asked}, capture_output=True, text=True, check=True
    )
    assert (ran.stdout.strip(), ran.stderr) == ("", "")
    assert time.monotonic() - began < 30
