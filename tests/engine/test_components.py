"""Resources inside components, nested and alone, on both hosts: they deploy, and live lines are on their own row."""

from __future__ import annotations

import json

import pytest

from tests.support.harness import MakeWorkspace, Run, Simulator, Workspace

HOSTS = {
    "dynamic": "import pulumi_dokploy_deployments as dokploy",
    "plugin": "from pulumi_dokploy_deployments import plugin as dokploy",
}

PROGRAM = """
import pulumi
{line}

config = pulumi.Config()


class Inner(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("shop:index:Inner", name, None, opts)
        here = pulumi.ResourceOptions(parent=self)
        self.web = dokploy.Deployment(
            name, application_id=config.require("app"), triggers=[config.require("release")], wait_for="done", opts=here
        )
        self.pin = None
        if config.get_bool("pin"):
            self.pin = dokploy.RollbackTarget(
                f"{{name}}-pin",
                application_id=config.require("app"),
                version=1,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[self.web]),
            )
        self.register_outputs({{"deployment": self.web.deployment_id}})


class Outer(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("shop:index:Outer", name, None, opts)
        self.inner = Inner(f"{{name}}-web", pulumi.ResourceOptions(parent=self))
        self.other = dokploy.Deployment(
            f"{{name}}-other",
            application_id=config.require("other"),
            wait_for="done",
            opts=pulumi.ResourceOptions(parent=self{aliases}),
        )
        self.register_outputs({{}})


shop = Outer("shop"{options})
pulumi.export("deployment", shop.inner.web.deployment_id)
if shop.inner.pin is not None:
    pulumi.export("holds", shop.inner.pin.holds)
"""


def program(host: str, aliases: str = "", options: str = "") -> str:
    return PROGRAM.format(line=HOSTS[host], aliases=aliases, options=options)


def workspace_of(make_workspace: MakeWorkspace, simulator: Simulator, text: str) -> Workspace:
    return make_workspace(
        text,
        config={
            **simulator.config,
            "app": simulator.applications["ok"],
            "other": simulator.applications["docker"],
            "release": "1",
        },
        secrets=simulator.secrets,
    )


def rows(run: Run, urn: str) -> list[str]:
    """The lines of an up that the engine showed on the row of this resource, from its events."""
    told: list[str] = []
    for line in run.stdout.splitlines():
        event = json.loads(line) if line.startswith("{") else {}
        diagnostic = event.get("diagnosticEvent") or {}
        if diagnostic.get("urn") == urn:
            told.append(diagnostic["message"])
    return told


@pytest.mark.parametrize("host", HOSTS)
def test_resources_in_nested_components_deploy_pin_and_show_their_lines_on_their_own_row(
    make_workspace: MakeWorkspace, simulator: Simulator, host: str
) -> None:
    # Slow: three deployments, a rollback with its health window, and seven commands of the engine, on each host.
    workspace = workspace_of(make_workspace, simulator, program(host))

    workspace.preview().expect_ok("create").expect_without("circular")
    first = workspace.run("up", "--yes", "--skip-preview", "--json")
    assert first.exit_code == 0, first.report("expected success")
    web = next(found for found in workspace.resources(":Deployment") if found["urn"].endswith("::shop-web"))
    assert "shop:index:Outer$shop:index:Inner$" in web["urn"]
    if host == "dynamic":
        assert web["outputs"]["declared_as"] == web["urn"]
    assert any("Step 1/3" in line for line in rows(first, web["urn"])), first.report("no live line on the row")
    workspace.up().expect_ok("unchanged").expect_without("updated", "created")
    workspace.refresh().expect_ok("unchanged").expect_without("updated")
    assert len(simulator.requests("application.deploy")) == 2

    workspace.config("release", "2")
    workspace.config("pin", "true")
    workspace.up().expect_ok("1 updated", "1 created")
    assert workspace.outputs()["holds"] is True
    workspace.destroy().expect_ok("deleted")


def test_a_provider_given_to_a_component_serves_the_plugin_s_resources_in_it(
    make_workspace: MakeWorkspace, simulator: Simulator
) -> None:
    # Slow: two deployments, and three commands of the engine.
    options = """, pulumi.ResourceOptions(providers=[
    dokploy.Provider("explicit", endpoint=config.require("endpoint"), api_key=config.require_secret("key"))
])"""
    workspace = make_workspace(
        program("plugin", options=options),
        config={
            "endpoint": simulator.endpoint,
            "app": simulator.applications["ok"],
            "other": simulator.applications["docker"],
            "release": "1",
        },
        secrets={"key": simulator.api_key},
    )

    workspace.up().expect_ok()
    providers = {found["provider"].split("::")[-2] for found in workspace.resources(":Deployment")}
    assert providers == {"explicit"}
    workspace.up().expect_ok("unchanged").expect_without("updated", "created")


BEFORE = """
import pulumi
{line}

config = pulumi.Config()
dokploy.Deployment("shop-other", application_id=config.require("other"), wait_for="done")
"""


@pytest.mark.parametrize("host", HOSTS)
def test_a_resource_that_moves_into_a_component_by_an_alias_is_not_deployed_again(
    make_workspace: MakeWorkspace, simulator: Simulator, host: str
) -> None:
    # Slow: two deployments, and three commands of the engine, on each host.
    workspace = workspace_of(make_workspace, simulator, BEFORE.format(line=HOSTS[host]))
    workspace.up().expect_ok()
    aliases = ", aliases=[pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)]"
    workspace.rewrite(program(host, aliases))
    workspace.up().expect_ok().expect_without("deleted", "updated", "replaced")
    assert len(simulator.requests("application.deploy")) == 2, "one for the moved resource, one for the new one"


TRIGGERS = """
import datetime
import pulumi
import pulumi_dokploy_deployments as dokploy

config = pulumi.Config()
later = pulumi.Output.from_input("x").apply(lambda _: {value})
dokploy.Deployment("web", application_id=config.require("app"), triggers={{"when": {direct}, "set": {{"b", "a"}}}})
"""


def test_triggers_of_any_sensible_type_preview_and_others_are_told_in_one_paragraph(
    make_workspace: MakeWorkspace, simulator: Simulator
) -> None:
    # Slow: three commands of the engine.
    good = TRIGGERS.format(value="datetime.date(2026, 1, 2)", direct="[later, datetime.datetime(2026, 1, 2)]")
    workspace = workspace_of(make_workspace, simulator, good)
    workspace.preview().expect_ok("create")
    for bad in (
        TRIGGERS.format(value="None", direct='b"abc"'),
        TRIGGERS.format(value='b"abc"', direct="later"),
    ):
        workspace.rewrite(bad)
        workspace.preview().expect_failure("triggers.when is of the type bytes").expect_no_traceback().expect_without(
            'File "'
        )


def test_two_deployments_of_one_service_in_a_program_are_warned_of(
    make_workspace: MakeWorkspace, simulator: Simulator
) -> None:
    # Slow: a command of the engine.
    text = BEFORE.format(line=HOSTS["dynamic"])
    workspace = workspace_of(make_workspace, simulator, text + text.splitlines()[-1].replace("shop-other", "again"))
    workspace.preview().expect_ok("with 2 resources: ", "shop-other", "again")
