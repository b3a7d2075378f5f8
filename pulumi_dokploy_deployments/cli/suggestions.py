"""What Tab offers for a word that has been begun, and the help beside it; pure.

Shells evaluate some of what they are given here: zsh runs a command that stands in a description. Names and titles
come from whoever may commit or create, so nothing passes but letters, digits and marks that no shell acts upon.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from pulumi_dokploy_deployments.api.models import DeploymentRecord, Project, Server
from pulumi_dokploy_deployments.functions.names import Found
from pulumi_dokploy_deployments.rollback.candidates import Candidate, age_text
from pulumi_dokploy_deployments.rollback.targets import SelectorKind

MOST_DEPLOYMENTS = 50
"""More of them help nobody, and the server lists those of every service."""
MOST_HELP = 70
SHORT_COMMIT = 10
_NEEDS_NO_QUOTES = re.compile(r"(?!-)[\w.+/-]+")
_ID = re.compile(r"[A-Za-z0-9_-]+")
_HARMLESS = frozenset(" -_.,:/#@+()’–…")
_QUOTES = str.maketrans(dict.fromkeys("'\"`", "’"))


@dataclass(frozen=True)
class Suggestion:
    """A whole word, and what shells that show it say of it."""

    value: str
    help: str = ""


def of_services(services: Sequence[Found], word: str, *, with_kind: bool) -> list[Suggestion]:
    """Each service by the shortest of its names that is its alone and continues the word.

    Args:
        services: those that may be meant.
        word: what has been typed.
        with_kind: whether the help says what each is.
    """
    known = Counter(spelling for found in services for spelling in set(_spellings(found)))
    suggestions = []
    for found in services:
        fit = (text for text in _spellings(found) if known[text] == 1 and text.startswith(word) and _is_plain(text))
        value = next(fit, None)
        if value is not None:
            kind = f"{found.ref.kind.value}, " if with_kind else ""
            name = "" if value.endswith(found.name) else f" {found.name}"
            suggestions.append(Suggestion(value, help_text(f"{kind}{found.project}/{found.environment}{name}")))
    return suggestions


def of_deployments(
    rows: Iterable[DeploymentRecord], word: str, now: datetime, *, only_running: bool
) -> list[Suggestion]:
    """The ids, newest first, each with its age, status, service and title."""
    wanted = [
        row
        for row in rows
        if row.deployment_id.startswith(word)
        and _ID.fullmatch(row.deployment_id)
        and not (only_running and _ended(row))
    ]
    newest = sorted(wanted, key=lambda row: row.created_at, reverse=True)[:MOST_DEPLOYMENTS]
    return [
        Suggestion(
            row.deployment_id,
            help_text(
                f"{age_text(now - row.created_at)}, {row.status.value}, "
                f"{row.application_name or row.compose_name or 'server'}: {row.title}"
            ),
        )
        for row in newest
    ]


def of_versions(candidates: Sequence[Candidate], selector: SelectorKind, word: str, now: datetime) -> list[Suggestion]:
    """What names a version that can be brought back, newest first; of several with one name, the newest."""
    done = [candidate for candidate in candidates if candidate.was_successful]
    value_of: Callable[[Candidate], object] = {
        SelectorKind.VERSION: lambda one: one.version,
        SelectorKind.DEPLOYMENT_ID: lambda one: one.deployment_id,
        SelectorKind.COMMIT: lambda one: (one.commit_hash or "")[:SHORT_COMMIT],
        SelectorKind.TITLE: lambda one: one.title,
        # The newest itself is no version to go back to.
        SelectorKind.PREVIOUS: lambda one: done.index(one) or None,
        SelectorKind.ROLLBACK_ID: lambda one: one.rollback_id,
    }[selector]
    found: dict[str, str] = {}
    for candidate in done:
        value = str(value_of(candidate) or "")
        if candidate.works and value.startswith(word) and _ID.fullmatch(value):
            found.setdefault(value, _of_version(candidate, now))
    return [Suggestion(value, told) for value, told in found.items()]


def of_servers(servers: Iterable[Server], word: str) -> list[Suggestion]:
    """The ids of remote servers, with their names."""
    return [
        Suggestion(server.server_id, help_text(server.name))
        for server in servers
        if server.server_id.startswith(word) and _ID.fullmatch(server.server_id)
    ]


def of_projects(projects: Iterable[Project], word: str) -> list[Suggestion]:
    """The projects by name, or by id where the name would need quotes."""
    return _by_name_or_id(((one.name, one.project_id, "") for one in projects), word)


def of_environments(projects: Iterable[Project], project: str | None, word: str) -> list[Suggestion]:
    """The environments of a project, or of all, by name or by id; with the project's name."""
    named = (
        (environment.name, environment.environment_id, one.name)
        for one in projects
        if project in (None, one.name, one.project_id)
        for environment in one.environments
    )
    return _by_name_or_id(named, word)


def of_connections(addresses: Mapping[str, str], word: str) -> list[Suggestion]:
    """The connections by name, with their hosts."""
    return [
        Suggestion(name, help_text(_host_of(address)))
        for name, address in sorted(addresses.items())
        if name.startswith(word)
    ]


def help_text(text: str) -> str:
    """The text without anything that a shell could take for more than text."""
    told = "".join(c if c.isalnum() or c in _HARMLESS else " " for c in text.translate(_QUOTES))
    told = " ".join(told.split())
    return told if len(told) <= MOST_HELP else f"{told[: MOST_HELP - 1]}…"


def _by_name_or_id(named: Iterable[tuple[str, str, str]], word: str) -> list[Suggestion]:
    found: dict[str, str] = {}
    for name, identity, told in named:
        is_plain = _is_plain(name)
        value = name if is_plain else identity
        if value.startswith(word) and _is_plain(value):
            found.setdefault(value, help_text(told if is_plain else f"{told} {name}"))
    return [Suggestion(value, told) for value, told in found.items()]


def _spellings(found: Found) -> tuple[str, ...]:
    return (found.name, f"{found.project}/{found.name}", found.path, found.ref.service_id)


def _is_plain(text: str) -> bool:
    return _NEEDS_NO_QUOTES.fullmatch(text) is not None


def _ended(row: DeploymentRecord) -> bool:
    return row.status.is_final


def _of_version(candidate: Candidate, now: datetime) -> str:
    version = f"v{candidate.version}, " if candidate.version is not None else ""
    return help_text(f"{version}{age_text(now - candidate.created_at)}: {candidate.title}")


def _host_of(address: str) -> str:
    """The host alone: a key or a password could have been written into the address."""
    try:
        return urlsplit(address if "://" in address else f"//{address}").hostname or ""
    except ValueError:
        return ""
