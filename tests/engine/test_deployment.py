"""`Deployment` on dynamic resources: the real engine against the simulator.

Each test takes some seconds: the engine starts a provider process for every operation, and `wait_for: healthy` watches
new tasks for five seconds.
"""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

import pytest
from tracebacks import INTERRUPT

from tests.support.harness import MakeWorkspace, Run, Simulator, StartSimulator, Workspace

EXAMPLES = Path(__file__).parents[2] / "examples"
TYPE = ":Deployment"

ONE = """
import pulumi
import pulumi_dokploy_deployments as dokploy

config = pulumi.Config()
web = dokploy.Deployment("web", {arguments})
for name in ("deployment_id", "status", "health", "commit_hash", "title", "superseded_by", "url", "stage"):
    pulumi.export(name, getattr(web, name))
"""


def program(arguments: str) -> str:
    return ONE.format(arguments=arguments)


def triggered(simulator: Simulator) -> int:
    return len(simulator.requests("application.deploy"))


def deploy_by_hand(simulator: Simulator, application_id: str, title: str) -> None:
    """What somebody else does at the same server."""
    simulator.call("application.deploy", applicationId=application_id, title=title)


def assert_readable(run: Run) -> None:
    """One paragraph for a person: no traceback, no Python names."""
    run.expect_no_traceback().expect_without("pulumi_dokploy_deployments.", "httpx")
    if INTERRUPT not in run.output:  # it leaves a traceback of the SDK, with gRPC in it
        run.expect_without("grpc")


@pytest.fixture
def quickstart(make_workspace: MakeWorkspace, simulator: Simulator) -> Workspace:
    config = {**simulator.config, "quickstart:applicationId": simulator.applications["ok"], "quickstart:release": "1"}
    return make_workspace(EXAMPLES / "quickstart", config=config, secrets=simulator.secrets)


def test_the_quickstart_previews_deploys_once_rests_deploys_again_in_place_and_goes(
    quickstart: Workspace, simulator: Simulator
) -> None:
    preview = quickstart.preview().expect_ok("Deployment web create")
    assert triggered(simulator) == 0

    quickstart.up().expect_ok("✅ Docker build completed.")
    first, identity = quickstart.outputs(), quickstart.resources(TYPE)[0]["id"]
    assert (first["status"], first["health"]) == ("done", "healthy")
    assert triggered(simulator) == 1

    sent_before = len(simulator.requests())
    again = quickstart.up().expect_ok("2 unchanged")
    assert len(simulator.requests()) == sent_before, "an unchanged resource sends nothing"

    quickstart.config("quickstart:release", "2")
    changed = quickstart.up().expect_ok("~triggers", "1 updated")
    second = quickstart.outputs()
    assert second["deploymentId"] != first["deploymentId"]
    assert quickstart.resources(TYPE)[0]["id"] == identity
    assert triggered(simulator) == 2

    gone = quickstart.destroy().expect_ok()
    assert triggered(simulator) == 2
    for secret in simulator.hidden:
        assert secret not in quickstart.state_text()
        for run in (preview, again, changed, gone):
            assert secret not in run.output


def test_a_failed_build_fails_the_up_with_the_logs_end_and_the_link(
    quickstart: Workspace, simulator: Simulator
) -> None:
    quickstart.config("quickstart:applicationId", simulator.applications["broken"])
    run = quickstart.up().expect_failure(
        'The deployment of application "broken" failed',
        "returned a non-zero code",
        "❌ Docker build failed",
        "/dashboard/project/",
        "run `pulumi up` again",
    )
    assert_readable(run)


def test_done_with_a_crashing_container_fails_and_says_what_still_runs(
    quickstart: Workspace, simulator: Simulator
) -> None:
    quickstart.config("quickstart:applicationId", simulator.applications["crash"])
    run = quickstart.up().expect_failure(
        "done, but the new version does not run", "non-zero exit (1)", "the earlier version still runs"
    )
    assert_readable(run)


def test_a_failed_update_keeps_the_old_state_and_the_next_up_deploys_again(
    make_workspace: MakeWorkspace, simulator: Simulator
) -> None:
    workspace = make_workspace(
        program('application_id=config.require("app"), triggers=[config.require("release")], wait_for="done"'),
        config={**simulator.config, "app": simulator.applications["ok"], "release": "1"},
        secrets=simulator.secrets,
    )
    workspace.up().expect_ok()
    before = workspace.resources(TYPE)[0]
    simulator.control("set_behaviour", service="ok", build="fails")
    workspace.config("release", "2")
    assert_readable(workspace.up().expect_failure('The deployment of application "ok" failed'))
    assert workspace.resources(TYPE)[0]["outputs"] == before["outputs"]
    simulator.control("set_behaviour", service="ok", build="ok")
    workspace.up().expect_ok("1 updated")
    assert triggered(simulator) == 3


def test_the_built_commit_is_reported_though_the_title_was_overwritten(
    make_workspace: MakeWorkspace, simulator: Simulator
) -> None:
    workspace = make_workspace(
        program('application_id=config.require("app"), title="mine", wait_for="done"'),
        config={**simulator.config, "app": simulator.applications["git"]},
        secrets=simulator.secrets,
    )
    workspace.up().expect_ok()
    outputs = workspace.outputs()
    assert outputs["commit_hash"]
    assert outputs["title"] != "mine"


@pytest.mark.parametrize("kind", ["postgres", "mysql", "mariadb", "mongo", "redis"])
def test_databases_deploy_and_run(make_workspace: MakeWorkspace, simulator: Simulator, kind: str) -> None:
    workspace = make_workspace(
        program(f'{kind}_id=config.require("database"), triggers={{"image": "17"}}'),
        config={**simulator.config, "database": simulator.details["databases"][kind]},
        secrets=simulator.secrets,
    )
    workspace.up().expect_ok()
    outputs = workspace.outputs()
    assert (outputs["status"], outputs["health"], outputs.get("deployment_id")) == ("done", "healthy", None)
    assert len(simulator.requests(f"{kind}.deploy")) == 1


def test_a_compose_deploys_and_its_containers_run(make_workspace: MakeWorkspace, simulator: Simulator) -> None:
    workspace = make_workspace(
        program('compose_id=config.require("compose")'),
        config={**simulator.config, "compose": simulator.composes["ok"]},
        secrets=simulator.secrets,
    )
    workspace.up().expect_ok()
    assert workspace.outputs()["health"] == "healthy"


def test_a_service_that_is_not_known_yet_is_no_failure_of_the_preview(
    make_workspace: MakeWorkspace, simulator: Simulator
) -> None:
    text = """
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

class Later(ResourceProvider):
    def create(self, props):
        return CreateResult("later", props)

class Value(Resource):
    def __init__(self, name, value):
        super().__init__(Later(), name, {"value": value})
""" + program(
        'application_id=Value("id", config.require("app")).value, triggers={"a": [Value("t", "x").value]}, '
        'wait_for="done"'
    )
    workspace = make_workspace(
        text, config={**simulator.config, "app": simulator.applications["ok"]}, secrets=simulator.secrets
    )
    workspace.preview().expect_ok("Deployment web create")
    workspace.up().expect_ok()
    assert triggered(simulator) == 1


BAD_INPUTS = {
    "two services": ('application_id="a", compose_id="b"', "exactly one service, not application_id and compose_id"),
    "no service": ('triggers={"a": 1}', "No service is named"),
    "empty id": ('application_id=""', "application_id is empty"),
    "negative timeout": ('application_id="a", timeout_seconds=-1', "timeout_seconds is -1"),
    "unknown value": ('application_id="a", wait_for="perfect"', "It is one of: healthy, done, none"),
    "unknown service": ('application_id="nobody"', "has no application with the id 'nobody'"),
    "a database's limits": ('postgres_id="p", method="redeploy"', "method does not go with a database"),
    "no commit": ('application_id="a", expect_commit="main"', "expect_commit"),
}


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_bad_inputs_fail_the_preview_in_one_paragraph(
    make_workspace: MakeWorkspace, simulator: Simulator, name: str
) -> None:
    arguments, words = BAD_INPUTS[name]
    workspace = make_workspace(program(arguments), config=simulator.config, secrets=simulator.secrets)
    run = workspace.preview().expect_failure(words)
    assert_readable(run)
    assert triggered(simulator) == 0


BAD_SURROUNDINGS = {
    "no address": ({}, {}, "pulumi config set dokploy:endpoint https://"),
    "no key": ({"dokploy:endpoint": "https://dokploy.example.com"}, {}, "pulumi config set --secret dokploy:apiKey"),
    "server down": ({"dokploy:endpoint": "http://127.0.0.1:9"}, {"dokploy:apiKey": "k"}, "No connection to http://127"),
    "http to a remote host": (
        {"dokploy:endpoint": "http://dokploy.invalid"},
        {"dokploy:apiKey": "k"},
        "The API key travels unencrypted to http://dokploy.invalid",
    ),
    "not an address": ({"dokploy:endpoint": "ftp://x"}, {"dokploy:apiKey": "k"}, "is not a web address"),
}


@pytest.mark.parametrize("name", BAD_SURROUNDINGS)
def test_a_server_that_can_not_be_used_fails_the_preview_and_says_what_to_do(
    make_workspace: MakeWorkspace, name: str
) -> None:
    config, secrets, words = BAD_SURROUNDINGS[name]
    workspace = make_workspace(program('application_id="a"'), config=config, secrets=secrets)
    assert_readable(workspace.preview().expect_failure(words))


def test_a_wrong_key_fails_the_preview_with_its_possible_causes(
    make_workspace: MakeWorkspace, simulator: Simulator
) -> None:
    workspace = make_workspace(
        program('application_id="a"'), config=simulator.config, secrets={"dokploy:apiKey": "wrong-key-of-mine"}
    )
    run = workspace.preview().expect_failure("does not accept the API key", "rate limit")
    run.expect_without("wrong-key-of-mine")
    assert_readable(run)


def test_the_environment_configures_as_well(make_workspace: MakeWorkspace, simulator: Simulator) -> None:
    workspace = make_workspace(
        program(f'application_id="{simulator.applications["ok"]}", wait_for="done"'),
        environment={"DOKPLOY_URL": simulator.endpoint + "/api/", "DOKPLOY_API_KEY": simulator.api_key},
    )
    workspace.up().expect_ok()
    assert simulator.api_key not in workspace.state_text()


def test_refresh_sees_newer_deployments_and_a_pruned_row_is_not_a_deletion(
    make_workspace: MakeWorkspace, simulator: Simulator
) -> None:
    application = simulator.applications["docker"]
    workspace = make_workspace(
        program(f'application_id="{application}", wait_for="done"'), config=simulator.config, secrets=simulator.secrets
    )
    workspace.up().expect_ok()
    deploy_by_hand(simulator, application, "somebody else's")
    workspace.refresh().expect_ok()
    state = workspace.resources(TYPE)[0]["outputs"]
    assert state["superseded_by"]
    assert not state["pruned"]
    for number in range(12):
        deploy_by_hand(simulator, application, f"number {number}")
    _until(lambda: not simulator.state()["queue"])
    workspace.refresh().expect_ok()
    state = workspace.resources(TYPE)[0]["outputs"]
    assert state["pruned"]
    assert state["status"] == "done"


def test_a_busy_service_fails_at_once_when_asked_to(
    make_workspace: MakeWorkspace, start_simulator: StartSimulator
) -> None:
    simulator = start_simulator(slow_seconds=30)
    application = simulator.applications["slow"]
    workspace = make_workspace(
        program(f'application_id="{application}", on_busy="fail"'), config=simulator.config, secrets=simulator.secrets
    )
    deploy_by_hand(simulator, application, "long work")
    run = workspace.up().expect_failure("is busy", "long work", "nothing was started")
    assert_readable(run)
    assert triggered(simulator) == 1


def test_the_deadline_is_the_clients_and_names_the_stage(
    make_workspace: MakeWorkspace, start_simulator: StartSimulator
) -> None:
    simulator = start_simulator(slow_seconds=30)
    workspace = make_workspace(
        program(f'application_id="{simulator.applications["slow"]}", timeout_seconds=2'),
        config=simulator.config,
        secrets=simulator.secrets,
    )
    run = workspace.up().expect_failure("did not finish within 2 s", "in the stage 'build'", "the server keeps working")
    assert_readable(run)


def test_a_server_restart_in_the_middle_is_named(
    make_workspace: MakeWorkspace, start_simulator: StartSimulator
) -> None:
    simulator = start_simulator(slow_seconds=30)
    workspace = make_workspace(
        program(f'application_id="{simulator.applications["slow"]}"'),
        config=simulator.config,
        secrets=simulator.secrets,
    )

    def restart_when_it_runs() -> None:
        _until(lambda: any(row["status"] == "running" for row in simulator.state()["rows"]))
        simulator.control("restart", down_seconds=1.0)

    helper = threading.Thread(target=restart_when_it_runs)
    helper.start()
    run = workspace.up()
    helper.join()
    assert_readable(run.expect_failure("was cancelled: Dokploy was restarted while it ran"))
    assert triggered(simulator) == 1


def test_another_clients_deployment_of_the_same_service_is_never_taken_for_its_own(
    make_workspace: MakeWorkspace, start_simulator: StartSimulator
) -> None:
    """Five repetitions here for the engine's part; tests/faults has fifty with shuffled timing on a virtual clock."""
    simulator = start_simulator(build_seconds=0.15)
    application = simulator.applications["git"]
    workspace = make_workspace(
        program('application_id=config.require("app"), triggers=[config.require("round")], wait_for="done"'),
        config={**simulator.config, "app": application, "round": "0"},
        secrets=simulator.secrets,
    )
    shuffled = random.Random(7)  # noqa: S311 - timing, no secret
    for number in range(5):
        workspace.config("round", str(number + 1))
        seen = triggered(simulator)

        def other_client(before: int = seen, pause: float = shuffled.uniform(0, 0.3), number: int = number) -> None:
            _until(lambda: triggered(simulator) > before)
            time.sleep(pause)
            deploy_by_hand(simulator, application, f"other {number}")

        helper = threading.Thread(target=other_client)
        helper.start()
        deploy_by_hand(simulator, application, f"just before {number}")
        workspace.up().expect_ok()
        helper.join()
        nonce = str(workspace.resources(TYPE)[0]["outputs"]["run"]["nonce"])
        asked = [call for call in simulator.requests("application.deploy") if nonce in str(call["body"])]
        assert len(asked) == 1
        truth = _own_deployment(simulator, nonce)
        assert workspace.outputs()["deployment_id"] == truth


def _own_deployment(simulator: Simulator, nonce: str) -> str:
    """The simulator's own record of which row belongs to which request."""
    asked = simulator.state()["asked"]
    return next(str(identity) for identity, texts in asked.items() if nonce in str(texts["description"]))


def _until(condition: object) -> None:
    """Waits for the other process, at most ten seconds."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if callable(condition) and condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come to that within ten seconds")
