"""The class `Provider` for Python programs, and the providers that a stack's `dokploy:` configuration asks for."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import pulumi

from pulumi_dokploy_deployments.hosts.plugin.python_names import typed_inputs
from pulumi_dokploy_deployments.schema.names import DEPLOYMENT, PACKAGE


class Provider(pulumi.ProviderResource):
    """A Dokploy server; explicit providers make several servers possible in one program.

    Args:
        resource_name: the provider's name in the stack.
        endpoint: the server's address; without it the environment's `DOKPLOY_ENDPOINT` counts.
        api_key: the API key, kept as a secret; without it the environment's `DOKPLOY_API_KEY` counts.
        timeout_seconds: how long resources wait that say nothing themselves.
        request_timeout_seconds: how long the server may take for one answer.
        connection: the name of the connection that this provider stands for.
        opts: Pulumi's resource options.
    """

    def __init__(
        self,
        resource_name: str,
        *,
        endpoint: pulumi.Input[str] | None = None,
        api_key: pulumi.Input[str] | None = None,
        timeout_seconds: pulumi.Input[float] | None = None,
        request_timeout_seconds: pulumi.Input[float] | None = None,
        connection: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "endpoint": endpoint,
            "api_key": None if api_key is None else pulumi.Output.secret(api_key),
            "timeout_seconds": _as_text(timeout_seconds),
            "request_timeout_seconds": _as_text(request_timeout_seconds),
            "connection": connection,
        }
        super().__init__(PACKAGE, resource_name, typed_inputs(inputs, ()), opts)


def _as_text(value: pulumi.Input[float] | None) -> pulumi.Output[str] | None:
    # A provider's configuration travels as texts.
    return None if value is None else pulumi.Output.from_input(value).apply(lambda number: f"{number:g}")


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
            connection=connection,
        )
    return known[namespace]


def _is_given(namespace: str) -> bool:
    config = pulumi.Config(namespace)
    return config.get("endpoint") is not None or config.get("apiKey") is not None
