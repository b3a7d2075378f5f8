"""The TypeScript example type-checks against the SDK that the engine generates from schema.json."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.harness import MakeWorkspace

REPOSITORY = Path(__file__).parent.parent.parent
EXAMPLE = REPOSITORY / "examples" / "typescript"
NO_GENERATOR = ("no language plugin 'pulumi-language-nodejs' found", "GeneratePackage not implemented")


@pytest.mark.timeout(400)
def test_the_typescript_example_type_checks(make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    # Slow: npm installs TypeScript and Pulumi's SDK.
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm")
    program, made = tmp_path / "program", tmp_path / "sdk"
    generated = make_workspace("").run(
        "package", "gen-sdk", str(REPOSITORY / "schema.json"), "--language", "nodejs", "--local", "--out", str(made)
    )
    if any(words in generated.output for words in NO_GENERATOR):
        pytest.skip("the engine here has no Node.js language host that generates SDKs")
    generated.expect_ok()

    shutil.copytree(EXAMPLE, program, ignore=shutil.ignore_patterns("node_modules", "sdks"))
    shutil.copytree(made / "nodejs", program / "sdks" / "dokploy-deployments")
    for command in (["install", "--no-audit", "--no-fund"], ["run", "check"]):
        run = subprocess.run([npm, *command], cwd=program, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr
