"""How the engine finds the plugin, and that its schema is one: each documented way that can be run here."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.support.harness import MakeWorkspace, Simulator

pytestmark = pytest.mark.own_interpreters

REPOSITORY = Path(__file__).parent.parent.parent
EXECUTABLE = Path(sys.executable).parent / "pulumi-resource-dokploy-deployments"
SCHEMA = REPOSITORY / "schema.json"
NOTICE = "using pulumi-resource-dokploy-deployments from $PATH"


def with_plugin_at(program: Path, place: Path) -> None:
    """Name a folder as the plugin's in a project."""
    program.write_text(
        program.read_text() + f"plugins:\n  providers:\n    - name: dokploy-deployments\n      path: {place}\n"
    )


@pytest.mark.parametrize("place", ["virtual environment", "plugin folder"])
def test_the_engine_takes_the_plugin_from_a_folder_that_the_project_names(
    make_workspace: MakeWorkspace, simulator: Simulator, tmp_path: Path, place: str
) -> None:
    folder = EXECUTABLE.parent
    if place == "plugin folder":
        # What a checkout has at its top: the folder's project file and the program beside it.
        folder = tmp_path / "plugin"
        folder.mkdir()
        for name in ("PulumiPlugin.yaml", "__main__.py"):
            shutil.copy(REPOSITORY / name, folder)
    workspace = make_workspace(
        REPOSITORY / "examples" / "yaml",
        config={
            "applicationId": simulator.applications["ok"],
            "dokploy-deployments:endpoint": simulator.endpoint,
        },
        secrets={"dokploy-deployments:apiKey": simulator.api_key},
    )
    with_plugin_at(workspace.folder / "Pulumi.yaml", folder)

    workspace.preview().expect_ok("2 to create").expect_without(NOTICE)


def test_the_engine_s_own_checker_finds_nothing_wrong_with_the_schema(make_workspace: MakeWorkspace) -> None:
    checked = make_workspace("").run("schema", "check", str(SCHEMA)).expect_ok()

    assert "error" not in checked.output.lower()
    assert "warning" not in checked.output.lower(), checked.report("expected no warnings")


def test_the_engine_gets_the_schema_from_the_plugin(make_workspace: MakeWorkspace) -> None:
    got = make_workspace("").run("package", "get-schema", str(EXECUTABLE)).expect_ok()

    given, ours = json.loads(got.stdout), json.loads(SCHEMA.read_text())
    assert set(given["resources"]) == set(ours["resources"])
    assert set(given["functions"]) == set(ours["functions"])
    for token, resource in ours["resources"].items():
        assert set(given["resources"][token]["inputProperties"]) == set(resource["inputProperties"])
