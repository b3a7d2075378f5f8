"""What the command line's options take from the models: meanings, values, defaults and bounds."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

from pulumi_dokploy_deployments.functions.table import FUNCTIONS
from pulumi_dokploy_deployments.schema.fields import Choice, Field, value_list
from pulumi_dokploy_deployments.schema.functions import argument_fields
from pulumi_dokploy_deployments.schema.names import snake
from pulumi_dokploy_deployments.schema.python_text import GENERATED, WIDTH, literal, source
from pulumi_dokploy_deployments.schema.resources import RESOURCES

_SENTENCE_END = re.compile(r"(?<=\.) (?=[A-Z])")
_OF_RESOURCES = re.compile(r"\bchange\b|replaces (?:the resource|it)\.|project and stack|pulumi up")
"""A command is run once: what a resource does when an input changes, and what Pulumi adds, is left out."""


def option_texts() -> str:
    """`cli/option_texts.py`."""
    # The commands are about one service each.
    of_one = [resource for resource in RESOURCES if resource.choose_one]
    tables = [(snake(resource.name).upper(), resource.input_fields) for resource in of_one]
    tables += [(function.name.upper(), argument_fields(function)) for function in FUNCTIONS.values()]
    lines = [
        GENERATED,
        '"""What inputs and arguments mean and may be, as plain values, so that `--help` loads no models."""',
        "",
        "from __future__ import annotations",
        "",
        "from enum import StrEnum",
        "",
        "from pulumi_dokploy_deployments.cli.option_text import OptionText",
        "",
    ]
    choices = dict.fromkeys(choice for _, fields in tables for field in fields for choice in _single_choice(field))
    for choice in sorted(choices, key=lambda choice: choice.enum.__name__):
        lines += ["", *_enumeration(choice), ""]
    for constant, fields in tables:
        lines += ["", *_texts(constant, fields)]
    return source(lines)


def _single_choice(field: Field) -> tuple[Choice, ...]:
    """The enumeration of a field that takes one of its values and nothing else."""
    return field.choices if len(field.parts) == 1 and isinstance(field.parts[0], Choice) else ()


def _enumeration(choice: Choice) -> list[str]:
    meaning = " ".join((choice.enum.__doc__ or "").split())
    members = [f'    {member.name} = "{member.value}"' for member in choice.enum]
    return [f"class {choice.enum.__name__}(StrEnum):", f'    """{meaning}"""', "", *members]


def _texts(constant: str, fields: Iterable[Field]) -> list[str]:
    lines = [f"{constant} = {{"]
    for field in fields:
        lines += _entry(field)
    return [*lines, "}"]


def _entry(field: Field) -> list[str]:
    meaning = _for_a_command(field.description + value_list(field))
    more = []
    if field.default is not None:
        more.append(f"default={literal(field.default)}")
    if field.least is not None:
        more.append(f"least={field.least!r}")
    if field.most is not None:
        more.append(f"most={field.most!r}")
    one_line = f'    "{field.name}": OptionText({", ".join([literal(field.name), _quoted(meaning), *more])}),'
    if len(one_line) <= WIDTH:
        return [one_line]
    lines = [f'    "{field.name}": OptionText(']
    arguments = ", ".join([literal(field.name), _quoted(meaning), *more])
    if len(f"        {arguments}") <= WIDTH:
        return [*lines, f"        {arguments}", "    ),"]
    lines += [f"        {literal(field.name)},", *_parts(meaning, "        "), *(f"        {each}," for each in more)]
    return [*lines, "    ),"]


def _for_a_command(description: str) -> str:
    sentences = _SENTENCE_END.split(description)
    kept = [sentence for sentence in sentences if not _OF_RESOURCES.search(sentence)]
    return " ".join(kept or sentences)


def _parts(text: str, indent: str) -> list[str]:
    if len(f"{indent}{_quoted(text)},") <= WIDTH:
        return [f"{indent}{_quoted(text)},"]
    *most, last = textwrap.wrap(text, WIDTH - len(f'{indent}" "'), break_on_hyphens=False)
    return [*(f"{indent}{_quoted(f'{part} ')}" for part in most), f"{indent}{_quoted(last)},"]


def _quoted(text: str) -> str:
    return f"'{text}'" if '"' in text and "'" not in text else '"' + text.replace('"', '\\"') + '"'
