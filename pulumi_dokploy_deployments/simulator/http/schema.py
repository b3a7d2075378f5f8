"""Input validation with zod's messages (transcripts 74-81, 85, 152)."""

import re
from dataclasses import dataclass
from math import inf, isinf, isnan
from typing import Literal

from pulumi_dokploy_deployments.simulator.world.templates import Json

from .errors import ApiError

Kind = Literal["string", "number", "boolean", "array", "object", "record", "any"]


@dataclass(frozen=True)
class Field:
    """One input field; `minimum` is a length for strings and a value for numbers.

    `coerced` fields are converted as JavaScript's Number() and Boolean() do before they are checked (406).
    """

    kind: Kind = "string"
    optional: bool = False
    nullable: bool = False
    minimum: int | None = None
    maximum: int | None = None
    default: object = None
    options: tuple[str, ...] = ()
    pattern: str = ""
    pattern_message: str = ""
    coerced: bool = False
    whole: bool = True
    filled_in: bool = False
    """A field that is optional elsewhere and made required here: zod complains in other words when it is missing."""


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
        if present and (field.coerced or (from_query and field.kind == "number")):
            value = _coerced(field, value)
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


def _coerced(field: Field, value: object) -> object:
    if value is None and field.nullable:
        return None
    return truthy(value) if field.kind == "boolean" else number(value)


def truthy(value: object) -> bool:
    """Return JavaScript's Boolean(value): lists and objects are true even when they are empty."""
    return bool(value) or isinstance(value, list | dict)


def number(value: object) -> float:
    """Return JavaScript's Number(value); NaN where it is none."""
    if value is None or isinstance(value, bool | int):
        return int(value or 0)
    if isinstance(value, list):
        return number(_joined(value))
    if isinstance(value, dict):
        return float("nan")
    text = str(value).strip()
    if not text:
        return 0
    if re.fullmatch(r"0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+", text):
        return int(text, 0)
    if re.fullmatch(r"[+-]?Infinity", text):
        return -inf if text.startswith("-") else inf
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text):
        return float("nan")
    found = float(text)
    return int(found) if found.is_integer() else found


def _joined(items: list[object]) -> str:
    return ",".join("" if item is None else _joined(item) if isinstance(item, list) else str(item) for item in items)


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
    if field.filled_in and not present:
        message = "Invalid input: expected nonoptional, received undefined"
        return {"code": "invalid_type", "expected": "nonoptional", "path": [name], "message": message}
    received = _type_of(value) if present else "undefined"
    infinite = isinstance(value, float) and isinf(value)
    if infinite or received != ("object" if field.kind == "record" else field.kind):
        issue: Json = {"expected": field.kind, "code": "invalid_type"}
        if infinite or received == "NaN":
            # Only for these zod repeats what it received, and calls the infinite ones numbers (409).
            issue["received"] = "Infinity" if infinite else "NaN"
        return issue | {"path": [name], "message": f"Invalid input: expected {field.kind}, received {received}"}
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
    if field.whole and not isinstance(value, int):
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
