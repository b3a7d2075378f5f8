"""`logs --container`: what the containers of a service wrote, for every kind of service and on every server."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from functools import partial

import pytest

from pulumi_dokploy_deployments.simulator.server import Options
from tests.support.simulator_thread import simulator_thread

from .conftest import BUILD_SECONDS, Server

WORDS = ["starting", "FATAL: cannot reach db:5432"]


@pytest.fixture(scope="module")
def crashing() -> Iterator[Server]:
    """A server on which an application and a compose crash again and again, and say why."""
    with simulator_thread(Options(build_seconds=BUILD_SECONDS)) as running:
        yield _with_crashes(Server(running))


@pytest.fixture(scope="module")
def older() -> Iterator[Server]:
    """The same on a release that has no call to read containers' logs: there is only the WebSocket."""
    with simulator_thread(Options(build_seconds=BUILD_SECONDS, server_version="v0.28.3")) as running:
        yield _with_crashes(Server(running))


def _with_crashes(server: Server) -> Server:
    server.run("deploy", "--application", server.application("fatal"), "--wait-for", "done", "--no-log")
    server.run("deploy", "--compose", server.compose("crash"), "--wait-for", "done", "--no-log")
    return server


def fatal(server: Server) -> list[str]:
    return ["logs", "--container", "--application", server.application("fatal")]


def crash(server: Server) -> list[str]:
    return ["logs", "--container", "--compose", server.compose("crash")]


def test_the_lines_of_an_application_come_without_their_stamps_and_in_order(crashing: Server) -> None:
    crashing.until(lambda: WORDS[1] in crashing.run(*fatal(crashing)).out)
    lines = crashing.run(*fatal(crashing)).out.splitlines()
    assert lines[:2] == WORDS
    assert crashing.run(*fatal(crashing), "--tail", "1").out.splitlines() == [WORDS[1]]


def test_scripts_get_one_document_with_the_times(crashing: Server) -> None:
    crashing.until(lambda: WORDS[1] in crashing.run(*fatal(crashing)).out)
    told = crashing.run(*fatal(crashing), "--json").json
    assert told["service"] == "fatal"
    assert [line["line"] for line in told["lines"][:2]] == WORDS
    assert [line["at"] for line in told["lines"]] == sorted(line["at"] for line in told["lines"])
    assert told["lines"][0]["at"].endswith("Z")


def test_the_lines_of_a_compose_say_whose_they_are(crashing: Server) -> None:
    crashing.until(lambda: WORDS[1] in crashing.run(*crash(crashing)).out)
    lines = crashing.run(*crash(crashing), "--json").json["lines"]
    assert {(line["source"], line["line"]) for line in lines} == {("web", words) for words in WORDS}
    assert f"web | {WORDS[1]}" in crashing.run(*crash(crashing)).out.splitlines()


def test_a_deployment_s_id_names_its_service(crashing: Server) -> None:
    crashing.until(lambda: WORDS[1] in crashing.run(*fatal(crashing)).out)
    listed = crashing.run("list", "--application", crashing.application("fatal"), "--json").json["deployments"]
    assert WORDS[1] in crashing.run("logs", listed[0]["deployment_id"], "--container").out


def test_a_crash_is_explained_by_the_task_before_the_one_that_has_written_nothing_yet() -> None:
    with simulator_thread(Options(build_seconds=BUILD_SECONDS)) as running:
        server = Server(running)
        services = {
            "ok": ("--application", server.application("ok")),
            "compose:stack": ("--compose", server.compose("stack")),
        }
        for name, service in services.items():
            running.control(
                "set_behaviour", service=name, runtime="exits", exit_after=1.0, last_words=["FATAL: the disk is full"]
            )
            server.run("deploy", *service, "--wait-for", "done", "--no-log")
        for name, service in services.items():
            server.until(partial(_one_runs_after_another, server, name))
            assert "FATAL: the disk is full" in server.run("logs", "--container", *service).out

        running.control("fault", kind="websocket_refused", endpoint="docker-container-logs", status=403, count=None)
        server.until(partial(_one_runs_after_another, server, "ok"))
        without_a_websocket = server.run("logs", "--container", *services["ok"])
        assert without_a_websocket.code == 0, without_a_websocket.err


def test_a_task_that_an_update_has_put_down_is_not_asked_why(
    fresh_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = ("--application", fresh_server.application("ok"))
    for _ in range(2):
        fresh_server.run("deploy", *application, "--wait-for", "done", "--no-log")
    fresh_server.until(partial(_states_are, fresh_server, "ok", ["running", "shutdown"]))

    async def refuse(*_: object, **__: object) -> str:
        raise AssertionError("a WebSocket was opened")

    monkeypatch.setattr("pulumi_dokploy_deployments.cli.container_log.read_stream", refuse)
    assert fresh_server.run("logs", "--container", *application).code == 0


def _one_runs_after_another(server: Server, service: str) -> bool:
    return _states_are(server, service, ["running", "failed"])


def _states_are(server: Server, service: str, newest_first: list[str]) -> bool:
    for name, swarm_service in server.simulator.state()["services"].items():
        if name.startswith(service.removeprefix("compose:")):
            states = [task["state"] for task in swarm_service["tasks"]]
            if states[:2] == newest_first:
                return True
    return False


def test_a_server_without_the_call_is_read_by_its_websocket(older: Server) -> None:
    older.until(lambda: WORDS[1] in older.run(*fatal(older)).out)


@pytest.mark.parametrize("command", [fatal, crash])
def test_following_shows_what_comes_and_ends_with_ctrl_c(crashing: Server, command: object) -> None:
    assert callable(command)
    process = crashing.process(*command(crashing), "--follow", "--json")
    assert process.stdout is not None
    seen = [json.loads(process.stdout.readline()) for _ in range(4)]
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert {event["event"] for event in seen} == {"log"}
    assert {event["line"] for event in seen} == set(WORDS)
    assert json.loads(out.splitlines()[-1])["error"]["type"] == "Interrupted"
    assert process.returncode == 130
    assert "Traceback" not in err


def test_a_service_that_wrote_nothing_or_has_no_container_is_said(crashing: Server) -> None:
    for arguments in (["--application", crashing.application("ok")], ["--postgres", crashing.database("postgres")]):
        answer = crashing.run("logs", "--container", *arguments)
        assert (answer.code, answer.out) == (0, "")
        assert "have written nothing, or there are none" in answer.err


def test_what_can_not_be_shown_is_an_error(crashing: Server) -> None:
    application = crashing.application("fatal")
    assert crashing.run(*fatal(crashing), key="member").code == 3
    assert crashing.run("logs", "--container", "--application", "no-such-id").code == 2
    assert crashing.run("logs", "--container", "--application", application, "--tail", "0").code == 2
    many = crashing.run("logs", "--application", application)
    assert (many.code, many.err.startswith("A service has many build logs.")) == (2, True)
    assert crashing.run("logs", "--container").code == 2
