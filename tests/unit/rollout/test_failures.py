"""Every failure is one plain paragraph: what failed, where, the log's end, the next step."""

from __future__ import annotations

import pickle

import pytest

from pulumi_dokploy_deployments.api.errors import DokployError, Step
from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.rollout import failures
from pulumi_dokploy_deployments.rollout.dead_ends import Dead
from pulumi_dokploy_deployments.rollout.errors import RolloutError
from pulumi_dokploy_deployments.waiting.progress import Stage
from pulumi_dokploy_deployments.workload.verdict import Health, NextStep, Verdict
from tests.support import api_faults as faults
from tests.support.builders import job, row, service
from tests.support.fake_dokploy import FakeDokploy
from tests.support.virtual_clock import VirtualClock

SHOP = service()
LINK = "https://dokploy.example.com/dashboard"
ROW = row("row-7", status="error", at=0.0, ended=4.2)
TAIL = ["npm ERR! missing script: build", "Error occurred ❌, check the logs for details."]

EVERY: list[RolloutError] = [
    failures.failed(SHOP, ROW, Stage.BUILD, TAIL, LINK),
    failures.failed(SHOP, ROW, Stage.QUEUED, [], LINK),
    failures.cancelled(SHOP, ROW, TAIL, LINK),
    failures.timed_out(SHOP, ROW, 1800.0, Stage.BUILD, TAIL, LINK),
    failures.timed_out(SHOP, None, 0.5, Stage.QUEUED, [], LINK),
    failures.timed_out(SHOP, ROW, 60.0, Stage.HEALTH_CHECK, [], LINK, so_far="0 of 1 new tasks run"),
    failures.busy(SHOP, [job(1, title="by hand"), job(2)], LINK),
    failures.other_commit(SHOP, ROW, "abcdef1", LINK),
    failures.unhealthy(SHOP, ROW, Verdict(Health.UNHEALTHY, "it crashes", "the earlier version still runs"), LINK),
    failures.answer_not_found(SHOP, faults.lost(), LINK),
    failures.database_failed(SHOP, faults.server_error(500), LINK),
    failures.database_failed(SHOP, faults.lost(), LINK),
    failures.contact_lost(SHOP, ROW, faults.lost(), LINK),
    failures.interrupted(SHOP, ROW, Stage.BUILD, LINK, is_sent=True),
    *(failures.dead(reason, SHOP, ROW, TAIL, LINK) for reason in Dead),
]


@pytest.mark.parametrize("error", EVERY, ids=lambda error: type(error).__name__)
def test_it_names_the_service_the_page_and_the_next_step_in_whole_sentences(error: RolloutError) -> None:
    text = str(error)
    assert 'application "shop"' in text
    assert LINK in text
    assert error.next_step
    assert text.endswith(error.next_step)
    assert text.endswith(".")
    for slip in ("..", " .", "  .", "None", "Traceback", "()", ". ."):
        assert slip not in text
    if error.deployment is not None:
        assert "deployment row-7" in text


@pytest.mark.parametrize("error", EVERY, ids=lambda error: type(error).__name__)
def test_it_survives_the_way_from_one_process_to_another(error: RolloutError) -> None:
    copied = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(copied), str(copied)) == (type(error), str(error))


def test_the_log_s_end_stands_apart_line_by_line() -> None:
    text = str(EVERY[0])
    assert "The build log ends with:\n    npm ERR! missing script: build\n    Error occurred ❌" in text
    assert "\nFix the error shown in the log, then try again." in text


def test_a_message_without_a_log_is_one_line() -> None:
    for error in EVERY:
        if not error.log_tail:
            assert "\n" not in str(error)


def test_a_row_that_could_not_be_prepared_is_told_with_the_server_s_reason() -> None:
    prepared = row("row-8", status="error", log_path="", errorMessage="EEXIST: file already exists")
    assert "EEXIST: file already exists" in str(failures.failed(SHOP, prepared, Stage.QUEUED, [], LINK))


def test_an_unknown_service_is_told_with_where_ids_are_found() -> None:
    error = failures.unknown_service(ServiceRef(SHOP.kind, "app-9"), "https://dokploy.example.com")
    assert str(error) == (
        "https://dokploy.example.com has no application with the id 'app-9'. The id is in the address of the "
        "service's page in the dashboard, after /application/."
    )


async def test_the_tail_of_a_row_without_a_log_is_its_own_message(clock: VirtualClock) -> None:
    fake = FakeDokploy(clock)
    bare = row("row-8", status="error", log_path="", errorMessage="EEXIST")
    assert await failures.log_tail(fake, bare) == ["EEXIST"]
    assert fake.calls["deployment.readLogs"] == 0


async def test_a_tail_that_can_t_be_read_is_empty(clock: VirtualClock) -> None:
    assert await failures.log_tail(FakeDokploy(clock), row("row-gone")) == []


def test_a_failed_build_is_told_with_its_cause_first_and_a_next_step_that_fits() -> None:
    tail = ["Pulling shop:9", "Error response from daemon: manifest for shop:9 not found: manifest unknown", "❌"]
    error = failures.failed(SHOP, ROW, Stage.PULL, tail, LINK, shown_lines=2)
    assert str(error).startswith(
        'The deployment of application "shop" failed after 4.2 s while pulling the image: manifest for shop:9 not '
        f"found: manifest unknown (deployment row-7, {LINK}). The build log ends with:\n    Error response"
    )
    assert error.next_step == "Check the image's name and tag, and that it has been pushed, then try again."
    assert (error.step, error.reason) == (Step.FIX_AND_RUN_AGAIN, "manifest for shop:9 not found: manifest unknown")


def test_a_failure_without_a_cause_in_its_log_says_what_the_server_says() -> None:
    assert "in the build: its status is error (" in str(failures.failed(SHOP, ROW, Stage.BUILD, ["…"], LINK))
    assert failures.failed(SHOP, ROW, Stage.BUILD, [], LINK).next_step == "Fix the cause, then try again."


@pytest.mark.parametrize(
    ("status", "is_sent", "words"),
    [
        (None, False, "Interrupted before anything was sent to the server. Try again."),
        (
            None,
            True,
            'the request to deploy application "shop" was sent, and its deployment is queued',
        ),
        ("running", True, "is still running at the server, in the stage 'build' (deployment row-7, "),
        ("done", True, "has ended at the server (status done) (deployment row-7, "),
    ],
)
def test_an_interrupted_run_says_what_the_server_still_does(status: str | None, is_sent: bool, words: str) -> None:
    seen = row("row-7", status=status) if status is not None else None
    error = failures.interrupted(SHOP, seen, Stage.BUILD, LINK, is_sent=is_sent)
    assert words in str(error)
    assert ("It was not stopped." in str(error)) == is_sent
    assert "before anything was sent" in str(failures.interrupted(None, None, Stage.QUEUED, "", is_sent=True))


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (failures.busy(SHOP, [job(1)], LINK), "on_busy"),
        (failures.other_commit(SHOP, ROW, "abcdef1", LINK), "expect_commit"),
        (failures.timed_out(SHOP, ROW, 60.0, Stage.BUILD, [], LINK), "timeout_seconds"),
        (failures.unknown_service(ServiceRef(ServiceKind.COMPOSE, "c"), "https://d"), "compose_id"),
        (failures.failed(SHOP, ROW, Stage.BUILD, TAIL, LINK), None),
        (failures.contact_lost(SHOP, ROW, faults.lost(), LINK), None),
    ],
)
def test_an_error_names_the_input_that_is_at_fault_and_no_other(error: DokployError, name: str | None) -> None:
    assert error.property_name == name


def test_lost_contact_passes_on_what_the_cause_says_to_do() -> None:
    cause = faults.lost()
    cause.next_step_text = "Check the proxy."
    error = failures.contact_lost(SHOP, ROW, cause, LINK)
    assert error.next_step == "Check the proxy. Look at the deployment in the dashboard before you try again."


@pytest.mark.parametrize("cause", NextStep)
def test_a_version_that_does_not_run_has_a_next_step_that_fits_and_its_container_s_last_words(cause: NextStep) -> None:
    verdict = Verdict(Health.UNHEALTHY, "it crashes", next_step=cause)
    error = failures.unhealthy(SHOP, ROW, verdict, LINK, last_words=["panic: no config"])
    assert "The container wrote last:\n    panic: no config\n" in str(error)
    assert error.next_step.endswith(", then try again.")
    assert "container's log" not in error.next_step, "it is shown, or there is none"
    assert "build log" not in str(error)
