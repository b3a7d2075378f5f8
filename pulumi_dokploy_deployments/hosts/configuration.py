"""Where the stack configures a connection; the rules themselves are `api.resolving`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from pulumi_dokploy_deployments.api import resolving
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.text import Setting
from pulumi_dokploy_deployments.waiting.progress import Activity, Progress
from pulumi_dokploy_deployments.waiting.reporter import Reporter

ConfigValue = Callable[[str], str | None]
"""Gives the stack's configuration value for a full key, `dokploy:endpoint` for instance."""
KEYS: Mapping[Setting, str] = {
    Setting.ENDPOINT: "endpoint",
    Setting.API_KEY: "apiKey",
    Setting.HEADERS: "headers",
}
"""How the settings are called in the stack's configuration; `headers` is an object, or what `DOKPLOY_HEADERS` holds."""


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
    """The server, key and headers of a connection: stack configuration first, environment second.

    Reads `<namespace>:endpoint`, `<namespace>:apiKey` and `<namespace>:headers`, then the environment. Another
    configuration namespace can be given.

    Raises:
        ConfigurationError: one of them is missing or can't be used; the message says how to set it.
    """
    where = namespace or namespace_of(name)
    return resolving.resolve_connection(
        lambda setting: config_value(f"{where}:{KEYS[setting]}"), name=name, environ=environ
    )


OFFLINE_VARIABLE = "DOKPLOY_OFFLINE_PREVIEW"
NOT_ASKED = Progress(Activity.NOTE, detail="offlinePreview is set: the server was not asked about this resource")
"""What a preview without a server says of each resource."""


def is_offline(config_value: ConfigValue, *, name: str | None = None, environ: Mapping[str, str] | None = None) -> bool:
    """Whether previews ask no server: `<namespace>:offlinePreview`, else `DOKPLOY_OFFLINE_PREVIEW`.

    The engine does not tell a provider that it previews. So with the switch on, checks and comparisons ask nothing in
    an `up` either; a create or an update asks what it needs.
    """
    variables = os.environ if environ is None else environ
    said = config_value(f"{namespace_of(name)}:offlinePreview") or variables.get(OFFLINE_VARIABLE)
    return resolving.means_yes(said)


_warned: set[str] = set()


def warn_of_plain_http(connection: Connection, reporter: Reporter) -> None:
    """Warn once a process when the key travels unencrypted over a network."""
    if connection.is_plain_http_to_remote_host and connection.origin not in _warned:
        _warned.add(connection.origin)
        reporter.warning(
            f"The API key travels unencrypted to {connection.origin}: use https, or a tunnel to this machine."
        )
