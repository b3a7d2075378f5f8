"""One rule for all hosts and the command line: where address, key, headers and name of a connection come from."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping

from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import ConfigurationError, Step
from pulumi_dokploy_deployments.api.extra_headers import parse_headers
from pulumi_dokploy_deployments.api.text import Configured, Setting

CONNECTION_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
"""The name of a connection: lower-case letters, digits and dashes. Each has variables of its own in the environment."""
_VARIABLES: Mapping[Setting, tuple[str, ...]] = {
    Setting.ENDPOINT: ("ENDPOINT", "URL"),
    Setting.API_KEY: ("API_KEY",),
    Setting.HEADERS: ("HEADERS",),
}

_YES = frozenset({"1", "true", "yes", "on"})

GivenValue = Callable[[Setting], str | None]
"""What the host itself is given for a setting, its configuration or an option; None or empty where nothing is."""


def means_yes(text: str | None) -> bool:
    """Whether the value of a switch, in the environment or the configuration, switches it on."""
    return (text or "").strip().lower() in _YES


def named_connections(environ: Mapping[str, str]) -> dict[str, str]:
    """The connections whose address the environment has: the address by the name."""
    found: dict[str, str] = {}
    for end in _VARIABLES[Setting.ENDPOINT]:
        for variable, address in environ.items():
            middle = variable.removeprefix("DOKPLOY_").removesuffix(f"_{end}")
            name = middle.lower().replace("_", "-")
            if variable == f"DOKPLOY_{middle}_{end}" and CONNECTION_NAME.fullmatch(name) and address.strip():
                found.setdefault(name, address)
    return found


def variable_prefix(name: str) -> str:
    """The start of a connection's environment variables: `DOKPLOY_`, or `DOKPLOY_<NAME>_`."""
    return f"DOKPLOY_{name.upper().replace('-', '_')}_" if name else "DOKPLOY_"


def connection_name(name: str | None) -> str:
    """The name, checked; empty for the default connection.

    Raises:
        ConfigurationError: it is no name of a connection.
    """
    if not name:
        return ""
    if not CONNECTION_NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} is not the name of a connection.",
            next_step="It has lower-case letters, digits and dashes, as staging or eu-west.",
            step=Step.CHANGE_INPUT,
            property_name="connection",
        )
    return name


def resolve_connection(
    given: GivenValue,
    *,
    name: str | None = None,
    environ: Mapping[str, str] | None = None,
    ask: Callable[[str], str] | None = None,
) -> Connection:
    """The server, key and headers of a connection.

    Each value is looked for on its own: first what the host is given, then the environment, `DOKPLOY_[<NAME>_]ENDPOINT`
    (also `_URL`), `DOKPLOY_[<NAME>_]API_KEY` and `DOKPLOY_[<NAME>_]HEADERS`. A named connection never falls back to
    the default one's.

    Args:
        given: what the host is given; the key is only asked for when the address is good.
        name: the connection's name; None or empty for the default one.
        environ: the environment; the process's own where nothing is said.
        ask: asks a person for the key of the server that it is told; None where nobody is there.

    Raises:
        ConfigurationError: something is missing or can't be used; the message says how to give it and holds no secret.
    """
    checked = connection_name(name)
    variables = os.environ if environ is None else environ

    def value(setting: Setting) -> str:
        candidates = [given(setting), *(variables.get(variable_prefix(checked) + end) for end in _VARIABLES[setting])]
        return next((text for text in candidates if text and text.strip()), "")

    endpoint = value(Setting.ENDPOINT)
    if not endpoint:
        raise ConfigurationError(
            f"The address of the Dokploy server is not configured{f' for the connection {name!r}' if name else ''}.",
            next_step=(
                "It is the one under which Dokploy's dashboard opens, https://dokploy.example.com for instance. Set it "
                "with ",
                Configured(Setting.ENDPOINT, checked),
                ".",
            ),
            step=Step.CONFIGURE,
        )
    headers = parse_headers(value(Setting.HEADERS), connection=checked)
    # The address is parsed before the key is read, so that nobody types one for nothing.
    server = Connection.parse(endpoint, "-", name=checked).origin
    api_key = value(Setting.API_KEY) or (ask(server) if ask is not None else "")
    if not api_key.strip():
        raise ConfigurationError(
            f"The API key for {server} is not configured.",
            next_step=(
                "Create one in Dokploy under Settings → Profile → API/CLI keys, without rate limit, and set it with ",
                Configured(Setting.API_KEY, checked),
                ".",
            ),
            step=Step.SET_KEY,
        )
    return Connection.parse(endpoint, api_key, name=checked, headers=headers)
