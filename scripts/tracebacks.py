"""Whether a command of the engine showed a Python traceback that a user should not have seen."""

from __future__ import annotations

BEGIN = "Traceback (most recent call last)"
INTERRUPT = "KeyboardInterrupt"
OURS = "pulumi_dokploy_deployments/"
"""What the path of each frame in this package has in it."""


def shows_traceback(output: str) -> bool:
    """Whether it did; the interrupt with which the engine ends the program after a failure does not count.

    The engine does not wait for a program once an operation has failed (`Execute` in its deployment_executor.go): it
    interrupts the host's processes while the SDK still handles the registrations that were refused. Mostly the program
    has ended by then or nobody listens any more; now and then the SDK's own traceback gets through, in any program.
    """
    return BEGIN in output and (INTERRUPT not in output or OURS in output)
