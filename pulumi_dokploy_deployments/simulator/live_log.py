"""The live log of a deployment by /listen-deployment, as a subscription that needs no socket."""

from collections.abc import Callable

from pulumi_dokploy_deployments.simulator.subscription import LogClosed, Subscription
from pulumi_dokploy_deployments.simulator.world import World
from pulumi_dokploy_deployments.simulator.world.logs import LogFile, allowed
from pulumi_dokploy_deployments.simulator.world.versions import Capability

TORN = 7
"""Bytes per frame when frames are torn, so that characters break."""


class LiveLog(Subscription):
    """One log file: all of it, then as it grows; it is looked for on the host that the client names."""

    endpoint = "listen-deployment"

    def __init__(
        self,
        world: World,
        clock: Callable[[], float],
        log_path: str | None,
        api_key: str | None,
        server_id: str | None = None,
    ) -> None:
        """Subscribe; `server_id` None asks Dokploy's own host."""
        super().__init__(world, clock)
        self._path = log_path
        self._server_id = server_id
        self._file: LogFile | None = None
        self._seen = 0
        self._open(api_key)

    def _open(self, api_key: str | None) -> None:
        world = self._world
        # Each connection costs the key one verification, before the path is looked at.
        principal = world.access.verify(api_key, world.now, cost=1)
        if not self._path:
            self._end = LogClosed(4000, "logPath no provided")
        elif not allowed(self._path) or (":" in self._path and not world.has(Capability.COLONS_IN_LOG_PATHS)):
            self._end = LogClosed(4000, "Invalid log path")
        elif principal is None or world.faults.database_down:
            self._end = LogClosed()
        elif world.cloud and not self._server_id:
            # The cloud has no log files of its own.
            self._frames.append("This feature is not available in the cloud version.")
            self._end = LogClosed()
        elif self._server_id and self._server_id not in world.servers:
            self._frames.append("Server not found")
            self._end = LogClosed()
        else:
            self._file = world.logs.find(self._path, self._server_id)
            if self._file is None:
                reason = f"tail: cannot open '{self._path}' for reading: No such file or directory\n"
                # By ssh the error comes as it is.
                prefix = "" if self._server_id else "tail error: "
                self._frames.append(f"{prefix}{reason}tail: no files remaining\n")
                self._end = LogClosed()

    def _collect(self) -> None:
        if self._file is None or self._seen >= len(self._file.chunks):
            return
        fresh = self._file.chunks[self._seen :]
        # The first frame is everything so far; later ones arrive as they were written (transcript 300).
        pieces = ["".join(fresh)] if self._seen == 0 else fresh
        self._seen = len(self._file.chunks)
        for piece in pieces:
            self._frames += _torn(piece) if self._world.faults.torn_log else [piece]


def _torn(text: str) -> list[str]:
    """Cut as `data.toString()` of raw chunks does: broken characters become U+FFFD."""
    raw = text.encode()
    return [raw[at : at + TORN].decode("utf-8", "replace") for at in range(0, len(raw), TORN)]
