"""Which tracebacks in the engine's output count."""

from __future__ import annotations

from pathlib import Path

import pytest
import tracebacks
from tracebacks import BEGIN, CHAINED, INTERRUPT, shows_traceback

SDK = '  File "/venv/lib/site-packages/pulumi/runtime/resource.py", line 1166, in do_register'
OURS = '  File "/venv/lib/site-packages/pulumi_dokploy_deployments/hosts/dynamic/provider.py", line 90, in create'

RACE = [
    *(f"{BEGIN}:", SDK, "grpc._channel._InactiveRpcError: <_InactiveRpcError of RPC that terminated with:", CHAINED),
    *(f"{BEGIN}:", SDK, "pulumi.errors.RunError: Resource monitor has terminated, shutting down", CHAINED),
    *(f"{BEGIN}:", SDK, "    def __enter__(self):", INTERRUPT),
]
"""The engine shows it twice, on the stack's row and at the end."""


def output(*lines: str) -> str:
    return "\n".join(["Diagnostics:", "  pulumi:pulumi:Stack (web-test):", *lines, "", "Resources:", "    1 errored"])


@pytest.mark.parametrize(
    "shown",
    [
        output("Traceback (most recent call last):", SDK, "TypeError: expected a string"),
        output("Traceback (most recent call last):", OURS, "KeyboardInterrupt"),
        output("Traceback (most recent call last):", SDK, "KeyboardInterrupt", OURS, "ValueError"),
        output(BEGIN, SDK, "KeyboardInterrupt", BEGIN, SDK, "TypeError: expected a string"),
        output(BEGIN, SDK, "TypeError: no", CHAINED, BEGIN, SDK, "ValueError: no", BEGIN, SDK, "KeyboardInterrupt"),
        output(BEGIN, f'  File "{Path(tracebacks.__file__).parents[1]}/pulumi_dokploy_deployments/x.py"', INTERRUPT),
    ],
    ids=[
        "another error",
        "a frame of this package",
        "beside a frame of this package",
        "the interrupt beside another error",
        "the interrupt beside a chain of other errors",
        "a frame of the checkout",
    ],
)
def test_a_traceback_counts(shown: str) -> None:
    assert shows_traceback(shown)


@pytest.mark.parametrize(
    "shown",
    [
        output("error: the build failed"),
        output("KeyboardInterrupt"),
        output("Traceback (most recent call last):", SDK, "KeyboardInterrupt"),
        output(*2 * RACE),
        output(BEGIN, '  File "/src/pulumi_dokploy_deployments/.venv/lib/pulumi/log.py"', INTERRUPT),
    ],
    ids=[
        "none",
        "no traceback",
        "the engine's interrupt in the SDK",
        "as it was seen once",
        "in a checkout of that name",
    ],
)
def test_one_paragraph_and_the_interrupt_of_the_engine_do_not(shown: str) -> None:
    assert not shows_traceback(shown)
