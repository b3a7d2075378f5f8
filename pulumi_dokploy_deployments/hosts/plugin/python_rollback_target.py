"""The class `RollbackTarget` as Python programs on the plugin use it; the same arguments as on dynamic resources."""

from __future__ import annotations

import pulumi

from pulumi_dokploy_deployments.hosts.plugin.python_names import output, output_names, typed_inputs
from pulumi_dokploy_deployments.hosts.plugin.python_provider import with_provider
from pulumi_dokploy_deployments.schema.names import ROLLBACK_TARGET


class RollbackTarget(pulumi.CustomResource):
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

    rollback_id: pulumi.Output[str | None] = output("rollback_id")
    deployment_id: pulumi.Output[str | None] = output("deployment_id")
    version: pulumi.Output[int | None] = output("version")
    image: pulumi.Output[str | None] = output("image")
    previous_image: pulumi.Output[str | None] = output("previous_image")
    commit_hash: pulumi.Output[str | None] = output("commit_hash")
    commit_message: pulumi.Output[str | None] = output("commit_message")
    strategy_used: pulumi.Output[str | None] = output("strategy_used")
    pinned_at: pulumi.Output[str | None] = output("pinned_at")
    holds: pulumi.Output[bool] = output("holds")

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
        super().__init__(
            ROLLBACK_TARGET,
            resource_name,
            typed_inputs(inputs, output_names(RollbackTarget)),
            with_provider(opts, connection),
        )

    @staticmethod
    def get(resource_name: str, id: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None) -> RollbackTarget:  # noqa: A002
        """Look up a resource by its documented id, without managing it.

        Args:
            resource_name: the resource's name in the stack.
            id: `<kind>/<service id>/<rollback id or deployment id>`.
            opts: Pulumi's resource options.
        """
        return RollbackTarget(resource_name, opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id)))
