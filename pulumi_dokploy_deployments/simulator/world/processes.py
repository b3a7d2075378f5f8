"""What the process of a container does each time it is started, as a test says it or as its command tells."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal

Runtime = Literal["healthy", "start_fails", "exits", "unhealthy"]
"""What a container does: stays up, can't start (317), ends (325, 520), never gets healthy (323, 503)."""
FOR_EVER = 1000.0
"""Seconds of a `sleep` from which on it says nothing: the container does what the test says, or stays up."""


@dataclass(frozen=True)
class Process:
    """One process; all times are seconds from its start.

    `exit_after`, `exit_code`, `oom_killed` and `last_words` count for `exits` only. A health check that passes
    does so after `ready_after`. `output` is written at the start, `last_words` just before the end; lines that
    begin with a capital word and a colon, such as "FATAL: …", go to the standard error.
    """

    runtime: Runtime = "healthy"
    start_seconds: float = 0.6
    exit_after: float = 0.2
    exit_code: int = 1
    oom_killed: bool = False
    ready_after: float = 0.0
    output: tuple[str, ...] = ()
    last_words: tuple[str, ...] = ()

    @property
    def ends(self) -> bool:
        """Tell whether it ends by itself."""
        return self.runtime in {"exits", "start_fails"}


PROCESS_FIELDS = tuple(field.name for field in fields(Process))


def from_command(command: str | Sequence[str] | None, default: Process) -> Process:
    """Return what a command does, as far as it can be read; `default` for all others.

    Understood are the commands of the recordings: busybox's `sleep`, `true`, `false`, and `sh -c` with `echo`,
    `sleep` and `exit`. `/bin/false` by itself can't be started, since the image has busybox only (317).
    """
    words = shlex.split(command) if isinstance(command, str) else [str(word) for word in command or ()]
    if not words:
        return default
    if words[0].endswith("/false"):
        return replace(default, runtime="start_fails")
    if words[0].rsplit("/", 1)[-1] == "busybox":
        words = words[1:]
    if len(words) > 2 and words[0].rsplit("/", 1)[-1] == "sh" and words[1] == "-c":
        return _from_script(words[2], default)
    return _from_script(shlex.join(words), default)


def _from_script(script: str, default: Process) -> Process:
    after, code, ended = 0.0, 0, False
    output: list[str] = []
    last_words: list[str] = []
    for step in re.split(r";|&&", script):
        words = step.replace("/bin/busybox ", "").replace(">&2", "").split()
        if not words:
            continue
        name, rest = words[0], words[1:]
        if name == "sleep" and rest and rest[0].replace(".", "", 1).isdigit():
            after += float(rest[0])
            if after >= FOR_EVER:
                return replace(default, output=tuple(output) or default.output)
        elif name == "echo":
            (last_words if after else output).append(" ".join(rest).strip("'\""))
        elif name in {"true", "false"}:
            code, ended = int(name == "false"), True
        elif name == "exit":
            code, ended = int(rest[0]) if rest and rest[0].isdigit() else 0, True
            break
        else:
            return default
    if not ended and not after:
        return default
    return replace(
        default,
        runtime="exits",
        exit_after=max(after, 0.05),
        exit_code=code,
        output=tuple(output) or default.output,
        last_words=tuple(last_words) or default.last_words,
    )
