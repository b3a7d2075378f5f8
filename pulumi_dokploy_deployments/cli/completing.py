"""Tab: asks the server what a word can be, once and briefly; whatever goes wrong, nothing is said.

Each function here gives what Typer's `autocompletion` wants. Only reads are sent, and none before a word is to be
completed: what needs the client is imported then.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from pulumi_dokploy_deployments.cli.env_file import lend
from pulumi_dokploy_deployments.cli.option_texts import ServiceKind
from pulumi_dokploy_deployments.loading import loading

if TYPE_CHECKING:
    from pulumi_dokploy_deployments.api.client import DokployClient
    from pulumi_dokploy_deployments.api.connection import Connection
    from pulumi_dokploy_deployments.cli.suggestions import Suggestion

LIMIT_SECONDS = 1.6
"""How long all of it may take, libraries included; the interpreter's own start comes before."""
OFFLINE_VARIABLE = "DOKPLOY_COMPLETE_OFFLINE"
_FISH_ACTION = "_TYPER_COMPLETE_FISH_ACTION"


@dataclass(frozen=True)
class Line:
    """What stands before the word.

    Attributes:
        given: the command's arguments and options so far, by their Python names.
        environ: the environment, with the variables of the file that the line names.
    """

    given: Mapping[str, Any]
    environ: Mapping[str, str]

    @classmethod
    def before(cls, context: typer.Context) -> Line:
        """The line as Typer has read it.

        Raises:
            Exception: the file of variables can't be read; the environment's server is not the one that is meant.
        """
        environ = dict(os.environ)
        env_file = context.find_root().params.get("env_file")
        if env_file is not None:
            lend(_file(env_file), environ)
        return cls(context.params, environ)

    def connection(self) -> Connection:
        """The server that the command would talk to.

        Raises:
            Exception: there is no address or no key; nobody is asked for one.
        """
        from pulumi_dokploy_deployments.cli.connecting import connection_from

        key_file = self.given.get("api_key_file")
        return connection_from(
            endpoint=self.given.get("endpoint"),
            api_key_file=_file(key_file) if key_file is not None else None,
            name=self.given.get("connection"),
            environ=self.environ,
        )


Complete = Callable[[typer.Context, str], list[tuple[str, str]]]
Ask = Callable[["DokployClient", Line, str], Awaitable["list[Suggestion]"]]


def service_of(kind: ServiceKind | None) -> Complete:
    """The services of a kind; of the kind that `--type` names where it is None."""

    async def ask(client: DokployClient, line: Line, word: str) -> list[Suggestion]:
        from pulumi_dokploy_deployments.api.models import ServiceKind as Kind
        from pulumi_dokploy_deployments.cli import suggestions
        from pulumi_dokploy_deployments.functions.names import find_services

        wanted = kind or line.given.get("of_type")
        kinds = Kind if wanted is None else (Kind(wanted),)
        place = line.given.get("project"), line.given.get("environment")
        found = [one for one in await find_services(client, kinds) if one.is_in(*place)]
        return suggestions.of_services(found, word, with_kind=wanted is None)

    return _asking(ask)


def deployment(*, only_running: bool = False) -> Complete:
    """The ids of all deployments, or of those that run."""

    async def ask(client: DokployClient, line: Line, word: str) -> list[Suggestion]:
        from datetime import UTC, datetime

        from pulumi_dokploy_deployments.cli import suggestions

        rows = await client.all_deployments()
        return suggestions.of_deployments(rows, word, datetime.now(UTC), only_running=only_running)

    return _asking(ask)


def version(selector: str) -> Complete:
    """What the application on the line can go back to, by one of `SelectorKind`."""

    async def ask(client: DokployClient, line: Line, word: str) -> list[Suggestion]:
        from datetime import UTC, datetime

        from pulumi_dokploy_deployments.api.models import ServiceKind as Kind
        from pulumi_dokploy_deployments.cli import suggestions
        from pulumi_dokploy_deployments.functions.rollback_candidates import read_candidates
        from pulumi_dokploy_deployments.rollback.targets import SelectorKind

        application_id = await _application_id(client, line.given.get("application") or "")
        if application_id is None:
            return []
        candidates = await read_candidates(client, Kind.APPLICATION, application_id)
        return suggestions.of_versions(candidates, SelectorKind(selector), word, datetime.now(UTC))

    return _asking(ask)


async def _application_id(client: DokployClient, named: str) -> str | None:
    """Which application the line names; in one request, since the names of other kinds do not matter here."""
    from pulumi_dokploy_deployments.api.models import ServiceKind as Kind
    from pulumi_dokploy_deployments.api.services import page_in
    from pulumi_dokploy_deployments.functions.names import find_services, matching

    page = page_in(named)
    if page is not None or not named:
        return page.service_id if page is not None else None
    meant = matching(await find_services(client, (Kind.APPLICATION,)), named)
    return meant[0].ref.service_id if len(meant) == 1 else None


def server() -> Complete:
    """The ids of remote servers."""

    async def ask(client: DokployClient, line: Line, word: str) -> list[Suggestion]:
        from pulumi_dokploy_deployments.cli import suggestions

        return suggestions.of_servers(await client.servers(), word)

    return _asking(ask)


def project() -> Complete:
    """The projects."""

    async def ask(client: DokployClient, line: Line, word: str) -> list[Suggestion]:
        from pulumi_dokploy_deployments.cli import suggestions

        return suggestions.of_projects(await client.projects(), word)

    return _asking(ask)


def environment() -> Complete:
    """The environments, of the project that the line names or of all."""

    async def ask(client: DokployClient, line: Line, word: str) -> list[Suggestion]:
        from pulumi_dokploy_deployments.cli import suggestions

        return suggestions.of_environments(await client.projects(), line.given.get("project"), word)

    return _asking(ask)


def connection() -> Complete:
    """The connections that the environment has; the server is not asked."""

    def find(line: Line, word: str) -> list[Suggestion]:
        from pulumi_dokploy_deployments.api.resolving import named_connections
        from pulumi_dokploy_deployments.cli import suggestions

        return suggestions.of_connections(named_connections(line.environ), word)

    return _silently(find)


def _asking(ask: Ask) -> Complete:
    def find(line: Line, word: str) -> list[Suggestion]:
        until = time.monotonic() + LIMIT_SECONDS
        from pulumi_dokploy_deployments.api.resolving import means_yes

        if means_yes(line.environ.get(OFFLINE_VARIABLE)):
            return []
        connection = line.connection()
        if connection.is_plain_http_to_remote_host:
            # The command warns of that; here nobody can be warned before the key is on its way.
            return []
        if os.environ.get(_FISH_ACTION) == "is-args":
            from pulumi_dokploy_deployments.cli.suggestions import Suggestion

            # fish first asks whether there is anything at all, and then again for what it is: once is enough.
            return [Suggestion(word)]

        from pulumi_dokploy_deployments.cli.running import run

        return run(lambda: _answer(ask, connection, line, word, until))

    return _silently(find)


async def _answer(ask: Ask, connection: Connection, line: Line, word: str, until: float) -> list[Suggestion]:
    import asyncio

    from pulumi_dokploy_deployments.api.client import DokployClient

    async with asyncio.timeout_at(until), DokployClient(connection, timeout_seconds=LIMIT_SECONDS) as client:
        return await ask(client, line, word)


def _silently(find: Callable[[Line, str], list[Suggestion]]) -> Complete:
    def complete(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
        try:
            # Warnings of libraries would land in the middle of the line that is being typed.
            with redirect_stderr(io.StringIO()), loading():
                return [(one.value, one.help) for one in find(Line.before(context), incomplete)]
        except (Exception, KeyboardInterrupt):  # noqa: BLE001 - as would every error
            return []

    return complete


def _file(path: Path) -> Path:
    """The file that a word of the line means, before the shell has read it.

    Raises:
        OSError: it is none. What can be read only once, as a pipe, is left for the command.
    """
    meant = Path(os.path.expandvars(path)).expanduser()
    if not meant.is_file():
        raise FileNotFoundError(path)
    return meant
