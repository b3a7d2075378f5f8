"""Ending a pulumi command for good: its plugins lead process groups of their own and outlive a killed engine."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess

PATIENCE_SECONDS = 5.0


def descendants(pid: int) -> list[int]:
    """The processes below this one, parents before children."""
    table = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    children: dict[int, list[int]] = {}
    for line in table.splitlines():
        child, parent = (int(part) for part in line.split())
        children.setdefault(parent, []).append(child)
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(0), [])
        found += below
        waiting += below
    return found


def end(process: subprocess.Popen[str], budget: float = PATIENCE_SECONDS) -> None:
    """Interrupt a command as Ctrl-C does; kill it and everything below it when that takes too long."""
    if process.poll() is not None:
        return
    below = descendants(process.pid)
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=budget)
        return
    for pid in [process.pid, *descendants(process.pid), *below]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
