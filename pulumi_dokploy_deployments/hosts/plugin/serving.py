"""Serves the provider to the engine that started this process, until that ends."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys

import grpc
import grpc.aio
from pulumi.runtime.proto import provider_pb2_grpc

from pulumi_dokploy_deployments.hosts.plugin.engine_lines import EngineLines
from pulumi_dokploy_deployments.hosts.plugin.provider import DokployProvider
from pulumi_dokploy_deployments.hosts.plugin.servicer import Servicer
from pulumi_dokploy_deployments.version import package_version

MOST_MESSAGE_BYTES = 400 * 1024 * 1024
"""What the engine itself allows."""
GRACE_SECONDS = 2.0
"""How long calls that were ended have to answer."""
_OPTIONS = (
    ("grpc.max_receive_message_length", MOST_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MOST_MESSAGE_BYTES),
)


async def serve(engine: str) -> None:
    """Serve until the engine ends this process or is gone itself."""
    lines = EngineLines(engine)
    provider = DokployProvider(lines.reporter, lines.flush)
    server = grpc.aio.server(options=_OPTIONS)
    servicer = Servicer([], package_version(), provider, engine)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await _told_to_end(engine)
    await provider.cancel()
    await server.stop(GRACE_SECONDS)
    await lines.aclose()


async def _told_to_end(engine: str) -> None:
    """Wait for a signal, which the engine sends when it is done and waits five seconds for, or for its own end."""
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no such handlers in its loop; there the engine ends the process.
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, told.set)
    ends = [asyncio.ensure_future(told.wait()), asyncio.ensure_future(engine_gone(engine))]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for end in ends:
        end.cancel()


async def engine_gone(engine: str) -> None:
    """Wait until the engine can't be reached any more: nobody is left to tell then."""
    async with grpc.aio.insecure_channel(engine) as channel:
        await channel.channel_ready()
        state = grpc.ChannelConnectivity.READY
        while state not in (grpc.ChannelConnectivity.TRANSIENT_FAILURE, grpc.ChannelConnectivity.SHUTDOWN):
            await channel.wait_for_state_change(state)
            state = channel.get_state(try_to_connect=True)
