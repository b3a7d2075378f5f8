"""Whatever is done to the queues of older releases and of the cloud, no job is lost and none runs beside another."""

from typing import Any, Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pulumi_dokploy_deployments.simulator.world import World, factory
from pulumi_dokploy_deployments.simulator.world.services import Commit, Deployable
from pulumi_dokploy_deployments.simulator.world.versions import Version
from tests.support.simulator_recordings import START, application

NAMES = ("git", "docker", "slow")


class QueueOfAnOlderRelease(RuleBasedStateMachine):
    """Deploys, previews, kills and restarts in any order, with time passing between."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.world = World(START, 1, Version.parse("v0.29.8"))
        self.services = self._services(None)
        self.wanted: dict[str, str] = {}
        self.final: dict[str, str] = {}
        self.numbers: list[int] = []

    def _services(self, server_id: str | None) -> dict[str, Deployable]:
        factory.create_project(self.world, "demo")
        made = {
            "git": application(self.world, "git", Commit("1" * 40, "one"), build_seconds=0.5),
            "docker": application(self.world, "docker", None, build_seconds=0.05),
            "slow": application(self.world, "slow", Commit("2" * 40, "two"), build_seconds=8.0, steps=8),
        }
        for service in made.values():
            service.fields["serverId"] = server_id
        return made

    @rule(name=st.sampled_from(NAMES))
    def trigger(self, name: str) -> None:
        if self.world.down_until is None:
            mark = f"run:{len(self.wanted)}"
            self.wanted[mark] = name
            job = self.world.trigger(self.services[name], "deploy", mark, mark)
            self.numbers += [int(job.id)] if job.id.isdigit() else []

    @rule(seconds=st.floats(0.001, 40))
    def wait(self, seconds: float) -> None:
        self.world.advance(self.world.now + seconds)

    @rule(signal=st.sampled_from(["TERM", "KILL"]), down=st.floats(0.1, 20))
    def restart(self, signal: Literal["TERM", "KILL"], down: float) -> None:
        self.world.restart(down, signal=signal)

    @rule(name=st.sampled_from(NAMES))
    def clean(self, name: str) -> None:
        for job in self.world.queue.waiting:
            if job.service_id == self.services[name].id:
                self.wanted.pop(str(job.data["titleLog"]), None)
        self.world.clean_queue(self.services[name].id)

    @invariant()
    def no_two_rows_run_at_once(self) -> None:
        if self.world.down_until is None:
            assert [row.status for row in self.world.history.rows].count("running") <= 1

    @invariant()
    def final_rows_never_change_their_status(self) -> None:
        for row in self.world.history.rows:
            assert self.final.setdefault(row.id, row.status) == row.status or self.final[row.id] == "running"
            self.final[row.id] = row.status

    @invariant()
    def jobs_are_numbered_without_a_gap(self) -> None:
        assert self.numbers == list(range(1, len(self.numbers) + 1))

    def teardown(self) -> None:
        """Every job that nobody dropped has run in the end, those that were interrupted twice apart."""
        self.world.advance(self.world.now + 1000.0)
        assert not list(self.world.queue.waiting)
        assert not self.world.queue.active
        asked: list[Any] = list(self.world.history.asked.values())
        for mark in self.wanted:
            assert any(row["description"] == mark for row in asked), mark


class QueueOfTheCloud(QueueOfAnOlderRelease):
    """The same for one server of Dokploy Cloud, whose runner knows no restart."""

    def __init__(self) -> None:
        RuleBasedStateMachine.__init__(self)
        self.world = World(START, 1, cloud=True)
        self.services = self._services(factory.create_server(self.world, "remote").id)
        self.wanted = {}
        self.final = {}
        self.numbers = []

    @rule(name=st.sampled_from(NAMES))
    def clean(self, name: str) -> None:
        self.world.clean_queue(self.services[name].id)

    @invariant()
    def no_row_is_cancelled(self) -> None:
        assert all(row.status in {"running", "done"} for row in self.world.history.rows)


TestQueueOfAnOlderRelease = QueueOfAnOlderRelease.TestCase
TestQueueOfTheCloud = QueueOfTheCloud.TestCase
TestQueueOfAnOlderRelease.settings = settings(max_examples=25, stateful_step_count=25, deadline=None, derandomize=True)
TestQueueOfTheCloud.settings = TestQueueOfAnOlderRelease.settings
