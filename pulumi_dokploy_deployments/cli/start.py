"""Where the program begins: nothing is imported before somebody sees to Ctrl-C."""

from __future__ import annotations

import os
import sys

COMPLETING = "_DOKPLOY_DEPLOYMENTS_COMPLETE"
"""Set by the shell where it is not the user who runs the program, but the Tab key."""


def main() -> None:
    """The entry point."""
    try:
        from pulumi_dokploy_deployments.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(tell_interrupted(is_json="--json" in sys.argv))


def tell_interrupted(*, is_json: bool) -> int:
    """Say that Ctrl-C has ended the command before it had done anything, and give the exit code.

    Nothing is said where only a word was to be completed.
    """
    from pulumi_dokploy_deployments.cli.exit_codes import ExitCode

    if COMPLETING in os.environ:
        return ExitCode.INTERRUPTED
    if is_json:
        import json

        told = {"type": "Interrupted", "message": "Interrupted.", "exit_code": int(ExitCode.INTERRUPTED)}
        sys.stdout.write(json.dumps({"error": told}) + "\n")
        sys.stdout.flush()
    sys.stderr.write("Interrupted.\n")
    sys.stderr.flush()
    return ExitCode.INTERRUPTED
