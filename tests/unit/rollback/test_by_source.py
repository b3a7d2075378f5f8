"""An earlier version by the service's own source: the setting follows the pin, and comes back where it fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pulumi_dokploy_deployments.api.errors import ApiError, Step, TooOld
from pulumi_dokploy_deployments.api.models import DeploymentRecord, Service, ServiceKind, SourceType
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.rollback import by_source
from pulumi_dokploy_deployments.rollback.by_source import deploy_source, ref_of, set_source, source_setting
from pulumi_dokploy_deployments.rollback.targets import Strategy, Target
from pulumi_dokploy_deployments.rollout.build_log import LogPlace
from pulumi_dokploy_deployments.rollout.errors import DeploymentFailed, UnexpectedCommit
from pulumi_dokploy_deployments.rollout.record import RunRecord
from pulumi_dokploy_deployments.rollout.request import RolloutRequest, WaitFor
from pulumi_dokploy_deployments.waiting.context import RunContext
from tests.support import api_faults as faults
from tests.support import builders
from tests.support.builders import SERVICE_ID, SHA
from tests.support.fake_dokploy import FakeDokploy
from tests.support.listener import Listener
from tests.support.virtual_clock import VirtualClock
from tests.unit.rollback.histories import IMAGE, NOW, candidate, compose, docker_service, git_service

EARLIER = "registry.example.com/shop:1"


class Sources(FakeDokploy):
    """A service whose source can be set; the changes are kept in their order."""

    def __init__(self, clock: VirtualClock, service: Service, log: str = "") -> None:
        super().__init__(clock, service)
        self.log = log
        self.updates: list[dict[str, Any]] = []
        self.tails: list[int] = []

    async def update_service(self, kind: ServiceKind, service_id: str, changes: Any) -> None:
        await self._call(f"{kind.value}.update")
        self.updates.append(dict(changes))
        (value,) = changes.values()
        self.service = self.service.model_copy(update={self.field: value})

    @property
    def field(self) -> str:
        """Where the model keeps what the source is set to."""
        return "docker_image" if self.service.source_type is SourceType.DOCKER else "git_ref"

    async def read_log(self, deployment_id: str, *, tail: int = 100) -> str:
        await self._call("deployment.readLogs")
        self.tails.append(tail)
        return self.log


def context_of(fake: FakeDokploy) -> RunContext:
    return RunContext(fake, fake.clock, Listener(), has_live_log=False)


def target(**changes: Any) -> Target:
    values: dict[str, Any] = {
        "strategy": Strategy.SOURCE,
        "deployment_id": "d1",
        "created_at": NOW,
        "title": "release 1",
        "source_ref": "v1",
        "commit_hash": SHA,
    }
    return Target(**(values | changes))


async def deployed(fake: Sources, wanted: Target, record: RunRecord | None = None) -> RunRecord:
    request = RolloutRequest(ServiceRef(ServiceKind.APPLICATION, SERVICE_ID), wait_for=WaitFor.DONE)
    return await deploy_source(fake.service, wanted, request, context_of(fake), record)


# --- which image a past deployment pulled -----------------------------------------------------------------------

LOG = f"Initializing deployment\nPulling {EARLIER}\nPulling from library\nPulling other:2\n"


async def test_the_image_of_a_past_deployment_is_the_one_that_its_log_pulls_first(clock: VirtualClock) -> None:
    fake = Sources(clock, docker_service(), LOG)
    assert await ref_of(candidate(1), fake.service, context_of(fake)) == EARLIER
    assert min(fake.tails) >= 1000, "the line stands at the log's beginning"


@pytest.mark.parametrize("log", ["", "Initializing deployment\n", "  Pulling indented\n", "Pulling two words\n"])
async def test_a_log_that_names_no_image_tells_nothing(clock: VirtualClock, log: str) -> None:
    fake = Sources(clock, docker_service(), log)
    assert await ref_of(candidate(1), fake.service, context_of(fake)) is None


@pytest.mark.parametrize("path", ["/etc/dokploy/logs/shop/1.log", None])
async def test_a_server_that_only_has_live_logs_is_told_where_the_deployment_s_own_lies(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, path: str | None
) -> None:
    fake = Sources(clock, docker_service())
    rows = [builders.row("d2", log_path="/another"), builders.row("d1", log_path=path, serverId="srv-1")]
    found: list[LogPlace | None] = []

    async def read(*_args: Any, **_more: Any) -> str:
        found.append(await _args[2]())
        return LOG

    async def history(*_args: Any) -> list[DeploymentRecord]:
        return rows

    monkeypatch.setattr(by_source, "read_build_log", read)
    monkeypatch.setattr(fake, "deployments_of", history)
    assert await ref_of(candidate(1), fake.service, context_of(fake)) == EARLIER
    del rows[:]
    assert await ref_of(candidate(1), fake.service, context_of(fake)) == EARLIER
    assert found == [LogPlace(path or "", "srv-1"), None]


async def test_a_git_source_has_no_image_in_its_log_and_is_not_asked_for_one(clock: VirtualClock) -> None:
    fake = Sources(clock, git_service(), LOG)
    assert await ref_of(candidate(1), fake.service, context_of(fake)) is None
    assert not fake.calls


@pytest.mark.parametrize(
    ("errors", "expected"),
    [([faults.refused()], EARLIER), ([faults.not_found()], None), ([faults.refused()] * 60, None)],
)
async def test_a_log_that_is_gone_tells_nothing_and_a_short_fault_is_retried(
    clock: VirtualClock, errors: Sequence[ApiError], expected: str | None
) -> None:
    fake = Sources(clock, docker_service(), LOG)
    fake.fail("deployment.readLogs", *errors)
    assert await ref_of(candidate(1), fake.service, context_of(fake)) == expected
    assert clock.elapsed < 15.0, "a server that does not answer is given up within seconds"


# --- the setting ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        (docker_service(), ("dockerImage", IMAGE)),
        (git_service(), ("customGitBranch", "main")),
        (git_service(source_type=SourceType.GITHUB), ("branch", "main")),
        (git_service(source_type=SourceType.GITLAB), ("gitlabBranch", "main")),
        (builders.service(source="drop"), None),
        (builders.service(source=None), None),
    ],
)
def test_the_setting_is_the_field_of_the_source_with_its_value(
    service: Service, expected: tuple[str, str | None] | None
) -> None:
    assert source_setting(service) == expected


async def test_setting_the_source_changes_its_field_alone(clock: VirtualClock) -> None:
    fake = Sources(clock, git_service())
    await set_source(fake.service, "v1", context_of(fake))
    assert fake.updates == [{"customGitBranch": "v1"}]


async def test_what_is_set_already_or_can_not_be_set_is_not_sent(clock: VirtualClock) -> None:
    for service, value in ((git_service(), "main"), (builders.service(source="drop"), "v1")):
        fake = Sources(clock, service)
        await set_source(service, value, context_of(fake))
        assert not fake.updates


# --- the deployment ---------------------------------------------------------------------------------------------


async def test_the_source_is_set_before_the_deployment_and_stays(clock: VirtualClock) -> None:
    fake, record = Sources(clock, git_service()), RunRecord()
    run = await deployed(fake, target(), record)
    assert run is record
    assert run.deployment is not None
    assert run.deployment.commit_hash in (None, SHA)
    assert fake.updates == [{"customGitBranch": "v1"}]
    assert fake.calls["application.deploy"] == 1


async def test_a_docker_source_is_set_to_the_earlier_image(clock: VirtualClock) -> None:
    fake = Sources(clock, docker_service())
    await deployed(fake, target(source_ref=EARLIER, commit_hash=None))
    assert fake.updates == [{"dockerImage": EARLIER}]


async def test_a_deployment_that_fails_puts_the_setting_back(clock: VirtualClock) -> None:
    fake = Sources(clock, git_service())
    fake.fails = True
    with pytest.raises(DeploymentFailed):
        await deployed(fake, target())
    assert fake.updates == [{"customGitBranch": "v1"}, {"customGitBranch": "main"}]


async def test_a_setting_that_was_not_there_is_not_put_back(clock: VirtualClock) -> None:
    fake = Sources(clock, git_service(git_ref=None))
    fake.fails = True
    with pytest.raises(DeploymentFailed):
        await deployed(fake, target())
    assert fake.updates == [{"customGitBranch": "v1"}]


@pytest.mark.parametrize("digit", ["0", "f"])
async def test_a_ref_of_another_commit_is_an_error_that_names_both_and_puts_the_setting_back(
    clock: VirtualClock, digit: str
) -> None:
    fake = Sources(clock, git_service())
    with pytest.raises(UnexpectedCommit) as caught:
        await deployed(fake, target(commit_hash=digit * 40))
    error = caught.value
    assert (
        f"application \"shop\" should have gone back to commit {digit * 12}, but 'v1' points to {SHA[:12]}, and that "
        "was deployed" in str(error)
    )
    assert f"{SHA[:12]}," in str(error)
    assert "a" * 13 not in str(error)
    assert error.deployment is not None
    assert (error.property_name, error.step) == ("source_ref", Step.CHANGE_INPUT)
    assert "/dashboard/project/prj-1" in error.link
    assert fake.updates[-1] == {"customGitBranch": "main"}


async def test_a_target_without_a_known_commit_expects_none(clock: VirtualClock) -> None:
    fake = Sources(clock, git_service())
    run = await deployed(fake, target(commit_hash=None))
    assert run.deployment is not None
    assert fake.updates == [{"customGitBranch": "v1"}]


def test_a_compose_from_git_has_a_setting_too() -> None:
    assert source_setting(compose()) == ("customGitBranch", None)


async def test_on_a_server_that_is_too_old_nothing_is_changed(clock: VirtualClock) -> None:
    fake = Sources(clock, git_service())
    fake.version = "v0.20.0"
    with pytest.raises(TooOld):
        await deployed(fake, target())
    assert (fake.updates, fake.sent) == ([], [])
