"""Input validation with zod's messages (transcripts 74-81, 85, 152)."""

import re
from dataclasses import dataclass
from math import isnan
from typing import Literal

from pulumi_dokploy_deployments.simulator.world.templates import Json

from .errors import ApiError

Kind = Literal["string", "number", "boolean", "array", "any"]


@dataclass(frozen=True)
class Field:
    """One input field; `minimum` is a length for strings and a value for numbers."""

    kind: Kind = "string"
    optional: bool = False
    nullable: bool = False
    minimum: int | None = None
    maximum: int | None = None
    default: object = None
    options: tuple[str, ...] = ()
    pattern: str = ""
    pattern_message: str = ""


Schema = dict[str, Field]
ID = Field(minimum=1)
TEXT = Field(optional=True)
EVERYTHING = "*"
"""Schema key that lets unknown fields through, for `update` procedures."""


def validate(schema: Schema, data: Json, *, from_query: bool) -> Json:
    """Return the accepted fields, unknown ones dropped; raise BAD_REQUEST with all findings."""
    accepted: Json = dict(data) if EVERYTHING in schema else {}
    issues: list[Json] = []
    for name, field in schema.items():
        present = name in data
        value = data.get(name)
        if from_query and value == "":
            # The bridge from query strings to tRPC drops empty values (transcript 75).
            present, value = False, None
        if from_query and present and field.kind == "number":
            value = _number(value)
        if not present and field.optional:
            if field.default is not None:
                accepted[name] = field.default
            continue
        found = _check(name, field, value, present)
        if found:
            issues.append(found)
        else:
            accepted[name] = value
    if issues:
        raise ApiError("BAD_REQUEST", "Input validation failed", issues)
    return accepted


def _number(value: object) -> object:
    try:
        number = float(str(value))
    except ValueError:
        return float("nan")
    return int(number) if number.is_integer() else number


def _check(name: str, field: Field, value: object, present: bool) -> Json | None:
    if field.kind == "any" or (value is None and present and field.nullable):
        return None
    if field.options and value not in field.options:
        wanted = "|".join(f'"{option}"' for option in field.options)
        return {
            "code": "invalid_value",
            "values": list(field.options),
            "path": [name],
            "message": f"Invalid option: expected one of {wanted}",
        }
    received = _type_of(value) if present else "undefined"
    if received != field.kind:
        return {
            "expected": field.kind,
            "code": "invalid_type",
            "path": [name],
            "message": f"Invalid input: expected {field.kind}, received {received}",
        }
    if isinstance(value, str):
        return _check_text(name, field, value)
    if isinstance(value, int | float) and field.kind == "number":
        return _check_number(name, field, value)
    return None


def _check_text(name: str, field: Field, value: str) -> Json | None:
    if field.minimum is not None and len(value) < field.minimum:
        return {
            "origin": "string",
            "code": "too_small",
            "minimum": field.minimum,
            "inclusive": True,
            "path": [name],
            "message": f"Too small: expected string to have >={field.minimum} characters",
        }
    if field.pattern and not re.search(field.pattern, value):
        return {
            "origin": "string",
            "code": "invalid_format",
            "format": "regex",
            "pattern": f"/{field.pattern}/",
            "path": [name],
            "message": field.pattern_message,
        }
    return None


def _check_number(name: str, field: Field, value: float) -> Json | None:
    if not isinstance(value, int):
        return {
            "expected": "int",
            "format": "safeint",
            "code": "invalid_type",
            "path": [name],
            "message": "Invalid input: expected int, received number",
        }
    if field.minimum is not None and value < field.minimum:
        return _out_of_range(name, "small", "minimum", ">=", field.minimum)
    if field.maximum is not None and value > field.maximum:
        return _out_of_range(name, "big", "maximum", "<=", field.maximum)
    return None


def _out_of_range(name: str, size: str, bound: str, sign: str, limit: int) -> Json:
    return {
        "origin": "number",
        "code": f"too_{size}",
        bound: limit,
        "inclusive": True,
        "path": [name],
        "message": f"Too {size}: expected number to be {sign}{limit}",
    }


def _type_of(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, float) and isnan(value):
        return "NaN"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"
