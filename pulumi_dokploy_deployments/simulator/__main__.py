"""Command line: python -m pulumi_dokploy_deployments.simulator."""

import argparse
import os
import sys

from pulumi_dokploy_deployments.simulator.server import Options, run
from pulumi_dokploy_deployments.simulator.world.versions import DEFAULT, PROFILES, Version


def _version(text: str) -> str:
    try:
        return str(Version.parse(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def parse(arguments: list[str] | None = None) -> Options:
    """Read the options."""
    parser = argparse.ArgumentParser(
        prog="python -m pulumi_dokploy_deployments.simulator",
        description="Serve a simulated Dokploy on the loopback address. The first line of the output "
        "is a JSON object with the endpoint, the API keys and the ids of the ready-made services.",
    )
    parser.add_argument("--port", type=int, default=0, help="port; 0 (default) takes a free one")
    parser.add_argument("--build-seconds", type=float, default=1.0, help="length of a build (default 1.0)")
    parser.add_argument(
        "--slow-seconds", type=float, default=None, help="length of a slow build (default max(20, 10 builds))"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of all ids (default 0)")
    parser.add_argument(
        "--max-seconds", type=float, default=3600.0, help="end by itself after this time (default 3600)"
    )
    parser.add_argument(
        "--with-parent",
        type=int,
        nargs="?",
        const=os.getppid(),
        default=None,
        metavar="PID",
        help="end when the parent process ends; its id may be given, in case it ends very soon",
    )
    profiles = ", ".join(str(version) for version in PROFILES)
    parser.add_argument(
        "--server-version",
        type=_version,
        default=str(DEFAULT),
        metavar="VERSION",
        help=f"release of Dokploy to play (default {DEFAULT}); held against measurements or the source: {profiles}; "
        "older ones lack more",
    )
    parser.add_argument("--cloud", action="store_true", help="play Dokploy Cloud: all services on a remote server")
    given = parser.parse_args(arguments)
    return Options(
        given.port,
        given.build_seconds,
        given.slow_seconds,
        given.seed,
        given.max_seconds,
        given.with_parent,
        given.server_version,
        given.cloud,
    )


if __name__ == "__main__":
    code = run(parse())
    sys.stdout.flush()
    os._exit(code)
