"""The reads against recorded answers: typed results, and ids that are not what they are said to be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.errors import AccessDenied, DokployError, Unauthorized
from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.api.redact import Redactor
from pulumi_dokploy_deployments.api.text import Vocabulary
from pulumi_dokploy_deployments.functions.filters import InvalidArgument
from pulumi_dokploy_deployments.functions.identity import UnknownId
from pulumi_dokploy_deployments.functions.logs import logs_of
from pulumi_dokploy_deployments.functions.models import DeploymentInfo, Result
from pulumi_dokploy_deployments.functions.rollback_candidates import read_candidates
from pulumi_dokploy_deployments.functions.table import FUNCTIONS
from tests.support.fake_server import NO_ACCESS, UNAUTHORIZED, FakeServer, row, service

Read = Callable[[DokployClient], Awaitable[Any]]
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ROLLBACK = {"rollbackId": "r2", "deploymentId": "d2", "version": 2, "image": "shop:v2", "fullContext": {"env": "S"}}


async def ask(client: DokployClient, name: str, **given: Any) -> Any:
    """The result of a function."""
    function = FUNCTIONS[name]
    return await function.read(client, function.asked(given, NOW))


READS: dict[str, tuple[str, Read]] = {
    "application": ("deployment.all", lambda c: ask(c, "get_application_deployments", application_id="a1")),
    "compose": ("deployment.allByCompose", lambda c: ask(c, "get_compose_deployments", compose_id="c1")),
    "server": ("deployment.allByServer", lambda c: ask(c, "get_server_deployments", server_id="s1")),
    "type": ("deployment.allByType", lambda c: ask(c, "get_deployments_by_type", type="application", id="a1")),
    "all": ("deployment.allCentralized", lambda c: ask(c, "get_all_deployments")),
}


@pytest.mark.parametrize("name", READS)
async def test_each_history_is_typed_and_newest_first(name: str) -> None:
    operation, read = READS[name]
    rows = [row(1), row(3, status="running", finishedAt=None), row(2)]
    server = FakeServer({"deployment.allCentralized": (200, []), operation: (200, rows)})
    found = await read(server.client())
    more = ["deployment.allCentralized"] if name == "server" else []
    assert server.operations == [operation, *more], "one request, not more"
    newest = found.deployments[0]
    assert isinstance(newest, DeploymentInfo)
    assert [one.deployment_id for one in found.deployments] == ["d3", "d2", "d1"]
    assert (newest.status, newest.finished_at, newest.duration_seconds) == ("running", None, None)
    assert found.deployments[1].duration_seconds == 30.5
    assert newest.description == "by hand", "without the mark of a run"
    assert (newest.service_type, newest.service_id) == ("application", "a1")


async def test_what_the_server_does_not_give_is_none() -> None:
    bare = {"deploymentId": "d1", "status": "paused", "createdAt": "2026-11-24T10:00:00Z"}
    server = FakeServer({"deployment.all": (200, [bare])})
    (info,) = (await ask(server.client(), "get_application_deployments", application_id="a1")).deployments
    given = {"deployment_id", "status", "title", "created_at"}
    assert info.status == "paused", "a newer server's word is passed on"
    assert {name for name, value in vars(info).items() if value is not None} == given


async def test_the_read_by_type_has_versions_and_no_secrets() -> None:
    server = FakeServer({"deployment.allByType": (200, [row(2, rollbackId="r2", rollback=ROLLBACK)])})
    found = await ask(server.client(), "get_deployments_by_type", type="application", id="a1")
    assert (found.deployments[0].version, found.deployments[0].image) == (2, "shop:v2")
    assert "fullContext" not in found.model_dump_json()
    assert '"S"' not in found.model_dump_json()


async def test_a_compose_s_rows_say_whose_they_are_and_the_centralized_ones_the_name() -> None:
    rows = [row(1, applicationId=None, composeId="c1", compose={"name": "stack", "env": "SECRET=1"})]
    server = FakeServer({"deployment.allCentralized": (200, rows)})
    (info,) = (await ask(server.client(), "get_all_deployments")).deployments
    assert (info.service_type, info.service_id, info.service_name) == ("compose", "c1", "stack")


@pytest.mark.parametrize("name", ["application", "compose", "type"])
async def test_an_unknown_id_is_an_error_though_the_server_gives_an_empty_list(name: str) -> None:
    operation, read = READS[name]
    server = FakeServer({operation: (200, [])})
    with pytest.raises(UnknownId, match=r"has no (application|compose) with the id") as caught:
        await read(server.client())
    assert "address of the service's page" in str(caught.value)


async def test_the_id_of_another_kind_is_named_as_what_it_is() -> None:
    server = FakeServer({"deployment.allByCompose": (200, []), "application.one": (200, service(applicationId="a1"))})
    with pytest.raises(UnknownId, match="not the id of a compose but of the application 'shop'"):
        await ask(server.client(), "get_compose_deployments", compose_id="a1")


async def test_a_service_that_was_never_deployed_has_an_empty_list() -> None:
    answers: Any = {"deployment.all": (200, []), "application.one": (200, service(applicationId="a1"))}
    assert (
        await ask(FakeServer(answers).client(), "get_application_deployments", application_id="a1")
    ).deployments == ()


async def test_a_filter_that_keeps_nothing_is_no_reason_to_doubt_the_id() -> None:
    server = FakeServer({"deployment.all": (200, [row(1)])})
    found = await ask(server.client(), "get_application_deployments", application_id="a1", status="error")
    assert found.deployments == ()
    assert server.operations == ["deployment.all"]


@pytest.mark.parametrize("kind", [kind for kind in ServiceKind if kind.is_database])
async def test_databases_leave_no_rows_and_a_wrong_id_of_one_is_an_error(kind: ServiceKind) -> None:
    server = FakeServer({f"{kind}.one": (200, service(**{f"{kind}Id": "x1"}))})
    assert (await ask(server.client(), "get_deployments_by_type", type=kind.value, id="x1")).deployments == ()
    assert "deployment.allByType" not in server.operations, "the server answers 400 for these types (transcript 81)"
    with pytest.raises(UnknownId, match=f"has no {kind} with the id 'x2'"):
        await ask(FakeServer().client(), "get_deployments_by_type", type=kind.value, id="x2")
    assert await read_candidates(server.client(), kind, "x1") == []


async def test_a_remote_server_s_deployments_are_its_own_and_its_services_which_do_not_name_it() -> None:
    elsewhere = row(3, application={"name": "x", "server": {"serverId": "s2"}})
    there = row(2, application={"name": "shop", "server": {"serverId": "s1", "name": "remote"}})
    here = row(4, application={"name": "y", "server": None})
    own = row(1, applicationId=None, serverId="s1", title="Setup Server")
    answers: Any = {
        "deployment.allByServer": (200, [own]),
        "deployment.allCentralized": (200, [here, elsewhere, there]),
    }
    found = await ask(FakeServer(answers).client(), "get_server_deployments", server_id="s1")
    assert [(one.deployment_id, one.server_id) for one in found.deployments] == [("d2", "s1"), ("d1", "s1")]
    assert found.deployments[0].service_name == "shop"
    central = await ask(FakeServer(answers).client(), "get_all_deployments")
    assert [one.server_id for one in central.deployments] == [None, "s2", "s1"]


async def test_a_remote_server_that_does_not_exist_is_named_as_that() -> None:
    with pytest.raises(UnknownId, match="no remote server with the id 's9'"):
        await ask(FakeServer().client(), "get_server_deployments", server_id="s9")


@pytest.mark.parametrize("name", READS)
async def test_members_without_access_are_told_so(name: str) -> None:
    operation, read = READS[name]
    with pytest.raises(AccessDenied, match="Settings → Users"):
        await read(FakeServer({operation: NO_ACCESS}).client())
    with pytest.raises(Unauthorized, match="does not accept the API key"):
        await read(FakeServer({operation: UNAUTHORIZED}).client())


@pytest.mark.parametrize(("type_name", "identity"), [("duckdb", "x"), ("Application", "x"), ("application", " ")])
async def test_nonsense_is_refused_before_the_server_is_asked(type_name: str, identity: str) -> None:
    server = FakeServer()
    with pytest.raises(InvalidArgument):
        await ask(server.client(), "get_deployments_by_type", type=type_name, id=identity)
    assert server.operations == []


class Loud(Vocabulary):
    """A host that spells its inputs in capitals."""

    def input(self, name: str) -> str:
        return name.upper()


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("get_all_deployments", {"limit": "1"}, "LIMIT is '1'. Give a whole number of 1 or more"),
        ("get_deployment_logs", {"deployment_id": "d1", "tail": "all"}, "TAIL is 'all'. Give a whole number from 1 to"),
        ("get_application_deployments", {}, "APPLICATION_ID is missing."),
        ("get_application_deployments", {"application_id": " "}, "The APPLICATION_ID is empty."),
        ("get_application_deployments", {"application_id": 7}, "APPLICATION_ID is 7, but should be a valid string."),
        (
            "get_rollback_candidates",
            {"application_id": "a", "only_working": "yes"},
            "ONLY_WORKING is 'yes', but should",
        ),
        ("get_all_deployments", {"statuses": "done"}, "There is no argument statuses."),
    ],
)
def test_a_bad_argument_is_named_in_the_host_s_own_spelling(name: str, given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgument) as failure:
        FUNCTIONS[name].asked(given, NOW)
    assert failure.value.told(Loud()).startswith(words)
    assert failure.value.property_name in {*FUNCTIONS[name].arguments.model_fields, *given}


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("get_deployment_queue", {"application_id": "a", "compose_id": "c"}, "Two services are named"),
        ("get_rollback_candidates", {"application_id": "a", "compose_id": "c"}, "Two services are named"),
        ("get_rollback_candidates", {}, "No service is named. Give APPLICATION_ID or COMPOSE_ID."),
    ],
)
async def test_a_service_is_named_once_before_the_server_is_asked(name: str, given: dict[str, Any], words: str) -> None:
    server = FakeServer()
    with pytest.raises(InvalidArgument) as failure:
        await ask(server.client(), name, **given)
    assert failure.value.told(Loud()).startswith(words)
    assert server.operations == []


def test_none_is_the_same_as_leaving_an_argument_out() -> None:
    logs = FUNCTIONS["get_deployment_logs"]
    assert logs.asked({"deployment_id": "d1", "tail": None}, NOW) == logs.asked({"deployment_id": "d1"}, NOW)


async def test_results_are_plain_values_that_an_export_takes_as_a_map() -> None:
    """Pulumi makes a list of what can be iterated, and a map of what has attributes; it knows no times."""
    server = FakeServer({"deployment.all": (200, [row(1)])})
    found = await ask(server.client(), "get_application_deployments", application_id="a1")
    assert not hasattr(found, "__iter__")
    with pytest.raises(TypeError):
        iter(found)
    assert vars(found) == {"deployments": found.deployments}
    (info,) = found.deployments
    assert info.created_at.endswith("Z")
    assert datetime.fromisoformat(info.created_at).tzinfo is not None
    assert all(value is None or isinstance(value, str | float | int) for value in vars(info).values())


def test_every_error_of_an_argument_is_a_value_error_as_python_programs_expect() -> None:
    assert issubclass(InvalidArgument, ValueError)
    assert issubclass(InvalidArgument, DokployError)


# --- queue ---------------------------------------------------------------------------------------------------


def job(number: int, state: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"job-{number}",
        "name": "deployments",
        "data": {
            "applicationId": more.pop("application", "a1"),
            "titleLog": f"title {number}",
            "descriptionLog": "why (pulumi run 0123456789ab)",
            "type": "deploy",
            "applicationType": "application",
        },
        "timestamp": 1_700_000_000_000 + number,
        "state": state,
        "servicePath": {"href": "/dashboard/x", "label": "Service"},
        **more,
    }


async def test_the_queue_is_in_the_order_in_which_it_runs_with_the_jobs_ahead() -> None:
    jobs = [
        job(4, "waiting"),
        job(3, "waiting", application="a2"),
        job(2, "active", processedOn=1_700_000_000_500),
        job(1, "failed", finishedOn=1_700_000_000_900, failedReason="out of disk"),
    ]
    server = FakeServer({"deployment.queueList": (200, jobs)})
    found = await ask(server.client(), "get_deployment_queue")
    assert [(one.id, one.jobs_ahead) for one in found.jobs] == [
        ("job-1", None),
        ("job-2", None),
        ("job-3", 1),
        ("job-4", 2),
    ]
    failed, active = found.jobs[0], found.jobs[1]
    assert (failed.failure_reason, failed.state) == ("out of disk", "failed")
    assert active.started_at is not None
    assert active.finished_at is None
    assert (active.service_path, active.method, active.title) == ("/dashboard/x", "deploy", "title 2")
    assert active.description == "why"
    own = await ask(server.client(), "get_deployment_queue", state="waiting", application_id="a2")
    assert [one.id for one in own.jobs] == ["job-3"]
    assert own.jobs[0].jobs_ahead == 1, "counted among all, not among those that are shown"


async def test_a_state_that_no_job_has_is_an_error() -> None:
    with pytest.raises(InvalidArgument, match="waiting, active, completed, failed, pending, cancelled"):
        await ask(FakeServer().client(), "get_deployment_queue", state="running")


# --- logs ----------------------------------------------------------------------------------------------------


async def test_a_log_is_cleaned_and_says_the_stage() -> None:
    text = "Initializing deployment\nCloning Repo x: ✅\nReceiving:  10%\rReceiving: 100%\r\n\x1b[31mred\x1b[0m\n"
    server = FakeServer({"deployment.readLogs": (200, text)})
    found = await ask(server.client(), "get_deployment_logs", deployment_id="d1", tail=50)
    assert server.asked == [("deployment.readLogs", {"deploymentId": "d1", "tail": "50"})]
    assert found.lines == ("Initializing deployment", "Cloning Repo x: ✅", "Receiving: 100%", "red")
    assert (found.stage, found.is_complete) == ("clone", True)


@pytest.mark.parametrize("text", ["", "\n", "  \n"])
def test_no_log_is_no_lines(text: str) -> None:
    assert logs_of("d1", text, 100, Redactor()).lines == ()


def test_the_end_of_a_longer_log_says_that_it_is_not_all() -> None:
    found = logs_of("d1", "a\nb\n", 2, Redactor())
    assert (found.lines, found.is_complete, found.stage) == (("a", "b"), False, None)


async def test_an_unknown_deployment_is_an_error_that_says_how_many_are_kept() -> None:
    with pytest.raises(UnknownId, match="about the ten newest"):
        await ask(FakeServer().client(), "get_deployment_logs", deployment_id="d9")


@pytest.mark.parametrize("tail", [0, -1, 10_001, True, "20"])
async def test_a_tail_is_what_the_server_can_give(tail: Any) -> None:
    with pytest.raises(InvalidArgument, match="from 1 to 10000"):
        await ask(FakeServer().client(), "get_deployment_logs", deployment_id="d1", tail=tail)


# --- candidates ----------------------------------------------------------------------------------------------


async def test_candidates_can_be_reduced_to_those_that_work() -> None:
    rows = [row(2, rollbackId="r2", rollback=ROLLBACK), row(1, status="error")]
    server = FakeServer({"deployment.allByType": (200, rows)})
    every = await ask(server.client(), "get_rollback_candidates", application_id="a1")
    working = await ask(server.client(), "get_rollback_candidates", application_id="a1", only_working=True)
    assert [(one.version, one.works, one.why_not) for one in every.candidates] == [
        (2, True, None),
        (None, False, "it failed"),
    ]
    assert working.candidates == every.candidates[:1]
    with pytest.raises(UnknownId):
        await ask(FakeServer({"deployment.allByType": (200, [])}).client(), "get_rollback_candidates", compose_id="x")


def test_every_field_of_every_result_is_described() -> None:
    def below(model: type[Result]) -> list[type[Result]]:
        return [model, *(one for child in model.__subclasses__() for one in below(child))]

    missing = [
        f"{model.__name__}.{name}"
        for model in below(Result)
        for name, field in model.model_fields.items()
        if not field.description
    ]
    assert missing == []
