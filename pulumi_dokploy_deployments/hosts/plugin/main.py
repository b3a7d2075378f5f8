"""The executable: serves the provider to the engine that started it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence
from importlib.util import find_spec

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


def main() -> None:
    """The console script `pulumi-resource-dokploy-deployments`."""
    engine = parse(sys.argv[1:])
    no_search_for_sniffio()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(engine))


def no_search_for_sniffio() -> None:
    """Spare httpcore a search of the whole import path at every request.

    It asks an optional module under which asynchronous library it runs, again and again when that is not installed:
    a quarter of the time of a hundred waits. Without the module it takes asyncio, which is what runs here.
    """
    if "sniffio" not in sys.modules and find_spec("sniffio") is None:
        sys.modules["sniffio"] = None  # type: ignore[assignment]


def parse(arguments: Sequence[str]) -> str:
    """The engine's address from the command line."""
    name = "pulumi-resource-dokploy-deployments"
    parser = argparse.ArgumentParser(
        prog=name,
        description="Pulumi's provider plugin for Dokploy deployments. The Pulumi engine starts it; by hand it is "
        "of no use.",
    )
    parser.add_argument("--version", action="version", version=f"{name} {package_version()}")
    parser.add_argument("engine", help="the address of the engine")
    return str(parser.parse_known_args(arguments)[0].engine)


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
