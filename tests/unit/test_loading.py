"""What a provider's process loads to start, and what it leaves for later."""

from __future__ import annotations

import gc
import subprocess
import sys
from contextlib import suppress

import pytest

from pulumi_dokploy_deployments.loading import loading

LOADED = "import sys; print(*sorted(name for name in sys.modules if name.startswith('pulumi_dokploy_deployments')))"


def _loaded_by(module: str) -> set[str]:
    code = f"import {module}; {LOADED}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return {name.removeprefix("pulumi_dokploy_deployments.") for name in run.stdout.split()}


def test_the_collector_is_as_it_was_after_loading_even_where_an_import_fails() -> None:
    assert gc.isenabled()
    with suppress(ImportError), loading():
        during = gc.isenabled()
        raise ImportError
    assert (during, gc.isenabled()) == (False, True)
    gc.unfreeze()


def test_httpx_is_loaded_without_its_command_line_which_can_be_loaded_afterwards() -> None:
    code = (
        "import sys\nfrom pulumi_dokploy_deployments.loading import loading\n"
        "with loading(): import httpx\nprint('click' in sys.modules, httpx.__name__)\nimport httpx._main"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.split() == ["False", "httpx"]


@pytest.mark.parametrize("module", ["hosts.plugin.serving", "hosts.dynamic.operations"])
def test_a_provider_starts_without_the_functions_the_doctor_and_what_makes_the_schema(module: str) -> None:
    loaded = _loaded_by(f"pulumi_dokploy_deployments.{module}")
    assert module in loaded
    assert not {name for name in loaded if name.startswith(("functions", "doctor", "cli", "schema.package"))}


def test_the_plugin_s_executable_answers_for_its_version_without_loading_what_serves() -> None:
    assert "hosts.plugin.serving" not in _loaded_by("pulumi_dokploy_deployments.hosts.plugin.main")
