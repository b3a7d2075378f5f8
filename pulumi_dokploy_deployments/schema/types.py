"""Types of the schema from the models' annotations."""

from __future__ import annotations

import types
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from pulumi_dokploy_deployments.schema.names import MODULE, camel

Schema = dict[str, Any]

ANY = {"$ref": "pulumi.json#/Any"}
_PRIMITIVES: Mapping[Any, str] = {
    str: "string",
    SecretStr: "string",
    datetime: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
}


class Types:
    """Turns annotations into types, and collects the named ones on the way."""

    def __init__(self) -> None:
        self.named: dict[str, Schema] = {}

    def property_of(self, name: str, field: FieldInfo, **extra: Any) -> Schema:
        """One property with its type and description."""
        made: Schema = {**self.type_of(field.annotation), "description": _description(name, field), **extra}
        if SecretStr in (field.annotation, *get_args(field.annotation)):
            made["secret"] = True
        return made

    def properties_of(self, model: type[BaseModel]) -> dict[str, Schema]:
        """Every field of a model."""
        return {camel(name): self.property_of(name, field) for name, field in model.model_fields.items()}

    def type_of(self, annotation: Any) -> Schema:
        """The type that an annotation means."""
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            return self.type_of(arguments[0])
        if origin in (Union, types.UnionType):
            return self._union([part for part in arguments if part is not types.NoneType])
        if origin in (tuple, list):
            return {"type": "array", "items": self.type_of(arguments[0])}
        if annotation in _PRIMITIVES:
            return {"type": _PRIMITIVES[annotation]}
        if isinstance(annotation, type) and issubclass(annotation, Enum):
            return {"type": "string", "oneOf": [{"type": "string"}, self._enum(annotation)]}
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return self._record(annotation)
        raise TypeError(f"the schema knows no type for {annotation}")

    def _union(self, parts: list[Any]) -> Schema:
        if len(parts) == 1:
            return self.type_of(parts[0])
        if any(get_origin(part) is dict for part in parts):
            return dict(ANY)
        return {"oneOf": [self.type_of(part) for part in parts]}

    def _enum(self, enum: type[Enum]) -> Schema:
        token = f"{MODULE}:{enum.__name__}"
        self.named[token] = {
            "type": "string",
            "description": _first_line(enum.__doc__),
            "enum": [{"name": member.name.title().replace("_", ""), "value": member.value} for member in enum],
        }
        return {"type": "string", "$ref": f"#/types/{token}"}

    def _record(self, model: type[BaseModel]) -> Schema:
        token = f"{MODULE}:{model.__name__}"
        if token not in self.named:
            self.named[token] = {}
            self.named[token] = {
                "type": "object",
                "description": _first_line(model.__doc__),
                "properties": self.properties_of(model),
                "required": required_of(model),
            }
        return {"$ref": f"#/types/{token}"}


def required_of(model: type[BaseModel]) -> list[str]:
    """The fields that are always there: those that can't be None."""
    return sorted(
        camel(name)
        for name, field in model.model_fields.items()
        if types.NoneType not in get_args(field.annotation) and field.annotation is not Any
    )


def needed_of(model: type[BaseModel]) -> list[str]:
    """The fields that have to be given."""
    return sorted(camel(name) for name, field in model.model_fields.items() if field.is_required())


def _description(name: str, field: FieldInfo) -> str:
    if not field.description:
        raise ValueError(f"{name} has no description")
    return field.description


def _first_line(text: str | None) -> str:
    return " ".join((text or "").split())
