"""The class `RollbackTarget` as Python programs on dynamic resources use it."""

from __future__ import annotations

import pulumi
from pulumi.dynamic import Resource

from pulumi_dokploy_deployments.hosts.dynamic.provider import RollbackTargetProvider
from pulumi_dokploy_deployments.hosts.dynamic.urns import URN_PROPERTY, output_names, urn_of

TYPE = "pulumi-python:dynamic/dokploy:RollbackTarget"


class RollbackTarget(Resource, module="dokploy", name="RollbackTarget"):
    """A Dokploy service pinned to an earlier version.

    Creating the resource rolls back and proves that the version runs; a changed selector moves the pin; `pulumi
    refresh` finds out whether the pin still holds, and the next `pulumi up` pins again what a later deployment undid;
    deleting releases it.

    Args:
        resource_name: the resource's name in the stack.
        application_id, compose_id: the service, exactly one.
        version, rollback_id, deployment_id, commit, title, previous: the version, named in exactly one way;
            `previous` counts successful deployments back, is resolved once and then kept.
        strategy: `auto` (default), `image` or `source`.
        source_ref: with `source`, the git branch or tag, or the docker image, that holds the version.
        on_delete: `retain` (default) or `redeploy`.
        timeout_seconds: how long to wait until the version is seen to run, default 1800.
        stream_logs: whether a build log runs along; default true.
        connection: the name of another server.
        opts: Pulumi's resource options.
    """

    rollback_id: pulumi.Output[str | None]
    deployment_id: pulumi.Output[str | None]
    version: pulumi.Output[int | None]
    image: pulumi.Output[str | None]
    previous_image: pulumi.Output[str | None]
    commit_hash: pulumi.Output[str | None]
    commit_message: pulumi.Output[str | None]
    strategy_used: pulumi.Output[str | None]
    pinned_at: pulumi.Output[str | None]
    holds: pulumi.Output[bool]

    def __init__(
        self,
        resource_name: str,
        *,
        application_id: pulumi.Input[str] | None = None,
        compose_id: pulumi.Input[str] | None = None,
        version: pulumi.Input[int] | None = None,
        rollback_id: pulumi.Input[str] | None = None,
        deployment_id: pulumi.Input[str] | None = None,
        commit: pulumi.Input[str] | None = None,
        title: pulumi.Input[str] | None = None,
        previous: pulumi.Input[int] | None = None,
        strategy: pulumi.Input[str] | None = None,
        source_ref: pulumi.Input[str] | None = None,
        on_delete: pulumi.Input[str] | None = None,
        timeout_seconds: pulumi.Input[float] | None = None,
        stream_logs: pulumi.Input[bool] | None = None,
        connection: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "application_id": application_id,
            "compose_id": compose_id,
            "version": version,
            "rollback_id": rollback_id,
            "deployment_id": deployment_id,
            "commit": commit,
            "title": title,
            "previous": previous,
            "strategy": strategy,
            "source_ref": source_ref,
            "on_delete": on_delete,
            "timeout_seconds": timeout_seconds,
            "stream_logs": stream_logs,
            "connection": connection,
        }
        outputs = dict.fromkeys(output_names(RollbackTarget))
        properties = {**outputs, **inputs, URN_PROPERTY: urn_of(TYPE, resource_name, opts)}
        super().__init__(RollbackTargetProvider(), resource_name, properties, opts)
