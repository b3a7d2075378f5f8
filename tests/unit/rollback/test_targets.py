"""Which version a pin means, and by which way it is brought back: decided from the history alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from pulumi_dokploy_deployments.api.errors import Step
from pulumi_dokploy_deployments.api.models import Service, ServiceKind, SourceType
from pulumi_dokploy_deployments.rollback.candidates import Candidate
from pulumi_dokploy_deployments.rollback.targets import (
    NoSuchTarget,
    Selector,
    SelectorKind,
    Strategy,
    Target,
    can_pin_by_source,
    choose_way,
    runs_image,
    select,
)
from tests.support import builders
from tests.unit.rollback.histories import (
    IMAGE,
    NOW,
    candidate,
    compose,
    docker_service,
    failed,
    git_service,
    unstored,
)

HISTORY = [candidate(4), failed(3), candidate(2), candidate(1)]
ENABLE = "Enable rollbacks with a registry"


def selected(kind: SelectorKind, value: str | int, candidates: Sequence[Candidate] = HISTORY) -> str:
    return select(Selector(kind, value), candidates, git_service(), NOW).deployment_id


def refused(
    kind: SelectorKind, value: str | int, candidates: Sequence[Candidate] = HISTORY, service: Service | None = None
) -> NoSuchTarget:
    with pytest.raises(NoSuchTarget) as caught:
        select(Selector(kind, value), candidates, service or git_service(), NOW)
    return caught.value


# --- which one --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (SelectorKind.VERSION, 2, "d2"),
        (SelectorKind.ROLLBACK_ID, "r2", "d2"),
        (SelectorKind.DEPLOYMENT_ID, "d3", "d3"),
        (SelectorKind.COMMIT, "1111", "d1"),
        (SelectorKind.TITLE, "release 4", "d4"),
    ],
)
def test_each_selector_finds_the_deployment_that_it_names(kind: SelectorKind, value: str | int, expected: str) -> None:
    assert selected(kind, value) == expected


def test_a_commit_is_found_in_capitals_too() -> None:
    assert selected(SelectorKind.COMMIT, "ABCD", [candidate(1, commit_hash="abcdef" * 6 + "abcd")]) == "d1"


def test_a_commit_is_named_by_its_beginning_and_by_nothing_else() -> None:
    history = [candidate(1, commit_hash="f" + "1" * 39), candidate(2, commit_hash=None)]
    for nothing in ("11", "", "None"):
        assert "no finished deployment with commit" in str(refused(SelectorKind.COMMIT, nothing, history))


def test_previous_counts_only_what_came_to_a_good_end() -> None:
    assert [selected(SelectorKind.PREVIOUS, steps) for steps in (0, 1, 2)] == ["d4", "d2", "d1"]


@pytest.mark.parametrize(
    ("history", "steps", "told"),
    [
        (HISTORY, 3, "has only 3 successful deployments in its history, so there is none 3 before the newest"),
        ([candidate(4)], 1, "has only 1 successful deployment in its history, so there is none 1 before the newest"),
        ([], 1, "has only 0 successful deployments in its history"),
    ],
)
def test_previous_beyond_the_history_says_how_far_it_reaches(history: list[Candidate], steps: int, told: str) -> None:
    error = refused(SelectorKind.PREVIOUS, steps, history)
    assert f'application "shop" {told}' in str(error)
    assert error.property_name == "previous"


@pytest.mark.parametrize(
    ("kind", "value", "told"),
    [
        (SelectorKind.VERSION, 9, "no finished deployment with version 9"),
        (SelectorKind.VERSION, "2", "no finished deployment with version '2'"),
        (SelectorKind.ROLLBACK_ID, "d2", "no finished deployment with rollback id 'd2'"),
        (SelectorKind.DEPLOYMENT_ID, "r2", "no finished deployment with deployment id 'r2'"),
        (SelectorKind.TITLE, "release", "no finished deployment with title 'release'"),
    ],
)
def test_a_version_that_is_not_there_is_told_on_its_input_with_those_that_are(
    kind: SelectorKind, value: str | int, told: str
) -> None:
    error = refused(kind, value)
    assert told in str(error)
    assert (error.property_name, error.step) == (kind.value, Step.CHANGE_INPUT)
    table = str(error).split("These can be brought back by image:\n")[1]
    assert [line.split()[:2] for line in table.splitlines()[1:]] == [["v4", "d4"], ["v2", "d2"], ["v1", "d1"]]
    assert all(line.startswith("    ") for line in table.splitlines())


def test_several_deployments_of_one_commit_are_one_version_and_the_newest_that_works_stands_for_it() -> None:
    same = {"commit_hash": "a" * 40, "title": "release"}
    history = [failed(3, **same), candidate(2, **same), candidate(1, **same)]
    assert selected(SelectorKind.COMMIT, "aaaa", history) == "d2"
    assert selected(SelectorKind.TITLE, "release", history) == "d2"
    assert selected(SelectorKind.COMMIT, "aaaa", [failed(3, **same), unstored(2, **same)]) == "d3"


@pytest.mark.parametrize("commits", [("a" * 40, "b" * 40), (None, None), ("a" * 40, None)])
def test_a_title_of_different_versions_is_not_guessed_at(commits: tuple[str | None, str | None]) -> None:
    history = [
        candidate(number, title="release", commit_hash=commit) for number, commit in zip((2, 1), commits, strict=True)
    ]
    error = refused(SelectorKind.TITLE, "release", [*history, candidate(4)])
    assert "2 deployments of application \"shop\" have the title 'release'" in str(error)
    assert "select one of them by version or deployment_id" in str(error)
    assert "d4" not in str(error), "the table has those that were meant"
    assert error.property_name == "title"


def test_one_deployment_without_a_commit_is_found_by_its_title() -> None:
    assert selected(SelectorKind.TITLE, "release 1", [candidate(1, commit_hash=None)]) == "d1"


def test_a_selector_is_spelled_as_an_input_and_as_words() -> None:
    selector = Selector(SelectorKind.DEPLOYMENT_ID, "a1")
    assert (str(selector), selector.words) == ("deployment_id 'a1'", "deployment id 'a1'")


# --- what is said where nothing can be brought back -------------------------------------------------------------


def test_without_any_stored_version_the_next_step_is_to_turn_rollbacks_on() -> None:
    error = refused(SelectorKind.VERSION, 9, [unstored(1)])
    assert "No version of it can be brought back by image." in str(error)
    assert ENABLE in str(error)
    assert (error.step, error.property_name) == (Step.CHANGE_SERVER, "version")


def test_a_compose_is_told_that_it_has_only_its_source() -> None:
    error = refused(SelectorKind.VERSION, 9, [unstored(1)], compose())
    assert "Dokploy stores no images of a compose: it can only be pinned by its source." in str(error)
    assert ENABLE not in str(error)
    assert (error.step, error.property_name) == (Step.CHANGE_INPUT, "version")


# --- by which way -----------------------------------------------------------------------------------------------


def chosen(found: Candidate, strategy: Strategy, service: Service, source_ref: str | None = None) -> Target:
    return choose_way(found, strategy, service, [found], NOW, source_ref=source_ref)


def no_way(found: Candidate, strategy: Strategy, service: Service, source_ref: str | None = None) -> str:
    with pytest.raises(NoSuchTarget) as caught:
        chosen(found, strategy, service, source_ref)
    assert caught.value.property_name is None, "no input is at fault"
    return str(caught.value)


@pytest.mark.parametrize("strategy", [Strategy.AUTO, Strategy.IMAGE])
def test_a_stored_image_is_preferred_and_carried_over_whole(strategy: Strategy) -> None:
    found = candidate(2)
    assert chosen(found, strategy, git_service(), "v2") == Target(
        strategy=Strategy.IMAGE,
        deployment_id="d2",
        created_at=found.created_at,
        title="release 2",
        rollback_id="r2",
        version=2,
        image="shop-x1y2z3:v2",
        commit_hash="2" * 40,
        commit_message="feat: 2",
    )


def test_by_source_a_git_ref_is_set_and_no_stored_image_is_claimed() -> None:
    target = chosen(candidate(2), Strategy.SOURCE, git_service(), "v2")
    assert (target.strategy, target.source_ref) == (Strategy.SOURCE, "v2")
    assert (target.image, target.rollback_id) == (None, None)
    assert (target.version, target.commit_hash) == (2, "2" * 40)


@pytest.mark.parametrize("strategy", [Strategy.AUTO, Strategy.SOURCE])
def test_without_a_stored_image_a_docker_source_goes_back_to_the_image_of_its_log(strategy: Strategy) -> None:
    target = chosen(unstored(2), strategy, docker_service(), IMAGE)
    assert (target.strategy, target.source_ref, target.image) == (Strategy.SOURCE, IMAGE, IMAGE)


def test_a_compose_goes_back_by_its_source_whatever_the_history_claims() -> None:
    assert chosen(candidate(2), Strategy.AUTO, compose(), "v2").strategy is Strategy.SOURCE
    assert "rollback images exist only for applications" in no_way(candidate(2), Strategy.IMAGE, compose(), "v2")


@pytest.mark.parametrize("strategy", list(Strategy))
def test_a_failed_deployment_is_no_way_back(strategy: Strategy) -> None:
    text = no_way(failed(2), strategy, git_service(), "v2")
    assert 'The deployment d2 of application "shop" can\'t be brought back: it failed' in text


def test_strategy_image_never_falls_back_to_the_source() -> None:
    text = no_way(unstored(2), Strategy.IMAGE, docker_service(), IMAGE)
    assert 'The deployment d2 of application "shop" has no image to go back to: no image was stored' in text


@pytest.mark.parametrize(
    ("found", "strategy", "service", "told"),
    [
        (
            unstored(2),
            Strategy.AUTO,
            git_service(),
            "no image was stored, and Dokploy clones branches and tags, but not bare commits. Set source_ref to a "
            "branch or tag that points to that commit",
        ),
        (
            unstored(2),
            Strategy.AUTO,
            docker_service(),
            "no image was stored, and the log that named its image is gone. Set source_ref to the image",
        ),
        (
            candidate(2),
            Strategy.SOURCE,
            git_service(),
            "its image is not used with the strategy source, and Dokploy clones branches and tags",
        ),
        (
            unstored(2),
            Strategy.AUTO,
            builders.service(source="drop"),
            "no image was stored, and its source (drop) keeps no earlier versions",
        ),
        (
            unstored(2),
            Strategy.AUTO,
            builders.service(source=None),
            "no image was stored, and its source (unknown) keeps no earlier versions",
        ),
    ],
)
def test_without_a_ref_it_says_what_is_missing(
    found: Candidate, strategy: Strategy, service: Service, told: str
) -> None:
    assert f'The deployment d2 of application "shop" can\'t be brought back: {told}' in no_way(found, strategy, service)


@pytest.mark.parametrize(
    ("kind", "source", "can"),
    [
        (ServiceKind.APPLICATION, "git", True),
        (ServiceKind.APPLICATION, "github", True),
        (ServiceKind.APPLICATION, "docker", True),
        (ServiceKind.APPLICATION, "drop", False),
        (ServiceKind.APPLICATION, None, False),
        (ServiceKind.COMPOSE, "gitlab", True),
        (ServiceKind.COMPOSE, "raw", False),
        (ServiceKind.COMPOSE, "docker", False),
    ],
)
def test_a_pin_by_source_needs_a_source_that_can_be_pointed(kind: ServiceKind, source: str | None, can: bool) -> None:
    service = builders.service(kind, source=None)
    asked = service.model_copy(update={"source_type": SourceType(source) if source is not None else None})
    assert can_pin_by_source(asked) is can


# --- what runs, and what is said of it --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("running", "stored", "same"),
    [
        ("shop:v2", "shop:v2", True),
        ("registry.example.com/team/shop:v2", "shop:v2", True),
        ("registry.example.com/shop:v2@sha256:abc", "shop:v2", True),
        ("shop:v2@sha256:abc", "shop:v2", True),
        ("registry.example.com/shop:v22", "shop:v2", False),
        ("registry.example.com/myshop:v2", "shop:v2", False),
        ("shop:v2", "", False),
        ("", "", False),
        ("", "shop:v2", False),
    ],
)
def test_an_image_is_recognised_behind_registry_and_digest_and_only_whole(
    running: str, stored: str, same: bool
) -> None:
    assert runs_image(running, stored) is same


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, 'version 2 (commit 222222222222, "release 2", 2 hours ago, by image)'),
        ({"version": None}, 'deployment d2 (commit 222222222222, "release 2", 2 hours ago, by image)'),
        ({"version": 0}, 'version 0 (commit 222222222222, "release 2", 2 hours ago, by image)'),
        ({"commit_hash": None, "title": ""}, "version 2 (2 hours ago, by image)"),
    ],
)
def test_a_target_is_described_by_what_is_known_of_it(changes: dict[str, Any], text: str) -> None:
    values: dict[str, Any] = {"created_at": NOW - timedelta(hours=2)}
    target = chosen(candidate(2, **(values | changes)), Strategy.AUTO, git_service())
    assert target.describe(NOW) == text
