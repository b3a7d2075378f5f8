"""The exit codes and what they mean."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a script can go by."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NO_ACCESS = 3
    TIMED_OUT = 4
    REFUSED = 5
    NOT_CONFIRMED = 6
    INTERRUPTED = 130


MEANINGS: dict[ExitCode, str] = {
    ExitCode.OK: "all is well: the deployment is done, the question is answered",
    ExitCode.FAILED: "the deployment failed, was cancelled or does not run; the doctor found something broken",
    ExitCode.USAGE: "wrong arguments, an unknown id, or no address or key given",
    ExitCode.NO_ACCESS: "the server can't be reached, does not accept the key, or forbids it to the key's user",
    ExitCode.TIMED_OUT: "the time to wait has passed (--timeout, --wait-to-begin); the server keeps working",
    ExitCode.REFUSED: "the server refuses, or can't do that: it is busy, there is nothing to kill, …",
    ExitCode.NOT_CONFIRMED: "not confirmed, so nothing was done; --yes answers for scripts",
    ExitCode.INTERRUPTED: "interrupted with Ctrl-C; what the server was told to do goes on",
}


def epilog() -> str:
    """The list for --help."""
    return "Exit codes: " + "; ".join(f"{code.value} {meaning}" for code, meaning in MEANINGS.items()) + "."
