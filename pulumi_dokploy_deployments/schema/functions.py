"""The functions' arguments in the order in which every language and page has them."""

from __future__ import annotations

from typing import Any

from pulumi_dokploy_deployments.functions.arguments import ServerArguments
from pulumi_dokploy_deployments.functions.table import Function
from pulumi_dokploy_deployments.schema.fields import Field, fields_of, own_fields_first


def argument_fields(function: Function[Any, Any]) -> tuple[Field, ...]:
    """What a function takes: what may be given without a name, its own arguments, then what several functions take."""
    fields = own_fields_first(function.arguments)
    return (*_positional(function, fields), *(field for field in fields if not _is_positional(function, field)))


def positional_fields(function: Function[Any, Any]) -> tuple[Field, ...]:
    """The arguments that Python programs may give without their names."""
    return _positional(function, own_fields_first(function.arguments))


def python_fields(function: Function[Any, Any]) -> tuple[Field, ...]:
    """What the function takes in Python: its arguments, and the server."""
    return (*argument_fields(function), *fields_of(ServerArguments))


def _positional(function: Function[Any, Any], fields: tuple[Field, ...]) -> tuple[Field, ...]:
    return tuple(field for field in fields if _is_positional(function, field))


def _is_positional(function: Function[Any, Any], field: Field) -> bool:
    return field.is_required or field.name in function.arguments.positional
