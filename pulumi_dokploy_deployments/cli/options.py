"""How options are declared: those of a model's inputs and arguments, and those that several commands have."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from pulumi_dokploy_deployments.cli.option_text import OptionText
from pulumi_dokploy_deployments.cli.option_texts import DEPLOYMENT
from pulumi_dokploy_deployments.cli.words import WORDS

SERVICE = "Service"
REPEATED = "May be repeated."
NAMED_BY = "its name, <project>/<name>, its id, or the address of its page in the dashboard."
_NAME_AND_VALUE = re.compile(r"`([a-z]+(?:_[a-z]+)+): (\w+)`")
_NAME = re.compile(r"`([a-z]+(?:_[a-z]+)+)`")


def option(of: OptionText, *names: str, more: str = "", panel: str | None = None, metavar: str | None = None) -> Any:
    """The option of a model's field, with its help, its bounds, and the default that the model has for it.

    The command itself gets None where nothing is given, and leaves the default to the model.

    Args:
        of: what the model says of the field.
        names: what it is called; by default as messages call it (`cli/words.py`).
        more: what is added to the help.
        panel: under which heading the help shows it.
        metavar: what the help shows for its value.
    """
    return typer.Option(
        *(names or (WORDS.input(of.name),)),
        help=f"{_in_options(of.meaning)} {more}".strip(),
        min=of.least,
        max=of.most,
        show_default=_shown(of.default),
        rich_help_panel=panel,
        metavar=metavar,
    )


def _in_options(meaning: str) -> str:
    """A description with other fields' names as options."""
    told = _NAME_AND_VALUE.sub(lambda found: f"{WORDS.input(found[1])} {found[2]}", meaning)
    return _NAME.sub(lambda found: WORDS.input(found[1]), told).replace("`", "")


def _shown(default: str | float | bool | None) -> str | bool:
    if default is None or isinstance(default, bool):
        return False
    return f"{default:g}" if isinstance(default, float) else str(default)


def service_option(kind: str) -> Any:
    """The option that names a service of a kind."""
    meaning = {"application": "An application", "compose": "A compose"}
    return typer.Option(
        help=f"{meaning.get(kind, 'A database')}: {NAMED_BY}",
        metavar="SERVICE",
        show_default=False,
        rich_help_panel=SERVICE,
    )


Application = Annotated[str | None, service_option("application")]
Compose = Annotated[str | None, service_option("compose")]
Database = Annotated[str | None, service_option("database")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DeploymentId = Annotated[str, typer.Argument(help="The deployment's id, as `list` shows it.", metavar="DEPLOYMENT")]
Timeout = Annotated[float | None, option(DEPLOYMENT["timeout_seconds"], metavar="SECONDS")]
