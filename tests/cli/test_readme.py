"""The README's commands for a first try, copied from the page."""

from __future__ import annotations

import re
import shlex

from tests.support.pages import ROOT, blocks

from .conftest import Server

(TRIED,) = (block.text for block in blocks(ROOT / "README.md") if block.text.startswith("dokploy-deployments services"))


def test_the_first_commands_end_as_the_readme_says(server: Server) -> None:
    ended = []
    for line in TRIED.splitlines():
        command, _, remark = line.partition("#")
        announced = re.search(r"exit code (\d)", remark)
        answer = server.run(*shlex.split(command)[1:])
        ended.append((answer.code, int(announced[1]) if announced else 0))
    assert ended == [(0, 0), (0, 0), (1, 1)]
