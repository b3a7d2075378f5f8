"""What a line of `docker ps` tells: Docker's own words for ages, from a second to years."""

from __future__ import annotations

import pytest

from pulumi_dokploy_deployments.workload.listing import age_of, tells_of_a_change


@pytest.mark.parametrize(
    ("status", "seconds"),
    [
        ("Up Less than a second", 0),
        ("Up 1 second", 1),
        ("Up 59 seconds (healthy)", 59),
        ("Up About a minute", 60),
        ("Up 18 minutes", 1080),
        ("Up About an hour", 3600),
        ("Up 3 weeks (health: starting)", 1814400),
        ("Restarting (1) 41 seconds ago", 41),
        ("Exited (137) 2 months ago", 5184000),
        ("Created", 0),
        ("", 0),
        ("a newer word", 0),
    ],
)
def test_an_age_is_read(status: str, seconds: int) -> None:
    assert age_of(status) == seconds


@pytest.mark.parametrize(
    ("before", "now", "changed"),
    [
        ("Up 18 minutes", "Up 19 minutes", False),
        ("Up 59 seconds", "Up About a minute", False),
        ("Up 9 seconds", "Up Less than a second", True),
        ("Up 18 minutes", "Up 3 seconds", True),
        ("Up 3 seconds (health: starting)", "Up 4 seconds (healthy)", True),
        ("Exited (0) 2 hours ago", "Exited (3) 2 hours ago", True),
        ("Restarting (1) 40 seconds ago", "Restarting (1) 1 second ago", True),
    ],
)
def test_a_change_shows_in_the_kind_or_in_an_age_that_goes_back(before: str, now: str, changed: bool) -> None:
    assert tells_of_a_change(before, now) is changed
