"""Which server, with which key: options, environment, a file, or a question. The key is never an argument's value."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import ConfigurationError

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def prefix_of(name: str | None) -> str:
    """The start of a connection's environment variables: `DOKPLOY_`, or `DOKPLOY_<NAME>_`."""
    return f"DOKPLOY_{name.upper().replace('-', '_')}_" if name else "DOKPLOY_"


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
    variables = os.environ if environ is None else environ
    if name is not None and not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} is not the name of a connection.", next_step="It has letters, digits and dashes, as staging."
        )
    prefix = prefix_of(name)
    address = endpoint or variables.get(f"{prefix}ENDPOINT") or variables.get(f"{prefix}URL")
    if not address or not address.strip():
        raise ConfigurationError(
            f"The address of the Dokploy server is not given{f' for the connection {name!r}' if name else ''}.",
            next_step=f"Set {prefix}ENDPOINT to https://dokploy.example.com, or give --endpoint.",
        )
    # The address is parsed first, so that nobody types a key for nothing.
    server = Connection.parse(address, "-", name=name or "")
    if api_key_file is not None:
        key = key_from_file(api_key_file)
    else:
        key = variables.get(f"{prefix}API_KEY") or ""
        if not key.strip() and ask is not None:
            key = ask(f"API key for {server.origin}")
    if not key.strip():
        raise ConfigurationError(
            f"The API key for {server.origin} is not given.",
            next_step=f"Set {prefix}API_KEY, or give --api-key-file. Make a key without rate limit in Dokploy under "
            "Settings → Profile → API/CLI Keys.",
        )
    return Connection.parse(address, key, name=name or "")


def key_from_file(path: Path) -> str:
    """The key that stands in a file, `-` for standard input."""
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not a text file"
        raise ConfigurationError(
            f"The key's file {str(path)!r} can't be read: {reason}.", next_step="It holds the key and nothing else."
        ) from None
    if not text.strip():
        raise ConfigurationError(f"The key's file {str(path)!r} is empty.", next_step="It holds the key.")
    return text
