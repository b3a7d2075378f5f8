"""Whether a command of the engine showed a Python traceback that a user should not have seen."""

from __future__ import annotations

import re
from pathlib import Path

BEGIN = "Traceback (most recent call last)"
CHAINED = "During handling of the above exception, another exception occurred:"
INTERRUPT = "KeyboardInterrupt"
OURS = (
    f"{Path(__file__).resolve().parents[1] / 'pulumi_dokploy_deployments'}/",
    "site-packages/pulumi_dokploy_deployments/",
)
"""Where the frames of this package are: in the checkout, or installed."""


def shows_traceback(output: str) -> bool:
    """Whether it did; the interrupt with which the engine ends the program after a failure does not count.

    The engine does not wait for a program once an operation has failed (`Execute` in its deployment_executor.go): it
    interrupts the host's processes while the SDK still handles the registrations that were refused. Mostly the program
    has ended by then or nobody listens any more; now and then the SDK's own traceback gets through, in any program.
    """
    tracebacks = output.count(BEGIN) - output.count(CHAINED)
    interrupts = len(re.findall(rf"{INTERRUPT}$", output, re.MULTILINE))
    return tracebacks > interrupts or (tracebacks > 0 and any(place in output for place in OURS))
