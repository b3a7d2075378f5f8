"""One invocation: where it writes, which server it talks to, and how its work is run."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import typer
from pydantic import BaseModel
from rich.console import Console

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.cli.connecting import connection_from
from pulumi_dokploy_deployments.cli.errors import NotConfirmed

T = TypeVar("T")

UNBOUNDED_WIDTH = 400
"""Where the output is piped nobody's screen is too narrow, and no id may be cut."""


def console_for(*, stderr: bool = False) -> Console:
    """A console that writes to where the streams point now; plain and wide where nobody looks."""
    stream = sys.stderr if stderr else sys.stdout
    console = Console(file=stream, highlight=False, emoji=False, markup=False)
    if console.is_terminal:
        return console
    return Console(file=stream, highlight=False, emoji=False, markup=False, width=UNBOUNDED_WIDTH)


@dataclass
class Session:
    """What every command is given.

    Attributes:
        is_json: whether standard output carries JSON and nothing else.
        out: results.
        err: progress, questions and errors.
    """

    is_json: bool = False
    endpoint: str | None = None
    api_key_file: Path | None = None
    connection_name: str | None = None
    out: Console = field(default_factory=console_for)
    err: Console = field(default_factory=lambda: console_for(stderr=True))
    goes_on: str = ""
    """What keeps running at the server if the command is interrupted now."""
    _connection: Connection | None = None

    @property
    def now(self) -> datetime:
        """The time that ages count from."""
        return datetime.now(UTC)

    @property
    def connection(self) -> Connection:
        """Address and key; read, or asked for, when they are first needed."""
        if self._connection is None:
            self._connection = connection_from(
                endpoint=self.endpoint,
                api_key_file=self.api_key_file,
                name=self.connection_name,
                ask=self._ask_for_key if self.has_person else None,
            )
            if self._connection.is_plain_http_to_remote_host:
                self.warn(f"The API key travels unencrypted to {self._connection.origin}: use https, or a tunnel.")
        return self._connection

    @property
    def has_person(self) -> bool:
        """Whether somebody is there to answer questions."""
        return sys.stdin.isatty() and sys.stderr.isatty() and not self.is_json

    def run(self, work: Callable[[DokployClient], Awaitable[T]]) -> T:
        """Do the work with a client, to its end."""

        async def main() -> T:
            async with DokployClient(self.connection) as client:
                return await work(client)

        return asyncio.run(main())

    def json(self, value: BaseModel | Any) -> None:
        """One JSON document, or one line of JSON Lines, on standard output."""
        plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
        typer.echo(json.dumps(plain, ensure_ascii=False, default=_plain))

    def say(self, text: str, style: str | None = None) -> None:
        """A line for people on standard output; nothing with --json."""
        if not self.is_json:
            self.out.print(text, style=style, soft_wrap=True)

    def warn(self, text: str) -> None:
        """A line that people should see in any case."""
        self.err.print(f"warning: {text}", style="yellow", soft_wrap=True)

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask before something that can't be undone.

        Raises:
            NotConfirmed: the answer is no, or nobody is there and --yes was not given.
        """
        if yes:
            return
        if not self.has_person:
            raise NotConfirmed(
                f"{question} Nobody is here to answer, so nothing was done.", next_step="Give --yes to answer yes."
            )
        if not typer.confirm(question, err=True):
            raise NotConfirmed("Nothing was done.")

    def _ask_for_key(self, question: str) -> str:
        return str(typer.prompt(question, hide_input=True, err=True))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} is not JSON")
