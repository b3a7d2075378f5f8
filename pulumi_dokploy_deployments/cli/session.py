"""One invocation: where it writes, which server it talks to, and how its work is run."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.text import Text

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import ApiError
from pulumi_dokploy_deployments.api.redact import Redactor
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.cli.connecting import connection_from
from pulumi_dokploy_deployments.cli.errors import NotConfirmed
from pulumi_dokploy_deployments.cli.running import run
from pulumi_dokploy_deployments.functions.models import Result
from pulumi_dokploy_deployments.functions.names import named_service
from pulumi_dokploy_deployments.functions.table import Function
from pulumi_dokploy_deployments.waiting.clock import Clock, SystemClock
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.reporter import Reporter, SilentReporter
from pulumi_dokploy_deployments.waiting.retry import retry_transient, short_budget

T = TypeVar("T")
R = TypeVar("R", bound=Result)

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
        streams: whether the command writes JSON line by line while it goes on, and not one document at its end.
        out: results.
        err: progress, questions and errors.
        clock: the time by which it waits.
    """

    is_json: bool = False
    endpoint: str | None = None
    api_key_file: Path | None = None
    connection_name: str | None = None
    streams: bool = False
    out: Console = field(default_factory=console_for)
    err: Console = field(default_factory=lambda: console_for(stderr=True))
    clock: Clock = field(default_factory=SystemClock)
    goes_on: str = ""
    """What keeps running at the server if the command is interrupted now."""
    has_written: bool = False
    """Whether a JSON document has been written."""
    _connection: Connection | None = None
    _has_told_fault: bool = False

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
    def redactor(self) -> Redactor:
        """Makes foreign text fit for standard output: the connection's secrets masked, colours only at a terminal."""
        secrets = self._connection.secret_values if self._connection is not None else ()
        return Redactor(secrets, keep_colours=self.out.is_terminal and not self.is_json)

    @property
    def has_person(self) -> bool:
        """Whether somebody is there to answer questions."""
        return sys.stdin.isatty() and sys.stderr.isatty() and not self.is_json

    def run(self, work: Callable[[DokployClient], Awaitable[T]]) -> T:
        """Do the work with a client, to its end."""
        # Read, or asked for, before there is a loop: inside of one, Ctrl-C would not end the question.
        connection = self.connection

        async def main() -> T:
            async with DokployClient(connection) as client:
                return await work(client)

        return run(main)

    async def retry(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call that may be repeated; short faults are retried for up to 6 s.

        Raises:
            ApiError: the last fault, or one that repeating does not help.
        """
        return await retry_transient(call, budget=short_budget(), clock=self.clock, on_fault=self._tell_fault)

    def read(self, function: Function[Any, R], given: Mapping[str, Any]) -> R:
        """What one of the package's functions gives; its arguments are validated before the server is asked.

        Raises:
            InvalidArgument: one of the arguments is not valid.
            DokployError: the server could not be asked, or has no such thing.
        """
        asked = function.asked(given, self.now)
        return self.run(lambda client: self.retry(lambda: function.read(client, asked)))

    def service(self, named: ServiceRef) -> ServiceRef:
        """The service with its id, where it is named by its name or the address of its page.

        Raises:
            DokployError: there is no such service, or the server could not be asked.
        """
        found = self.run(lambda client: self.retry(lambda: named_service(client, named.kind, named.service_id)))
        return ServiceRef(found.kind, found.service_id)

    def context(self, client: DokployClient, reporter: Reporter | None = None) -> RunContext:
        """What a run, or a read, works in."""
        return RunContext(client, self.clock, reporter or SilentReporter())

    def json(self, value: BaseModel | Any) -> None:
        """One JSON document, or one line of JSON Lines, on standard output."""
        self.has_written = True
        plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
        typer.echo(json.dumps(plain, ensure_ascii=False, default=_plain))

    def say(self, text: str, style: str | None = None) -> None:
        """A line for people on standard output; nothing with --json."""
        if not self.is_json:
            self.out.print(text, style=style, soft_wrap=True)

    def log_line(self, line: str) -> None:
        """A line of a log on standard output, masked and harmless; an event of its own with --json."""
        clean = self.redactor.line(line)
        if self.is_json:
            self.json({"event": "log", "line": clean})
        else:
            self.out.print(Text.from_ansi(clean) if "\x1b" in clean else clean, soft_wrap=True)

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

    def _tell_fault(self, error: ApiError) -> None:
        if self.err.is_terminal and not self._has_told_fault:
            self._has_told_fault = True
            self.err.print(f"{error.message.rstrip('.')}; retrying", style="dim", soft_wrap=True)

    def _ask_for_key(self, question: str) -> str:
        return str(typer.prompt(question, hide_input=True, err=True))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} is not JSON")
