"""What the documentation names exists: links, make targets, variables, errors; and its programs compile."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulumi_dokploy_deployments.api import errors as api_errors
from pulumi_dokploy_deployments.api.errors import ApiError, DokployError
from pulumi_dokploy_deployments.hosts import flat_state, triggers  # noqa: F401 - its errors count as well
from pulumi_dokploy_deployments.resources import import_ids  # noqa: F401 - its errors count as well
from pulumi_dokploy_deployments.rollback import by_image, recovery, targets  # noqa: F401
from pulumi_dokploy_deployments.rollout.errors import RolloutError
from pulumi_dokploy_deployments.schema.python_functions import PUBLIC_ERRORS
from pulumi_dokploy_deployments.schema.resources import RESOURCES
from tests.support.pages import ROOT, Block, anchors, blocks, links, name_of, own_pages, pages

PYTHON_BLOCKS = [block for page in pages() for block in blocks(page) if block.language == "python"]
OUTSIDE = ("http://", "https://", "mailto:")


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_internal_link_leads_to_a_page_and_a_heading(page: Path) -> None:
    for link in links(page):
        if link.startswith(OUTSIDE):
            continue
        target, _, anchor = link.partition("#")
        linked = (page.parent / target).resolve() if target else page
        assert linked.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in anchors(linked), f"{link}: there is no such heading"


@pytest.mark.parametrize("page", own_pages(), ids=name_of)
def test_every_page_has_the_front_matter_of_the_registry(page: Path) -> None:
    head = re.match(r"---\ntitle: (.+)\nmeta_desc: (.+)\nlayout: package\n---\n", page.read_text(encoding="utf-8"))
    assert head is not None
    assert all(": " not in value for value in head.groups()), "a colon in a YAML value needs quotes"


@pytest.mark.parametrize("block", PYTHON_BLOCKS, ids=lambda block: block.page)
def test_every_python_block_compiles(block: Block) -> None:
    ast.parse(block.text, filename=block.page)


@pytest.mark.parametrize("block", PYTHON_BLOCKS, ids=lambda block: block.page)
def test_every_argument_that_a_block_gives_to_a_resource_is_an_input(block: Block) -> None:
    for called, arguments in _resources_in(block.text):
        known = _inputs_of(called)
        assert set(arguments) <= known, f"{called} has no input {set(arguments) - known}"


def test_every_make_target_that_is_named_exists() -> None:
    targets_there = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        (name_of(page), target)
        for page in pages()
        for target in re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert named
    assert {target for _, target in named} <= targets_there


def test_every_file_that_contributing_names_exists() -> None:
    package = ROOT / "pulumi_dokploy_deployments"
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+(?:\.py|\.md|\.json|/))`", text)
    contract = ROOT / "tests" / "contract"
    missing = [name for name in named if not any((base / name).exists() for base in (ROOT, package, contract))]
    assert named
    assert not missing


def test_every_environment_variable_that_is_named_is_read_somewhere() -> None:
    code = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("pulumi_dokploy_deployments", "tests/contract")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".md")
    )
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *own_pages()]:
        for name in re.findall(r"\bDOKPLOY_[A-Z_]+[A-Z]\b", page.read_text(encoding="utf-8")):
            plain = re.sub(r"^DOKPLOY_(STAGING|EU_WEST)_", "DOKPLOY_", name)
            assert plain in code, f"{name_of(page)} names {name}"


def test_every_error_has_its_line_in_troubleshooting() -> None:
    text = (ROOT / "docs" / "guides" / "troubleshooting.md").read_text(encoding="utf-8")
    core = (
        "pulumi_dokploy_deployments.api",
        "pulumi_dokploy_deployments.rollout",
        "pulumi_dokploy_deployments.resources",
    )
    roots = {ApiError, RolloutError}
    told = [error for error in _below(DokployError) if error.__module__.startswith(core) and error not in roots]
    assert api_errors.Unauthorized in told
    assert [error.__name__ for error in told if f"`{error.__name__}`" not in text] == []


def test_every_error_that_the_docs_name_exists() -> None:
    names = {error.__name__ for error in _below(DokployError)}
    for page in own_pages():
        rows = re.findall(r"^\| (`[A-Z]\w+`(?:, `[A-Z]\w+`)*) \|", page.read_text(encoding="utf-8"), re.MULTILINE)
        for row in rows:
            assert set(re.findall(r"`(\w+)`", row)) <= names, f"{name_of(page)}: {row}"


def test_every_error_that_programs_may_catch_is_on_the_functions_page() -> None:
    text = (ROOT / "docs" / "functions.md").read_text(encoding="utf-8")
    assert [error.__name__ for error in PUBLIC_ERRORS if f"`{error.__name__}`" not in text] == []


def _below(kind: type[DokployError]) -> Iterator[type[DokployError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def _resources_in(program: str) -> Iterator[tuple[str, list[str]]]:
    for node in ast.walk(ast.parse(program)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr in ("Deployment", "RollbackTarget"):
            yield node.func.attr, [keyword.arg for keyword in node.keywords if keyword.arg and keyword.arg != "opts"]


def _inputs_of(name: str) -> set[str]:
    (resource,) = (resource for resource in RESOURCES if resource.name == name)
    return set(resource.inputs.model_fields)
