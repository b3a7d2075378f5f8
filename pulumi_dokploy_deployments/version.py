"""This package's version: written once, in pyproject.toml, and read from the metadata of what is installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

NAME = "pulumi-dokploy-deployments"
NOT_INSTALLED = "0.0.0"
"""The version of a source tree that is on the import path without being installed."""


def package_version() -> str:
    """The installed version such as 1.4.0; `NOT_INSTALLED` where the package was not installed."""
    try:
        return version(NAME)
    except PackageNotFoundError:
        return NOT_INSTALLED


__version__ = package_version()
