"""How scripts/demo.py judges its steps; the steps themselves run in `make demo`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import demo
import pytest

from pulumi_dokploy_deployments.simulator.process import SimulatorProcess

UP = ("pulumi", "up", "--yes")


def step(*, succeeds: bool = True, words: tuple[str, ...] = (), commands: int = 1) -> demo.Step:
    return demo.Step("Title", "Tells.", (UP,) * commands, succeeds=succeeds, words=words)


def outcome(exit_code: int, output: str = "") -> demo.Outcome:
    return demo.Outcome(exit_code, output, 1.0)


def a_demo(folder: Path) -> demo.Demo:
    simulator = cast("SimulatorProcess", SimpleNamespace(api_key="k3y", ready={"secrets": ["pl4nted"]}))
    return demo.Demo(simulator, folder, Path("/engine/bin"))


@pytest.mark.parametrize(
    ("announced", "came", "complaint"),
    [
        (step(), outcome(1), "should have succeeded"),
        (step(succeeds=False), outcome(0), "should have failed"),
        (step(words=("2 created",)), outcome(0, "1 created"), "does not say '2 created'"),
        (step(succeeds=False), outcome(1, "Traceback (most recent call last):"), "a Python traceback"),
    ],
)
def test_what_is_not_as_announced_is_named(announced: demo.Step, came: demo.Outcome, complaint: str) -> None:
    (found,) = demo.complaints(announced, [came])

    assert complaint in found


def test_what_is_as_announced_gives_no_complaint() -> None:
    assert demo.complaints(step(words=("2 created",)), [outcome(0, "+ 2 created")]) == []
    assert demo.complaints(step(succeeds=False), [outcome(255, "error: the build failed")]) == []


def test_a_failed_command_on_the_way_is_named() -> None:
    assert demo.complaints(step(commands=2), [outcome(1), outcome(0)]) == ["'pulumi up --yes' ended with exit code 1"]


def test_the_key_is_found_in_files_and_output(tmp_path: Path) -> None:
    play = a_demo(tmp_path)
    assert play.leaks() == []

    (tmp_path / "state.json").write_text('{"apiKey": "k3y"}')
    play.transcript.append("x-api-key: k3y")

    (tmp_path / "log").write_text("password pl4nted")

    assert sorted(play.leaks()) == ["log", "state.json", "the printed output"]


def test_the_deployments_id_is_read_from_the_state(tmp_path: Path) -> None:
    play = a_demo(tmp_path)
    assert play.deployment_id() == ""

    stacks = play.state / ".pulumi" / "stacks" / "quickstart"
    stacks.mkdir(parents=True)
    resources = [
        {"type": "pulumi:pulumi:Stack"},
        {"type": "pulumi-python:dynamic/dokploy:Deployment", "id": "dep-1"},
    ]
    (stacks / "demo.json").write_text(json.dumps({"checkpoint": {"latest": {"resources": resources}}}))
    assert play.deployment_id() == "dep-1"

    (stacks / "demo.json").write_text(json.dumps({"checkpoint": {"latest": {}}}))
    assert play.deployment_id() == ""


def test_the_example_may_name_a_virtualenv_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("runtime:\n  name: python\n  options:\n    virtualenv: venv\n")

    demo.lend_virtualenv(tmp_path)

    assert (tmp_path / "venv").readlink() == Path(sys.prefix)


def test_the_story_has_every_verdict_that_users_ask_for() -> None:
    titles = [each.title for each in demo.STEPS]

    assert len(set(titles)) == len(titles)
    assert [each.title for each in demo.STEPS if not each.succeeds] == [
        "A build that breaks",
        "A container that crashes",
    ]
    assert titles[-1] == "Destroy"
