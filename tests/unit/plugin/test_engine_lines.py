"""Lines reach the engine in order; many are merged, and superseded statuses are left out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
import pytest
from google.protobuf import empty_pb2  # type: ignore[import-untyped, unused-ignore]
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from pulumi_dokploy_deployments.hosts.plugin.engine_lines import EngineLines
from pulumi_dokploy_deployments.hosts.reporter import MANY_WAITING
from pulumi_dokploy_deployments.waiting.progress import Activity, Progress


class Engine(engine_pb2_grpc.EngineServicer):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[engine_pb2.LogRequest] = []
        self.address = ""

    async def Log(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Keep a line."""
        self.told.append(request)
        return empty_pb2.Empty()


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    """A log service that listens."""
    engine, server = Engine(), grpc.aio.server()
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)  # type: ignore[no-untyped-call, unused-ignore]
    engine.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield engine
    await server.stop(None)


async def test_lines_come_one_by_one_and_in_order(engine: Engine) -> None:
    lines = EngineLines(engine.address)
    reporter = lines.reporter("urn:web")
    reporter.progress(Progress(Activity.NOTE, detail="starting"))
    reporter.progress(Progress(Activity.NOTE, detail="starting"))
    reporter.line("Step 1/3")
    reporter.warning("careful")
    await lines.flush()
    await lines.aclose()

    assert [(told.message, told.ephemeral, told.urn) for told in engine.told] == [
        ("starting", True, "urn:web"),
        ("Step 1/3", False, "urn:web"),
        ("careful", False, "urn:web"),
    ]
    assert engine.told[2].severity == engine_pb2.WARNING


async def test_very_many_lines_go_out_together(engine: Engine) -> None:
    lines = EngineLines(engine.address)
    texts = [f"line {number}" for number in range(3 * MANY_WAITING)]
    for text in texts:
        lines.reporter("urn:web").line(text)
    await lines.flush()
    await lines.aclose()

    assert "\n".join(told.message for told in engine.told).split("\n") == texts
    assert len(engine.told) < 5


async def test_an_engine_that_is_gone_holds_nothing_up() -> None:
    lines = EngineLines("127.0.0.1:1")
    lines.reporter("urn:web").line("nobody hears this")
    await lines.flush()
    await lines.aclose()
