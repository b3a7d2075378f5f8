"""What the resources share: values that are not known yet, problems, diffs, and how a service is named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.api.services import ServiceRef


class UnknownValue:
    """Stands for a value that is only known once other resources exist (a preview's unknown)."""

    def __repr__(self) -> str:
        return "<not known yet>"


UNKNOWN: Final = UnknownValue()

# A libsql database is known to the client and not yet an input of the resources.
SERVICE_ID_FIELDS: Final = {f"{kind.value}_id": kind for kind in ServiceKind if kind is not ServiceKind.LIBSQL}


@dataclass(frozen=True)
class Problem:
    """One bad input: which property, and what is wrong in words for the user."""

    property_name: str
    reason: str


@dataclass(frozen=True)
class Diff:
    """What changed between two sets of inputs.

    Attributes:
        changed: paths of the changed inputs, `triggers.image` for instance.
        replaces: paths that need a new resource.
        deploys: whether the change triggers a deployment; else only the settings are stored.
    """

    changed: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    deploys: bool = False

    @property
    def has_changes(self) -> bool:
        """Whether anything has to be done."""
        return bool(self.changed)


@dataclass(frozen=True)
class Checked:
    """Inputs after validation: those that go on, and the problems that stop them."""

    inputs: dict[str, Any]
    problems: tuple[Problem, ...] = field(default=())


def contains_unknown(value: Any) -> bool:
    """Whether a value, or anything in it, is not known yet."""
    if isinstance(value, UnknownValue):
        return True
    if isinstance(value, Mapping):
        return any(contains_unknown(part) for part in value.values())
    if isinstance(value, list | tuple):
        return any(contains_unknown(part) for part in value)
    return False


def service_problems(inputs: Mapping[str, Any], allowed: Iterable[str] = SERVICE_ID_FIELDS) -> list[Problem]:
    """Exactly one service id must be given, and it must not be empty."""
    names = list(allowed)
    given = [name for name in names if inputs.get(name) is not None]
    if not given:
        return [Problem(names[0], f"No service is named. Give exactly one of {', '.join(names)}.")]
    if len(given) > 1:
        return [Problem(given[1], f"Give exactly one service, not {' and '.join(given)}.")]
    value = inputs[given[0]]
    if contains_unknown(value):
        return []
    if not isinstance(value, str):
        return [Problem(given[0], f"{given[0]} must be a text, the service's id; it is {type(value).__name__}.")]
    if not value.strip():
        return [Problem(given[0], f"{given[0]} is empty. It is the id in the address of the service's page.")]
    return []


def service_of(inputs: Mapping[str, Any]) -> ServiceRef | None:
    """The service that the inputs name; None while it is not known."""
    for name, kind in SERVICE_ID_FIELDS.items():
        value = inputs.get(name)
        if isinstance(value, str) and value:
            return ServiceRef(kind, value)
    return None


def model_problems(model: type[BaseModel], inputs: Mapping[str, Any]) -> list[Problem]:
    """Validate the known inputs and say of each bad one what is expected."""
    known = {name: value for name, value in inputs.items() if value is not None and not contains_unknown(value)}
    try:
        model.model_validate(known)
    except ValidationError as error:
        issues: dict[str, list[dict[str, Any]]] = {}
        for issue in error.errors(include_url=False):
            if issue["type"] != "missing":
                issues.setdefault(_path(issue["loc"]), []).append(dict(issue))
        return [Problem(name, _reason_of_all(name, found)) for name, found in issues.items()]
    return []


def _reason_of_all(name: str, issues: list[dict[str, Any]]) -> str:
    """One reason for an input; where several types are allowed, each of them gives an issue of its own."""
    allowed = [_TYPE_WORDS.get(issue["type"], "") for issue in issues]
    if len(issues) > 1 and all(allowed):
        return f"{name} should be {' or '.join(allowed)}."
    return _reason(name, issues[0])


_TYPE_WORDS = {"dict_type": "a map", "list_type": "a list", "string_type": "a text", "int_type": "a number"}


def _path(location: tuple[int | str, ...]) -> str:
    return str(location[0]) if location else "resource"


def _reason(name: str, issue: dict[str, Any]) -> str:
    context = issue.get("ctx") or {}
    if issue["type"] == "enum":
        expected = str(context.get("expected", "")).replace(" or ", ", ").replace("'", "")
        return f"{issue['input']!r} is not a value of {name}. It is one of: {expected}."
    if issue["type"] == "extra_forbidden":
        return f"There is no input named {name}."
    if "greater_than" in issue["type"] or "less_than" in issue["type"] or "finite" in issue["type"]:
        return f"{name} is {issue['input']!r}, but {issue['msg'].removeprefix('Input ')}."
    message = str(issue["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return f"{name} {message}." if message.startswith("should") else f"{name}: {message}."


def changed_paths(name: str, old: Any, new: Any) -> list[str]:
    """Where two values differ: `triggers.image`, `triggers[2]`, or the name alone."""
    if contains_unknown(new) and not isinstance(new, Mapping | list):
        return [name]
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        paths: list[str] = []
        for key in sorted({*old, *new}, key=str):
            if key not in old or key not in new:
                paths.append(f"{name}.{key}")
            else:
                paths += changed_paths(f"{name}.{key}", old[key], new[key])
        return paths
    if isinstance(old, list) and isinstance(new, list):
        paths = []
        for index in range(max(len(old), len(new))):
            if index >= len(old) or index >= len(new):
                paths.append(f"{name}[{index}]")
            else:
                paths += changed_paths(f"{name}[{index}]", old[index], new[index])
        return paths
    # bool is an int in Python: True must not equal 1 here. A NaN, which equals nothing, must not differ for ever.
    same = (old == new or (old != old and new != new)) and isinstance(old, bool) == isinstance(new, bool)
    return [] if same else [name]
