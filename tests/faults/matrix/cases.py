"""One case of the matrix: a fault strikes in a phase, and what was told is held against the simulator's own book."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

import pytest

from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.resources.life_cycle import Unfinished
from pulumi_dokploy_deployments.rollback.by_image import RollbackFailed, RollbackUnproven
from pulumi_dokploy_deployments.rollout.errors import (
    ContactLost,
    DeploymentCancelled,
    DeploymentLost,
    DeploymentStuck,
    DeploymentTimedOut,
    DeploymentUnidentified,
    ServiceUnhealthy,
    TriggerFailed,
)
from pulumi_dokploy_deployments.workload.verdict import Health
from tests.faults.matrix.catalogue import FAULTS, SERVICE, Family, Fault
from tests.faults.matrix.phases import PHASES, TIMEOUT_SECONDS, Phase
from tests.support.bench import Bench

RIGHT = "right"
SLACK_SECONDS = 15.0
"""After the deadline: the last request, and a courtesy or two."""
_FOREIGN_WORDS = re.compile(
    r"Traceback|httpx|httpcore|pydantic|websockets|asyncio|json\.|NoneType|\b\w+(?:Error|Exception)\b|object at 0x"
)
_ENDINGS: dict[type[DokployError], str] = {
    ContactLost: "contact lost",
    DeploymentCancelled: "cancelled",
    DeploymentLost: "lost",
    DeploymentStuck: "stuck",
    DeploymentTimedOut: "timed out",
    DeploymentUnidentified: "unidentified",
    TriggerFailed: "not known",
    RollbackFailed: "not known",
}


@dataclass(frozen=True)
class Case:
    """A fault in a phase, with a version that runs or one that crashes."""

    fault: Fault
    phase: Phase
    crashes: bool

    def __str__(self) -> str:
        return f"{self.fault.name}-{self.phase.name}{'-crash' if self.crashes else ''}"


def cases() -> list[Case]:
    """Every pair that makes sense; the version crashes in every second one that deploys."""
    found = []
    for row, fault in enumerate(FAULTS):
        for column, phase in enumerate(PHASES):
            if fault.family in phase.families and (fault.strikes_after or not phase.after_only):
                found.append(Case(fault, phase, phase.deploys and (row + column) % 2 == 1))
    return found


async def play(case: Case, monkeypatch: pytest.MonkeyPatch) -> str:
    """Play a case; gives its outcome in a word or two.

    Raises:
        AssertionError: a promise was broken.
    """
    # The pauses between retries have a random part.
    random.seed(str(case))
    bench = Bench(monkeypatch, build_seconds=5.0, server_ahead=case.fault.clock_ahead)
    bench.service(SERVICE).behaviour.runtime = "exits" if case.crashes else "healthy"
    error: DokployError | None = None
    health: str | None = None
    began = bench.clock.elapsed
    try:
        health = await case.phase.run(bench, lambda where: case.fault.strike(bench, where))
    except Unfinished as unfinished:
        error = unfinished.error
    except DokployError as failure:
        error = failure
    took = bench.clock.elapsed - began
    assert took < TIMEOUT_SECONDS + SLACK_SECONDS + case.phase.own_seconds, f"{took:.0f} s: {error!r}"
    _expect_clean_words(bench, error)
    twice = [warning for warning in bench.told.warnings if "carried out twice" in warning]
    await _settle(bench)
    _expect_one_run(bench, told_twice=bool(twice) or (error is not None and "twice" in str(error)))
    word = _outcome(case, bench, error, health)
    return f"{word}, told as carried out twice" if twice else word


async def _settle(bench: Bench) -> None:
    """Let come what is still on its way."""
    await bench.clock.sleep(120.0)
    bench.advance()


def _outcome(case: Case, bench: Bench, error: DokployError | None, health: str | None) -> str:
    if error is None:
        if not case.phase.deploys:
            return RIGHT
        if health == Health.UNKNOWN.value and any(
            "newer deployment took its place" in told for told in bench.told.warnings
        ):
            return "superseded"
        assert health == Health.HEALTHY.value, f"exit 0 with health {health}: {bench.told.warnings}"
        assert not case.crashes, "a false green: the version crashes"
        return RIGHT
    if isinstance(error, ServiceUnhealthy | RollbackUnproven):
        assert case.crashes, f"a false red: {error}"
        return RIGHT
    word = next((word for kind, word in _ENDINGS.items() if isinstance(error, kind)), "not sent")
    if word == "not sent" and case.phase.deploys:
        assert not [*bench.ours_made(), *_sent(bench, "rollback.rollback")], f"it was sent: {error!r}"
    return word


def _sent(bench: Bench, endpoint: str) -> list[object]:
    return [call for call in bench.world.requests.of(endpoint) if call.carried_out]


def _expect_one_run(bench: Bench, *, told_twice: bool) -> None:
    made, sent = bench.ours_made(), _sent(bench, "application.deploy")
    most = 2 if told_twice else 1
    assert len(made) <= most, f"{len(made)} deployments were made of one"
    assert len(sent) <= most, f"the server took {len(sent)} requests to deploy"


def _expect_clean_words(bench: Bench, error: DokployError | None) -> None:
    told = [*bench.told.statuses, *bench.told.warnings]
    if error is not None:
        told.append(str(error))
        assert error.next_step, f"no next step: {error}"
        assert str(error).endswith("."), str(error)
    text = "\n".join(told)
    assert not _FOREIGN_WORDS.search(text), text
    for secret in (*bench.simulator.ready["secrets"], *bench.simulator.ready["api_keys"].values()):
        assert secret not in "\n".join([text, *bench.told.lines])


__all__ = ["FAULTS", "PHASES", "RIGHT", "Case", "Family", "cases", "play"]
