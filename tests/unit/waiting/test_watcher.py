"""One reading of the queue serves every wait, and never one whose trigger came after it."""

from __future__ import annotations

import asyncio

import pytest

from pulumi_dokploy_deployments.api.errors import ApiError
from pulumi_dokploy_deployments.api.models import DeploymentRecord, QueueJob, ServiceKind
from pulumi_dokploy_deployments.waiting.snapshot import OrderedQueue
from pulumi_dokploy_deployments.waiting.watcher import (
    FEW_SERVICES,
    FRESH_SECONDS,
    LONG_READING_SECONDS,
    ROWS_KEPT_SECONDS,
    WAITED_FOR_SECONDS,
    Watcher,
)
from tests.support import api_faults as faults
from tests.support.builders import SERVICE_ID, job, row
from tests.support.fake_dokploy import FakeDokploy
from tests.support.virtual_clock import VirtualClock

APP = ServiceKind.APPLICATION


async def with_a_job_that_waits(clock: VirtualClock, *, running: float) -> tuple[FakeDokploy, Watcher]:
    """Behind one that runs for so many seconds; the server has begun with that."""
    fake = FakeDokploy(clock)
    fake.foreign("running", running)
    fake.foreign("waiting", 5.0)
    await clock.sleep(0.2)
    return fake, Watcher(fake, clock)


async def test_waits_that_ask_at_the_same_time_share_one_reading_of_the_queue(clock: VirtualClock) -> None:
    fake = FakeDokploy(clock)
    watcher = Watcher(fake, clock)
    await asyncio.gather(*(watcher.observe(APP, f"app-{number}") for number in range(50)))
    assert fake.calls["deployment.queueList"] == 1
    assert fake.calls["deployment.all"] == 50


async def test_the_quickest_answer_tells_how_far_away_the_server_is(clock: VirtualClock) -> None:
    watcher = Watcher(FakeDokploy(clock), clock)
    assert watcher.round_trip_seconds == float("inf")
    for seconds, quickest in ((0.3, 0.3), (0.1, 0.1), (0.2, 0.1)):
        await watcher.timed(clock.sleep(seconds))
        assert watcher.round_trip_seconds == pytest.approx(quickest)


async def test_where_many_are_waited_for_the_rows_of_a_service_without_jobs_are_read_each_time(
    clock: VirtualClock,
) -> None:
    fake = FakeDokploy(clock)
    watcher = Watcher(fake, clock)
    names = [f"app-{number}" for number in range(FEW_SERVICES + 1)]
    for _ in range(2):
        for name in names:
            await watcher.observe(APP, name)
    assert watcher.is_crowded
    assert fake.calls["deployment.all"] == 2 * len(names)


async def test_a_few_that_are_left_of_many_are_no_crowd(clock: VirtualClock) -> None:
    watcher = Watcher(FakeDokploy(clock), clock)
    await watcher.rows(APP, "first")
    await clock.sleep(WAITED_FOR_SECONDS / 2)
    for number in range(FEW_SERVICES):
        await watcher.rows(APP, f"app-{number}")
    assert watcher.is_crowded
    await clock.sleep(WAITED_FOR_SECONDS / 2 + 1.0)
    assert not watcher.is_crowded
    await watcher.rows(APP, "one more")
    assert watcher.is_crowded
    await clock.sleep(WAITED_FOR_SECONDS + 1.0)
    assert not watcher.is_crowded


async def test_an_old_reading_is_not_shared(clock: VirtualClock) -> None:
    fake = FakeDokploy(clock)
    watcher = Watcher(fake, clock)
    await watcher.observe(APP, SERVICE_ID)
    await clock.sleep(FRESH_SECONDS)
    await watcher.observe(APP, SERVICE_ID)
    assert fake.calls["deployment.queueList"] == 2


async def test_a_reading_that_began_before_one_s_own_trigger_says_nothing(clock: VirtualClock) -> None:
    fake = FakeDokploy(clock)
    watcher = Watcher(fake, clock)
    before = clock.monotonic()
    await watcher.observe(APP, SERVICE_ID)
    fake.foreign("ours", 30.0)
    snapshot = await watcher.observe(APP, SERVICE_ID, not_before=clock.monotonic())
    assert len(snapshot.jobs) == 1
    assert snapshot.at > before
    # The same holds for a trigger in the very moment in which the reading began.
    await watcher.observe(APP, SERVICE_ID, not_before=snapshot.at)
    assert fake.calls["deployment.queueList"] == 3


async def test_while_a_job_waits_unchanged_only_the_queue_is_read(clock: VirtualClock) -> None:
    fake, watcher = await with_a_job_that_waits(clock, running=3.0)
    states = []
    while clock.elapsed < 6.0:
        snapshot = await watcher.observe(APP, SERVICE_ID)
        states.append((len(snapshot.jobs), [row.status.value for row in snapshot.rows]))
        await clock.sleep(0.2)
    assert fake.calls["deployment.queueList"] > 20
    assert fake.calls["deployment.all"] < 2 + fake.calls["deployment.queueList"] * 0.75
    assert (2, ["running"]) in states
    assert (1, ["running", "done"]) in states
    assert states[-1] == (1, ["running", "done"])


async def test_the_queue_is_read_before_the_rows(clock: VirtualClock) -> None:
    fake = FakeDokploy(clock)
    order: list[str] = []
    fake.before.append(order.append)
    await Watcher(fake, clock).observe(APP, SERVICE_ID)
    assert order == ["deployment.queueList", "deployment.all"]


async def test_where_the_jobs_tell_enough_rows_that_can_not_be_read_are_taken_as_they_were(clock: VirtualClock) -> None:
    fake = FakeDokploy(clock)
    fake.foreign("running", 60.0)
    await clock.sleep(0.2)
    watcher = Watcher(fake, clock)
    earlier = await watcher.observe(APP, SERVICE_ID)
    await clock.sleep(FRESH_SECONDS * 2)
    fake.fail("deployment.all", faults.server_error(), faults.server_error())
    again = await watcher.observe(APP, SERVICE_ID, take_jobs=lambda _: True, earlier=earlier)
    assert (again.rows, again.jobs) == (earlier.rows, earlier.jobs)
    assert again.at > earlier.at
    await clock.sleep(FRESH_SECONDS * 2)
    with pytest.raises(ApiError):
        await watcher.observe(APP, SERVICE_ID, take_jobs=lambda _: False, earlier=earlier)
    fake.fail("deployment.all", faults.server_error())
    with pytest.raises(ApiError):
        await watcher.observe(APP, SERVICE_ID, earlier=earlier)


@pytest.mark.parametrize(
    ("within", "hangs_for", "readings"),
    [(5.0, LONG_READING_SECONDS + 0.1, 2), (None, LONG_READING_SECONDS + 0.1, 1), (5.0, LONG_READING_SECONDS, 1)],
)
async def test_who_has_little_time_does_not_wait_for_somebody_else_s_reading_that_hangs(
    clock: VirtualClock, within: float | None, hangs_for: float, readings: int
) -> None:
    fake, hangs = FakeDokploy(clock), asyncio.Event()
    queue, begun = fake.queue, 0

    async def hanging() -> list[QueueJob]:
        nonlocal begun
        begun += 1
        if begun == 1:
            await hangs.wait()
        return await queue()

    fake.queue = hanging  # type: ignore[method-assign]
    watcher = Watcher(fake, clock)
    first = asyncio.create_task(watcher.observe(APP, SERVICE_ID))
    await asyncio.sleep(0)
    clock.advance(hangs_for)
    second = asyncio.create_task(watcher.observe(APP, SERVICE_ID, within=within))
    for _ in range(20):
        await asyncio.sleep(0)
    assert begun == readings
    hangs.set()
    await asyncio.gather(first, second)


async def test_a_failed_reading_is_not_kept(clock: VirtualClock) -> None:
    fake = FakeDokploy(clock)
    fake.fail("deployment.queueList", faults.server_error())
    watcher = Watcher(fake, clock)
    with pytest.raises(ApiError):
        await watcher.observe(APP, SERVICE_ID)
    assert (await watcher.observe(APP, SERVICE_ID)).jobs == ()


async def test_a_wait_that_is_given_up_does_not_hold_the_others_up(clock: VirtualClock) -> None:
    fake = FakeDokploy(clock)
    watcher = Watcher(fake, clock)
    first = asyncio.create_task(watcher.observe(APP, SERVICE_ID))
    await asyncio.sleep(0)
    second = asyncio.create_task(watcher.observe(APP, SERVICE_ID))
    first.cancel()
    assert (await second).jobs == ()


async def test_a_reading_of_the_queue_is_put_in_order_once_for_all(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordered: list[int] = []

    class Counting(OrderedQueue):
        def __init__(self, jobs: list[QueueJob]) -> None:
            ordered.append(len(jobs))
            super().__init__(jobs)

    monkeypatch.setattr("pulumi_dokploy_deployments.waiting.watcher.OrderedQueue", Counting)
    fake = FakeDokploy(clock)
    fake.foreign("running", 3.0)
    watcher = Watcher(fake, clock)
    await asyncio.gather(*(watcher.observe(APP, f"app-{number}") for number in range(50)))
    assert ordered == [1]


async def test_many_are_waited_for_until_their_looks_are_long_ago_however_seldom_they_look(clock: VirtualClock) -> None:
    watcher = Watcher(FakeDokploy(clock), clock)
    names = [f"app-{number}" for number in range(FEW_SERVICES + 1)]
    for name in names:
        await watcher.observe(APP, name)
    assert watcher.is_crowded
    await clock.sleep(ROWS_KEPT_SECONDS + 1.0)
    for name in names:
        await watcher.rows(APP, name)
    await clock.sleep(WAITED_FOR_SECONDS - 1.0)
    assert watcher.is_crowded
    await clock.sleep(2.0)
    await watcher.observe(APP, names[0])
    assert not watcher.is_crowded


async def test_rows_that_were_read_before_one_s_own_trigger_are_read_anew(clock: VirtualClock) -> None:
    """Though the same jobs are in the queue, a row may have been made between."""
    fake, watcher = await with_a_job_that_waits(clock, running=60.0)
    await watcher.observe(APP, SERVICE_ID)
    await clock.sleep(FRESH_SECONDS * 2)
    await watcher.observe(APP, SERVICE_ID)
    assert (fake.calls["deployment.queueList"], fake.calls["deployment.all"]) == (2, 1)
    await clock.sleep(FRESH_SECONDS * 2)
    await watcher.observe(APP, SERVICE_ID, not_before=clock.monotonic() - FRESH_SECONDS)
    assert (fake.calls["deployment.queueList"], fake.calls["deployment.all"]) == (3, 2)


async def test_rows_are_read_until_each_active_job_has_its_own(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row appears after its job has become active."""
    fake = FakeDokploy(clock)
    jobs = [job(1, started=0.0), job(2, started=0.0), job(3, queued=1.0)]
    rows = [row("d1")]

    async def queue() -> list[QueueJob]:
        return jobs

    async def history(*_args: object) -> list[DeploymentRecord]:
        fake.calls["rows"] += 1
        return list(rows)

    monkeypatch.setattr(fake, "queue", queue)
    monkeypatch.setattr(fake, "deployments_of", history)
    watcher = Watcher(fake, clock)
    for expected in (1, 2, 3, 3, 3):
        await watcher.observe(APP, SERVICE_ID)
        assert fake.calls["rows"] == expected
        if expected == 2:
            rows.append(row("d2"))
        await clock.sleep(FRESH_SECONDS * 2)


async def test_a_reading_that_is_over_hangs_no_more(clock: VirtualClock) -> None:
    fake = FakeDokploy(clock)
    watcher = Watcher(fake, clock)
    await watcher.observe(APP, SERVICE_ID)
    await clock.sleep(LONG_READING_SECONDS + 1.0)
    await asyncio.gather(*(watcher.observe(APP, f"app-{number}", within=5.0) for number in range(3)))
    assert fake.calls["deployment.queueList"] == 2


async def test_who_had_to_wait_for_a_slow_reading_gets_one_of_its_own(clock: VirtualClock) -> None:
    fake = FakeDokploy(clock)
    queue = fake.queue

    async def slow() -> list[QueueJob]:
        jobs = await queue()
        await clock.sleep(FRESH_SECONDS * 5)
        return jobs

    fake.queue = slow  # type: ignore[method-assign]
    watcher = Watcher(fake, clock)
    await asyncio.gather(*(watcher.observe(APP, SERVICE_ID) for _ in range(2)))
    assert fake.calls["deployment.queueList"] == 2


async def test_each_request_has_the_time_that_is_asked_for_or_the_usual_one(clock: VirtualClock) -> None:
    fake = FakeDokploy(clock)
    watcher = Watcher(fake, clock)
    await watcher.observe(APP, SERVICE_ID)
    await watcher.rows(APP, SERVICE_ID)
    assert fake.bounds == []
    await clock.sleep(FRESH_SECONDS * 2)
    await watcher.observe(APP, SERVICE_ID, within=5.0)
    await watcher.rows(APP, SERVICE_ID, within=3.0)
    assert fake.bounds == [5.0, 5.0, 3.0]


async def test_the_rows_alone_are_those_of_the_history(clock: VirtualClock) -> None:
    fake = FakeDokploy(clock)
    fake.foreign("theirs", 1.0)
    await clock.sleep(2.0)
    assert [each.status.value for each in await Watcher(fake, clock).rows(APP, SERVICE_ID)] == ["done"]


@pytest.mark.parametrize(("age", "readings"), [(ROWS_KEPT_SECONDS, 1), (ROWS_KEPT_SECONDS + 0.01, 2)])
async def test_unchanged_rows_are_read_anew_after_a_while(clock: VirtualClock, age: float, readings: int) -> None:
    fake, watcher = await with_a_job_that_waits(clock, running=1000.0)
    began = clock.monotonic()
    await watcher.observe(APP, SERVICE_ID)
    clock.advance(began + age - clock.monotonic())
    await watcher.observe(APP, SERVICE_ID)
    assert fake.calls["deployment.all"] == readings


@pytest.mark.parametrize(("age", "readings"), [(FRESH_SECONDS, 1), (FRESH_SECONDS + 0.001, 2)])
async def test_a_reading_is_shared_for_a_tenth_of_a_second(clock: VirtualClock, age: float, readings: int) -> None:
    fake = FakeDokploy(clock)
    watcher = Watcher(fake, clock)
    await watcher.observe(APP, SERVICE_ID)
    clock.advance(age - clock.monotonic())
    await watcher.observe(APP, SERVICE_ID)
    assert fake.calls["deployment.queueList"] == readings


async def test_rows_are_read_anew_whenever_a_job_comes_or_goes(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeDokploy(clock)
    waiting: list[QueueJob] = []

    async def queue() -> list[QueueJob]:
        return waiting

    monkeypatch.setattr(fake, "queue", queue)
    watcher = Watcher(fake, clock)
    for number, (jobs, readings) in enumerate(
        [((1, 2), 1), ((1, 2), 1), ((1,), 2), ((1, 2, 3), 3), ((2, 3), 4), ((2,), 5)]
    ):
        waiting[:] = [job(each, queued=float(each)) for each in jobs]
        clock.advance(number - clock.elapsed)
        await watcher.observe(APP, SERVICE_ID)
        assert fake.calls["deployment.all"] == readings
