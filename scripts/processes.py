"""Ending a pulumi command for good: its plugins lead process groups of their own and outlive a killed engine."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Iterable

import psutil

PATIENCE_SECONDS = 5.0


def descendants(pid: int) -> list[psutil.Process]:
    """The processes below this one."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def end(process: subprocess.Popen[str], budget: float = PATIENCE_SECONDS) -> None:
    """Interrupt a command as Ctrl-C does; kill it and everything below it when that takes too long."""
    if process.poll() is not None:
        return
    below = descendants(process.pid)
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=budget)
        return
    kill_all([*descendants(process.pid), *below])
    process.kill()
    process.wait()


def kill_all(processes: Iterable[psutil.Process]) -> None:
    """Kill what has not ended meanwhile."""
    for each in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()


def end_orphans(name: str, value: str) -> None:
    """Kill every process with this variable in its environment: plugins of a command that was killed, for instance."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.environ().get(name) == value:
                process.kill()
