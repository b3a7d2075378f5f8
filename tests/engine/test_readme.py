"""The README's start, copied from the page: its project, its settings, its program, and the way back."""

from __future__ import annotations

import re

import pytest

from tests.support.harness import PASSPHRASE, STACK, MakeWorkspace, Simulator
from tests.support.pages import ROOT, blocks

pytestmark = pytest.mark.own_interpreters

BLOCKS = blocks(ROOT / "README.md")
PROGRAM, PIN = (block.text for block in BLOCKS if block.language == "python")
(PROJECT,) = (block.text for block in BLOCKS if block.text.startswith("name: "))
(OUTPUT,) = (block.text for block in BLOCKS if block.text.startswith("Updating ("))
(SETTINGS,) = (block.text for block in BLOCKS if block.text.startswith("pulumi stack init"))


def test_the_readme_s_start_deploys_and_goes_back(make_workspace: MakeWorkspace, simulator: Simulator) -> None:
    typed = [line.split("#")[0].split() for line in SETTINGS.splitlines()]
    given = {words[-2]: words[-1] for words in typed if words[1:3] == ["config", "set"] and "--secret" not in words}
    assert set(given) == {"dokploy:endpoint", "application", "release"}
    given |= {"application": "ok", **simulator.config}

    shop = make_workspace(PROGRAM, environment={PASSPHRASE: "as most users have it"})
    (shop.folder / "Pulumi.yaml").write_text(PROJECT)
    shop.begin(given, simulator.secrets)
    said = shop.up().expect_ok("2 created").output
    for line in OUTPUT.splitlines()[1:]:
        # Without the seconds, which differ from run to run.
        words = re.sub(r"^.*\(\d+s\) | · \d.*", "", line).strip()
        assert words in said or words == "…", f"the README shows {words!r}"
    shop.config("release", "1.5.0")
    shop.up().expect_ok("1 updated")

    shop.rewrite(PROGRAM + PIN)
    shop.config("pinVersion", "1")
    shop.up().expect_ok("pins version 1", "1 created")
    assert shop.outputs()["pinned"].endswith(":v1")
    assert simulator.api_key not in shop.state_text()
    assert "encryptionsalt: v1:" in (shop.folder / f"Pulumi.{STACK}.yaml").read_text()
