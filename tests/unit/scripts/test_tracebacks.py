"""Which tracebacks in the engine's output count."""

from __future__ import annotations

import pytest
from tracebacks import shows_traceback

SDK = '  File "/venv/lib/site-packages/pulumi/runtime/resource.py", line 1166, in do_register'
OURS = '  File "/venv/lib/site-packages/pulumi_dokploy_deployments/hosts/dynamic/provider.py", line 90, in create'


def output(*lines: str) -> str:
    return "\n".join(["Diagnostics:", "  pulumi:pulumi:Stack (web-test):", *lines, "", "Resources:", "    1 errored"])


@pytest.mark.parametrize(
    "shown",
    [
        output("Traceback (most recent call last):", SDK, "TypeError: expected a string"),
        output("Traceback (most recent call last):", OURS, "KeyboardInterrupt"),
        output("Traceback (most recent call last):", SDK, "KeyboardInterrupt", OURS, "ValueError"),
    ],
    ids=["another error", "a frame of this package", "beside a frame of this package"],
)
def test_a_traceback_counts(shown: str) -> None:
    assert shows_traceback(shown)


@pytest.mark.parametrize(
    "shown",
    [
        output("error: the build failed"),
        output("KeyboardInterrupt"),
        output("Traceback (most recent call last):", SDK, "KeyboardInterrupt"),
    ],
    ids=["none", "no traceback", "the engine's interrupt in the SDK"],
)
def test_one_paragraph_and_the_interrupt_of_the_engine_do_not(shown: str) -> None:
    assert not shows_traceback(shown)
