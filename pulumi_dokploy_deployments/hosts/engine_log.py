"""Lines in the engine's display: the engine's log service, as a reporter for runs."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from pulumi_dokploy_deployments.api.text import Text, spell
from pulumi_dokploy_deployments.hosts.progress_words import status_line
from pulumi_dokploy_deployments.waiting.progress import Progress

MOST_LINE = 4000


@cache
def _stub(address: str) -> engine_pb2_grpc.EngineStub:
    return engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))


def engine_address() -> str | None:
    """The engine's address: the first argument of a provider process."""
    arguments = sys.argv[1:]
    return arguments[0] if arguments and ":" in arguments[0] else None


class EngineReporter:
    """Shows a run's progress on the resource's own row.

    Args:
        urn: the resource's URN; empty for the stack's row.
    """

    def __init__(self, urn: str = "", address: str | None = None) -> None:
        self._urn = urn
        self._address = address or engine_address()
        self._status = ""

    def progress(self, progress: Progress) -> None:
        """A status line; the next one replaces it, and it is gone at the end."""
        text = status_line(progress)
        if text != self._status:
            self._status = text
            self._send(text, engine_pb2.INFO, ephemeral=True)

    def line(self, text: str) -> None:
        """A line of the build log, shown live."""
        self._send(text, engine_pb2.INFO, ephemeral=False)

    def warning(self, text: Text) -> None:
        """A warning, shown again at the end."""
        self._send(spell(text), engine_pb2.WARNING, ephemeral=False)

    def _send(self, text: str, severity: Any, *, ephemeral: bool) -> None:
        if self._address is None:
            return
        # Protobuf refuses what is no UTF-8, and half a surrogate pair of a cut log is none.
        shown = text[:MOST_LINE].encode("utf-8", "replace").decode("utf-8")
        request = engine_pb2.LogRequest(
            severity=severity, message=shown, urn=self._urn, streamId=0, ephemeral=ephemeral
        )
        try:
            _stub(self._address).Log(request, timeout=5.0)
        except grpc.RpcError:
            # The engine goes away first when it is interrupted; a lost line must not end a deployment.
            return
