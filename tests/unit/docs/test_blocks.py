"""Each code block of each page is tried, checked against what it uses, or says why not."""

from __future__ import annotations

import ast
import inspect
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml  # type: ignore[import-untyped]

import pulumi_dokploy_deployments
from pulumi_dokploy_deployments import plugin
from pulumi_dokploy_deployments.cli.main import app
from tests.support.pages import ROOT, Block, blocks, name_of, pages

REMARK = re.compile(r"<!-- (?:tried|not tried[^:]*|output; words of the [a-z ]+): (.+) -->\n *$")
QUOTED = re.compile(r'"([^"]+)"')
FILE = re.compile(r"\b(?:tests|examples|scripts)/[\w./-]+\w")
PLAYED = {"docs/cli.md": "tests/cli/test_docs.py"}
"""Pages whose blocks are all compared with what the commands print."""
COMMANDS = {
    "dokploy-deployments",
    "export",
    "git",
    "make",
    "pip",
    "pulumi",
    "python",
    "pulumi-resource-dokploy-deployments",
}
OF_PULUMI = {"config", "destroy", "import", "package", "plugin", "preview", "refresh", "stack", "up"}
SETTINGS = {"endpoint", "apiKey", "headers", "offlinePreview", "requestTimeoutSeconds", "timeoutSeconds"}
SCHEMA = json.loads((ROOT / "schema.json").read_text(encoding="utf-8"))
GROUP: Any = typer.main.get_command(app)
OF_PULUMIS_CLASSES = {"apply", "id", "urn"}

PAGES = [*pages(), *sorted((ROOT / "examples").glob("*/README.md"))]


def with_remarks() -> Iterator[tuple[Block, str | None]]:
    """Each block with the remark that stands before it."""
    for page in PAGES:
        text, at = page.read_text(encoding="utf-8"), 0
        for block in blocks(page):
            first = block.text.split("\n")[0]
            start = text.index("```", at)
            while first not in text[start : start + len(first) + 60]:
                start = text.index("```", start + 3)
            end = text.index("```", start + 3)
            found = REMARK.search(text[:start])
            yield block, found[1] if found else None
            at = end + 3


BLOCKS = list(with_remarks())
UNREMARKED = [block for block, remark in BLOCKS if remark is None and block.page not in PLAYED]


def commands_of(block: Block) -> list[str]:
    """The commands that a block shows; none where it shows something else."""
    if block.language not in ("", "console", "sh"):
        return []
    lines = block.text.replace("\\\n", " ").splitlines()
    prompted = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    found = prompted or [line for line in lines if line.strip()]
    return found if all(_words(line)[:1] and _words(line)[0] in COMMANDS for line in found) else []


def _words(line: str) -> list[str]:
    try:
        words = shlex.split(line.replace("…", "0"), comments=True)
    except ValueError:
        return []
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    return words


def test_every_block_is_tried_checked_or_says_why_not() -> None:
    assert len(BLOCKS) > 90
    silent = [
        f"{block.page}: {block.text[:60]!r}"
        for block in UNREMARKED
        if block.language not in ("python", "yaml") and not commands_of(block)
    ]
    assert silent == []


def test_what_a_remark_names_is_there() -> None:
    named = {name for _, remark in BLOCKS for name in FILE.findall(remark or "")} | set(PLAYED.values())
    assert {name for name in named if not (ROOT / name).exists()} == set()
    for page, test in PLAYED.items():
        assert Path(page).name in (ROOT / test).read_text(encoding="utf-8")


def test_output_is_in_the_words_of_the_code() -> None:
    written = "\n".join(_strings())
    shown = [(block, QUOTED.findall(remark)) for block, remark in BLOCKS if remark and QUOTED.search(remark)]
    assert len(shown) > 8
    for block, phrases in shown:
        for phrase in phrases:
            assert phrase in block.text, f"{block.page} does not show {phrase!r}"
            assert phrase in written, f"the code never says {phrase!r}, as {block.page} has it"


def _strings() -> Iterator[str]:
    for folder in ("pulumi_dokploy_deployments", "scripts"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


@pytest.mark.parametrize("block", [each for each, _ in BLOCKS if commands_of(each)], ids=lambda each: each.page)
def test_commands_have_the_options_that_are_shown(block: Block) -> None:
    for line in commands_of(block):
        words = _words(line)
        command, rest = words[0], words[1:]
        if command == "dokploy-deployments":
            parse(rest)
        elif command == "pulumi":
            assert rest[0] in OF_PULUMI, line
            keys = [word for word in rest if re.fullmatch(r"dokploy(-[a-z-]+)?:\w+", word)]
            assert {key.partition(":")[2] for key in keys} <= SETTINGS, line
        elif command == "make":
            assert re.search(
                rf"^{re.escape(rest[0])}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
            ), line
        elif command == "pip":
            assert any(word.startswith("pulumi-dokploy-deployments") for word in rest), line
        elif command == "export":
            assert re.match(r"(DOKPLOY_[A-Z_]+|SSL_CERT_FILE|SSL_CERT_DIR|PATH|PULUMI_[A-Z_]+)=", rest[0]), line


def parse(words: list[str]) -> None:
    """Read a command line as the program does, without carrying it out."""
    words = [word for word in words if word not in ("|", "&&")]
    context = GROUP.make_context("dokploy-deployments", words, allow_interspersed_args=False)
    name, command, rest = GROUP.resolve_command(context, [*context._protected_args, *context.args])
    command.make_context(name, rest, parent=context)


def test_the_parser_refuses_what_does_not_exist() -> None:
    parse(["watch", "--application", "x"])
    for words in (["wotch"], ["watch", "--aplication", "x"]):
        with pytest.raises(Exception, match="No such"):
            parse(words)


@pytest.mark.parametrize("block", [each for each, _ in BLOCKS if each.language == "python"], ids=lambda each: each.page)
def test_python_uses_what_there_is(block: Block) -> None:
    tree = ast.parse(block.text)
    module: Any = (
        plugin if "plugin as dokploy" in block.text or "dokploy.Provider" in block.text else pulumi_dokploy_deployments
    )
    made: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _is_dokploy(node):
            assert hasattr(module, node.attr), f"there is no {node.attr}"
        if isinstance(node, ast.Call) and _is_dokploy(node.func):
            assert isinstance(node.func, ast.Attribute)
            known = inspect.signature(getattr(module, node.func.attr)).parameters
            given = {keyword.arg for keyword in node.keywords if keyword.arg is not None}
            assert given <= set(known), f"{node.func.attr} has no {given - set(known)}"
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _is_dokploy(node.value.func):
            (target,) = node.targets
            assert isinstance(target, ast.Name)
            assert isinstance(node.value.func, ast.Attribute)
            made[target.id] = getattr(module, node.value.func.attr)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and inspect.isclass(made.get(node.value.id))
        ):
            kind = made[node.value.id]
            assert node.attr in {*kind.__annotations__, *OF_PULUMIS_CLASSES}, f"{kind.__name__} has no {node.attr}"


def _is_dokploy(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "dokploy"


@pytest.mark.parametrize("block", [each for each, _ in BLOCKS if each.language == "yaml"], ids=lambda each: each.page)
def test_yaml_parses_and_its_resources_have_these_inputs(block: Block) -> None:
    content = yaml.safe_load(block.text)
    resources = content.get("resources", {}) if isinstance(content, dict) else {}
    for resource in resources.values():
        token = str(resource["type"]).replace("dokploy-deployments:", "dokploy-deployments:index:")
        if token.startswith("dokploy-deployments:"):
            known = SCHEMA["resources"][token]["inputProperties"]
            assert set(resource.get("properties", {})) <= set(known), token


def test_the_pages_are_all_there() -> None:
    assert {"README.md", "docs/cli.md", "examples/many-services/README.md"} <= {name_of(page) for page in PAGES}
