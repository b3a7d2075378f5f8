"""The providers that a stack's `dokploy:` configuration asks for, for Python programs that name none themselves."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import pulumi

from pulumi_dokploy_deployments.hosts.plugin.python_provider import Provider
from pulumi_dokploy_deployments.schema.names import DEPLOYMENT, PACKAGE

_made: WeakKeyDictionary[pulumi.Resource, dict[str, Provider]] = WeakKeyDictionary()


def with_provider(opts: pulumi.ResourceOptions | None, connection: object) -> pulumi.ResourceOptions | None:
    """The options, with the provider that the configuration asks for where the program names none.

    The engine gives a plugin the configuration `dokploy-deployments:…` alone. What stands under `dokploy:` (or
    `dokploy-<connection>:`), as for dynamic resources, reaches it as an explicit provider.
    """
    if opts is not None and (opts.provider is not None or opts.providers):
        return opts
    if opts is not None and opts.parent is not None and opts.parent.get_provider(DEPLOYMENT) is not None:
        return opts
    provider = _configured(connection if isinstance(connection, str) else None)
    if provider is None:
        return opts
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(provider=provider))


def _configured(connection: str | None) -> Provider | None:
    namespace = f"dokploy-{connection}" if connection else "dokploy"
    if connection is None and _is_given(PACKAGE):
        return None
    if not _is_given(namespace):
        return None
    root = pulumi.runtime.get_root_resource()
    known = _made.setdefault(root, {}) if root is not None else {}
    if namespace not in known:
        config = pulumi.Config(namespace)
        known[namespace] = Provider(
            namespace,
            endpoint=config.get("endpoint"),
            api_key=config.get_secret("apiKey"),
            headers=config.get_secret("headers"),
            offline_preview=config.get_bool("offlinePreview"),
            connection=connection,
        )
    return known[namespace]


def _is_given(namespace: str) -> bool:
    config = pulumi.Config(namespace)
    return config.get("endpoint") is not None or config.get("apiKey") is not None
