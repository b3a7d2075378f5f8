"""The class `Deployment` as Python programs on the plugin use it; the same arguments as on dynamic resources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from pulumi_dokploy_deployments.hosts.plugin.python_names import output, output_names, typed_inputs
from pulumi_dokploy_deployments.hosts.plugin.python_provider import with_provider
from pulumi_dokploy_deployments.schema.names import DEPLOYMENT


class Deployment(pulumi.CustomResource):
    """A deployment of one Dokploy service, triggered by `pulumi up` and waited for until its end.

    Creating the resource triggers one deployment. A change of `triggers` or `method` triggers the next one in place;
    another service replaces the resource; a change of the other inputs is only stored.

    Args:
        resource_name: the resource's name in the stack.
        application_id, compose_id, postgres_id, mysql_id, mariadb_id, mongo_id, redis_id: the service, exactly one.
        triggers: a map or list of anything; any change in it deploys again.
        method: `deploy` (default: fetch and build anew) or `redeploy` (rebuild what is there).
        title, description: what Dokploy's page shows. Changing only these does not deploy.
        wait_for: `healthy` (default), `done` or `none`.
        timeout_seconds: how long to wait, default 1800; the server keeps working when it has passed.
        on_failure: `fail` (default) or `rollback`.
        on_busy: `queue` (default), `fail` or `supersede`.
        on_delete: `cancel` (default), `retain` or `remove`.
        expect_commit: fail when the built commit is another one.
        stream_logs: whether the build log runs along; default true.
        connection: the name of another server.
        opts: Pulumi's resource options.
    """

    deployment_id: pulumi.Output[str | None] = output("deployment_id")
    status: pulumi.Output[str] = output("status")
    stage: pulumi.Output[str] = output("stage")
    title: pulumi.Output[str | None] = output("title")
    description: pulumi.Output[str | None] = output("description")
    commit_hash: pulumi.Output[str | None] = output("commit_hash")
    commit_message: pulumi.Output[str | None] = output("commit_message")
    created_at: pulumi.Output[str | None] = output("created_at")
    started_at: pulumi.Output[str | None] = output("started_at")
    finished_at: pulumi.Output[str | None] = output("finished_at")
    queued_seconds: pulumi.Output[float | None] = output("queued_seconds")
    duration_seconds: pulumi.Output[float | None] = output("duration_seconds")
    rollback_id: pulumi.Output[str | None] = output("rollback_id")
    version: pulumi.Output[int | None] = output("version")
    app_name: pulumi.Output[str | None] = output("app_name")
    url: pulumi.Output[str | None] = output("url")
    health: pulumi.Output[str] = output("health")
    superseded_by: pulumi.Output[str | None] = output("superseded_by")
    pruned: pulumi.Output[bool] = output("pruned")

    def __init__(
        self,
        resource_name: str,
        *,
        application_id: pulumi.Input[str] | None = None,
        compose_id: pulumi.Input[str] | None = None,
        postgres_id: pulumi.Input[str] | None = None,
        mysql_id: pulumi.Input[str] | None = None,
        mariadb_id: pulumi.Input[str] | None = None,
        mongo_id: pulumi.Input[str] | None = None,
        redis_id: pulumi.Input[str] | None = None,
        triggers: pulumi.Input[Mapping[str, Any] | Sequence[Any]] | None = None,
        method: pulumi.Input[str] | None = None,
        title: pulumi.Input[str] | None = None,
        description: pulumi.Input[str] | None = None,
        wait_for: pulumi.Input[str] | None = None,
        timeout_seconds: pulumi.Input[float] | None = None,
        on_failure: pulumi.Input[str] | None = None,
        on_busy: pulumi.Input[str] | None = None,
        on_delete: pulumi.Input[str] | None = None,
        expect_commit: pulumi.Input[str] | None = None,
        stream_logs: pulumi.Input[bool] | None = None,
        connection: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "application_id": application_id,
            "compose_id": compose_id,
            "postgres_id": postgres_id,
            "mysql_id": mysql_id,
            "mariadb_id": mariadb_id,
            "mongo_id": mongo_id,
            "redis_id": redis_id,
            "triggers": triggers,
            "method": method,
            "title": title,
            "description": description,
            "wait_for": wait_for,
            "timeout_seconds": timeout_seconds,
            "on_failure": on_failure,
            "on_busy": on_busy,
            "on_delete": on_delete,
            "expect_commit": expect_commit,
            "stream_logs": stream_logs,
            "connection": connection,
        }
        super().__init__(
            DEPLOYMENT, resource_name, typed_inputs(inputs, output_names(Deployment)), with_provider(opts, connection)
        )

    @staticmethod
    def get(resource_name: str, id: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None) -> Deployment:  # noqa: A002
        """Look up a resource by its documented id, without managing it.

        Args:
            resource_name: the resource's name in the stack.
            id: `<kind>/<service id>/<deployment id>`, or `…/latest`.
            opts: Pulumi's resource options.
        """
        return Deployment(resource_name, opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id)))
