"""Writes the tables of inputs and outputs into docs/resources/, from the descriptions in the models.

    python tests/unit/docs/reference.py

The models are the one source: what a field means is written there and nowhere else. A test fails when a page differs.
"""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pulumi_dokploy_deployments.resources.deployment_model import DeploymentInputs, DeploymentOutputs
from pulumi_dokploy_deployments.resources.rollback_target import SELECTORS
from pulumi_dokploy_deployments.resources.rollback_target_model import RollbackTargetInputs, RollbackTargetOutputs

PAGES = Path(__file__).parents[2] / "docs" / "resources"
BEGIN = "<!-- {name}: written by tests/unit/docs/reference.py, not by hand -->"
END = "<!-- end of {name} -->"
PLAIN = {str: "text", int: "whole number", float: "number", bool: "true or false", dict: "map", list: "list"}


@dataclass(frozen=True)
class Page:
    """One page and the models behind its two tables."""

    file: str
    inputs: type[BaseModel]
    outputs: type[BaseModel]
    exactly_one_of: tuple[tuple[str, ...], ...]
    """Groups of inputs of which exactly one is given; all others are optional."""

    @property
    def path(self) -> Path:
        """Where the page is."""
        return PAGES / self.file

    @property
    def tables(self) -> dict[str, str]:
        """The generated tables by name."""
        return {"inputs": input_table(self), "outputs": output_table(self.outputs)}


def services_of(model: type[BaseModel]) -> tuple[str, ...]:
    """The inputs that name the service."""
    kinds = ("application", "compose", "postgres", "mysql", "mariadb", "mongo", "redis")
    return tuple(f"{kind}_id" for kind in kinds if f"{kind}_id" in model.model_fields)


DOCUMENTED = (
    Page("deployment.md", DeploymentInputs, DeploymentOutputs, (services_of(DeploymentInputs),)),
    Page(
        "rollback-target.md",
        RollbackTargetInputs,
        RollbackTargetOutputs,
        (services_of(RollbackTargetInputs), tuple(SELECTORS)),
    ),
)


def input_table(page: Page) -> str:
    """Name, type, default and meaning of each input."""
    lines = ["| input | type | default | meaning |", "| --- | --- | --- | --- |"]
    for name, field in page.inputs.model_fields.items():
        needed = any(name in group for group in page.exactly_one_of)
        default = "one of these" if needed else shown_default(field.default)
        lines.append(f"| `{name}` | {shown_type(field.annotation)} | {default} | {meaning(field)} |")
    return "\n".join(lines)


def output_table(model: type[BaseModel]) -> str:
    """Name, type and meaning of each output."""
    lines = ["| output | type | meaning |", "| --- | --- | --- |"]
    for name, field in model.model_fields.items():
        lines.append(f"| `{name}` | {shown_type(field.annotation)} | {meaning(field)} |")
    return "\n".join(lines)


def meaning(field: FieldInfo) -> str:
    """The field's own description; a table's cell has one line and no bare bar."""
    return " ".join((field.description or "").split()).replace("|", "\\|")


def shown_type(annotation: Any) -> str:
    """The type in words."""
    if get_origin(annotation) is Annotated:
        return shown_type(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        parts = [shown_type(part) for part in get_args(annotation) if part is not type(None)]
        return " or ".join(dict.fromkeys(parts))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{member.value}`" for member in annotation)
    return PLAIN[get_origin(annotation) or annotation]


def shown_default(value: Any) -> str:
    """The default as one would write it in YAML."""
    if value is None:
        return "none"
    if isinstance(value, Enum):
        return f"`{value.value}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def with_tables(text: str, tables: dict[str, str]) -> str:
    """The page with its tables put in anew.

    Raises:
        ValueError: the page lacks the marks of one of them.
    """
    for name, table in tables.items():
        begin, end = BEGIN.format(name=name), END.format(name=name)
        if text.count(begin) != 1 or text.count(end) != 1:
            raise ValueError(f"the page needs each of these lines once: {begin} and {end}")
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}\n\n{table}\n\n{end}{after}"
    return text


def main() -> int:
    for page in DOCUMENTED:
        old = page.path.read_text(encoding="utf-8")
        new = with_tables(old, page.tables)
        page.path.write_text(new, encoding="utf-8")
        print(f"{page.path.name}: {'unchanged' if new == old else 'rewritten'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
