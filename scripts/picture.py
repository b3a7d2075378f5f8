"""A picture of a real run for the README: a release that is good, and one whose container ends at once.

    python scripts/picture.py            writes docs/images/run.svg; about half a minute

The commands are real, the server is the simulator. Lines are left out, none is changed but for the simulator's port.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import demo
import setup_engine
from rich.console import Console
from rich.text import Text

from pulumi_dokploy_deployments.simulator.process import start_simulator

EXAMPLE = demo.REPOSITORY / "examples" / "image-release"
PICTURE = demo.REPOSITORY / "docs" / "images" / "run.svg"
COLUMNS = 118
SHOWN_PORT = 4000
APPLICATION = "shop"
IMAGE = "registry.example.com/shop/web"
BEFORE, GOOD, BAD = f"{IMAGE}:1.4.0", f"{IMAGE}:1.5.0", f"{IMAGE}:1.6.0"
LAST_WORDS = ("connecting to the database", "fatal: DATABASE_URL is not set")
UP = ("pulumi", "up", "--yes", "--skip-preview", "--color", "always")
BUILD_SECONDS = 0.3
HEADING = re.compile(r"^(Updating|Diagnostics|Outputs|Resources|Duration)\b")
# The viewer's own monospaced font does as well; a picture should ask no other site.
FONTS = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
OWN_ROW = "Deployment web "
FIRST_ROWS, LAST_ROWS = 9, 4


class Stage(demo.Demo):
    """The example that releases an image, with a project and a state of its own."""

    @property
    def project(self) -> Path:
        return self.folder / "image-release"

    def build(self) -> None:
        """Copy the example and configure its stack."""
        self.state.mkdir()
        shutil.copytree(EXAMPLE, self.project, ignore=shutil.ignore_patterns("__pycache__", "venv", "Pulumi.*.yaml"))
        demo.lend_virtualenv(self.project)
        plain = (f"dokploy:endpoint={self.simulator.endpoint}", f"image-release:application={APPLICATION}")
        settings = [part for setting in plain for part in ("--plaintext", setting)]
        self.must("pulumi", "stack", "init", "production")
        self.must("pulumi", "config", "set-all", *settings)
        self.must("pulumi", "config", "set", "dokploy:apiKey", "--secret", typed=self.simulator.api_key)

    def must(self, *command: str, typed: str | None = None) -> str:
        """The output of a command that has to succeed."""
        ended = self.type(command, typed)
        if ended.exit_code != 0:
            raise SystemExit(f"picture: '{' '.join(command)}' ended with exit code {ended.exit_code}")
        return ended.output


def run(folder: Path, engine: Path) -> list[tuple[str, str, int]]:
    """What was typed, what came of it, and the exit code."""
    with start_simulator(build_seconds=BUILD_SECONDS) as simulator:
        simulator.control("create_application", name=APPLICATION, image=BEFORE)
        simulator.control("set_image", image=BAD, runtime="exits", exit_code=1, output=LAST_WORDS)
        stage = Stage(simulator, folder, engine)
        stage.build()
        stage.must("pulumi", "config", "set", "image", BEFORE)
        stage.must(*UP)
        told = []
        for image, is_good in ((GOOD, True), (BAD, False)):
            stage.must("pulumi", "config", "set", "image", image)
            ended = stage.type(UP)
            if (ended.exit_code == 0) is not is_good:
                raise SystemExit(f"picture: the release of {image} ended with exit code {ended.exit_code}")
            typed = f"pulumi config set image {image}\n$ pulumi up --yes --skip-preview"
            output = ended.output.replace(simulator.endpoint, f"http://127.0.0.1:{SHOWN_PORT}")
            told.append((typed, output, ended.exit_code))
        return told


def worth_showing(output: str) -> list[Text]:
    """The lines that tell the story: what the deployment's own row said, the error, the closing numbers."""
    shown: list[Text] = []
    rows: list[Text] = []
    chapter, is_in_error = "", False
    for line in map(Text.from_ansi, output.splitlines()):
        plain = line.plain.strip()
        heading = HEADING.match(plain)
        chapter = heading[1] if heading else chapter
        is_in_error = bool(plain) and (is_in_error or plain.startswith("error: Dokploy"))
        if chapter == "Updating" and OWN_ROW in plain and "error: " not in plain:
            rows.append(line)
        wanted = {
            "Updating": bool(heading),
            "Diagnostics": is_in_error,
            "Resources": bool(plain),
            "Duration": bool(heading),
        }
        if wanted.get(chapter, False):
            shown.append(line)
    if len(rows) > FIRST_ROWS + LAST_ROWS:
        rows[FIRST_ROWS:-LAST_ROWS] = [Text("    …", style="dim")]
    return [*shown[:1], *rows, *shown[1:]]


def draw(runs: Iterable[tuple[str, str, int]]) -> str:
    """The picture, the same for the same text."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(
            record=True,
            file=nowhere,
            width=COLUMNS,
            force_terminal=True,
            color_system="truecolor",
            legacy_windows=False,
        )
        for typed, output, exit_code in runs:
            console.print(Text(f"$ {typed}", style="bold"))
            for line in worth_showing(output):
                console.print(line)
            console.print(Text("$ echo $?", style="bold"))
            console.print(Text(f"{exit_code}\n"))
        return FONTS.sub("", console.export_svg(title="pulumi up", unique_id="run"))


def main() -> int:
    try:
        engine = setup_engine.ensure_engine(os.environ)
    except setup_engine.NoEngineError as error:
        print(error, file=sys.stderr)
        return 1
    folder = Path(tempfile.mkdtemp(prefix="dokploy-picture-"))
    try:
        runs = run(folder, engine.bin_dir)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw(runs), encoding="utf-8")
    print(f"Written: {PICTURE.relative_to(demo.REPOSITORY)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
