"""The inputs of a resource as a model: validated once, with the values that are not known yet set aside by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from pulumi_dokploy_deployments.api.services import ServiceRef, page_in
from pulumi_dokploy_deployments.resources.fields import (
    SERVICE_ID_FIELDS,
    UNKNOWN,
    Problem,
    UnknownValue,
    contains_unknown,
    problems_of,
)

ModelT = TypeVar("ModelT", bound=BaseModel)


class FoundService(BaseModel):
    """The service that a name was resolved to.

    Attributes:
        given: the name, as the program gives it.
        service_id: the id that it was resolved to.
    """

    model_config = ConfigDict(frozen=True)

    given: str
    service_id: str


class ResourceInputs(BaseModel):
    """What a user declares of a resource. A value that is not known yet is absent, and its name is in `unknown`."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    REQUIRED: ClassVar[frozenset[str]] = frozenset()
    """Inputs that have to be given."""
    FREE_FORM: ClassVar[frozenset[str]] = frozenset()
    """Inputs that may hold anything, values that are not known yet included."""
    COMPUTED: ClassVar[frozenset[str]] = frozenset()
    """Fields that no user gives: they are worked out when the inputs are checked."""

    _unknown: frozenset[str] = PrivateAttr(default=frozenset())

    @property
    def unknown(self) -> frozenset[str]:
        """The inputs whose value is not known yet."""
        return self._unknown

    @property
    def given(self) -> frozenset[str]:
        """The inputs that the user gives, known or not."""
        return frozenset(self.model_fields_set) | self._unknown

    @property
    def service_refs(self) -> tuple[ServiceRef, ...]:
        """The services that the resource is about, as far as they are known."""
        return ()

    @property
    def service_property(self) -> str:
        """The name of the input that names the service, or the services; empty where none does."""
        return ""

    def names_version_of(self, service: ServiceRef) -> bool:
        """Whether the inputs name which version of the service is to run, for it to be deployed."""
        return False

    @property
    def server_name(self) -> str | None:
        """The input `connection`: the name of another server."""
        value = getattr(self, "connection", None)
        return value if isinstance(value, str) else None

    @property
    def can_be_asked_about(self) -> bool:
        """Whether the server and a service are known, so that the server can be asked."""
        return bool(self.service_refs) and "connection" not in self._unknown

    def flat(self) -> dict[str, object]:
        """The inputs that are given or were worked out, as plain values; what is not known yet is `UNKNOWN`."""
        given = self.model_dump(mode="json", exclude_unset=True, exclude=set(self.FREE_FORM))
        free = {name: _flat(getattr(self, name)) for name in self.FREE_FORM & self.model_fields_set}
        return {**given, **free, **dict.fromkeys(self.unknown, UNKNOWN)}

    @classmethod
    def read(cls, properties: Mapping[str, object]) -> Checked[Self]:
        """Validate what was given; values that are not known yet are set aside."""
        given = {name: value for name, value in properties.items() if value is not None}
        unknown = frozenset(name for name, value in given.items() if cls._is_unknown(name, value))
        known = {name: value for name, value in given.items() if name not in unknown}
        try:
            inputs = cls.model_validate(known)
        except ValidationError as error:
            return Checked(None, tuple(problems_of(error)))
        inputs._unknown = unknown & frozenset(cls.model_fields)
        return Checked(inputs)

    @classmethod
    def recall(cls, properties: Mapping[str, object]) -> Self:
        """The inputs out of properties that were checked once, maybe by another release of this package.

        Never fails: what is no input, or no value of it any more, is left out.
        """
        own = {name: value for name, value in properties.items() if name in cls.model_fields}
        bad = {problem.property_name for problem in cls.read(own).problems}
        checked = cls.read({name: value for name, value in own.items() if name not in bad})
        return checked.inputs if checked.inputs is not None else cls()

    @classmethod
    def _is_unknown(cls, name: str, value: object) -> bool:
        return isinstance(value, UnknownValue) if name in cls.FREE_FORM else contains_unknown(value)


class ServiceResourceInputs(ResourceInputs):
    """The inputs of a resource that is about one service."""

    SERVICE_FIELDS: ClassVar[tuple[str, ...]] = tuple(SERVICE_ID_FIELDS)
    """The inputs of which exactly one names the service."""
    COMPUTED: ClassVar[frozenset[str]] = frozenset({"found_service"})

    found_service: FoundService | None = Field(None, description="The service that was found by its name.")

    @property
    def service(self) -> ServiceRef | None:
        """The service; None while it is not known. What is neither an address nor a name that was found is an id."""
        name, text = self.service_property, self.service_text
        if not text:
            return None
        kind, found = SERVICE_ID_FIELDS[name], self.found_service
        if found is not None and found.given == text:
            return ServiceRef(kind, found.service_id)
        return page_in(text) or ServiceRef(kind, text)

    @property
    def service_refs(self) -> tuple[ServiceRef, ...]:
        """The one service."""
        return (self.service,) if self.service is not None else ()

    @property
    def service_text(self) -> str:
        """How the program names the service: its id, its name, or the address of its page; empty while not known."""
        value = getattr(self, self.service_property, None) if self.service_property else None
        return value.strip() if isinstance(value, str) else ""

    @property
    def service_property(self) -> str:
        """The name of the input that names the service; empty where none does."""
        return next((name for name in self.SERVICE_FIELDS if name in self.given), "")


def _flat(value: object) -> object:
    if isinstance(value, ResourceInputs):
        return value.flat()
    return {name: _flat(part) for name, part in value.items()} if isinstance(value, Mapping) else value


InputsT = TypeVar("InputsT", bound=ResourceInputs)


@dataclass(frozen=True)
class Checked(Generic[InputsT]):
    """Inputs after validation.

    Attributes:
        inputs: the inputs; None where there is a problem.
        problems: what is wrong, one for each bad input.
    """

    inputs: InputsT | None
    problems: tuple[Problem, ...] = ()


def recalled(model: type[ModelT], values: Mapping[str, object]) -> ModelT:
    """A model out of stored values; those that it does not know or take (any more) get their defaults."""
    own = {
        name: value
        for name, value in values.items()
        if name in model.model_fields and value is not None and not contains_unknown(value)
    }
    try:
        return model.model_validate(own)
    except ValidationError as error:
        bad = {str(issue["loc"][0]) for issue in error.errors(include_url=False) if issue["loc"]}
        return model.model_validate({name: value for name, value in own.items() if name not in bad})
