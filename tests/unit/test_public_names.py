"""The package's own names: all there, and imported only when they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import pulumi_dokploy_deployments as dokploy


@pytest.mark.parametrize("name", dokploy.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert callable(getattr(dokploy, name))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = dokploy.nothing


def test_the_package_is_imported_without_pulumi_and_a_resource_without_the_http_client() -> None:
    """A fresh interpreter for each, which takes half a second."""
    bare = "import sys, pulumi_dokploy_deployments; print('pulumi' in sys.modules)"
    resource = "import sys, pulumi_dokploy_deployments as d; d.Deployment; print('httpx' in sys.modules)"
    for program in (bare, resource):
        answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert answer.stdout.strip() == "False"
