"""What Tab offers: whole words that need no quotes and mean one thing, with a help that no shell acts upon."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pulumi_dokploy_deployments.api.models import DeploymentRecord, Project, Server, ServiceKind
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.cli.suggestions import (
    MOST_DEPLOYMENTS,
    MOST_HELP,
    Suggestion,
    help_text,
    of_connections,
    of_deployments,
    of_environments,
    of_projects,
    of_servers,
    of_services,
    of_versions,
)
from pulumi_dokploy_deployments.functions.names import Found, matching
from pulumi_dokploy_deployments.rollback.candidates import Candidate
from pulumi_dokploy_deployments.rollback.targets import SelectorKind

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def service(identity: str, name: str, project: str = "shop", environment: str = "production") -> Found:
    return Found(
        ServiceRef(ServiceKind.APPLICATION, identity), name, project, f"p-{project}", environment, f"e-{environment}"
    )


def row(number: int, **changes: Any) -> DeploymentRecord:
    """One of a history: each is a minute older than the one before."""
    at = NOW - timedelta(minutes=number)
    values = {
        "deploymentId": f"d{number}",
        "status": "done",
        "title": f"change {number}",
        "applicationId": "a1",
        "application": {"name": "web"},
        "createdAt": at.isoformat(),
        "finishedAt": at.isoformat(),
    }
    return DeploymentRecord.model_validate(values | changes)


def candidate(number: int, **changes: Any) -> Candidate:
    given = {
        "version": None,
        "rollback_id": f"r{number}",
        "deployment_id": f"d{number}",
        "image": "shop:v1",
        "commit_hash": None,
        "commit_message": None,
        "title": f"release {number}",
        "created_at": NOW - timedelta(minutes=number),
        "was_successful": True,
        "works": True,
        "why_not": "",
    }
    return Candidate(**(given | changes))


def values(suggestions: list[Suggestion]) -> list[str]:
    return [one.value for one in suggestions]


SHOP = [
    service("a1", "web"),
    service("a2", "api"),
    service("a3", "api", project="blog"),
    service("a4", "worker"),
    service("a5", "worker", environment="staging"),
    service("a6", "old one"),
    service("a7", "-dash"),
    service("a8", "twin"),
    service("a9", "twin"),
]


@pytest.mark.parametrize(
    ("word", "offered"),
    [
        (
            "",
            [
                *("web", "shop/api", "blog/api"),
                *("shop/production/worker", "shop/staging/worker"),
                *("a6", "shop/-dash", "a8", "a9"),
            ],
        ),
        ("w", ["web"]),
        ("shop/", ["shop/web", "shop/api", "shop/production/worker", "shop/staging/worker", "shop/-dash"]),
        ("blog/production/", ["blog/production/api"]),
        ("a3", ["a3"]),
        ("nothing", []),
    ],
)
def test_a_service_is_offered_by_the_shortest_name_that_is_its_alone(word: str, offered: list[str]) -> None:
    found = of_services(SHOP, word, with_kind=False)
    assert values(found) == offered
    for one in found:
        assert len(matching(SHOP, one.value)) == 1, "the command takes it for one service"


def test_the_help_of_a_service_says_where_it_is_and_what() -> None:
    assert of_services(SHOP[:1], "", with_kind=False) == [Suggestion("web", "shop/production")]
    assert of_services(SHOP[:1], "", with_kind=True) == [Suggestion("web", "application, shop/production")]
    assert of_services([SHOP[5]], "", with_kind=False) == [Suggestion("a6", "shop/production old one")]


def test_deployments_are_offered_newest_first_with_age_status_service_and_title() -> None:
    rows = [row(2), row(1, status="error", title="fix(api): it's broken"), row(3, compose={"name": "db"})]
    assert of_deployments(rows, "d", NOW, only_running=False)[:2] == [
        Suggestion("d1", "1 minute ago, error, web: fix(api): it’s broken"),
        Suggestion("d2", "2 minutes ago, done, web: change 2"),
    ]
    assert values(of_deployments(rows, "d3", NOW, only_running=False)) == ["d3"]
    assert len(of_deployments([row(n) for n in range(200)], "", NOW, only_running=False)) == MOST_DEPLOYMENTS


def test_only_what_runs_can_be_killed() -> None:
    rows = [row(1, status="running", finishedAt=None), row(2), row(3, status="cancelled")]
    assert values(of_deployments(rows, "", NOW, only_running=True)) == ["d1"]


@pytest.mark.parametrize(
    ("selector", "offered"),
    [
        (SelectorKind.VERSION, ["5", "4", "1"]),
        (SelectorKind.DEPLOYMENT_ID, ["d0", "d1", "d4"]),
        (SelectorKind.COMMIT, ["c0ffee0000", "c0ffee1111"]),
        # The newest is what runs; the failed one does not count, the one without an image does.
        (SelectorKind.PREVIOUS, ["1", "3"]),
        (SelectorKind.ROLLBACK_ID, ["r0", "r1", "r4"]),
    ],
)
def test_a_version_is_offered_where_it_can_be_brought_back(selector: SelectorKind, offered: list[str]) -> None:
    candidates = [
        candidate(0, version=5, commit_hash="c0ffee0000a"),
        candidate(1, version=4, commit_hash="c0ffee1111a"),
        candidate(2, version=3, was_successful=False, works=False),
        candidate(3, works=False),
        candidate(4, version=1, commit_hash="c0ffee0000a"),
    ]
    found = of_versions(candidates, selector, "", NOW)
    assert values(found) == offered
    newest = "v4, 1 minute ago: release 1" if selector is SelectorKind.PREVIOUS else "v5, just now: release 0"
    assert found[0].help == newest
    assert of_versions(candidates, selector, "x", NOW) == []


def test_servers_projects_and_environments_are_offered_by_what_the_options_take() -> None:
    assert of_servers([Server(server_id="s1", name="eu one"), Server(server_id="t1", name="us")], "s") == [
        Suggestion("s1", "eu one")
    ]
    projects = [
        Project.model_validate(
            {"projectId": "p1", "name": "shop", "environments": [{"environmentId": "e1", "name": "production"}]}
        ),
        Project.model_validate(
            {"projectId": "p2", "name": "my blog", "environments": [{"environmentId": "e2", "name": "test 2"}]}
        ),
    ]
    assert of_projects(projects, "") == [Suggestion("shop"), Suggestion("p2", "my blog")]
    assert of_environments(projects, None, "") == [Suggestion("production", "shop"), Suggestion("e2", "my blog test 2")]
    assert values(of_environments(projects, "my blog", "")) == ["e2"]


def test_a_connection_shows_its_host_and_nothing_that_could_be_a_secret() -> None:
    addresses = {"eu-west": "https://user:secret@eu.example.com/?key=secret", "us": "us.example.com:3000"}
    assert of_connections(addresses, "") == [
        Suggestion("eu-west", "eu.example.com"),
        Suggestion("us", "us.example.com"),
    ]
    assert values(of_connections(addresses, "u")) == ["us"]


@pytest.mark.parametrize(
    "text",
    [
        "\\$(touch /tmp/x)",
        '`touch x` "; touch x; "',
        "'; touch x; '",
        "[bold]x[/bold] {a,b} *?~ !! & | < > %",
        "one\ntwo\tthree\x1b[31m\x00",
    ],
)
def test_no_shell_finds_anything_to_do_in_a_help_text(text: str) -> None:
    told = help_text(text)
    assert not set(told) & set("\\$`\"'[]{}*?~!&|<>;%\n\t\x1b\x00")
    assert told.split() == told.split(" "), "no empty words"


def test_a_long_title_is_cut() -> None:
    assert len(help_text("x" * 500)) == MOST_HELP


@pytest.mark.parametrize("name", ["a b", "a;b", "$x", "a'b", "a:b", "a@b", "a=b", "~a", "*", "a\nb", ""])
def test_a_name_that_a_shell_would_change_is_offered_by_its_id(name: str) -> None:
    assert values(of_services([service("a1", name, project="my project")], "", with_kind=False)) == ["a1"]


def test_an_id_that_is_none_of_dokploy_s_is_not_offered() -> None:
    assert of_deployments([row(1, deploymentId="$(x)")], "", NOW, only_running=False) == []
    assert of_servers([Server(server_id="a b", name="x")], "") == []
    assert of_services([service("$(x)", "a b", project="c d")], "", with_kind=False) == []
