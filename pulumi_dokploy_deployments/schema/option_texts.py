"""The help texts of the command line's options, from the models' descriptions."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from pulumi_dokploy_deployments.functions.table import FUNCTIONS
from pulumi_dokploy_deployments.schema.fields import Field, value_list
from pulumi_dokploy_deployments.schema.functions import argument_fields
from pulumi_dokploy_deployments.schema.names import snake
from pulumi_dokploy_deployments.schema.python_text import GENERATED, WIDTH, source
from pulumi_dokploy_deployments.schema.resources import RESOURCES


def option_texts() -> str:
    """`cli/option_texts.py`."""
    lines = [
        GENERATED,
        '"""What inputs and arguments mean, as plain strings, so that `--help` loads no models."""',
    ]
    for resource in RESOURCES:
        lines += ["", *_texts(snake(resource.name).upper(), resource.input_fields)]
    for function in FUNCTIONS.values():
        lines += ["", *_texts(function.name.upper(), argument_fields(function))]
    return source(lines)


def _texts(constant: str, fields: Iterable[Field]) -> list[str]:
    lines = [f"{constant} = {{"]
    for field in fields:
        text = (field.description + value_list(field)).replace("`", "")
        line = f'    "{field.name}": {_quoted(text)},'
        if len(line) <= WIDTH:
            lines.append(line)
        else:
            lines += [f'    "{field.name}": (', *_parts(text, "        "), "    ),"]
    return [*lines, "}"]


def _parts(text: str, indent: str) -> list[str]:
    if len(f"{indent}{_quoted(text)}") <= WIDTH:
        return [f"{indent}{_quoted(text)}"]
    *most, last = textwrap.wrap(text, WIDTH - len(f'{indent}" "'), break_on_hyphens=False)
    return [*(f"{indent}{_quoted(f'{part} ')}" for part in most), f"{indent}{_quoted(last)}"]


def _quoted(text: str) -> str:
    return f"'{text}'" if '"' in text and "'" not in text else '"' + text.replace('"', '\\"') + '"'
