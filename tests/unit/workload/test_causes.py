"""What Docker's words mean: the exit code, the cause, how it is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pulumi_dokploy_deployments.workload.causes import exit_code_of, next_step_of, words_for
from pulumi_dokploy_deployments.workload.model import Unit
from pulumi_dokploy_deployments.workload.verdict import NextStep
from tests.unit.workload.sights import container, task


@pytest.mark.parametrize(
    ("unit", "code"),
    [
        (container("web", "exited", exit_code=3), 3),
        (container("web", exit_code=3), 3),
        (container("web", "exited", exit_code=0), 0),
        (container("web", "restarting", exit_code=0), 0),
        (task("a", "complete", exit_code=0), 0),
        (container("web", exit_code=0), None),
        (container("web", "created", exit_code=0), None),
        (container("web", "exited"), None),
        (task("a", "failed", error="task: non-zero exit (7)"), 7),
        (task("a", "failed", error="task: non-zero exit (7)", exit_code=0), 7),
        (task("a", "failed", error="task: non-zero exit (7)", exit_code=9), 9),
        (task("a", "failed", error="no such image"), None),
    ],
)
def test_the_exit_code_is_what_is_known_of_it(unit: Unit, code: int | None) -> None:
    assert exit_code_of(unit) == code


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        (container("web", "exited", exit_code=3), "exit code 3"),
        (container("web", "exited", exit_code=3, error="OCI runtime"), "exit code 3: OCI runtime"),
        (task("a", "failed", exit_code=7, error="task: non-zero exit (7)"), "task: non-zero exit (7)"),
        (task("a", "rejected", error="No such image: x"), "No such image: x"),
        (
            container("web", "exited", exit_code=137, is_out_of_memory=True),
            "killed because memory ran out (exit code 137)",
        ),
        (container("web", "exited", is_out_of_memory=True), "killed because memory ran out"),
        (container("web"), ""),
    ],
)
def test_an_ending_is_told_with_its_code_once(unit: Unit, words: str) -> None:
    assert words_for(unit) == words


@pytest.mark.parametrize(
    ("unit", "step"),
    [
        (container("web", "exited", exit_code=137), NextStep.OUT_OF_MEMORY),
        (container("web", "exited", exit_code=0), NextStep.RESTART_POLICY),
        (container("web", "exited", exit_code=1), NextStep.EXIT_CODE),
        (task("a", "failed"), NextStep.EXIT_CODE),
        (container("web"), NextStep.NONE),
        (task("a", "rejected", error="No such image: x"), NextStep.IMAGE),
        (task("a", "pending", error="no suitable node (1 node not available)"), NextStep.PLACEMENT),
        (container("web", "created", error="Bind for 0.0.0.0:80: port is already allocated"), NextStep.PORT),
        (replace(task("a", "failed"), error="task: unhealthy container"), NextStep.HEALTH_CHECK),
    ],
)
def test_the_next_step_follows_from_the_cause(unit: Unit, step: NextStep) -> None:
    assert next_step_of(unit) is step
