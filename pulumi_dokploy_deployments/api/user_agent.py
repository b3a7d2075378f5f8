"""How this package introduces itself to a server."""

from __future__ import annotations

import platform
from functools import cache

import httpx

from pulumi_dokploy_deployments.version import NAME, package_version


@cache
def user_agent() -> str:
    """Names this package, its version and Python's, so that a server's operator can see who calls."""
    return f"{NAME}/{package_version()} httpx/{httpx.__version__} python/{platform.python_version()}"
