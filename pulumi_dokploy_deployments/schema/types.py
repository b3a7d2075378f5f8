"""Types of the schema from the models' fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from pydantic import BaseModel

from pulumi_dokploy_deployments.resources.inputs import ResourceInputs
from pulumi_dokploy_deployments.schema.fields import (
    Atom,
    Choice,
    Field,
    FreeForm,
    Many,
    Part,
    Record,
    Records,
    Texts,
    fields_of,
    value_list,
)
from pulumi_dokploy_deployments.schema.names import MODULE, camel

Schema = dict[str, Any]

ANY = {"$ref": "pulumi.json#/Any"}
_PRIMITIVES: Mapping[type, str] = {
    str: "string",
    datetime: "string",
    timedelta: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
}
_OTHER_FIELD = re.compile(r"`([a-z]+(?:_[a-z0-9]+)+)`")


def described(text: str | None) -> str:
    """A description on one line, with the names of other fields as the schema has them."""
    return _OTHER_FIELD.sub(lambda found: f"`{camel(found.group(1))}`", " ".join((text or "").split()))


class Types:
    """Turns fields into properties, and collects the named types on the way."""

    def __init__(self) -> None:
        self.named: dict[str, Schema] = {}

    def property_of(self, field: Field, **extra: Any) -> Schema:
        """One property with its type and description."""
        made: Schema = {
            **self._type_of(field),
            "description": described(field.description + value_list(field)),
            **extra,
        }
        if field.is_secret:
            made["secret"] = True
        return made

    def properties_of(self, fields: Iterable[Field]) -> dict[str, Schema]:
        """Every field as a property."""
        return {camel(field.name): self.property_of(field) for field in fields}

    def _type_of(self, field: Field) -> Schema:
        if any(isinstance(part, FreeForm) for part in field.parts):
            return dict(ANY)
        if len(field.parts) == 1:
            return self._type(field.parts[0])
        # Languages have no good type for one enumeration's value or a list of them: these are strings there.
        members = {str(member): member for member in (self._loose(part) for part in field.parts)}
        return {"oneOf": list(members.values())} if len(members) > 1 else next(iter(members.values()))

    def _type(self, part: Part) -> Schema:
        if isinstance(part, Atom):
            return {"type": _PRIMITIVES[part.kind]}
        if isinstance(part, Many):
            return {"type": "array", "items": self._type(part.item)}
        if isinstance(part, Texts):
            return {"type": "object", "additionalProperties": {"type": "string"}}
        if isinstance(part, Choice):
            return {"type": "string", "oneOf": [{"type": "string"}, self._enum(part.enum)]}
        if isinstance(part, Record):
            return self._record(part.model)
        if isinstance(part, Records):
            return {"type": "object", "additionalProperties": self._record(part.model)}
        return dict(ANY)

    def _loose(self, part: Part) -> Schema:
        if isinstance(part, Choice):
            return {"type": "string"}
        if isinstance(part, Many):
            return {"type": "array", "items": self._loose(part.item)}
        return self._type(part)

    def _enum(self, enum: type[Enum]) -> Schema:
        token = f"{MODULE}:{enum.__name__}"
        self.named[token] = {
            "type": "string",
            "description": described(enum.__doc__),
            "enum": [{"name": member.name.title().replace("_", ""), "value": member.value} for member in enum],
        }
        return {"type": "string", "$ref": f"#/types/{token}"}

    def _record(self, model: type[BaseModel]) -> Schema:
        token = f"{MODULE}:{model.__name__}"
        if token not in self.named:
            self.named[token] = {}
            self.named[token] = {
                "type": "object",
                "description": described(model.__doc__),
                "properties": self.properties_of(fields_of(model)),
                # What is given has defaults; what is made is there unless it may be None.
                "required": (required if issubclass(model, ResourceInputs) else always_there)(fields_of(model)),
            }
        return {"$ref": f"#/types/{token}"}


def always_there(fields: Iterable[Field]) -> list[str]:
    """The fields that are always there: those that can't be None."""
    return sorted(camel(field.name) for field in fields if not field.may_be_none)


def required(fields: Iterable[Field]) -> list[str]:
    """The fields that have to be given."""
    return sorted(camel(field.name) for field in fields if field.is_required)
