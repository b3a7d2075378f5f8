"""Follows one build log while the run goes on: the live stream where there is one, reading by requests else."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from pulumi_dokploy_deployments.api.errors import ApiError
from pulumi_dokploy_deployments.api.log_lines import LineSplitter
from pulumi_dokploy_deployments.api.log_stream import open_log_stream
from pulumi_dokploy_deployments.api.models import DeploymentRecord, Service
from pulumi_dokploy_deployments.api.versions import Capability
from pulumi_dokploy_deployments.rollout.log_window import LogWindow
from pulumi_dokploy_deployments.rollout.stages import StageReader, clean_line
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.progress import Stage

DRAIN_SECONDS = 0.4
"""How long the stream is given to deliver what was written before the row turned final."""
MOST_WAITS = 8
"""So often the stream is given that time where it is read only for the log's end."""
READ_EVERY_SECONDS = 3.0
READING_SECONDS = 5.0
"""How long one reading may take: the run goes on without it."""
WINDOW_LINES = 1000
WIDE_WINDOW_LINES = 10_000
"""The most lines that the server gives at once."""
GROWS_SECONDS = 5.0
"""A stream that has brought something within so many seconds is alive: it tells of the end by itself."""
_NEAR_THE_END = frozenset({Stage.UPDATE, Stage.FAILED})


def log_host_of(row: DeploymentRecord, service: Service) -> str | None:
    """The remote server that has the row's log: the build server, else the service's own; None for Dokploy's host.

    The rows of a service on a remote server do not name it (recordings 542, 543); those built elsewhere do (580).
    """
    return row.build_server_id or row.server_id or service.server_id


class LogFollower:
    """Passes lines on, keeps the stage, and sets `wake` when the log says that the end is near.

    The log can't replace the status check: a successful application writes no last line (transcript 300).

    Attributes:
        wake: set when a line says that the row is about to turn final.
        stages: the stage that the log shows.
    """

    def __init__(self, context: RunContext, *, show: bool) -> None:
        self.wake = asyncio.Event()
        self.stages = StageReader()
        self._context = context
        self._show = show
        self._splitter = LineSplitter()
        self._window = LogWindow()
        self._task: asyncio.Task[None] | None = None
        self._grew_at: float | None = None
        self._read_at: float | None = None
        self._broken = False
        self._followed: str | None = None
        self._left: list[asyncio.Task[None]] = []

    @property
    def is_open(self) -> bool:
        """Whether the stream is open and has brought something at some time. One that is dead is closed by itself."""
        return self._task is not None and not self._task.done() and self._grew_at is not None

    @property
    def is_growing(self) -> bool:
        """Whether the stream is open and has brought something a moment ago."""
        return self.is_open and self._grew_at is not None and self._now() - self._grew_at < GROWS_SECONDS

    def start(self, row: DeploymentRecord, service: Service) -> None:
        """Begin to follow; a second call does nothing, unless it is for another deployment: one that is run again."""
        if self._followed not in (None, row.deployment_id):
            self._begin_anew()
        self._followed = row.deployment_id
        if self._task is None and row.log_path and self._show and self._context.has_live_log:
            host = log_host_of(row, service)
            self._task = asyncio.get_running_loop().create_task(self._follow(row.log_path, host))

    def _begin_anew(self) -> None:
        """Leave the log of a deployment that was broken off."""
        if self._task is not None:
            self._task.cancel()
            self._left.append(self._task)
        self._task = self._grew_at = self._read_at = None
        self._broken = False
        self._splitter, self._window, self.stages = LineSplitter(), LogWindow(), StageReader()
        self.wake.clear()

    async def catch_up(self, row: DeploymentRecord) -> None:
        """Read by request, now and then, what no stream brings."""
        streams = self._task is not None and not self._task.done()
        is_early = self._read_at is not None and self._now() - self._read_at < READ_EVERY_SECONDS
        if self._show and row.log_path and not streams and not is_early:
            await self._read(row)

    async def finish(self, row: DeploymentRecord) -> None:
        """Take what is still on its way and leave the stream; read by request what it did not bring."""
        await self._drain()
        is_whole = self._task is not None and self._window.shown and not self._broken
        if self._show and row.log_path and not is_whole:
            await self._read(row)

    async def end_of(self, row: DeploymentRecord, service: Service) -> list[str]:
        """The log's last lines as the stream has them: of a build server's log no request gives any.

        Empty where there is no stream. Takes a few seconds at the most.
        """
        told = self._window.last
        if not row.log_path or not self._context.has_live_log or (told and not self._broken):
            return self._context.client.redactor.lines(told)
        # A stream that broke before its end, which may be what matters, or that had to be left before it had brought
        # anything, as with a build that fails at once, is read once more. What was shown is not shown again.
        self._begin_anew()
        self._show = self._show and not told
        self._task = asyncio.get_running_loop().create_task(self._follow(row.log_path, log_host_of(row, service)))
        shown = -1
        for _ in range(MOST_WAITS):
            await self._context.clock.sleep(DRAIN_SECONDS)
            if self._task.done() or (self._window.shown and self._window.shown == shown):
                break
            shown = self._window.shown
        await self._drain()
        return self._context.client.redactor.lines(self._window.last or told)

    async def close(self) -> None:
        """Leave the stream at once."""
        await asyncio.gather(*self._left, return_exceptions=True)
        task = self._task
        if task is not None and not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _drain(self) -> None:
        task = self._task
        if task is None:
            return
        if not task.done():
            await asyncio.wait({task}, timeout=0)
            await self._context.clock.sleep(DRAIN_SECONDS)
            await self.close()
        self._tell(self._splitter.flush())

    async def _read(self, row: DeploymentRecord) -> None:
        self._read_at = self._now()
        # The log is a courtesy: whatever is wrong with reading it must not end the run.
        with suppress(ApiError):
            if not (await self._context.client.capabilities()).has(Capability.BUILD_LOG_READ):
                return
            for lines in (WINDOW_LINES, WIDE_WINDOW_LINES):
                client = self._context.client.within(READING_SECONDS)
                text = await client.read_log(row.deployment_id, tail=lines)
                read = _lines_of(text)
                fresh = self._window.fresh_lines(read, is_whole=len(read) < lines)
                if fresh is not None:
                    self._tell(fresh)
                    return
            self._tell_left_out(read)

    def _tell_left_out(self, read: list[str]) -> None:
        """More came between two looks than the server gives at once."""
        note = f"… more than {len(read)} lines came at once; some before these are left out …"
        self._tell([note, *read], are_counted=False)
        self._window.told(read)

    async def _follow(self, log_path: str, server_id: str | None) -> None:
        with suppress(ApiError):
            if (await self._context.client.capabilities()).has(Capability.BUILD_LOG_LIVE):
                async with open_log_stream(self._context.client.connection, log_path, server_id=server_id) as stream:
                    async for chunk in stream:
                        self._grew_at = self._now()
                        self._tell(self._splitter.feed(chunk))
        # A proxy that passes no WebSockets or closes them, or a server without the stream: `catch_up` takes over.
        self._broken = True

    def _tell(self, lines: list[str], *, are_counted: bool = True) -> None:
        lines = [clean_line(line) for line in lines]
        if are_counted:
            self._window.told(lines)
        for line in lines:
            stage = self.stages.read(line)
            if stage in _NEAR_THE_END:
                self.wake.set()
            if self._show and line.strip():
                self._context.reporter.line(self._context.client.redactor.line(line))

    def _now(self) -> float:
        return self._context.clock.monotonic()


def _lines_of(text: str) -> list[str]:
    splitter = LineSplitter()
    lines = splitter.feed(text if text.endswith("\n") else f"{text}\n") if text else []
    return [clean_line(line) for line in lines]
