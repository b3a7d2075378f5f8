"""Follows one build log while the run goes on: the live stream where there is one, reading by requests else."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from pulumi_dokploy_deployments.api.errors import ApiError, LogStreamUnavailable
from pulumi_dokploy_deployments.api.log_stream import open_log_stream
from pulumi_dokploy_deployments.api.models import DeploymentRecord
from pulumi_dokploy_deployments.rollout.stages import LineAssembler, StageReader
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.progress import Stage

DRAIN_SECONDS = 0.4
"""How long the stream is given to deliver what was written before the row turned final."""
READ_EVERY_SECONDS = 3.0
FALLBACK_TAIL = 1000
_WAKING = frozenset({Stage.UPDATE, Stage.FAILED})


class LogFollower:
    """Passes lines on, keeps the stage, and sets `wake` when the log says that the end is near.

    The log can't replace the status check: a successful application writes no last line (transcript 300).
    """

    def __init__(self, context: RunContext, *, show: bool) -> None:
        self.wake = asyncio.Event()
        self.stages = StageReader()
        self._context = context
        self._show = show
        self._assembler = LineAssembler()
        self._task: asyncio.Task[None] | None = None
        self._shown = 0
        self._read_at: float | None = None
        self._broken = False

    def start(self, row: DeploymentRecord) -> None:
        """Begin to follow; a second call does nothing."""
        if self._task is None and row.log_path and self._show and self._context.has_live_log:
            self._task = asyncio.get_running_loop().create_task(self._follow(row.log_path, row.server_id))

    async def catch_up(self, row: DeploymentRecord, *, final: bool = False) -> None:
        """Read by request what the stream did not bring: now and then while it runs, and once at the end."""
        streams = self._task is not None and not self._task.done()
        if not self._show or not row.log_path or (streams and not final):
            return
        now = self._context.clock.monotonic()
        if not final and self._read_at is not None and now - self._read_at < READ_EVERY_SECONDS:
            return
        if final:
            await self.stop()
            if self._task is not None and self._shown and not self._broken:
                return
        self._read_at = now
        # The log is a courtesy: whatever is wrong with reading it must not end the run.
        with suppress(ApiError):
            text = await self._context.client.read_log(row.deployment_id, tail=FALLBACK_TAIL)
            lines = LineAssembler().feed(text if text.endswith("\n") else text + "\n")
            if len(lines) < FALLBACK_TAIL:
                self._tell(lines[self._shown :])

    async def stop(self) -> None:
        """Take what is still on its way and leave the stream."""
        task = self._task
        if task is None or task.done():
            return
        await asyncio.wait({task}, timeout=0)
        await self._context.clock.sleep(DRAIN_SECONDS)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        self._tell(self._assembler.flush())

    async def _follow(self, log_path: str, server_id: str | None) -> None:
        try:
            async with open_log_stream(self._context.client.connection, log_path, server_id=server_id) as stream:
                async for chunk in stream:
                    self._tell(self._assembler.feed(chunk))
        except LogStreamUnavailable:
            pass
        # A proxy that passes no WebSockets or closes them, or a server without the stream: `catch_up` takes over.
        self._broken = True

    def _tell(self, lines: list[str]) -> None:
        for line in lines:
            self._shown += 1
            stage = self.stages.read(line)
            if stage in _WAKING:
                self.wake.set()
            if self._show and line.strip():
                self._context.reporter.line(line)
