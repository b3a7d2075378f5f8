"""Stands in for an interpreter: has a fork of the warm one do the work, and lives and dies with it.

Run without the site packages: `launcher.py PYTHON SOCKET ARGUMENTS…`. `socket`, `signal` and `json` would take longer
to import than all this takes.
"""

import _signal  # type: ignore[import-not-found]
import os
import sys
from _socket import AF_UNIX, SCM_RIGHTS, SOL_SOCKET, socket
from array import array

python, address, *arguments = sys.argv[1:]
to_run = [argument for argument in arguments if argument != "-u"]
if to_run == ["--version"]:
    print("Python", sys.version.split()[0])
    sys.exit()
if to_run[0].startswith("-") and to_run[0] != "-m":
    os.execv(python, [python, *arguments])  # noqa: S606 - that is what a launcher does

server = socket(AF_UNIX)
signals = (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP)


def pass_on(number: int, _frame: object) -> None:
    """Send a signal to the fork; one that has ended a moment ago needs none."""
    try:
        server.sendall(bytes([number]))
    except OSError:
        return


for each in signals:
    _signal.signal(each, pass_on)
_signal.pthread_sigmask(_signal.SIG_BLOCK, signals)  # until it is said what to run
server.connect(address)
server.sendmsg([b"\n"], [(SOL_SOCKET, SCM_RIGHTS, array("i", [0, 1, 2]))])
server.sendall(f"{(to_run, dict(os.environ), os.getcwd())!r}\n".encode())  # noqa: PTH109 - pathlib takes longer
_signal.pthread_sigmask(_signal.SIG_UNBLOCK, signals)
code = int(server.recv(20))
if code < 0:
    _signal.signal(-code, _signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
