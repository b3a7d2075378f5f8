"""The README's picture: what it shows, what it must not show, and how it is drawn."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import picture
import pytest

SVG = "{http://www.w3.org/2000/svg}"
OUTPUT = """\x1b[1mUpdating (production):\x1b[0m
    pulumi:pulumi:Stack shop running warning: using the plugin from $PATH at /somewhere/bin
@ updating...
 +  pulumi-python:dynamic/dokploy:Deployment web creating (0s) asking the server to deploy
 +  pulumi-python:dynamic/dokploy:Deployment web creating (9s) error: Dokploy reports it as done, but
Diagnostics:
  pulumi-python:dynamic/dokploy:Deployment (web):
    Initializing deployment
    \x1b[31merror: \x1b[0mDokploy reports it as done, but
        fatal: DATABASE_URL is not set
    Fix the cause.

    Would you like help?
Outputs:
    url: "http://127.0.0.1:4000/dashboard"
Resources:
    1 unchanged

Duration: 8s

Permalink: file:///somewhere/state.json
"""


def words(svg: str) -> str:
    """The picture's lines, in reading order, without the breaks that its width makes."""
    # It is our own file, or was made by this very test.
    texts = ElementTree.fromstring(svg).iter(f"{SVG}text")  # noqa: S314
    said = " ".join("".join(text.itertext()) for text in texts).replace("\xa0", " ")
    return re.sub(r"\s+", " ", said)


@pytest.fixture(scope="module")
def drawn() -> str:
    return picture.PICTURE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "telling",
    [
        f"$ pulumi config set image {picture.GOOD}",
        "asking the server to deploy",
        "stayed up for 5 s",
        "~ 1 updated",
        f"$ pulumi config set image {picture.BAD}",
        "but the new version does not run",
        "The container wrote last:",
        *picture.LAST_WORDS,
        "is running. The service is set as it was before.",
        "$ echo $? 0",
        "$ echo $? 1",
    ],
)
def test_the_picture_shows_a_good_release_and_a_red_one_with_its_cause(drawn: str, telling: str) -> None:
    assert telling in words(drawn)


def test_the_picture_tells_nothing_of_the_machine_that_made_it(drawn: str) -> None:
    said = words(drawn)
    addresses = set(re.findall(r"[\w.-]+:\d{2,5}\b", said)) - {f"127.0.0.1:{picture.SHOWN_PORT}"}
    assert not addresses, "only the simulator's address is shown, with a round port"
    assert not re.search(r"/(?:home|root|tmp|Users|var|usr|opt)/|file://|\$PATH", drawn)
    assert "x-api-key" not in drawn


def test_the_picture_loads_nothing(drawn: str) -> None:
    assert "@font-face" not in drawn
    assert not re.search(r"url\((?!#)|href=", drawn)


def test_the_story_is_kept_and_the_rest_left_out() -> None:
    shown = [line.plain.strip() for line in picture.worth_showing(OUTPUT)]
    assert shown == [
        "Updating (production):",
        "+  pulumi-python:dynamic/dokploy:Deployment web creating (0s) asking the server to deploy",
        "error: Dokploy reports it as done, but",
        "fatal: DATABASE_URL is not set",
        "Fix the cause.",
        "Resources:",
        "1 unchanged",
        "Duration: 8s",
    ]


def test_the_same_run_gives_the_same_picture() -> None:
    first, second = (picture.draw([("pulumi up", OUTPUT, 1)]) for _ in range(2))
    assert first == second
    assert "$ pulumi up Updating (production):" in words(first)
