"""How a command line is read: ids that begin with a dash, and wrong usage for scripts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from pulumi_dokploy_deployments.cli.exit_codes import ExitCode
from pulumi_dokploy_deployments.cli.start import tell_interrupted

DASHED_ID = re.compile(r"-[A-Za-z0-9_-]{20}")
"""Dokploy's ids have 21 of these characters, and one in 64 begins with a dash."""
_UsageError: type[Any] = typer.BadParameter.__mro__[1]
"""Wrong usage of any kind. Typer brings it along in some releases and takes Click's in others."""


class DashedIdCommand(TyperCommand):
    """A command whose arguments may be ids that begin with a dash."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words; what looks like an id and is no option of this command is an argument."""
        with told_as_json(args):
            return super().parse_args(ctx, self._ids_last(args))

    def _ids_last(self, args: Sequence[str]) -> list[str]:
        takes_value = {
            name: not getattr(option, "is_flag", False) and not getattr(option, "count", False)
            for option in self.params
            if getattr(option, "param_type_name", "") == "option"
            for name in (*option.opts, *option.secondary_opts)
        }
        words, ids = list(args), list[str]()
        options: list[str] = []
        while words:
            word = words.pop(0)
            if word == "--":
                ids += words
                break
            if word not in takes_value and DASHED_ID.fullmatch(word):
                ids.append(word)
                continue
            options.append(word)
            if takes_value.get(word) and words:
                options.append(words.pop(0))
        return [*options, "--", *ids] if ids else options


class Group(TyperGroup):
    """The program itself."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words up to the command's name."""
        with told_as_json(args):
            return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command."""
        with told_as_json(args):
            return super().resolve_command(ctx, args)


@contextmanager
def told_as_json(args: Sequence[str]) -> Iterator[None]:
    """Write wrong usage as JSON to standard output too, where that was asked for; likewise Ctrl-C."""
    wanted = "--json" in args
    try:
        yield
    except KeyboardInterrupt:
        # Typer itself would end without a word.
        raise typer.Exit(tell_interrupted(is_json=wanted)) from None
    except _UsageError as wrong:
        if wanted:
            error = {"type": "UsageError", "message": wrong.format_message(), "exit_code": int(ExitCode.USAGE)}
            typer.echo(json.dumps({"error": error}, ensure_ascii=False))
        raise
