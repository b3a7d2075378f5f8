"""The live log of /listen-deployment as recorded in transcripts 299 to 312."""

import pytest

from pulumi_dokploy_deployments.simulator import BrokenConnection, LiveLog, LogClosed, Simulator
from tests.support.simulator_recordings import Time, load, simulator


def deploy(target: Simulator, time: Time, name: str) -> str:
    """Deploy an application; return the log path of its row."""
    world = target.world
    service = world.deployable("application", target.ready["applications"][name])
    assert service is not None
    world.trigger(service, "deploy", "t", "d")
    time.now += 0.05
    world.advance(time.now)
    return str(world.rows_of(service)[0]["logPath"])


def drain(log: LiveLog) -> list[str]:
    """Return all frames that are there now."""
    frames = []
    while (frame := log.receive()) is not None:
        frames.append(frame)
    return frames


def recorded_end(name: str) -> tuple[int, str]:
    """Return the close code and reason that a client saw."""
    end = load(name)["events"][-1]
    return end["code"], end["reason"]


def end_of(log: LiveLog) -> tuple[int, str]:
    """Return how a live log ends."""
    with pytest.raises(LogClosed) as closed:
        drain(log)
    return closed.value.code, closed.value.reason


def test_log_arrives_from_its_start_and_grows_while_the_build_runs() -> None:
    target, time = simulator(build_seconds=8.0)
    log = target.connect_log(deploy(target, time, "ok"))
    first = drain(log)
    assert len(first) == 1
    assert first[0].startswith("Initializing deployment\n")
    time.now += 4
    later = drain(log)
    assert later
    time.now += 5
    end = drain(log)
    path = target.world.history.rows[-1].fields["logPath"]
    assert "".join(first + later + end) == target.world.logs.tail(path, 10000)
    assert end[-1].endswith("✅ Image Pushed\n")


def test_log_stays_open_after_the_deployment_has_ended() -> None:
    target, time = simulator(build_seconds=0.2)
    log = target.connect_log(deploy(target, time, "git"))
    time.now += 2
    assert drain(log)
    time.now += 60
    assert log.receive() is None


def test_stages_of_a_git_build_come_in_the_recorded_order() -> None:
    recorded = "".join(e.get("data", "") for e in load("300-ws-live-log-git")["ws"]["events"])
    target, time = simulator(build_seconds=1.0)
    log = target.connect_log(deploy(target, time, "git"))
    time.now += 2
    seen = "".join(drain(log))
    marks = ["Initializing", "Cloning Repo", "Receiving objects", "Building ", "Step 1/3", "Step 3/3"]
    marks += ["Successfully tagged", "✅ Docker build completed."]
    for text in (recorded, seen):
        places = [text.index(mark) for mark in marks]
        assert places == sorted(places)


@pytest.mark.parametrize("name", ["306-ws-bad-key", "307-ws-no-key"])
def test_wrong_key_is_let_in_and_closed_without_a_code(name: str) -> None:
    target, time = simulator()
    path = deploy(target, time, "ok")
    key = "wrong" if "bad" in name else ""
    assert end_of(target.connect_log(path, key)) == recorded_end(name)


def test_missing_and_foreign_paths_are_closed_with_4000() -> None:
    target, _ = simulator()
    assert end_of(target.connect_log(None)) == recorded_end("308-ws-no-logPath")
    assert end_of(target.connect_log("/etc/passwd")) == recorded_end("309-ws-outside-path")
    assert end_of(target.connect_log("/etc/dokploy/../passwd")) == (4000, "Invalid log path")
    assert end_of(target.connect_log("/etc/dokploy/logs/a;b")) == (4000, "Invalid log path")


def test_missing_file_is_told_in_one_frame_before_the_close() -> None:
    target, _ = simulator()
    recorded = load("310-ws-missing-file")
    path = recorded["url_query"].removeprefix("logPath=")
    log = target.connect_log(path)
    assert log.receive() == recorded["events"][1]["data"]
    assert end_of(log) == recorded_end("310-ws-missing-file")


def test_an_unknown_server_is_told_in_one_frame_before_the_close() -> None:
    target, _ = simulator()
    recorded = load("432-ws-unknown-server")
    path, server_id = recorded["url_query"].removeprefix("logPath=").split("&serverId=")
    log = target.connect_log(path, server_id=server_id)
    assert log.receive() == recorded["events"][1]["data"]
    assert end_of(log) == recorded_end("432-ws-unknown-server")


def test_each_connection_costs_the_key_one_verification() -> None:
    target, time = simulator()
    path = deploy(target, time, "ok")
    key = target.ready["api_keys"]["rate_limited"]
    for _ in range(10):
        assert target.connect_log(path, key).receive() is not None
    assert end_of(target.connect_log(path, key)) == (1005, "")


def test_torn_log_breaks_characters_but_loses_no_frame() -> None:
    target, time = simulator(build_seconds=0.1)
    target.faults.torn_log = True
    log = target.connect_log(deploy(target, time, "ok"))
    time.now += 1
    frames = drain(log)
    assert any("\N{REPLACEMENT CHARACTER}" in frame for frame in frames)
    assert all(len(frame) <= 7 for frame in frames)


def test_restart_and_broken_connections_end_the_log_without_a_close() -> None:
    target, time = simulator()
    path = deploy(target, time, "ok")
    log = target.connect_log(path)
    assert log.receive() is not None
    target.world.restart()
    with pytest.raises(BrokenConnection):
        log.receive()
    time.now += 10
    target.faults.add("websocket_broken", seconds=0.5)
    log = target.connect_log(path)
    assert log.receive() is not None
    time.now += 1
    with pytest.raises(BrokenConnection):
        log.receive()
