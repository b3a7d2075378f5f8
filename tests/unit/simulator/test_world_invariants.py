"""Whatever is done to the world, the promises of the real server hold."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pulumi_dokploy_deployments.simulator.world import factory
from pulumi_dokploy_deployments.simulator.world.services import Commit
from tests.support.simulator_recordings import application, compose, empty_world

NAMES = ("git", "docker", "slow", "broken", "compose")
FINAL = {"done", "error", "cancelled"}


class AnyOrderOfOperations(RuleBasedStateMachine):
    """Deploys, kills, restarts, outages and rollbacks in any order, with time passing between."""

    def __init__(self) -> None:
        super().__init__()
        self.world = empty_world()
        registry = factory.create_registry(self.world, "local")
        self.services = {
            "git": application(self.world, "git", Commit("1" * 40, "one"), build_seconds=0.5),
            "docker": application(self.world, "docker", None, build_seconds=0.05),
            "slow": application(self.world, "slow", Commit("2" * 40, "two"), build_seconds=8.0, steps=8),
            "broken": application(self.world, "broken", Commit("3" * 40, "three"), build_seconds=0.5, build="fails"),
            "compose": compose(self.world, "compose", None, build_seconds=0.5),
        }
        self.services["git"].update({"rollbackActive": True, "rollbackRegistryId": registry.id})
        self.final: dict[str, Any] = {}

    @rule(name=st.sampled_from(NAMES), kind=st.sampled_from(["deploy", "redeploy"]), title=st.text(max_size=3))
    def trigger(self, name: str, kind: str, title: str) -> None:
        if self.world.down_until is None:
            self.world.trigger(self.services[name], kind, title or "t", "")

    @rule(seconds=st.floats(0.001, 15))
    def wait(self, seconds: float) -> None:
        self.world.advance(self.world.now + seconds)

    @rule(message=st.sampled_from(["a", "b"]))
    def push(self, message: str) -> None:
        self.world.push_commit(self.services["git"].id, message)

    @rule(
        name=st.sampled_from(["docker", "compose"]),
        runtime=st.sampled_from(["healthy", "exits", "unhealthy", "start_fails"]),
        code=st.sampled_from([0, 7]),
        after=st.sampled_from([0.2, 9.0]),
    )
    def behave(self, name: str, runtime: str, code: int, after: float) -> None:
        behaviour: dict[str, Any] = {"runtime": runtime, "exit_code": code, "exit_after": after, "output": ["line"]}
        self.world.set_behaviour(self.services[name].id, **behaviour)

    @rule(
        condition=st.sampled_from(["any", "on-failure", "none"]),
        attempts=st.integers(0, 2),
        zone=st.booleans(),
        order=st.sampled_from(["start-first", "stop-first"]),
        port=st.booleans(),
    )
    def configure(self, condition: str, attempts: int, zone: bool, order: str, port: bool) -> None:
        policy = {"Condition": condition, "MaxAttempts": attempts}
        placement = {"Constraints": ["node.labels.zone==a"]} if zone else None
        update = {"Order": order, "FailureAction": "rollback"}
        columns: dict[str, Any] = {"restartPolicySwarm": policy, "placementSwarm": placement}
        self.services["docker"].update(columns | {"updateConfigSwarm": update})
        self.world.set_behaviour(self.services["docker"].id, host_port=port)

    @rule(
        names=st.sets(st.sampled_from(["web", "db", "job"]), min_size=1),
        restart=st.sampled_from(["no", "always", "on-failure:2"]),
        tag=st.integers(1, 2),
        scale=st.integers(0, 2),
    )
    def write_file(self, names: set[str], restart: str, tag: int, scale: int) -> None:
        text = f"    image: bb:{tag}\n    restart: '{restart}'\n    scale: {scale}\n"
        file = "services:\n" + "".join(f"  {name}:\n{text}" for name in sorted(names))
        self.services["compose"].update({"composeFile": file})

    @rule(kind=st.sampled_from(["application", "compose"]))
    def kill(self, kind: str) -> None:
        self.world.kill_builds(kind, None)

    @rule(name=st.sampled_from(NAMES))
    def clean(self, name: str) -> None:
        self.world.queue.clean(self.services[name].id)

    @rule()
    def restart(self) -> None:
        self.world.restart(1.0)

    @rule()
    def lose_queue(self) -> None:
        self.world.lose_queue()

    @rule(down=st.booleans())
    def database(self, down: bool) -> None:
        self.world.faults.database_down = down

    @rule(slots=st.integers(1, 3))
    def concurrency(self, slots: int) -> None:
        self.world.queue.set_concurrency(slots)

    @rule(data=st.data())
    def roll_back(self, data: st.DataObject) -> None:
        if self.world.history.rollbacks and self.world.down_until is None:
            self.world.roll_back(data.draw(st.sampled_from(self.world.history.rollbacks)))

    @rule(data=st.data())
    def remove_row(self, data: st.DataObject) -> None:
        if self.world.history.rows:
            self.world.history.remove(data.draw(st.sampled_from(self.world.history.rows)))

    @invariant()
    def histories_keep_at_most_eleven_rows(self) -> None:
        for service in self.services.values():
            assert len(self.world.rows_of(service)) <= 11

    @invariant()
    def one_job_per_service_is_active_and_no_more_than_there_were_slots(self) -> None:
        active = [job.service_id for job in self.world.queue.active]
        assert len(active) == len(set(active)) <= 3

    @invariant()
    def only_active_jobs_have_a_running_row_unless_the_queue_was_lost(self) -> None:
        for job in self.world.queue.waiting:
            assert job.started is None

    @invariant()
    def rows_start_when_they_are_created_and_end_only_when_final(self) -> None:
        for row in self.world.history.rows:
            fields = row.fields
            assert fields["createdAt"] == fields["startedAt"]
            assert (fields["finishedAt"] is not None) == (row.status in {"done", "error"})

    @invariant()
    def final_rows_never_change_their_status(self) -> None:
        for row in self.world.history.rows:
            if row.id in self.final:
                assert row.status == self.final[row.id]
            if row.status in FINAL:
                self.final[row.id] = row.status

    @invariant()
    def every_version_belongs_to_a_row_and_every_reference_to_a_version(self) -> None:
        rows = {row.id for row in self.world.history.rows}
        versions = {rollback.id for rollback in self.world.history.rollbacks}
        assert {rollback.fields["deploymentId"] for rollback in self.world.history.rollbacks} <= rows
        assert {row.fields["rollbackId"] for row in self.world.history.rows} - {None} <= versions

    @invariant()
    def successful_rows_with_a_version_have_a_pushed_image(self) -> None:
        for rollback in self.world.history.rollbacks:
            row = self.world.history.find(rollback.fields["deploymentId"])
            if row is not None and row.status == "done":
                assert f"127.0.0.1:5055/rb/{rollback.image}" in self.world.images.pushed

    @invariant()
    def versions_are_never_reused(self) -> None:
        numbers = [rollback.fields["version"] for rollback in self.world.history.rollbacks]
        assert len(numbers) == len(set(numbers))

    @invariant()
    def slots_have_at_most_one_task_meant_to_run_outside_of_a_rollout(self) -> None:
        for service in self.world.swarm.services:
            settled = service.update is None or service.update.state in {"completed", "rollback_completed"}
            for slot in {task.slot for task in service.tasks}:
                meant = [task for task in service.of_slot(slot) if task.desired == "running"]
                assert len(meant) <= (1 if settled else 2), service.update

    @invariant()
    def tasks_that_ended_are_not_meant_to_run(self) -> None:
        for service in self.world.swarm.services:
            for task in service.tasks:
                rejected_early = task.state == "rejected" and task.desired == "ready"
                assert not task.over or task.desired == "shutdown" or rejected_early

    @invariant()
    def used_up_attempts_start_nothing_more(self) -> None:
        for service in self.world.swarm.services:
            for task in service.tasks:
                attempts = task.spec.restart.attempts if task.spec.restart else 0
                assert not attempts or task.attempt <= attempts

    @invariant()
    def a_port_in_host_mode_is_held_by_one_task(self) -> None:
        for service in self.world.swarm.services:
            held = [task for task in service.tasks if task.spec.host_port and task.state == "running"]
            assert len([task for task in held if task.desired == "running"]) <= 1

    @invariant()
    def a_container_s_name_is_its_own_and_its_states_agree(self) -> None:
        names = [container.name for container in self.world.containers.all]
        assert len(names) == len(set(names))
        for container in self.world.containers.all:
            restarts = container.unit.restart
            assert container.state in {"created", "running", "restarting", "exited"}
            assert container.state != "restarting" or restarts != "no"
            assert not restarts.startswith("on-failure") or container.restarts <= 2
            assert (container.started is None) == (container.state == "created")

    @invariant()
    def running_tasks_of_a_built_application_hold_a_commit(self) -> None:
        swarm = self.world.swarm.find(self.services["git"].app_name)
        for task in self.world.swarm.running(swarm) if swarm else []:
            assert task.spec.content.commit is not None

    @invariant()
    def logs_of_kept_rows_begin_as_dokploy_begins_them(self) -> None:
        for row in self.world.history.rows:
            file = self.world.logs.find(str(row.fields["logPath"]))
            assert file is None or file.text.startswith("Initializing deployment\n")


TestAnyOrderOfOperations = AnyOrderOfOperations.TestCase
TestAnyOrderOfOperations.settings = settings(max_examples=20, stateful_step_count=20, deadline=None, derandomize=True)
