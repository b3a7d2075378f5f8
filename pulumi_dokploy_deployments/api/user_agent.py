"""How this package introduces itself to a server."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

import httpx


@cache
def user_agent() -> str:
    """Names this package, its version and Python's, so that a server's operator can see who calls."""
    try:
        own = version("pulumi-dokploy-deployments")
    except PackageNotFoundError:
        own = "unknown"
    return f"pulumi-dokploy-deployments/{own} httpx/{httpx.__version__} python/{platform.python_version()}"
