"""The build log is a courtesy: shown as it grows, once a line, and never the reason why a run ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from pulumi_dokploy_deployments.api.errors import LogStreamFailure, LogStreamUnavailable
from pulumi_dokploy_deployments.rollout import log_follower
from pulumi_dokploy_deployments.rollout.log_follower import LogFollower
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.progress import Stage
from tests.support import api_faults as faults
from tests.support.builders import row, service
from tests.support.fake_dokploy import KEY, FakeDokploy
from tests.support.listener import Listener
from tests.support.virtual_clock import VirtualClock


@dataclass
class Stream:
    """Chunks at moments of virtual time; then it breaks, or stays open as the real one does."""

    clock: VirtualClock
    chunks: list[tuple[float, str]]
    breaks: bool = False
    ends: bool = False
    opened: list[str] = field(default_factory=list)
    hosts: list[str | None] = field(default_factory=list)

    def open(self, _connection: object, log_path: str, *, server_id: str | None = None) -> object:
        """What `open_log_stream` gives."""
        self.opened.append(log_path)
        self.hosts.append(server_id)

        @asynccontextmanager
        async def stream() -> AsyncIterator[AsyncIterator[str]]:
            yield self._read()

        return stream()

    async def _read(self) -> AsyncIterator[str]:
        for pause, chunk in self.chunks:
            await self.clock.sleep(pause)
            yield chunk
        if self.breaks:
            raise LogStreamUnavailable(
                "It broke.", failure=LogStreamFailure.BROKEN, operation="listen-deployment", server="https://x"
            )
        if not self.ends:
            await asyncio.Event().wait()


class Bench:
    """A follower over a stream and a readable log."""

    def __init__(self, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = clock
        self.monkeypatch = monkeypatch
        self.fake = FakeDokploy(clock)
        self.fake.server.deploy("us 1", "", 60.0)
        self.fake.server.advance(1.0)
        clock.advance(1.0)
        self.row = row(self.fake.server.row_of["us 1"])
        self.told = Listener()
        self.context = RunContext(self.fake, clock, self.told)

    def stream(self, *chunks: tuple[float, str], breaks: bool = False) -> Stream:
        """Put a stream in the place of the WebSocket."""
        stream = Stream(self.clock, list(chunks), breaks)
        self.monkeypatch.setattr(log_follower, "open_log_stream", stream.open)
        return stream

    def follower(self, *, show: bool = True) -> LogFollower:
        """A follower of the row's log."""
        return LogFollower(self.context, show=show)


@pytest.fixture
def bench(clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A running row whose log can be read."""
    return Bench(clock, monkeypatch)


async def test_lines_run_along_whole_however_they_were_cut(bench: Bench) -> None:
    bench.stream((0.1, "Initializing depl"), (0.1, "oyment\nBuild"), (0.1, "ing shop-x1\n"))
    follower = bench.follower()
    follower.start(bench.row, bench.fake.service)
    await bench.clock.sleep(1.0)
    assert bench.told.lines == ["Initializing deployment", "Building shop-x1"]
    assert follower.stages.stage is Stage.BUILD
    await follower.close()


async def test_the_line_that_announces_the_end_wakes_the_status_check(bench: Bench) -> None:
    bench.stream((2.0, "Building shop-x1\n"), (3.0, "✅ Docker build completed.\n"))
    follower = bench.follower()
    await bench.fake.capabilities()
    asked_for_version = bench.clock.elapsed
    follower.start(bench.row, bench.fake.service)
    await bench.clock.sleep(60.0, wake=follower.wake)
    assert bench.clock.elapsed - asked_for_version == pytest.approx(5.0)
    await follower.close()


async def test_a_failure_wakes_it_too(bench: Bench) -> None:
    bench.stream((2.0, "Error occurred ❌, check the logs for details.\n"))
    follower = bench.follower()
    follower.start(bench.row, bench.fake.service)
    await bench.clock.sleep(60.0, wake=follower.wake)
    assert bench.clock.elapsed < 4.0
    await follower.close()


async def test_what_is_still_on_its_way_at_the_end_is_shown_before_the_stream_is_left(bench: Bench) -> None:
    bench.stream((0.2, "last line\nand a rest without an end"))
    follower = bench.follower()
    follower.start(bench.row, bench.fake.service)
    await follower.finish(bench.row)
    assert bench.told.lines == ["last line", "and a rest without an end"]


async def test_after_a_broken_stream_reading_goes_on_where_it_broke_and_no_line_is_lost_or_doubled(
    bench: Bench,
) -> None:
    bench.stream((0.1, "Initializing deployment\nCloning Repo Cus"), breaks=True)
    follower = bench.follower()
    follower.start(bench.row, bench.fake.service)
    await bench.clock.sleep(1.0)
    await follower.catch_up(bench.row)
    assert bench.told.lines == [
        "Initializing deployment",
        "Cloning Repo Custom http://git/demo.git to /code: ✅",
        "Building shop-x1y2z3",
    ]


async def test_a_stream_that_is_closed_early_is_made_up_for_at_the_end(bench: Bench) -> None:
    bench.stream((0.1, "Initializing deployment\n")).ends = True
    follower = bench.follower()
    follower.start(bench.row, bench.fake.service)
    await bench.clock.sleep(1.0)
    await follower.finish(bench.row)
    assert len(bench.told.lines) == 3


async def test_without_a_stream_the_log_is_read_now_and_then_and_at_the_end(bench: Bench) -> None:
    bench.context.has_live_log = False
    stream = bench.stream()
    follower = bench.follower()
    follower.start(bench.row, bench.fake.service)
    for _ in range(10):
        await follower.catch_up(bench.row)
        await bench.clock.sleep(1.0)
    assert 3 <= bench.fake.calls["deployment.readLogs"] <= 4
    await follower.finish(bench.row)
    assert len(bench.told.lines) == 3
    assert stream.opened == []


async def test_a_quick_build_whose_stream_came_too_late_is_read_once_at_the_end(bench: Bench) -> None:
    bench.stream()
    follower = bench.follower()
    follower.start(bench.row, bench.fake.service)
    await follower.finish(bench.row)
    assert bench.told.lines[0] == "Initializing deployment"


async def test_a_log_that_only_the_stream_gives_is_read_again_when_the_build_was_quicker(bench: Bench) -> None:
    stream = bench.stream((0.6, "Building shop-x1\nexit code: 1\n"))
    bench.fake.fail("deployment.readLogs", faults.denied())
    follower = bench.follower()
    follower.start(bench.row, bench.fake.service)
    await follower.finish(bench.row)
    assert bench.told.lines == []
    assert await follower.end_of(bench.row, bench.fake.service) == ["Building shop-x1", "exit code: 1"]
    assert bench.told.lines == ["Building shop-x1", "exit code: 1"]
    assert follower.stages.reached is Stage.BUILD
    assert len(stream.opened) == 2


async def test_nothing_is_opened_or_read_when_the_log_is_not_to_be_shown(bench: Bench) -> None:
    stream = bench.stream((0.1, "Initializing deployment\n"))
    follower = bench.follower(show=False)
    follower.start(bench.row, bench.fake.service)
    await follower.catch_up(bench.row)
    await follower.finish(bench.row)
    await follower.close()
    assert stream.opened == []
    assert bench.fake.calls["deployment.readLogs"] == 0


async def test_a_row_without_a_log_has_none_to_follow(bench: Bench) -> None:
    stream = bench.stream()
    follower = bench.follower()
    bare = row("ours", log_path="")
    follower.start(bare, bench.fake.service)
    await follower.finish(bare)
    assert stream.opened == []
    assert bench.told.lines == []


async def test_a_log_that_can_t_be_read_ends_nothing(bench: Bench) -> None:
    bench.context.has_live_log = False
    bench.fake.fail("deployment.readLogs", faults.denied(), faults.server_error())
    follower = bench.follower()
    await follower.catch_up(bench.row)
    await follower.finish(bench.row)
    assert bench.told.lines == []


async def test_the_stream_is_opened_once(bench: Bench) -> None:
    stream = bench.stream((0.1, "Initializing deployment\n"))
    follower = bench.follower()
    for _ in range(3):
        follower.start(bench.row, bench.fake.service)
        await bench.clock.sleep(0.2)
    await follower.close()
    await follower.close()
    assert len(stream.opened) == 1


@pytest.mark.parametrize(
    ("builder", "of_service", "host"),
    [
        (None, None, None),
        (None, "remote-1", "remote-1"),
        ("builder-1", None, "builder-1"),
        ("builder-1", "remote-1", "builder-1"),
    ],
)
async def test_the_log_is_asked_for_at_the_host_that_has_it(
    bench: Bench, builder: str | None, of_service: str | None, host: str | None
) -> None:
    """Rows that were built on a build server name it (recording 580); those of a remote service do not (542)."""
    stream = bench.stream((0.1, "Initializing deployment\n"))
    follower = bench.follower()
    follower.start(row("ours", buildServerId=builder), service(server_id=of_service))
    await bench.clock.sleep(1.0)
    await follower.close()
    assert stream.hosts == [host]


async def test_a_log_that_is_read_by_requests_goes_on_past_any_number_of_lines(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.context.has_live_log = False
    log: list[str] = []

    async def read_log(_deployment_id: str, *, tail: int = 100) -> str:
        return "".join(f"{line}\n" for line in log[-tail:])

    monkeypatch.setattr(bench.fake, "read_log", read_log)
    follower = bench.follower()
    for _ in range(8):
        log += [f"line {number}" for number in range(len(log), len(log) + 700)]
        await follower.catch_up(bench.row)
        await bench.clock.sleep(5.0)
    assert bench.told.lines == log
    log += [f"line {number}" for number in range(len(log), len(log) + 30_000)]
    await follower.finish(bench.row)
    told = bench.told.lines[5600:]
    assert "left out" in told[0]
    assert told[1:] == log[-10_000:]


async def test_a_stream_that_falls_silent_is_not_relied_on(bench: Bench) -> None:
    bench.stream((0.5, "Building shop-x1\n"), (2.0, "Step 1\n"))
    follower = bench.follower()
    follower.start(bench.row, bench.fake.service)
    await bench.clock.sleep(3.0)
    assert follower.is_growing
    await bench.clock.sleep(6.0)
    assert not follower.is_growing
    await follower.close()


async def test_a_key_that_a_build_prints_is_masked_wherever_the_log_is_shown(bench: Bench) -> None:
    bench.stream((0.1, f"ENV DOKPLOY_API_KEY={KEY}\n\x1b]0;owned\x07plain\x1bc\n"))
    follower = bench.follower()
    follower.start(bench.row, bench.fake.service)
    await bench.clock.sleep(1.0)
    await follower.close()
    shown = [*bench.told.lines, *await follower.end_of(bench.row, bench.fake.service)]
    assert shown[:2] == ["ENV DOKPLOY_API_KEY=[secret]", "plain"]
    assert all(KEY not in line and "\x1b" not in line for line in shown)
