"""The guide to releases from CI: its files are read as the CI systems read them, and their commands are run."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from string import Template
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.support.harness import STACK, MakeWorkspace, Simulator, Workspace
from tests.support.pages import ROOT, blocks

GUIDE = ROOT / "docs" / "guides" / "release-from-ci.md"
FILES = [yaml.safe_load(block.text) for block in blocks(GUIDE) if block.language == "yaml"]
FILE = "services:\n  web:\n    image: registry.example.com/shop/web:${TAG}\n    restart: always\n"
CONFIG = {
    "image-release": {"application": "docker"},
    "compose-release": {"compose": "ok"},
    "many-services": {"database": "postgres", "api": "docker", "worker": "ok"},
}
TRIED = {"image-release": slice(0, 2), "compose-release": slice(1, 2), "many-services": slice(0, 1)}
SECONDS = 100.0


@dataclass(frozen=True)
class Job:
    """A job that releases: the commands of its shell, and the variables that its file gives them."""

    commands: tuple[str, ...]
    variables: dict[str, str]
    minutes: int
    waits_for_others: bool


def github(file: dict[Any, Any], tag: str) -> Job:
    """The job of a workflow; YAML takes its `on` for true."""
    assert file[True] == {"push": {"tags": ["v*"]}}
    (job,) = file["jobs"].values()
    (step,) = [step for step in job["steps"] if "pulumi up" in step.get("run", "")]
    assert step["env"].keys() == {"PULUMI_ACCESS_TOKEN", "DOKPLOY_ENDPOINT", "DOKPLOY_API_KEY"}
    variables = {name: value.replace("${{ github.ref_name }}", tag) for name, value in job.get("env", {}).items()}
    commands = tuple(step["run"].strip().splitlines())
    return Job(commands, {**variables, "GITHUB_REF_NAME": tag}, job["timeout-minutes"], "concurrency" in file)


def gitlab(file: dict[str, Any], tag: str) -> Job:
    job = file["release"]
    given = {"CI_COMMIT_TAG": tag, "CI_REGISTRY_IMAGE": "registry.example.com/shop/web"}
    variables = {name: Template(value).substitute(given) for name, value in file.get("variables", {}).items()}
    minutes = int(job["timeout"].removesuffix(" minutes"))
    return Job(tuple(job["script"]), {**variables, **given}, minutes, "resource_group" in job)


def jobs() -> Iterator[tuple[str, str, Job]]:
    for example, on_github, on_gitlab in zip(CONFIG, FILES[::2], FILES[1::2], strict=True):
        yield example, "v1.6.0", github(on_github, "v1.6.0")
        yield example, "v1.7.0", gitlab(on_gitlab, "v1.7.0")


def expanded(job: Job) -> list[str]:
    return [Template(command).safe_substitute(job.variables) for command in job.commands]


def run_in(workspace: Workspace, job: Job) -> str:
    """Run the job's commands in the example's folder, in the shell that a CI would take."""
    script = "\n".join(job.commands).replace("--stack production", f"--stack {STACK}")
    run = subprocess.run(
        ["/bin/sh", "-e", "-c", script],
        cwd=workspace.folder,
        env={**workspace.env, **job.variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert run.returncode == 0, f"{script}\n{run.stdout}\n{run.stderr}"
    return run.stdout


def test_every_job_ends_after_its_deployment_and_none_runs_beside_another() -> None:
    found = list(jobs())
    assert len(found) == 2 * len(CONFIG)
    for _, _, job in found:
        assert job.waits_for_others
        assert job.minutes * 60 > 1800, "the deployment's own deadline comes first"
        assert job.commands[-1] == "pulumi up --yes --skip-preview --stack production"
    for (_, tag, one), (_, other_tag, other) in zip(found[::2], found[1::2], strict=True):
        same = [command.replace(tag, other_tag) for command in expanded(one)]
        assert same == expanded(other), "one release, whichever CI makes it"


@pytest.mark.parametrize("example", CONFIG)
def test_the_commands_release_what_the_tag_names(
    example: str, make_workspace: MakeWorkspace, simulator: Simulator
) -> None:
    composed = {"composeId": simulator.composes["ok"], "composeFile": FILE, "env": "TAG=v1.5.0\n"}
    simulator.call("compose.update", **composed)
    workspace = make_workspace(
        ROOT / "examples" / example,
        environment={"DOKPLOY_ENDPOINT": simulator.endpoint, "DOKPLOY_API_KEY": simulator.api_key},
        config={f"{example}:{name}": value for name, value in CONFIG[example].items()},
    )
    # Both files of the first example, and one of each other: a test above holds them to the same commands.
    tried = [(tag, job) for of, tag, job in jobs() if of == example][TRIED[example]]
    for tag, job in tried:
        said = run_in(workspace, job)
        assert "created" in said or "updated" in said
        assert tag in workspace.state_text()
