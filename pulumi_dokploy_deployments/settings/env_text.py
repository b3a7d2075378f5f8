"""A service's environment as text: single variables are read and set in place, all else stays to the letter; pure.

Dokploy keeps the environment as the text that was typed into the dashboard, and reads it with the npm package
`dotenv` when it deploys. What stands here follows dotenv's grammar, so that a variable is found where the server
finds it: `export`, `=` or `: `, three kinds of quotes, values over several lines, comments behind a value, and the last
assignment of a name counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

# dotenv's own pattern. JavaScript's \s and \w: the former knows a few more blanks than ASCII, the latter only ASCII.
_BLANK = "[ \\t\\v\\f\\n\u00a0\ufeff\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
# In JavaScript's multi-line mode lines also begin and end at U+2028 and U+2029.
_LINE_START, _LINE_END = "(?:\\A|(?<=[\n\u2028\u2029]))", "(?=\\Z|[\n\u2028\u2029])"
_ASSIGNMENT = re.compile(
    rf"{_LINE_START}{_BLANK}*(?:export{_BLANK}+)?(?P<name>[A-Za-z0-9_.-]+)(?:{_BLANK}*=(?P<blank>{_BLANK}*?)|:{_BLANK}+?)"
    rf"(?P<value>{_BLANK}*'(?:\\'|[^'])*'|{_BLANK}*\"(?:\\\"|[^\"])*\"|{_BLANK}*`(?:\\`|[^`])*`|[^#\n]+)?"
    rf"{_BLANK}*(?:#[^\n\u2028\u2029]*)?{_LINE_END}"
)
_QUOTED = re.compile(rf"{_LINE_START}(['\"`])(.*)\1{_LINE_END}", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_TRIMMED = " \t\v\f\n\u00a0\ufeff\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


class UnwritableValue(ValueError):
    """A name or a value that no environment text can hold; the text says why, without the value."""


@dataclass(frozen=True)
class _Assignment:
    name: str
    value: str
    start: int
    """Where the value begins in the text, blanks before it not included."""
    end: int


def variables_of(text: str) -> dict[str, str]:
    """Every variable with its value as the server reads it; of several assignments of a name the last counts."""
    return {found.name: found.value for found in _assignments(text)}


def with_variables(text: str, variables: Mapping[str, str]) -> str:
    """The text with these variables set, each in its place or, where it is new, on a line at the end.

    Raises:
        UnwritableValue: a name or a value can't be written so that the server reads it back.
    """
    for name, value in variables.items():
        if variables_of(text).get(name) != value:
            text = _with_variable(text, name, value)
    return text


def without_variable(text: str, name: str) -> str:
    """The text without the line that this package has added at its end for a variable.

    A line that has been written by `with_variables` is exactly `NAME=value`; whatever looks otherwise is left.
    """
    found = [each for each in _assignments(text) if each.name == name]
    if not found:
        return text
    last = found[-1]
    line_start = text.rfind("\n", 0, last.start) + 1
    if text[line_start : last.start] != f"{name}=":
        return text
    line_end = text.find("\n", last.end)
    return text[:line_start].removesuffix("\n") if line_end < 0 else text[:line_start] + text[line_end + 1 :]


def _with_variable(text: str, name: str, value: str) -> str:
    if not _NAME.fullmatch(name):
        raise UnwritableValue(f"{name!r} is not a name of a variable: letters, digits, _, . and - are allowed")
    written = _written(value)
    found = [each for each in _assignments(text) if each.name == name]
    if found:
        last = found[-1]
        changed = text[: last.start] + written + text[last.end :]
    else:
        end_of_line = "\r\n" if "\r\n" in text else "\n"
        separator = "" if not text or text.endswith("\n") else end_of_line
        changed = f"{text}{separator}{name}={written}"
        changed += end_of_line if text.endswith("\n") else ""
    before, after = variables_of(text), variables_of(changed)
    if after != {**before, name: value}:
        raise UnwritableValue(
            f"the value of {name} can't be written into this environment so that Dokploy reads it back unchanged"
        )
    return changed


def _written(value: str) -> str:
    """The value as it has to stand in the text: bare where that reads back, else in quotes that it does not hold."""
    for candidate in (value, f"'{value}'", f"`{value}`", f'"{value}"'):
        if variables_of(f"X={candidate}").get("X") == value and variables_of(f"X={candidate}\nY=1").get("Y") == "1":
            return candidate
    escaped = value.replace("\n", "\\n")
    if variables_of(f'X="{escaped}"').get("X") == value:
        return f'"{escaped}"'
    raise UnwritableValue("the value holds every kind of quotes, and nothing is left to put around it")


def _assignments(text: str) -> Iterator[_Assignment]:
    # dotenv reads line ends of Windows and of old Macs as \n; the places have to be those of the text as it is.
    plain, places = _plain_line_ends(text)
    for match in _ASSIGNMENT.finditer(plain):
        raw = match["value"] or ""
        if match["value"] is None:
            start = end = match.end("blank") if match["blank"] is not None else match.end("name") + len(": ")
        else:
            start = match.start("value") + len(raw) - len(raw.lstrip(_TRIMMED))
            end = start + len(raw.strip(_TRIMMED))
        yield _Assignment(match["name"], _read(raw), places(start), places(end))


def _read(raw: str) -> str:
    value = raw.strip(_TRIMMED)
    is_double_quoted = value.startswith('"')
    value = _QUOTED.sub(lambda found: found[2], value)
    return value.replace("\\n", "\n").replace("\\r", "\r") if is_double_quoted else value


def _plain_line_ends(text: str) -> tuple[str, _Places]:
    removed = [found.start() for found in re.finditer(r"\r(?=\n)", text)]
    return re.sub(r"\r\n?", "\n", text), _Places(removed)


@dataclass(frozen=True)
class _Places:
    """From a place in the text with plain line ends to the place in the text as it is."""

    removed: list[int]

    def __call__(self, place: int) -> int:
        at = place
        for removed in self.removed:
            if removed >= at:
                break
            at += 1
        return at
