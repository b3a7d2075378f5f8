"""The README is short, and each of its blocks is tried or says why it is not."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.pages import ROOT, blocks

README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")
REMARK = re.compile(r"^<!-- (tried: |not tried as it stands: )(.+) -->\n```", re.MULTILINE)
TEST = re.compile(r"tests/\S+\.py")


def test_each_block_is_tried_by_a_test_or_says_why_it_is_not() -> None:
    remarks = REMARK.findall(TEXT)
    assert len(remarks) == len(blocks(README))
    named = {name.rstrip(";,") for _, why in remarks for name in TEST.findall(why)}
    assert {name for name in named if not (ROOT / name).is_file()} == set()
    assert "tests/engine/test_readme.py" in named


def test_a_test_that_the_readme_names_reads_it_or_runs_what_it_shows() -> None:
    tried = {name for kind, why in REMARK.findall(TEXT) if kind == "tried: " for name in TEST.findall(why)}
    assert {name for name in tried if "README.md" not in (ROOT / name).read_text(encoding="utf-8")} == set()


def test_the_readme_s_picture_is_there() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", TEXT)
    assert pictures
    assert all((README.parent / Path(picture)).is_file() for picture in pictures)


def test_the_comparison_has_a_source_for_each_row_and_a_date() -> None:
    chapter = TEXT.partition("## Other ways")[2].partition("\n## ")[0]
    rows = [line for line in chapter.splitlines() if line.startswith("| ")][2:]
    assert len(rows) > 3
    assert [row for row in rows if "](https://" not in row and not row.startswith("| this package")] == []
    assert re.search(r"on 20\d\d-\d\d-\d\d", chapter)
