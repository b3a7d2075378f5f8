"""Messages in parts: plain words, and terms that each host spells in its own way.

The core never writes `timeoutSeconds`, `--timeout` or `pulumi up`. It writes `Input("timeout_seconds")` and
`Action.RUN_AGAIN`, and whoever shows the message brings a `Vocabulary` that spells them.
"""

from __future__ import annotations

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


class Action(StrEnum):
    """Something that the person does with this package; each host has its own command for it."""

    RUN_AGAIN = "run again"
    """The same command or program once more: ``run `pulumi up` again`` (no full stop, lower case)."""
    LIST_DEPLOYMENTS = "list deployments"
    SHOW_QUEUE = "show the queue"
    WATCH = "watch"
    LIST_CANDIDATES = "list candidates"
    DOCTOR = "doctor"
    GIVE_UP = "give up"
    """Remove the resource from the program or the state without asking the server."""


Part: TypeAlias = str | Input | Configured | Action
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

    def action(self, action: Action) -> str:
        """What the person does, as a clause without a capital or a full stop."""
        return _PLAIN_ACTIONS[action]


_PLAIN_ACTIONS = {
    Action.RUN_AGAIN: "try again",
    Action.LIST_DEPLOYMENTS: "list the service's deployments",
    Action.SHOW_QUEUE: "show the queue",
    Action.WATCH: "watch the deployment on its page in the dashboard",
    Action.LIST_CANDIDATES: "list the rollback candidates",
    Action.DOCTOR: "run `dokploy-deployments doctor`",
    Action.GIVE_UP: "remove it without asking the server",
}
PLAIN = Vocabulary()


def spell(text: Text, vocabulary: Vocabulary = PLAIN) -> str:
    """The message as this vocabulary spells it."""
    if isinstance(text, str):
        return text
    return "".join(_spelled(part, vocabulary) for part in text)


def _spelled(part: Part, vocabulary: Vocabulary) -> str:
    # Enumerations of strings are strings too: the terms come first.
    if isinstance(part, Action):
        return vocabulary.action(part)
    if isinstance(part, Input):
        return vocabulary.input(part.name)
    if isinstance(part, Configured):
        return vocabulary.configured(part.setting, part.connection)
    return part


def joined(*texts: Text) -> Text:
    """Several messages as one, without anything between them."""
    parts: list[Part] = []
    for text in texts:
        parts.extend((text,) if isinstance(text, str) else text)
    if all(isinstance(part, str) and not isinstance(part, Action) for part in parts):
        return "".join(str(part) for part in parts)
    return tuple(parts)


def sentence_case(text: str) -> str:
    """The text with its first letter in upper case; the rest as it is."""
    return text[:1].upper() + text[1:]
