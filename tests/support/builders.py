"""Rows, jobs, tasks and services as the server sends them, made short for tests."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pulumi_dokploy_deployments.api.models import DeploymentRecord, QueueJob, Service, ServiceKind
from pulumi_dokploy_deployments.api.swarm_models import ServiceInspection, ServiceTask, TaskInspection

TRANSCRIPTS = Path(__file__).parents[1] / "contract" / "transcripts"
EPOCH = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
SERVICE_ID = "app-1"
SHA = "d361209502c6916f665f594699c444bb27427681"


def transcript(name: str) -> Any:
    """A recorded exchange or timeline."""
    return json.loads((TRANSCRIPTS / f"{name}.json").read_text(encoding="utf-8"))


def moment(seconds: float) -> datetime:
    """A moment on the server's clock, in whole milliseconds as the server stores them."""
    return EPOCH + timedelta(milliseconds=round(seconds * 1000))


def row(
    deployment_id: str,
    *,
    status: str = "running",
    title: str = "Manual deployment",
    description: str | None = None,
    at: float = 0.0,
    ended: float | None = None,
    log_path: str | None = "/etc/dokploy/logs/app/app.log",
    **more: Any,
) -> DeploymentRecord:
    """A row of the history; times in seconds since the test's epoch."""
    return DeploymentRecord.model_validate(
        {
            "deploymentId": deployment_id,
            "status": status,
            "title": title,
            "description": description,
            "logPath": log_path,
            "createdAt": moment(at),
            "startedAt": moment(at),
            "finishedAt": moment(ended) if ended is not None else None,
            "applicationId": SERVICE_ID,
            **more,
        }
    )


def job(
    number: int,
    *,
    description: str | None = None,
    title: str = "",
    service_id: str = SERVICE_ID,
    queued: float = 0.0,
    started: float | None = None,
    state: str | None = None,
    method: str = "deploy",
    server_id: str | None = None,
    is_preview: bool = False,
    name: str = "deployments",
) -> QueueJob:
    """A job of the queue; it is active when it has a start."""
    return QueueJob.model_validate(
        {
            "id": f"job-{number}",
            "name": name,
            "data": {
                "applicationId": service_id,
                "titleLog": title,
                "descriptionLog": description,
                "type": method,
                "applicationType": "application-preview" if is_preview else "application",
                "serverId": server_id,
            },
            "timestamp": round(moment(queued).timestamp() * 1000),
            "processedOn": round(moment(started).timestamp() * 1000) if started is not None else None,
            "state": state or ("active" if started is not None else "waiting"),
        }
    )


def cloud_job(number: int, *, state: str, description: str | None = None, queued: float = 0.0) -> QueueJob:
    """A job of Dokploy Cloud, which has a start whether or not it has begun."""
    return job(number, description=description, queued=queued, started=queued, state=state, name="deployment/requested")


def service(
    kind: ServiceKind = ServiceKind.APPLICATION,
    *,
    source: str | None = "git",
    name: str = "shop",
    replicas: int | None = 1,
    server_id: str | None = None,
    compose_type: str | None = None,
) -> Service:
    """A service as `<kind>.one` gives it."""
    return Service.model_validate(
        {
            "kind": kind,
            kind.id_field: SERVICE_ID,
            "name": name,
            "appName": f"{name}-x1y2z3",
            "composeStatus" if kind is ServiceKind.COMPOSE else "applicationStatus": "idle",
            "sourceType": source,
            "serverId": server_id,
            "replicas": replicas,
            "composeType": compose_type,
            "environmentId": "env-1",
            "environment": {"name": "production", "project": {"projectId": "prj-1", "name": "demo"}},
        }
    )


def task(
    task_id: str,
    *,
    slot: int = 1,
    desired: str = "running",
    current: str = "Running 5 seconds ago",
    node: str = "vm",
    error: str = "",
) -> ServiceTask:
    """A line of `docker service ps`."""
    return ServiceTask.model_validate(
        {
            "containerId": task_id,
            "name": f"shop-x1y2z3.{slot}",
            "state": desired,
            "currentState": current,
            "node": node,
            "error": error,
        }
    )


def inspected(task_id: str, *, at: float) -> TaskInspection:
    """A task's `docker inspect`, created so many seconds after the test's epoch."""
    return TaskInspection.model_validate(
        {"ID": task_id, "ServiceID": "swarm-service-1", "CreatedAt": EPOCH + timedelta(seconds=at)}
    )


def swarm_service(
    *,
    update: str | None = None,
    started: float | None = None,
    replicas: int | None = 1,
    image: str = "registry/shop:2",
    message: str = "",
    mode: dict[str, Any] | None = None,
) -> ServiceInspection:
    """The service's `docker inspect`, with its update status where one is given."""
    view: dict[str, Any] = {
        "ID": "swarm-service-1",
        "Version": {"Index": 7},
        "Spec": {
            "TaskTemplate": {"ContainerSpec": {"Image": image}},
            "Mode": mode if mode is not None else {"Replicated": {"Replicas": replicas}},
        },
    }
    if update is not None:
        view["UpdateStatus"] = {
            "State": update,
            "StartedAt": EPOCH + timedelta(seconds=started) if started is not None else None,
            "Message": message,
        }
    return ServiceInspection.model_validate(view)
