"""The executable: reads the command line, and only then loads what serves the engine."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Sequence

from pulumi_dokploy_deployments.loading import loading
from pulumi_dokploy_deployments.version import package_version


def main() -> None:
    """The console script `pulumi-resource-dokploy-deployments`."""
    engine = parse(sys.argv[1:])
    with loading():
        from pulumi_dokploy_deployments.hosts.plugin.serving import serve
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(engine))


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
