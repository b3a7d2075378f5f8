"""The package's own names: all there, and imported only when they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import pulumi_dokploy_deployments as dokploy
from pulumi_dokploy_deployments.schema.python_functions import PUBLIC_ERRORS, public_names


@pytest.mark.parametrize("name", dokploy.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert callable(getattr(dokploy, name))


def test_the_names_are_the_resources_the_functions_their_results_and_their_errors() -> None:
    assert set(dokploy.__all__) == set(public_names())
    assert {"Deployment", "get_all_deployments_output", "DeploymentList", "DokployError", "UnknownId"} <= {
        *dokploy.__all__
    }
    assert set(dokploy.__all__) <= set(dir(dokploy))


def test_an_error_of_the_package_can_be_caught_by_the_root_s_public_name() -> None:
    for error in PUBLIC_ERRORS:
        assert issubclass(getattr(dokploy, error.__name__), dokploy.DokployError)


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
