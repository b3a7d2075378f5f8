"""A run that went well ends with a line that says what was proven."""

from __future__ import annotations

import pytest

from pulumi_dokploy_deployments.rollout.closing import closing_line
from pulumi_dokploy_deployments.workload.verdict import Health, MemberReport, State, Verdict


def member(name: str = "web", tasks: int = 1, image: str = "shop:2", state: State = State.RUNNING) -> MemberReport:
    return MemberReport(name, tasks, tasks, image, state, "")


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ([member(tasks=2, image="registry.example.com/me/shop:1.5.0@sha256:0a")], "2 tasks of shop:1.5.0"),
        ([member(image="")], "1 task"),
        ([member(image="127.0.0.1:5055/shop@sha256:0a")], "1 task of shop"),
        ([member("db", image="postgres:16"), member(tasks=2)], "db: 1 task of postgres:16, web: 2 tasks of shop:2"),
        ([member(), member("job", 0, state=State.ENDED_WELL)], "1 task of shop:2"),
        ([member(), member("old", state=State.UNTOUCHED)], "1 task of shop:2"),
    ],
)
def test_it_names_what_runs_and_for_how_long_it_was_watched(members: list[MemberReport], text: str) -> None:
    verdict = Verdict(Health.HEALTHY, "unused", members=tuple(members))
    line = closing_line("web", verdict, stable_seconds=5.0, seconds=14.2)
    assert line == f"healthy: web ({text}) stayed up for 5 s · 14 s"


@pytest.mark.parametrize(
    ("verdict", "line"),
    [
        (Verdict(Health.HEALTHY, "the job has run to its end"), "healthy: web: the job has run to its end · version 3"),
        (Verdict(Health.UNKNOWN, "no permission", members=(member(),)), "unknown: web: no permission · version 3"),
    ],
)
def test_where_nothing_was_watched_it_says_why(verdict: Verdict, line: str) -> None:
    assert closing_line("web", verdict, stable_seconds=5.0, version=3) == line


def test_containers_are_called_containers() -> None:
    verdict = Verdict(Health.HEALTHY, "", members=(member(tasks=3),))
    assert "(3 containers of shop:2)" in closing_line("shop", verdict, stable_seconds=7.5, noun="container")
