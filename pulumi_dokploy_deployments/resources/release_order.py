"""The order of a release: what is wrong with it, and what comes after what; and its summary as a table. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter

from pulumi_dokploy_deployments.resources.deployment_model import RunningService
from pulumi_dokploy_deployments.resources.fields import UnknownValue

NOTHING = "–"
COLUMNS = ("service", "version", "image", "duration", "verdict")
NOT_CHECKED = "not checked"


def problem_of(services: Mapping[str, Mapping[str, object]], inputs: Collection[str]) -> str:
    """Why a release can't be made, as one paragraph; empty where it can.

    Args:
        services: what is said of each service.
        inputs: what can be said of a service.
    """
    here = "The release"
    if not services:
        return f"{here} has no services. Name at least one."
    for service, told in services.items():
        for name in told:
            if name not in inputs:
                return f"{here} has an unknown input {name!r} of {service!r}.{meant(name, inputs)}"
        after = told.get("after") or ()
        if isinstance(after, UnknownValue):
            return f"{here} needs to know in a preview what {service!r} comes after. Write the names themselves."
        if isinstance(after, str) or not isinstance(after, Sequence):
            return f"{here} needs a list of names in `after` of {service!r}, and it is {after!r}. Write `[{after!r}]`."
        for name in after:
            if name not in services:
                return (
                    f"{here} deploys {service!r} after {name!r}, which is none of its services.{meant(name, services)}"
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


def in_order(after: Mapping[str, Sequence[str]]) -> list[str]:
    """The services, each after those that it comes after; by name where the order is open."""
    return list(TopologicalSorter({name: after[name] for name in sorted(after)}).static_order())


def verdict(status: str | None, health: str | None) -> str:
    """What was proven of a service; the server's own status where nothing was looked at."""
    return health if health and health != NOT_CHECKED else status or NOTHING


def images_of(running: Iterable[RunningService]) -> str:
    """The images that were proven to run, each once."""
    return ", ".join(dict.fromkeys(one.image for one in running))


def version_of(version: int | None, commit: str | None) -> str:
    """`v3`, else the start of the commit."""
    if version is not None:
        return f"v{version}"
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


def meant(name: str, known: Iterable[str]) -> str:
    """What an unknown name may stand for, as a sentence."""
    names = list(known)
    close = get_close_matches(name, names, n=1)
    return f" Did you mean {close[0]!r}?" if close else f" There are {', '.join(repr(one) for one in names)}."
