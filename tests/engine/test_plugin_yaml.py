"""A YAML program on the plugin: the whole life of a deployment on the real engine."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tests.support.harness import MakeWorkspace, Simulator, Workspace

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "yaml"


def yaml_workspace(
    make_workspace: MakeWorkspace, simulator: Simulator, application: str = "ok", program: Path | str = EXAMPLE
) -> Workspace:
    """The YAML example on a simulated server."""
    return make_workspace(
        program,
        config={
            "applicationId": simulator.applications[application],
            "dokploy-deployments:endpoint": simulator.endpoint,
        },
        secrets={"dokploy-deployments:apiKey": simulator.api_key},
    )


def the_deployment(workspace: Workspace) -> dict[str, Any]:
    [found] = workspace.resources(":Deployment")
    return found


def deploys(simulator: Simulator) -> int:
    return len(simulator.requests("application.deploy"))


def test_a_deployment_lives_from_up_to_destroy(make_workspace: MakeWorkspace, simulator: Simulator) -> None:
    # Slow: eight commands of the engine, three deployments with their health windows.
    workspace = yaml_workspace(make_workspace, simulator)

    workspace.preview().expect_ok("2 to create")
    assert deploys(simulator) == 0

    workspace.up().expect_ok("2 created", "Step 1/3")
    outputs = workspace.outputs()
    assert (outputs["status"], outputs["health"]) == ("done", "healthy")
    assert [row["deploymentId"] for row in outputs["history"]] == [outputs["deploymentId"]]
    assert the_deployment(workspace)["id"] == f"application/{simulator.applications['ok']}/{outputs['deploymentId']}"

    workspace.up().expect_ok("2 unchanged")
    assert deploys(simulator) == 1

    workspace.config("release", "2")
    workspace.preview("--diff").expect_ok("~ release", "1 => 2")
    workspace.up().expect_ok("1 updated")
    assert deploys(simulator) == 2

    workspace.refresh().expect_ok("2 unchanged")
    for hidden in simulator.hidden:
        assert hidden not in workspace.state_text()

    workspace.destroy().expect_ok("2 deleted")
    assert workspace.resources() == []


def test_a_failed_deployment_keeps_its_state_and_the_next_up_goes_on(
    make_workspace: MakeWorkspace, simulator: Simulator
) -> None:
    # Slow: a failing and a fixed deployment with its health window.
    workspace = yaml_workspace(make_workspace, simulator, "broken")

    failed = workspace.up().expect_failure('The deployment of application "broken" failed', "non-zero code: 7")
    failed.expect_without("Traceback", 'File "')
    kept = the_deployment(workspace)
    assert kept["outputs"]["status"] == "error"
    assert kept["outputs"]["deploymentId"] in kept["id"]
    assert kept["inputs"]["triggers"] == {"release": 1}
    assert len(kept["initErrors"]) == 1

    simulator.control("push_commit", service="broken", message="fix: fixed")
    simulator.control("set_behaviour", service="broken", build="ok")
    workspace.up().expect_ok("1 updated")
    fixed = the_deployment(workspace)
    assert "initErrors" not in fixed
    assert fixed["id"] == kept["id"]
    assert fixed["outputs"]["status"] == "done"
    assert fixed["outputs"]["deploymentId"] != kept["outputs"]["deploymentId"]
    assert (kept["outputs"]["run"]["left_as"], fixed["outputs"]["run"]["left_as"]) == ("failed", None)
    workspace.up().expect_ok("2 unchanged")
    assert deploys(simulator) == 2


def test_a_failed_deployment_can_be_given_up(make_workspace: MakeWorkspace, simulator: Simulator) -> None:
    # Slow: a failing deployment and two commands of the engine.
    workspace = yaml_workspace(make_workspace, simulator, "broken")
    workspace.up().expect_failure()

    workspace.destroy().expect_ok("2 deleted")


def test_what_was_deployed_by_hand_is_imported_without_sending_anything(
    make_workspace: MakeWorkspace, simulator: Simulator
) -> None:
    # Slow: a deployment, and five commands of the engine.
    first = yaml_workspace(make_workspace, simulator)
    first.up().expect_ok()
    identity = the_deployment(first)["id"]
    service = identity.rpartition("/")[0]

    second = yaml_workspace(make_workspace, simulator)
    second.run(
        "import", "--yes", "--skip-preview", "dokploy-deployments:index:Deployment", "web", f"{service}/latest"
    ).expect_ok("1 imported")
    imported = the_deployment(second)
    assert imported["id"] == identity
    assert imported["inputs"] == {"applicationId": simulator.applications["ok"]}
    assert imported["outputs"]["status"] == "done"
    assert deploys(simulator) == 1

    second.up().expect_ok("1 updated")
    second.up().expect_ok("2 unchanged")
    assert deploys(simulator) == 1
    second.config("release", "2")
    second.up().expect_ok("1 updated")
    assert deploys(simulator) == 2

    refused = second.run("import", "--yes", "--skip-preview", "dokploy-deployments:index:Deployment", "no", "nonsense")
    refused.expect_failure("'nonsense' is not an id that can be imported", "application/<application id>")
    missing = f"{service}/not-there"
    second.run(
        "import", "--yes", "--skip-preview", "dokploy-deployments:index:Deployment", "no", missing
    ).expect_failure("does not exist")


def test_custom_timeouts_win_and_the_deployment_is_taken_up_again(
    make_workspace: MakeWorkspace, start_simulator: Any
) -> None:
    # Slow: waits for a deadline of two seconds and then for a build of six.
    simulator = start_simulator(slow_seconds=6.0)
    workspace = yaml_workspace(make_workspace, simulator, "slow")
    program = workspace.folder / "Pulumi.yaml"
    program.write_text(program.read_text().replace("create: 20m", "create: 2s"))

    started = time.monotonic()
    workspace.up().expect_failure("did not finish within 2 s", "the server keeps working on it")
    assert time.monotonic() - started < 15
    assert the_deployment(workspace)["outputs"]["status"] == "running"

    workspace.up().expect_ok("1 updated")
    assert the_deployment(workspace)["outputs"]["status"] == "done"
    assert deploys(simulator) == 1


def test_bad_inputs_are_told_by_the_schema_s_names(make_workspace: MakeWorkspace, simulator: Simulator) -> None:
    workspace = yaml_workspace(make_workspace, simulator)
    program = workspace.folder / "Pulumi.yaml"
    given = "      applicationId: ${applicationId}\n      triggers"
    program.write_text(program.read_text().replace(given, f"      waitFor: soon\n{given}"))

    workspace.preview().expect_failure("waitFor", "'soon' is not a value of waitFor").expect_without("Traceback")


def test_a_service_that_is_not_there_fails_the_preview(make_workspace: MakeWorkspace, simulator: Simulator) -> None:
    workspace = yaml_workspace(make_workspace, simulator)
    workspace.config("applicationId", "gone")

    workspace.preview().expect_failure("has no application with the name or id 'gone'").expect_without("Traceback")


def test_a_missing_key_says_how_to_set_it(make_workspace: MakeWorkspace, simulator: Simulator) -> None:
    workspace = make_workspace(
        EXAMPLE, config={"applicationId": "any", "dokploy-deployments:endpoint": simulator.endpoint}
    )

    workspace.preview().expect_failure("pulumi config set --secret dokploy-deployments:apiKey", "DOKPLOY_API_KEY")


def test_address_and_key_may_come_from_the_environment(make_workspace: MakeWorkspace, simulator: Simulator) -> None:
    workspace = make_workspace(
        EXAMPLE,
        config={"applicationId": simulator.applications["ok"]},
        environment={"DOKPLOY_ENDPOINT": simulator.endpoint, "DOKPLOY_API_KEY": simulator.api_key},
    )

    workspace.preview().expect_ok("2 to create")
    assert simulator.api_key not in workspace.state_text()
