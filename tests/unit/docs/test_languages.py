"""The docs show resources in every language as they stand in an example that is run or compiled."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml  # type: ignore[import-untyped]

from tests.support.pages import ROOT

PAGES = ("docs/plugin.md", "docs/resources/rollback-target.md")
OFFERED = re.compile(r'\{\{< chooser language "([\w,]+)" >\}\}')
SHOWN = re.compile(
    r"\{\{% choosable language (\w+) %\}\}\n\n<!-- (.+?) -->\n```(\w+)\n(.+?)\n```\n\n\{\{% /choosable %\}\}", re.DOTALL
)
EXAMPLE = re.compile(r"tried: part of (examples/[\w-]+), ")
ARGUMENTS = re.compile(r"new (\w+)\(\"\w+\", new (\w+)Args\n\{\n(.+?)\n\}", re.DOTALL)
PROGRAMS = {
    "typescript": "index.ts",
    "python": "__main__.py",
    "go": "main.go",
    "java": "src/main/java/example/App.java",
    "yaml": "Pulumi.yaml",
}


class Shown(NamedTuple):
    """One block of a chooser."""

    page: str
    language: str
    remark: str
    fence: str
    code: str

    @property
    def program(self) -> Path | None:
        """The example that the block is said to be a part of."""
        named = EXAMPLE.match(self.remark)
        return ROOT / named[1] / PROGRAMS[self.language] if named else None


TEXTS = {page: (ROOT / page).read_text(encoding="utf-8") for page in PAGES}
BLOCKS = [Shown(page, *found) for page, text in TEXTS.items() for found in SHOWN.findall(text)]


def name_of(block: Shown) -> str:
    return f"{block.page} {block.language}"


@pytest.mark.parametrize("page", PAGES)
def test_each_language_that_a_page_offers_is_shown(page: str) -> None:
    (offered,) = OFFERED.findall(TEXTS[page])
    shown = [block for block in BLOCKS if block.page == page]
    assert [block.language for block in shown] == offered.split(",")
    assert [block.fence for block in shown] == [block.language for block in shown]


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.program], ids=name_of)
def test_what_a_page_shows_stands_in_the_example(block: Shown) -> None:
    assert block.program is not None
    lines = block.program.read_text(encoding="utf-8").splitlines()
    height = len(block.code.splitlines())
    excerpts = (textwrap.dedent("\n".join(lines[start : start + height])) for start in range(len(lines)))
    assert block.code in excerpts


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "yaml"], ids=name_of)
def test_what_yaml_gives_to_a_resource_is_an_input(block: Shown) -> None:
    known = json.loads((ROOT / "schema.json").read_text(encoding="utf-8"))["resources"]
    for resource in yaml.safe_load(block.code)["resources"].values():
        token = resource["type"].replace(":", ":index:")
        assert set(resource["properties"]) <= set(known[token]["inputProperties"])


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "csharp"], ids=name_of)
def test_what_csharp_gives_to_a_resource_is_an_input(block: Shown) -> None:
    known = json.loads((ROOT / "schema.json").read_text(encoding="utf-8"))["resources"]
    (found,) = ARGUMENTS.finditer(block.code)
    inputs = {name[0].upper() + name[1:] for name in known[f"dokploy-deployments:index:{found[1]}"]["inputProperties"]}
    assert found[1] == found[2]
    assert set(re.findall(r"^    (\w+) = ", found[3], re.MULTILINE)) <= inputs


def test_only_what_says_so_is_not_tried() -> None:
    untried = [block for block in BLOCKS if not block.remark.startswith("tried: ")]
    assert {block.language for block in untried} == {"csharp"}
    assert [block for block in untried if not block.remark.startswith("not tried: ")] == []
    assert {block.language for block in BLOCKS if block.program} == set(PROGRAMS)
