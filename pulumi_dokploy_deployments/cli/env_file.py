"""`DOKPLOY_*` variables from a file of `NAME=value` lines, for one run and only when it is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, MutableMapping
from pathlib import Path

import typer

from pulumi_dokploy_deployments.settings.env_text import variables_of

PREFIX = "DOKPLOY_"
MOST_BYTES = 1_000_000
_SAME = {"_ENDPOINT": "_URL", "_URL": "_ENDPOINT"}
"""Two names for one setting: the file's address must not lose to the other name in the environment."""


def lend(path: Path, environ: MutableMapping[str, str] = os.environ) -> Callable[[], None]:
    """Put the file's `DOKPLOY_*` into the environment, before what is there; gives what takes them out again.

    Other variables of the file are not looked at.

    Raises:
        typer.BadParameter: the file can't be read, or names nothing of Dokploy. No value is repeated.
    """
    found = {name: value for name, value in variables_of(_text_of(path)).items() if name.startswith(PREFIX)}
    if not found:
        raise typer.BadParameter(
            f"{str(path)!r} has no line that begins with {PREFIX}, {PREFIX}API_KEY=… for instance."
        )
    others = {
        name.removesuffix(ending) + other for name in found for ending, other in _SAME.items() if name.endswith(ending)
    } - set(found)
    before = {name: environ.get(name) for name in (*found, *others)}
    environ.update(found)
    for name in others:
        environ.pop(name, None)

    def give_back() -> None:
        for name, value in before.items():
            if value is None:
                environ.pop(name, None)
            else:
                environ[name] = value

    return give_back


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise typer.BadParameter(f"{str(path)!r} can't be read: {error.strerror or 'no reason given'}.") from None
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{str(path)!r} is not a text file.") from None
