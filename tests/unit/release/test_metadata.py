"""What the package index shows: links that work there, and floors that something verifies."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator

import lowest_versions
import pytest
from packaging.requirements import Requirement

import hatch_build
from tests.support.pages import ROOT
from tests.unit.release.pyproject import PROJECT

README = (ROOT / "README.md").read_text(encoding="utf-8")
REPOSITORY = "https://git.example.com/team/project"
BROUGHT_BY = {"grpc": "pulumi", "google": "pulumi", "pydantic_core": "pydantic", "yaml": "pyyaml"}
"""Modules whose package has another name, or comes with a dependency that dictates its version."""


def links(text: str) -> list[str]:
    return re.findall(r"(?<!!)\[[^\]\n]+\]\(([^)\s]+)\)", text)


def test_every_link_of_the_page_is_absolute() -> None:
    page = hatch_build.with_links(README, REPOSITORY, "v1.2.3")
    assert all(link.startswith(("https://", "#")) for link in links(page))
    assert f"]({REPOSITORY}/blob/v1.2.3/docs/cli.md)" in page
    assert len(links(page)) == len(links(README))


def test_without_a_repository_links_into_it_become_text() -> None:
    page = hatch_build.with_links(README, None, "v1.2.3")
    assert all(link.startswith(("https://", "#")) for link in links(page))
    assert "Command line" in page
    assert 0 < len(links(page)) < len(links(README))


def test_links_and_pictures_elsewhere_stay_as_they_are() -> None:
    text = "[a](https://a.example) [b](#b) ![c](https://a.example/c.svg)"
    assert hatch_build.with_links(text, REPOSITORY, "v1") == text


def test_pictures_are_shown_from_the_repository_or_left_out() -> None:
    assert hatch_build.with_links("![c](docs/c.svg)", REPOSITORY, "v1") == f"![c]({REPOSITORY}/raw/v1/docs/c.svg)"
    assert hatch_build.with_links("![c](docs/c.svg)", None, "v1") == ""
    assert "](docs/" not in hatch_build.with_links(README, REPOSITORY, "v1") + hatch_build.with_links(
        README, None, "v1"
    )


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"GITHUB_REPOSITORY": "team/project"}, None),
        ({"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "a/b"}, "https://github.com/a/b"),
        ({"PROJECT_URL": f"{REPOSITORY}/", "GITHUB_SERVER_URL": "x", "GITHUB_REPOSITORY": "y"}, REPOSITORY),
    ],
)
def test_where_the_repository_is_comes_from_the_environment(environ: dict[str, str], expected: str | None) -> None:
    assert hatch_build.repository_of(environ) == expected


def test_every_address_of_the_project_is_in_its_repository() -> None:
    assert all(address.startswith(REPOSITORY) for address in hatch_build.urls_of(REPOSITORY).values())


def test_the_lowest_versions_are_those_of_pyproject() -> None:
    lowest = dict(pin.split("==") for pin in lowest_versions.floors(lowest_versions.of_the_package()))
    for text in lowest_versions.of_the_package():
        requirement = Requirement(text)
        assert requirement.specifier.contains(lowest[requirement.name]) or requirement.marker is not None
    assert lowest["pulumi"] == "3.230"


def test_of_several_lines_for_one_package_the_one_for_this_python_counts() -> None:
    ours = f"python_version == '{sys.version_info.major}.{sys.version_info.minor}'"
    other = "python_version < '3'"
    assert lowest_versions.floors(["a>=1.9", f"a>=1.10; {ours}", f"a>=2; {other}"]) == ["a==1.10"]


@pytest.mark.parametrize("text", ["a", "a<2", "a>=1,==1.2"])
def test_a_requirement_without_one_lowest_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="names no lowest version"):
        lowest_versions.floors([text])


def test_every_package_that_is_imported_is_a_dependency() -> None:
    declared = {Requirement(text).name for text in lowest_versions.of_the_package()}
    unknown = {name for name in imported() if BROUGHT_BY.get(name, name) not in declared}
    assert unknown == set()


def test_a_program_needs_the_simulator_s_packages_only_for_the_simulator() -> None:
    core = {Requirement(text).name for text in PROJECT["dependencies"]}
    assert {name for name in imported(without="simulator") if BROUGHT_BY.get(name, name) not in core} == set()


@pytest.mark.parametrize("page", ["README.md", "docs/installation-configuration.md", "docs/api-stability.md"])
def test_the_pages_name_the_oldest_python_and_pulumi_of_pyproject(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    [pulumi] = [pin for pin in lowest_versions.floors(PROJECT["dependencies"]) if pin.startswith("pulumi==")]
    assert pulumi.removeprefix("pulumi==") in text
    assert PROJECT["requires-python"].removeprefix(">=") in text


def imported(without: str = "") -> Iterator[str]:
    """The top-level modules of other packages that the package imports."""
    for path in (ROOT / "pulumi_dokploy_deployments").rglob("*.py"):
        if without and without in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names = [node.module]
            for name in names:
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names and top != "pulumi_dokploy_deployments":
                    yield top
