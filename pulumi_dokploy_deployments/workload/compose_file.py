"""What a compose file says about which services need not run. Pure; reads only what it is sure of.

There is no YAML parser among this package's dependencies, and the question is small: does a service stand behind a
profile, or ask for no replicas? Whatever is written in another way than plainly is left open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_KEY = re.compile(r"""^(?P<indent> *)(?P<quote>["']?)(?P<key>[\w.-]+)(?P=quote) *:(?: +(?P<value>.*))?$""")
_NONE = re.compile(r"^[\"']?0[\"']?$")
_INDIRECT = ("<<", "extends", "include")


def read_expectations(text: str) -> dict[str, str]:
    """By service, why it need not run (in words), or "" where it has to.

    Services that are written indirectly (anchors, `extends`, `include`, flow style) are not in the answer.
    """
    found: dict[str, str] = {}
    lines = list(_lines(text))
    if any(indent == 0 and key == "include" for indent, key, _ in lines):
        return {}
    start = next((n for n, (indent, key, value) in enumerate(lines) if indent == 0 and key == "services"), None)
    if start is None or lines[start][2]:
        return {}
    body: list[tuple[int, str, str]] = []
    for line in lines[start + 1 :]:
        if line[0] == 0:
            break
        body.append(line)
    if not body:
        return {}
    step = body[0][0]
    name, inner = "", list[tuple[int, str, str]]()
    for indent, key, value in [*body, (step, "", "")]:
        if indent > step:
            inner.append((indent, key, value))
            continue
        if name:
            why = _why_not_expected(inner)
            if why is not None:
                found[name] = why
        name, inner = (key if not value else ""), []
    return found


def _why_not_expected(lines: list[tuple[int, str, str]]) -> str | None:
    """Why a service need not run; "" where it has to; None where its lines do not tell."""
    if not lines or any(key in _INDIRECT for _, key, _ in lines):
        return None
    depth = lines[0][0]
    path: list[tuple[int, str]] = []
    for indent, key, value in lines:
        path = [each for each in path if each[0] < indent]
        parents = [parent for _, parent in path]
        path.append((indent, key))
        if indent == depth and key == "profiles" and value != "[]":
            return "its profile is not active"
        if indent == depth and key == "deploy" and value:
            return None
        asks = (indent == depth and key == "scale") or (parents == ["deploy"] and key == "replicas")
        if asks and _NONE.match(value):
            return "it asks for no replicas"
        if asks and "$" in value:
            return None
    return ""


def _lines(text: str) -> Iterator[tuple[int, str, str]]:
    """The lines that begin with a key: indentation, key, value. Merge keys count as keys."""
    for raw in text.expandtabs(2).splitlines():
        line = re.sub(r"(^|\s)#.*$", "", raw).rstrip()
        if line.strip().startswith("<<"):
            yield len(line) - len(line.lstrip()), "<<", ""
            continue
        match = _KEY.match(line)
        if match:
            yield len(match["indent"]), match["key"], (match["value"] or "").strip()
