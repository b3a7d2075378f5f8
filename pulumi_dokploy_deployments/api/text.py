"""Messages in parts: plain words, and terms that each host spells in its own way.

The core never writes `timeoutSeconds`, `--timeout` or `pulumi up`. It writes `Input("timeout_seconds")` and
`Action.RUN_AGAIN`, and whoever shows the message brings a `Vocabulary` that spells them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


@dataclass(frozen=True)
class Input:
    """An input of a resource or an argument of a function, by its name in the core: `timeout_seconds`."""

    name: str


class Setting(StrEnum):
    """What a user configures of a connection."""

    ENDPOINT = "endpoint"
    API_KEY = "api_key"
    HEADERS = "headers"


@dataclass(frozen=True)
class Configured:
    """How a connection's setting is given in this host, as a phrase that follows "set it with" or "give it as".

    Args:
        setting: which one.
        connection: the connection's name; empty for the default one.
    """

    setting: Setting
    connection: str = ""


class DeadlineSource(StrEnum):
    """Which limit ended a wait."""

    INPUT = "input"
    """The resource's or the command's own `timeout_seconds`, given or by default."""
    RESOURCE_OPTION = "resource option"
    """Pulumi's `customTimeouts`, which win over the input."""
    PROVIDER = "provider"
    """The provider's `timeout_seconds`, for resources that give none."""


@dataclass(frozen=True)
class Deadline:
    """The limit that ended a wait, as a noun: `raise timeout_seconds`."""

    source: DeadlineSource


class Action(StrEnum):
    """Something that the person does with this package; each host has its own command for it."""

    RUN_AGAIN = "run again"
    """The same command or program once more: ``run `pulumi up` again`` (no full stop, lower case)."""
    LIST_DEPLOYMENTS = "list deployments"
    SHOW_QUEUE = "show the queue"
    WATCH = "watch"
    LIST_CANDIDATES = "list candidates"
    DOCTOR = "doctor"
    DESTROY = "destroy"
    """Delete the resource as its `on_delete` says."""
    GIVE_UP = "give up"
    """Remove the resource from the program or the state without asking the server."""


@dataclass(frozen=True)
class ActionOn:
    """An action on something that has an id: `watch` on a deployment, for instance."""

    action: Action
    subject: str


Part: TypeAlias = str | Input | Configured | Deadline | Action | ActionOn
Text: TypeAlias = str | tuple[Part, ...]
"""A message. A plain string has no terms in it."""


class Vocabulary:
    """How a host spells the terms. This one is the core's own, in Python's names and without any host."""

    def input(self, name: str) -> str:
        """An input by its name in the core."""
        return name

    def configured(self, setting: Setting, connection: str) -> str:
        """How a setting of a connection is given: a phrase that follows "set it with"."""
        prefix = f"DOKPLOY_{connection.upper().replace('-', '_')}_" if connection else "DOKPLOY_"
        return f"the environment variable {prefix}{setting.value.upper()}"

    def deadline(self, source: DeadlineSource) -> str:
        """A limit as a noun that follows "raise"."""
        if source is DeadlineSource.RESOURCE_OPTION:
            return "customTimeouts"
        own = self.input("timeout_seconds")
        return f"the provider's {own}" if source is DeadlineSource.PROVIDER else own

    def action(self, action: Action, subject: str = "") -> str:
        """What the person does, as a clause without a capital or a full stop.

        Args:
            action: what is done.
            subject: the id of what it is done to; empty where the sentence around it says so.
        """
        if action is Action.WATCH and subject:
            # An id may begin with a dash.
            return f"watch it with `{COMMAND} watch {'-- ' if subject.startswith('-') else ''}{subject}`"
        return _PLAIN_ACTIONS[action]


COMMAND = "dokploy-deployments"
"""The command line, which is installed wherever the package is."""
_PLAIN_ACTIONS = {
    Action.RUN_AGAIN: "try again",
    Action.LIST_DEPLOYMENTS: f"list its deployments with `{COMMAND} list`",
    Action.SHOW_QUEUE: f"show the queue with `{COMMAND} queue`",
    Action.WATCH: "watch it on its page in the dashboard",
    Action.LIST_CANDIDATES: f"list the versions to go back to with `{COMMAND} candidates`",
    Action.DOCTOR: f"run `{COMMAND} doctor`",
    Action.DESTROY: "delete it",
    Action.GIVE_UP: "remove it without asking the server",
}
PLAIN = Vocabulary()


def spell(text: Text, vocabulary: Vocabulary = PLAIN) -> str:
    """The message as this vocabulary spells it; an action that begins a sentence gets its capital."""
    if isinstance(text, str) and not isinstance(text, Action):
        return text
    told = ""
    for part in (text,) if isinstance(text, str) else text:
        word = _spelled(part, vocabulary)
        if isinstance(part, Action | ActionOn) and _ends_sentence(told):
            word = sentence_case(word)
        told += word
    return told


def _spelled(part: Part, vocabulary: Vocabulary) -> str:
    # Enumerations of strings are strings too: the terms come first.
    if isinstance(part, Action):
        return vocabulary.action(part)
    if isinstance(part, ActionOn):
        return vocabulary.action(part.action, part.subject)
    if isinstance(part, Deadline):
        return vocabulary.deadline(part.source)
    if isinstance(part, Input):
        return vocabulary.input(part.name)
    if isinstance(part, Configured):
        return vocabulary.configured(part.setting, part.connection)
    return part


def _ends_sentence(told: str) -> bool:
    before = told.rstrip()
    return not before or (before != told and before.endswith((".", "!", "?")))


def inputs(names: Sequence[str], last: str = "or") -> Text:
    """Several inputs in a sentence: `application_id, compose_id or postgres_id`."""
    parts: list[Part] = []
    for index, name in enumerate(names):
        if index:
            parts.append(f" {last} " if index == len(names) - 1 else ", ")
        parts.append(Input(name))
    return tuple(parts)


def joined(*texts: Text) -> Text:
    """Several messages as one, without anything between them."""
    parts: list[Part] = []
    for text in texts:
        parts.extend((text,) if isinstance(text, str) else text)
    if all(isinstance(part, str) and not isinstance(part, Action) for part in parts):
        return "".join(str(part) for part in parts)
    return tuple(parts)


def clause(text: Text) -> Text:
    """The message without a full stop at its end, for the middle of a sentence."""
    if isinstance(text, str) and not isinstance(text, Action):
        return text.rstrip(". ")
    parts = (text,) if isinstance(text, str) else text
    last = parts[-1] if parts else ""
    if not isinstance(last, str) or isinstance(last, Action):
        return text
    return (*parts[:-1], last.rstrip(". "))


def sentence_case(text: str) -> str:
    """The text with its first letter in upper case; the rest as it is."""
    return text[:1].upper() + text[1:]
