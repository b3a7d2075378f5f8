"""Interpreters that begin with everything imported, for the hundreds that the engine starts.

Importing Pulumi's SDK, this package and what they need is two thirds of what such a process does. One process imports
them (`__main__`); a `python3` asked for in `bin` becomes a fork of it, with the arguments, the environment, the folder
and the streams of who asked. How the package is loaded from nothing is the affair of `tests/unit/test_loading.py` and
of the tests that are marked `own_interpreters`.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

IS_POSSIBLE = hasattr(os, "fork") and hasattr(os, "pidfd_open")
"""Elsewhere each process imports everything itself."""
PLUGIN = "pulumi-resource-dokploy-deployments"
STARTING_SECONDS = 60.0
_LAUNCHER = Path(__file__).parent / "launcher.py"


@contextmanager
def warm_interpreters(folder: Path) -> Iterator[Path]:
    """A folder like a virtual environment, with what is in its `bin`; it works as long as this lasts."""
    address, programs = folder / "socket", folder / "bin"
    programs.mkdir()
    python = [sys.executable, "-IS", str(_LAUNCHER), sys.executable, str(address)]
    plugin = Path(sys.executable).parent / PLUGIN
    for name, command in {"python": python, "python3": python, PLUGIN: [*python, str(plugin)]}.items():
        (programs / name).write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
        (programs / name).chmod(0o755)
    # In a session of its own, Ctrl-C does not reach it; its input is closed when this process ends.
    with subprocess.Popen(
        [sys.executable, "-m", __name__, str(address)], stdin=subprocess.PIPE, start_new_session=True
    ) as server:
        deadline = time.monotonic() + STARTING_SECONDS
        while not address.exists():
            assert server.poll() is None, "the process that imports has ended"
            assert time.monotonic() < deadline, "the process that imports did not get ready"
            time.sleep(0.01)
        yield folder
