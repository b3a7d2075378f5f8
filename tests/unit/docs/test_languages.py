"""docs/plugin.md shows one deployment in every language, as it stands in an example that is run or compiled."""

from __future__ import annotations

import re
import textwrap

import pytest

from tests.support.pages import ROOT

TEXT = (ROOT / "docs" / "plugin.md").read_text(encoding="utf-8")
OFFERED = re.compile(r'\{\{< chooser language "([\w,]+)" >\}\}')
SHOWN = re.compile(
    r"\{\{% choosable language (\w+) %\}\}\n\n<!-- (.+?) -->\n```(\w+)\n(.+?)\n```\n\n\{\{% /choosable %\}\}", re.DOTALL
)
EXAMPLES = {
    "typescript": "typescript/index.ts",
    "python": "python-plugin/__main__.py",
    "go": "go/main.go",
    "java": "java/src/main/java/example/App.java",
    "yaml": "yaml/Pulumi.yaml",
}
BLOCKS = {language: (remark, code) for language, remark, fence, code in SHOWN.findall(TEXT) if fence == language}


def test_each_language_that_the_page_offers_is_shown() -> None:
    (offered,) = OFFERED.findall(TEXT)
    assert list(BLOCKS) == offered.split(",")


@pytest.mark.parametrize("language", EXAMPLES)
def test_what_the_page_shows_stands_in_the_example(language: str) -> None:
    remark, shown = BLOCKS[language]
    lines = (ROOT / "examples" / EXAMPLES[language]).read_text(encoding="utf-8").splitlines()
    height = len(shown.splitlines())
    excerpts = (textwrap.dedent("\n".join(lines[start : start + height])) for start in range(len(lines)))
    assert shown in excerpts
    assert remark.startswith(f"tried: part of examples/{EXAMPLES[language].partition('/')[0]}, ")


def test_a_language_without_an_example_is_marked_as_not_tried() -> None:
    assert [language for language in BLOCKS if language not in EXAMPLES] == ["csharp"]
    assert BLOCKS["csharp"][0].startswith("not tried: ")
