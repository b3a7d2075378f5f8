"""deploy, watch, rollback, kill, remove, simulate: what they do, what they say, and how they end."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.cli.session import Session

from .conftest import Answer, Server


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sits there and can answer."""
    monkeypatch.setattr(Session, "has_person", property(lambda self: not self.is_json))


# --- deploy --------------------------------------------------------------------------------------------------


def deploy(server: Server, name: str, *options: str) -> Answer:
    return server.run("deploy", "--application", server.application(name), *options)


def test_a_deployment_ends_with_what_became_of_it_and_the_log_runs_along(server: Server) -> None:
    answer = deploy(server, "ok", "--wait-for", "done")
    assert answer.code == 0
    first, stages, link = answer.out.splitlines()
    assert first.startswith("ok: done after ")
    assert "feat: good commit on main" in first
    assert stages.startswith("stages: ")
    assert {"clone", "build", "push", "update"} <= set(stages.replace("·", " ").split())
    assert link.startswith(f"{server.endpoint}/dashboard/project/")
    assert "✅ Docker build completed." in answer.err.splitlines()
    assert "Docker build" not in deploy(server, "ok", "--wait-for", "done", "--no-log").err


def test_healthy_means_that_the_new_version_was_seen_to_run(server: Server) -> None:
    # Takes the five seconds for which the new tasks must stay up.
    end = deploy(server, "docker", "--json").events[-1]
    assert (end["event"], end["succeeded"], end["health"], end["stage"]) == ("end", True, "healthy", "done")


def test_a_failed_deployment_is_1_with_the_log_s_end_and_what_to_do(server: Server) -> None:
    answer = deploy(server, "broken", "--no-log")
    assert answer.code == 1
    assert answer.out == ""
    assert "Error occurred ❌" in answer.err
    assert answer.err.rstrip().endswith("Fix the error shown in the log, then run the same command again.")
    assert "Traceback" not in answer.err
    error = deploy(server, "broken", "--json").events[-1]["error"]
    assert (error["type"], error["exit_code"], error["deployment"]["status"]) == ("DeploymentFailed", 1, "error")
    assert error["log_tail"]


def test_a_version_that_crashes_is_1_although_dokploy_calls_it_done(server: Server) -> None:
    # Takes as long as Swarm's own rollback in the simulator.
    answer = deploy(server, "crash", "--no-log")
    assert answer.code == 1
    assert "the new version does not run" in answer.err


def test_a_database_is_deployed_within_the_request(server: Server) -> None:
    answer = server.run("deploy", "--postgres", server.database("postgres"), "--wait-for", "done")
    assert (answer.code, answer.out.splitlines()[0]) == (0, "postgres: deployed")


def test_a_busy_service_can_be_left_alone_and_a_deadline_is_4(server: Server) -> None:
    with server.long_build("git"):
        busy = deploy(server, "git", "--on-busy", "fail")
        late = deploy(server, "git", "--timeout", "1", "--no-log")
    assert busy.code == 5
    assert "nothing was started" in busy.err
    assert "set --on-busy to queue or supersede" in busy.err
    assert late.code == 4
    assert "the server keeps working on it" in late.err
    assert "--timeout" in late.err


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["deploy", "--application", "{git}", "--no-log"], "The server goes on with the deployment (last seen: "),
        (["watch", "--application", "{git}"], "goes on at the server"),
        (["logs", "--follow", "{running}"], "The deployment goes on: dokploy-deployments watch "),
    ],
)
def test_ctrl_c_ends_at_once_and_says_what_still_runs(server: Server, command: list[str], words: str) -> None:
    with server.long_build("git") as running:
        values = {"git": server.application("git"), "running": running}
        process = server.process(*(part.format(**values) for part in command))
        assert process.stdout is not None
        assert process.stderr is not None
        stream = process.stdout if command[0] == "logs" else process.stderr
        before = [stream.readline() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=10)
        assert server.run("list", "--status", "running", "--json").json["deployments"], "the server was not told"
    assert process.returncode == 130
    assert "Interrupted. " in rest
    assert words in rest
    assert "Traceback" not in rest
    assert all(before)


def test_ctrl_c_after_the_question_says_that_the_server_may_have_been_told(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = server.deployed("ok")

    async def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(DokployClient, "remove_deployment", interrupted)
    before = server.run("list", "--json").json
    answer = server.run("remove", identity, "--yes")
    assert (answer.code, answer.err.count("\n")) == (130, 1)
    assert answer.err.startswith("Interrupted. The server may have removed the deployment")
    assert server.run("list", "--json").json == before


def test_the_last_line_of_a_good_run_says_what_was_proven(server: Server) -> None:
    # Takes the second for which the new tasks must stay up.
    answer = deploy(server, "docker", "--stable-seconds", "1", "--no-log")
    assert answer.code == 0
    assert re.fullmatch(r"healthy: docker \(1 task of \S+\) stayed up for 1 s · .* s", answer.out.splitlines()[-1])
    assert "staying" not in answer.err.splitlines()[-1]


def test_an_image_is_set_deployed_and_seen_to_run(server: Server) -> None:
    answer = deploy(server, "docker", "--image", "127.0.0.1:5055/reg/shop:1", "--stable-seconds", "1", "--no-log")
    assert answer.code == 0
    assert "(1 task of shop:1) stayed up" in answer.out.splitlines()[-1]


def test_a_failure_can_ask_for_what_ran_before(server: Server) -> None:
    answer = deploy(server, "broken", "--on-failure", "rollback", "--json")
    error = answer.events[-1]["error"]
    assert (answer.code, error["type"]) == (1, "RolledBack")
    assert "It could not be rolled back: none of its tasks is running" in error["message"]


def test_what_can_not_be_proven_can_be_a_failure(server: Server) -> None:
    arguments = ("deploy", "--application", server.application("docker"), "--no-log")
    warned = server.run(*arguments, key="no_docker")
    failed = server.run(*arguments, "--if-unproven", "fail", key="no_docker")
    assert (warned.code, failed.code) == (0, 1)
    assert warned.out.splitlines()[-1].startswith("unknown: docker: ")
    assert "or set --if-unproven to warn" in failed.err


def test_a_ci_s_page_gets_a_summary_and_its_log_a_section(server: Server, tmp_path: Path) -> None:
    page = tmp_path / "summary.md"
    there = {"GITHUB_STEP_SUMMARY": str(page), "GITLAB_CI": "true"}
    application = ("--application", server.application("ok"), "--wait-for", "done")
    good = server.run("deploy", *application, **there)
    server.run("deploy", "--application", server.application("broken"), **there)
    first, second = page.read_text().split("### ")[1:]
    assert first.startswith("✅ ok: done\n")
    assert "| commit | a9b66a0353 |" in first
    assert second.startswith("❌ broken: failed\n")
    assert "Error occurred ❌" in second
    assert good.err.startswith("section_start:")
    assert good.err.rstrip("\n").endswith(":dokploy_deployment\r\x1b[0K")
    quiet = server.run("deploy", *application, **there, DOKPLOY_CI_OUTPUT="off")
    assert "section_" not in quiet.err
    assert page.read_text().count("### ") == 2
    assert "section_" not in server.run("deploy", *application, "--json", **there).err


# --- watch ---------------------------------------------------------------------------------------------------


def test_watching_tells_stage_times_and_the_rest_and_how_it_ended(fresh_server: Server) -> None:
    server = fresh_server  # what is usual goes by the builds before
    # Takes as long as two slow builds: watching one is what is tested, also on a machine that is busy.
    server.simulator.control("set_behaviour", service=server.application("slow"), build_seconds=3.0)
    server.deployed("slow")
    server.started("slow")
    events = server.run("watch", "--application", server.application("slow"), "--no-health", "--json").events
    statuses = [event for event in events if event["event"] == "status"]
    assert "build" in {event["stage"] for event in statuses}
    assert statuses[-1]["usual_seconds"] is not None
    assert abs(statuses[-1]["usual_seconds"] - statuses[-1]["elapsed_seconds"] - statuses[-1]["rest_seconds"]) < 0.2
    end = events[-1]
    assert (end["event"], end["succeeded"], end["deployment"]["status"]) == ("end", True, "done")
    assert end["stages"]["build"] > 0


def test_watching_follows_what_waits_first(server: Server) -> None:
    other = server.application("other")
    with server.long_build("git") as running:
        server.post("application.deploy", applicationId=other, title="waits")
        watching = server.process("watch", "--application", other, "--no-health")
        assert watching.stderr is not None
        assert watching.stderr.readline() == "other · waiting in the queue (1 ahead)\n"
        server.until_it_builds(running)
        server.post("application.killBuild", applicationId=server.application("git"))
        out, _ = watching.communicate(timeout=20)
        assert server.run("watch", running).code == 1, "that one was killed"
    assert watching.returncode == 0
    assert out.startswith("other: done after ")


def test_a_waiting_deployment_that_is_dropped_is_told_as_that(server: Server) -> None:
    # Takes the eight seconds that a row is given to come up.
    other = server.application("other")
    with server.long_build("git"):
        server.post("application.deploy", applicationId=other)
        watching = server.process("watch", "--application", other)
        assert watching.stderr is not None
        watching.stderr.readline()
        server.post("application.cleanQueues", applicationId=other)
        _, err = watching.communicate(timeout=20)
    assert watching.returncode == 1
    assert "neither in the queue nor in the history" in err


def test_nothing_to_watch_is_0_and_a_finished_one_ends_as_it_ended(server: Server) -> None:
    good, bad = server.deployed("ok"), server.deployed("broken")
    idle = server.run("watch", "--application", server.application("ok"))
    assert (idle.code, idle.out) == (0, "Nothing of ok waits or runs.\n")
    assert server.run("watch", good).code == 0
    failed = server.run("watch", bad)
    assert failed.code == 1
    assert bad in failed.err
    assert server.run("watch", "no-such-id").code == 2
    assert server.run("watch", good, key="member").code == 2, "to a member it is not there"


def test_nothing_to_watch_is_no_success_for_scripts(server: Server) -> None:
    idle = server.run("watch", "--application", server.application("docker"), "--json")
    assert idle.json["succeeded"] is None
    assert idle.json["deployment"] is None


def test_watching_can_wait_for_a_deployment_to_begin(server: Server) -> None:
    ok = server.application("ok")
    never = server.run("watch", "--application", ok, "--wait-to-begin", "0.5")
    assert never.code == 4
    assert "No deployment of ok began within 0.5 s." in never.err
    watching = server.process("watch", "--application", ok, "--no-health", "--wait-to-begin", "20")
    assert watching.stderr is not None
    assert watching.stderr.readline() == "ok · waiting for a deployment to begin\n"
    server.post("application.deploy", applicationId=ok)
    out, _ = watching.communicate(timeout=20)
    assert watching.returncode == 0
    assert out.startswith("ok: done after ")


def test_a_time_out_in_the_health_check_tells_its_reason_and_the_container_s_last_words(server: Server) -> None:
    # Takes the four seconds that it is given.
    fatal = server.application("fatal")
    watching = server.process("watch", "--application", fatal, "--wait-to-begin", "20", "--timeout", "4", "--json")
    assert watching.stdout is not None
    assert json.loads(watching.stdout.readline())["status"] == "waiting for a deployment to begin"
    server.post("application.deploy", applicationId=fatal)
    out, err = watching.communicate(timeout=20)
    error = json.loads(out.splitlines()[-1])["error"]
    assert watching.returncode == 4
    assert "the health check has not passed" in error["reason"]
    assert error["last_words"][-1] == "FATAL: cannot reach db:5432"
    assert error["log_tail"] == []
    assert "The build log ends with" not in err
    assert "The container wrote last:\n    " in err


# --- rollback ------------------------------------------------------------------------------------------------


def test_a_rollback_is_shown_first_then_done_and_proven(server: Server) -> None:
    # Takes the five seconds for which the version must stay up.
    server.deployed("ok")
    server.deployed("ok")
    application = ["--application", server.application("ok")]
    candidates = server.run("candidates", *application, "--only-working", "--json").json["candidates"]
    older = str(candidates[1]["version"])
    shown = server.run("rollback", *application, "--version", older, "--dry-run")
    assert shown.out.startswith(f"Would bring back version {older} (commit ")
    assert server.run("rollback", *application, "--previous", "1", "--dry-run", "--json").json["rolled_back"] is False
    done = server.run("rollback", *application, "--version", older)
    assert done.code == 0
    assert done.out.startswith(f"ok runs version {older} (")
    assert f":v{older} (before: " in done.out
    assert done.out.splitlines()[-1].startswith("healthy: ok (1 task of ")
    assert f" stayed up for 5 s · version {older} · " in done.out.splitlines()[-1]


@pytest.mark.parametrize(
    "selector", [["--version", "999"], ["--commit", "ffffffff"], ["--deployment", "x"], ["--rollback-id", "x"]]
)
def test_a_version_that_is_not_there_is_2_with_those_that_are(server: Server, selector: list[str]) -> None:
    server.deployed("ok")
    answer = server.run("rollback", "--application", server.application("ok"), *selector)
    assert answer.code == 2
    assert "version  deployment" in answer.err


# --- kill and remove -----------------------------------------------------------------------------------------


def test_kill_says_truthfully_that_the_server_can_not_and_hits_nobody_else(server: Server) -> None:
    with server.long_build("git") as running:
        server.simulator.control("clear_requests")
        asked = server.run("kill", running)
        refused = server.run("kill", running, "--yes")
        called = [str(request["path"]) for request in server.simulator.state()["requests"]]
        still = server.run("list", "--status", "running", "--json").json["deployments"]
    assert asked.code == 6
    assert "Give --yes" in asked.err
    assert refused.code == 5
    assert "can't kill this deployment of git, which goes on: Deployment is not running." in refused.err
    assert "--every-build-on-the-host" in refused.err
    assert [row["deployment_id"] for row in still] == [running]
    assert not [path for path in called if "killBuild" in path]


def test_each_of_these_commands_is_one_json_document(server: Server) -> None:
    application = ("--application", server.application("ok"))
    server.deployed("ok")
    with server.long_build("git") as running:
        refused = server.run("kill", running, "--yes", "--json")
    assert (refused.code, refused.json["error"]["has_ended"], refused.json["error"]["status"]) == (5, False, "running")
    # Takes the five seconds for which the version must stay up.
    done = server.run("rollback", *application, "--previous", "1", "--json")
    assert (done.code, done.json["rolled_back"], done.json["warnings"]) == (0, True, [])
    assert server.run("rollback", *application, "--version", "999", "--json").json["error"]["exit_code"] == 2


def test_every_build_is_killed_only_when_asked_for_by_name(server: Server) -> None:
    with server.long_build("git") as running:
        server.until_it_builds(running)
        asked = server.run("kill", running, "--every-build-on-the-host")
        done = server.run("kill", running, "--every-build-on-the-host", "--yes", "--json")
    assert asked.code == 6
    assert "Kill EVERY docker build" in asked.err
    assert done.code == 0
    assert (done.json["status"], done.json["has_ended"]) == ("error", True)


def test_what_waits_is_dropped_and_what_runs_goes_on(server: Server) -> None:
    application = server.application("git")
    with server.long_build("git") as running:
        server.post("application.deploy", applicationId=application, title="waits")
        answer = server.run("kill", "--waiting-of-application", application, "--yes", "--json")
        again = server.run("kill", "--waiting-of-application", application, "--yes")
        jobs = server.run("queue", "--json").json["jobs"]
        still = server.run("list", "--status", "running", "--json").json["deployments"]
    assert len(answer.json["dropped"]) == 1
    assert answer.json["still_waiting"] == []
    assert (again.code, [job["state"] for job in jobs]) == (5, ["active"])
    assert [row["deployment_id"] for row in still] == [running]


def test_a_finished_deployment_is_not_killed(server: Server) -> None:
    answer = server.run("kill", server.deployed("ok"), "--yes")
    assert answer.code == 5
    assert "does not run: its status is done" in answer.err


def test_remove_asks_and_says_what_is_lost(server: Server, person: None) -> None:
    identity = server.deployed("ok")
    declined = server.run("remove", identity, stdin="n\n")
    assert declined.code == 6
    assert "can't be rolled back to any more" in declined.err
    assert "Removed" not in declined.out
    accepted = server.run("remove", identity, stdin="y\n")
    assert accepted.code == 0
    assert accepted.out.endswith(f"Removed the deployment {identity} of ok from the history.\n")
    assert server.run("remove", identity, "--yes").code == 2


def test_a_running_deployment_is_removed_with_the_warning_that_it_goes_on(server: Server) -> None:
    with server.long_build("git") as running:
        asked = server.run("remove", running)
        done = server.run("remove", running, "--yes")
        jobs = server.run("queue", "--json").json["jobs"]
    assert "removing does not stop it" in asked.err
    assert done.code == 0
    assert "the server goes on with it" in done.err
    assert [job["state"] for job in jobs] == ["active"]


@pytest.mark.parametrize("command", ["kill", "remove"])
def test_members_and_unknown_ids(server: Server, command: str) -> None:
    assert server.run(command, "no-such-id", "--yes").code == 2
    assert server.run(command, server.deployed("ok"), "--yes", key="member").code == 2


@pytest.mark.parametrize(("answer", "code"), [("y\n", 5), ("n\n", 6), ("", 130)])
def test_a_person_is_asked_before_anything_is_killed(server: Server, person: None, answer: str, code: int) -> None:
    with server.long_build("git") as running:
        assert server.run("kill", running, stdin=answer).code == code


# --- simulate ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_json", [True, False])
def test_a_simulated_server_can_be_used_and_ends_with_ctrl_c(as_json: bool) -> None:
    # Takes as long as the start of two interpreters.
    program = "from pulumi_dokploy_deployments.cli.start import main; main()"
    command = [sys.executable, "-c", program, "simulate", *(["--json"] if as_json else [])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        if as_json:
            endpoint = json.loads(first)["endpoint"]
        else:
            assert first.startswith("A simulated Dokploy runs.")
            endpoint = process.stdout.readline().strip().removeprefix("export DOKPLOY_ENDPOINT=")
        assert httpx.get(f"{endpoint}/api/health").json() == {"ok": True}
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_the_simulated_server_can_be_an_older_one_or_the_cloud() -> None:
    # Takes as long as the start of two interpreters.
    program = "from pulumi_dokploy_deployments.cli.start import main; main()"
    options = ["--server-version", "v0.28.3", "--cloud", "--json"]
    process = subprocess.Popen([sys.executable, "-c", program, "simulate", *options], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        headers = {"x-api-key": ready["api_key"]}
        version = httpx.get(f"{ready['endpoint']}/api/settings.getDokployVersion", headers=headers).json()
        query = {"applicationId": ready["applications"]["ok"]}
        ok = httpx.get(f"{ready['endpoint']}/api/application.one", params=query, headers=headers).json()
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
    assert version == "v0.28.3"
    assert ok["serverId"], "on the cloud every service is on a remote server"
