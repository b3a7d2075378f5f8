"""The workflows are well-formed, ask for no more rights than they need, and run what exists."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.support.pages import ROOT, blocks, pages
from tests.unit.release.pyproject import PROJECT

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
SETTINGS = [*sorted(GITHUB.rglob("*.yml")), ROOT / ".pre-commit-config.yaml"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
PINNED = re.compile(r"[\w.-]+/[\w./-]+@(v\d+(\.\d+)*|[0-9a-f]{40})")
MOST_MINUTES = 60
SYSTEMS = {"ubuntu-latest", "macos-latest", "windows-latest"}


def workflow(name: str) -> dict[str, Any]:
    loaded = yaml.safe_load((GITHUB / "workflows" / name).read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


JOBS = [(path.name, name, job) for path in WORKFLOWS for name, job in workflow(path.name)["jobs"].items()]
STEPS = [(f"{file}:{name}", step) for file, name, job in JOBS for step in job["steps"]]
COMMANDS = [(place, step["run"]) for place, step in STEPS if "run" in step]


def permissions(given: dict[str, Any]) -> set[tuple[str, str]]:
    return set((given.get("permissions") or {}).items())


def named_targets() -> Iterator[tuple[str, str]]:
    for place, command in COMMANDS:
        for target in re.findall(r"(?:^|&& |; )make ([a-z-]+)", command, re.MULTILINE):
            yield place, target


def test_there_are_the_three_workflows_that_the_docs_name() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "release.yml", "weekly.yml"]


@pytest.mark.parametrize("path", SETTINGS, ids=lambda path: path.name)
def test_every_file_of_settings_is_a_yaml_mapping(path: Path) -> None:
    assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)


@pytest.mark.parametrize(("file", "name", "job"), JOBS, ids=lambda part: part if isinstance(part, str) else "")
def test_every_job_has_a_machine_a_limit_and_steps_and_needs_jobs_that_exist(
    file: str, name: str, job: dict[str, Any]
) -> None:
    assert job["runs-on"] in {*SYSTEMS, "${{ matrix.os }}"}
    assert 0 < job["timeout-minutes"] <= MOST_MINUTES
    assert job["steps"]
    needs = job.get("needs", [])
    assert set(needs) <= set(workflow(file)["jobs"]) - {name}
    for step in job["steps"]:
        assert ("run" in step) != ("uses" in step), "a step either runs a command or uses an action"


@pytest.mark.parametrize(("place", "step"), STEPS, ids=lambda part: part if isinstance(part, str) else "")
def test_every_action_is_pinned_to_a_tag_or_a_commit(place: str, step: dict[str, Any]) -> None:
    if "uses" in step:
        assert PINNED.fullmatch(step["uses"]), f"{place} uses {step['uses']}"


@pytest.mark.parametrize(("place", "step"), STEPS, ids=lambda part: part if isinstance(part, str) else "")
def test_no_checkout_leaves_its_credentials_to_what_runs_after_it(place: str, step: dict[str, Any]) -> None:
    if str(step.get("uses", "")).startswith("actions/checkout@"):
        assert step["with"]["persist-credentials"] is False, place


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_only_read_and_a_job_says_what_it_needs_beyond(path: Path) -> None:
    assert permissions(workflow(path.name)) == {("contents", "read")}


def test_only_the_jobs_that_publish_may_do_more_than_read() -> None:
    more = {(file, name): permissions(job) for file, name, job in JOBS if permissions(job)}
    assert more == {
        ("release.yml", "publish"): {("id-token", "write")},
        ("release.yml", "plugin"): {("contents", "write")},
    }


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_workflow_holds_a_secret_or_runs_with_the_rights_of_a_fork_s_target(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "secrets." not in text, "there is none that is needed: publishing is trusted"
    assert "pull_request_target" not in text


@pytest.mark.parametrize(("place", "command"), COMMANDS, ids=[place for place, _ in COMMANDS])
def test_no_command_is_put_together_from_an_expression(place: str, command: str) -> None:
    # What somebody else wrote, such as a branch's name, would be run by the shell; variables are not.
    assert "${{" not in command, place


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is what parses the commands")
@pytest.mark.parametrize(("place", "command"), COMMANDS, ids=[place for place, _ in COMMANDS])
def test_every_command_is_one_that_a_shell_can_parse(place: str, command: str) -> None:
    parsed = subprocess.run(["bash", "-n"], input=command, capture_output=True, text=True, check=False)
    assert parsed.returncode == 0, f"{place}: {parsed.stderr}"


def test_every_make_target_that_is_run_exists() -> None:
    named = list(named_targets())
    assert {"check", "engine-test", "lowest", "release-check", "test"} <= {target for _, target in named}
    assert [(place, target) for place, target in named if target not in TARGETS] == []


@pytest.mark.parametrize(("place", "command"), COMMANDS, ids=[place for place, _ in COMMANDS])
def test_every_folder_of_tests_that_is_named_exists(place: str, command: str) -> None:
    for name in re.findall(r"\b(?:tests|scripts)/[\w/.-]+", command):
        assert (ROOT / name).exists(), f"{place} names {name}"


def test_the_tests_run_on_every_python_and_system_that_the_package_claims() -> None:
    matrix = workflow("ci.yml")["jobs"]["tests"]["strategy"]["matrix"]
    claimed = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert matrix["python"] == claimed
    assert set(matrix["os"]) == SYSTEMS
    assert f">={claimed[0]}" == PROJECT["requires-python"]


def test_the_lowest_versions_are_tested_with_the_oldest_python() -> None:
    oldest = PROJECT["requires-python"].removeprefix(">=")
    for name in ("ci.yml", "weekly.yml"):
        steps = workflow(name)["jobs"]["lowest"]["steps"]
        assert oldest in [step["with"]["python-version"] for step in steps if "python-version" in step.get("with", {})]


def test_one_job_stands_for_all_of_them() -> None:
    jobs = workflow("ci.yml")["jobs"]
    assert set(jobs["all"]["needs"]) == set(jobs) - {"all"}


def test_nothing_is_published_before_everything_is_checked() -> None:
    jobs = workflow("release.yml")["jobs"]
    assert set(jobs["publish"]["needs"]) == {"tests", "build"}
    assert jobs["publish"]["environment"] == "pypi"
    assert jobs["plugin"]["needs"] == ["publish"]


def test_what_was_checked_is_what_is_published() -> None:
    jobs = workflow("release.yml")["jobs"]
    assert [step["run"] for step in jobs["build"]["steps"] if "run" in step] == [
        'make release-check TAG="$GITHUB_REF_NAME"'
    ]
    assert all("run" not in step for step in jobs["publish"]["steps"]), "it only takes the files and hands them on"


def test_hooks_run_the_tools_of_the_checkout() -> None:
    [repository] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        tool = hook["entry"].split()[0].removeprefix(".venv/bin/")
        assert f"$(BIN)/{tool}" in MAKEFILE, "make check runs the same one"


@pytest.mark.parametrize(
    "block",
    [block for page in pages() for block in blocks(page) if block.language == "yaml"],
    ids=lambda block: block.page,
)
def test_every_yaml_block_of_the_docs_is_yaml(block: Any) -> None:
    assert yaml.safe_load(block.text)
