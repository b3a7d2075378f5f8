"""Which server, with which key: options, environment, a file, or a question. The key is never an argument's value."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import ConfigurationError, Step
from pulumi_dokploy_deployments.api.resolving import resolve_connection
from pulumi_dokploy_deployments.api.text import Setting


def connection_from(
    *,
    endpoint: str | None,
    api_key_file: Path | None,
    name: str | None,
    environ: Mapping[str, str] | None = None,
    ask: Callable[[str], str] | None = None,
) -> Connection:
    """The connection that the options and the environment mean.

    Args:
        endpoint: the address as an option.
        api_key_file: a file with the key, `-` for standard input.
        name: the connection's name.
        environ: the environment.
        ask: asks a person for the key without showing it; None where nobody is there.

    Raises:
        ConfigurationError: something is missing; the message says how to give it.
    """

    def given(setting: Setting) -> str | None:
        if setting is Setting.ENDPOINT:
            return endpoint
        if setting is Setting.API_KEY and api_key_file is not None:
            return key_from_file(api_key_file)
        return None

    question = None if ask is None else lambda server: ask(f"API key for {server}")
    return resolve_connection(given, name=name, environ=environ, ask=question)


def key_from_file(path: Path) -> str:
    """The key that stands in a file, `-` for standard input."""
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not a text file"
        raise ConfigurationError(
            f"The key's file {str(path)!r} can't be read: {reason}.",
            next_step="Give a file that holds the key and nothing else.",
            step=Step.SET_KEY,
        ) from None
    if not text.strip():
        raise ConfigurationError(
            f"The key's file {str(path)!r} is empty.",
            next_step="Give a file that holds the key and nothing else.",
            step=Step.SET_KEY,
        )
    return text
