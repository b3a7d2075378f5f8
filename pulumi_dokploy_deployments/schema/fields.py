"""One field of a model, read once for everything that is made from it: schema, Python, docs and options."""

from __future__ import annotations

import types
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class Atom:
    """A string, a number, a boolean, a time or an age."""

    kind: type


@dataclass(frozen=True)
class Choice:
    """One of an enumeration's values."""

    enum: type[Enum]

    @property
    def values(self) -> tuple[str, ...]:
        """The values, in their order."""
        return tuple(str(member.value) for member in self.enum)


@dataclass(frozen=True)
class Many:
    """A list of something."""

    item: Part


@dataclass(frozen=True)
class FreeForm:
    """A map or a list of anything."""

    kind: type


@dataclass(frozen=True)
class Texts:
    """A map of strings."""


@dataclass(frozen=True)
class Record:
    """Another model."""

    model: type[BaseModel]


@dataclass(frozen=True)
class Records:
    """A map of another model's records by the user's names for them."""

    model: type[BaseModel]


Part: TypeAlias = Atom | Choice | Many | FreeForm | Texts | Record | Records
Plain: TypeAlias = str | float | bool | None


@dataclass(frozen=True)
class Field:
    """One field.

    Attributes:
        name: its name in Python.
        parts: what it may be, beside None.
        may_be_none: whether it may be None.
        is_required: whether it has to be given.
        is_secret: whether it must not be shown.
        default: what counts when it is not given, as a plain value.
        description: what it means, with other fields' names in Python's spelling.
        least: the smallest number that it may be; None where the model has no such bound.
        most: the largest one.
    """

    name: str
    parts: tuple[Part, ...]
    may_be_none: bool
    is_required: bool
    is_secret: bool
    default: Plain
    description: str
    least: float | None = None
    most: float | None = None

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The enumerations in it."""
        items = (part.item if isinstance(part, Many) else part for part in self.parts)
        return tuple(dict.fromkeys(item for item in items if isinstance(item, Choice)))


def fields_of(model: type[BaseModel]) -> tuple[Field, ...]:
    """The fields of a model in their order."""
    required: frozenset[str] = getattr(model, "REQUIRED", frozenset())
    computed: frozenset[str] = getattr(model, "COMPUTED", frozenset())
    found = {name: info for name, info in model.model_fields.items() if name not in computed}
    return tuple(_field(name, info, is_required=name in required) for name, info in found.items())


def own_fields_first(model: type[BaseModel]) -> tuple[Field, ...]:
    """The fields of a model, those of its bases after its own."""
    known = {field.name: field for field in fields_of(model)}
    bases = [base for base in model.__mro__ if issubclass(base, BaseModel)]
    ordered = [name for base in reversed(bases) for name in base.model_fields]
    depth = {name: index for index, base in enumerate(bases) for name in base.model_fields}
    return tuple(known[name] for name in sorted(dict.fromkeys(ordered), key=lambda name: depth[name]))


def value_list(field: Field) -> str:
    """The values of an enumeration as a sentence, for a field that takes one of them or several; else nothing."""
    if len(field.parts) == 1:
        return ""
    return "".join(f" Values: {', '.join(f'`{value}`' for value in choice.values)}." for choice in field.choices)


def shown_default(value: Plain) -> str:
    """A default as one would write it in YAML."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _field(name: str, info: FieldInfo, *, is_required: bool = False) -> Field:
    if not info.description:
        raise ValueError(f"{name} has no description")
    members = _members(info.annotation)
    is_required = is_required or info.is_required()
    default = None if is_required else info.get_default(call_default_factory=True)
    return Field(
        name=name,
        parts=tuple(dict.fromkeys(_part(member) for member in members if member is not types.NoneType)),
        may_be_none=types.NoneType in members,
        is_required=is_required,
        is_secret=SecretStr in members,
        default=default.value if isinstance(default, Enum) else default,
        description=" ".join(info.description.split()),
        least=_bound(info, "ge"),
        most=_bound(info, "le"),
    )


def _bound(info: FieldInfo, name: str) -> float | None:
    bounds = (getattr(constraint, name, None) for constraint in info.metadata)
    return next((float(bound) for bound in bounds if isinstance(bound, int | float)), None)


def _members(annotation: Any) -> list[Any]:
    """The types that an annotation allows."""
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [member for part in get_args(annotation) for member in _members(part)]
    return [annotation]


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _part(annotation: Any) -> Part:
    origin = get_origin(annotation) or annotation
    if origin in (list, tuple):
        (item, *_) = _members(get_args(annotation)[0])
        return FreeForm(list) if item is Any else Many(_part(item))
    if origin is dict and get_args(annotation)[1:] == (str,):
        return Texts()
    if origin is dict and len(found := _members(get_args(annotation)[1])) == 1 and _is_model(found[0]):
        return Records(found[0])
    if origin is dict:
        return FreeForm(dict)
    if annotation is SecretStr:
        return Atom(str)
    if annotation in (str, int, float, bool, datetime, timedelta):
        return Atom(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return Choice(annotation)
    if _is_model(annotation):
        return Record(annotation)
    raise TypeError(f"there is no way to write {annotation} in the schema")
