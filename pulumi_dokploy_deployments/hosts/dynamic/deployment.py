"""The class `Deployment` as Python programs on dynamic resources use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi.dynamic import Resource

from pulumi_dokploy_deployments.hosts.dynamic.provider import DeploymentProvider
from pulumi_dokploy_deployments.hosts.dynamic.urns import URN_PROPERTY, output_names, urn_of

TYPE = "pulumi-python:dynamic/dokploy:Deployment"


class Deployment(Resource, module="dokploy", name="Deployment"):
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

    deployment_id: pulumi.Output[str | None]
    status: pulumi.Output[str]
    stage: pulumi.Output[str]
    title: pulumi.Output[str | None]
    description: pulumi.Output[str | None]
    commit_hash: pulumi.Output[str | None]
    commit_message: pulumi.Output[str | None]
    created_at: pulumi.Output[str | None]
    started_at: pulumi.Output[str | None]
    finished_at: pulumi.Output[str | None]
    queued_seconds: pulumi.Output[float | None]
    duration_seconds: pulumi.Output[float | None]
    rollback_id: pulumi.Output[str | None]
    version: pulumi.Output[int | None]
    app_name: pulumi.Output[str | None]
    url: pulumi.Output[str | None]
    health: pulumi.Output[str]
    superseded_by: pulumi.Output[str | None]
    pruned: pulumi.Output[bool]

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
        outputs = dict.fromkeys(output_names(Deployment))
        properties = {**outputs, **inputs, URN_PROPERTY: urn_of(TYPE, resource_name, opts)}
        super().__init__(DeploymentProvider(), resource_name, properties, opts)
