"""The base of everything that is parsed from the server: camelCase, frozen, tolerant of what newer servers send."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel


class OpenStrEnum(StrEnum):
    """A string enumeration that keeps values it does not know, as newer servers may send them."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = value.upper()
        member._value_ = value
        return member

    @property
    def is_known(self) -> bool:
        """Whether this version of the package knows the value."""
        return self._value_ in type(self)._value2member_map_


class WireModel(BaseModel):
    """Base of everything that is parsed from the server: camelCase on the wire, frozen, tolerant."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, defer_build=True, extra="ignore"
    )


def _milliseconds(value: object) -> object:
    """Dokploy's queue gives times as milliseconds since the epoch (transcript 42)."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value / 1000, tz=UTC)
        except (OverflowError, OSError):
            raise ValueError("not a time in milliseconds") from None
    return value


def _aware(value: datetime) -> datetime:
    """Dokploy and Docker always name the zone; a time without one must not break comparisons."""
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)


Instant = Annotated[datetime, AfterValidator(_aware)]
EpochMilliseconds = Annotated[datetime, BeforeValidator(_milliseconds), AfterValidator(_aware)]
