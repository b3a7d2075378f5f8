"""The page on Dokploy's versions says what the table of capabilities says."""

from __future__ import annotations

import re

import pytest

from pulumi_dokploy_deployments.api.versions import (
    FLOOR,
    FULL_FROM,
    MEASURED_TO,
    TABLE,
    Capability,
    Support,
    capabilities_of,
)
from pulumi_dokploy_deployments.simulator.world.versions import PROFILES
from tests.support.pages import ROOT

PAGE = (ROOT / "docs/guides/dokploy-versions.md").read_text(encoding="utf-8")
ROWS = {
    "a deployment takes a title and a description": Capability.MARKS,
    "ending a service's builds": Capability.KILL_BUILD,
    "build servers": Capability.BUILD_SERVER,
    "versions for rollbacks in a registry": Capability.ROLLBACK_REGISTRY,
    "Swarm tells what tasks really do, not only what they should": Capability.TASK_STATE,
    "removing a deployment from the history": Capability.REMOVE_DEPLOYMENT,
    "the list of jobs that wait and run": Capability.QUEUE_LIST,
    "finding services by name": Capability.SEARCH,
    "a rollback logs in to its registry": Capability.ROLLBACK_REGISTRY_LOGIN,
    "the list of what a key may do": Capability.PERMISSION_LIST,
    "the containers' own logs by request": Capability.CONTAINER_LOG_READ,
    "libSQL databases": Capability.LIBSQL,
    "live build logs": Capability.BUILD_LOG_LIVE,
    "build logs by request": Capability.BUILD_LOG_READ,
    "the queue is kept in Redis": Capability.QUEUE_SURVIVES_RESTART,
    "a stack's containers are listed without old ones": Capability.STACK_TASKS_ONLY,
}


def _cells(section: str) -> list[list[str]]:
    text = PAGE.partition(section)[2].lstrip("\n").split("\n\n")
    lines = next(part for part in text if part.startswith("|")).splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def _since(capability: Capability) -> str:
    since = TABLE[capability]
    if since.last is not None:
        return f"up to {since.last}"
    return str(since.first) + "".join(f", not {version}" for version in since.but_not)


def test_every_capability_stands_in_the_table_with_its_release() -> None:
    told = {row[0]: row[1] for row in _cells("## What came when")}
    assert set(ROWS.values()) == set(Capability)
    assert told == {words: _since(capability) for words, capability in ROWS.items()}


def test_what_came_before_the_floor_is_not_said_to_be_missing_anywhere() -> None:
    for words, _, without in _cells("## What came when"):
        since = TABLE[ROWS[words]]
        is_in_every_supported_one = since.first <= FLOOR and since.last is None and not since.but_not
        assert ("too old" in without) is (is_in_every_supported_one and ROWS[words] is not Capability.SEARCH)


@pytest.mark.parametrize(
    ("range_", "support"),
    [
        ("before v0.28.3", Support.TOO_OLD),
        ("v0.28.3 – v0.29.4", Support.PARTIAL),
        ("v0.29.5 – v0.29.8", Support.FULL),
        ("v0.29.9 – v0.30.2", Support.FULL),
    ],
)
def test_the_ranges_are_those_of_the_code(range_: str, support: Support) -> None:
    words = {Support.TOO_OLD: "too old", Support.PARTIAL: "some things are missing", Support.FULL: "fully supported"}
    row = next(row for row in _cells("# Which versions of Dokploy\n") if row[0] == range_)
    assert words[support] in row[1]
    versions = re.findall(r"v[\d.]+\d", range_) if support is not Support.TOO_OLD else ["v0.28.2", "v0.24.0"]
    known = [capabilities_of(version) for version in versions]
    assert {one.support for one in known} == {support}
    survives = {one.has(Capability.QUEUE_SURVIVES_RESTART) for one in known}
    if support is not Support.TOO_OLD:
        assert survives == {"runs again" in row[4]}
        reads = {one.has(Capability.BUILD_LOG_READ) for one in known}
        assert reads == {row[3].startswith("yes")}


def test_floor_full_range_and_profiles_are_named() -> None:
    for version in (FLOOR, FULL_FROM, MEASURED_TO, *PROFILES):
        assert str(version) in PAGE
