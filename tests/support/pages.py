"""The documentation as tests see it: pages, links, headings, code blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]\n]+\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
_DROPPED = re.compile(r"[^\w\- ]")


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: str
    language: str
    text: str


def pages() -> list[Path]:
    """Every page for users and contributors."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def own_pages() -> list[Path]:
    """Pages that must have the form of Pulumi's registry."""
    return [
        ROOT / "docs" / "_index.md",
        ROOT / "docs" / "installation-configuration.md",
        *sorted((ROOT / "docs" / "guides").glob("*.md")),
        *sorted((ROOT / "docs" / "resources").glob("*.md")),
    ]


def name_of(page: Path) -> str:
    """The page's path in the repository."""
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> list[Block]:
    """The page's fenced blocks, without the indentation of lists."""
    found = []
    for indent, language, body in _FENCE.findall(page.read_text(encoding="utf-8")):
        text = "\n".join(line.removeprefix(indent) for line in body.split("\n"))
        found.append(Block(name_of(page), language, text))
    return found


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    """Where the page's links point."""
    return _LINK.findall(re.sub(r"`[^`\n]*`", "", prose(page)))


def anchors(page: Path) -> set[str]:
    """The page's headings as a link names them."""
    headings = _HEADING.findall(prose(page))
    return {_DROPPED.sub("", heading.lower()).replace(" ", "-") for heading in headings}
