"""What is kept of the server's words, and what is not."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from pulumi_dokploy_deployments.api.models import (
    DeploymentRecord,
    DeploymentStatus,
    JobState,
    QueueJob,
    Service,
    ServiceKind,
    ServiceStatus,
    SourceType,
)
from pulumi_dokploy_deployments.api.swarm_models import ServiceInspection, ServiceTask, UpdateState
from pulumi_dokploy_deployments.api.wire import OpenStrEnum

OPEN = [DeploymentStatus, ServiceStatus, JobState, SourceType, UpdateState]
ROW = {"deploymentId": "d", "status": "done", "createdAt": "2026-11-24T01:44:05.249Z"}


@pytest.mark.parametrize("enumeration", OPEN)
@given(text=st.text(max_size=30))
def test_an_unknown_value_is_kept_in_every_way_it_can_travel(enumeration: type[OpenStrEnum], text: str) -> None:
    value = enumeration(text)
    assert value == text
    assert value.value == text
    assert hash(value) == hash(text)
    assert f"{value}" == text
    assert TypeAdapter(enumeration).validate_python(text) == value
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301
    assert copy.deepcopy(value) == value
    assert value.is_known is (text in {member.value for member in enumeration})
    assert text not in {member.value for member in enumeration} or value is enumeration(text)


def test_an_unknown_value_does_not_become_a_member() -> None:
    before = list(DeploymentStatus)
    assert not DeploymentStatus("paused").is_final
    assert list(DeploymentStatus) == before
    with pytest.raises(ValueError, match="None"):
        DeploymentStatus(None)  # type: ignore[arg-type]


def test_a_new_scalar_field_is_kept_and_a_nested_or_secret_one_dropped() -> None:
    row = DeploymentRecord.model_validate(
        {
            **ROW,
            "priority": 3,
            "actor": {"password": "hunter2"},
            "tags": ["x"],
            "registryPassword": "hunter2",
            "apiToken": "hunter2",
            "env": "A=hunter2",
        }
    )
    assert row.unknown_fields == {"priority": 3}
    assert "hunter2" not in repr(row) + repr(row.model_dump()) + repr(pickle.dumps(row))


@pytest.mark.parametrize(
    ("description", "commit"),
    [
        ("Commit: d361209502c6916f665f594699c444bb27427681", "d361209502c6916f665f594699c444bb27427681"),
        ("Commit: ", None),
        ("commit: d361209502c6916f665f594699c444bb27427681", None),
        ("my nonce", None),
        (None, None),
    ],
)
def test_the_commit_is_known_once_the_server_has_written_it(description: str | None, commit: str | None) -> None:
    row = DeploymentRecord.model_validate({**ROW, "title": "feat: x", "description": description})
    assert row.commit_hash == commit
    assert row.commit_message == ("feat: x" if commit else None)


def test_the_rows_carry_the_rollback_without_its_context() -> None:
    rollback = {"rollbackId": "r", "deploymentId": "d", "version": 2, "image": "i", "fullContext": {"env": "hunter2"}}
    row = DeploymentRecord.model_validate({**ROW, "rollback": rollback})
    assert row.rollback is not None
    assert row.rollback.version == 2
    assert "hunter2" not in repr(row) + repr(pickle.dumps(row))


def test_times_always_have_a_zone() -> None:
    row = DeploymentRecord.model_validate({**ROW, "createdAt": "2026-11-24T01:44:05.249"})
    assert row.created_at == datetime(2026, 11, 24, 1, 44, 5, 249000, tzinfo=UTC)


@given(st.one_of(st.integers(), st.floats(allow_nan=True), st.text(max_size=10), st.none(), st.booleans()))
def test_a_time_of_the_queue_is_a_time_or_a_clean_refusal(value: object) -> None:
    job: dict[str, Any] = {"id": "job-1", "data": {}, "state": "waiting", "timestamp": value}
    try:
        parsed = QueueJob.model_validate(job)
    except ValidationError:
        return
    assert parsed.queued_at is None or parsed.queued_at.tzinfo is not None


@pytest.mark.parametrize(("identity", "number"), [("job-12", 12), ("7", 7), ("job-x", None), ("", None)])
def test_a_job_s_number_is_read_where_there_is_one(identity: str, number: int | None) -> None:
    assert QueueJob.model_validate({"id": identity, "data": {}, "state": "waiting"}).number == number


@pytest.mark.parametrize(
    ("written", "error"),
    [
        ("Error:", ""),
        ("", ""),
        (None, ""),
        ('"task: non-zero exit (1)"', "task: non-zero exit (1)"),
        ('Error: "No such image: x"', "No such image: x"),
        ('"exec: "/bin/false": not found"', 'exec: "/bin/false": not found'),
        ('"', '"'),
    ],
)
def test_a_task_s_error_is_what_docker_said(written: str | None, error: str) -> None:
    task = ServiceTask.model_validate({"containerId": "t", "name": "app.1", "state": "shutdown", "error": written})
    assert task.error == error
    assert task.phase == ""


@pytest.mark.parametrize(
    ("mode", "replicas", "is_job"),
    [
        ({"Replicated": {"Replicas": 3}}, 3, False),
        ({"Global": {}}, None, False),
        ({"ReplicatedJob": {"MaxConcurrent": 1}}, None, True),
        ({"GlobalJob": {}}, None, True),
    ],
)
def test_a_service_s_mode_is_recognised(mode: dict[str, Any], replicas: int | None, is_job: bool) -> None:
    service = ServiceInspection.model_validate({"ID": "s", "Spec": {"Mode": mode}, "UpdateStatus": {}})
    assert (service.replicas, service.is_job, service.update) == (replicas, is_job, None)


@pytest.mark.parametrize(
    ("source", "field"),
    [
        ("git", "customGitBranch"),
        ("github", "branch"),
        ("gitlab", "gitlabBranch"),
        ("bitbucket", "bitbucketBranch"),
        ("gitea", "giteaBranch"),
        ("docker", None),
        ("teleport", None),
    ],
)
def test_the_branch_comes_from_the_field_of_the_source(source: str, field: str | None) -> None:
    branches = dict.fromkeys(("customGitBranch", "branch", "gitlabBranch", "bitbucketBranch", "giteaBranch"), "wrong")
    answer = {
        "kind": ServiceKind.APPLICATION,
        "applicationId": "a",
        "name": "n",
        "appName": "n-1",
        "applicationStatus": "idle",
        "sourceType": source,
        **branches,
        **({field: "right"} if field else {}),
        "env": "hunter2",
        "environment": {"name": "production", "env": "hunter2", "project": {"projectId": "p", "name": "demo"}},
    }
    service = Service.model_validate(answer)
    assert service.git_ref == ("right" if field else None)
    assert (service.service_id, service.environment_name, service.project_name) == ("a", "production", "demo")
    assert "hunter2" not in repr(service)


@pytest.mark.parametrize("kind", list(ServiceKind))
def test_each_kind_of_service_is_read_by_its_own_id(kind: ServiceKind) -> None:
    status = "composeStatus" if kind is ServiceKind.COMPOSE else "applicationStatus"
    answer = {"kind": kind, kind.id_field: "x", "name": "n", "appName": "n-1", status: "done"}
    service = Service.model_validate(answer)
    assert (service.service_id, service.status, service.kind) == ("x", ServiceStatus.DONE, kind)
