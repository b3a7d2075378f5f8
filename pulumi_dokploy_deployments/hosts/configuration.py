"""Where address and key come from: stack configuration first, environment second."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import ConfigurationError
from pulumi_dokploy_deployments.waiting.reporter import Reporter

ConfigValue = Callable[[str], str | None]
"""Gives the stack's configuration value for a full key, `dokploy:endpoint` for instance."""


def namespace_of(name: str | None) -> str:
    """The configuration namespace of a connection: `dokploy`, or `dokploy-<name>`."""
    return f"dokploy-{name}" if name else "dokploy"


def resolve_connection(
    config_value: ConfigValue,
    *,
    name: str | None = None,
    environ: Mapping[str, str] | None = None,
    namespace: str | None = None,
) -> Connection:
    """The server and key for a connection.

    Reads `<namespace>:endpoint` and `<namespace>:apiKey`, then `DOKPLOY_[<NAME>_]ENDPOINT` (also `_URL`) and
    `DOKPLOY_[<NAME>_]API_KEY`. Another configuration namespace can be given.

    Raises:
        ConfigurationError: one of them is missing or can't be used; the message says how to set it.
    """
    variables = os.environ if environ is None else environ
    namespace = namespace or namespace_of(name)
    prefix = f"DOKPLOY_{name.upper().replace('-', '_')}_" if name else "DOKPLOY_"
    endpoint = (
        config_value(f"{namespace}:endpoint") or variables.get(f"{prefix}ENDPOINT") or variables.get(f"{prefix}URL")
    )
    if not endpoint or not endpoint.strip():
        raise ConfigurationError(
            f"The address of the Dokploy server is not configured{f' for the connection {name!r}' if name else ''}.",
            next_step=f"Set it with `pulumi config set {namespace}:endpoint https://dokploy.example.com`, or in the "
            f"environment as {prefix}ENDPOINT.",
        )
    api_key = config_value(f"{namespace}:apiKey") or variables.get(f"{prefix}API_KEY")
    if not api_key or not api_key.strip():
        raise ConfigurationError(
            f"The API key for {_shown(endpoint)} is not configured.",
            next_step="Create one in Dokploy under Settings → Profile → API/CLI keys, without rate limit, and set it "
            f"with `pulumi config set --secret {namespace}:apiKey`, or in the environment as {prefix}API_KEY.",
        )
    return Connection.parse(endpoint, api_key, name=name or "")


def _shown(endpoint: str) -> str:
    """The address without anything that could be a credential."""
    text = endpoint.strip().partition("?")[0]
    return text.rpartition("@")[2] if "@" in text else text


_warned: set[str] = set()


def warn_of_plain_http(connection: Connection, reporter: Reporter) -> None:
    """Warn once a process when the key travels unencrypted over a network."""
    if connection.is_plain_http_to_remote_host and connection.origin not in _warned:
        _warned.add(connection.origin)
        reporter.warning(
            f"The API key travels unencrypted to {connection.origin}: use https, or a tunnel to this machine."
        )
