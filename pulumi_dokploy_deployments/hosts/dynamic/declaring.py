"""What the constructor of a dynamic resource hands to Pulumi: its inputs, its outputs, and its URN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.dynamic import Resource

from pulumi_dokploy_deployments.hosts.dynamic.urns import URN_PROPERTY, output_names, urn_of
from pulumi_dokploy_deployments.hosts.triggers import with_plain_triggers


def with_secret_run(opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:
    """The options for a resource whose private record holds inputs: a secret one among them must not lie open there."""
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=["run"]))


def declared(
    resource: type[Resource], resource_name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None
) -> dict[str, Any]:
    """The properties of a resource; its outputs stand among them without a value, and its inputs go before those."""
    token = f"pulumi-python:dynamic/dokploy:{resource.__name__}"
    outputs = dict.fromkeys(output_names(resource))
    return {**outputs, **with_plain_triggers(inputs), URN_PROPERTY: urn_of(token, resource_name, opts)}
