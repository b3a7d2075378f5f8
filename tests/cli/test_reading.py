"""list, queue, logs, candidates: for people, for scripts, for members, and for ids that are wrong."""

from __future__ import annotations

import json
import re

import pytest

from .conftest import Server

READS = ["application", "compose", "versions", "postgres", "server", "all", "services", "queue", "candidates", "logs"]


def arguments_of(server: Server, read: str) -> list[str]:
    application = server.application("ok")
    return {
        "application": ["list", "--application", application],
        "compose": ["list", "--compose", server.compose("ok")],
        "versions": ["list", "--application", application, "--versions"],
        "postgres": ["list", "--postgres", server.database("postgres")],
        "server": ["list", "--server", server.simulator.ready["servers"]["remote"]],
        "all": ["list"],
        "services": ["services"],
        "queue": ["queue"],
        "candidates": ["candidates", "--application", application],
        "logs": ["logs", server.deployed("ok")] if read == "logs" else [],
    }[read]


@pytest.mark.parametrize("read", READS)
def test_each_read_runs_for_people_and_for_scripts(server: Server, read: str) -> None:
    arguments = arguments_of(server, read)
    people, scripts = server.run(*arguments), server.run(*arguments, "--json")
    assert (people.code, scripts.code) == (0, 0)
    assert people.out.strip()
    assert (people.err, scripts.err) == ("", "")
    assert isinstance(scripts.json, dict)
    assert "\x1b" not in people.out, "no colour where nobody looks"


def test_the_table_of_a_service_has_status_title_age_and_duration(server: Server) -> None:
    identity = server.deployed("ok")
    answer = server.run("list", "--application", server.application("ok"), "--limit", "1", "--versions")
    head, _, line = answer.out.splitlines()[:3]
    assert head.split() == ["deployment", "status", "title", "commit", "version", "started", "took"]
    assert line.startswith(identity)
    assert "done" in line
    assert "ago" in line or "just now" in line
    assert line.rstrip().endswith(" s")
    assert "v" in line.split("good commit on main")[1]


def test_people_at_a_terminal_get_colours_and_scripts_never_do(server: Server) -> None:
    server.deployed("ok")
    colourful = server.run("list", "--limit", "1", FORCE_COLOR="1", COLUMNS="120", TERM="xterm-256color")
    assert "\x1b[32mdone" in colourful.out
    assert "\x1b" not in server.run("list", "--limit", "1", "--json", FORCE_COLOR="1", TERM="xterm-256color").out
    assert "\x1b[32m" not in server.run("list", FORCE_COLOR="1", NO_COLOR="1", TERM="xterm-256color").out


def test_what_is_piped_is_never_cut(server: Server) -> None:
    server.run("deploy", "--application", server.application("docker"), "--title", "t" * 300, "--wait-for", "done")
    ids = [row["deployment_id"] for row in server.run("list", "--json").json["deployments"]]
    lines = server.run("list", COLUMNS="20").out.splitlines()[2:]
    assert [line.split()[0] for line in lines] == ids


def test_a_remote_server_s_services_are_listed_with_it(server: Server) -> None:
    identity = server.deployed("remote")
    rows = server.run("list", "--server", server.simulator.ready["servers"]["remote"], "--json").json["deployments"]
    assert identity in [row["deployment_id"] for row in rows]
    assert {row["service_name"] for row in rows} == {"remote"}


def test_filters_are_the_core_s(server: Server) -> None:
    server.deployed("broken")
    rows = server.run("list", "--status", "error", "--since", "1h", "--limit", "1", "--json").json["deployments"]
    assert [row["status"] for row in rows] == ["error"]
    assert server.run("list", "--since", "2100-01-01", "--json").json == {"deployments": []}


def test_a_service_without_deployments_and_an_empty_queue_are_said_in_words(fresh_server: Server) -> None:
    assert fresh_server.run("list", "--application", fresh_server.application("git")).out == "No deployments.\n"
    assert fresh_server.run("queue").out == "The queue is empty.\n"
    candidates = fresh_server.run("candidates", "--compose", fresh_server.compose("ok"))
    assert "nothing to go back to" in candidates.out
    database = fresh_server.run("list", "--mongo", fresh_server.database("mongo"))
    assert "the mongo exists" in database.out


def test_the_queue_shows_what_runs_and_what_waits_with_the_jobs_before_it(server: Server) -> None:
    other = server.application("other")
    with server.long_build("git"):
        server.post("application.deploy", applicationId=other, title="waits behind it")
        jobs = server.run("queue", "--json").json["jobs"]
        table = server.run("queue", "--application", other).out.splitlines()
        server.post("application.cleanQueues", applicationId=other)
    assert [(job["state"], job["jobs_ahead"]) for job in jobs] == [("active", None), ("waiting", 1)]
    assert jobs[1]["service_id"] == other
    assert jobs[1]["queued_at"] is not None
    assert jobs[1]["started_at"] is None
    assert jobs[1]["service_path"].startswith("/dashboard/")
    assert table[0].split()[:3] == ["job", "state", "service"]
    assert len(table) == 3
    assert "waits behind it" in table[2]


@pytest.mark.parametrize("key", ["member", "no_docker"])
@pytest.mark.parametrize("read", ["application", "compose", "versions", "postgres", "candidates"])
def test_members_see_what_is_theirs_and_are_told_about_the_rest(server: Server, key: str, read: str) -> None:
    answer = server.run(*arguments_of(server, read), key=key)
    if key == "no_docker":
        assert answer.code == 0, "this one has access to every service"
        return
    assert answer.code == 3
    assert "Settings → Users" in answer.err
    assert answer.out == ""


def test_members_see_the_whole_queue_and_only_their_own_history(server: Server) -> None:
    assert server.run("list", "--json", key="member").json == {"deployments": []}
    assert server.run("queue", "--json", key="member").code == 0


@pytest.mark.parametrize(
    "option", ["application", "compose", "postgres", "mysql", "mariadb", "mongo", "redis", "server"]
)
def test_an_unknown_id_is_an_error_for_every_kind(server: Server, option: str) -> None:
    answer = server.run("list", f"--{option}", "no-such-id", "--json")
    assert answer.code == 2
    assert answer.json["error"]["type"] == ("UnknownId" if option == "server" else "UnknownName")
    assert "no-such-id" in answer.err


OF_ANOTHER_KIND = [
    ("compose", "application", "is an application, and not a compose."),
    ("application", "compose", "is a compose, and not an application."),
    ("redis", "application", "is an application, and not a redis."),
    ("application", "database", "is a redis, and not an application."),
]


@pytest.mark.parametrize(
    ("command", "option", "kind", "words"),
    [
        (command, *case)
        for case in OF_ANOTHER_KIND
        for command in ("list", "candidates", "doctor")
        # Only `list` has options for databases.
        if command == "list" or case[0] != "redis"
    ],
)
def test_an_id_of_another_kind_is_told_as_what_it_is(
    server: Server, command: str, option: str, kind: str, words: str
) -> None:
    ids = {
        "application": server.application("ok"),
        "compose": server.compose("ok"),
        "database": server.database("redis"),
    }
    answer = server.run(command, f"--{option}", ids[kind])
    assert answer.code == (1 if command == "doctor" else 2)
    assert words in answer.err + answer.out


def test_a_log_has_its_end_and_its_stage(server: Server) -> None:
    identity = server.deployed("broken")
    whole = server.run("logs", identity, "--json").json
    assert (whole["is_complete"], whole["stage"]) == (True, "failed")
    last = server.run("logs", identity, "--tail", "1").out
    assert last.startswith("Error occurred ❌")
    assert server.run("logs", "no-such-id").code == 2
    assert server.run("logs", identity, "--tail", "0").code == 2
    assert server.run("logs", identity, key="member").code == 3


def test_a_queue_without_the_service_s_jobs_is_not_called_empty(server: Server) -> None:
    idle = ("--application", server.application("docker"))
    with server.long_build("git"):
        answer = server.run("queue", *idle)
        waiting = server.run("queue", "--state", "waiting")
        none = server.run("queue", *idle, "--json")
    of = f"of the application {server.application('docker')}"
    assert answer.out == f"The queue has no job {of}, but 1 other.\n"
    assert waiting.out == "The queue has no such job, but 1 other.\n"
    assert none.json == {"jobs": []}


def test_a_short_fault_at_the_first_requests_is_no_error(server: Server, hurried: None) -> None:
    deployed = server.deployed("ok")
    application = ("--application", server.application("ok"))
    for endpoint, command in {
        "application.one": ("deploy", *application, "--wait-for", "none"),
        "deployment.all": ("list", *application),
        "deployment.allByType": ("candidates", *application),
        "deployment.queueList": ("queue",),
        "deployment.readLogs": ("logs", deployed),
        "deployment.allCentralized": ("watch", deployed),
    }.items():
        server.simulator.control("fault", kind="http_error", endpoint=endpoint, status=502, count=2)
        assert server.run(*command).code == 0, endpoint
        server.simulator.control("clear_faults")


def test_following_a_log_shows_all_of_it_and_ends_with_the_deployment(server: Server) -> None:
    # Takes as long as a slow build: that it is followed to its end is what is tested.
    identity = server.started("slow")
    followed = server.run("logs", identity, "--follow")
    whole = server.run("logs", identity, "--tail", "10000").out
    assert followed.code == 0
    assert [line for line in followed.out.splitlines() if line] == [line for line in whole.splitlines() if line]
    assert followed.err == "The deployment is over: done.\n"
    finished = server.run("logs", identity, "--follow", "--json").events
    assert finished[-1]["event"] == "end"
    assert {event["event"] for event in finished[:-1]} == {"log"}


def test_a_wrong_key_and_a_server_that_is_down_are_3_and_one_paragraph(server: Server, hurried: None) -> None:
    wrong = server.run("list", DOKPLOY_API_KEY="wrong")
    down = server.run("list", "--endpoint", "http://127.0.0.1:1")
    for answer in (wrong, down):
        assert answer.code == 3
        assert answer.out == ""
        assert len(answer.err.splitlines()) == 1
        assert "Traceback" not in answer.err
        assert "pulumi" not in answer.err
    told = server.run("list", "--json", "--endpoint", "http://127.0.0.1:1").json["error"]
    assert (told["type"], told["exit_code"]) == ("ConnectionFailed", 3)


def test_json_times_are_iso_in_utc(server: Server) -> None:
    server.deployed("ok")
    text = server.run("list", "--limit", "1", "--json").out
    assert json.loads(text)["deployments"][0]["created_at"].endswith("Z")


def test_services_are_listed_with_ids_and_what_they_are_set_to_and_filtered(server: Server) -> None:
    answer = server.run("services", "--type", "application", "--project", "demo")
    head, _, *lines = answer.out.splitlines()
    assert head.split() == ["service", "type", "id", "project", "environment", "status", "image", "or", "git", "ref"]
    ok = next(line.split() for line in lines if line.startswith("ok "))
    assert ok[:5] == ["ok", "application", server.application("ok"), "demo", "production"]
    listed = server.run("services", "--type", "redis", "--environment", "production", "--json").json["services"]
    assert [one["redis_id"] for one in listed] == [server.database("redis")]
    assert server.run("services", "--project", "nowhere").out == "No such services.\n"
    assert server.run("services", "--type", "lambda").code == 2


def test_one_service_by_its_name_is_told_with_its_page_and_a_slip_suggests(server: Server) -> None:
    (found,) = server.run("services", "demo/docker", "--json").json["services"]
    assert found["application_id"] == server.application("docker")
    assert f"/services/application/{found['service_id']}" in found["url"]
    ambiguous = server.run("services", "ok")
    assert ambiguous.code == 2
    assert server.application("ok") in ambiguous.err
    assert server.compose("ok") in ambiguous.err
    slip = server.run("services", "brokn", "--type", "application")
    assert slip.code == 2
    assert f"Did you mean demo/production/broken (application, id {server.application('broken')})" in slip.err


@pytest.mark.parametrize("command", ["list", "candidates", "queue", "doctor", "watch", "logs", "rollback", "kill"])
@pytest.mark.parametrize("named", ["name", "path", "address"])
def test_a_name_or_an_address_does_wherever_an_id_does(server: Server, command: str, named: str) -> None:
    identity = server.application("ok")
    text = {"name": "ok", "path": "demo/ok", "address": f"https://x.example/p/services/application/{identity}?tab=logs"}
    more = {
        "list": ["--versions"],
        "logs": ["--container"],
        "rollback": ["--version", "1", "--dry-run"],
        "kill": ["--yes"],
        "watch": ["--no-health"],
    }.get(command, [])
    option = "--waiting-of-application" if command == "kill" else "--application"
    by_id, by_name = (server.run(command, option, service, *more) for service in (identity, text[named]))
    assert by_name.code == by_id.code
    assert _without_times(by_name.out + by_name.err) == _without_times(by_id.out + by_id.err)


def _without_times(text: str) -> str:
    return re.sub(r"\d+ \w+ ago|just now|\(\d+ ms\)|[ ─]+", " ", text)


@pytest.mark.parametrize("command", ["list", "candidates", "queue", "doctor", "watch"])
def test_a_slip_in_a_name_is_answered_with_the_service_that_is_meant(server: Server, command: str) -> None:
    answer = server.run(command, "--application", "brokn")
    assert answer.code == (1 if command == "doctor" else 2)
    assert f"demo/production/broken (application, id {server.application('broken')})" in answer.out + answer.err


def test_a_deployment_starts_by_the_service_s_name(server: Server) -> None:
    answer = server.run("deploy", "--application", "demo/other", "--wait-for", "none", "--json")
    assert answer.code == 0
    assert answer.events[-1]["deployment"]["service_id"] == server.application("other")
