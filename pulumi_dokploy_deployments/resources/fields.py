"""What a value given for an input can be: known or not, right or wrong; and the problems that are told of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ValidationError

from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.api.services import page_in
from pulumi_dokploy_deployments.api.text import Input, Part, Text, joined
from pulumi_dokploy_deployments.api.text import inputs as in_words


class UnknownValue:
    """Stands for a value that is only known once other resources exist (a preview's unknown)."""

    def __repr__(self) -> str:
        return "<not known yet>"


UNKNOWN: Final = UnknownValue()

SERVICE_ID_FIELDS: Final = {f"{kind.value}_id": kind for kind in ServiceKind}


@dataclass(frozen=True)
class Problem:
    """One bad input.

    Attributes:
        property_name: its name in the core; empty where the problem is not one input's.
        reason: what is wrong, for the user.
    """

    property_name: str
    reason: Text


def contains_unknown(value: object) -> bool:
    """Whether a value, or anything in it, is not known yet."""
    if isinstance(value, UnknownValue):
        return True
    if isinstance(value, Mapping):
        return any(contains_unknown(part) for part in value.values())
    if isinstance(value, list | tuple):
        return any(contains_unknown(part) for part in value)
    return False


def service_problems(properties: Mapping[str, object], allowed: Iterable[str] = SERVICE_ID_FIELDS) -> list[Problem]:
    """Exactly one service id must be given, and it must not be empty."""
    names = list(allowed)
    given = [name for name in names if properties.get(name) is not None]
    if not given:
        return [Problem(names[0], joined("No service is named. Give exactly one of ", in_words(names), "."))]
    if len(given) > 1:
        return [Problem(given[1], joined("Give exactly one service, not ", in_words(given, "and"), "."))]
    name = given[0]
    value = properties[name]
    if contains_unknown(value):
        return []
    if not isinstance(value, str):
        kind = type(value).__name__
        return [Problem(name, (Input(name), f" must be a string, the service's id; it is {kind}."))]
    if not value.strip():
        return [Problem(name, (Input(name), " is empty. It is the id in the address of the service's page."))]
    page = page_in(value)
    if page is None and "://" in value:
        return [Problem(name, (Input(name), " is an address, but not that of a service's page in the dashboard."))]
    if page is not None and page.kind is not SERVICE_ID_FIELDS[name]:
        fitting = f"{page.kind.value}_id"
        told = (" Give it as ", Input(fitting), ".") if fitting in names else (".",)
        article = "an" if page.kind is ServiceKind.APPLICATION else "a"
        return [Problem(name, (Input(name), f" is the address of {article} {page.kind.value}", *_after(told)))]
    return []


def _after(told: tuple[Part, ...]) -> tuple[Part, ...]:
    return told if told == (".",) else (".", *told)


def told_once(problems: Iterable[Problem]) -> list[Problem]:
    """Of several problems with one input the first."""
    found: dict[str, Problem] = {}
    for problem in problems:
        found.setdefault(problem.property_name, problem)
    return list(found.values())


def model_problems(model: type[BaseModel], properties: Mapping[str, object]) -> list[Problem]:
    """Validate the known values and say of each bad one what is expected."""
    known = {name: value for name, value in properties.items() if value is not None and not contains_unknown(value)}
    try:
        model.model_validate(known)
    except ValidationError as error:
        return problems_of(error)
    return []


def problems_of(error: ValidationError) -> list[Problem]:
    """What a model's refusal says, one problem for each input."""
    issues: dict[str, list[_Issue]] = {}
    for issue in error.errors(include_url=False):
        if issue["type"] != "missing":
            name = str(issue["loc"][0]) if issue["loc"] else ""
            found = _Issue(issue["type"], str(issue["msg"]), issue["input"], issue.get("ctx") or {})
            issues.setdefault(name, []).append(found)
    return [Problem(name, _reason_of_all(name, found)) for name, found in issues.items()]


@dataclass(frozen=True)
class _Issue:
    """One of pydantic's complaints."""

    type: str
    message: str
    value: object
    context: Mapping[str, object]


def _reason_of_all(name: str, issues: list[_Issue]) -> Text:
    """One reason for an input; where several types are allowed, each of them gives an issue of its own."""
    allowed = [_TYPE_WORDS.get(issue.type, "") for issue in issues]
    if len(issues) > 1 and all(allowed):
        return (Input(name), f" should be {' or '.join(allowed)}.")
    return _reason(name, issues[0])


_TYPE_WORDS = {"dict_type": "a map", "list_type": "a list", "string_type": "a string", "int_type": "a number"}


def _reason(name: str, issue: _Issue) -> Text:
    if issue.type == "enum":
        expected = str(issue.context.get("expected", "")).replace(" or ", ", ").replace("'", "")
        return (f"{issue.value!r} is not a value of ", Input(name), f". It is one of: {expected}.")
    if issue.type == "extra_forbidden":
        return f"There is no input named {name}."
    if "greater_than" in issue.type or "less_than" in issue.type or "finite" in issue.type:
        return (Input(name), f" is {issue.value!r}, but {issue.message.removeprefix('Input ')}.")
    message = issue.message.removeprefix("Value error, ").removeprefix("Input ")
    return (Input(name), f" {message}." if message.startswith("should") else f": {message}.")
