"""A command that is ended leaves no process behind, also none with a process group of its own."""

from __future__ import annotations

import signal
import subprocess
import sys

import processes

STUBBORN = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
CHILD = STUBBORN + "import os; os.write(2, f'{os.getpid()}\\n'.encode()); signal.pause()"
PARENT = f"""
import subprocess, sys
{STUBBORN}
subprocess.Popen([sys.executable, "-c", {CHILD!r}], stderr=sys.stdout, start_new_session=True)
signal.pause()
"""
HEEDING = "import signal; signal.signal(signal.SIGINT, lambda *_: exit(7)); print(flush=True); signal.pause()"


def start(program: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)


def test_what_ignores_the_interrupt_is_killed_with_everything_below_it() -> None:
    with start(PARENT) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        assert [each.pid for each in processes.descendants(process.pid)] == [child]

        processes.end(process, budget=0.1)

        assert process.returncode == -signal.SIGKILL
        assert process.stdout.read() == ""  # comes to its end only when nobody holds the pipe any more


def test_what_heeds_the_interrupt_ends_by_itself() -> None:
    with start(HEEDING) as process:
        assert process.stdout is not None
        process.stdout.readline()

        processes.end(process)

    assert process.returncode == 7


def test_what_has_ended_is_left_alone() -> None:
    with start("") as process:
        process.wait()

        processes.end(process)

    assert process.returncode == 0
