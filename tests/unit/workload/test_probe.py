"""What runs is read by ids, once a unit, and its absence is told in words; a long history costs nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from pulumi_dokploy_deployments.api.errors import ServerError
from pulumi_dokploy_deployments.api.models import Service, ServiceKind
from pulumi_dokploy_deployments.workload.model import Baseline, UnitState
from pulumi_dokploy_deployments.workload.probe import MOST_INSPECTIONS, WorkloadProbe, why_unknown
from tests.support import api_faults as faults
from tests.support.builders import service
from tests.support.fake_dokploy import FakeDokploy, FakeTask
from tests.support.virtual_clock import VirtualClock
from tests.unit.workload.replay import Course, Replay

BORN = "2026-11-24T12:00:00Z"


def _probe(clock: VirtualClock, replicas: int = 1) -> tuple[FakeDokploy, WorkloadProbe]:
    fake = FakeDokploy(clock, service(replicas=replicas))
    return fake, WorkloadProbe(fake, clock, fake.service)


# --- applications -----------------------------------------------------------------------------------------------


async def test_the_baseline_knows_the_tasks_the_image_and_the_last_update(clock: VirtualClock) -> None:
    fake, probe = _probe(clock)
    fake.update = ("completed", -100.0)
    baseline = await probe.baseline()
    assert baseline.is_known
    assert (baseline.unit_ids, baseline.image) == (frozenset({"old"}), "registry/shop:2")
    assert baseline.update_started_at is not None


async def test_the_baseline_of_a_service_that_does_not_exist_yet_is_empty_and_known(clock: VirtualClock) -> None:
    fake, probe = _probe(clock)
    fake.tasks = []
    baseline = await probe.baseline()
    assert baseline.is_known
    assert baseline.was_read
    assert (baseline.unit_ids, baseline.image, baseline.update_started_at) == (frozenset(), "", None)


async def test_what_may_not_be_read_is_unknown_with_its_reason(clock: VirtualClock) -> None:
    fake, probe = _probe(clock)
    fake.fail("docker.getServiceContainersByAppName", faults.denied(), faults.not_found())
    assert "docker:read" in (await probe.baseline()).unknown_because
    baseline = await probe.baseline()
    assert not baseline.is_known
    assert not baseline.unknown_because.endswith(".")
    assert why_unknown(faults.denied()) != why_unknown(faults.not_found())


async def test_an_answer_that_is_not_dokploy_s_own_is_no_cannot_be_told(clock: VirtualClock) -> None:
    fake, probe = _probe(clock)
    fake.fail("docker.getServiceContainersByAppName", faults.server_error(502))
    with pytest.raises(ServerError):
        await probe.baseline()


async def test_each_new_task_is_inspected_once_and_old_ones_never(clock: VirtualClock) -> None:
    fake, probe = _probe(clock)
    await probe.baseline()
    before = fake.calls["docker.getConfig"]
    fake.tasks.append(FakeTask("new", 5.0))
    for _ in range(5):
        seen = await probe.observe()
    assert {unit.id: unit.born is not None for unit in seen.units} == {"old": False, "new": True}
    assert fake.calls["docker.getConfig"] - before == 1 + 5, "one for the task, one a look for the service"


async def test_a_task_that_changes_is_inspected_again(clock: VirtualClock) -> None:
    fake, probe = _probe(clock)
    await probe.baseline()
    fake.tasks.append(FakeTask("new", 5.0, current="Starting now"))
    await probe.observe()
    before = fake.calls["docker.getConfig"]
    fake.tasks[-1].current = "Running now"
    seen = await probe.observe()
    assert fake.calls["docker.getConfig"] - before == 2
    assert next(unit for unit in seen.units if unit.id == "new").state is UnitState.RUNNING


async def test_more_tasks_than_fit_into_one_look_are_all_inspected_in_the_end(clock: VirtualClock) -> None:
    fake, probe = _probe(clock, replicas=50)
    await probe.baseline()
    fake.tasks += [FakeTask(f"new{number}", 5.0) for number in range(50)]
    sizes = []
    for _ in range(4):
        seen = await probe.observe()
        sizes.append(len([unit for unit in seen.units if unit.born is not None]))
    assert sizes == [MOST_INSPECTIONS, 2 * MOST_INSPECTIONS, 50, 50]


async def test_the_replicas_that_dokploy_asks_for_are_told_until_swarm_does(clock: VirtualClock) -> None:
    fake, probe = _probe(clock, replicas=3)
    fake.tasks = []
    seen = await probe.observe()
    assert (seen.members[0].expected, seen.members[0].service_id) == (3, "")


@pytest.mark.parametrize("has_baseline", [True, False])
async def test_a_long_history_costs_nothing(clock: VirtualClock, has_baseline: bool) -> None:
    fake, probe = _probe(clock)
    dead = [FakeTask(f"dead{n}", -9000.0 + n, "shutdown", "Failed 2 hours ago", "task: exit") for n in range(200)]
    fake.tasks = [*dead, FakeTask("old", -3600.0)]
    probe.since = clock.now()
    if has_baseline:
        await probe.baseline()
    for look in range(3):
        before = fake.calls.total()
        await probe.observe()
        assert fake.calls.total() - before <= (2 if has_baseline or look else 4)


# --- composes and stacks ----------------------------------------------------------------------------------------


@dataclass
class Docker:
    """A server whose containers and tasks a test changes as it likes."""

    clock: VirtualClock
    kind: str = "docker-compose"
    names: Any = None
    file: str = ""
    shown: dict[str, Any] = field(
        default_factory=lambda: {
            "getContainersByAppNameMatch": [200, []],
            "getStackContainersByAppName": [200, []],
            "getConfig": {},
            "getConfig_of_services": {},
        }
    )

    def __post_init__(self) -> None:
        course = Course(self.service, self.shown, [(0.0, self.shown)], None, 0.0, self.names, self.file)
        self.replay = Replay(course, self.clock, is_before=False)

    @property
    def service(self) -> Service:
        return service(ServiceKind.COMPOSE, source="raw", compose_type=self.kind)

    def probe(self, **more: Any) -> WorkloadProbe:
        return WorkloadProbe(self.replay.client(), self.clock, self.service, **more)

    def container(self, name: str, *, member: str, state: str = "running", status: str = "Up 3 hours") -> None:
        self.shown["getContainersByAppNameMatch"][1].append(
            {"containerId": name, "name": f"shop-{name}", "state": state, "status": status}
        )
        self.shown["getConfig"][name] = [
            200,
            {
                "Id": name,
                "Created": BORN,
                "RestartCount": 0,
                "State": {"Status": state, "StartedAt": BORN, "FinishedAt": "0001-01-01T00:00:00Z", "ExitCode": 0},
                "Config": {
                    "Image": "registry/shop:1",
                    "Env": ["PASSWORD=s3cret"],
                    "Labels": {"com.docker.compose.service": member, "traefik.basicauth": "s3cret"},
                },
            },
        ]

    def stack_member(self, name: str, tasks: int, *, update: str | None = None) -> None:
        for number in range(tasks):
            identity = f"{name}task{number}"
            self.shown["getStackContainersByAppName"][1].append(
                {
                    "containerId": identity,
                    "name": f"shop-x1y2z3_{name}.{number + 1}",
                    "state": "running",
                    "currentState": "Running 3 hours ago",
                    "node": "vm",
                    "error": "",
                }
            )
            self.shown["getConfig"][identity] = [200, {"ID": identity, "ServiceID": f"{name}svc", "CreatedAt": BORN}]
        self.shown["getConfig_of_services"][f"{name}svc"] = [
            200,
            {
                "ID": f"{name}svc",
                "Spec": {"Name": f"shop-x1y2z3_{name}", "Mode": {"Replicated": {"Replicas": tasks}}},
                "UpdateStatus": {"State": update, "StartedAt": BORN} if update else None,
            },
        ]

    async def cost(self, probe: WorkloadProbe) -> int:
        before = self.replay.asked.total()
        await probe.observe()
        return self.replay.asked.total() - before


async def test_a_look_at_a_compose_that_does_not_change_costs_one_request(clock: VirtualClock) -> None:
    docker = Docker(clock, names=[200, ["web", "db"]])
    docker.container("a", member="web")
    docker.container("b", member="db")
    probe = docker.probe()
    assert [await docker.cost(probe) for _ in range(3)] == [4, 1, 1]


@pytest.mark.parametrize(
    "change",
    [
        {"state": "restarting", "status": "Restarting (1) 1 second ago"},
        {"status": "Up 2 seconds"},
        {"status": "Up Less than a second"},
        {"status": "Up 3 hours (unhealthy)"},
    ],
)
async def test_a_container_that_has_changed_is_asked_for_again(clock: VirtualClock, change: dict[str, str]) -> None:
    docker = Docker(clock, names=[200, ["web"]])
    docker.container("a", member="web")
    probe = docker.probe()
    await probe.observe()
    docker.shown["getContainersByAppNameMatch"][1][0].update(change)
    docker.shown["getConfig"]["a"][1]["RestartCount"] = 1
    assert await docker.cost(probe) == 2
    assert (await probe.observe()).units[0].restarts == 1


async def test_what_has_to_be_confirmed_is_asked_for_again_and_says_when_it_was_read(clock: VirtualClock) -> None:
    docker = Docker(clock, names=[200, ["web"]])
    docker.container("a", member="web")
    probe = docker.probe()
    first = (await probe.observe()).units[0].read_at
    clock.advance(5.0)
    assert (await probe.observe()).units[0].read_at == first
    assert (await probe.observe({"a"})).units[0].read_at == first + 5.0


async def test_a_container_that_goes_away_between_list_and_look_is_left_out(clock: VirtualClock) -> None:
    docker = Docker(clock, names=[200, ["web"]])
    docker.container("a", member="web")
    docker.shown["getConfig"]["a"] = [200, None]
    assert not (await docker.probe().observe()).units


async def test_no_secret_of_a_container_gets_any_further_than_the_parsing(clock: VirtualClock) -> None:
    docker = Docker(clock, names=[200, ["web"]])
    docker.container("a", member="web")
    probe = docker.probe()
    baseline = await probe.baseline()
    assert "s3cret" not in repr(await probe.observe()) + repr(baseline) + repr(vars(probe))


async def test_members_of_the_file_without_a_container_are_in_the_reading(clock: VirtualClock) -> None:
    file = "services:\n  web:\n    image: a\n  worker:\n    image: b\n  tool:\n    image: c\n    profiles: [tools]\n"
    docker = Docker(clock, names=[200, ["web", "worker", "tool"]], file=file)
    docker.container("a", member="web")
    docker.container("b", member="gone")
    members = {member.name: member for member in (await docker.probe().observe()).members}
    assert {name: member.is_declared for name, member in members.items()} == {
        "web": True,
        "gone": False,
        "worker": True,
        "tool": True,
    }
    assert members["worker"].not_expected_because == ""
    assert members["tool"].not_expected_because == "its profile is not active"


async def test_a_member_that_the_file_does_not_explain_is_only_missed_where_it_was_seen_before(
    clock: VirtualClock,
) -> None:
    docker = Docker(clock, names=[200, ["web", "worker", "tool"]])
    docker.container("a", member="web")
    docker.container("b", member="worker")
    baseline = await docker.probe().baseline()
    docker.shown["getContainersByAppNameMatch"][1].pop()
    members = {member.name: member for member in (await docker.probe(before=baseline).observe()).members}
    assert members["worker"].not_expected_because == ""
    assert "inactive profile" in members["tool"].not_expected_because


async def test_names_that_can_t_be_had_are_done_without_after_a_few_attempts(clock: VirtualClock) -> None:
    docker = Docker(clock, names=[500, {"message": "boom", "code": "INTERNAL_SERVER_ERROR"}])
    docker.container("a", member="web")
    probe = docker.probe()
    for _ in range(2):
        with pytest.raises(ServerError):
            await probe.observe()
    assert (await probe.observe()).members[0].is_declared is None
    refused = Docker(clock, names=[404, {"message": "Services not found", "code": "NOT_FOUND"}])
    refused.container("a", member="web")
    assert (await refused.probe().observe()).members[0].is_declared is None


async def test_a_look_at_a_stack_that_does_not_change_costs_one_request(clock: VirtualClock) -> None:
    docker = Docker(clock, kind="stack", names=[200, ["web", "db"]])
    docker.stack_member("web", 3)
    docker.stack_member("db", 1, update="completed")
    probe = docker.probe(before=await docker.probe().baseline())
    await probe.observe()
    assert [await docker.cost(probe) for _ in range(3)] == [1, 1, 1]


async def test_a_stack_in_mid_update_costs_one_request_more_whatever_its_size(clock: VirtualClock) -> None:
    names = [f"m{number}" for number in range(20)]
    docker = Docker(clock, kind="stack", names=[200, names])
    for name in names:
        docker.stack_member(name, 2, update="updating")
    probe = docker.probe(before=await docker.probe().baseline())
    await probe.observe()
    assert [await docker.cost(probe) for _ in range(3)] == [2, 2, 2]
    for name in names:
        docker.shown["getConfig_of_services"][f"{name}svc"][1]["UpdateStatus"]["State"] = "completed"
    for _ in range(20):
        clock.advance(1.0)
        seen = await probe.observe()
    assert {member.update.state.value for member in seen.members if member.update} == {"completed"}


async def test_a_stack_s_member_without_replicas_is_found_out(clock: VirtualClock) -> None:
    docker = Docker(clock, kind="stack", names=[200, ["web", "off"]])
    docker.stack_member("web", 1)
    docker.stack_member("off", 0)
    services = docker.shown["getConfig_of_services"]
    services["shop-x1y2z3_off"] = services.pop("offsvc")
    off = next(each for each in (await docker.probe().observe()).members if each.name == "off")
    assert (off.expected, off.not_expected_because) == (0, "it asks for no replicas")


# --- the baseline in a state ------------------------------------------------------------------------------------


async def test_a_baseline_goes_into_json_and_comes_back(clock: VirtualClock) -> None:
    fake, probe = _probe(clock)
    fake.update = ("completed", -100.0)
    fake.tasks += [FakeTask("dead", -4000.0, "shutdown", "Failed 2 hours ago", "task: non-zero exit (1)")]
    baseline = await probe.baseline()
    assert Baseline.load(json.loads(json.dumps(baseline.dump()))) == baseline
    assert Baseline.load(None) == Baseline()
    assert Baseline.load({"members": "nonsense"}) == Baseline()
    assert Baseline.load(Baseline(unknown_because="no").dump()).unknown_because == "no"


def test_a_baseline_that_was_not_read_is_not_the_same_as_one_in_which_nothing_was() -> None:
    assert Baseline() != Baseline(was_read=True)
    assert Baseline().is_known


async def test_a_one_off_container_does_not_make_an_inactive_service_one_that_has_to_run(clock: VirtualClock) -> None:
    file = "services:\n  web:\n    image: a\n  tool:\n    image: c\n    profiles: [tools]\n"
    docker = Docker(clock, names=[200, ["web", "tool"]], file=file)
    docker.container("a", member="web")
    docker.container("b", member="tool", state="exited", status="Exited (1) 3 hours ago")
    docker.shown["getConfig"]["b"][1]["Config"]["Labels"]["com.docker.compose.oneoff"] = "True"
    members = {member.name: member for member in (await docker.probe().observe()).members}
    assert members["tool"].not_expected_because == "its profile is not active"
    assert members["tool"].units[0].is_one_off
    assert members["web"].not_expected_because == ""
