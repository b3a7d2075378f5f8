"""The order of a release: what is wrong with it, and its summary as a table. Nothing here knows pulumi."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter

NOTHING = "–"
COLUMNS = ("service", "version", "image", "duration", "verdict")
NOT_CHECKED = "not checked"


def problem_of(
    release: str, services: Mapping[str, Mapping[str, object]], inputs: Collection[str], defaults: Collection[str] = ()
) -> str:
    """Why a release can't be made, as one paragraph; empty where it can.

    Args:
        release: its name in the stack.
        services: what is said of each service.
        inputs: what can be said of a service beside `after`.
        defaults: what is said of all of them.
    """
    here = f"The release {release!r}"
    if not services:
        return f"{here} has no services. Name at least one."
    for name in defaults:
        if name not in inputs:
            return f"{here} has an unknown input {name!r} in its defaults.{_meant(name, inputs)}"
    for service, told in services.items():
        for name in told:
            if name != "after" and name not in inputs:
                return f"{here} has an unknown input {name!r} of {service!r}.{_meant(name, [*inputs, 'after'])}"
        after = told.get("after") or ()
        if isinstance(after, str) or not isinstance(after, Sequence):
            return f"{here} needs a list of names in `after` of {service!r}, and it is {after!r}. Write `[{after!r}]`."
        for name in after:
            if name not in services:
                return (
                    f"{here} deploys {service!r} after {name!r}, which is none of its services.{_meant(name, services)}"
                )
    try:
        TopologicalSorter(predecessors(services)).prepare()
    except CycleError as cycle:
        # From the first to what comes after it, and round to the first again.
        circle = " after ".join(repr(name) for name in reversed(cycle.args[1]))
        return f"{here} has no order: {circle}. Take one of these names out of its service's `after`."
    return ""


def predecessors(services: Mapping[str, Mapping[str, object]]) -> dict[str, list[str]]:
    """What each service comes after."""
    return {name: [str(one) for one in _listed(told.get("after"))] for name, told in services.items()}


def in_order(services: Mapping[str, Mapping[str, object]]) -> list[str]:
    """The services, each after those that it comes after."""
    return list(TopologicalSorter(predecessors(services)).static_order())


def verdict(status: str | None, health: str | None) -> str:
    """What was proven of a service; the server's own status where nothing was looked at."""
    return health if health and health != NOT_CHECKED else status or NOTHING


def images_of(running: Iterable[Mapping[str, object]]) -> str:
    """The images that were proven to run, each once."""
    return ", ".join(dict.fromkeys(str(one["image"]) for one in running))


def version_of(version: float | None, commit: str | None) -> str:
    """`v3`, else the start of the commit."""
    if version is not None:
        return f"v{version:g}"
    return commit[:10] if commit else NOTHING


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows under the columns' names, for people."""
    lines = [COLUMNS, *([cell or NOTHING for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _listed(after: object) -> Sequence[object]:
    return after if isinstance(after, Sequence) else ()


def _meant(name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = get_close_matches(name, names, n=1)
    return f" Did you mean {close[0]!r}?" if close else f" There are {', '.join(repr(one) for one in names)}."
