"""Catches the row of a very quick build on a far-away server, before its mark is overwritten.

A build of unchanged source is over 0.2 s after the trigger, and its title is overwritten right then (transcript 338).
Where one request takes as long as that, looking once per answer comes too late. So the rows are asked for every few
hundredths of a second from the moment of the trigger, without waiting for the answers in between: one of these requests
reaches the server while the row still carries the mark.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.errors import ApiError
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.rollout.mark import carries
from pulumi_dokploy_deployments.waiting.clock import Clock

EVERY_SECONDS = 0.08
MOST_LOOKS = 20
FAR_AWAY_SECONDS = 0.06
"""An answer that takes longer than this makes the looks necessary; nearer servers never get them."""


class BurstPoll:
    """Asks for the rows at a steady pace until one carries the mark, or the looks are used up."""

    def __init__(self, client: DokployClient, service: ServiceRef, nonce: str, clock: Clock) -> None:
        self.deployment_id: str | None = None
        self._client, self._service, self._nonce, self._clock = client, service, nonce, clock
        self._pace: asyncio.Task[None] | None = None
        self._looks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to look; called just before the trigger is sent."""
        self._pace = asyncio.get_running_loop().create_task(self._keep_pace())

    async def stop(self) -> None:
        """Look no more."""
        tasks = [task for task in (self._pace, *self._looks) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._pace = None

    async def _keep_pace(self) -> None:
        for _ in range(MOST_LOOKS):
            await self._clock.sleep(EVERY_SECONDS)
            if self.deployment_id is not None:
                return
            look = asyncio.get_running_loop().create_task(self._look())
            self._looks.add(look)
            look.add_done_callback(self._looks.discard)

    async def _look(self) -> None:
        # A look that fails is made up for by the next one, and by the regular reading.
        with suppress(ApiError):
            rows = await self._client.deployments_of(self._service.kind, self._service.service_id)
            for row in rows:
                if self.deployment_id is None and carries(row.description, self._nonce):
                    self.deployment_id = row.deployment_id
